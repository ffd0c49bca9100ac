"""What the answers of `api_web` do not show: how much is read for them. The rest is in channels/api_web/test_showing.py."""

from datetime import timedelta

import pytest

from lists.models import List, Realm
from lists.prepared import fetch
from optout.shown import Shown, stream_shown
from tests import make

_FILL = """
INSERT INTO optout_suppression (suppressed_at, optout_list_id, channel, reason, medium, hash_kind, digest, address)
SELECT %s, %s, 1, 1, 1, 1, substr(sha256(a::bytea), 1, 16), a
FROM (SELECT 'person' || generate_series(1, 50000) || '@example.com' AS a) made
"""
_ROWS_READ = """
SELECT (seq_tup_read + idx_tup_fetch)::int FROM pg_stat_xact_user_tables WHERE relname = 'optout_suppression'
"""


def rows_read() -> int:
    ((rows,),) = fetch(_ROWS_READ)
    return int(rows)


@pytest.mark.django_db
class TestWhatIsRead:
    @pytest.fixture
    def full(self, optout_list: List) -> List:
        fetch(_FILL, (make.NOW, optout_list.pk))
        fetch("ANALYZE optout_suppression")
        return optout_list

    def test_other_lists_are_not(self, realm: Realm, full: List) -> None:
        small = make.make_list(realm, 2)
        make.make_optout(small)
        before = rows_read()
        for since in (None, make.NOW - timedelta(days=1)):
            assert list(stream_shown(Shown(small.pk, since))) == [b"jane@example.com\n"]
        assert rows_read() - before <= 10

    def test_no_more_than_asked_for(self, realm: Realm, full: List) -> None:
        before = rows_read()
        shown = Shown(full.pk, key_of_realm=realm.pk)
        for delimiter in ("", ","):
            assert b"".join(stream_shown(shown, delimiter, most=100)).count(b"\n") == 100
        assert rows_read() - before <= 1_000

    def test_pieces_are_whole_lines(self, full: List) -> None:
        pieces = list(stream_shown(Shown(full.pk)))
        assert len(pieces) > 3
        assert all(piece.endswith(b"@example.com\n") for piece in pieces)
