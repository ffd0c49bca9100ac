"""Project Settings › Global › Unsubscribe: the option, the address, who may send (S1.3)."""

from datetime import timedelta
from itertools import product as pairs_of
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from lists.choices import Role
from lists.global_unsubscribe import EMAIL, PHONE
from lists.models import AuditEntry, GlobalUnsubscribe, Realm, RealmHost, User
from optout.choices import Channel
from reporting.counters import advance_counts
from reporting.models import GlobalDailyCount
from tests import make
from tests.lists.screens import look_at, open_screen
from tests.lists.test_hostile_input import VALUES
from tests.reporting.portal import signed_in, signed_in_long_ago

PATH = "/manage/settings/global/unsubscribe"
BASE = "https://optout.example"


@pytest.fixture(autouse=True)
def _address(settings) -> None:
    settings.BASE_URL = BASE


@pytest.fixture
def door(realm: Realm) -> GlobalUnsubscribe:
    """Switched on, with a host name."""
    RealmHost.objects.create(host="stop.acme.example", realm=realm)
    return make.make_global_unsubscribe(realm)


def save(client: Client, **fields: str) -> Any:
    return client.post(PATH, fields, follow=True)


def ask(door: GlobalUnsubscribe) -> int:
    """The status of a request by API."""
    path = f"/g/{door.key}/unsubscribe/unsubscribe?responseType=api&email=jane@example.com"
    return Client().get(path).status_code


@pytest.mark.django_db
class TestBeforeItWasEverOn:
    def test_it_is_the_option_alone_and_off(self, alice: User) -> None:
        screen = open_screen(signed_in(alice), PATH)
        assert "Project Settings › Global › Unsubscribe" in screen.text
        assert "Unsubscribe API & Reporting" in screen.text
        assert "is_on" not in screen.fields  # not ticked
        assert "hosts" not in screen.html and "server_ips" not in screen.html
        assert f"{BASE}/unsubscribe/unsubscribe<" in screen.html
        assert "iframe" not in screen.html and "/reports" not in "".join(
            link for link in screen.links if "global" in link
        )

    def test_beside_another_realm_it_will_have_a_key(self, alice: User) -> None:
        make.make_global_unsubscribe(make.make_realm("other"), is_on=False)
        screen = open_screen(signed_in(alice), PATH)
        assert "an address with a key of its own" in screen.text
        assert f"{BASE}/unsubscribe/unsubscribe" not in screen.html

    def test_looking_makes_nothing(self, alice: User) -> None:
        open_screen(signed_in(alice), PATH)
        answer = save(signed_in(alice))
        assert "Nothing was changed." in look_at(answer).text
        assert not GlobalUnsubscribe.objects.exists() and not AuditEntry.objects.exists()

    def test_switching_on_opens_the_door_at_our_own_name(
        self, realm: Realm, alice: User, django_capture_on_commit_callbacks
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            answer = save(signed_in(alice), is_on="on")
        screen = look_at(answer)
        assert "Unsubscribe API & Reporting is on." in screen.text
        door = GlobalUnsubscribe.objects.get()
        assert (door.realm, door.is_on) == (realm, True)
        assert RealmHost.objects.get().host == "optout.example"
        assert ask(door) == 200
        assert f'id="global-url">{BASE}/unsubscribe/unsubscribe<' in screen.html
        assert f'id="global-key-url">{BASE}/g/{door.key}/unsubscribe/unsubscribe<' in screen.html
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor) == ("change_global_unsubscribe", alice)

    def test_it_is_among_the_settings(self, alice: User) -> None:
        client = signed_in(alice)
        for path in ("/manage/settings/", "/manage/settings/api"):
            assert PATH in open_screen(client, path).links
        assert {"/manage/settings/", "/manage/settings/api"} <= set(open_screen(client, PATH).links)


