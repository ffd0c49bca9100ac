"""The stream of a COPY: large pieces, and nothing left behind when it ends early."""

import psycopg
import pytest
from django.db import DataError, OperationalError, connection
from psycopg.pq import TransactionStatus

from lists.copying import PIECE, copy_out
from lists.prepared import fetch

NUMBERS = "COPY (SELECT generate_series(1, %(last)s)) TO STDOUT"
# Breaks off in the middle, as a disk error or an administrator would.
BROKEN = "COPY (SELECT 1000 / (50000 - n) FROM generate_series(1, 100000) n) TO STDOUT"


def is_idle() -> bool:
    status = connection.connection.info.transaction_status
    return bool(status == TransactionStatus.IDLE) and fetch("SELECT 1") == [(1,)]


@pytest.mark.django_db(transaction=True)
class TestTheStream:
    def test_its_pieces_are_whole_lines_of_about_that_size(self) -> None:
        pieces = list(copy_out(NUMBERS, {"last": 200_000}))

        assert len(pieces) > 3
        assert all(piece.endswith(b"\n") for piece in pieces)
        assert all(PIECE <= len(piece) < PIECE + 10 for piece in pieces[:-1])
        assert b"".join(pieces).split() == [b"%d" % n for n in range(1, 200_001)]

    def test_it_leaves_no_transaction_open(self) -> None:
        assert list(copy_out(NUMBERS, {"last": 1}, size=100)) == [b"1\n"]
        assert is_idle()

    def test_nothing_is_no_piece(self) -> None:
        assert list(copy_out(NUMBERS, {"last": 0})) == []

    def test_closing_it_ends_the_statement(self) -> None:
        pieces = copy_out(NUMBERS, {"last": 1_000_000_000})
        next(pieces)
        pieces.close()
        assert is_idle()

    def test_an_error_in_the_middle_is_raised(self) -> None:
        pieces = copy_out(BROKEN, size=1000)
        assert next(pieces)
        with pytest.raises(DataError, match="division by zero"):
            list(pieces)
        assert is_idle()

    def test_so_is_one_that_ends_the_connection(self) -> None:
        connection.ensure_connection()
        info = connection.connection.info
        pieces = copy_out(NUMBERS, {"last": 1_000_000_000})
        next(pieces)
        with psycopg.connect(info.dsn, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (info.backend_pid,))
        with pytest.raises(OperationalError):
            list(pieces)
        connection.close()
