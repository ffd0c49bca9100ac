from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from lists.models import List, Realm
from optout import mail_requests
from optout.addresses import digest_of
from optout.choices import MailKind, MailState, Reason
from optout.mail_requests import WAITS, claim_due, find_request, mailbox_digest
from optout.models import RecipientMail
from tests import make
from tests.threads import in_thread

JANE = "jane@example.com"
MINUTE = timedelta(minutes=1)


def ask(
    optout_list: List,
    at: datetime = make.NOW,
    address: str = JANE,
    kind: MailKind = MailKind.JOIN,
    **fields: Any,
) -> RecipientMail:
    """A mail as a form asks for it."""
    values = {"asked_at": at, "due_at": at, "language": "en", "wording": "Yes", **fields}
    values |= {"digest": digest_of(address), "mailbox": mailbox_digest(address), "address": address}
    return RecipientMail.objects.create(optout_list=optout_list, kind=kind, **values)


def has_had_enough(mail: RecipientMail) -> bool:
    """At the moment it was asked for."""
    return mail_requests.has_had_enough(mail, mail.asked_at)


def sent(mail: RecipientMail) -> RecipientMail:
    mail_requests.mark_sent(mail, mail.asked_at)
    return mail


def state_of(mail: RecipientMail) -> tuple[int, int, datetime]:
    mail.refresh_from_db()
    return mail.state, mail.tries, mail.due_at


class TestClaiming:
    def test_each_is_claimed_once_the_longest_due_first(self, optout_list: List) -> None:
        mails = [ask(optout_list, make.NOW - n * MINUTE) for n in range(3)]
        later = ask(optout_list, make.NOW + MINUTE)

        assert [each.pk for each in claim_due(make.NOW, 2)] == [mails[2].pk, mails[1].pk]
        assert [each.pk for each in claim_due(make.NOW, 2)] == [mails[0].pk]
        assert claim_due(make.NOW, 2) == []
        assert state_of(later) == (MailState.WAITING, 0, later.due_at)

    def test_what_a_killed_worker_claimed_is_due_again_in_ten_minutes(
        self, optout_list: List
    ) -> None:
        mail = ask(optout_list)
        claim_due(make.NOW, 9)

        assert claim_due(make.NOW + 9 * MINUTE, 9) == []
        assert claim_due(make.NOW + 10 * MINUTE, 9) == [mail]

    def test_what_takes_its_worker_down_each_time_is_given_up(self, optout_list: List) -> None:
        mail = ask(optout_list)
        for n in range(7):
            assert claim_due(make.NOW + 10 * n * MINUTE, 9) == [mail]

        assert claim_due(make.NOW + 70 * MINUTE, 9) == []
        assert state_of(mail)[0] == MailState.GIVEN_UP

    def test_what_was_given_back_has_not_been_tried(self, optout_list: List) -> None:
        mail = ask(optout_list)

        mail_requests.put_back(claim_due(make.NOW, 9), make.NOW)

        assert state_of(mail) == (MailState.WAITING, 0, make.NOW)

    def test_after_a_failure_it_is_tried_six_times_more(self, optout_list: List) -> None:
        mail, now = ask(optout_list), make.NOW
        for wait in WAITS:
            (claimed,) = claim_due(now, 9)
            mail_requests.mark_failed(claimed, now)
            now += wait
            assert state_of(mail)[2] == now
        (claimed,) = claim_due(now, 9)
        mail_requests.mark_failed(claimed, now)

        assert state_of(mail)[:2] == (MailState.GIVEN_UP, 7)
        assert now - make.NOW == timedelta(hours=20, minutes=36)

    @pytest.mark.parametrize(
        ("mark", "state"),
        [
            (lambda mail: mail_requests.mark_sent(mail, make.NOW), MailState.SENT),
            (mail_requests.mark_left_out, MailState.LEFT_OUT),
            (mail_requests.mark_given_up, MailState.GIVEN_UP),
        ],
    )
    def test_what_is_settled_is_never_due_again(
        self, optout_list: List, mark: Any, state: MailState
    ) -> None:
        mail = ask(optout_list)
        (claimed,) = claim_due(make.NOW, 9)

        mark(claimed)

        assert state_of(mail)[0] == state
        assert (mail.sent_at is not None) == (state == MailState.SENT)
        mail_requests.mark_failed(claimed, make.NOW)
        assert claim_due(make.NOW + timedelta(days=1), 9) == []

    def test_what_was_sent_stays_so_whatever_a_slow_worker_says_of_it(
        self, optout_list: List
    ) -> None:
        mail = ask(optout_list)
        (claimed,) = claim_due(make.NOW, 9)
        mail_requests.mark_sent(mail, make.NOW)

        mail_requests.mark_left_out(claimed)
        mail_requests.mark_given_up(claimed)

        assert state_of(mail)[0] == MailState.SENT

    def test_a_request_is_found_until_it_is_forgotten(self, optout_list: List) -> None:
        mail = ask(optout_list)
        assert find_request(mail.pk) == mail

        mail.delete()
        assert find_request(mail.pk or 1) is None