@pytest.mark.django_db
class TestTheScreen:
    def test_it_says_where_requests_go_and_how_things_stand(
        self, realm: Realm, alice: User, door: GlobalUnsubscribe
    ) -> None:
        publisher = make.make_publisher(realm)
        product = make.make_product(realm, 4711)
        form = make.make_form(realm, publisher, product=product)
        make.make_global_request(realm, requested_at=timezone.now())

        screen = open_screen(signed_in(alice), PATH)

        assert 'id="global-url">https://stop.acme.example/unsubscribe/unsubscribe<' in screen.html
        assert f"{BASE}/g/{door.key}/unsubscribe/unsubscribe<" in screen.html
        assert "productId=4711" in screen.html and f"uuid={form.uuid}" in screen.html
        assert f'src="/g/{door.key}/unsubscribe/preview?uuid={form.uuid}"' in screen.html
        assert "Requests in 7 days 1" in screen.text and "Products 1" in screen.text
        assert "All Reports › Extras › Global Unsubscribe" in screen.text

    def test_while_it_is_off_the_report_is_not_offered(
        self, alice: User, door: GlobalUnsubscribe
    ) -> None:
        GlobalUnsubscribe.objects.update(is_on=False)
        screen = open_screen(signed_in(alice), PATH)
        assert "All Reports" not in screen.text
        assert "While it is off, the answer is 404." in screen.text
        assert "1 While it is off: the status 404 with 0" in screen.text
        assert "A request to the API is real" in screen.text

    def test_the_examples_are_real_requests(self, alice: User, door: GlobalUnsubscribe) -> None:
        text = open_screen(signed_in(alice), PATH).text
        assert "whoever opens its address opts that person out." in text
        assert "While it is off" not in text

    def test_it_takes_few_queries(
        self, realm: Realm, alice: User, door: GlobalUnsubscribe, django_assert_max_num_queries
    ) -> None:
        make.make_form(realm, make.make_publisher(realm), product=make.make_product(realm))
        make.make_global_request(realm, requested_at=timezone.now())
        client = signed_in(alice)
        with django_assert_max_num_queries(10):
            client.get(PATH)
        GlobalUnsubscribe.objects.all().delete()
        with django_assert_max_num_queries(10):
            client.get(PATH)

    def test_another_realms_are_not_counted(self, alice: User, door: GlobalUnsubscribe) -> None:
        other = make.make_realm("other")
        make.make_form(other, make.make_publisher(other), product=make.make_product(other))
        make.make_global_request(other, requested_at=timezone.now())
        screen = open_screen(signed_in(alice), PATH)
        assert "Requests in 7 days 0 Products 0 Publishers 0 Forms 0" in screen.text


@pytest.mark.django_db
class TestSwitchingOff:
    def test_what_nobody_used_goes_off_at_once(
        self, realm: Realm, alice: User, door: GlobalUnsubscribe, django_capture_on_commit_callbacks
    ) -> None:
        make.make_global_request(realm, requested_at=timezone.now() - timedelta(days=8))
        with django_capture_on_commit_callbacks(execute=True):
            answer = save(signed_in(alice), hosts="stop.acme.example")
        assert "is off. Requests are answered with 404" in look_at(answer).text
        assert ask(door) == 404

    def test_what_is_in_use_is_asked_for_twice_with_its_number(
        self, realm: Realm, alice: User, door: GlobalUnsubscribe
    ) -> None:
        advance_counts(timezone.now())  # what is kept counts only with a cursor
        GlobalDailyCount.objects.create(
            realm=realm,
            day=timezone.now().date(),
            channel=Channel.GLOBAL_API,
            product_number=0,
            requests=1234,
        )
        client = signed_in(alice)
        answer = client.post(PATH, {"hosts": "stop.acme.example"})
        assert answer.status_code == 422
        screen = look_at(answer)
        assert "1,234 requests came in the last 7 days." in screen.text
        assert "#id_confirm_off" in screen.links and "is_on" not in screen.fields
        door.refresh_from_db()
        assert door.is_on and not AuditEntry.objects.exists()

        client.post(PATH, {"hosts": "stop.acme.example", "confirm_off": "on"})
        door.refresh_from_db()
        assert not door.is_on

    def test_a_request_that_was_not_counted_yet_is_one(
        self, realm: Realm, alice: User, door: GlobalUnsubscribe
    ) -> None:
        make.make_global_request(realm, requested_at=timezone.now())
        answer = signed_in(alice).post(PATH, {"hosts": "stop.acme.example"})
        assert "1 request came in the last 7 days." in look_at(answer).text

    def test_the_key_and_the_names_stay(
        self, realm: Realm, alice: User, door: GlobalUnsubscribe
    ) -> None:
        client = signed_in(alice)
        save(client, hosts="stop.acme.example")
        save(client, is_on="on", hosts="stop.acme.example")
        again = GlobalUnsubscribe.objects.get()
        assert (again.key, again.is_on) == (door.key, True)
        assert RealmHost.objects.get().host == "stop.acme.example"


