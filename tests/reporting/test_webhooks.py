"""Webhook Management: callback URLs, endpoints, their secret, their delivery log (S3.8-S3.11)."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from lists.choices import Role
from lists.models import AuditEntry, List, Realm, User
from optout.choices import Channel, Medium
from reporting.models import (
    DeliveryState,
    FeedCursor,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookFormat,
)
from reporting.webhooks.signing import secret_of
from tests import make
from tests.lists.screens import Screen, look_at, open_screen
from tests.reporting.portal import signed_in, signed_in_long_ago

PATH = "/manage/webhooks/"
NEW = f"{PATH}new"
URL = "https://crm.example.com/heed"
HOSTILE = "<script>alert(1)</script>"
FILLED = {
    "url": URL,
    "label": "CRM",
    "format": "standard",
    "reach": "whole",
    "gets_lifts": "on",
    "batches": "on",
}


def path_of(endpoint: WebhookEndpoint, action: str = "") -> str:
    return f"{PATH}{endpoint.public_id}{action and '/'}{action}"


def a_delivery(endpoint: WebhookEndpoint, address: str = "jane@example.com", **fields: Any) -> Any:
    """A delivery of one opt-out, delivered unless said otherwise."""
    now = timezone.now()
    change = {
        "id": 1,
        "type": "opt_out",
        "list": 1,
        "address": address,
        "digest": "0" * 32,
        "medium": "email",
        "channel": "page",
        "reason": "unsubscribed",
        "origin": "recipient",
        "is_new": True,
        "suppressed": True,
        "recorded_at": "2026-03-04T12:00:00Z",
    }
    values = {
        "message": uuid4(),
        "changes": [change],
        "recorded_at": now,
        "created_at": now,
        "due_at": now,
        "tried_at": now,
        "state": DeliveryState.DELIVERED,
        "tries": 1,
        "status": 200,
        "took_ms": 42,
        **fields,
    }
    if "size" in values:
        values["changes"] = [change] * values.pop("size")
    return WebhookDelivery.objects.create(endpoint=endpoint, **values)


def audited() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def run_sender() -> None:
    """The sign of life of a sender."""
    FeedCursor.objects.update_or_create(
        name="webhooks", defaults={"xid": 0, "last_id": 0, "moved_at": timezone.now()}
    )


def shown_secret(response: Any) -> str:
    found = re.search(r'id="secret">(whsec_[\w+/=]+)<', response.content.decode())
    assert found is not None
    return found.group(1)


def follow(client: Client, response: Any) -> Screen:
    assert response.status_code == 302, response.content.decode()
    return open_screen(client, response["Location"].partition("#")[0])


@pytest.mark.django_db
class TestTheScreen:
    def test_it_is_a_place_of_its_own_and_a_tab_of_settings(self, alice: User) -> None:
        client = signed_in(alice)
        screen = open_screen(client, PATH)
        assert screen.heading == "Webhook Management"
        assert ">Default Optout Callback URL:</label>" in screen.html
        assert "No further endpoints" in screen.text and NEW in screen.links
        assert PATH in open_screen(client, "/manage/").links
        settings = open_screen(client, "/manage/settings/")
        assert settings.links.count(PATH) == 2 and "Webhook Management" in settings.text

    def test_an_owner_sees_what_is_told_of_their_lists_alone(
        self, realm: Realm, optout_list: List, bob: User
    ) -> None:
        second = make.make_list(realm, 2, "Offers")
        make.make_webhook_endpoint(realm, optout_list, label="Mine")
        make.make_webhook_endpoint(realm, label="Of all")
        make.make_webhook_endpoint(realm, optout_list, second, label="Of both")
        screen = open_screen(signed_in(bob), PATH)
        assert "Mine" in screen.text
        assert "Of all" not in screen.text and "Of both" not in screen.text
        assert "Default Optout Callback URL:" not in screen.text

    @pytest.mark.parametrize("role", [Role.VIEWER, Role.MAILER])
    def test_viewers_and_mailers_do_not_meet_it(
        self, realm: Realm, optout_list: List, role: Role
    ) -> None:
        user = make.make_user("v@acme.example")
        make.make_member(user, realm, role, optout_list)
        client = signed_in(user)
        assert client.get(PATH).status_code == 404
        assert PATH not in open_screen(client, "/manage/").links

    def test_each_is_told_by_how_it_does(self, realm: Realm, alice: User) -> None:
        now = timezone.now()
        make.make_webhook_endpoint(realm, label="Good", succeeded_at=now)
        make.make_webhook_endpoint(realm, label="Bad", failing_since=make.NOW)
        make.make_webhook_endpoint(realm, label="Gone", off_at=make.NOW, off_cause="gone")
        make.make_webhook_endpoint(realm, label="Fresh")
        screen = open_screen(signed_in(alice), PATH)
        assert (
            "Good crm.example.com/heed Whole realm Standard Delivering – 0 0 just now"
            in screen.text
        )
        assert "Failing since 4 Mar 2026, 12:00" in screen.text
        assert (
            "Switched off since 4 Mar 2026, 12:00 : the receiver answered 410 Gone" in screen.text
        )
        assert "Fresh crm.example.com/heed Whole realm Standard Nothing sent yet" in screen.text

    def test_it_says_when_nothing_sends(self, realm: Realm, alice: User) -> None:
        client = signed_in(alice)
        assert "Nothing is being sent" not in open_screen(client, PATH).text
        endpoint = make.make_webhook_endpoint(realm)
        for path in (PATH, path_of(endpoint)):
            assert "Nothing is being sent" in open_screen(client, path).text
        run_sender()
        for path in (PATH, path_of(endpoint)):
            assert "Nothing is being sent" not in open_screen(client, path).text

    def test_a_test_that_arrived_is_something_sent(self, realm: Realm, alice: User) -> None:
        endpoint = make.make_webhook_endpoint(realm, label="CRM")
        a_delivery(endpoint, is_test=True)
        client = signed_in(alice)
        assert "Tested, nothing to send yet" in open_screen(client, PATH).text
        text = open_screen(client, path_of(endpoint)).text
        assert "Tested, nothing to send yet" in text and "None yet but for the test" in text

    def test_one_that_failed_was_sent_something(self, realm: Realm, alice: User) -> None:
        endpoint = make.make_webhook_endpoint(realm, failed_at=make.NOW)
        a_delivery(endpoint, state=DeliveryState.QUEUED)
        client = signed_in(alice)
        for path in (PATH, path_of(endpoint)):
            text = open_screen(client, path).text
            assert "Nothing delivered yet" in text and "Nothing sent yet" not in text

    def test_do_not_mail_is_told_of_with_some_lists(
        self, realm: Realm, optout_list: List, alice: User
    ) -> None:
        endpoint = make.make_webhook_endpoint(realm, optout_list)
        both = make.make_webhook_endpoint(realm, make.do_not_mail(realm), optout_list)
        client = signed_in(alice)
        assert "Garden letters, and Do Not Mail Standard" in open_screen(client, PATH).text
        told = "Told of Garden letters, and Do Not Mail Format"
        assert told in open_screen(client, path_of(endpoint)).text
        assert ", and Do Not Mail" not in open_screen(client, path_of(both)).text

    def test_it_takes_few_queries(
        self, realm: Realm, optout_list: List, alice: User, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(30):
            endpoint = make.make_webhook_endpoint(realm, optout_list, label=f"No. {number}")
            a_delivery(endpoint)
        client = signed_in(alice)
        with django_assert_max_num_queries(10):
            open_screen(client, PATH)

    def test_a_hundred_endpoints_with_long_names_are_no_heavy_page(
        self, realm: Realm, alice: User
    ) -> None:
        for number in range(100):
            url = f"https://{uuid4().hex}.{number}.example.com/{uuid4().hex}"
            make.make_webhook_endpoint(realm, url=url, label=f"{uuid4()} {uuid4()}")
        open_screen(signed_in(alice), PATH)


@pytest.mark.django_db
class TestDefaultCallback:
    def test_it_is_set_changed_and_taken_away(self, realm: Realm, alice: User) -> None:
        client = signed_in(alice)
        screen = follow(client, client.post(PATH, {"url": URL, "format": "sms-json"}))
        assert "Saved. Every opt-out goes there from now on." in screen.text
        endpoint = WebhookEndpoint.objects.get()
        assert (endpoint.is_callback, endpoint.list_ids, endpoint.format) == (
            True,
            None,
            "sms-json",
        )
        assert endpoint.made_by == alice
        assert screen.fields["url"] == [URL] and path_of(endpoint) in screen.links
        assert "Nothing sent yet" in screen.text

        client.post(PATH, {"url": "https://b.example.com/", "format": "sms-form"})
        changed = WebhookEndpoint.objects.get()
        assert (changed.pk, changed.url) == (endpoint.pk, "https://b.example.com/")
        assert changed.format == WebhookFormat.SMS_FORM
        assert bytes(changed.salt) == bytes(endpoint.salt)

        assert audited() == ["make_webhook", "change_webhook"]

    def test_taking_it_away_is_asked_first(self, realm: Realm, alice: User) -> None:
        endpoint = make.make_webhook_endpoint(realm, url=URL, is_callback=True)
        for _ in range(2):
            a_delivery(endpoint, state=DeliveryState.WAITING)
        client = signed_in(alice)
        response = client.post(PATH, {"url": " ", "format": "sms-json"})
        assert response["Location"] == path_of(endpoint, "remove")
        assert "2 that wait will never arrive there." in follow(client, response).text
        assert WebhookEndpoint.objects.get().removed_at is None and audited() == []

        screen = follow(client, client.post(path_of(endpoint, "remove")))
        assert "Nothing is sent there any more." in screen.text and screen.fields["url"] == [""]
        assert audited() == ["remove_webhook"]

    def test_an_empty_one_where_there_is_none_changes_nothing(self, alice: User) -> None:
        client = signed_in(alice)
        screen = follow(client, client.post(PATH, {"url": "", "format": "sms-json"}))
        assert "Nothing was changed." in screen.text and audited() == []

    def test_how_it_does_is_told_beside_it(self, realm: Realm, alice: User) -> None:
        now = timezone.now()
        endpoint = make.make_webhook_endpoint(realm, is_callback=True, succeeded_at=now)
        a_delivery(endpoint, state=DeliveryState.FAILED)
        for _ in range(2):
            late = now - timedelta(minutes=5)
            a_delivery(endpoint, state=DeliveryState.WAITING, recorded_at=late)
        text = open_screen(signed_in(alice), PATH).text
        assert "Delivering Delay 5 min Waiting 2 Failed 1 Last success just now" in text

    def test_the_same_again_changes_nothing(self, alice: User) -> None:
        client = signed_in(alice)
        for _ in range(2):
            client.post(PATH, {"url": URL, "format": "sms-json"})
        assert WebhookEndpoint.objects.count() == 1
        assert audited() == ["make_webhook"]

    @pytest.mark.parametrize(
        "url", ["ftp://a.example/", "http://127.0.0.1/", "https://u:p@a.example/", "x" * 2001]
    )
    def test_what_may_not_be_called_is_said_and_kept_in_the_field(
        self, alice: User, url: str
    ) -> None:
        client = signed_in(alice)
        response = client.post(PATH, {"url": url, "format": "sms-json"})
        assert response.status_code == 422
        screen = look_at(response)
        assert "There is a problem" in screen.text and screen.fields["url"] == [url]
        assert not WebhookEndpoint.objects.exists()

    def test_a_new_place_for_addresses_asks_for_the_password(self, alice: User) -> None:
        client = signed_in_long_ago(alice)
        response = client.post(PATH, {"url": URL, "format": "sms-json"})
        assert "/reauthenticate/" in response["Location"]
        assert not WebhookEndpoint.objects.exists()

    def test_an_owner_has_none(self, bob: User) -> None:
        response = signed_in(bob).post(PATH, {"url": URL, "format": "sms-json"})
        assert response.status_code == 404
        assert not WebhookEndpoint.objects.exists()

    def test_without_its_token_nothing_happens(self, alice: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(alice)
        assert client.post(PATH, {"url": URL, "format": "sms-json"}).status_code == 403
        assert not WebhookEndpoint.objects.exists()


@pytest.mark.django_db
class TestCallbackOfAList:
    def test_an_owner_gives_their_list_one(
        self, realm: Realm, optout_list: List, bob: User
    ) -> None:
        make.make_list(realm, 2, "Offers")
        client = signed_in(bob)
        screen = open_screen(client, f"{PATH}list-callback")
        assert "Garden letters" in screen.text
        assert "Offers" not in screen.text and "Do Not Mail" not in screen.text
        data = {"optout_list": optout_list.public_id, "url": URL, "format": "sms-form"}

        screen = follow(client, client.post(f"{PATH}list-callback", data))

        endpoint = WebhookEndpoint.objects.get()
        assert (endpoint.is_callback, endpoint.list_ids) == (True, [optout_list.pk])
        assert screen.heading == "Callback of Garden letters"
        screen = open_screen(client, PATH)
        assert "Garden letters crm.example.com" in screen.text
        assert "Add for a list" not in screen.text  # there is no other of theirs
        assert path_of(endpoint, "remove") in screen.links

    def test_a_list_of_somebody_else_is_no_choice(self, realm: Realm, bob: User) -> None:
        second = make.make_list(realm, 2, "Offers")
        data = {"optout_list": second.public_id, "url": URL, "format": "sms-json"}
        assert signed_in(bob).post(f"{PATH}list-callback", data).status_code == 422
        assert not WebhookEndpoint.objects.exists()

    def test_it_is_changed_and_stays_with_its_list(
        self, realm: Realm, optout_list: List, bob: User
    ) -> None:
        endpoint = make.make_webhook_endpoint(
            realm, optout_list, is_callback=True, format=WebhookFormat.SMS_JSON
        )
        client = signed_in(bob)
        data = {"url": "https://b.example.com/", "format": "sms-form", "lists": ["0"]}
        assert "Saved." in follow(client, client.post(path_of(endpoint, "change"), data)).text
        endpoint.refresh_from_db()
        assert (endpoint.url, endpoint.format) == ("https://b.example.com/", "sms-form")
        assert endpoint.list_ids == [optout_list.pk] and endpoint.is_callback

    def test_the_lists_settings_say_where_its_opt_outs_go(
        self, realm: Realm, optout_list: List, alice: User, bob: User
    ) -> None:
        settings = f"/manage/lists/{optout_list.public_id}/settings"
        client = signed_in(alice)
        screen = open_screen(client, settings)
        assert "not forwarded" in screen.text and f"{PATH}#lists" in screen.links

        make.make_webhook_endpoint(realm, url="https://default.example/", is_callback=True)
        assert "forwarded to default.example ." in open_screen(client, settings).text
        for_bob = open_screen(signed_in(bob), settings).text
        assert "default.example" not in for_bob and "the realm’s admins chose" in for_bob

        make.make_webhook_endpoint(realm, optout_list, url="https://own.example/", is_callback=True)
        make.make_webhook_endpoint(
            realm, url="https://off.example/", off_at=make.NOW, off_cause="owner"
        )
        make.make_webhook_endpoint(realm, url="https://more.example/")
        assert "to own.example and more.example ." in open_screen(client, settings).text
        assert "to own.example and elsewhere" in open_screen(signed_in(bob), settings).text


@pytest.mark.django_db
class TestMaking:
    def test_its_secret_is_shown_with_what_to_do_with_it(self, alice: User) -> None:
        response = signed_in(alice).post(NEW, FILLED)
        endpoint = WebhookEndpoint.objects.get()
        assert shown_secret(response) == secret_of(bytes(endpoint.salt))
        assert "no-store" in response["Cache-Control"]
        screen = look_at(response)
        assert any(link.endswith("/api/v1/docs/webhooks#verifying") for link in screen.links)
        assert 'id="verifying"' in Client().get("/api/v1/docs/webhooks").content.decode()
        assert (endpoint.url, endpoint.label, endpoint.list_ids) == (URL, "CRM", None)
        assert (endpoint.channels, endpoint.medium) == (None, None)
        assert audited() == ["make_webhook"]

    def test_with_filters(self, optout_list: List, alice: User) -> None:
        data = FILLED | {
            "reach": "some",
            "lists": [optout_list.pk],
            "channels": [Channel.REST.value, Channel.PAGE.value],
            "medium": Medium.SMS.value,
            "format": "sms-json",
        }
        del data["gets_lifts"], data["batches"]
        assert signed_in(alice).post(NEW, data).status_code == 200
        endpoint = WebhookEndpoint.objects.get()
        assert endpoint.list_ids == [optout_list.pk]
        assert (endpoint.channels, endpoint.medium) == ([Channel.PAGE, Channel.REST], Medium.SMS)
        assert (endpoint.gets_lifts, endpoint.batches) == (False, False)

    def test_a_second_click_makes_no_second_one(self, realm: Realm, alice: User) -> None:
        client = signed_in(alice)
        first = client.post(NEW, FILLED)
        again = client.post(NEW, FILLED)
        assert WebhookEndpoint.objects.count() == 1
        assert shown_secret(again) == shown_secret(first)
        assert "was made a moment ago" in look_at(again).text

        WebhookEndpoint.objects.update(created_at=timezone.now() - timedelta(minutes=2))
        client.post(NEW, FILLED)
        client.post(NEW, FILLED | {"format": "sms-json"})
        assert WebhookEndpoint.objects.count() == 3

    def test_an_owner_chooses_among_their_lists(
        self, realm: Realm, optout_list: List, bob: User
    ) -> None:
        second = make.make_list(realm, 2, "Offers")
        client = signed_in(bob)
        screen = open_screen(client, NEW)
        assert "Garden letters" in screen.text and "Offers" not in screen.text
        assert "whole realm" not in screen.text
        assert "Tick one list at least." in look_at(client.post(NEW, FILLED)).text
        assert client.post(NEW, FILLED | {"lists": [second.pk]}).status_code == 422
        assert not WebhookEndpoint.objects.exists()

        assert client.post(NEW, FILLED | {"lists": [optout_list.pk]}).status_code == 200
        assert WebhookEndpoint.objects.get().list_ids == [optout_list.pk]

    def test_it_asks_for_the_password_first(self, alice: User) -> None:
        response = signed_in_long_ago(alice).post(NEW, FILLED)
        assert "/reauthenticate/" in response["Location"]
        assert not WebhookEndpoint.objects.exists()

    def test_what_is_wrong_is_said_and_kept(self, alice: User) -> None:
        data = FILLED | {"url": "https://10.0.0.1/x", "label": "a\nb", "reach": "some"}
        response = signed_in(alice).post(NEW, data)
        assert response.status_code == 422
        screen = look_at(response)
        assert screen.fields["url"] == ["https://10.0.0.1/x"]
        assert "Tick one list at least." in screen.text
        assert not WebhookEndpoint.objects.exists()

    def test_a_realm_has_a_hundred_at_most(self, realm: Realm, alice: User) -> None:
        for _ in range(100):
            make.make_webhook_endpoint(realm)
        response = signed_in(alice).post(NEW, FILLED)
        assert response.status_code == 422
        assert "at most 100 endpoints" in look_at(response).text


@pytest.mark.django_db
class TestChanging:
    def test_it_is_shown_as_it_is_and_saved(
        self, realm: Realm, optout_list: List, alice: User
    ) -> None:
        endpoint = make.make_webhook_endpoint(
            realm, optout_list, channels=[Channel.INBOUND_SMS], medium=Medium.SMS, gets_lifts=False
        )
        client = signed_in(alice)
        fields = open_screen(client, path_of(endpoint, "change")).fields
        assert (fields["reach"], fields["lists"]) == (["some"], [str(optout_list.pk)])
        assert (fields["channels"], fields["medium"]) == (["11"], ["2"])
        assert "gets_lifts" not in fields and fields["batches"] == ["on"]

        screen = follow(client, client.post(path_of(endpoint, "change"), FILLED))
        assert "Saved." in screen.text and screen.heading == "CRM"
        endpoint.refresh_from_db()
        assert (endpoint.list_ids, endpoint.channels, endpoint.medium) == (None, None, None)
        assert endpoint.gets_lifts and audited() == ["change_webhook"]

        screen = follow(client, client.post(path_of(endpoint, "change"), FILLED))
        assert "Nothing was changed." in screen.text and audited() == ["change_webhook"]

    def test_another_url_asks_for_the_password_the_rest_does_not(
        self, realm: Realm, alice: User
    ) -> None:
        endpoint = make.make_webhook_endpoint(realm, url=URL)
        client = signed_in_long_ago(alice)
        assert path_of(endpoint) == client.post(path_of(endpoint, "change"), FILLED)["Location"]
        moved = client.post(path_of(endpoint, "change"), FILLED | {"url": "https://b.example/"})
        assert "/reauthenticate/" in moved["Location"]
        endpoint.refresh_from_db()
        assert (endpoint.label, endpoint.url) == ("CRM", URL)


@pytest.mark.django_db
class TestOneEndpoint:
    def test_numbers_come_first_then_the_chart_with_its_table(
        self, realm: Realm, alice: User
    ) -> None:
        endpoint = make.make_webhook_endpoint(realm, succeeded_at=timezone.now())
        for _ in range(3):
            a_delivery(endpoint)
        a_delivery(endpoint, state=DeliveryState.FAILED, status=500)
        client = signed_in(alice)
        screen = open_screen(client, path_of(endpoint))
        assert "Delivered in 7 days 3" in screen.text and "Failed in 7 days 1" in screen.text
        assert "Delay None" in screen.text and "Last success just now" in screen.text
        assert "Show as table" in screen.text
        assert f"{path_of(endpoint)}?show=failed#log" in screen.links

        lines = client.get(path_of(endpoint, "per-day.csv")).content.decode().splitlines()
        assert lines[0] == "day,delivered,failed,waiting" and len(lines) == 8
        assert lines[-1] == f"{timezone.now():%Y-%m-%d},3,1,0"

    def test_it_says_what_to_do_where_nothing_was_sent(self, realm: Realm, alice: User) -> None:
        text = open_screen(signed_in(alice), path_of(make.make_webhook_endpoint(realm))).text
        assert "Nothing sent yet" in text and "press “Send test”" in text

    def test_a_line_opens_to_request_and_answer(self, realm: Realm, alice: User) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        due = timezone.now() + timedelta(hours=2)
        delivery = a_delivery(
            endpoint,
            state=DeliveryState.WAITING,
            status=503,
            failure="status",
            answer="Come back later",
            tries=4,
            due_at=due,
        )
        text = open_screen(signed_in(alice), path_of(endpoint)).text
        assert f"webhook-id: {delivery.webhook_id}" in text
        assert '{"type":"opt_out.recorded",' in text  # as it is sent, and signed
        assert '"address":"jane@example.com"' in text
        assert "HTTP 503 Service Unavailable Come back later" in text
        assert f"Next try: {due:%-d %b %Y, %H:%M:%S} UTC" in text
        assert "Waiting HTTP 503 Tries 4 Took 42 ms" in text

    def test_where_no_answer_came_the_line_says_why(self, realm: Realm, alice: User) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        a_delivery(endpoint, state=DeliveryState.FAILED, status=None, failure="forbidden")
        text = open_screen(signed_in(alice), path_of(endpoint)).text
        assert "inside a network that Heed may not call" in text and "None came." in text

    def test_several_in_one_have_a_page_of_their_own(
        self, realm: Realm, alice: User, charlie: User
    ) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        batch = a_delivery(endpoint, size=34)
        client = signed_in(alice)
        screen = open_screen(client, path_of(endpoint))
        whole = path_of(endpoint, f"deliveries/{batch.pk}")
        assert "34 changes in one" in screen.text and whole in screen.links
        assert open_screen(client, whole).text.count('"address":') == 34
        other = make.make_webhook_endpoint(realm)
        for wrong in (path_of(other, f"deliveries/{batch.pk}"), f"{whole}{10**20}"):
            assert client.get(wrong).status_code == 404
        assert signed_in(charlie).get(whole).status_code == 404

    def test_what_a_stranger_wrote_is_text(self, realm: Realm, alice: User) -> None:
        endpoint = make.make_webhook_endpoint(
            realm, label=HOSTILE, url=f"https://crm.example.com/?{HOSTILE}"
        )
        delivery = a_delivery(
            endpoint, HOSTILE, answer=HOSTILE, asked_by=HOSTILE, state=DeliveryState.FAILED
        )
        client = signed_in(alice)
        for action in ("", "change", "remove", "rotate", f"deliveries/{delivery.pk}"):
            html = open_screen(client, path_of(endpoint, action)).html
            assert HOSTILE not in html and "&lt;script&gt;" in html
        assert HOSTILE not in open_screen(client, PATH).html

    @pytest.mark.parametrize(
        ("show", "found"),
        [
            ("", {"a", "b", "c", "d", "e"}),
            ("nonsense", {"a", "b", "c", "d", "e"}),
            ("waiting", {"a", "b"}),
            ("delivered", {"c"}),
            ("failed", {"d"}),
            ("tests", {"e"}),
        ],
    )
    def test_the_log_is_filtered(
        self, realm: Realm, alice: User, show: str, found: set[str]
    ) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        for name, state in zip("abcd", DeliveryState.values, strict=True):
            a_delivery(endpoint, f"{name}@example.com", state=state)
        a_delivery(endpoint, "e@example.com", is_test=True)
        html = open_screen(signed_in(alice), f"{path_of(endpoint)}?show={show}").html
        assert set(re.findall(r'log-address">(\w)@example.com', html)) == found

    def test_a_long_log_has_pages_light_ones_in_few_queries(
        self, realm: Realm, optout_list: List, bob: User, django_assert_max_num_queries: Any
    ) -> None:
        endpoint = make.make_webhook_endpoint(realm, optout_list)
        for number in range(45):
            answer = "".join(uuid4().hex for _ in range(31))
            a_delivery(endpoint, f"no.{number}@example.com", answer=answer, size=1 + number % 2)
        client = signed_in(bob)
        seen: list[str] = []
        path = path_of(endpoint)
        for _ in range(3):
            with django_assert_max_num_queries(10):
                screen = open_screen(client, path)
            seen += re.findall(r'<li id="d(\d+)"', screen.html)
            older = [link for link in screen.links if link.startswith("?after=")]
            path = path_of(endpoint) + (older[0].removesuffix("#log") if older else "")
        everything = WebhookDelivery.objects.order_by("-pk").values_list("pk", flat=True)
        assert seen == [str(pk) for pk in everything]
        newer = [link for link in screen.links if link.startswith("?before=")]
        back = open_screen(client, path_of(endpoint) + newer[0].removesuffix("#log"))
        assert re.findall(r'<li id="d(\d+)"', back.html) == seen[20:40]

    @pytest.mark.parametrize("place", ["after=x", "before=-1", "after=99999999999999999999999"])
    def test_a_place_that_there_is_not_is_the_first_page(
        self, realm: Realm, alice: User, place: str
    ) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        a_delivery(endpoint)
        assert (
            "jane@example.com" in open_screen(signed_in(alice), f"{path_of(endpoint)}?{place}").text
        )


@pytest.mark.django_db
class TestSending:
    def test_a_test_is_put_into_the_log(self, realm: Realm, alice: User) -> None:
        run_sender()
        endpoint = make.make_webhook_endpoint(realm)
        client = signed_in(alice)
        response = client.post(path_of(endpoint, "test"))
        assert response["Location"] == f"{path_of(endpoint)}#log"
        screen = follow(client, response)
        assert "The test is on its way." in screen.text and " data-pending>" in screen.html
        delivery = WebhookDelivery.objects.get()
        assert (delivery.is_test, delivery.state) == (True, DeliveryState.QUEUED)
        assert delivery.asked_by == alice.email
        client.post(path_of(endpoint, "test"))
        assert WebhookDelivery.objects.count() == 1

    def test_it_says_when_the_test_has_to_wait(self, realm: Realm, alice: User) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        client = signed_in(alice)
        assert (
            "does not run at the moment"
            in follow(client, client.post(path_of(endpoint, "test"))).text
        )

    def test_one_is_replayed(self, realm: Realm, alice: User) -> None:
        run_sender()
        endpoint = make.make_webhook_endpoint(realm)
        delivery = a_delivery(endpoint, state=DeliveryState.FAILED)
        client = signed_in(alice)
        screen = follow(client, client.post(path_of(endpoint, "replay"), {"delivery": delivery.pk}))
        assert "1 delivery goes out again." in screen.text
        delivery.refresh_from_db()
        assert (delivery.state, delivery.asked_by) == (DeliveryState.QUEUED, alice.email)
        client.post(path_of(endpoint, "replay"), {"delivery": delivery.pk})
        assert audited() == ["replay_webhook"]

    @pytest.mark.parametrize("wrong", ["0", "x", "-1", "9" * 30, "²"])
    def test_a_delivery_that_is_not_there_is_not_replayed(
        self, realm: Realm, alice: User, wrong: str
    ) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        response = signed_in(alice).post(path_of(endpoint, "replay"), {"delivery": wrong})
        assert response.status_code == 404

    def test_another_endpoints_delivery_and_a_test_are_not_replayed(
        self, realm: Realm, alice: User
    ) -> None:
        endpoint, other = (make.make_webhook_endpoint(realm) for _ in range(2))
        client = signed_in(alice)
        for delivery in (a_delivery(other), a_delivery(endpoint, is_test=True)):
            data = {"delivery": delivery.pk}
            assert client.post(path_of(endpoint, "replay"), data).status_code == 404
        assert not WebhookDelivery.objects.filter(state=DeliveryState.QUEUED).exists()

    def test_all_that_failed_since_are_replayed(self, realm: Realm, alice: User) -> None:
        run_sender()
        endpoint = make.make_webhook_endpoint(realm)
        now = timezone.now()
        oldest = now - timedelta(hours=76)
        for at in (now, now - timedelta(hours=30), oldest):
            a_delivery(endpoint, state=DeliveryState.FAILED, recorded_at=at)
        a_delivery(endpoint)
        client = signed_in(alice)
        fields = open_screen(client, path_of(endpoint)).fields
        assert fields["since"] == [f"{oldest:%Y-%m-%dT%H:%M}"]  # what is offered finds them all

        yesterday = {"since": f"{now - timedelta(days=1):%Y-%m-%dT%H:%M}"}
        screen = follow(client, client.post(path_of(endpoint, "replay"), yesterday))
        assert "1 delivery goes out again." in screen.text
        data = {"since": screen.fields["since"][0]}
        screen = follow(client, client.post(path_of(endpoint, "replay"), data))
        assert "2 deliveries go out again." in screen.text
        assert "since" not in screen.fields  # nothing is left
        screen = follow(client, client.post(path_of(endpoint, "replay"), data))
        assert "Nothing has failed that was recorded since then." in screen.text

    @pytest.mark.parametrize("since", ["", "yesterday", "0001-01-01T00:00", "9999-12-31T23:59"])
    def test_a_time_that_is_none_is_said(self, realm: Realm, alice: User, since: str) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        a_delivery(endpoint, state=DeliveryState.FAILED)
        response = signed_in(alice).post(path_of(endpoint, "replay"), {"since": since})
        assert response.status_code == 422
        assert 'class="field-error"' in look_at(response).html


@pytest.mark.django_db
class TestSwitching:
    def test_off_and_on_again_with_what_it_missed(self, realm: Realm, alice: User) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        waiting = a_delivery(endpoint, state=DeliveryState.WAITING)
        client = signed_in(alice)
        screen = follow(client, client.post(path_of(endpoint, "switch"), {"do": "off"}))
        assert "Switched off since" in screen.text and "by hand" in screen.text
        assert screen.fields["missed"] == ["send"] and "Next try" not in screen.text
        assert "what failed for good since it last took anything" in screen.text
        endpoint.refresh_from_db()
        assert endpoint.off_cause == "owner"

        nothing = follow(client, client.post(path_of(endpoint, "switch"), {"do": "on"}))
        assert "Choose what becomes of" in nothing.text

        data = {"do": "on", "missed": "send"}
        screen = follow(client, client.post(path_of(endpoint, "switch"), data))
        assert "It gets what it missed first." in screen.text
        endpoint.refresh_from_db()
        waiting.refresh_from_db()
        assert endpoint.is_on and waiting.state == DeliveryState.WAITING
        assert audited() == ["switch_off_webhook", "switch_on_webhook"]

    def test_on_again_from_now(self, realm: Realm, alice: User) -> None:
        endpoint = make.make_webhook_endpoint(realm, off_at=make.NOW, off_cause="failing")
        waiting = a_delivery(endpoint, state=DeliveryState.WAITING)
        client = signed_in(alice)
        data = {"do": "on", "missed": "skip"}
        screen = follow(client, client.post(path_of(endpoint, "switch"), data))
        assert "It starts with the next opt-out." in screen.text
        waiting.refresh_from_db()
        assert waiting.state == DeliveryState.FAILED


@pytest.mark.django_db
class TestSecret:
    def test_it_is_shown_after_a_recent_sign_in_only(self, realm: Realm, alice: User) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        secret = secret_of(bytes(endpoint.salt))
        response = signed_in(alice).post(path_of(endpoint, "secret"))
        assert shown_secret(response) == secret and "no-store" in response["Cache-Control"]

        client = signed_in_long_ago(alice)
        assert "/reauthenticate/" in client.post(path_of(endpoint, "secret"))["Location"]
        assert client.get(path_of(endpoint, "secret"))["Location"] == path_of(endpoint)
        for path in (path_of(endpoint), PATH, path_of(endpoint, "rotate")):
            assert secret not in open_screen(client, path).html

    def test_a_new_one_beside_the_old_one(self, realm: Realm, alice: User) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        old = bytes(endpoint.salt)
        client = signed_in(alice)
        fields = open_screen(client, path_of(endpoint, "rotate")).fields
        assert fields["old_ends"] == ["24h"]
        data = {"old_ends": "7d", "replaces": fields["replaces"][0]}

        response = client.post(path_of(endpoint, "rotate"), data)

        endpoint.refresh_from_db()
        assert shown_secret(response) == secret_of(bytes(endpoint.salt)) != secret_of(old)
        assert bytes(endpoint.old_salt or b"") == old and endpoint.old_salt_until is not None
        until = f"{endpoint.old_salt_until:%-d %b %Y, %H:%M} UTC"
        assert (
            f"The old one signs as well until {until}"
            in open_screen(client, path_of(endpoint)).text
        )

        again = client.post(path_of(endpoint, "rotate"), data)  # a second click
        assert shown_secret(again) == shown_secret(response)
        assert audited() == ["rotate_webhook_secret"]
        assert "An old secret still signs" in open_screen(client, path_of(endpoint, "rotate")).text

    def test_a_new_one_asks_for_the_password_first(self, realm: Realm, alice: User) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        client = signed_in_long_ago(alice)
        fields = open_screen(client, path_of(endpoint, "rotate")).fields
        data = {"old_ends": "0", "replaces": fields["replaces"][0]}
        assert "/reauthenticate/" in client.post(path_of(endpoint, "rotate"), data)["Location"]
        salt = bytes(endpoint.salt)
        endpoint.refresh_from_db()
        assert bytes(endpoint.salt) == salt


@pytest.mark.django_db
class TestRemoving:
    def test_it_says_what_would_be_gone_and_asks(self, realm: Realm, alice: User) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        a_delivery(endpoint, state=DeliveryState.WAITING)
        client = signed_in(alice)
        assert (
            "1 that waits will never arrive"
            in open_screen(client, path_of(endpoint, "remove")).text
        )
        endpoint.refresh_from_db()
        assert endpoint.removed_at is None

        response = client.post(path_of(endpoint, "remove"))
        assert response["Location"] == PATH
        assert "Removed." in follow(client, response).text
        assert audited() == ["remove_webhook"]
        for action in ("", "change", "remove", "rotate"):
            assert client.get(path_of(endpoint, action)).status_code == 404
        assert client.post(path_of(endpoint, "remove")).status_code == 404

    def test_of_an_off_one_all_that_it_missed_is_counted(
        self, realm: Realm, optout_list: List, alice: User
    ) -> None:
        endpoint = make.make_webhook_endpoint(realm, off_at=make.NOW, off_cause="gone")
        for name in "abc":
            make.make_optout(optout_list, f"{name}@example.com")
        client = signed_in(alice)
        assert (
            "3 that wait will never arrive" in open_screen(client, path_of(endpoint, "remove")).text
        )
        assert "Waiting 3 until it is switched on" in open_screen(client, path_of(endpoint)).text

    def test_of_a_list_it_says_who_is_told_instead(
        self, realm: Realm, optout_list: List, bob: User
    ) -> None:
        endpoint = make.make_webhook_endpoint(realm, optout_list, is_callback=True)
        client = signed_in(bob)
        text = open_screen(client, path_of(endpoint, "remove")).text
        assert "The realm has no default callback" in text
        make.make_webhook_endpoint(realm, is_callback=True)
        text = open_screen(client, path_of(endpoint, "remove")).text
        assert "The default callback is told instead: of what waits here" in text


@pytest.mark.django_db
class TestSeveralRealms:
    def test_a_link_from_a_mail_leads_into_its_realm(self, realm: Realm, alice: User) -> None:
        other = make.make_realm("zebra")
        make.make_member(alice, other, Role.ADMIN)
        endpoint = make.make_webhook_endpoint(other)
        screen = open_screen(signed_in(alice), path_of(endpoint))  # the chosen one is acme
        assert ">zebra<" in screen.html
