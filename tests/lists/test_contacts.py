from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lists.contacts import MAX_FIELD, MAX_FIELDS, find_contacts, get_contact, known_fields
from lists.models import Contact, List, Realm, Subscription
from lists.prepared import fetch
from optout.addresses import digest_of
from tests import make

# A realm with many contacts, each on the list. Inserted in one go; the planner is told how many there are.
_FILL = """
WITH made AS (
    INSERT INTO lists_contact (realm_id, digest, medium, address, fields, created_at)
    SELECT %(realm)s, substr(sha256(a::bytea), 1, 16), 1, a, jsonb_build_object('first', 'P' || n), %(now)s
    FROM (SELECT n, 'person' || n || '@example.com' AS a FROM generate_series(1, %(count)s) n) numbered
    RETURNING digest
)
INSERT INTO lists_subscription (optout_list_id, digest, subscribed_at) SELECT %(list)s, digest, %(now)s FROM made
"""
# Rows of this transaction that were read one by one from the table, or fetched through an index.
_ROWS_READ = """
SELECT sum(seq_tup_read + idx_tup_fetch)::int FROM pg_stat_xact_user_tables WHERE relname = ANY (%s)
"""


@contextmanager
def reads_at_most(rows: int, *tables: str) -> Iterator[None]:
    ((before,),) = fetch(_ROWS_READ, (list(tables),))
    yield
    ((after,),) = fetch(_ROWS_READ, (list(tables),))
    assert after - before <= rows


def addresses(realm: Realm, **given) -> list[str]:
    return [found.address for found in find_contacts(realm.pk, **given)]


class TestFields:
    def test_standard_and_custom_ones_are_kept_and_others_dropped(self) -> None:
        given = {
            "first": "Jane",
            "custom_Shoe size-2": "40",
            "email": "x",
            "custom_": "x",
            "a": "b",
        }
        assert known_fields(given) == {"first": "Jane", "custom_Shoe size-2": "40"}

    @pytest.mark.parametrize("name", ["custom_" + "a" * 65, "custom_ä", "custom_a\n", "custom_'--"])
    def test_a_name_that_no_field_has_is_dropped(self, name: str) -> None:
        assert known_fields({name: "1"}) == {}

    def test_an_empty_value_is_kept_for_it_empties_the_field(self) -> None:
        assert known_fields({"first": "", "last": " \t"}) == {"first": "", "last": ""}

    def test_what_no_line_can_hold_becomes_a_space(self) -> None:
        given = {"first": "\0Ja\r\nne\x85", "last": "D\ud800e", "city": "A\u2028B"}
        assert known_fields(given) == {"first": "Ja  ne", "last": "D e", "city": "A B"}

    def test_a_value_that_is_too_long_is_refused(self) -> None:
        assert known_fields({"first": "x" * MAX_FIELD}) is not None
        assert known_fields({"first": "x" * (MAX_FIELD + 1)}) is None
        assert known_fields({"unknown": "x" * (MAX_FIELD + 1)}) == {}

    def test_so_are_too_many(self) -> None:
        many = {f"custom_{n}": "" for n in range(MAX_FIELDS)}
        assert known_fields(many) == many
        assert known_fields({**many, "first": ""}) is None