@pytest.mark.django_db
class TestHostsAndServers:
    def test_they_are_saved_and_shown_again(
        self, realm: Realm, alice: User, door: GlobalUnsubscribe
    ) -> None:
        client = signed_in(alice)
        answer = save(
            client,
            is_on="on",
            hosts="Stop.Acme.Example, unsubscribe.acme.example",
            server_ips="192.0.2.10, 198.51.100.7/24",
        )
        assert "Saved. It holds within a second." in look_at(answer).text
        door.refresh_from_db()
        assert door.server_ips == ["192.0.2.10", "198.51.100.0/24"]
        assert "stop.acme.example\nunsubscribe.acme.example" in look_at(answer).html
        changes = AuditEntry.objects.get().detail["changes"]
        assert changes["hosts"][1] == ["stop.acme.example", "unsubscribe.acme.example"]

        answer = save(
            client,
            is_on="on",
            hosts="stop.acme.example unsubscribe.acme.example",
            server_ips="192.0.2.10\n198.51.100.0/24",
        )
        assert "Nothing was changed." in look_at(answer).text

    @pytest.mark.parametrize(
        ("field", "typed", "says"),
        [
            ("hosts", "https://a.example", "Not a host name: https://a.example."),
            ("hosts", "taken.example", "taken.example leads to another realm already"),
            ("hosts", "optout.example", "optout.example is this installation’s own"),
            ("server_ips", "333.333.333.333", "333.333.333.333"),
            ("server_ips", "10.0.0.0/7", "Too wide"),
            ("hosts", "\x00", "ull characters"),
        ],
    )
    def test_a_mistake_is_named_and_what_was_typed_is_kept(
        self, alice: User, door: GlobalUnsubscribe, field: str, typed: str, says: str
    ) -> None:
        other = make.make_realm("other")
        make.make_global_unsubscribe(other)
        RealmHost.objects.create(host="taken.example", realm=other)

        fields = {"is_on": "on", "hosts": "stop.acme.example", field: typed}
        answer = signed_in(alice).post(PATH, fields)

        assert answer.status_code == 422
        screen = look_at(answer)
        assert says in screen.text and f"#id_{field}" in screen.links
        assert typed.strip("\x00") in screen.html
        assert not AuditEntry.objects.exists()

    def test_taking_a_name_from_what_is_in_use_is_asked_for_twice(
        self, realm: Realm, alice: User, door: GlobalUnsubscribe
    ) -> None:
        make.make_global_request(realm, requested_at=timezone.now())
        client = signed_in(alice)
        fields = {"is_on": "on", "hosts": "new.acme.example"}
        answer = client.post(PATH, fields)
        assert answer.status_code == 422
        screen = look_at(answer)
        assert "1 request came in the last 7 days" in screen.text
        assert (
            "What is sent to stop.acme.example may then reach another realm, or none."
            in screen.text
        )
        assert "#id_confirm_hosts" in screen.links and "confirm_off" not in screen.html
        assert RealmHost.objects.get().host == "stop.acme.example"

        client.post(PATH, {**fields, "confirm_hosts": "on"})
        assert RealmHost.objects.get().host == "new.acme.example"

    def test_adding_one_is_not(self, realm: Realm, alice: User, door: GlobalUnsubscribe) -> None:
        make.make_global_request(realm, requested_at=timezone.now())
        answer = save(signed_in(alice), is_on="on", hosts="stop.acme.example, new.acme.example")
        assert "Saved." in look_at(answer).text and RealmHost.objects.count() == 2

    def test_our_own_name_cannot_be_taken_away_beside_other_realms(
        self, realm: Realm, alice: User, door: GlobalUnsubscribe
    ) -> None:
        RealmHost.objects.create(host="optout.example", realm=realm)
        make.make_global_unsubscribe(make.make_realm("other"))
        make.make_global_request(realm, requested_at=timezone.now())
        fields = {"is_on": "on", "hosts": "stop.acme.example", "confirm_hosts": "on"}
        answer = signed_in(alice).post(PATH, fields)
        assert answer.status_code == 422
        assert "Only an operator can take it away." in look_at(answer).text
        assert RealmHost.objects.count() == 2

        operator = make.make_user("op@heed.example", is_superuser=True)
        make.make_member(operator, realm, Role.ADMIN)
        assert signed_in(operator).post(PATH, fields).status_code == 302
        assert RealmHost.objects.get().host == "stop.acme.example"

    def test_changing_the_servers_asks_for_the_password_after_a_while(
        self, alice: User, door: GlobalUnsubscribe
    ) -> None:
        client = signed_in_long_ago(alice)
        fields = {"is_on": "on", "hosts": "stop.acme.example"}
        answer = client.post(PATH, {**fields, "server_ips": "192.0.2.1"})
        assert "reauthenticate" in answer["Location"]
        door.refresh_from_db()
        assert door.server_ips == []

        answer = client.post(answer["Location"], {"password": make.PASSWORD})
        door.refresh_from_db()
        assert door.server_ips == ["192.0.2.1"]

    def test_nothing_else_does(self, alice: User, door: GlobalUnsubscribe) -> None:
        answer = signed_in_long_ago(alice).post(PATH, {"is_on": "on", "hosts": "new.example"})
        assert answer["Location"] == PATH
        assert RealmHost.objects.get().host == "new.example"

    def test_it_tells_the_own_ip(self, alice: User, door: GlobalUnsubscribe) -> None:
        text = open_screen(signed_in(alice), PATH).text
        assert "Your IP as we see it: 127.0.0.1." in text


