import json
from collections.abc import Callable, Iterator
from contextlib import closing
from threading import Event, Semaphore
from unittest.mock import patch

import pytest
from django.db import connection, transaction
from django.db.utils import OperationalError
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from lists.models import ApiKey, List, Realm
from optout.actions import LiftIntent, lift_suppressions
from optout.addresses import parse_address
from optout.choices import Assurance, Channel, Medium, Origin, Reason
from optout.evidence import Evidence
from optout.models import OptOut
from optout.turns import TurnPool
from reporting import changes
from reporting.feed import mend_feed
from tests import make
from tests.pages import ONE_CLICK, PROVIDER, PublicClient, signed_path
from tests.reporting.rest.programs import Program
from tests.reporting.test_feed import OpenTransaction
from tests.threads import in_thread

# What the test itself has not committed is not in the feed yet.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]

FOREIGN = 2**62


@pytest.fixture
def program(realm: Realm, optout_list: List) -> Program:
    return Program(realm)


@pytest.fixture
def late(optout_list: List) -> Iterator[OpenTransaction]:
    """It has the lower id, and commits after all others."""
    other = OpenTransaction(optout_list, "late@example.com")
    yield other
    other.commit()


def addresses(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    return [each["address"] for each in answer["changes"]]


def lift(optout_list: List, address: str = "jane@example.com") -> None:
    intent = LiftIntent(
        list_id=optout_list.pk,
        digest=parse_address(address, "either", "US").digest,
        medium=Medium.EMAIL,
        channel=Channel.PORTAL,
        assurance=Assurance.OPERATOR,
        reason=Reason.REVERTED,
        origin=Origin.OWNER,
        requested_at=make.NOW,
        evidence=Evidence(),
    )
    lift_suppressions([intent])


def restore_elsewhere() -> None:
    """What a dump brings that is restored on a server whose transactions have lower numbers."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE optout_optout SET xid = %s", [str(FOREIGN)])


class TestChanges:
    def test_a_change_tells_what_happened(self, program: Program, optout_list: List) -> None:
        recorded = make.make_optout(optout_list, channel=Channel.ONE_CLICK)
        (change,) = program.read("/changes")["changes"]
        assert change == {
            "id": recorded.optout_id,
            "type": "opt_out",
            "list": 1,
            "address": "jane@example.com",
            "digest": recorded.digest.hex(),
            "medium": "email",
            "channel": "one_click",
            "reason": "unsubscribed",
            "origin": "recipient",
            "is_new": True,
            "suppressed": True,
            "recorded_at": "2026-03-04T12:00:00Z",
        }

    def test_repeats_and_lifts_are_changes_too(self, program: Program, optout_list: List) -> None:
        make.make_optout(optout_list)
        make.make_optout(optout_list)
        lift(optout_list)
        told = [(each["type"], each["is_new"]) for each in program.read("/changes")["changes"]]
        assert told == [("opt_out", True), ("opt_out", False), ("lift", True)]

    def test_any_address_is_valid_json(self, program: Program, optout_list: List) -> None:
        hostile = "o'\"\\\u2028\u0001</script>é@example.com"
        make.make_optout(optout_list, "+14155550123")
        make.make_optout(optout_list)
        make.make_optout(optout_list)
        rows = OptOut.objects.order_by("id")
        rows.filter(id=rows[1].id).update(address=hostile)
        rows.filter(id=rows[2].id).update(address=None)
        assert addresses(program.read("/changes")) == ["+14155550123", hostile, None]

    def test_a_channel_of_a_newer_release_is_another_one(
        self, program: Program, optout_list: List
    ) -> None:
        make.make_optout(optout_list)
        OptOut.objects.update(channel=99)
        assert program.read("/changes")["changes"][0]["channel"] == "other"

    def test_only_the_realm_and_the_lists_of_the_key_and_do_not_mail(
        self, program: Program, realm: Realm, optout_list: List
    ) -> None:
        elsewhere = make.make_list(make.make_realm("other"))
        second = make.make_list(realm, 2)
        for number, each in enumerate((optout_list, elsewhere, second, make.do_not_mail(realm))):
            make.make_optout(each, f"p{number}@example.com")

        assert addresses(program.read("/changes")) == [
            "p0@example.com",
            "p2@example.com",
            "p3@example.com",
        ]
        assert addresses(program.read("/changes", list=[0, 2])) == [
            "p2@example.com",
            "p3@example.com",
        ]
        narrow = Program(realm, second)
        assert addresses(narrow.read("/changes")) == ["p2@example.com", "p3@example.com"]
        assert addresses(narrow.read("/changes", list=2)) == ["p2@example.com"]
        assert addresses(narrow.read("/changes", list=[2, 0])) == [
            "p2@example.com",
            "p3@example.com",
        ]
        assert narrow.get("/changes", {"list": 1}).status_code == 404
        assert program.get("/changes", {"list": 7}).status_code == 404

    def test_a_key_that_may_only_write_is_refused(self, realm: Realm) -> None:
        assert Program(realm, may_read=False).get("/changes").status_code == 403


class TestCursor:
    def test_each_change_comes_once(self, program: Program, optout_list: List) -> None:
        for n in range(5):
            make.make_optout(optout_list, f"p{n}@example.com")

        first = program.read("/changes", limit=3)
        second = program.read("/changes", limit=3, cursor=first["cursor"])
        third = program.read("/changes", limit=3, cursor=second["cursor"])

        assert addresses(first) + addresses(second) == [f"p{n}@example.com" for n in range(5)]
        assert (first["has_more"], second["has_more"]) == (True, False)
        assert third == {"changes": [], "cursor": second["cursor"], "has_more": False}

    def test_there_is_no_more_after_a_page_that_is_just_full(
        self, program: Program, optout_list: List
    ) -> None:
        make.make_optout(optout_list)
        assert program.read("/changes", limit=1)["has_more"] is False

    def test_without_any_it_is_the_beginning(self, program: Program, optout_list: List) -> None:
        empty = program.read("/changes", cursor="")
        make.make_optout(optout_list)
        assert addresses(program.read("/changes", cursor=empty["cursor"])) == ["jane@example.com"]

    def test_now_is_from_now_on(self, program: Program, optout_list: List) -> None:
        assert program.read("/changes", cursor="now")["changes"] == []
        make.make_optout(optout_list, "before@example.com")
        now = program.read("/changes", cursor="now")
        make.make_optout(optout_list, "after@example.com")
        assert now["changes"] == []
        assert addresses(program.read("/changes", cursor=now["cursor"])) == ["after@example.com"]

    def test_it_moves_on_over_the_rows_of_others(
        self, program: Program, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """At most so many rows are looked through in a call, of whatever realm."""
        monkeypatch.setattr(changes, "LOOKED_THROUGH", 3)
        elsewhere = make.make_list(make.make_realm("other"))
        for n in range(5):
            make.make_optout(elsewhere, f"p{n}@example.com")
        make.make_optout(optout_list)

        first = program.read("/changes")
        second = program.read("/changes", cursor=first["cursor"])
        third = program.read("/changes", cursor=second["cursor"])

        assert (first["changes"], first["has_more"]) == ([], True)
        assert (addresses(second), second["has_more"]) == (["jane@example.com"], False)
        assert third["cursor"] == second["cursor"]

    @pytest.mark.parametrize(
        "cursor",
        [
            "0",
            "x",
            "NOW",
            "null",
            "٣",
            "a" * 5_000,
            "\0",
            "Y2hhbmdlczo1",
            "Y2hhbmdlczotMTo1",
            "bGlzdHM6NQ",
        ],
    )
    def test_one_that_is_not_ours_is_refused(self, program: Program, cursor: str) -> None:
        assert program.get("/changes", {"cursor": cursor}).status_code == 422

    @pytest.mark.parametrize(
        "query",
        [
            {"limit": "10001"},
            {"limit": "0"},
            {"limit": "1_0"},
            {"wait": "31"},
            {"wait": "-1"},
            {"wait": "0.5"},
            {"wait": "٣"},
            {"list": "x"},
            {"list": ""},
            {"list": "9" * 20},
            {"cursor": ["now", ""]},
            {"list[]": "1"},
        ],
    )
    def test_a_query_that_makes_no_sense_is_refused(
        self, program: Program, query: dict[str, str]
    ) -> None:
        assert program.get("/changes", query).status_code == 422

    def test_of_a_list_that_there_cannot_be(self, program: Program) -> None:
        assert program.get("/changes", {"list": 2**31 - 1}).status_code == 404


class TestALateCommit:
    """Two transactions that commit in the wrong order: what has the lower id is committed last."""

    def test_it_holds_back_what_came_after_it_and_is_not_skipped(
        self, program: Program, optout_list: List, late: OpenTransaction
    ) -> None:
        make.make_optout(optout_list, "quick@example.com")

        before = program.read("/changes")
        now = program.read("/changes", cursor="now")
        late.commit()
        after = program.read("/changes", cursor=before["cursor"])

        assert before["changes"] == []
        assert addresses(after) == ["late@example.com", "quick@example.com"]
        # Rather one that was just recorded than one never.
        assert "late@example.com" in addresses(program.read("/changes", cursor=now["cursor"]))
        assert program.read("/changes", cursor=after["cursor"])["changes"] == []

    def test_what_was_before_it_is_told_at_once_and_once(
        self, program: Program, optout_list: List
    ) -> None:
        make.make_optout(optout_list, "early@example.com")
        late = OpenTransaction(optout_list, "late@example.com")
        try:
            make.make_optout(optout_list, "quick@example.com")
            first = program.read("/changes")
        finally:
            late.commit()
        second = program.read("/changes", cursor=first["cursor"])

        assert addresses(first) == ["early@example.com"]
        assert addresses(second) == ["late@example.com", "quick@example.com"]


class TestTheStateOfEach:
    """`suppressed`: what a copy keeps, in whatever order the changes of one address come."""

    def test_each_says_whether_the_address_is_suppressed_now(
        self, program: Program, realm: Realm, optout_list: List
    ) -> None:
        make.make_optout(optout_list, "back@example.com")
        make.make_optout(optout_list, "out@example.com")
        make.make_optout(make.do_not_mail(realm), "back@example.com")
        lift(optout_list, "back@example.com")

        told = [
            (each["list"], each["address"], each["type"], each["suppressed"])
            for each in program.read("/changes")["changes"]
        ]

        assert told == [
            (1, "back@example.com", "opt_out", False),
            (1, "out@example.com", "opt_out", True),
            (0, "back@example.com", "opt_out", True),
            (1, "back@example.com", "lift", False),
        ]

    def test_of_two_that_crossed_both_say_what_is_true(
        self, program: Program, optout_list: List
    ) -> None:
        """A transaction that began before a lift may record an opt-out after it; in the feed it stands before."""
        make.make_optout(optout_list, "back@example.com")
        cursor = program.read("/changes", cursor="now")["cursor"]
        with transaction.atomic():
            make.make_optout(optout_list, "first@example.com")
            in_thread(lambda: lift(optout_list, "back@example.com")).result(10)
            make.make_optout(optout_list, "back@example.com")

        *_, optout, lifted = program.read("/changes", cursor=cursor)["changes"]

        assert (optout["type"], lifted["type"]) == ("opt_out", "lift")
        assert optout["id"] > lifted["id"], "the opt-out was later"
        assert optout["suppressed"] is lifted["suppressed"] is True


class TestARestoredLedger:
    """A dump that was restored on another server: its transactions have numbers that this one has not reached."""

    def test_until_it_is_mended_nothing_is_answered(
        self, program: Program, optout_list: List
    ) -> None:
        make.make_optout(optout_list, "old@example.com")
        cursor = program.read("/changes")["cursor"]
        restore_elsewhere()
        make.make_optout(optout_list, "new@example.com")

        for query in ({}, {"cursor": cursor}, {"cursor": "now"}, {"wait": 5}):
            answer = program.get("/changes", query)
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == "30"

    def test_then_old_cursors_are_gone_and_the_beginning_has_everything(
        self, program: Program, optout_list: List
    ) -> None:
        make.make_optout(optout_list, "old@example.com")
        cursor = program.read("/changes")["cursor"]
        restore_elsewhere()
        make.make_optout(optout_list, "new@example.com")
        mend_feed()

        gone = program.get("/changes", {"cursor": cursor})
        anew = program.read("/changes")

        assert gone.status_code == 410
        assert gone.json()["type"].endswith("#problem-cursor-gone")
        assert addresses(anew) == ["old@example.com", "new@example.com"]
        assert program.read("/changes", cursor=anew["cursor"])["changes"] == []

    def test_a_cursor_of_a_row_that_never_was_is_gone(self, program: Program) -> None:
        made_up = "Y2hhbmdlczo5OTk6NQ"  # changes:999:5
        assert program.get("/changes", {"cursor": made_up}).status_code == 410


class TestWaiting:
    def test_it_answers_as_soon_as_there_is_something(
        self, program: Program, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Somebody opts out while the program waits."""
        pauses = []

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                in_thread(lambda: make.make_optout(optout_list)).result(10)

        monkeypatch.setattr("reporting.rest.long_polls.pause", pause)
        told = program.read("/changes", cursor="now", wait=30)

        assert addresses(told) == ["jane@example.com"]
        assert pauses == [0.2] * 3
        again = program.read("/changes", cursor=told["cursor"])
        assert again["changes"] == []

    def test_what_is_there_already_is_not_waited_for(
        self, program: Program, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make.make_optout(optout_list)
        monkeypatch.setattr("reporting.rest.long_polls.pause", pytest.fail)
        assert addresses(program.read("/changes", wait=30)) == ["jane@example.com"]

    def test_a_key_that_is_revoked_meanwhile_is_told_nothing(
        self, program: Program, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = Clock(monkeypatch)

        def revoke() -> None:
            ApiKey.objects.update(revoked_at=make.NOW)
            make.make_optout(optout_list)

        clock.on_pause = revoke
        answer = program.get("/changes", {"cursor": "now", "wait": 2})

        assert answer.status_code == 401
        assert b"jane" not in answer.content

    def test_others_opt_outs_end_no_wait_and_move_the_cursor(
        self, program: Program, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        elsewhere = make.make_list(make.make_realm("other"))
        clock = Clock(monkeypatch)
        clock.on_pause = lambda: make.make_optout(elsewhere)

        before = program.read("/changes", cursor="now")["cursor"]
        told = program.read("/changes", cursor="now", wait=2)

        assert told["changes"] == []
        assert told["cursor"] != before
        assert clock.waited == pytest.approx(2)

    def test_while_it_waits_no_transaction_is_open(
        self, program: Program, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        states = []
        clock = Clock(monkeypatch)
        clock.on_pause = lambda: states.append(connection.connection.info.transaction_status.name)
        program.read("/changes", wait=1)
        assert set(states) == {"IDLE"}

    def test_a_look_is_one_cheap_query(
        self, program: Program, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = Clock(monkeypatch)
        program.read("/changes")
        with CaptureQueriesContext(connection) as at_once:
            program.read("/changes")
        with CaptureQueriesContext(connection) as waited:
            program.read("/changes", wait=2)
        assert len(waited) - len(at_once) == clock.pauses + 1  # the key, at the end

    def test_who_finds_no_room_is_told_when_to_ask_again(
        self, program: Program, optout_list: List, settings: Settings
    ) -> None:
        settings.LONG_POLLS_AT_ONCE = 0
        answer = program.get("/changes", {"wait": 30})
        assert (answer.status_code, answer.headers["Retry-After"]) == (200, "5")
        assert "Retry-After" not in program.get("/changes").headers
        make.make_optout(optout_list)
        assert "Retry-After" not in program.get("/changes", {"wait": 30}).headers

    def test_recipients_do_not_wait_for_as_many_as_may_work(
        self,
        program: Program,
        optout_list: List,
        settings: Settings,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        count = settings.LONG_POLLS_AT_ONCE = settings.WEB_THREADS
        waits, may_look = Semaphore(0), Event()

        def pause(_: float) -> None:
            waits.release()
            may_look.wait(10)

        def wait() -> list[str]:
            with closing(connection):
                return addresses(program.read("/changes", cursor=cursor, wait=30))

        def opt_out() -> int:
            with closing(connection):
                client = PublicClient(PROVIDER)
                return int(client.send(signed_path(optout_list.pk), ONE_CLICK).status_code)

        monkeypatch.setattr("reporting.rest.long_polls.pause", pause)
        cursor = program.read("/changes")["cursor"]
        pool = TurnPool(settings.WEB_THREADS, count + 1)
        waiting = [pool.submit(wait) for _ in range(count)]
        assert all(waits.acquire(timeout=10) for _ in waiting)
        try:
            assert pool.submit(opt_out).result(5) == 200
        finally:
            may_look.set()
            pool.shutdown()
        assert [each.result(10) for each in waiting] == [["jane@example.com"]] * count

    def test_an_outage_while_it_waits_is_one(
        self, program: Program, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Clock(monkeypatch)
        with patch("reporting.changes.has_news", side_effect=OperationalError):
            answer = program.get("/changes", {"wait": 5})
        assert answer.status_code == 503
        assert json.loads(answer.content)["status"] == 503


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waited = 0.0
        self.pauses = 0
        self.on_pause: Callable[[], object] = lambda: None
        monkeypatch.setattr("reporting.rest.long_polls.pause", self._pause)
        monkeypatch.setattr("reporting.rest.long_polls.monotonic", lambda: self.waited)

    def _pause(self, seconds: float) -> None:
        self.waited += seconds
        self.pauses += 1
        self.on_pause()
