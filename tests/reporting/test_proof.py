"""The proof: what "Check an address" says for a regulator, and what the download log adds to it."""

from datetime import timedelta
from html import unescape

import pytest

from lists.choices import Role
from lists.models import ApiKey, List, Realm, User
from optout.models import OptOut
from reporting.models import Download
from tests import make
from tests.lists.screens import look_at
from tests.reporting.portal import signed_in

FIRST_WORDS = "First download after it:"


def proof_for(user: User, address: str = "jane@example.com") -> str:
    screen = look_at(signed_in(user).get("/manage/check/", {"q": address}))
    return unescape(screen.text)


def download(optout_list: List, minutes: int, outcome: str = "complete", **fields) -> Download:
    """A download that began so many minutes after the opt-out of these tests."""
    started_at = make.NOW + timedelta(minutes=minutes)
    values = {"optout_list": optout_list, "format": "md5", "agent": "", "outcome": outcome}
    return Download.objects.create(**{**values, "started_at": started_at, **fields})


@pytest.mark.django_db
class TestProof:
    def test_it_names_sender_realm_list_and_ledger_entry(
        self, alice: User, optout_list: List
    ) -> None:
        make.make_optout(optout_list)
        make.make_optout(optout_list)  # a repeat, which suppressed nothing

        proof = proof_for(alice)

        request = OptOut.objects.get(is_new=True)
        assert "Acme Garden (acme)" in proof
        assert "Garden letters No. 1" in proof
        assert "4 Mar 2026, 12:00" in proof and "Since (UTC)" in proof
        assert f"Unsubscribed {request.id} " in proof
        assert "Suppressed" in proof and "Not suppressed" in proof
        assert "May be contacted" not in proof

    def test_it_says_what_typed_and_signed_mean(self, alice: User, optout_list: List) -> None:
        make.make_optout(optout_list)
        proof = proof_for(alice)
        for word in ("Typed", "Prefilled", "Signed", "Whitelisted IP"):
            assert f"{word} " in proof
        assert "How sure it is who asked" in proof

    def test_do_not_mails_entry_stands_beside_every_list_that_it_holds_for(
        self, alice: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_optout(make.do_not_mail(realm))
        assert proof_for(alice).count(f"Unsubscribed {OptOut.objects.get().id} ") == 2

    def test_what_is_not_suppressed_has_neither_entry_nor_download(
        self, alice: User, optout_list: List
    ) -> None:
        download(optout_list, 60)
        proof = proof_for(alice)
        assert FIRST_WORDS not in proof and "Not downloaded" not in proof


@pytest.mark.django_db
class TestFirstDownload:
    @pytest.fixture(autouse=True)
    def _opted_out(self, optout_list: List) -> None:
        make.make_optout(optout_list)

    def test_the_first_whole_one_after_the_opt_out_is_named(
        self, alice: User, optout_list: List
    ) -> None:
        _text, key = make.make_download_key(optout_list)
        download(optout_list, -60)
        download(optout_list, 30, "broken_off", key=key)
        download(optout_list, 60, key=key)
        download(optout_list, 120)

        assert f"{FIRST_WORDS} 4 Mar 2026, 13:00 UTC by a mailer, MD5" in proof_for(alice)

    def test_a_person_is_named_by_name(self, alice: User, optout_list: List) -> None:
        carol = make.make_user("carol@north.example", name="Blue Heron Mailing")
        download(optout_list, 60, user=carol, format="sha256")
        assert "13:00 UTC by Blue Heron Mailing, SHA-256" in proof_for(alice)

    def test_a_programs_is_named_by_its_key(
        self, alice: User, realm: Realm, optout_list: List
    ) -> None:
        """There and in the list's access log."""
        text = make.make_api_key(realm)
        ApiKey.objects.update(label="Web shop")
        download(optout_list, 60, api_key=ApiKey.objects.get(), format="csv")
        assert "13:00 UTC by Web shop, CSV" in proof_for(alice)
        log = signed_in(alice).get(f"/manage/lists/{optout_list.public_id}/access")
        assert f"Web shop hk_…{text[-4:]} CSV" in look_at(log).text

    def test_one_of_what_came_later_only_does_not_count(
        self, alice: User, optout_list: List
    ) -> None:
        download(optout_list, 60, since=make.NOW + timedelta(minutes=5))
        assert "Not downloaded since" in proof_for(alice)
        download(optout_list, 90, since=make.NOW - timedelta(minutes=5))
        assert f"{FIRST_WORDS} 4 Mar 2026, 13:30" in proof_for(alice)

    def test_another_lists_download_does_not_count(
        self, alice: User, realm: Realm, optout_list: List
    ) -> None:
        download(make.make_list(realm, 2, "Offers"), 60)
        assert FIRST_WORDS not in proof_for(alice)

    def test_a_mailer_is_told_none_of_it(self, realm: Realm, optout_list: List) -> None:
        mailer = make.make_user("mailer@north.example")
        make.make_member(mailer, realm, Role.MAILER, optout_list)
        download(optout_list, 60)
        proof = proof_for(mailer)
        assert FIRST_WORDS not in proof and "Ledger entry" not in proof

    def test_it_asks_the_database_ten_times_at_most(
        self, alice: User, optout_list: List, django_assert_max_num_queries
    ) -> None:
        download(optout_list, 60)
        client = signed_in(alice)
        with django_assert_max_num_queries(10):
            client.get("/manage/check/", {"q": "jane@example.com"})
