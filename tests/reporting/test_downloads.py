import gzip
import hashlib
import socket
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from unittest.mock import patch

import pytest
from django.core.signals import request_finished
from django.test import Client
from django.utils import timezone

from lists.choices import Role
from lists.lookup import forget_all_lists
from lists.models import DownloadKey, List, ListAccess, Membership, Realm, User
from optout.actions import LiftIntent, lift_suppressions
from optout.addresses import parse_address
from optout.choices import (
    Assurance,
    Channel,
    HashKind,
    Medium,
    Origin,
    Reason,
)
from optout.evidence import Evidence
from optout.long_answers import DeadlineError
from optout.models import Suppression
from reporting.asked import parse_since
from reporting.models import Download
from reporting.models.downloads import DownloadOutcome
from tests import make
from tests.reporting.portal import signed_in, signed_in_long_ago
from tests.reporting.test_feed import OpenTransaction

pytestmark = pytest.mark.django_db


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def body(response) -> str:
    return b"".join(response.chunks).decode()


def lines(response) -> list[str]:
    return sorted(body(response).splitlines())


def leave(response) -> None:
    """What the server does when the client goes away; the connection with the test's transaction stays."""
    with patch.object(request_finished, "send"):
        response.close()


class Door:
    """A mailer's program that holds a list's key."""

    def __init__(self, optout_list: List, **fields) -> None:
        self.optout_list = optout_list
        self.text, self.key = make.make_download_key(optout_list, **fields)
        self.client = Client()

    def start(self, headers=None, address="198.51.100.1", **parameters):
        """The answer, not yet read."""
        return self.client.get(
            f"/d/{self.optout_list.public_id}",
            {"key": self.text, **parameters},
            headers=headers,
            REMOTE_ADDR=address,
        )

    def get(self, **asked):
        response = self.start(**asked)
        response.chunks = list(response)
        return response

    def head(self, **parameters):
        return self.client.head(
            f"/d/{self.optout_list.public_id}", {"key": self.text, **parameters}
        )


@pytest.fixture
def door(optout_list: List) -> Door:
    return Door(optout_list)


@pytest.fixture
def clear_door(optout_list: List) -> Door:
    List.objects.filter(pk=optout_list.pk).update(plain_download=True)
    return Door(optout_list, may_see_clear=True)


def lift(optout_list: List, address: str, at) -> None:
    lift_suppressions(
        [
            LiftIntent(
                list_id=optout_list.pk,
                digest=parse_address(address, "either", "US").digest,
                medium=Medium.EMAIL,
                channel=Channel.PORTAL,
                assurance=Assurance.OPERATOR,
                reason=Reason.REVERTED,
                origin=Origin.OWNER,
                requested_at=at,
                evidence=Evidence(),
            )
        ]
    )


def suppress_hash(optout_list: List, kind: HashKind, full_hash: bytes) -> None:
    Suppression.objects.create(
        suppressed_at=make.NOW,
        optout_list=optout_list,
        channel=Channel.FILE_IMPORT,
        reason=Reason.MANUAL,
        medium=Medium.EMAIL,
        hash_kind=kind,
        digest=full_hash[:16],
        full_hash=full_hash,
    )


