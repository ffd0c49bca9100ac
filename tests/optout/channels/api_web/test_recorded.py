"""S4.1–S4.20 as old scripts send them: every file of `recorded/`, replayed whole."""

from datetime import UTC, datetime

import pytest

from lists.api_auth import digest_password
from lists.models import Contact, List, Realm, RealmCredential, Subscription
from optout.addresses import digest_of
from optout.models import OptOut, Suppression
from tests import make
from tests.optout.channels.api_web.replay import Recorded, read_recorded, replay

RECORDED = read_recorded()
JANE, DOE, JOHN = "jane@domain.com", "jane.doe@domain.com", "john.smith@domain.com"


def make_world() -> Realm:
    """The realm `myrealm` of the document: jane on two lists, two more on one, and somebody who opted out."""
    realm = make.make_realm("myrealm")
    letters = make.make_list(realm, 5, "Garden letters")
    seeds = make.make_list(realm, 7, "Seeds, bulbs")
    make.make_list(make.make_realm("other"), 6, "Somebody else's")
    RealmCredential.objects.create(
        realm=realm, secret_digest=digest_password("myrealm", "mypass"), is_chosen=True
    )
    make.make_contact(realm, JANE, letters, seeds, first="Jane", last="Doe")
    make.make_contact(realm, DOE, letters)
    make.make_contact(realm, JOHN, letters, first="John")
    within_any_days = datetime(2999, 1, 1, tzinfo=UTC)
    make.make_optout(letters, "gone@domain.com", requested_at=within_any_days)
    return realm


@pytest.fixture
def world(db: None) -> Realm:
    return make_world()


def state() -> tuple[set[str], set[str]]:
    """Suppressions and subscriptions, as `list/address`."""
    numbers = dict(List.objects.values_list("pk", "number"))
    names = {bytes(each.digest): each.address for each in Contact.objects.all()}
    _names.update(names)
    suppressed = {
        f"{numbers[each.optout_list_id]}/{each.address}" for each in Suppression.objects.all()
    }
    subscribed = {
        f"{numbers[each.optout_list_id]}/{_names[bytes(each.digest)]}"
        for each in Subscription.objects.all()
    }
    return suppressed, subscribed


_names = {digest_of(each): each for each in (JANE, DOE, JOHN)}


def changed(before: set[str], change: str) -> set[str]:
    """`before` with what a file says is added (or, behind a minus, taken away)."""
    after = set(before)
    for each in change.split():
        if each.startswith("-"):
            after.remove(each[1:])
        else:
            after.add(each.removeprefix("+"))
    return after


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded.name)
class TestRecorded:
    def test_the_answer_is_byte_for_byte(self, world: Realm, recorded: Recorded) -> None:
        ids = {
            name: Contact.objects.get(address=address).pk
            for name, address in (("jane", JANE), ("john", JOHN))
        }
        expected = recorded.answer
        for name, number in ids.items():
            expected = expected.replace(f"{{{name}}}", str(number))

        answer = replay(recorded.request)

        assert answer.body.decode() == expected
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["content-length"] == str(len(answer.body))
        assert "set-cookie" not in answer.headers
        if expected.startswith(("SUCCESS", "FAILURE")):
            assert expected.count(":") == 1 and "\n" not in expected
        assert b"mypass" not in answer.body

    def test_it_changes_what_it_says_and_no_more(self, world: Realm, recorded: Recorded) -> None:
        suppressed, subscribed = state()
        ledger = OptOut.objects.count()
        left = " ".join(
            each if each.startswith("+") else f"-{each}" for each in recorded.left.split()
        )

        replay(recorded.request)

        assert state() == (changed(suppressed, recorded.suppressed), changed(subscribed, left))
        if not recorded.suppressed:
            assert OptOut.objects.count() == ledger
