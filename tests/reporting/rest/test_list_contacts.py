import hashlib
from datetime import timedelta

import pytest
from django.utils import timezone

from lists.models import Contact, List, Realm
from optout.choices import HashKind
from optout.models import Suppression
from reporting import list_contacts
from tests import make
from tests.reporting.rest.programs import Program

pytestmark = pytest.mark.django_db


@pytest.fixture
def program(realm: Realm, optout_list: List) -> Program:
    return Program(realm)


def md5_of(text: str) -> bytes:
    return hashlib.md5(text.encode(), usedforsecurity=False).digest()


def names(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    return [each["address"].partition("@")[0] for each in answer["contacts"]]


class TestContacts:
    def test_a_contact_on_the_list(self, program: Program, realm: Realm, optout_list: List) -> None:
        contact = make.make_contact(
            realm, "jane@example.com", optout_list, customer_key="c7", first="Jane"
        )
        Contact.objects.update(changed_at=make.NOW)
        assert program.read("/lists/1/contacts") == {
            "contacts": [
                {
                    "id": str(contact.pk),
                    "address": "jane@example.com",
                    "medium": "email",
                    "fields": {"first": "Jane"},
                    "customer_key": "c7",
                    "subscribed_at": "2026-03-04T12:00:00Z",
                    "changed_at": "2026-03-04T12:00:00Z",
                }
            ],
            "next": None,
        }

    def test_those_of_this_list_and_realm_alone(
        self, program: Program, realm: Realm, optout_list: List
    ) -> None:
        other = make.make_realm("other")
        make.make_contact(other, "theirs@example.com", make.make_list(other))
        make.make_contact(realm, "second@example.com", make.make_list(realm, 2))
        make.make_contact(realm, "nowhere@example.com")
        make.make_contact(realm, "first@example.com", optout_list)
        assert names(program.read("/lists/1/contacts")) == ["first"]
        assert names(program.read("/lists/0/contacts")) == []

    def test_every_contact_comes_once(
        self, program: Program, realm: Realm, optout_list: List
    ) -> None:
        wanted = {f"p{n}" for n in range(7)}
        for each in wanted:
            make.make_contact(realm, f"{each}@example.com", optout_list)
            make.make_subscription(optout_list, f"no-contact-{each}@example.com")
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = program.read("/lists/1/contacts", limit=3, cursor=cursor)
            found += names(page)
            cursor = page["next"]
        assert (len(found), set(found)) == (7, wanted)

    def test_who_is_suppressed_is_none_of_them(
        self, program: Program, realm: Realm, optout_list: List
    ) -> None:
        """Although a place on the list was left over, and under whatever hash."""
        for name in ("here", "everywhere", "known-by-hash"):
            make.make_contact(realm, f"{name}@example.com", optout_list)
        make.make_optout(optout_list, "here@example.com")
        make.make_optout(make.do_not_mail(realm), "everywhere@example.com")
        for each in ("here", "everywhere"):
            make.make_subscription(optout_list, f"{each}@example.com")
        assert names(program.read("/lists/1/contacts")) == ["known-by-hash"]
        Suppression.objects.create(
            optout_list=make.do_not_mail(realm),
            digest=md5_of("known-by-hash@example.com"),
            hash_kind=HashKind.MD5,
            full_hash=md5_of("known-by-hash@example.com"),
            medium=1,
            channel=13,
            reason=1,
            suppressed_at=make.NOW,
        )
        assert names(program.read("/lists/1/contacts")) == []

    def test_a_key_for_other_lists_finds_none(self, realm: Realm, optout_list: List) -> None:
        narrow = Program(realm, make.make_list(realm, 2))
        assert narrow.get("/lists/1/contacts").status_code == 404
        assert narrow.get("/lists/2/contacts").status_code == 200
        assert Program(realm, may_read=False).get("/lists/1/contacts").status_code == 403

    @pytest.mark.parametrize(
        "query",
        [
            {"limit": "1001"},
            {"limit": "٣"},
            {"cursor": "x"},
            {"cursor": "\0"},
            {"modified_since": "x"},
            {"modified_since": "2026-03-04", "cursor": "Y29udGFjdHMgMTo"},
            {"email": "jane@example.com"},
        ],
    )
    def test_a_query_that_makes_no_sense_is_refused(
        self, program: Program, query: dict[str, str]
    ) -> None:
        assert program.get("/lists/1/contacts", query).status_code == 422


class TestChanged:
    def test_those_that_changed_since_in_the_order_in_which_they_did(
        self, program: Program, realm: Realm, optout_list: List
    ) -> None:
        now = timezone.now()
        for day, name in enumerate(("d", "c", "b", "a")):
            contact = make.make_contact(realm, f"{name}@example.com", optout_list)
            Contact.objects.filter(pk=contact.pk).update(changed_at=now + timedelta(days=day))
        since = (now + timedelta(days=1)).isoformat()

        first = program.read("/lists/1/contacts", modified_since=since, limit=2)
        second = program.read(
            "/lists/1/contacts", modified_since=since, limit=2, cursor=first["next"]
        )

        assert (names(first), names(second)) == (["c", "b"], ["a"])
        assert second["next"] is None

    def test_it_goes_on_over_contacts_of_other_lists(
        self,
        program: Program,
        realm: Realm,
        optout_list: List,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(list_contacts, "LOOKED_THROUGH", 2)
        for n in range(5):
            make.make_contact(realm, f"other{n}@example.com")
        make.make_contact(realm, "jane@example.com", optout_list)
        Contact.objects.update(changed_at=make.NOW)

        pages = []
        cursor: str | None = ""
        while cursor is not None:
            page = program.read(
                "/lists/1/contacts", modified_since="2026-03-04", cursor=cursor, limit=5
            )
            pages.append(names(page))
            cursor = page["next"]
        assert [each for page in pages for each in page] == ["jane"]
        assert len(pages) == 4
