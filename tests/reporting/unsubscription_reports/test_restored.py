"""Reports after a dump was restored on another server: repeats are possible, losses are not."""

import pytest
from django.db import connection

from lists.models import List, User
from tests import make
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
