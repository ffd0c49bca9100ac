"""Phones in the Global Unsubscribe, from a website's call to the report (S1.*; security.md §1, phones)."""

import pytest

from lists.models import Realm, User
from optout.models import GlobalLine, Suppression
from tests import make
from tests.lists.screens import look_at
from tests.optout.channels.global_unsubscribe.calls import call
from tests.optout.test_phones import BERLIN, SPELLINGS
from tests.reporting.portal import signed_in
from tests.reporting.test_global_unsubscribe import PAGE, download

pytestmark = pytest.mark.django_db
WRITTEN = pytest.mark.parametrize("written", SPELLINGS.values(), ids=SPELLINGS)


@pytest.fixture
def realm() -> Realm:
    realm = make.make_realm(default_region="DE")
    make.make_global_unsubscribe(realm)
    return realm


@WRITTEN
def test_a_website_sends_the_number_in_any_spelling(realm: Realm, written: str) -> None:
    assert call(phoneNumber=written).content == b"1"

    assert GlobalLine.objects.get().phone == BERLIN
    assert Suppression.objects.get().address == BERLIN


def test_and_each_is_the_same_line(realm: Realm) -> None:
    for written in SPELLINGS.values():
        call(phoneNumber=written)

    assert GlobalLine.objects.get().unsubscribe_count == len(SPELLINGS)


def test_a_short_code_is_denied(realm: Realm) -> None:
    assert call(phoneNumber="88888").content == b"0"
    assert not GlobalLine.objects.exists()


@WRITTEN
def test_the_report_finds_it_by_any_spelling(alice: User, realm: Realm, written: str) -> None:
    make.make_global_request(realm, "", BERLIN)
    make.make_global_request(realm, "", "+493023125999")

    response = signed_in(alice).get(PAGE, {"phone": written})

    look_at(response)
    assert [line.phone for line in response.context["lines"]] == [BERLIN]


@pytest.mark.parametrize("query", ["", "?raw=1"])
def test_its_csv_leaves_the_number_alone(alice: User, realm: Realm, query: str) -> None:
    """AT-23."""
    make.make_global_request(realm, "", BERLIN)

    (row,) = download(signed_in(alice), query)

    assert row["phoneNumber"] == BERLIN
