"""lists/global_unsubscribe.py: finding a realm's door and forms, once a second and not once a request."""

import uuid
from types import SimpleNamespace
from typing import Any

import pytest

from lists.global_unsubscribe import find_door, find_form, forget_doors, host_name
from lists.lookup import forget_all_lists
from lists.models import GlobalUnsubscribe, Product, Realm, RealmHost, StoredForm
from tests import make


@pytest.fixture
def door(realm: Realm) -> GlobalUnsubscribe:
    return make.make_global_unsubscribe(realm, server_ips=["192.0.2.0/24"])


class TestDoor:
    def test_has_all_that_a_request_needs(self, realm: Realm, door: GlobalUnsubscribe) -> None:
        garden = make.make_list(realm)
        make.make_product(realm, 7, garden)
        make.make_product(realm, 8)
        make.make_product(realm, 9, garden, is_active=False)

        found = find_door(door.key, "")

        assert found is not None and found.is_on
        assert (found.realm_id, found.key) == (realm.pk, door.key)
        assert found.server_ips == ("192.0.2.0/24",)
        assert found.products == {7: garden.pk, 8: None}
        assert found.do_not_mail_id == make.do_not_mail(realm).pk

    def test_a_product_leads_to_its_list_and_all_else_to_do_not_mail(
        self, realm: Realm, door: GlobalUnsubscribe
    ) -> None:
        garden = make.make_list(realm)
        make.make_product(realm, 7, garden)
        make.make_product(realm, 8)

        found = find_door(door.key, "")

        assert found is not None
        assert found.list_of(7) == garden.pk
        assert {found.list_of(number) for number in (0, 8, 99)} == {found.do_not_mail_id}

    def test_nobody_has_one(self, realm: Realm) -> None:
        assert find_door("", "any.example") is None
        assert find_door("nosuchkey00", "") is None


