"""The mailer's weekly: as many as the next download brings, no more and no less."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from lists.choices import Role
from lists.models import List, ListAccess, Realm, User
from optout.choices import Medium
from reporting.models import Download, UnsubscriptionReport
from reporting.models.downloads import DownloadOutcome
from reporting.unsubscription_reports.sending import send_due
from tests import make
from tests.reporting.portal import signed_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]

PATH = "/manage/settings/notifications"


@pytest.fixture
def mo(realm: Realm, optout_list: List) -> User:
    """A mailer with the list, who wants the mail."""
    user = make.make_user("mo@northmail.example")
    make.make_member(user, realm, Role.MAILER, optout_list)
    answer = signed_in(user).post(PATH, {"weekly": "email"}, follow=True)
    assert "Saved. You get a weekly email" in answer.content.decode()
    return user


def download(user: User, optout_list: List, since: str = "") -> list[str]:
    """The lines of a download in the portal."""
    more = f"&since={since}" if since else ""
    return fetch(user, f"/manage/lists/{optout_list.public_id}/download?format=md5{more}")


def fetch(user: User, path: str) -> list[str]:
    answer: Any = signed_in(user).get(path)
    assert answer.status_code == 200
    text: str = b"".join(answer.streaming_content).decode()
    answer.close()
    return text.splitlines()


def opt_out(optout_list: List, address: str) -> None:
    make.make_optout(optout_list, address, requested_at=timezone.now())


def monday() -> str:
    """The text of the mail of next Monday; empty when none is sent."""
    mail.outbox.clear()
    report = UnsubscriptionReport.objects.get()
    assert (report.due_at.weekday(), report.due_at.hour) == (0, 7)
    result = send_due(Medium.EMAIL, report.due_at)
    assert result == {"sent": len(mail.outbox), "failed": 0}
    return str(mail.outbox[0].body) if mail.outbox else ""


class TestTheNumber:
    def test_is_all_there_is_before_the_first_download(
        self, realm: Realm, optout_list: List, mo: User
    ) -> None:
        for n in range(3):
            opt_out(optout_list, f"p{n}@example.com")
        opt_out(make.do_not_mail(realm), "global@example.com")

        text = monday()

        assert "Garden letters\n  You have not downloaded it yet: 4\n" in text
        assert mail.outbox[0].to == ["mo@northmail.example"]
        assert mail.outbox[0].subject == "4 to download: Acme Garden"
        assert "@example.com" not in text
        assert f"/manage/lists/{optout_list.public_id}/service?tab=download" in text

    def test_is_what_a_download_since_then_brings(
        self, realm: Realm, optout_list: List, mo: User
    ) -> None:
        opt_out(optout_list, "old@example.com")
        assert len(download(mo, optout_list)) == 1
        opt_out(optout_list, "old@example.com")  # a repeat: the file has it already
        opt_out(optout_list, "new@example.com")
        opt_out(make.do_not_mail(realm), "new@example.com")  # one line in the file
        opt_out(make.do_not_mail(realm), "global@example.com")

        text = monday()

        assert "2 new opt-outs since your last download (" in text
        since = Download.objects.get().started_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        assert len(download(mo, optout_list, since)) == 2
        assert monday() == ""  # that was a download, too

    def test_nothing_new_is_no_mail(self, optout_list: List, mo: User) -> None:
        opt_out(optout_list, "old@example.com")
        download(mo, optout_list)
        assert monday() == ""
        opt_out(optout_list, "one@example.com")
        assert "1 new opt-out since" in monday()

    def test_a_download_that_broke_off_is_none(self, optout_list: List, mo: User) -> None:
        opt_out(optout_list, "old@example.com")
        download(mo, optout_list)
        Download.objects.update(outcome=DownloadOutcome.BROKEN_OFF)
        assert "You have not downloaded it yet: 1" in monday()

    def test_one_by_their_own_key_counts_and_somebody_elses_does_not(
        self, optout_list: List, mo: User, alice: User
    ) -> None:
        opt_out(optout_list, "old@example.com")
        download(alice, optout_list)
        assert "not downloaded it yet: 1" in monday()
        text, _key = make.make_download_key(optout_list, membership=mo.memberships.get())
        fetch(alice, f"/d/{optout_list.public_id}?key={text}")
        assert monday() == ""


class TestWhoIsTold:
    def test_of_lists_that_they_may_download_only(
        self, realm: Realm, optout_list: List, mo: User
    ) -> None:
        second = make.make_list(realm, 2, "Offers")
        opt_out(optout_list, "a@example.com")
        opt_out(second, "b@example.com")
        assert "Offers" not in monday()
        ListAccess.objects.update(may_download=False)
        assert monday() == ""

    def test_off_by_default_and_when_switched_off(self, optout_list: List, mo: User) -> None:
        signed_in(mo).post(PATH, {"weekly": "off"})
        assert not UnsubscriptionReport.objects.exists()

    def test_nobody_who_is_a_mailer_no_more(self, optout_list: List, mo: User) -> None:
        opt_out(optout_list, "a@example.com")
        mo.memberships.update(role=Role.OWNER)
        assert monday() == ""

    def test_the_next_is_a_week_later(self, optout_list: List, mo: User) -> None:
        opt_out(optout_list, "a@example.com")
        at = UnsubscriptionReport.objects.get().due_at
        assert monday()
        assert UnsubscriptionReport.objects.get().due_at == at + timedelta(days=7)
