"""The programs that run for ever: nothing is lost, whatever is answered and whenever somebody opts out."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from lists.models import List, Realm
from optout.choices import HashKind
from optout.models import Suppression
from reporting.rest.following import asking_copy, copying, following
from reporting.rest.programs import LANGUAGES
from tests import make
from tests.reporting.rest.programs import Program
from tests.reporting.rest.proxies import Reply, handed_on, in_turn, page, refusal, serving
from tests.reporting.rest.running import run
from tests.reporting.rest.test_changes import lift
from tests.threads import in_thread

CHANGE = {
    "id": 7,
    "type": "opt_out",
    "list": 1,
    "address": "jane@example.com",
    "digest": "8c87b489ce35cf2e2f39f80e282cb2e8",
    "suppressed": True,
}
GOOD = page({"changes": [CHANGE], "cursor": "after-jane", "has_more": True})
IDLE = page({"changes": [], "cursor": "after-jane", "has_more": False}, Retry_After="0")
END = refusal(403, "This API key may write, not read.")
BAD = {
    "502": Reply(502, b"<h1>Bad Gateway</h1>"),
    "503": Reply(503, b"starting"),
    "429": Reply(429, b"{}", {"Retry-After": "0"}),
    "another day": Reply(503, b"{}", {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}),
    "cut off": Reply(200, GOOD.body, is_cut=True),
    "empty": Reply(200),
    "a page for people": Reply(200, b"<h1>Sign in to the network</h1>"),
    "other JSON": page({"status": "ok"}),
    "null": page(None),
}


@pytest.mark.parametrize("language", LANGUAGES)
class TestFollower:
    def test_it_keeps_its_place_until_it_has_a_whole_answer(
        self, tmp_path: Path, language: str
    ) -> None:
        (tmp_path / "heed-cursor").write_text("before")
        with serving(in_turn([*BAD.values(), GOOD, IDLE], END)) as proxy:
            finished = run(language, following(proxy.url)[language], tmp_path, "hk_x")

        asked = [path.partition("cursor=")[2] for path in proxy.paths]
        assert asked == ["before"] * (len(BAD) + 1) + ["after-jane"] * 2
        assert finished.stdout.count("jane@example.com") == 1
        assert finished.stderr.count("Trying again") == len(BAD)
        assert finished.returncode != 0 and "may write, not read" in finished.stderr
        assert (tmp_path / "heed-cursor").read_text().strip() == "after-jane"

    def test_nobody_there_is_no_reason_to_end(self, tmp_path: Path, language: str) -> None:
        """It tries until somebody is."""
        tries = iter(range(2))

        def answer(_path: str) -> Reply:
            if next(tries, None) is not None:
                raise ConnectionAbortedError
            return END

        with serving(answer) as proxy:
            finished = run(language, following(proxy.url)[language], tmp_path, "hk_x")
        assert finished.stderr.count("Trying again") == 2
        assert "may write, not read" in finished.stderr

    def test_after_a_restore_it_begins_anew(self, tmp_path: Path, language: str) -> None:
        (tmp_path / "heed-cursor").write_text("before")
        with serving(in_turn([refusal(410, "Gone."), GOOD], END)) as proxy:
            run(language, following(proxy.url)[language], tmp_path, "hk_x")
        asked = [path.partition("cursor=")[2] for path in proxy.paths]
        assert asked == ["before", "", "after-jane"]


@pytest.mark.alone  # it reads the feed
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("language", LANGUAGES)
class TestCopy:
    def test_nothing_is_lost_between_reading_and_following(
        self, live_server: Any, realm: Realm, optout_list: List, tmp_path: Path, language: str
    ) -> None:
        other, all_of_it = make.make_list(realm, 2), make.do_not_mail(realm)
        make.make_optout(optout_list, "first@example.com")
        make.make_optout(optout_list, "back@example.com")
        make.make_optout(all_of_it, "everything@example.com")
        make.make_optout(other, "other@example.com")
        hashed = hashlib.sha1(b"hashed@example.com").digest()
        make.make_optout(optout_list, "hashed@example.com")
        Suppression.objects.filter(address="hashed@example.com").update(
            address=None, digest=hashed[:16], full_hash=hashed, hash_kind=HashKind.SHA1
        )
        key = make.make_api_key(realm, optout_list)
        follows = 0

        def answer(path: str) -> Reply:
            nonlocal follows
            if path.startswith("/changes?list="):
                follows += 1
                if follows == 1:
                    make.make_optout(all_of_it, "between@example.com")
                    make.make_optout(optout_list, "both@example.com")
                    make.make_optout(all_of_it, "both@example.com")
                    lift(optout_list, "back@example.com")
                    lift(optout_list, "both@example.com")
                elif follows == 2:
                    return END
            reply = handed_on(f"{live_server.url}/api/v1", path, key)
            if path == "/changes?cursor=now":  # before the lists are read
                make.make_optout(optout_list, "during@example.com")
            return reply

        with serving(answer) as proxy:
            finished = run(language, copying(proxy.url, 1)[language], tmp_path, key)
        assert "may write, not read" in finished.stderr, finished.stderr

        free = ["back@example.com", "other@example.com", "never@example.com"]
        out = [
            f"{name}@example.com"
            for name in ("first", "everything", "hashed", "during", "between", "both")
        ]
        told = run(language, asking_copy(1)[language], tmp_path, "", *free, *out)
        assert told.stdout.splitlines() == [
            *(f"{each} yes" for each in free),
            *(f"{each} no" for each in out),
        ], told.stderr

    def test_changes_that_crossed_end_as_the_server_has_it(
        self, live_server: Any, realm: Realm, optout_list: List, tmp_path: Path, language: str
    ) -> None:
        make.make_optout(optout_list, "out@example.com")
        key = make.make_api_key(realm, optout_list)
        follows = 0

        def answer(path: str) -> Reply:
            nonlocal follows
            if path.startswith("/changes?list="):
                follows += 1
                if follows == 1:
                    cross(optout_list)
                elif follows == 2:
                    return END
            return handed_on(f"{live_server.url}/api/v1", path, key)

        with serving(answer) as proxy:
            finished = run(language, copying(proxy.url, 1)[language], tmp_path, key)
        assert "may write, not read" in finished.stderr, finished.stderr
        told = Program(realm).read("/changes")["changes"]
        assert [(each["type"], each["address"]) for each in told[2:]] == [
            ("opt_out", "out@example.com"),
            ("lift", "back@example.com"),
            ("lift", "out@example.com"),
            ("opt_out", "back@example.com"),
        ]

        people = ["out@example.com", "back@example.com"]
        asked = run(language, asking_copy(1)[language], tmp_path, "", *people)
        assert asked.stdout.splitlines() == ["out@example.com no", "back@example.com yes"]

    def test_it_goes_on_with_the_copy_that_it_has(
        self, tmp_path: Path, language: str, db: None
    ) -> None:
        (tmp_path / "heed-copy").write_text(f"before\n0 {'1' * 32}\n1 {'2' * 32}\n")
        opted_out = CHANGE | {"digest": "3" * 32, "address": None}
        lifted = CHANGE | {"type": "lift", "suppressed": False, "digest": "2" * 32}
        changes = [
            CHANGE,
            lifted,
            lifted | {"digest": "4" * 32},  # there was nothing to lift
            # Two that crossed tell what is so now, whatever they are and in whatever order.
            opted_out,
            opted_out | {"type": "lift"},
            opted_out | {"digest": "5" * 32, "suppressed": False},
            lifted | {"digest": "5" * 32},
        ]
        good = page({"changes": changes, "cursor": "after", "has_more": True})
        idle = page({"changes": [], "cursor": "after", "has_more": False}, Retry_After="0")
        with serving(in_turn([BAD["cut off"], good, idle, idle], END)) as proxy:
            run(language, copying(proxy.url, 1)[language], tmp_path, "hk_x")

        assert len(proxy.paths) == 5
        assert (tmp_path / "heed-copy").read_text().splitlines() == [
            "after",
            f"0 {'1' * 32}",
            f"1 {'3' * 32}",
            f"1 {CHANGE['digest']}",
        ]

    def test_after_a_restore_it_is_read_anew(self, tmp_path: Path, language: str, db: None) -> None:
        (tmp_path / "heed-copy").write_text(f"before\n1 {'1' * 32}\n")
        rows = [{"digest": "4" * 32}, {"digest": "5" * 32}]
        replies = [
            refusal(410, "Gone."),
            page({"changes": [], "cursor": "now", "has_more": False}),
            page({"suppressions": rows[:1], "next": "more"}),
            page({"suppressions": rows[1:], "next": None}),
            page({"suppressions": [], "next": None}),
        ]
        with serving(in_turn(replies, END)) as proxy:
            run(language, copying(proxy.url, 0)[language], tmp_path, "hk_x")
        assert [path for path in proxy.paths if "more" in path]
        assert (tmp_path / "heed-copy").read_text().splitlines() == [
            "now",
            f"0 {'4' * 32}",
            f"0 {'5' * 32}",
        ]

    def test_without_a_copy_nobody_may_be_mailed(
        self, tmp_path: Path, language: str, db: None
    ) -> None:
        told = run(language, asking_copy(1)[language], tmp_path, "", "jane@example.com")
        assert "yes" not in told.stdout


def cross(optout_list: List) -> None:
    """In the feed an opt-out stands before the lift that it came after, and a lift before the opt-out."""
    with transaction.atomic():
        make.make_optout(optout_list, "first@example.com")
        in_thread(lambda: lift(optout_list, "out@example.com")).result(10)
        in_thread(lambda: make.make_optout(optout_list, "back@example.com")).result(10)
        make.make_optout(optout_list, "out@example.com")
        lift(optout_list, "back@example.com")
