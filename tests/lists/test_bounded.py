"""lists/bounded.py: a question that takes too long is stopped by the database itself."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from lists.bounded import TookTooLongError, at_most
from lists.models import Realm, User
from reporting.views import global_unsubscribe as view
from tests import make
from tests.lists.screens import look_at
from tests.reporting.portal import signed_in

pytestmark = pytest.mark.django_db(transaction=True)  # a stopped statement ends its transaction


@pytest.fixture
def _patient() -> Iterator[None]:
    """Without a limit of its own a statement is stopped after 10 seconds, so that no test waits for ever."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '10s'")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET statement_timeout")


@pytest.mark.usefixtures("_patient")
class TestAtMost:
    def test_a_slow_statement_is_stopped(self) -> None:
        with (
            pytest.raises(TookTooLongError),
            at_most(0.05),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT pg_sleep(5)")

    def test_the_limit_holds_within_alone(self) -> None:
        with connection.cursor() as cursor:
            with at_most(0.05):
                cursor.execute("SHOW statement_timeout")
                assert cursor.fetchone() == ("50ms",)
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("10s",)

    def test_no_time_is_no_time(self) -> None:
        with pytest.raises(TookTooLongError), at_most(0), connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")

    def test_a_transaction_goes_on_after_a_stopped_statement(self) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '9s'")
            with pytest.raises(TookTooLongError), at_most(0.05, may_be_within=True):
                cursor.execute("SELECT pg_sleep(5)")
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("9s",)

    def test_a_transaction_goes_on_with_the_limit_it_had(self) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '9s'")
            with at_most(0.05, may_be_within=True):
                cursor.execute("SHOW statement_timeout")
                assert cursor.fetchone() == ("50ms",)
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("9s",)

    def test_another_error_stays_what_it_is(self) -> None:
        with pytest.raises(OperationalError), at_most(1), connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$")


@pytest.mark.usefixtures("_patient")
def test_the_global_report_waits_no_longer_than_its_limit(
    alice: User, realm: Realm, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.make_global_unsubscribe(realm)
    make.make_global_request(realm)
    client = signed_in(alice)
    for name in ("QUICK_SECONDS", "FILTER_SECONDS"):
        monkeypatch.setattr(view, name, 0.05)

    with psycopg.connect(connection.connection.info.dsn) as someone:
        someone.execute("LOCK TABLE optout_globalline IN ACCESS EXCLUSIVE MODE")
        text = look_at(client.get("/manage/reports/global-unsubscribe?product=0")).text

    assert "took too long" in text and "Nothing found" not in text
