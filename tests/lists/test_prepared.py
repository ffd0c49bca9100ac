import psycopg
import pytest
from django.db import OperationalError, ProgrammingError, connection, transaction

from lists.prepared import fetch, fetch_prepared


def cut_connection() -> None:
    """End our own connection from another one, as a restart of the server does."""
    fetch("SELECT 1")
    pid = connection.connection.info.backend_pid
    with psycopg.connect(connection.connection.info.dsn) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


@pytest.mark.django_db(transaction=True)
class TestFetching:
    def test_rows_come_back_as_tuples(self) -> None:
        assert fetch_prepared("SELECT %s::int, 'a'", (1,)) == [(1, "a")]
        assert fetch("SELECT %(n)s::int", {"n": 2}) == [(2,)]

    def test_a_statement_without_a_result_gives_no_rows(self) -> None:
        assert fetch("SET application_name = 'heed'") == []

    def test_the_plan_is_kept(self) -> None:
        for _ in range(8):
            fetch_prepared("SELECT %s::int + 40", (2,))

        plans = fetch("SELECT generic_plans FROM pg_prepared_statements WHERE statement ~ '40'")
        assert plans and plans[0][0] > 0

    def test_errors_are_djangos(self) -> None:
        with pytest.raises(ProgrammingError):
            fetch("SELECT FROM nothing_of_that_name")

    def test_queries_are_counted(self, django_assert_num_queries) -> None:
        with django_assert_num_queries(2):
            fetch("SELECT 1")
            fetch_prepared("SELECT 1")

    def test_a_dead_connection_is_replaced(self) -> None:
        cut_connection()

        assert fetch_prepared("SELECT 1") == [(1,)]

    def test_in_a_transaction_a_dead_connection_is_an_error(self) -> None:
        def ask_twice() -> None:
            with transaction.atomic():
                cut_connection()
                fetch("SELECT 1")

        with pytest.raises(OperationalError):
            ask_twice()
