"""The recipients of a list with their links, as a file over REST."""

import hashlib
from typing import Any

import pytest

from lists.models import ApiKey, AuditEntry, List, Realm
from optout.choices import HashKind
from optout.models import Suppression
from optout.short_links import short_url
from optout.slots import slots
from tests import make
from tests.reporting.rest.messages import Program

pytestmark = pytest.mark.django_db

ANN, BEN, CLEO, DAN = "+14155550101", "+14155550102", "+14155550103", "+14155550104"
PATH = "/lists/1/recipients"


@pytest.fixture
def program(realm: Realm, optout_list: List) -> Program:
    for each in (ANN, BEN, CLEO, DAN, "dora@example.com"):
        make.make_contact(realm, each, optout_list)
    return Program(realm)


def lines(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer
    return b"".join(answer).decode().splitlines()


class TestFile:
    def test_each_phone_with_its_link(self, program: Program, optout_list: List) -> None:
        head, *rows = lines(program.get(PATH))

        assert head == "phone,link"
        assert sorted(rows) == [
            f"{each},{short_url(optout_list.pk, each)}" for each in (ANN, BEN, CLEO, DAN)
        ]

    def test_without_the_suppressed(
        self, program: Program, realm: Realm, optout_list: List
    ) -> None:
        """Also those who were left over on the list, and those known by another hash."""
        make.make_optout(optout_list, ANN)
        make.make_optout(make.do_not_mail(realm), BEN)
        make.make_subscription(optout_list, BEN)
        full = hashlib.md5(CLEO.encode(), usedforsecurity=False).digest()
        Suppression.objects.create(
            optout_list=make.do_not_mail(realm),
            digest=full,
            hash_kind=HashKind.MD5,
            full_hash=full,
            medium=2,
            channel=13,
            reason=1,
            suppressed_at=make.NOW,
        )
        assert [row[:12] for row in lines(program.get(PATH))[1:]] == [DAN]

    def test_a_list_without_recipients(self, program: Program, realm: Realm) -> None:
        make.make_list(realm, 2)
        assert lines(program.get("/lists/2/recipients")) == ["phone,link"]

    def test_its_headers(self, program: Program) -> None:
        answer = program.get(PATH)
        lines(answer)
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="recipients-1.csv"'
        assert answer.headers["Cache-Control"] == "no-store"
        assert "RateLimit-Remaining" in answer.headers

    def test_it_is_in_the_audit(self, program: Program, optout_list: List) -> None:
        lines(program.get(PATH))
        begun, ended = AuditEntry.objects.order_by("pk")
        key = ApiKey.objects.get().pk
        assert (begun.action, begun.detail) == ("download_recipients", {"key": key})
        assert (ended.action, ended.detail) == (
            "finish_recipients_download",
            {"rows": 4, "complete": True, "key": key},
        )
        assert {(each.actor, each.optout_list) for each in (begun, ended)} == {(None, optout_list)}

    def test_head_says_what_it_is_and_reads_nothing(self, program: Program) -> None:
        answer = program.client.head(f"/api/v1{PATH}")
        assert answer.status_code == 200 and b"".join(answer) == b""
        assert "Content-Length" not in answer.headers
        assert not AuditEntry.objects.filter(action="download_recipients").exists()


class TestRefused:
    def test_too_many_at_once(self, program: Program) -> None:
        held = [slots.take("one"), slots.take("another")]
        try:
            answer = program.get(PATH)
        finally:
            for slot in filter(None, held):
                slot.give_back()
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
        assert answer.headers["Content-Type"] == "application/problem+json"

    def test_its_slot_is_given_back(self, program: Program) -> None:
        for _ in range(3):
            assert len(lines(program.get(PATH))) == 5

    def test_do_not_mail_has_none(self, program: Program) -> None:
        assert program.get("/lists/0/recipients").status_code == 422

    @pytest.mark.parametrize("fields", [{"may_write": False}, {"may_read": False}])
    def test_a_key_that_may_only_read_or_only_write(
        self, program: Program, realm: Realm, fields: Any
    ) -> None:
        assert Program(realm, **fields).get(PATH).status_code == 403

    def test_a_key_for_another_list(self, program: Program, realm: Realm) -> None:
        other = Program(realm, make.make_list(realm, 2))
        assert other.get(PATH).status_code == 404