class TestCost:
    """Read at most once in LIST_CACHE_SECONDS; that there is nothing is remembered, too."""

    @pytest.fixture(autouse=True)
    def _for_a_minute(self, settings: Any) -> None:
        settings.LIST_CACHE_SECONDS = 60

    def test_a_door_is_read_once(
        self, door: GlobalUnsubscribe, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(
            3
        ):  # by its key; by a host name that nobody has; who gets those
            find_door(door.key, ""), find_door("", "any.example")
        with django_assert_num_queries(0):
            find_door(door.key, ""), find_door("", "any.example"), find_door("", "")

    def test_a_form_is_read_once(self, realm: Realm, django_assert_num_queries: Any) -> None:
        form = make.make_form(realm, make.make_publisher(realm))
        for text in (str(form.uuid), str(uuid.UUID(int=1))):
            with django_assert_num_queries(1):
                find_form(realm.pk, text)
            with django_assert_num_queries(0):
                find_form(realm.pk, text.upper())

    def test_what_is_no_uuid_is_not_asked_for(
        self, realm: Realm, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(0):
            for text in ("", "x", "1" * 33, "x" * 65_536, "\x00", "0" * 31 + "\udc80"):
                assert find_form(realm.pk, text) is None

    def test_a_change_is_seen_as_soon_as_it_is_said(self, door: GlobalUnsubscribe) -> None:
        assert find_door("", "stop.example")
        GlobalUnsubscribe.objects.update(is_on=False)
        RealmHost.objects.create(host="stop.example", realm=door.realm)
        found = find_door("", "stop.example")
        assert found is not None and found.is_on, "at most LIST_CACHE_SECONDS old"

        forget_doors()

        found = find_door("", "stop.example")
        assert found is not None and not found.is_on

    def test_a_change_is_seen_when_the_realms_lists_are_forgotten(
        self, realm: Realm, door: GlobalUnsubscribe
    ) -> None:
        form = make.make_form(realm, make.make_publisher(realm))
        assert find_door(door.key, "") and find_form(realm.pk, str(form.uuid))
        GlobalUnsubscribe.objects.update(is_on=False)
        StoredForm.objects.update(is_active=False)

        forget_all_lists()

        found = find_door(door.key, "")
        assert found is not None and not found.is_on
        assert find_form(realm.pk, str(form.uuid)) is None

    def test_a_change_that_nobody_said_is_seen_after_that_time(
        self, realm: Realm, door: GlobalUnsubscribe, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As another process makes it."""
        now = [1_000.0]
        monkeypatch.setattr(
            "lists.global_unsubscribe.time", SimpleNamespace(monotonic=lambda: now[0])
        )
        form = make.make_form(realm, make.make_publisher(realm))

        def seen() -> tuple[bool, bool]:
            found = find_door(door.key, "")
            return bool(found and found.is_on), bool(find_form(realm.pk, str(form.uuid)))

        assert seen() == (True, True)
        GlobalUnsubscribe.objects.update(is_on=False)
        StoredForm.objects.update(is_active=False)

        now[0] += 59.9
        assert seen() == (True, True)
        now[0] += 0.1
        assert seen() == (False, False)

    def test_guesses_fill_no_memory(
        self, door: GlobalUnsubscribe, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("lists.global_unsubscribe._CACHE_SIZE", 5)
        for number in range(12):
            assert find_door(f"guess{number:05}", "") is None
        assert find_door(door.key, "")


class TestForm:
    def test_says_what_is_stored(self, realm: Realm) -> None:
        form = make.make_form(
            realm,
            make.make_publisher(realm, "p9"),
            product=make.make_product(realm, 7),
            website="a.example",
            fields=["phoneNumber", "customField1"],
            labels={"customField1": "Country"},
        )

        found = find_form(realm.pk, f" {str(form.uuid).upper()} ")

        assert found is not None
        assert (found.uuid, found.publisher) == (str(form.uuid), "p9")
        assert (found.product_number, found.website) == (7, "a.example")
        assert found.fields == ("phoneNumber", "customField1")
        assert found.labels == {"customField1": "Country"}

    def test_without_a_product_it_has_number_0(self, realm: Realm) -> None:
        form = make.make_form(realm, make.make_publisher(realm))
        found = find_form(realm.pk, form.uuid.hex)
        assert found is not None and found.product_number == 0

    def test_only_the_realms_own_active_ones(self, realm: Realm) -> None:
        form = make.make_form(realm, make.make_publisher(realm))
        other = make.make_realm("other")
        assert find_form(other.pk, str(form.uuid)) is None
        StoredForm.objects.update(is_active=False)
        assert find_form(realm.pk, str(form.uuid)) is None

    def test_two_realms_may_have_the_same_uuid(self, realm: Realm) -> None:
        first = make.make_form(realm, make.make_publisher(realm, "ours"))
        other = make.make_realm("other")
        make.make_form(other, make.make_publisher(other, "theirs"), uuid=first.uuid)

        found = [find_form(each.pk, str(first.uuid)) for each in (realm, other)]

        assert [each.publisher for each in found if each] == ["ours", "theirs"]


class TestHostName:
    @pytest.mark.parametrize(
        ("header", "name"),
        [
            ("stop.example", "stop.example"),
            (" STOP.Example. ", "stop.example"),
            ("stop.example:8443", "stop.example"),
            ("stop.example.:8443", "stop.example"),
            ("192.0.2.1:80", "192.0.2.1"),
            ("[2001:DB8::1]:80", "[2001:db8::1]"),
            ("[::1", "[::1]"),
            ("a_b.example", "a_b.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("", ""),
            ("::1", ""),
            (":80", ""),
            ("bücher.example", ""),
            ("a b", ""),
            ("a.example/x", ""),
            ("a@b.example", ""),
            ("x" * 254, ""),
            ("\x00", ""),
        ],
    )
    def test_is_read_from_the_header(self, header: str, name: str) -> None:
        assert host_name(header) == name


def test_a_product_of_another_realm_is_not_among_them(
    realm: Realm, door: GlobalUnsubscribe
) -> None:
    make.make_product(make.make_realm("other"), 7)
    found = find_door(door.key, "")
    assert found is not None and found.products == {}
    assert Product.objects.count() == 1
