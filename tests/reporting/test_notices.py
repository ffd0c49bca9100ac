from datetime import datetime, timedelta
from ipaddress import ip_address
from unittest.mock import patch

import pytest
from django.core import mail

from lists.choices import Role
from lists.lookup import snapshot
from lists.models import List, Realm, User
from lists.networks import network_of
from optout.choices import Channel, RefusalCause, Traffic, Verdict
from optout.evidence import Evidence
from optout.limits import judge_unsigned, unblock_network
from optout.models import LimitCounter, QuarantinedOptOut
from optout.quarantine import quarantine_optout
from reporting.models import Notice
from reporting.models.notices import NoticeKind
from reporting.notices import (
    MOST_OPEN,
    mail_notices,
    raise_notices,
    settle_notices,
    who_is_told,
)
from tests import make
from tests.reporting.portal import signed_in

pytestmark = pytest.mark.django_db

NOW = make.NOW
NETWORK = "203.0.113.9/32"


def attack(optout_list: List, at=NOW, network: str = NETWORK) -> None:
    """25 addresses from one network: five too many."""
    found = snapshot(optout_list)
    for n in range(25):
        judge_unsigned(found, Traffic.DIRECT, network, n.to_bytes(16), at)


def call_unlisted(optout_list: List, ip: str | None, address: str = "a@example.com", at=NOW):
    evidence = Evidence(ip=ip_address(ip) if ip else None, agent="python-requests")
    intent = make.make_intent(optout_list, address, evidence=evidence, requested_at=at)
    quarantine_optout(intent, RefusalCause.UNLISTED_SERVER)


def notices(optout_list: List) -> list[tuple[str, str]]:
    rows = Notice.objects.filter(optout_list=optout_list, settled_at=None).order_by("pk")
    return list(rows.values_list("kind", "subject"))


class TestABlockedNetwork:
    def test_is_told_once_however_often_we_look(self, optout_list: List) -> None:
        attack(optout_list)
        assert raise_notices(NOW) == 1
        attack(optout_list)
        assert raise_notices(NOW + timedelta(minutes=1)) == 0
        assert notices(optout_list) == [(NoticeKind.BLOCKED_IP, NETWORK)]

    def test_is_told_again_when_it_is_blocked_again_after_it_was_settled(
        self, optout_list: List
    ) -> None:
        attack(optout_list)
        raise_notices(NOW)
        unblock_network(optout_list, NETWORK)
        assert settle_notices(optout_list, NoticeKind.BLOCKED_IP, NETWORK, NOW) == 1
        assert raise_notices(NOW) == 0

        later = NOW + timedelta(hours=2)
        attack(optout_list, later)

        assert raise_notices(later) == 1

    def test_a_settled_block_that_still_lasts_is_not_told_again(self, optout_list: List) -> None:
        attack(optout_list)
        raise_notices(NOW)
        settle_notices(optout_list, NoticeKind.BLOCKED_IP, None, NOW + timedelta(minutes=5))
        assert raise_notices(NOW + timedelta(minutes=6)) == 0

    def test_settles_by_itself_a_day_after_its_end(self, optout_list: List, alice: User) -> None:
        attack(optout_list)
        raise_notices(NOW)
        mail_notices(NOW)
        raise_notices(NOW + timedelta(hours=24, minutes=59))
        assert notices(optout_list) == [(NoticeKind.BLOCKED_IP, NETWORK)]
        raise_notices(NOW + timedelta(hours=25))
        assert notices(optout_list) == []


class TestAnUnlistedServer:
    def test_is_told_once_a_network(self, optout_list: List) -> None:
        call_unlisted(optout_list, "198.51.100.4", "a@example.com")
        call_unlisted(optout_list, "198.51.100.4", "b@example.com")
        call_unlisted(optout_list, "2001:db8:0:1::5", "c@example.com")
        call_unlisted(optout_list, "2001:db8:0:1::6", "d@example.com")
        call_unlisted(optout_list, None, "e@example.com")

        assert raise_notices(NOW) == 3

        assert sorted(subject for _kind, subject in notices(optout_list)) == sorted(
            network_of(ip)
            for ip in (ip_address("198.51.100.4"), ip_address("2001:db8:0:1::5"), None)
        )

    def test_other_refusals_are_no_server(self, optout_list: List) -> None:
        quarantine_optout(make.make_intent(optout_list), RefusalCause.ADDRESS_LIMIT)
        assert raise_notices(NOW) == 0

    def test_many_networks_are_not_a_thousand_notices(self, optout_list: List) -> None:
        for n in range(MOST_OPEN + 10):
            call_unlisted(optout_list, f"198.51.100.{n}", f"person{n}@example.com")
        assert raise_notices(NOW) == MOST_OPEN
        assert raise_notices(NOW) == 0

    def test_calling_on_after_it_was_settled_is_told_again(self, optout_list: List) -> None:
        call_unlisted(optout_list, "198.51.100.4")
        raise_notices(NOW)
        settle_notices(optout_list, NoticeKind.UNLISTED_SERVER, None, NOW + timedelta(minutes=1))
        assert raise_notices(NOW + timedelta(minutes=2)) == 0
        call_unlisted(optout_list, "198.51.100.4", at=NOW + timedelta(minutes=3))
        assert raise_notices(NOW + timedelta(minutes=3)) == 1


