"""Switching a report off by the link in its mail: a page with one button, or one tap in a mail program (RFC 8058)."""

import re
from email import policy

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client
from django.utils import timezone

from lists.access import Standing
from lists.models import AuditEntry, List, Realm, User
from optout.choices import Medium
from optout.links import make_token
from reporting.models import UnsubscriptionReport
from reporting.models.reports import ReportKind, ReportRhythm
from reporting.unsubscription_reports.switching_off import off_url_of
from reporting.unsubscription_reports.wishes import Wish, save_wish
from tests import make
from tests.lists.screens import look_at
from tests.reporting.unsubscription_reports.test_sending import choose, run

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def path(realm: Realm, alice: User) -> str:
    """Alice's link; she gets reports by email and SMS."""
    standing = Standing(alice, realm, None)
    wish = Wish({Medium.EMAIL, Medium.SMS}, ReportRhythm.DAILY, "+12025550123")
    save_wish(standing, wish, timezone.now(), actor=alice)
    return off_url_of(standing, ReportKind.OPT_OUTS).removeprefix(settings.BASE_URL)


@pytest.fixture
def stranger() -> Client:
    """Who has the link; not signed in, and from another website perhaps."""
    return Client(enforce_csrf_checks=True, headers={"sec-fetch-site": "cross-site"})


def media() -> set[int]:
    return set(UnsubscriptionReport.objects.values_list("medium", flat=True))


@pytest.mark.django_db
class TestTheLink:
    def test_looking_changes_nothing(self, path: str, stranger: Client) -> None:
        """Scanners look at every link in a mail."""
        answer = stranger.get(path)
        screen = look_at(answer)
        assert screen.heading == "Switch this mail off?"
        assert "The unsubscription reports of Acme Garden by email." in screen.text
        assert "alice" not in screen.html
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert not answer.cookies
        stranger.head(path)
        assert media() == {Medium.EMAIL, Medium.SMS}

    def test_the_button_switches_it_off(self, path: str, stranger: Client) -> None:
        answer = stranger.post(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, path)
        assert media() == {Medium.SMS}
        assert look_at(stranger.get(path)).heading == "This mail is switched off"
        entry = AuditEntry.objects.latest("pk")
        assert (entry.action, entry.actor) == ("change_notifications", None)

    def test_one_tap_in_a_mail_program_does_too_and_may_be_repeated(
        self, path: str, stranger: Client
    ) -> None:
        for _ in range(2):
            answer = stranger.post(path, ONE_CLICK)
            assert (answer.status_code, answer.content) == (200, b"You are unsubscribed.")
        assert media() == {Medium.SMS}
        assert AuditEntry.objects.filter(detail__by="the link in the mail").count() == 1

    @pytest.mark.parametrize("after", [".", ">", ")."])
    def test_what_a_mail_program_took_with_it_does_no_harm(
        self, path: str, stranger: Client, after: str
    ) -> None:
        assert stranger.get(path + after).status_code == 200

    def test_of_somebody_else_it_changes_nothing(
        self, path: str, stranger: Client, realm: Realm, bob: User
    ) -> None:
        url = off_url_of(Standing(bob, realm, None), ReportKind.OPT_OUTS)
        stranger.post(url.removeprefix(settings.BASE_URL))
        assert media() == {Medium.EMAIL, Medium.SMS}

    def test_one_that_is_not_ours_is_a_dead_end(
        self, path: str, stranger: Client, optout_list: List
    ) -> None:
        for other in (
            path[:-2],
            path.upper(),
            f"/n/{make_token(optout_list.pk, 'a@b.example')}",
            "/n/",
        ):
            assert stranger.get(other).status_code == 404
            assert stranger.post(other, ONE_CLICK).status_code == 404
        assert media() == {Medium.EMAIL, Medium.SMS}


@pytest.mark.alone  # what another one's open transaction came before is not in the feed yet
@pytest.mark.django_db(transaction=True)
def test_a_report_brings_its_link(optout_list: List, alice: User) -> None:
    choose(alice)
    make.make_optout(optout_list)
    run()

    sent = mail.outbox[0].message(policy=policy.SMTP)
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.fullmatch(rf"<({settings.BASE_URL}(/n/\S+))>", sent["List-Unsubscribe"])
    assert found is not None
    assert found[1] in mail.outbox[0].body
    Client().post(found[2], ONE_CLICK)
    assert media() == set()