class TestFormats:
    def test_md5_is_the_default_one_per_line_without_a_header(self, door: Door) -> None:
        make.make_optout(door.optout_list, "Jane@Example.com")
        make.make_optout(door.optout_list, "büro@example.com")

        response = door.get()

        assert response.status_code == HTTPStatus.OK
        assert lines(response) == sorted([md5("jane@example.com"), md5("büro@example.com")])
        assert response["Content-Type"] == "text/plain; charset=utf-8"
        assert response["Content-Disposition"] == 'attachment; filename="heed-1-md5.txt"'
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Cache-Control"] == "private, no-cache"
        assert "Content-Length" not in response

    def test_sha256(self, door: Door) -> None:
        make.make_optout(door.optout_list, "büro@example.com")
        assert body(door.get(format="SHA256")) == sha256("büro@example.com") + "\n"

    def test_plain_text(self, clear_door: Door) -> None:
        make.make_optout(clear_door.optout_list, "jane@example.com")
        assert body(clear_door.get(format="txt")) == "jane@example.com\n"

    def test_csv_has_a_header_and_four_columns(self, clear_door: Door) -> None:
        make.make_optout(clear_door.optout_list, "jane@example.com", reason=Reason.COMPLAINED)

        response = clear_door.get(format="csv")

        assert body(response) == (
            "address,medium,suppressed_at,reason\n"
            "jane@example.com,email,2026-03-04T12:00:00Z,complained\n"
        )
        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert response["Content-Disposition"] == 'attachment; filename="heed-1-csv.csv"'
        assert Download.objects.get().rows == 1

    def test_an_unknown_format_is_refused_by_name(self, door: Door) -> None:
        response = door.get(format="sha1")
        assert response.status_code == HTTPStatus.BAD_REQUEST
        assert "md5, sha256, txt, csv" in response.text

    def test_an_empty_list_is_an_empty_file(self, door: Door) -> None:
        assert body(door.get()) == ""


class TestSpreadsheets:
    """AT-23."""

    ODD = ("=1+1@example.com", "+cmd@example.com", "-2@example.com", "'=x@example.com")

    def test_what_a_spreadsheet_would_run_gets_an_apostrophe(self, clear_door: Door) -> None:
        for address in (*self.ODD, "jane@example.com"):
            make.make_optout(clear_door.optout_list, address)

        cells = [line.split(",")[0] for line in lines(clear_door.get(format="csv"))]

        assert sorted(cells) == sorted(
            ["address", "jane@example.com", *(f"'{address}" for address in self.ODD)]
        )

    def test_phone_numbers_are_untouched(self, clear_door: Door) -> None:
        make.make_optout(clear_door.optout_list, "+14155552671")
        assert "\n+14155552671,sms," in body(clear_door.get(format="csv"))

    def test_raw_is_for_programs(self, clear_door: Door) -> None:
        for address in self.ODD:
            make.make_optout(clear_door.optout_list, address)

        cells = [line.split(",")[0] for line in lines(clear_door.get(format="csv", raw="1"))]

        assert sorted(cells) == sorted(["address", *self.ODD])


class TestDoNotMail:
    def test_it_is_appended(self, realm: Realm, door: Door) -> None:
        make.make_optout(door.optout_list, "jane@example.com")
        make.make_optout(make.do_not_mail(realm), "joe@example.com")
        make.make_optout(make.do_not_mail(make.make_realm("other")), "far@example.com")
        make.make_optout(make.make_list(realm, 2), "near@example.com")

        assert lines(door.get()) == sorted([md5("jane@example.com"), md5("joe@example.com")])

    def test_an_address_in_both_comes_once(self, realm: Realm, door: Door) -> None:
        make.make_optout(door.optout_list, "jane@example.com")
        make.make_optout(make.do_not_mail(realm), "jane@example.com")

        assert body(door.get()) == md5("jane@example.com") + "\n"
        assert lines(door.get(since="2026-03-01")) == [md5("jane@example.com")]

    def test_it_can_be_downloaded_itself(self, realm: Realm) -> None:
        door = Door(make.do_not_mail(realm))
        make.make_optout(door.optout_list, "joe@example.com")
        assert body(door.get()) == md5("joe@example.com") + "\n"


