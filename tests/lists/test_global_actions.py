"""Setting up the Global Unsubscribe: what is kept, what is refused, what the audit says (S1.3, S1.15–S1.17)."""

import uuid
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from lists import global_actions
from lists.global_actions import (
    NotSwitchedOnError,
    ProductNumberTakenError,
    ReferenceTakenError,
    TooManyError,
    UuidTakenError,
    change_form,
    change_global_unsubscribe,
    change_product,
    change_publisher,
    make_form,
    make_product,
    make_publisher,
    next_product_number,
)
from lists.global_unsubscribe import EMAIL, LARGEST_PRODUCT, PHONE, find_door, find_form
from lists.models import (
    AuditEntry,
    GlobalUnsubscribe,
    List,
    Product,
    Publisher,
    Realm,
    StoredForm,
    User,
)
from tests import make
from tests.threads import in_thread

type Commits = Any


def last_entry() -> AuditEntry:
    return AuditEntry.objects.latest("pk")


@pytest.fixture
def publisher(realm: Realm) -> Publisher:
    return make.make_publisher(realm)


def form_values(publisher: Publisher, **values: Any) -> dict[str, Any]:
    return {"name": "Footer", "publisher": publisher, "fields": [EMAIL, PHONE], **values}


@pytest.mark.django_db
class TestSwitching:
    def test_it_is_off_until_it_is_switched_on(self, realm: Realm, alice: User) -> None:
        door = make.switch_global_unsubscribe(realm, is_on=False, actor=alice)
        assert not door.is_on and door.key == ""
        assert not GlobalUnsubscribe.objects.exists() and not AuditEntry.objects.exists()

    def test_its_key_stays_while_it_is_off(
        self, realm: Realm, alice: User, django_capture_on_commit_callbacks: Commits
    ) -> None:
        key = make.switch_global_unsubscribe(realm, is_on=True, actor=alice).key
        for is_on in (False, True):
            with django_capture_on_commit_callbacks(execute=True):
                assert make.switch_global_unsubscribe(realm, is_on=is_on, actor=alice).key == key
            door = find_door(key, "")
            assert door is not None and door.is_on == is_on

    def test_who_switched_it_is_written_down(self, realm: Realm, alice: User, settings) -> None:
        settings.BASE_URL = "http://localhost:8000"
        make.switch_global_unsubscribe(realm, is_on=True, actor=alice)
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor) == ("change_global_unsubscribe", alice)
        claimed = [[], ["localhost"]]  # the host name of BASE_URL
        assert entry.detail == {"changes": {"hosts": claimed, "is_on": [False, True]}}

        make.switch_global_unsubscribe(realm, is_on=True, actor=alice)
        assert AuditEntry.objects.count() == 1

    def test_by_command_nobody_did_it(self, realm: Realm) -> None:
        make.switch_global_unsubscribe(realm, is_on=True, actor=None)
        assert AuditEntry.objects.get().actor is None

    def test_servers_and_hosts_wait_until_it_was_on(self, realm: Realm, alice: User) -> None:
        for values in ({"server_ips": ["192.0.2.1"]}, {"hosts": ["a.example"], "is_on": False}):
            with pytest.raises(NotSwitchedOnError):
                change_global_unsubscribe(realm, values, actor=alice)
        assert not GlobalUnsubscribe.objects.exists()

        changed = change_global_unsubscribe(
            realm,
            {"is_on": True, "server_ips": ["192.0.2.1"], "hosts": ["a.example"]},
            actor=alice,
        )
        assert sorted(changed) == ["hosts", "is_on", "server_ips"]
        assert last_entry().detail["changes"]["server_ips"] == [[], ["192.0.2.1"]]