@pytest.mark.alone
@pytest.mark.django_db(transaction=True)
def test_no_worker_waits_for_what_another_claims(optout_list: List) -> None:
    first, second = ask(optout_list), ask(optout_list)
    with transaction.atomic():
        assert claim_due(make.NOW, 1) == [first]
        assert in_thread(lambda: claim_due(make.NOW, 9)).result(10) == [second]


class TestHavingHadEnough:
    def test_a_double_click_is_one_mail(self, optout_list: List) -> None:
        first, second = ask(optout_list), ask(optout_list)

        assert not has_had_enough(first)
        assert has_had_enough(second)

    def test_five_minutes_later_it_is_meant(self, optout_list: List) -> None:
        sent(ask(optout_list))

        assert not has_had_enough(ask(optout_list, make.NOW + 5 * MINUTE))

    def test_what_was_left_out_or_given_up_does_not_count(self, optout_list: List) -> None:
        ask(optout_list, state=MailState.LEFT_OUT)
        ask(optout_list, state=MailState.GIVEN_UP)

        assert not has_had_enough(ask(optout_list))

    def test_another_list_kind_or_address_is_no_repetition(self, realm: Realm) -> None:
        first, second = make.make_list(realm, 1), make.make_list(realm, 2)
        ask(first)

        assert not has_had_enough(ask(second))
        assert not has_had_enough(ask(first, kind=MailKind.PREFERENCES))
        assert not has_had_enough(ask(first, address="joe@example.com"))

    def test_three_of_a_realm_a_day_and_no_fourth(self, optout_list: List) -> None:
        mails = [sent(ask(optout_list, make.NOW + 10 * n * MINUTE)) for n in range(4)]
        next_day = ask(optout_list, make.NOW + timedelta(days=1))
        others = ask(make.make_list(make.make_realm("other")))

        assert [has_had_enough(mail) for mail in mails] == [False, False, False, True]
        mails[3].delete()
        assert not has_had_enough(next_day)
        assert not has_had_enough(others)

    def test_six_of_all_realms_a_day_and_no_seventh(self, db: None) -> None:
        for n in range(4):
            optout_list = make.make_list(make.make_realm(f"realm{n}"))
            mails = [ask(optout_list, kind=kind) for kind in MailKind]
            assert [has_had_enough(mail) for mail in mails] == [n == 3, n == 3]

    def test_plus_tags_are_one_mailbox(self, db: None) -> None:
        """Else anybody could flood it: an address that is new each time has had none."""
        realms = [make.make_list(make.make_realm(f"realm{n}")) for n in range(3)]
        address = (f"jane+{n}@example.com" for n in range(12))
        mails = [[ask(each, address=next(address)) for _ in range(4)] for each in realms]

        found = [[has_had_enough(mail) for mail in of_realm] for of_realm in mails]
        assert found[0] == [False, False, False, True]
        assert found[1] == [False, False, True, True] and all(found[2])  # four wait, and two more

    @pytest.mark.parametrize(
        ("key", "mailbox"),
        [
            ("jane+shop@example.com", JANE),
            ("jane+a+b@example.com", JANE),
            ("Jane@Example.com", JANE),
            ("+x@example.com", "+x@example.com"),
            ("jane.doe@example.com", "jane.doe@example.com"),
        ],
    )
    def test_what_a_mailbox_is(self, key: str, mailbox: str) -> None:
        assert mailbox_digest(key) == digest_of(mailbox)

    @pytest.mark.parametrize("everywhere", [False, True])
    @pytest.mark.parametrize(
        ("reason", "enough"),
        [
            (Reason.UNSUBSCRIBED, False),
            (Reason.MANUAL, False),
            (Reason.COMPLAINED, True),
            (Reason.BOUNCED, True),
            (Reason.LEGAL, True),
        ],
    )
    def test_who_complained_is_not_invited_but_gets_the_link_they_ask_for(
        self, realm: Realm, optout_list: List, everywhere: bool, reason: Reason, enough: bool
    ) -> None:
        suppressed = make.do_not_mail(realm) if everywhere else optout_list
        make.make_optout(suppressed, JANE, reason=reason)

        assert has_had_enough(ask(optout_list)) is enough
        assert not has_had_enough(ask(optout_list, kind=MailKind.PREFERENCES))

    def test_who_opted_out_is_invited_once_a_day(self, realm: Realm, optout_list: List) -> None:
        make.make_optout(optout_list, JANE)
        other = make.make_list(realm, 2)
        make.make_optout(other, JANE)
        sent(ask(optout_list))

        assert has_had_enough(ask(optout_list, make.NOW + timedelta(hours=23)))
        assert has_had_enough(ask(other, make.NOW + timedelta(hours=23)))
        RecipientMail.objects.filter(asked_at__gt=make.NOW).delete()
        assert not has_had_enough(ask(optout_list, make.NOW + timedelta(days=1)))

    def test_an_invitation_of_another_realm_is_none_of_this(self, optout_list: List) -> None:
        make.make_optout(optout_list, JANE)
        sent(ask(make.make_list(make.make_realm("other"))))

        assert not has_had_enough(ask(optout_list, make.NOW + timedelta(hours=1)))