class TestProtectedModeAndPixel:
    def test_both_are_told_once_and_stay_settled_for_a_week(self, optout_list: List) -> None:
        List.objects.filter(pk=optout_list.pk).update(
            protected_until=NOW + timedelta(hours=1), pixel_in_mail_at=NOW
        )
        assert raise_notices(NOW) == 2
        assert raise_notices(NOW) == 0
        assert {kind for kind, _subject in notices(optout_list)} == {
            NoticeKind.PROTECTED_MODE,
            NoticeKind.PIXEL_IN_MAIL,
        }

        for kind in (NoticeKind.PROTECTED_MODE, NoticeKind.PIXEL_IN_MAIL):
            settle_notices(optout_list, kind, "", NOW)
        assert raise_notices(NOW + timedelta(minutes=1)) == 0

        later = NOW + timedelta(days=9)
        List.objects.filter(pk=optout_list.pk).update(
            protected_until=later + timedelta(hours=1), pixel_in_mail_at=later
        )
        assert raise_notices(later) == 2


def text_unclear(optout_list: List, address: str = "+14155552671", at: datetime = NOW) -> None:
    intent = make.make_intent(
        optout_list,
        address,
        channel=Channel.INBOUND_SMS,
        requested_at=at,
        evidence=Evidence(extra={"said": "canary when does it end"}),
    )
    quarantine_optout(intent, RefusalCause.UNCLEAR_TEXT)


class TestTextsThatMayMeanStop:
    def test_are_told_once_a_list_however_many_wait(
        self, realm: Realm, optout_list: List, alice: User
    ) -> None:
        for n in range(5):
            text_unclear(optout_list, f"+1415555267{n}")
        text_unclear(make.do_not_mail(realm))
        assert raise_notices(NOW) == 2
        text_unclear(optout_list, "+442079460958", NOW + timedelta(minutes=1))
        assert raise_notices(NOW + timedelta(minutes=1)) == 0

        assert notices(optout_list) == [(NoticeKind.UNCLEAR_TEXT, "")]

    def test_are_mailed_without_their_words(self, optout_list: List, alice: User) -> None:
        text_unclear(optout_list)
        raise_notices(NOW)
        assert [mail_notices(NOW), mail_notices(NOW)] == [1, 0]

        (message,) = mail.outbox
        assert message.subject == "Garden letters: Texts that may mean STOP wait"
        assert "After 7 days it is taken for a STOP by itself." in message.body
        assert optout_list.public_id in message.body
        for secret in ("canary", "4155552671", "when does it end"):
            assert secret not in message.body + message.subject

    def test_wait_for_the_owner_where_the_list_wants_it_so(
        self, optout_list: List, alice: User
    ) -> None:
        List.objects.update(accepts_quarantined=False)
        text_unclear(optout_list)
        raise_notices(NOW)
        mail_notices(NOW)
        assert "7 days" not in mail.outbox[0].body

    @pytest.mark.parametrize("is_mailed", [True, False])
    def test_are_over_as_soon_as_none_waits_and_not_mailed_then(
        self, optout_list: List, alice: User, *, is_mailed: bool
    ) -> None:
        text_unclear(optout_list)
        raise_notices(NOW)
        if is_mailed:
            mail_notices(NOW)
        QuarantinedOptOut.objects.update(verdict=Verdict.REJECTED)
        assert raise_notices(NOW + timedelta(minutes=1)) == 0

        assert notices(optout_list) == []
        assert mail_notices(NOW + timedelta(hours=2)) == 0
        assert len(mail.outbox) == is_mailed

    def test_the_next_one_is_told_again(self, optout_list: List, alice: User) -> None:
        text_unclear(optout_list)
        raise_notices(NOW)
        QuarantinedOptOut.objects.update(verdict=Verdict.REJECTED)
        raise_notices(NOW + timedelta(minutes=1))
        text_unclear(optout_list, at=NOW + timedelta(minutes=2))
        assert raise_notices(NOW + timedelta(minutes=2)) == 1

    def test_one_that_came_to_nothing_holds_up_no_other(
        self, optout_list: List, alice: User
    ) -> None:
        """A list's mails are an hour apart."""
        later = NOW + timedelta(hours=3)
        text_unclear(optout_list)
        raise_notices(NOW)
        QuarantinedOptOut.objects.update(verdict=Verdict.ACCEPTED)
        attack(optout_list, later)
        assert raise_notices(later) == 1
        assert mail_notices(later) == 1

    def test_other_causes_and_other_lists_do_not_keep_it(
        self, realm: Realm, optout_list: List, alice: User
    ) -> None:
        text_unclear(optout_list)
        raise_notices(NOW)
        QuarantinedOptOut.objects.update(verdict=Verdict.REJECTED)
        text_unclear(make.make_list(realm, 2))
        call_unlisted(optout_list, "198.51.100.4")
        raise_notices(NOW)
        assert notices(optout_list) == [(NoticeKind.UNLISTED_SERVER, "198.51.100.4/32")]