@pytest.mark.django_db
class TestProducts:
    def test_it_leads_to_its_list(
        self,
        realm: Realm,
        optout_list: List,
        alice: User,
        django_capture_on_commit_callbacks: Commits,
    ) -> None:
        key = make.make_global_unsubscribe(realm).key
        with django_capture_on_commit_callbacks(execute=True):
            product = make_product(
                realm, {"name": "Letters", "optout_list": optout_list}, actor=alice
            )
        door = find_door(key, "")
        assert door is not None and door.list_of(product.number) == optout_list.pk
        entry = last_entry()
        assert (entry.action, entry.actor) == ("make_product", alice)
        assert entry.detail == {"product": 1, "list": optout_list.pk}

    def test_do_not_mail_is_no_list_of_its_own(self, realm: Realm, alice: User) -> None:
        values = {"name": "All", "optout_list": make.do_not_mail(realm)}
        assert make_product(realm, values, actor=alice).optout_list is None

    def test_numbers_go_on_from_the_highest(self, realm: Realm, alice: User) -> None:
        assert next_product_number(realm) == 1
        make_product(realm, {"number": 4711, "name": "A"}, actor=alice)
        assert make_product(realm, {"number": None, "name": "B"}, actor=alice).number == 4712
        make_product(realm, {"number": LARGEST_PRODUCT, "name": "C"}, actor=alice)
        assert next_product_number(realm) == 1

    def test_a_taken_number_names_its_holder(self, realm: Realm, alice: User) -> None:
        make_product(realm, {"number": 5, "name": "Letters"}, actor=alice)
        with pytest.raises(ProductNumberTakenError, match=r"“Letters” has the number 5 already"):
            make_product(realm, {"number": 5, "name": "Offers"}, actor=alice)
        other = make.make_realm("other")
        assert make_product(other, {"number": 5, "name": "Offers"}, actor=alice).number == 5

    def test_the_very_same_twice_is_made_once(self, realm: Realm, alice: User) -> None:
        values = {"number": 5, "name": "Letters", "optout_list": None}
        first, second = (make_product(realm, values, actor=alice) for _ in range(2))
        assert first == second and AuditEntry.objects.count() == 1

    @pytest.mark.parametrize("number", [0, -1, LARGEST_PRODUCT + 1])
    def test_an_impossible_number_is_refused(self, realm: Realm, alice: User, number: int) -> None:
        with pytest.raises(ValidationError):
            make_product(realm, {"number": number, "name": "A"}, actor=alice)

    @pytest.mark.parametrize("name", ["", "x" * 101, "a\nb", "a\x00b"])
    def test_a_name_is_one_short_line(self, realm: Realm, alice: User, name: str) -> None:
        with pytest.raises(ValidationError):
            make_product(realm, {"name": name}, actor=alice)
        assert not Product.objects.exists()

    def test_another_realms_list_is_refused(self, realm: Realm, alice: User) -> None:
        theirs = make.make_list(make.make_realm("other"))
        with pytest.raises(ValueError, match="another realm"):
            make_product(realm, {"name": "A", "optout_list": theirs}, actor=alice)

    def test_a_change_is_written_down_without_the_name(
        self, realm: Realm, optout_list: List, alice: User
    ) -> None:
        product = make.make_product(realm, 5)
        values = {"name": "jane@example.com", "optout_list": optout_list, "is_active": False}

        assert change_product(product, values, actor=alice) == list(values)

        product.refresh_from_db()
        assert (product.optout_list, product.is_active) == (optout_list, False)
        assert last_entry().detail == {
            "product": 5,
            "changes": {
                "name": None,
                "optout_list": [None, optout_list.pk],
                "is_active": [True, False],
            },
        }
        assert change_product(product, values, actor=alice) == []
        assert AuditEntry.objects.count() == 1

    def test_the_number_stays(self, realm: Realm, alice: User) -> None:
        product = make.make_product(realm, 5)
        assert change_product(product, {"number": 6}, actor=alice) == []
        assert Product.objects.get().number == 5

    def test_there_is_an_end_to_them(
        self, realm: Realm, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(global_actions, "MOST", 2)
        for name in ("A", "B"):
            make_product(realm, {"name": name}, actor=alice)
        with pytest.raises(TooManyError, match="at most 2 products"):
            make_product(realm, {"name": "C"}, actor=alice)


@pytest.mark.django_db
class TestPublishers:
    def test_it_is_made_once_and_its_reference_is_its_own(self, realm: Realm, alice: User) -> None:
        values = {"reference": "p1", "name": "jane@example.com"}
        first, second = (make_publisher(realm, values, actor=alice) for _ in range(2))
        assert first == second
        assert AuditEntry.objects.get().detail == {"publisher": first.pk}
        with pytest.raises(ReferenceTakenError, match="has the ID “p1” already"):
            make_publisher(realm, {"reference": "p1", "name": "News"}, actor=alice)
        make_publisher(realm, {"reference": "P1", "name": "News"}, actor=alice)

    @pytest.mark.parametrize("reference", ["", "x" * 61, "a\tb", "NOT DEFINED", "not  defined"])
    def test_what_cannot_be_one_is_refused(self, realm: Realm, alice: User, reference: str) -> None:
        with pytest.raises(ValidationError):
            make_publisher(realm, {"reference": reference, "name": "News"}, actor=alice)

    def test_only_its_name_changes(self, realm: Realm, alice: User, publisher: Publisher) -> None:
        values = {"reference": "p2", "name": "News"}
        assert change_publisher(publisher, values, actor=alice) == ["name"]
        publisher.refresh_from_db()
        assert (publisher.reference, publisher.name) == ("p1", "News")
        assert last_entry().detail == {"publisher": publisher.pk, "changes": {"name": None}}

    def test_there_is_an_end_to_them(
        self, realm: Realm, alice: User, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(global_actions, "MOST", 1)
        with pytest.raises(TooManyError, match="publishers"):
            make_publisher(realm, {"reference": "p2", "name": "News"}, actor=alice)


@pytest.mark.django_db
class TestForms:
    def test_the_door_finds_it_by_its_uuid(
        self,
        realm: Realm,
        alice: User,
        publisher: Publisher,
        django_capture_on_commit_callbacks: Commits,
    ) -> None:
        values = form_values(
            publisher,
            product=make.make_product(realm, 5),
            website="shop.example",
            fields=("customField1", PHONE),
            labels={"customField1": "Country"},
        )
        with django_capture_on_commit_callbacks(execute=True):
            form = make_form(realm, values, actor=alice)
        found = find_form(realm.pk, str(form.uuid))
        assert found is not None
        assert (found.publisher, found.product_number) == ("p1", 5)
        assert found.fields == ("customField1", PHONE)
        entry = last_entry()
        assert (entry.action, entry.actor) == ("make_form", alice)
        assert entry.detail == {"form": str(form.uuid), "publisher": publisher.pk}

        with django_capture_on_commit_callbacks(execute=True):
            change_form(form, {"is_active": False}, actor=alice)
        assert find_form(realm.pk, str(form.uuid)) is None

    def test_its_own_uuid_makes_it_once(
        self, realm: Realm, alice: User, publisher: Publisher
    ) -> None:
        values = form_values(publisher, uuid=uuid.UUID(int=7))
        first, second = (make_form(realm, values, actor=alice) for _ in range(2))
        assert first == second and AuditEntry.objects.count() == 1
        with pytest.raises(UuidTakenError, match="“Footer” has this UUID"):
            make_form(realm, {**values, "name": "Header"}, actor=alice)

    @pytest.mark.parametrize(
        ("values", "says"),
        [
            ({"fields": []}, "must ask for an email address or a phone number"),
            ({"fields": ["customField1"], "labels": {"customField1": "A"}}, "must ask for"),
            ({"fields": [EMAIL, EMAIL]}, "each once"),
            ({"fields": [EMAIL, "password"]}, "each once"),
            ({"fields": [EMAIL, "customField1"]}, "customField1 needs a label"),
            ({"labels": {"customField1": "x" * 41}}, "40 characters"),
            ({"labels": {"email": "A"}}, "Labels are for"),
            ({"labels": {"customField1": "a\nb"}}, "one line"),
            ({"website": "x" * 201}, "200"),
            ({"website": "a\x00"}, "one line"),
        ],
    )
    def test_what_no_page_could_show_is_refused(
        self,
        realm: Realm,
        alice: User,
        publisher: Publisher,
        values: dict[str, Any],
        says: str,
    ) -> None:
        with pytest.raises(ValidationError, match=says):
            make_form(realm, form_values(publisher, **values), actor=alice)
        form = make.make_form(realm, publisher)
        with pytest.raises(ValidationError, match=says):
            change_form(form, values, actor=alice)
        assert not AuditEntry.objects.exists()

    def test_another_realms_publisher_and_product_are_refused(
        self, realm: Realm, alice: User, publisher: Publisher
    ) -> None:
        other = make.make_realm("other")
        for values in (
            form_values(make.make_publisher(other)),
            form_values(publisher, product=make.make_product(other)),
        ):
            with pytest.raises(ValueError, match="another realm"):
                make_form(realm, values, actor=alice)
        assert not StoredForm.objects.exists()

    def test_a_change_is_written_down_without_words(
        self, realm: Realm, alice: User, publisher: Publisher
    ) -> None:
        form = make.make_form(realm, publisher)
        second = make.make_publisher(realm, "p2", "News")
        values = {"name": "jane@example.com", "publisher": second, "website": "jane@x.example"}

        changed = change_form(form, {**values, "uuid": uuid.uuid4()}, actor=alice)

        assert changed == list(values)
        assert last_entry().detail == {
            "form": str(form.uuid),
            "changes": {"name": None, "publisher": [publisher.pk, second.pk], "website": None},
        }

    def test_there_is_an_end_to_them(
        self, realm: Realm, alice: User, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(global_actions, "MOST", 1)
        make_form(realm, form_values(publisher), actor=alice)
        with pytest.raises(TooManyError, match="forms"):
            make_form(realm, form_values(publisher), actor=alice)


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_products_never_get_one_number(self, realm: Realm) -> None:
        started = [
            in_thread(partial(make_product, realm, {"name": f"P{number}"}, actor=None))
            for number in range(8)
        ]
        assert sorted(each.result(30).number for each in started) == list(range(1, 9))
