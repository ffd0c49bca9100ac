from collections.abc import Iterator
from threading import Event, Thread

import pytest
from django.db import connection, transaction

from lists.models import List
from reporting.feed import START, Cursor, read_feed
from tests import make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]


def addresses(cursor: Cursor = START, limit: int = 100) -> list[str | None]:
    rows, _cursor = read_feed(cursor, limit)
    return [row.address for row in rows]


class OpenTransaction:
    """Somebody who has recorded an opt-out in a transaction that is not committed yet."""

    def __init__(self, optout_list: List, address: str) -> None:
        self._recorded, self._go_on = Event(), Event()
        self._thread = Thread(target=self._run, args=(optout_list, address))
        self._thread.start()
        assert self._recorded.wait(10)

    def _run(self, optout_list: List, address: str) -> None:
        try:
            with transaction.atomic():
                make.make_optout(optout_list, address)
                self._recorded.set()
                assert self._go_on.wait(10)
        finally:
            connection.close()

    def commit(self) -> None:
        self._go_on.set()
        self._thread.join(10)


@pytest.fixture
def late(optout_list: List) -> Iterator[OpenTransaction]:
    """It has the lower id, and commits after all others."""
    other = OpenTransaction(optout_list, "late@example.com")
    yield other
    other.commit()


class TestReading:
    def test_rows_come_in_the_order_of_the_ledger_and_once(self, optout_list: List) -> None:
        for n in range(5):
            make.make_optout(optout_list, f"person{n}@example.com")

        first, cursor = read_feed(START, 3)
        second, cursor = read_feed(cursor, 3)
        third, end = read_feed(cursor, 3)

        assert [row.address for row in first + second] == [
            f"person{n}@example.com" for n in range(5)
        ]
        assert third == []
        assert end == cursor

    def test_a_row_tells_what_happened(self, optout_list: List) -> None:
        recorded = make.make_optout(optout_list)
        ((row,), cursor) = read_feed(START, 10)
        assert (row.id, row.list_id, row.is_new) == (recorded.optout_id, optout_list.pk, True)
        assert row.digest == recorded.digest
        assert cursor == Cursor(row.xid, row.id)


class TestALateCommit:
    def test_it_holds_back_what_came_after_it_and_is_not_skipped(
        self, optout_list: List, late: OpenTransaction
    ) -> None:
        make.make_optout(optout_list, "quick@example.com")

        before, cursor = read_feed(START, 100)
        late.commit()
        after, _end = read_feed(cursor, 100)

        assert before == []
        assert [row.address for row in after] == ["late@example.com", "quick@example.com"]

    def test_what_was_before_it_is_read_at_once(self, optout_list: List) -> None:
        make.make_optout(optout_list, "early@example.com")
        late = OpenTransaction(optout_list, "late@example.com")
        try:
            assert addresses() == ["early@example.com"]
        finally:
            late.commit()
        assert addresses() == ["early@example.com", "late@example.com"]