class TestHashOnlyRows:
    def test_a_hash_of_the_asked_kind_is_shown_and_others_are_counted(self, door: Door) -> None:
        suppress_hash(door.optout_list, HashKind.MD5, bytes.fromhex(md5("a@example.com")))
        suppress_hash(door.optout_list, HashKind.SHA256, bytes.fromhex(sha256("b@example.com")))
        suppress_hash(door.optout_list, HashKind.SHA1, b"\1" * 20)

        by_md5, by_sha256 = door.get(), door.get(format="sha256")

        assert (body(by_md5), by_md5["Left-Out"]) == (md5("a@example.com") + "\n", "2")
        assert (body(by_sha256), by_sha256["Left-Out"]) == (sha256("b@example.com") + "\n", "2")
        assert set(Download.objects.values_list("rows", "left_out")) == {(1, 2)}

    def test_a_clear_file_says_nothing_of_them_inside(self, clear_door: Door) -> None:
        suppress_hash(clear_door.optout_list, HashKind.MD5, b"\2" * 16)
        response = clear_door.get(format="txt")
        assert (body(response), response["Left-Out"]) == ("", "1")

    def test_what_do_not_mail_can_show_is_not_left_out(
        self, realm: Realm, clear_door: Door
    ) -> None:
        make.make_optout(make.do_not_mail(realm), "b@example.com")
        suppress_hash(
            clear_door.optout_list, HashKind.SHA256, bytes.fromhex(sha256("b@example.com"))
        )

        response = clear_door.get(format="txt")

        assert (body(response), response["Left-Out"]) == ("b@example.com\n", "0")

    def test_an_address_that_was_imported_as_md5_too_comes_once(
        self, realm: Realm, door: Door
    ) -> None:
        make.make_optout(door.optout_list, "a@example.com")
        make.make_optout(door.optout_list, "c@example.com")
        for each in (door.optout_list, make.do_not_mail(realm)):
            suppress_hash(each, HashKind.MD5, bytes.fromhex(md5("a@example.com")))

        assert lines(door.get()) == sorted([md5("a@example.com"), md5("c@example.com")])


class TestSince:
    def test_only_what_was_suppressed_at_that_time_or_later(self, door: Door) -> None:
        make.make_optout(door.optout_list, "old@example.com")
        later = make.NOW + timedelta(seconds=1)
        make.make_optout(door.optout_list, "new@example.com", requested_at=later)

        assert body(door.get(since="2026-03-04T12:00:01Z")) == md5("new@example.com") + "\n"
        assert len(lines(door.get(since="2026-03-04T12:00:00"))) == 2
        assert len(lines(door.get(since="2026-03-04"))) == 2
        assert lines(door.get(since="2026-03-05")) == []

    def test_a_repeat_is_not_news(self, door: Door) -> None:
        make.make_optout(door.optout_list)
        make.make_optout(door.optout_list, requested_at=make.NOW + timedelta(days=1))
        assert lines(door.get(since="2026-03-05")) == []

    def test_what_was_lifted_again_is_not_there(self, door: Door) -> None:
        make.make_optout(door.optout_list)
        lift(door.optout_list, "jane@example.com", make.NOW)
        assert lines(door.get(since="2026-03-01")) == []

    def test_do_not_mail_counts_too(self, realm: Realm, door: Door) -> None:
        make.make_optout(make.do_not_mail(realm), "joe@example.com")
        assert lines(door.get(since="2026-03-01")) == [md5("joe@example.com")]

    @pytest.mark.parametrize(
        "text",
        [
            "2026-03-04T13:00:00 01:00",  # the plus was not encoded
            "2026-03-04T13:00:00 0100",
            "2026-03-04 13:00:00+01:00",
            "2026-03-04T12:00:00.000Z",
            "20260304T120000Z",
        ],
    )
    def test_a_time_may_be_written_in_many_ways(self, text: str) -> None:
        assert parse_since(text) == make.NOW

    @pytest.mark.parametrize(
        "text",
        [
            "yesterday",
            "1772625600",
            "2026-13-01",
            "2026-03-04T25:00",
            "٢٠٢٦-٠٣-٠٤",
            "0001-01-01T00:00:00+14:00",
            "2026-03-04\x00",
            "'; DROP TABLE optout_optout; --",
            "9" * 10_000,
        ],
    )
    def test_what_is_no_time_is_refused_with_an_example(self, door: Door, text: str) -> None:
        response = door.get(since=text)
        assert response.status_code == HTTPStatus.BAD_REQUEST
        assert "2026-03-04T10:00:00Z" in response.text

    def test_the_next_time_is_safe_to_use(self, door: Door) -> None:
        before = timezone.now()
        following = parse_since(door.get()["Next-Since"])
        assert (
            before - timedelta(seconds=122) <= following <= timezone.now() - timedelta(seconds=120)
        )


