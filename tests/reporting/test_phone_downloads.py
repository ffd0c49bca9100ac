"""Phone numbers in the files that mailers download: as E.164, and hashed as such (protocols.md, AT-23)."""

import csv
import hashlib

import pytest

from lists.models import List, Realm, User
from optout.choices import Channel
from tests import make
from tests.optout.channels.test_page import submit
from tests.optout.test_phones import BERLIN, SPELLINGS
from tests.reporting.portal import signed_in
from tests.reporting.rest.programs import Program
from tests.reporting.rest.test_do_not_mail import body as rest_body
from tests.reporting.test_downloads import Door, body, lines

pytestmark = pytest.mark.django_db

FLAGGED = "+99912345678"


@pytest.fixture
def realm() -> Realm:
    return make.make_realm(default_region="DE")


@pytest.fixture
def phones(realm: Realm) -> List:
    """A list with one number, which many typed in many ways, one that cannot be dialled, and an email."""
    optout_list = make.make_list(realm, accepts="either", plain_download=True)
    for written in (*SPELLINGS.values(), "+999 1234 5678", "=jane@example.com"):
        assert submit(optout_list, written).status_code == 303
    return optout_list


@pytest.fixture
def door(phones: List) -> Door:
    return Door(phones, may_see_clear=True)


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_a_hash_is_of_the_e164_key(door: Door, kind: str) -> None:
    keys = (BERLIN, FLAGGED, "=jane@example.com")
    hashes = (hashlib.new(kind, each.encode()).hexdigest() for each in keys)

    assert lines(door.get(format=kind)) == sorted(hashes)


def test_txt_has_the_number_and_nothing_before_it(door: Door) -> None:
    assert lines(door.get(format="txt")) == sorted([BERLIN, FLAGGED, "=jane@example.com"])


@pytest.mark.parametrize("raw", ["", "1"])
def test_csv_leaves_numbers_alone_whatever_is_done_for_spreadsheets(door: Door, raw: str) -> None:
    """AT-23: both modes read back as E.164."""
    more = {"raw": raw} if raw else {}
    rows = {row["address"]: row for row in csv.DictReader(lines_of(door, **more))}

    assert {BERLIN, FLAGGED} < set(rows)
    assert (rows[BERLIN]["medium"], rows[BERLIN]["reason"]) == ("sms", "unsubscribed")
    assert ("=jane@example.com" in rows) == bool(raw)


def lines_of(door: Door, **asked: str) -> list[str]:
    return body(door.get(format="csv", **asked)).splitlines()


def test_do_not_mail_brings_its_numbers_along(door: Door, realm: Realm) -> None:
    """Whoever texts STOP is out everywhere: each list's file has the number."""
    make.make_optout(make.do_not_mail(realm), "+493023125111", channel=Channel.INBOUND_SMS)

    assert "+493023125111" in lines(door.get(format="txt"))


def test_a_person_in_the_portal_gets_the_same(alice: User, phones: List) -> None:
    path = f"/manage/lists/{phones.public_id}/download?format=csv"
    text = b"".join(signed_in(alice).get(path)).decode()

    assert f"{BERLIN},sms," in text


@pytest.mark.parametrize("ending", ["csv", "txt"])
def test_do_not_mail_as_a_file_of_the_rest_api(realm: Realm, ending: str) -> None:
    make.make_optout(make.do_not_mail(realm), BERLIN, channel=Channel.INBOUND_SMS)

    rows = rest_body(Program(realm).get(f"/do-not-mail.{ending}")).splitlines()

    assert rows[-1].split(",")[0] == BERLIN
