"""What the answers of `api_web` do not show: how much is read for them. The rest is in channels/api_web/test_showing.py."""

from datetime import datetime, timedelta

import pytest

from lists.models import List, Realm
from lists.prepared import fetch
from optout.actions import LiftIntent, lift_suppressions
from optout.addresses import digest_of
from optout.choices import Assurance, Channel, Medium, Origin, Reason
from optout.evidence import Evidence
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


def lift(optout_list: List, address: str, at: datetime) -> None:
    lifted = LiftIntent(
        list_id=optout_list.pk,
        digest=digest_of(address),
        medium=Medium.EMAIL,
        channel=Channel.PORTAL,
        assurance=Assurance.OPERATOR,
        reason=Reason.MANUAL,
        origin=Origin.OWNER,
        requested_at=at,
        evidence=Evidence(),
    )
    assert [each.is_new for each in lift_suppressions([lifted])] == [True]


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

    def test_what_is_older_is_not(self, full: List) -> None:
        later = make.NOW + timedelta(days=30)
        make.make_optout(full, requested_at=later)
        fetch("ANALYZE optout_optout")
        before = rows_read()
        new = Shown(full.pk, later - timedelta(days=1))
        assert list(stream_shown(new, most=100)) == [b"jane@example.com\n"]
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


@pytest.mark.django_db
class TestSince:
    @pytest.mark.parametrize("most", [None, 5_000])
    def test_it_is_what_holds_and_began_since_then(
        self, optout_list: List, most: int | None
    ) -> None:
        """However it is looked for: by the ledger for the beginning of an answer, by the list for the whole."""
        since = make.NOW
        before, after = since - timedelta(seconds=1), since + timedelta(days=1)
        for email, *times in (
            ("old@example.com", before),
            ("repeated@example.com", before, after),
            ("exactly@example.com", since),
            ("new@example.com", since, after),
            ("lifted@example.com", after),
            ("again@example.com", before),
        ):
            for time in times:
                make.make_optout(optout_list, email, requested_at=time)
        for email in ("lifted@example.com", "again@example.com"):
            lift(optout_list, email, after)
        for _ in range(2):
            make.make_optout(optout_list, "again@example.com", requested_at=after)
            lift(optout_list, "again@example.com", after)
        make.make_optout(optout_list, "again@example.com", requested_at=after)

        found = b"".join(stream_shown(Shown(optout_list.pk, since), most=most))

        assert sorted(found.decode().split()) == [
            "again@example.com",
            "exactly@example.com",
            "new@example.com",
        ]
