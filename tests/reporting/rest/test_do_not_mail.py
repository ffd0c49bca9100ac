from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.core.signals import request_finished
from django.urls import reverse

from lists.models import ApiKey, List, Realm, User
from optout.choices import HashKind
from optout.models import Suppression
from optout.slots import slots
from reporting.models import Download
from reporting.models.downloads import DownloadFormat, DownloadOutcome
from tests import make
from tests.reporting.portal import signed_in
from tests.reporting.rest.programs import Program
from tests.reporting.test_downloads import lift

pytestmark = pytest.mark.django_db


@pytest.fixture
def program(realm: Realm, optout_list: List) -> Program:
    return Program(realm)


@pytest.fixture
def do_not_mail(realm: Realm) -> List:
    return make.do_not_mail(realm)


def body(answer: Any) -> str:
    assert answer.status_code == 200, answer.content
    with patch.object(request_finished, "send"):  # the connection with the test's transaction stays
        text = b"".join(answer).decode()
        answer.close()
    return text


def addresses(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    return [each["address"] for each in answer["do_not_mail"]]


def suppress_hash(optout_list: List) -> None:
    Suppression.objects.create(
        optout_list=optout_list,
        digest=b"m" * 16,
        hash_kind=HashKind.MD5,
        full_hash=b"m" * 16,
        medium=1,
        channel=13,
        reason=1,
        suppressed_at=make.NOW,
    )


class TestPages:
    def test_an_entry(self, program: Program, do_not_mail: List, optout_list: List) -> None:
        recorded = make.make_optout(do_not_mail)
        make.make_optout(optout_list, "joe@example.com")
        assert program.read("/do-not-mail") == {
            "do_not_mail": [
                {
                    "id": recorded.digest.hex(),
                    "address": "jane@example.com",
                    "digest": recorded.digest.hex(),
                    "hash": None,
                    "hash_kind": None,
                    "medium": "email",
                    "suppressed_at": "2026-03-04T12:00:00Z",
                    "channel": "page",
                    "reason": "unsubscribed",
                }
            ],
            "next": None,
        }

    def test_a_contact_has_its_number_as_id(
        self, program: Program, realm: Realm, do_not_mail: List
    ) -> None:
        contact = make.make_contact(realm)
        make.make_contact(make.make_realm("other"))
        make.make_optout(do_not_mail)
        (entry,) = program.read("/do-not-mail")["do_not_mail"]
        assert entry["id"] == str(contact.pk)

    def test_what_is_known_by_its_hash_alone(self, program: Program, do_not_mail: List) -> None:
        suppress_hash(do_not_mail)
        (entry,) = program.read("/do-not-mail")["do_not_mail"]
        assert (entry["address"], entry["id"]) == (None, "6d" * 16)
        assert (entry["hash"], entry["hash_kind"]) == ("6d" * 16, "md5")
        (suppression,) = program.read("/lists/0/suppressions")["suppressions"]
        assert entry["hash"] == suppression["hash"]

    def test_every_address_comes_once(self, program: Program, do_not_mail: List) -> None:
        wanted = {f"p{n}@example.com" for n in range(7)}
        for each in wanted:
            make.make_optout(do_not_mail, each)
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = program.read("/do-not-mail", limit=3, cursor=cursor)
            found += addresses(page)
            cursor = page["next"]
        assert len(found) == len(wanted)
        assert set(found) == wanted

    def test_only_what_came_in_since_and_is_still_in_it(
        self, program: Program, do_not_mail: List
    ) -> None:
        for day, address in enumerate(("old", "again", "gone", "new1", "new2")):
            at = make.NOW + timedelta(days=day)
            make.make_optout(do_not_mail, f"{address}@example.com", requested_at=at)
        later = make.NOW + timedelta(days=9)
        lift(do_not_mail, "gone@example.com", later)
        lift(do_not_mail, "again@example.com", later)
        make.make_optout(do_not_mail, "again@example.com", requested_at=later)
        make.make_optout(do_not_mail, "old@example.com", requested_at=later)  # it was out before
        since = (make.NOW + timedelta(days=1)).isoformat()

        first = program.read("/do-not-mail", modified_since=since, limit=2)
        second = program.read("/do-not-mail", modified_since=since, limit=2, cursor=first["next"])

        assert addresses(first) == ["new1@example.com", "new2@example.com"]
        assert addresses(second) == ["again@example.com"]
        assert second["next"] is None

    def test_those_of_the_same_moment_come_once_each(
        self, program: Program, do_not_mail: List
    ) -> None:
        """As of one call with many addresses; a page ends in their midst."""
        wanted = [f"p{n}@example.com" for n in range(5)]
        for each in wanted:
            make.make_optout(do_not_mail, each)
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = program.read("/do-not-mail", modified_since="2026-03-04", limit=2, cursor=cursor)
            found += addresses(page)
            cursor = page["next"]
        assert found == wanted

    def test_who_opts_out_again_still_came_in_when_it_was_new(
        self, program: Program, do_not_mail: List
    ) -> None:
        for day in range(2):
            make.make_optout(do_not_mail, requested_at=make.NOW + timedelta(days=day))
        (entry,) = program.read("/do-not-mail", modified_since="2026-03-04")["do_not_mail"]
        assert entry["suppressed_at"] == "2026-03-04T12:00:00Z"

    @pytest.mark.parametrize(
        "query",
        [
            {"limit": "10001"},
            {"limit": "٣"},
            {"cursor": "x"},
            {"cursor": "\0"},
            {"modified_since": "x"},
            {"modified_since": "2026-03-04", "cursor": "ZG8tbm90LW1haWwgMTo5"},
            {"since": "2026-03-04"},
        ],
    )
    def test_a_query_that_makes_no_sense_is_refused(
        self, program: Program, query: dict[str, str]
    ) -> None:
        assert program.get("/do-not-mail", query).status_code == 422


class TestFiles:
    def test_csv_is_safe_for_spreadsheets_unless_raw(
        self, program: Program, do_not_mail: List
    ) -> None:
        make.make_optout(do_not_mail, "=jane@example.com")
        suppress_hash(do_not_mail)

        answer = program.get("/do-not-mail.csv")
        safe = body(answer)
        raw = body(program.get("/do-not-mail.csv", {"raw": "1"}))

        assert safe.splitlines() == [
            "address,medium,suppressed_at,reason",
            "'=jane@example.com,email,2026-03-04T12:00:00Z,unsubscribed",
        ]
        assert raw.splitlines()[1].startswith("=jane@example.com,")
        assert body(program.get("/do-not-mail.csv", {"raw": "", "modified_since": ""})) == safe
        assert answer.headers["Left-Out"] == "1"
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="do-not-mail.csv"'

    def test_txt_has_an_address_on_each_line(self, program: Program, do_not_mail: List) -> None:
        make.make_optout(do_not_mail, "jane@example.com")
        make.make_optout(do_not_mail, "+14155550123")
        answer = program.get("/do-not-mail.txt")
        assert sorted(body(answer).splitlines()) == ["+14155550123", "jane@example.com"]
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"

    def test_only_since(self, program: Program, do_not_mail: List) -> None:
        make.make_optout(do_not_mail, "old@example.com")
        make.make_optout(do_not_mail, "new@example.com", requested_at=make.NOW + timedelta(days=2))
        answer = program.get("/do-not-mail.txt", {"modified_since": "2026-03-05"})
        assert body(answer) == "new@example.com\n"

    def test_nothing_new_is_told_without_a_body(self, program: Program, do_not_mail: List) -> None:
        make.make_optout(do_not_mail)
        head = program.get("/do-not-mail.csv", method="HEAD")
        etag = head.headers["ETag"]
        again = program.get("/do-not-mail.csv", headers={"if-none-match": etag})
        assert head.status_code == 200
        assert (again.status_code, again.content) == (304, b"")
        make.make_optout(do_not_mail, "joe@example.com")
        changed = program.get("/do-not-mail.csv", headers={"if-none-match": etag})
        assert "joe@example.com" in body(changed)

    def test_the_access_log_shows_the_key(
        self, program: Program, do_not_mail: List, alice: User
    ) -> None:
        make.make_optout(do_not_mail)
        body(program.get("/do-not-mail.csv"))
        download = Download.objects.get()
        assert download.api_key == ApiKey.objects.get()
        assert (download.optout_list, download.rows) == (do_not_mail, 1)
        assert (download.format, download.outcome) == (DownloadFormat.CSV, DownloadOutcome.COMPLETE)
        page = signed_in(alice).get(reverse("list_access", args=[do_not_mail.public_id]))
        assert f"hk_…{ApiKey.objects.get().hint}" in page.content.decode()

    def test_too_many_at_once_come_back_later(self, program: Program) -> None:
        others = [slots.take("one"), slots.take("another")]
        try:
            answer = program.get("/do-not-mail.csv")
        finally:
            for each in others:
                assert each is not None
                each.give_back()
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
        assert answer.headers["Content-Type"] == "application/problem+json"

    @pytest.mark.parametrize(
        "query", [{"raw": "x"}, {"raw": "٣"}, {"modified_since": "x"}, {"format": "md5"}]
    )
    def test_a_query_that_makes_no_sense_is_refused(
        self, program: Program, query: dict[str, str]
    ) -> None:
        assert program.get("/do-not-mail.csv", query).status_code == 422


class TestWhoMay:
    PATHS = ("/do-not-mail", "/do-not-mail.csv", "/do-not-mail.txt")

    @pytest.mark.parametrize("path", PATHS)
    @pytest.mark.parametrize("number", [0, 1])
    def test_every_key_that_reads_may(
        self, realm: Realm, optout_list: List, do_not_mail: List, path: str, number: int
    ) -> None:
        """It holds for whatever list the key is for."""
        make.make_optout(do_not_mail)
        program = Program(realm, List.objects.get(number=number))
        assert "jane@example.com" in body(program.get(path))

    @pytest.mark.parametrize("path", PATHS)
    def test_a_key_that_may_only_write_may_not(self, realm: Realm, path: str) -> None:
        assert Program(realm, may_read=False).get(path).status_code == 403

    def test_it_is_the_realms_own(self, program: Program, do_not_mail: List) -> None:
        make.make_optout(make.do_not_mail(make.make_realm("other")), "theirs@example.com")
        assert program.read("/do-not-mail")["do_not_mail"] == []
        assert body(program.get("/do-not-mail.txt")) == ""
