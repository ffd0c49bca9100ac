"""A ledger that was restored on another server: nobody is told everything again, and nothing is skipped."""

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from lists.models import List, Realm
from optout.models import OptOut
from reporting import feed
from reporting.feed import START, Cursor, mend_feed, read_feed
from reporting.models import WebhookEndpoint
from reporting.webhooks.endpoints import EndpointPlan, make_endpoint
from reporting.webhooks.handover import cursor_of
from tests import make
from tests.reporting.test_feed import OpenTransaction

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]

AHEAD = 9_000_000_000


def restore() -> None:
    """As after loading a dump of a server that has made far more transactions."""
    with connection.cursor() as cursor:
        for table in ("optout_optout", "reporting_webhookendpoint"):
            cursor.execute(f"UPDATE {table} SET xid = (xid::text::bigint + {AHEAD})::text::xid8")
        cursor.execute("UPDATE reporting_feedcursor SET xid = '9900000000'")


def still_to_tell(endpoint: WebhookEndpoint) -> list[str | None]:
    rows, _end = read_feed(cursor_of(WebhookEndpoint.objects.get(pk=endpoint.pk)), 100)
    return [row.address for row in rows]


@pytest.fixture
def endpoint(realm: Realm, optout_list: List) -> WebhookEndpoint:
    """It was told of the first two of three."""
    make.make_optout(optout_list, "told1@example.com")
    make.make_optout(optout_list, "told2@example.com")
    made = make_endpoint(
        realm, EndpointPlan("https://crm.example/in"), actor=None, now=timezone.now()
    )
    make.make_optout(optout_list, "untold@example.com")
    return made


class TestAfterARestore:
    def test_an_endpoint_goes_on_where_it_stood(self, endpoint: WebhookEndpoint) -> None:
        restore()
        assert mend_feed() == {"renumbered": 3}
        assert still_to_tell(endpoint) == ["untold@example.com"]
        assert mend_feed() == {"renumbered": 0}

    def test_so_it_does_with_what_came_before_anybody_mended(
        self, endpoint: WebhookEndpoint, optout_list: List
    ) -> None:
        restore()
        make.make_optout(optout_list, "new@example.com")
        mend_feed()
        assert still_to_tell(endpoint) == ["untold@example.com", "new@example.com"]

    def test_one_that_was_told_everything_is_told_what_is_new(
        self, endpoint: WebhookEndpoint, optout_list: List
    ) -> None:
        last = OptOut.objects.order_by("id").last()
        assert last is not None
        WebhookEndpoint.objects.update(xid=last.xid, last_id=last.id)
        restore()
        make.make_optout(optout_list, "new@example.com")
        mend_feed()
        make.make_optout(optout_list, "newer@example.com")
        assert still_to_tell(endpoint) == ["new@example.com", "newer@example.com"]

    def test_one_that_was_told_everything_is_told_nothing_again(
        self, endpoint: WebhookEndpoint, optout_list: List
    ) -> None:
        last = OptOut.objects.order_by("id").last()
        assert last is not None
        WebhookEndpoint.objects.update(xid=last.xid, last_id=last.id)
        restore()
        mend_feed()
        assert still_to_tell(endpoint) == []
        make.make_optout(optout_list, "new@example.com")
        assert still_to_tell(endpoint) == ["new@example.com"]

    def test_what_commits_while_it_is_mended_is_told(
        self, endpoint: WebhookEndpoint, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of an import, say, that began before anybody mended."""
        last = OptOut.objects.order_by("id").last()
        assert last is not None
        WebhookEndpoint.objects.update(xid=last.xid, last_id=last.id)
        restore()
        import_of_it = OpenTransaction(optout_list, "during@example.com")
        go_on_from = feed._go_on_from

        def commit_before(table: str, places: Any) -> None:
            import_of_it.commit()
            go_on_from(table, places)

        monkeypatch.setattr(feed, "_go_on_from", commit_before)
        mend_feed()
        make.make_optout(optout_list, "after@example.com")
        assert still_to_tell(endpoint) == ["during@example.com", "after@example.com"]
        assert mend_feed() == {"renumbered": 0}

    def test_so_it_is_where_the_dump_had_no_ledger(
        self, endpoint: WebhookEndpoint, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        restore()
        OptOut.objects.all().delete()
        make.make_optout(optout_list, "before@example.com")
        before = OptOut.objects.get()
        WebhookEndpoint.objects.update(last_id=before.id)
        late = OpenTransaction(optout_list, "during@example.com")
        go_on_from = feed._go_on_from

        def commit_before(table: str, places: Any) -> None:
            late.commit()
            go_on_from(table, places)

        monkeypatch.setattr(feed, "_go_on_from", commit_before)
        assert mend_feed() == {"renumbered": 0}
        make.make_optout(optout_list, "after@example.com")
        assert still_to_tell(endpoint) == ["during@example.com", "after@example.com"]

    def test_without_a_ledger_it_begins_at_its_start(self, endpoint: WebhookEndpoint) -> None:
        OptOut.objects.all().delete()
        restore()
        mend_feed()
        assert cursor_of(WebhookEndpoint.objects.get()) == START

    def test_where_all_is_well_nothing_moves(self, endpoint: WebhookEndpoint) -> None:
        before = cursor_of(endpoint)
        assert mend_feed() == {"renumbered": 0}
        assert cursor_of(WebhookEndpoint.objects.get()) == before > Cursor(0, 0)