class TestFinding:
    def test_by_digest(self, realm: Realm, optout_list: List) -> None:
        other = make.make_list(realm, 7)
        made = make.make_contact(
            realm, "jane@example.com", other, optout_list, customer_key="k1", first="Jane"
        )
        make.make_contact(realm, "joe@example.com", optout_list)

        (found,) = find_contacts(realm.pk, digest=digest_of("jane@example.com"))

        assert (found.id, found.address, found.customer_key) == (made.pk, "jane@example.com", "k1")
        assert found.fields == {"first": "Jane"}
        assert found.numbers == (1, 7)

    def test_another_realms_contact_is_not_found(self, realm: Realm) -> None:
        other = make.make_realm("other")
        theirs = make.make_contact(other, "jane@example.com", make.make_list(other), first="Jane")

        assert addresses(realm, digest=digest_of("jane@example.com")) == []
        assert addresses(realm, email_part="jane") == []
        assert addresses(realm, first="Jane") == []
        assert get_contact(realm.pk, theirs.pk) is None

    def test_lists_of_another_realm_are_not_told(self, realm: Realm) -> None:
        make.make_contact(realm, "jane@example.com", make.make_list(make.make_realm("other"), 9))
        assert find_contacts(realm.pk, email_part="jane")[0].numbers == ()

    def test_by_a_part_of_the_address(self, realm: Realm) -> None:
        for address in ("jane@example.com", "mary-jane@example.org", "joe@example.com"):
            make.make_contact(realm, address)
        assert addresses(realm, email_part=" JANE") == ["jane@example.com", "mary-jane@example.org"]

    @pytest.mark.parametrize("part", ["%", "j_ne", "\\", "j%e"])
    def test_a_wildcard_stands_for_itself(self, realm: Realm, part: str) -> None:
        make.make_contact(realm, "jane@example.com")
        assert addresses(realm, email_part=part) == []

    def test_an_underscore_is_found_as_one(self, realm: Realm) -> None:
        make.make_contact(realm, "j_ne@example.com")
        assert addresses(realm, email_part="j_n") == ["j_ne@example.com"]

    def test_by_name_in_any_case_and_all_of_it(self, realm: Realm) -> None:
        make.make_contact(realm, "jane@example.com", first="Jane", last="Doe")
        make.make_contact(realm, "jane2@example.com", first="Jane", last="Müller")
        make.make_contact(realm, "janet@example.com", first="Janet")
        assert addresses(realm, first="jane") == ["jane2@example.com", "jane@example.com"]
        assert addresses(realm, first="Jane", last="MÜLLER") == ["jane2@example.com"]
        assert addresses(realm, first="Jan") == []
        assert addresses(realm, digest=digest_of("jane@example.com"), last="Roe") == []

    def test_within_a_list(self, realm: Realm, optout_list: List) -> None:
        make.make_contact(realm, "jane@example.com", optout_list, first="Jane")
        make.make_contact(realm, "jane2@example.com", first="Jane")
        assert addresses(realm, first="Jane", list_id=optout_list.pk) == ["jane@example.com"]
        digest = digest_of("jane2@example.com")
        assert addresses(realm, digest=digest, list_id=optout_list.pk) == []

    @pytest.mark.parametrize("text", ["\0", "a\0", "\ud800", "x" * 300, "' OR 1=1 --"])
    def test_text_that_no_contact_has_finds_nobody(self, realm: Realm, text: str) -> None:
        make.make_contact(realm, "jane@example.com", first="Jane")
        assert addresses(realm, email_part=text) == []
        assert addresses(realm, first=text) == []
        assert addresses(realm, last=text) == []

    def test_one_query(self, realm: Realm, django_assert_num_queries) -> None:
        for n in range(3):
            make.make_contact(realm, f"jane{n}@example.com")
        with django_assert_num_queries(1):
            assert len(find_contacts(realm.pk, email_part="jane")) == 3


class TestDetail:
    def test_it_has_the_places_and_when_they_began(self, realm: Realm, optout_list: List) -> None:
        made = make.make_contact(realm, "jane@example.com", make.make_list(realm, 7), optout_list)
        Subscription.objects.filter(optout_list=optout_list).update(message_format=1)

        found = get_contact(realm.pk, made.pk)

        assert found is not None
        assert found.places == ((1, 1, make.NOW), (7, 99, make.NOW))
        assert found.numbers == (1, 7)
        assert found.created_at == made.created_at

    def test_a_contact_on_no_list(self, realm: Realm) -> None:
        made = make.make_contact(realm, "jane@example.com", first="Jane")
        found = get_contact(realm.pk, made.pk)
        assert found is not None
        assert (found.places, found.numbers, found.fields) == ((), (), {"first": "Jane"})

    def test_an_unknown_id_is_none(self, realm: Realm) -> None:
        assert get_contact(realm.pk, 10**17) is None


class TestManyContacts:
    """What is read does not grow with the realm, nor with the installation."""

    @pytest.fixture
    def full(self, realm: Realm, optout_list: List) -> Realm:
        values = {"realm": realm.pk, "list": optout_list.pk, "now": make.NOW, "count": 100_000}
        fetch(_FILL, values)
        fetch("ANALYZE lists_contact, lists_subscription")
        return realm

    def test_everything_is_found_by_index(self, full: Realm, optout_list: List) -> None:
        digest = digest_of("person77777@example.com")
        contact_id = Contact.objects.get(digest=digest).pk
        tables = ("lists_contact", "lists_subscription")
        with reads_at_most(10, *tables):
            (found,) = find_contacts(full.pk, digest=digest)
        assert found.numbers == (1,)
        with reads_at_most(10, *tables):
            assert find_contacts(full.pk, digest=digest, list_id=optout_list.pk) == [found]
        with reads_at_most(10, *tables):
            detail = get_contact(full.pk, contact_id)
        assert detail is not None and detail.id == contact_id
        with reads_at_most(10, *tables):
            assert get_contact(full.pk, 10**17) is None
        # A part that many have ends with the last row that is given back.
        with reads_at_most(1_000, *tables):
            assert len(find_contacts(full.pk, email_part="person")) == 250
        with reads_at_most(1_000, *tables):
            assert len(find_contacts(full.pk, email_part="person", limit=10**6)) == 250
        # Another realm's search reads none of them.
        small = make.make_realm("small")
        make.make_contact(small, "person1@example.com", first="P1")
        with reads_at_most(10, *tables):
            assert addresses(small, email_part="person", first="p1") == ["person1@example.com"]
