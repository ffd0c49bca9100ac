"""Endpoints over REST: who may have what sent where, and what is told of it (S3.9, S3.11, AT-19, AT-31)."""

from base64 import b64decode
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings
from standardwebhooks.webhooks import Webhook

from lists.models import AuditEntry, List, Realm
from lists.sealed import salts_in_force
from reporting.models import DeliveryState, OffCause, WebhookEndpoint
from reporting.rest.openapi import describe
from reporting.webhooks.endpoints import EndpointPlan, make_endpoint, set_callback_url
from reporting.webhooks.reach import find_endpoint
from reporting.webhooks.signing import sign
from tests import make
from tests.reporting.rest.rows import count_rows
from tests.reporting.rest.webhooks import URL, Program, make_delivery, refused


@pytest.fixture
def program(realm: Realm) -> Program:
    """One that may do everything in the realm."""
    return Program(realm)


@pytest.mark.django_db
class TestMake:
    def test_the_call_of_the_issue(self, program: Program) -> None:
        made = program.make(format="standard")

        assert made["id"].startswith("wh_")
        assert made["secret"].startswith("whsec_") and len(b64decode(made["secret"][6:])) == 32
        assert (made["format"], made["lists"], made["is_on"]) == ("standard", None, True)
        endpoint = WebhookEndpoint.objects.get(public_id=made["id"])
        assert endpoint.url == URL and endpoint.made_by_key_id is not None
        assert not endpoint.is_callback

    @pytest.mark.parametrize("message_format", ["standard", "sms-json", "sms-form"])
    def test_each_format(self, program: Program, message_format: str) -> None:
        assert program.make(format=message_format)["format"] == message_format

    def test_the_secret_is_the_one_that_signs(self, program: Program) -> None:
        made = program.make()
        endpoint = WebhookEndpoint.objects.get(public_id=made["id"])
        now = timezone.now()
        moment = int(now.timestamp())
        signature = sign(salts_in_force(endpoint, now), "msg_1", moment, b'{"a":1}')
        headers = {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(moment),
            "webhook-signature": signature,
        }
        assert Webhook(made["secret"]).verify('{"a":1}', headers) == {"a": 1}

    def test_a_list_and_all_filters(
        self, program: Program, realm: Realm, optout_list: List
    ) -> None:
        made = program.make(
            list=1,
            label="CRM",
            channels=["page", "one_click"],
            medium="sms",
            lifts=False,
            batches=False,
        )
        told = program.read(f"/{made['id']}")
        assert (told["lists"], told["label"]) == ([1], "CRM")
        assert told["channels"] == ["one_click", "page"] and told["medium"] == "sms"
        assert (told["lifts"], told["batches"]) == (False, False)
        make.make_list(realm, 2)
        assert program.make(lists=[2, 1, 2])["lists"] == [1, 2]
        assert program.make(list=0)["lists"] == [0]

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1/hook",
            "http://localhost:8000/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://169.254.169.254/latest/meta-data/",
            "https://192.168.1.1/",
        ],
    )
    def test_a_url_into_our_own_network_is_refused(self, program: Program, url: str) -> None:
        before = count_rows()
        answer = program("POST", "", {"url": url})

        assert refused(answer, "#/url")
        assert count_rows() == before

    def test_the_refusal_says_why_and_what_can_be_done(
        self, program: Program, settings: Settings
    ) -> None:
        said = refused(program("POST", "", {"url": "http://10.1.2.3/"}), "#/url")
        assert "inside a network" in said and "WEBHOOK_ALLOW_CIDRS" in said

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "ftp://example.com/",
            "example.com",
            "https://u:p@example.com/",
            "https://a.b/#c",
            "https://a.b/\ud800",  # half a letter, which JSON can name
        ],
    )
    def test_what_is_no_url_for_this_is_refused(self, program: Program, url: str) -> None:
        assert refused(program("POST", "", {"url": url}), "#/url")

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"format": "xml"}, "#/format"),
            ({"format": None}, "#/format"),
            ({"channels": []}, "#/channels"),
            ({"channels": ["post"]}, "#/channels/0"),
            ({"medium": "fax"}, "#/medium"),
            ({"label": "x" * 101}, "#/label"),
            ({"label": "two\nlines"}, "#/label"),
            ({"lists": []}, "#/lists"),
            ({"list": "1"}, "#/list"),
            ({"list": 1, "lists": [1]}, "#/lists"),
            ({"lifts": 1}, "#/lifts"),
            ({"secret": "whsec_x"}, "#/secret"),
            ({"is_on": False}, "#/is_on"),
        ],
    )
    def test_each_field_is_looked_at(
        self, program: Program, optout_list: List, body: Any, pointer: str
    ) -> None:
        before = count_rows()
        assert refused(program("POST", "", {"url": URL, **body}), pointer)
        assert count_rows() == before

    def test_a_list_that_there_is_not(self, program: Program, optout_list: List) -> None:
        assert program("POST", "", {"url": URL, "list": 7}).status_code == 404
        assert program("POST", "", {"url": URL, "lists": [1, 7]}).status_code == 404

    def test_a_realm_has_at_most_100(self, program: Program, realm: Realm) -> None:
        for _ in range(100):
            make_endpoint(realm, EndpointPlan(URL), actor=None, now=make.NOW)
        assert "100" in refused(program("POST", "", {"url": URL}), "#/url")
        assert WebhookEndpoint.objects.count() == 100

    def test_it_is_audited_without_its_secret_and_its_path(self, program: Program) -> None:
        made = program.make(url="https://crm.example.com/hook?token=secret")
        entry = AuditEntry.objects.get(action="make_webhook")
        assert made["id"] in str(entry.detail) and "key" in entry.detail
        assert "token" not in str(entry.detail) and made["secret"] not in str(entry.detail)