class TestOfANewerRelease:
    def test_they_wait_for_it(self, optout_list: List, alice: User) -> None:
        attack(optout_list)
        raise_notices(NOW)
        Notice.objects.create(optout_list=optout_list, kind="news", subject="", raised_at=NOW)
        assert mail_notices(NOW) == 1
        assert signed_in(alice).get("/manage/").status_code == 200


class TestTheMail:
    def test_goes_to_the_realms_admins_and_the_lists_owners(
        self, realm: Realm, optout_list: List, alice: User, bob: User, charlie: User
    ) -> None:
        make.make_member(make.make_user("vera@acme.example"), realm, Role.VIEWER)
        make.make_member(make.make_user("mel@mailer.example"), realm, Role.MAILER, optout_list)
        second = make.make_list(realm, 2)
        make.make_member(make.make_user("owen@acme.example"), realm, Role.OWNER, second)
        gone = make.make_user("gone@acme.example", is_active=False)
        make.make_member(gone, realm, Role.ADMIN)

        assert who_is_told(optout_list) == [alice, bob]

    def test_says_what_happened_and_where_to_decide(self, optout_list: List, alice: User) -> None:
        attack(optout_list)
        call_unlisted(optout_list, "198.51.100.4", "jane@example.com")
        raise_notices(NOW)

        assert mail_notices(NOW) == 2

        (message,) = mail.outbox
        assert message.to == ["alice@acme.example"]
        assert message.subject == "Garden letters: Please look at this list"
        assert "203.0.113.9\n" in message.body
        assert "198.51.100.4\n" in message.body
        assert (
            f"http://localhost:8000/manage/lists/{optout_list.public_id}/quarantine" in message.body
        )
        assert "jane" not in message.body
        assert Notice.objects.filter(mailed_at=NOW).count() == 2

    def test_is_sent_once_and_what_follows_within_the_hour_together(
        self, optout_list: List, alice: User
    ) -> None:
        attack(optout_list)
        raise_notices(NOW)
        assert [mail_notices(NOW), mail_notices(NOW)] == [1, 0]
        for n in range(3):
            attack(optout_list, network=f"203.0.113.{n + 20}/32")
        raise_notices(NOW)
        assert mail_notices(NOW + timedelta(minutes=30)) == 0
        assert mail_notices(NOW + timedelta(minutes=61)) == 3
        assert len(mail.outbox) == 2

    def test_is_tried_again_when_the_server_refuses(self, optout_list: List, alice: User) -> None:
        attack(optout_list)
        raise_notices(NOW)
        with (
            patch("django.core.mail.EmailMessage.send", side_effect=OSError("no route")),
            pytest.raises(OSError, match="no route"),
        ):
            mail_notices(NOW)
        assert Notice.objects.get().mailed_at is None

        assert mail_notices(NOW + timedelta(minutes=1)) == 1

    def test_a_name_cannot_break_the_subject(self, optout_list: List, alice: User) -> None:
        List.objects.update(name="Garden\r\nBcc: all@example.com")
        attack(optout_list)
        raise_notices(NOW)
        mail_notices(NOW)
        assert mail.outbox[0].subject.startswith("Garden Bcc: all@example.com: ")

    def test_nobody_to_tell_is_no_error(self, optout_list: List) -> None:
        attack(optout_list)
        raise_notices(NOW)
        assert mail_notices(NOW) == 1
        assert mail.outbox == []
        assert LimitCounter.objects.count() == 1