@pytest.mark.django_db(transaction=True)
class TestALateCommit:
    def test_the_next_time_is_before_whoever_is_still_writing(self, door: Door) -> None:
        late = OpenTransaction(door.optout_list, "late@example.com")
        soon = timezone.now() + timedelta(hours=1)
        try:
            with patch("reporting.downloads.timezone.now", return_value=soon):
                following = parse_since(door.get()["Next-Since"])
        finally:
            late.commit()
        assert following <= timezone.now() - timedelta(seconds=120)


class TestTheKey:
    def test_it_may_be_a_bearer_token(self, door: Door) -> None:
        response = Client().get(
            f"/d/{door.optout_list.public_id}", headers={"authorization": f"bearer {door.text}"}
        )
        assert response.status_code == HTTPStatus.OK
        leave(response)

    @pytest.mark.parametrize("parameters", [{}, {"key": ""}, {"key": "hd_wrong"}, {"key": "\x00ü"}])
    def test_without_the_right_one_nothing_is_told(self, door: Door, parameters: dict) -> None:
        response = Client().get(f"/d/{door.optout_list.public_id}", parameters)
        assert response.status_code == HTTPStatus.UNAUTHORIZED
        assert response["WWW-Authenticate"] == "Bearer"
        assert not Download.objects.exists()

    def test_another_lists_key_does_not_fit(self, realm: Realm, door: Door) -> None:
        other = Door(make.make_list(realm, 2))
        response = other.client.get(f"/d/{door.optout_list.public_id}", {"key": other.text})
        assert response.status_code == HTTPStatus.UNAUTHORIZED

    @pytest.mark.parametrize("off", [{"is_active": False}, {"expires_at": make.NOW}])
    def test_it_can_be_switched_off_and_expires(self, optout_list: List, off: dict) -> None:
        assert Door(optout_list, **off).get().status_code == HTTPStatus.UNAUTHORIZED

    def test_two_different_ones_are_refused(self, door: Door) -> None:
        response = Client().get(f"/d/{door.optout_list.public_id}?key={door.text}&key=other")
        assert response.status_code == HTTPStatus.BAD_REQUEST

    def test_its_last_use_is_kept_to_the_minute(self, door: Door) -> None:
        door.get()
        first = DownloadKey.objects.get().last_used_at
        door.get()
        assert first is not None
        assert DownloadKey.objects.get().last_used_at == first

    def test_a_members_key_ends_with_their_right_to_download(
        self, realm: Realm, optout_list: List
    ) -> None:
        user = make.make_user("mel@mailer.example")
        membership = make.make_member(user, realm, Role.MAILER, optout_list)
        door = Door(optout_list, membership=membership)
        assert door.get().status_code == HTTPStatus.OK

        ListAccess.objects.update(may_download=False)

        assert door.get().status_code == HTTPStatus.UNAUTHORIZED

    def test_a_members_key_shows_what_they_may_see(self, realm: Realm, optout_list: List) -> None:
        List.objects.update(plain_download=True)
        user = make.make_user("mel@mailer.example")
        membership = make.make_member(user, realm, Role.MAILER, optout_list)
        door = Door(optout_list, membership=membership, may_see_clear=True)
        assert door.get(format="txt").status_code == HTTPStatus.FORBIDDEN

        ListAccess.objects.update(may_see_clear=True)

        assert door.get(format="txt").status_code == HTTPStatus.OK

    def test_an_unknown_list_is_404(self, db: None) -> None:
        response = Client().get("/d/unknown", {"key": "x"})
        assert response.status_code == HTTPStatus.NOT_FOUND
        assert Client().get("/d/a%00b").status_code == HTTPStatus.NOT_FOUND
        assert Client().get("/d/abc%0A").status_code == HTTPStatus.NOT_FOUND


