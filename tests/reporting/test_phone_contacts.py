"""Phone numbers as contacts: pasted, searched and taken off in the portal (security.md §1, phones)."""

from typing import Any

import pytest

from lists.choices import Role
from lists.models import Contact, List, Realm, Subscription, User
from optout.addresses import parse_phone
from optout.choices import Medium
from optout.models import OptOut, Suppression
from tests import make
from tests.lists.screens import look_at, open_screen
from tests.optout.test_phones import BERLIN, SPELLINGS
from tests.reporting.portal import signed_in

WRITTEN = pytest.mark.parametrize("written", SPELLINGS.values(), ids=SPELLINGS)
PARIS = "+33612345678"


@pytest.fixture
def realm() -> Realm:
    return make.make_realm(default_region="DE")


@pytest.fixture
def phones(realm: Realm) -> List:
    return make.make_list(realm, accepts="phone")


@pytest.fixture
def viewer(realm: Realm) -> User:
    user = make.make_user("viewer@acme.example")
    make.make_member(user, realm, Role.VIEWER)
    return user


def url(optout_list: List, rest: str = "") -> str:
    return f"/manage/lists/{optout_list.public_id}/contacts{rest}"


def add(user: User, optout_list: List, *lines: str) -> Any:
    return signed_in(user).post(url(optout_list, "/add"), {"addresses": "\n".join(lines)})


def find(user: User, optout_list: List, text: str) -> list[str]:
    response = signed_in(user).get(url(optout_list), {"q": text})
    return [each.address for each in response.context["contacts"]]


def on(optout_list: List) -> list[str]:
    digests = Subscription.objects.filter(optout_list=optout_list).values("digest")
    found = Contact.objects.filter(digest__in=digests).order_by("address")
    return list(found.values_list("address", flat=True))


@pytest.mark.django_db
class TestAdding:
    @WRITTEN
    def test_a_pasted_number_is_kept_as_e164(self, alice: User, phones: List, written: str) -> None:
        assert add(alice, phones, f'"{written}",Jo,Do').status_code == 302

        contact = Contact.objects.get()
        assert (contact.address, contact.medium) == (BERLIN, Medium.SMS)
        assert bytes(contact.digest) == parse_phone(BERLIN, "").digest
        assert contact.fields == {"first": "Jo", "last": "Do"}
        assert on(phones) == [BERLIN]

    def test_every_spelling_is_the_same_contact(self, alice: User, phones: List) -> None:
        lines = [f'"{each}"' for each in SPELLINGS.values()]

        response = add(alice, phones, "Phone number", *lines)

        assert response.status_code == 302
        assert on(phones) == [BERLIN]

    @pytest.mark.parametrize(
        ("header", "line"),
        [
            ("Telefonnummer\tVorname\tName", "+49 30 23125000\tJo\tDo"),
            ("Phone number;First;Last", "030 23125000; Jo; Do"),
            ("msisdn,first,last", "030/23125-000, Jo, Do"),
        ],
    )
    def test_rows_of_a_spreadsheet_are_read(
        self, alice: User, phones: List, header: str, line: str
    ) -> None:
        assert add(alice, phones, header, line).status_code == 302

        assert Contact.objects.get().fields == {"first": "Jo", "last": "Do"}

    def test_emails_and_numbers_stand_side_by_side_where_a_list_takes_both(
        self, alice: User, realm: Realm
    ) -> None:
        both = make.make_list(realm, accepts="either")

        add(alice, both, "030 23125000", "jane@example.com")

        assert on(both) == [BERLIN, "jane@example.com"]

    def test_a_short_code_stays_in_the_box_with_its_reason(self, alice: User, phones: List) -> None:
        response = add(alice, phones, "88888", BERLIN)

        text = look_at(response).text
        assert response.status_code == 422
        assert "This is a short code, or only a part of a phone number." in text
        assert on(phones) == [BERLIN]

    def test_a_number_that_cannot_be_dialled_is_added_and_told(
        self, alice: User, phones: List
    ) -> None:
        response = add(alice, phones, "+999 1234 5678")

        assert "+99912345678" in look_at(response).text
        assert on(phones) == ["+99912345678"]

    def test_who_opted_out_is_not_added(self, alice: User, phones: List) -> None:
        make.make_optout(phones, BERLIN)

        response = add(alice, phones, "030 23125000")

        assert BERLIN in look_at(response).text
        assert on(phones) == []


@pytest.mark.django_db
class TestSearching:
    @pytest.fixture(autouse=True)
    def _two(self, phones: List) -> None:
        make.make_contact(phones.realm, BERLIN, phones)
        make.make_contact(phones.realm, PARIS, phones)

    @WRITTEN
    def test_finds_a_number_in_any_spelling(self, alice: User, phones: List, written: str) -> None:
        assert find(alice, phones, written) == [BERLIN]

    @pytest.mark.parametrize(
        "begins", ["+49", "+49 (30)", "\u202a+49 30", "＋４９ 30", "+٤٩", "+49\u00a030\u2011231"]
    )
    def test_finds_it_by_how_it_begins(self, alice: User, phones: List, begins: str) -> None:
        assert find(alice, phones, begins) == [BERLIN]

    def test_shows_a_viewer_who_knows_it_a_masked_one(self, viewer: User, phones: List) -> None:
        assert find(viewer, phones, "030 23125000") == ["+49 ••• ••00"]
        assert find(viewer, phones, "+49 30") == []


@pytest.mark.django_db
class TestTakingOff:
    @pytest.fixture(autouse=True)
    def _one(self, phones: List) -> None:
        make.make_contact(phones.realm, BERLIN, phones)

    def press(self, user: User, phones: List, do: str) -> None:
        path = url(phones, f"/{parse_phone(BERLIN, '').digest.hex()}/remove")
        client = signed_in(user)
        assert BERLIN in open_screen(client, path).text
        assert client.post(path, {"do": do}).status_code == 302

    def test_removed_it_can_be_added_again(self, alice: User, phones: List) -> None:
        self.press(alice, phones, "remove")

        assert on(phones) == []
        assert not OptOut.objects.exists()
        assert add(alice, phones, "030 23125000").status_code == 302

    @pytest.mark.parametrize("do", ["opt_out", "opt_out_everywhere"])
    def test_opted_out_it_cannot(self, alice: User, phones: List, do: str) -> None:
        self.press(alice, phones, do)

        row = Suppression.objects.get()
        assert (row.address, row.medium) == (BERLIN, Medium.SMS)
        assert "Nobody was added." in look_at(add(alice, phones, "030 23125000")).text
        assert on(phones) == []