@pytest.mark.django_db
class TestHostileInput:
    def test_every_form_answers_every_value(self, realm: Realm, alice: User) -> None:
        make.make_global_unsubscribe(realm)
        publisher = make.make_publisher(realm)
        form = make.make_form(realm, publisher, product=make.make_product(realm, 5))
        below = "/manage/settings/global"
        places = [f"place_{name}" for name in (EMAIL, PHONE, "customField1")]
        fields = {
            PATH: ("is_on", "hosts", "server_ips", "confirm_off", "confirm_hosts"),
            f"{below}/products/new": ("number", "name", "optout_list"),
            f"{below}/products/5": ("name", "optout_list", "is_active"),
            f"{below}/publishers/new": ("reference", "name"),
            f"{below}/publishers/{publisher.pk}": ("name",),
            f"{below}/forms/new": ("name", "publisher", "product", "website", "own_uuid", "draft"),
            f"{below}/forms/{form.uuid}": ("name", "website", "label_customField1", *places),
        }
        client = signed_in(alice)
        for path, names in fields.items():
            for turn, (name, value) in enumerate(pairs_of(names, VALUES)):
                more = {"preview": "1"} if "/forms/" in path and turn % 2 else {}
                status = client.post(path, {name: value, **more}).status_code
                assert status in {200, 302, 400, 422}, (path, name, value[:20])