class TestClearAddresses:
    @pytest.mark.parametrize("name", ["txt", "csv"])
    @pytest.mark.parametrize(("lists", "key"), [(False, True), (True, False), (False, False)])
    def test_list_and_key_must_both_permit_them(
        self, optout_list: List, name: str, lists: bool, key: bool
    ) -> None:
        List.objects.update(plain_download=lists)
        make.make_optout(optout_list)

        response = Door(optout_list, may_see_clear=key).get(format=name)

        assert response.status_code == HTTPStatus.FORBIDDEN
        assert "clear addresses" in response.text
        assert "jane" not in response.text


class TestTheWhitelist:
    """S0.13: once there is one, the download is bound to it."""

    def test_a_stranger_is_refused_and_told_their_ip(self, door: Door) -> None:
        List.objects.update(whitelist=["192.0.2.0/24"])
        response = door.get(address="198.51.100.1")
        assert response.status_code == HTTPStatus.FORBIDDEN
        assert "198.51.100.1" in response.text
        assert not Download.objects.exists()

    def test_a_listed_server_is_served(self, door: Door) -> None:
        List.objects.update(whitelist=["192.0.2.0/24", "2001:db8::/64"])
        assert door.get(address="192.0.2.9").status_code == HTTPStatus.OK
        assert door.get(address="2001:db8::7").status_code == HTTPStatus.OK
        assert door.get(address="::ffff:192.0.2.9").status_code == HTTPStatus.OK

    def test_an_unknown_ip_is_nobody(self, door: Door) -> None:
        List.objects.update(whitelist=["0.0.0.0/8"])
        response = door.get(address="")
        assert response.status_code == HTTPStatus.FORBIDDEN

    def test_it_replaces_no_key(self, optout_list: List) -> None:
        List.objects.update(whitelist=["127.0.0.1"])
        response = Client().get(f"/d/{optout_list.public_id}", {"key": "guess"})
        assert response.status_code == HTTPStatus.UNAUTHORIZED


class TestNothingNew:
    def test_an_unchanged_file_is_304_and_logged_as_that(self, door: Door) -> None:
        make.make_optout(door.optout_list)
        first = door.get()

        second = door.get(headers={"if-none-match": first["ETag"]})

        assert second.status_code == HTTPStatus.NOT_MODIFIED
        assert second.content == b""
        assert second["ETag"] == first["ETag"]
        assert list(Download.objects.order_by("pk").values_list("outcome", flat=True)) == [
            DownloadOutcome.COMPLETE,
            DownloadOutcome.UNCHANGED,
        ]

    def test_a_row_that_commits_late_changes_it(self, realm: Realm, door: Door) -> None:
        make.make_optout(door.optout_list)
        etag = door.get()["ETag"]
        earlier = make.NOW - timedelta(minutes=2)
        make.make_optout(make.do_not_mail(realm), "late@example.com", requested_at=earlier)
        assert door.get(headers={"if-none-match": etag}).status_code == HTTPStatus.OK

    def test_a_lift_changes_it(self, door: Door) -> None:
        make.make_optout(door.optout_list)
        etag = door.get()["ETag"]
        lift(door.optout_list, "jane@example.com", make.NOW)
        assert door.get(headers={"if-none-match": etag}).status_code == HTTPStatus.OK

    def test_each_format_and_time_has_its_own(self, clear_door: Door) -> None:
        asked = [
            {},
            {"format": "sha256"},
            {"since": "2026-03-01"},
            {"format": "csv"},
            {"format": "csv", "raw": "1"},
        ]
        tags = {clear_door.head(**parameters)["ETag"] for parameters in asked}
        assert len(tags) == len(asked)

    def test_it_is_the_same_packed_or_not(self, door: Door) -> None:
        packed = door.get(headers={"accept-encoding": "gzip"})
        assert packed["ETag"] == door.get()["ETag"]
        assert packed["ETag"].startswith('W/"')


