"""Reports after a dump was restored on another server: repeats are possible, losses are not."""

from typing import Any

import pytest
from django.db import connection

from lists.models import List, User
from reporting import feed
from tests import make
from tests.reporting.test_feed import OpenTransaction
from tests.reporting.unsubscription_reports.test_sending import bodies, choose, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]


class TestRestored:
    def test_on_another_server_nothing_is_skipped(self, optout_list: List, alice: User) -> None:
        make.make_optout(optout_list, "told@example.com")
        choose(alice)
        make.make_optout(optout_list, "untold@example.com")
        with connection.cursor() as cursor:  # as on a server that had made more transactions
            cursor.execute(
                "UPDATE optout_optout SET xid = (9000000000 + id)::text::xid8;"
                "UPDATE reporting_unsubscriptionreport SET xid = (SELECT xid FROM optout_optout ORDER BY xid LIMIT 1)"
            )

        assert run() == {"sent": 1, "failed": 0}
        make.make_optout(optout_list, "later@example.com")
        assert run() == {"sent": 1, "failed": 0}

        first, second = bodies()
        assert "untold@example.com" in first
        assert "later@example.com" in second and "untold" not in second

    def test_nor_what_commits_while_the_ledger_is_mended(
        self, optout_list: List, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make.make_optout(optout_list, "told@example.com")
        choose(alice)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE optout_optout SET xid = '9000000000';"
                "UPDATE reporting_unsubscriptionreport SET (xid, last_id) = (SELECT xid, id FROM optout_optout)"
            )
        late = OpenTransaction(optout_list, "during@example.com")
        go_on_from = feed._go_on_from

        def commit_before(table: str, places: Any) -> None:
            late.commit()
            go_on_from(table, places)

        monkeypatch.setattr(feed, "_go_on_from", commit_before)
        feed.mend_feed()
        make.make_optout(optout_list, "after@example.com")
        run()
        (body,) = bodies()
        assert "during@example.com" in body and "after@example.com" in body
        assert "told@example.com" not in body