@pytest.mark.django_db
class TestRead:
    def test_all_with_how_they_are(self, program: Program, realm: Realm, optout_list: List) -> None:
        one, two = program.make(label="one"), program.make(label="two", list=1)
        endpoint = WebhookEndpoint.objects.get(public_id=one["id"])
        make_delivery(
            endpoint, DeliveryState.WAITING, recorded_at=timezone.now() - timedelta(hours=1)
        )
        make_delivery(endpoint, DeliveryState.FAILED)
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=make.NOW)

        told = program.read()["webhooks"]
        assert [each["id"] for each in told] == [one["id"], two["id"]]
        assert (told[0]["waiting"], told[0]["failed"], told[0]["state"]) == (1, 1, "failing")
        assert 3600 <= told[0]["delay_seconds"] < 3700
        assert (told[1]["waiting"], told[1]["delay_seconds"], told[1]["state"]) == (0, 0, "new")
        assert told[0] == program.read(f"/{one['id']}")

    def test_its_number_of_queries_is_that_of_one(
        self, program: Program, optout_list: List, django_assert_max_num_queries: Any
    ) -> None:
        for _ in range(5):
            program.make(list=1)
        program.read()
        with django_assert_max_num_queries(7):
            program.read()

    def test_callbacks_are_among_them(self, program: Program, realm: Realm) -> None:
        set_callback_url(realm, None, URL, actor=None, now=make.NOW)
        (told,) = program.read()["webhooks"]
        assert told["is_callback"] and told["format"] == "sms-json"

    @pytest.mark.parametrize("name", ["wh_none", "0", "%00", "é", "x" * 300])
    def test_what_there_is_not(self, program: Program, name: str) -> None:
        for method, path, body in (
            ("GET", "", None),
            ("PATCH", "", {}),
            ("DELETE", "", None),
            ("GET", "/deliveries", None),
            ("POST", "/test", None),
            ("POST", "/replay", {"delivery": 1}),
            ("POST", "/rotate", {}),
        ):
            answer = program(method, f"/{name}{path}", body)
            assert answer.status_code == 404, (method, path)