class TestTheAnswer:
    def test_it_is_packed_when_the_client_can(self, door: Door) -> None:
        make.make_optout(door.optout_list)

        response = door.get(headers={"accept-encoding": "br, gzip;q=0.8"})

        assert response["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in response["Vary"]
        assert gzip.decompress(b"".join(response.chunks)).decode() == md5("jane@example.com") + "\n"
        assert Download.objects.get().rows == 1

    @pytest.mark.parametrize("header", ["", "br", "gzip;q=0", "identity"])
    def test_it_is_plain_when_it_cannot(self, door: Door, header: str) -> None:
        assert "Content-Encoding" not in door.get(headers={"accept-encoding": header})

    def test_head_is_the_headers_and_writes_nothing(self, door: Door) -> None:
        make.make_optout(door.optout_list)
        response = door.head()
        assert response.status_code == HTTPStatus.OK
        assert list(response) == []
        assert "Content-Length" not in response
        assert response["ETag"] == door.get()["ETag"]
        assert Download.objects.count() == 1
        assert response["Left-Out"] == "0"

    def test_it_is_streamed_in_chunks_of_whole_lines(self, door: Door) -> None:
        with patch("reporting.exports.CHUNK", 100):
            for n in range(12):
                make.make_optout(door.optout_list, f"person{n}@example.com")
            chunks = door.get().chunks
        assert len(chunks) == 3
        assert all(chunk.endswith(b"\n") for chunk in chunks)

    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options", "trace"])
    def test_other_methods_are_refused(self, door: Door, method: str) -> None:
        response = getattr(door.client, method)(f"/d/{door.optout_list.public_id}")
        assert response.status_code == HTTPStatus.METHOD_NOT_ALLOWED


class TestTheAccessLog:
    def test_it_says_who_when_and_how_many(self, door: Door) -> None:
        for n in range(3):
            make.make_optout(door.optout_list, f"person{n}@example.com")

        door.get(headers={"user-agent": "curl/8.5.0"}, since="2026-03-01")

        entry = Download.objects.get()
        assert (entry.optout_list, entry.key, entry.user) == (door.optout_list, door.key, None)
        assert (entry.format, entry.rows, entry.outcome) == ("md5", 3, DownloadOutcome.COMPLETE)
        assert (entry.ip, entry.agent) == ("198.51.100.1", "curl/8.5.0")
        assert entry.since is not None
        assert entry.finished_at is not None
        assert entry.started_at <= entry.finished_at

    def test_a_client_that_goes_away_is_written_down(self, door: Door) -> None:
        for n in range(50):
            make.make_optout(door.optout_list, f"person{n}@example.com")
        with patch("reporting.exports.CHUNK", 100):
            response = door.start()
            assert Download.objects.get().outcome == DownloadOutcome.STARTED
            content = iter(response)
            next(content)
            leave(response)

        entry = Download.objects.get()
        assert entry.outcome == DownloadOutcome.BROKEN_OFF
        assert 0 < entry.rows < 50
        assert lines(door.get())  # the connection still works

    def test_one_that_never_reads_gives_its_slot_back(self, door: Door, settings) -> None:
        settings.DOWNLOADS_AT_ONCE = 1
        leave(door.start())
        assert Download.objects.get().outcome == DownloadOutcome.BROKEN_OFF
        assert door.get().status_code == HTTPStatus.OK


class TestManyAtOnce:
    def test_one_too_many_is_asked_to_come_back(self, door: Door, settings) -> None:
        settings.DOWNLOADS_AT_ONCE = 1
        make.make_optout(door.optout_list)
        other = Door(door.optout_list)
        first = door.start()

        second = other.get()

        assert second.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert second["Retry-After"] == "30"
        assert list(first)
        assert other.get().status_code == HTTPStatus.OK

    def test_a_slow_mailer_has_one_slot_and_leaves_the_others_theirs(self, door: Door) -> None:
        """B8: two slots in a process, and one key may not take both."""
        make.make_optout(door.optout_list)
        other = Door(make.make_list(door.optout_list.realm, 2))
        slow = door.start()

        again = door.get()

        assert again.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert again["Retry-After"] == "30"
        assert other.get().status_code == HTTPStatus.OK
        assert list(slow)
        assert door.get().status_code == HTTPStatus.OK

    def test_so_has_a_person_in_the_portal(self, bob: User, door: Door) -> None:
        client = signed_in(bob)
        url = f"/manage/lists/{door.optout_list.public_id}/download"
        slow = client.get(url)

        assert client.get(url).status_code == HTTPStatus.SERVICE_UNAVAILABLE
        leave(slow)
        again = client.get(url)
        assert again.status_code == HTTPStatus.OK
        leave(again)


class TestDeadline:
    """A download that runs for 30 minutes is broken off, and is not mistaken for a whole one."""

    @pytest.fixture
    def full(self, door: Door) -> Iterator[Door]:
        for n in range(50):
            make.make_optout(door.optout_list, f"person{n}@example.com")
        with patch("reporting.exports.CHUNK", 100):
            yield door

    def test_a_client_that_takes_too_long_is_broken_off(self, full: Door) -> None:
        with patch("optout.long_answers.monotonic", return_value=1000.0) as clock:
            response = full.start()
            content = iter(response)
            next(content)
            clock.return_value += 30 * 60 - 1
            next(content)
            clock.return_value += 1
            with pytest.raises(DeadlineError):
                next(content)
        leave(response)

        entry = Download.objects.get()
        assert entry.outcome == DownloadOutcome.BROKEN_OFF
        assert 0 < entry.rows < 50
        assert full.get().status_code == HTTPStatus.OK

    def test_the_client_is_dropped_on_its_own_socket(self, full: Door) -> None:
        """For the rest see tests/optout/test_long_answers.py."""
        lent: Any
        lent, client = socket.socketpair()
        with lent, client:
            full.client.defaults["gunicorn.socket"] = lent
            response = full.start()
            next(iter(response))
            assert 1700 < lent.gettimeout() <= 1800
            leave(response)
            assert client.recv(1) == b"", "another socket is in its place"


class TestFromThePortal:
    def url(self, optout_list: List) -> str:
        return f"/manage/lists/{optout_list.public_id}/download"

    def test_an_owner_downloads_and_is_logged(self, bob: User, optout_list: List) -> None:
        make.make_optout(optout_list)
        response = signed_in(bob).get(self.url(optout_list), {"format": "sha256"})

        assert b"".join(response).decode() == sha256("jane@example.com") + "\n"
        assert Download.objects.get().user == bob

    def test_clear_addresses_only_where_the_list_permits(
        self, bob: User, optout_list: List
    ) -> None:
        client = signed_in(bob)
        refused = client.get(self.url(optout_list), {"format": "csv"})
        List.objects.update(plain_download=True)
        forget_all_lists()
        served = client.get(self.url(optout_list), {"format": "csv"})

        assert refused.status_code == HTTPStatus.FORBIDDEN
        assert b"".join(served).startswith(b"address,")

    def test_a_stranger_finds_nothing(self, charlie: User, optout_list: List) -> None:
        assert signed_in(charlie).get(self.url(optout_list)).status_code == HTTPStatus.NOT_FOUND

    def test_a_mailer_who_may_not_download_finds_nothing(
        self, realm: Realm, optout_list: List
    ) -> None:
        user = make.make_user("mel@mailer.example")
        make.make_member(user, realm, Role.MAILER, optout_list, may_download=False)
        assert signed_in(user).get(self.url(optout_list)).status_code == HTTPStatus.NOT_FOUND

    def test_it_asks_for_the_password_again_after_a_while(
        self, bob: User, optout_list: List
    ) -> None:
        response = signed_in_long_ago(bob).get(self.url(optout_list))

        assert response.status_code == HTTPStatus.FOUND
        assert "reauthenticate" in response["Location"]
        assert not Download.objects.exists()


@pytest.mark.django_db
class TestDoNotMailFromThePortal:
    """S2.5: a realm's own Do Not Mail, as .csv and .txt."""

    def url(self, optout_list: List, form: str) -> str:
        return f"/manage/lists/{optout_list.public_id}/download?format={form}"

    @pytest.fixture
    def everybody(self, realm: Realm) -> List:
        do_not_mail = make.do_not_mail(realm)
        make.make_optout(do_not_mail, "jane@example.com")
        return do_not_mail

    def test_its_owners_have_it_in_clear_whatever_mailers_may(
        self, alice: User, bob: User, realm: Realm, everybody: List
    ) -> None:
        place = Membership.objects.get(user=bob, realm=realm)
        ListAccess.objects.create(membership=place, optout_list=everybody)
        for user in (alice, bob):
            text = signed_in(user).get(self.url(everybody, "txt"))
            assert text["Content-Disposition"] == 'attachment; filename="do-not-mail.txt"'
            assert b"".join(text) == b"jane@example.com\n"
            table = signed_in(user).get(self.url(everybody, "csv"))
            assert table["Content-Disposition"] == 'attachment; filename="do-not-mail.csv"'
            assert b"\njane@example.com,email,2026-03-04T12:" in b"".join(table)
        logged = Download.objects.values_list("user", "format", "rows")
        assert set(logged) == {
            (user.pk, form, 1) for user in (alice, bob) for form in ("txt", "csv")
        }

    def test_pages_have_a_button_for_each(
        self, alice: User, everybody: List, optout_list: List
    ) -> None:
        client = signed_in(alice)
        for page in ("entries", "service?tab=download"):
            html = client.get(f"/manage/lists/{everybody.public_id}/{page}").content.decode()
            for form in ("csv", "txt"):
                assert f'href="{self.url(everybody, form)}">Export as .{form}</a>' in html
            other = client.get(f"/manage/lists/{optout_list.public_id}/{page}").content.decode()
            assert "Export as" not in other
        filtered = client.get(f"/manage/lists/{everybody.public_id}/entries?channel=1").content
        assert b"An export has all that are suppressed now, whatever the filters below" in filtered

    def test_it_asks_for_the_password_after_a_while(self, alice: User, everybody: List) -> None:
        response = signed_in_long_ago(alice).get(self.url(everybody, "csv"))
        assert "reauthenticate" in response["Location"]
        assert not Download.objects.exists()

    def test_others_have_not(self, realm: Realm, everybody: List) -> None:
        """Neither a viewer nor a mailer who was given it, nor a mailer's key: for them the switch counts."""
        viewer = make.make_user("viewer@example.com")
        make.make_member(viewer, realm, Role.VIEWER)
        mailer = make.make_user("mailer@example.com")
        rights = {"may_download": True, "may_see_clear": True}
        place = make.make_member(mailer, realm, Role.MAILER, everybody, **rights)
        text, _ = make.make_download_key(everybody, membership=place, may_see_clear=True)

        refused = [
            signed_in(viewer).get(self.url(everybody, "csv")),
            signed_in(mailer).get(self.url(everybody, "csv")),
            Client().get(f"/d/{everybody.public_id}", {"key": text, "format": "csv"}),
        ]

        assert [each.status_code for each in refused] == [404, 403, 403]
        page = signed_in(viewer).get(f"/manage/lists/{everybody.public_id}/entries")
        assert page.status_code == 200 and "Export as" not in page.content.decode()
        assert not Download.objects.exists()

    def test_another_list_needs_the_switch_from_its_owners_too(
        self, alice: User, optout_list: List
    ) -> None:
        assert signed_in(alice).get(self.url(optout_list, "csv")).status_code == 403


class TestMethods:
    @pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
    def test_others_are_told_which_there_are(self, optout_list: List, method: str) -> None:
        """With Django's CSRF check on, as for any program."""
        client = Client(enforce_csrf_checks=True)

        response = getattr(client, method)(f"/d/{optout_list.public_id}")

        assert response.status_code == 405
        assert response.headers["Allow"] == "GET, HEAD"
