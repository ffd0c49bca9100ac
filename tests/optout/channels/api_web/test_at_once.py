"""The same commands from many scripts at the same moment: one suppression, right counts, no deadlock."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from lists.models import Contact, List, Realm, Subscription
from optout.models import OptOut, Suppression
from tests import make
from tests.optout.channels.api_web.calls import call, line, make_password

CALLERS = 20
PEOPLE = [f"person{n}@example.com" for n in range(30)]


def all_at_once(commands: list[dict[str, Any]]) -> list[str]:
    """Send each command from a thread of its own, all let loose together; the lines that came back."""
    barrier = Barrier(len(commands))

    def run(command: dict[str, Any]) -> str:
        try:
            barrier.wait(10)
            return line(call("acme", command["cmd"], **command))
        finally:
            connection.close()

    with ThreadPoolExecutor(len(commands)) as pool:
        return list(pool.map(run, commands))


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_one_unsub_twenty_times(self, realm: Realm, optout_list: List) -> None:
        make_password(realm)
        make.make_contact(realm, PEOPLE[0], optout_list)
        command = {"cmd": "unsub", "list_id": 1, "optout": 1, "data": f"email^{PEOPLE[0]}"}

        lines = all_at_once([command] * CALLERS)

        assert len(set(lines)) == 1
        assert lines[0] == (
            "SUCCESS: 1 record(s) processed. 1 users unsubscribed from list(s) 1 (1 total contacts),"
            " Records Failed Other Error 0"
        )
        assert Suppression.objects.count() == 1
        assert Counter(OptOut.objects.values_list("is_new", flat=True)) == {
            True: 1,
            False: CALLERS - 1,
        }
        assert not Subscription.objects.exists()

    def test_one_batch_in_two_orders(self, realm: Realm, optout_list: List) -> None:
        """Records are locked in one order, whatever order they stand in."""
        make_password(realm)
        for person in PEOPLE:
            make.make_contact(realm, person, optout_list)
        there = {"cmd": "unsub", "list_id": 1, "optout": 1, "data": "email^" + "^".join(PEOPLE)}
        back = {**there, "data": "email^" + "^".join(reversed(PEOPLE))}

        lines = all_at_once([there, back] * (CALLERS // 2))

        assert all(each.startswith("SUCCESS: 30 record(s) processed. 30 users") for each in lines)
        assert Suppression.objects.count() == len(PEOPLE)
        assert OptOut.objects.filter(is_new=True).count() == len(PEOPLE)
        assert OptOut.objects.count() == len(PEOPLE) * CALLERS

    def test_without_optout_each_leaves_once(self, realm: Realm, optout_list: List) -> None:
        make_password(realm)
        for person in PEOPLE:
            make.make_contact(realm, person, optout_list)
        there = {"cmd": "unsub", "list_id": 1, "data": "email^" + "^".join(PEOPLE)}
        back = {**there, "data": "email^" + "^".join(reversed(PEOPLE))}

        lines = all_at_once([there, back] * (CALLERS // 2))

        assert sum(int(each.split()[4]) for each in lines) == len(PEOPLE)
        assert not Subscription.objects.exists()

    def test_commands_of_every_kind(self, realm: Realm, optout_list: List) -> None:
        make_password(realm)
        make.make_list(realm, 2, "Other")
        for person in PEOPLE:
            make.make_contact(realm, person, optout_list)
        some, others = "^".join(PEOPLE[:20]), "^".join(reversed(PEOPLE[10:]))
        mixed: list[dict[str, Any]] = [
            {"cmd": "unsub", "list_id": 1, "optout": 1, "data": f"email^{some}"},
            {"cmd": "unsub", "list_id": 0, "optout": 1, "data": f"email^{others}"},
            {"cmd": "unsub", "list_id": 1, "data": f"email^{others}"},
            {"cmd": "sub", "list_id": 1, "format": 1, "data": f"email^{others}"},
            {"cmd": "sub", "list_id": 2, "format": 1, "force_sub": 1, "data": f"email^{some}"},
            {"cmd": "update", "data": f"email^{others}"},
            {"cmd": "change", "email": PEOPLE[15], "email_new": "new@example.com"},
            {"cmd": "delete", "data": f"email^{some}"},
        ]

        lines = all_at_once(mixed * 2)

        assert all(each.startswith(("SUCCESS: ", "FAILURE: ")) for each in lines)
        assert Contact.objects.count() <= len(PEOPLE) + 1
        # whoever was not forced back is out: the last word on each address is in the ledger
        for person in PEOPLE[20:]:
            assert Suppression.objects.filter(address=person, optout_list__number=0).exists()