@pytest.mark.django_db
class TestChange:
    def test_what_is_sent_changes_and_the_rest_stays(
        self, program: Program, realm: Realm, optout_list: List
    ) -> None:
        make.make_list(realm, 2)
        made = program.make(list=1, channels=["page"], medium="email", lifts=False)
        del made["secret"]
        path, salt = f"/{made['id']}", bytes(WebhookEndpoint.objects.get().salt)
        for change, told in (
            ({"url": "https://shop.example.com/in"}, None),
            ({"label": "Shop", "format": "sms-form"}, None),
            ({"channels": ["pixel"]}, None),
            ({"channels": None, "medium": None, "lifts": True, "batches": False}, None),
            ({"list": 2}, {"lists": [2]}),
            ({"lists": [1, 2]}, None),
            ({"lists": None}, None),
            ({}, None),
        ):
            answer = program("PATCH", path, change)
            assert answer.status_code == 200, answer.content
            made |= told or change
            assert answer.json() == made == program.read(path)
        assert bytes(WebhookEndpoint.objects.get().salt) == salt

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"url": "http://127.0.0.1/"}, "#/url"),
            ({"url": ""}, "#/url"),
            ({"url": None}, "#/url"),
            ({"is_on": None}, "#/is_on"),
            ({"is_on": False, "skip_missed": True}, "#/skip_missed"),
            ({"skip_missed": True}, "#/skip_missed"),
            ({"list": 1, "lists": [1]}, "#/lists"),
            ({"labl": "x"}, "#/labl"),
        ],
    )
    def test_what_cannot_be_is_refused_whole(
        self, program: Program, optout_list: List, body: Any, pointer: str
    ) -> None:
        made = program.make()
        refused(program("PATCH", f"/{made['id']}", {"label": "new", **body}), pointer)
        assert program.read(f"/{made['id']}")["label"] == ""

    def test_nothing_is_said_to_be_the_default_of_what_is_left_out(self) -> None:
        schema = describe()["components"]["schemas"]["WebhookChange"]
        assert not [each for each in schema["properties"].values() if "default" in each]

    def test_two_at_once_change_what_each_of_them_says(
        self, program: Program, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The row is looked at when it is locked."""
        path = f"/{program.make()['id']}"

        def find_and_let_another_in(*args: Any) -> Any:
            found = find_endpoint(*args)
            WebhookEndpoint.objects.update(label="another’s")
            return found

        monkeypatch.setattr("reporting.rest.webhooks.find_endpoint", find_and_let_another_in)
        told = program("PATCH", path, {"medium": "sms"}).json()
        assert (told["label"], told["medium"]) == ("another’s", "sms")

    def test_off_and_on_again(self, program: Program) -> None:
        path = f"/{program.make()['id']}"
        off = program("PATCH", path, {"is_on": False}).json()
        assert (off["is_on"], off["off_cause"], off["state"]) == (False, "owner", "off")
        assert off["off_at"]
        again = program("PATCH", path, {"is_on": False}).json()
        assert again["off_at"] == off["off_at"]
        on = program("PATCH", path, {"is_on": True}).json()
        assert (on["is_on"], on["off_cause"], on["off_at"]) == (True, None, None)

    def test_one_that_we_switched_off_says_why(self, program: Program) -> None:
        path = f"/{program.make()['id']}"
        WebhookEndpoint.objects.update(off_at=make.NOW, off_cause=OffCause.GONE)
        assert program.read(path)["off_cause"] == "gone"

    def test_a_callback_stays_with_its_list(
        self, program: Program, realm: Realm, optout_list: List
    ) -> None:
        made = set_callback_url(realm, None, URL, actor=None, now=make.NOW)
        assert made
        refused(program("PATCH", f"/{made.public_id}", {"list": 1}), "#/list")
        refused(program("PATCH", f"/{made.public_id}", {"lists": [1]}), "#/lists")


@pytest.mark.alone  # it reads the feed
@pytest.mark.django_db(transaction=True)
class TestWhereItBegins:
    def test_with_what_comes_from_now_on(self, program: Program, optout_list: List) -> None:
        make.make_optout(optout_list)
        path = f"/{program.make()['id']}"
        assert program.read(path)["delay_seconds"] == 0
        make.make_optout(optout_list, "joe@example.com")
        assert program.read(path)["delay_seconds"] > 0

    @pytest.mark.parametrize("skips", [False, True, None])
    def test_what_was_missed_is_sent_or_left_out(
        self, program: Program, optout_list: List, skips: bool | None
    ) -> None:
        path = f"/{program.make()['id']}"
        program("PATCH", path, {"is_on": False})
        delivery = make_delivery(WebhookEndpoint.objects.get(), DeliveryState.WAITING, step=4)
        make.make_optout(optout_list)
        told = program.read(path)
        assert (told["waiting"], told["waiting_is_more"]) == (2, False)
        (row,) = program.read(f"{path}/deliveries")["deliveries"]
        assert (row["state"], row["due_at"]) == ("waiting", None)  # nothing is tried

        body = {"is_on": True} if skips is None else {"is_on": True, "skip_missed": skips}
        assert program("PATCH", path, body).status_code == 200
        delivery.refresh_from_db()
        assert delivery.state == (DeliveryState.FAILED if skips else DeliveryState.WAITING)
        told = program.read(path)
        assert (told["delay_seconds"] == 0) is bool(skips)
        assert told["waiting"] == (0 if skips else 2)
        (row,) = program.read(f"{path}/deliveries")["deliveries"]
        assert (row["due_at"] is None) is bool(skips)


@pytest.mark.django_db
class TestDelete:
    def test_then_there_is_none(self, program: Program) -> None:
        path = f"/{program.make()['id']}"
        answer = program("DELETE", path)
        assert (answer.status_code, answer.content) == (204, b"")
        assert program("GET", path).status_code == 404
        assert program("DELETE", path).status_code == 404
        assert program.read()["webhooks"] == []


@pytest.mark.django_db
class TestKeysForSomeLists:
    def test_they_must_say_which(self, realm: Realm, optout_list: List) -> None:
        program = Program(realm, optout_list)
        for body, pointer in (
            ({}, "#/list"),
            ({"list": None}, "#/list"),
            ({"lists": None}, "#/lists"),
        ):
            assert "which" in refused(program("POST", "", {"url": URL, **body}), pointer)
        assert program.make(list=1)["lists"] == [1]

    def test_no_list_that_is_not_theirs(self, realm: Realm, optout_list: List) -> None:
        make.make_list(realm, 2)
        program = Program(realm, optout_list)
        assert program("POST", "", {"url": URL, "list": 2}).status_code == 404
        assert program("POST", "", {"url": URL, "lists": [1, 2]}).status_code == 404
        assert program("POST", "", {"url": URL, "list": 0}).status_code == 403
        assert not WebhookEndpoint.objects.exists()

    def test_only_endpoints_all_of_whose_lists_are_theirs(
        self, program: Program, realm: Realm, optout_list: List
    ) -> None:
        make.make_list(realm, 2)
        own, both, every = program.make(list=1), program.make(lists=[1, 2]), program.make()
        some = Program(realm, optout_list)

        assert [each["id"] for each in some.read()["webhooks"]] == [own["id"]]
        assert some.read(f"/{own['id']}")["lists"] == [1]
        for other in (both, every):
            for method, path, body in (
                ("GET", "", None),
                ("PATCH", "", {"label": "mine"}),
                ("DELETE", "", None),
                ("GET", "/deliveries", None),
                ("POST", "/test", None),
                ("POST", "/replay", {"since": "2026-01-01"}),
                ("POST", "/rotate", {}),
            ):
                assert some(method, f"/{other['id']}{path}", body).status_code == 404

    def test_none_is_made_to_tell_of_more(
        self, program: Program, realm: Realm, optout_list: List
    ) -> None:
        make.make_list(realm, 2)
        path = f"/{program.make(list=1)['id']}"
        some = Program(realm, optout_list)
        refused(some("PATCH", path, {"lists": None}), "#/lists")
        assert some("PATCH", path, {"lists": [1, 2]}).status_code == 404
        assert some("PATCH", path, {"label": "mine"}).status_code == 200
        assert program.read(path)["lists"] == [1]

    def test_another_realms_are_not_there(self, program: Program) -> None:
        made = program.make()
        other = Program(make.make_realm("elsewhere"))
        assert other.read()["webhooks"] == []
        assert other("GET", f"/{made['id']}").status_code == 404

    def test_to_read_alone_is_not_enough_to_make_one(self, realm: Realm) -> None:
        for fields in ({"may_write": False}, {"may_read": False}):
            answer = Program(realm, **fields)("POST", "", {"url": URL})
            assert answer.status_code == 403
        assert not WebhookEndpoint.objects.exists()
