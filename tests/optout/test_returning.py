"""optout/returning.py: which rows there are after somebody came back. Over HTTP: the join form and the preference page."""

import hashlib
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Model, Q

from lists.lookup import snapshot
from lists.models import Contact, List, Realm, Subscription, User
from optout.actions import LiftIntent, lift_suppressions
from optout.addresses import digest_of, parse_address
from optout.choices import (
    Assurance,
    Channel,
    HashKind,
    Kind,
    Medium,
    Origin,
    Reason,
    RefusalCause,
    Verdict,
)
from optout.contact_locks import lock_contacts
from optout.evidence import Evidence
from optout.models import Consent, OptOut, QuarantinedOptOut, Suppression
from optout.quarantine import (
    ACCEPTED_AFTER,
    accept_overdue,
    accept_quarantined,
    quarantine_optout,
)
from optout.returning import Joined, foresee, join_list
from optout.reverting import undo_optout
from optout.tokens import DoneToken
from tests import make
from tests.optout.test_reverting import wait_until_blocked
from tests.threads import in_thread

JANE, PHONE = "jane@example.com", "+14155552671"
A_MINUTE = timedelta(minutes=1)
ASKED = make.NOW + A_MINUTE
HERS = Evidence(ip=ip_address("198.51.100.9"), agent="Firefox")


def join(optout_list: List, address: str = JANE, **fields: Any) -> Joined:
    """Confirm a minute after asking, which was a minute after what `make` makes."""
    values = {
        "asked_at": ASKED,
        "channel": Channel.JOIN,
        "language": "de",
        "wording": "Yes, send me Garden letters.",
        "asked_ip": "192.0.2.7",
        "evidence": HERS,
        "now": ASKED + A_MINUTE,
        **fields,
    }
    return join_list(snapshot(optout_list), parse_address(address, "either", "US"), **values)


def predict(optout_list: List) -> Joined:
    """What the page behind the link says before the button is pressed."""
    return foresee(snapshot(optout_list), parse_address(JANE, "email", "US"), ASKED)


def lift_of(optout_list: List, at: datetime) -> LiftIntent:
    """The owner ends Jane's suppression."""
    return LiftIntent(
        list_id=optout_list.pk,
        digest=digest_of(JANE),
        medium=Medium.EMAIL,
        channel=Channel.PORTAL,
        assurance=Assurance.OPERATOR,
        reason=Reason.MANUAL,
        origin=Origin.OWNER,
        requested_at=at,
        evidence=Evidence(),
    )


def make_hash(optout_list: List, digest: bytes, kind: HashKind, full: bytes) -> None:
    """A suppression that came as a bare hash, as an import brings it: with its row in the ledger."""
    Suppression.objects.create(
        optout_list=optout_list,
        digest=digest,
        suppressed_at=make.NOW,
        channel=Channel.FILE_IMPORT,
        reason=Reason.UNSUBSCRIBED,
        medium=Medium.EMAIL,
        hash_kind=kind,
        full_hash=full,
    )


def suppressed(**where: Any) -> list[int]:
    """The numbers of the lists that suppress somebody, of them or of Jane."""
    rows = Suppression.objects.filter(**where).order_by("optout_list__number")
    return list(rows.values_list("optout_list__number", flat=True))


def subscribed() -> list[int]:
    rows = Subscription.objects.order_by("optout_list__number")
    return list(rows.values_list("optout_list__number", flat=True))


def ledger() -> list[tuple[int, Kind, Reason, bool]]:
    """(list number, kind, reason, whether it changed anything), in their order."""
    rows = OptOut.objects.order_by("id")
    columns = ("optout_list__number", "kind", "reason", "is_new")
    return [
        (number, Kind(kind), Reason(reason), new)
        for number, kind, reason, new in rows.values_list(*columns)
    ]


def count(*models: type[Model]) -> list[int]:
    return [model._default_manager.count() for model in models]


@pytest.mark.django_db
class TestJoining:
    @pytest.mark.parametrize(("address", "medium"), [(JANE, Medium.EMAIL), (PHONE, Medium.SMS)])
    def test_a_new_address_becomes_a_contact_of_the_list(
        self, optout_list: List, address: str, medium: Medium
    ) -> None:
        assert join(optout_list, address) is Joined.JOINED

        contact = Contact.objects.get()
        assert (contact.address, contact.medium, contact.realm) == (
            address,
            medium,
            optout_list.realm,
        )
        place = Subscription.objects.get()
        assert (place.optout_list, bytes(place.digest)) == (optout_list, digest_of(address))
        assert place.subscribed_at == ASKED + A_MINUTE
        assert count(OptOut, Suppression) == [0, 0]

    def test_what_was_agreed_to_is_kept(self, optout_list: List) -> None:
        join(optout_list)

        consent = Consent.objects.get()
        assert (consent.optout_list, bytes(consent.digest)) == (optout_list, digest_of(JANE))
        assert (consent.channel, consent.language) == (Channel.JOIN, "de")
        assert consent.wording == "Yes, send me Garden letters."
        assert (consent.asked_at, consent.asked_ip) == (ASKED, "192.0.2.7")
        assert (consent.confirmed_at, consent.confirmed_ip) == (ASKED + A_MINUTE, "198.51.100.9")
        assert consent.confirmed_agent == "Firefox"

    def test_where_an_ip_is_unknown_none_is_kept(self, optout_list: List) -> None:
        join(optout_list, asked_ip=None, evidence=Evidence())

        consent = Consent.objects.get()
        assert (consent.asked_ip, consent.confirmed_ip, consent.confirmed_agent) == (None, None, "")

    def test_twice_is_once(self, optout_list: List) -> None:
        make.make_optout(optout_list)
        assert join(optout_list) is Joined.JOINED
        before = count(OptOut, Subscription, Contact, Consent)

        assert join(optout_list, now=ASKED + 2 * A_MINUTE) is Joined.ALREADY
        assert count(OptOut, Subscription, Contact, Consent) == before == [2, 1, 1, 1]

    def test_asked_for_once_more_it_is_agreed_to_once_more(self, optout_list: List) -> None:
        join(optout_list)
        assert join(optout_list, asked_at=ASKED + A_MINUTE) is Joined.ALREADY
        assert Consent.objects.count() == 2

    def test_whom_the_owner_put_there_has_now_agreed(self, realm: Realm, optout_list: List) -> None:
        other = make.make_list(realm, 2)
        make.make_contact(realm, JANE, optout_list, other, first="Jane")

        assert join(optout_list) is Joined.ALREADY
        assert Consent.objects.get().optout_list == optout_list
        assert subscribed() == [1, 2]
        assert Contact.objects.get().fields == {"first": "Jane"}

    def test_a_contact_of_other_lists_stays_on_them(self, realm: Realm, optout_list: List) -> None:
        other = make.make_list(realm, 2)
        make.make_contact(realm, JANE, other, first="Jane")

        assert join(optout_list) is Joined.JOINED
        assert subscribed() == [1, 2]
        contact = Contact.objects.get()
        assert contact.fields == {"first": "Jane"}
        assert contact.changed_at == ASKED + A_MINUTE


@pytest.mark.django_db
class TestLifting:
    def test_of_the_list_with_both_events_in_the_ledger(self, optout_list: List) -> None:
        make.make_optout(optout_list)

        assert join(optout_list) is Joined.JOINED
        assert suppressed() == []
        assert ledger() == [
            (1, Kind.OPT_OUT, Reason.UNSUBSCRIBED, True),
            (1, Kind.LIFT, Reason.RETURNED, True),
        ]
        lift = OptOut.objects.get(kind=Kind.LIFT)
        assert (lift.channel, lift.origin) == (Channel.JOIN, Origin.RECIPIENT)
        assert (lift.assurance, lift.address) == (Assurance.SIGNED, JANE)
        assert (lift.ip, lift.agent) == ("198.51.100.9", "Firefox")
        assert lift.recorded_at == ASKED + A_MINUTE

    def test_other_lists_that_one_is_out_of_stay_so(self, realm: Realm, optout_list: List) -> None:
        make.make_optout(make.make_list(realm, 2))

        assert join(optout_list) is Joined.JOINED
        assert suppressed() == [2]

    def test_after_do_not_mail_one_is_kept_out_of_every_other_list(
        self, realm: Realm, optout_list: List
    ) -> None:
        """Private and closed ones, too: who asks for one list asks for no other."""
        make.make_list(realm, 2)
        make.make_list(realm, 3, shown_in_preferences=False)
        make.make_list(realm, 4, closed_at=make.NOW)
        make.make_list(realm, 5, accepts="phone")
        make.make_contact(realm, JANE, optout_list)
        make.make_optout(make.do_not_mail(realm), reason=Reason.COMPLAINED)

        assert join(optout_list) is Joined.JOINED
        assert suppressed() == [2, 3, 4, 5]
        assert subscribed() == [1]
        rows = OptOut.objects.filter(evidence__kept_out=True).order_by("id")
        numbers = list(rows.values_list("optout_list__number", flat=True))
        assert numbers == [2, 3, 4, 5]
        told = {(row.channel, row.assurance, row.origin, row.reason) for row in rows}
        assert told == {(Channel.JOIN, Assurance.SIGNED, Origin.RECIPIENT, Reason.COMPLAINED)}
        assert {row.address for row in rows} == {JANE}
        assert ledger()[-1] == (0, Kind.LIFT, Reason.RETURNED, True), "after they are kept out"

    def test_of_another_realm_nothing(self, realm: Realm, optout_list: List) -> None:
        other = make.make_realm("other")
        make.make_list(other, 7)
        make.make_optout(make.do_not_mail(other))
        make.make_optout(make.do_not_mail(realm))

        assert join(optout_list) is Joined.JOINED
        assert list(Suppression.objects.values_list("optout_list__realm", flat=True)) == [other.pk]

    def test_whom_one_list_has_already_gets_no_second_row(
        self, realm: Realm, optout_list: List
    ) -> None:
        other = make.make_list(realm, 2)
        make.make_optout(other)
        make.make_optout(make.do_not_mail(realm))

        join(optout_list)
        assert suppressed() == [2]
        assert OptOut.objects.filter(optout_list=other).count() == 1

    @pytest.mark.parametrize("kind", list(HashKind))
    def test_under_whatever_hash(self, realm: Realm, optout_list: List, kind: HashKind) -> None:
        full = hashlib.new(HashKind(kind).label.replace("-", "").lower(), JANE.encode()).digest()
        for each in (optout_list, make.do_not_mail(realm), make.make_list(realm, 2)):
            make_hash(each, full[:16], kind, full)
        make.make_list(realm, 3)

        assert join(optout_list) is Joined.JOINED
        assert suppressed() == [2, 3]
        assert Suppression.objects.get(optout_list__number=2).address is None, "as it was"
        assert Suppression.objects.get(optout_list__number=3).address == JANE

    def test_it_takes_so_many_statements(
        self, realm: Realm, optout_list: List, django_assert_num_queries: Any
    ) -> None:
        """However many lists the realm has."""
        for number in range(2, 12):
            make.make_list(realm, number)
        make.make_optout(make.do_not_mail(realm))
        snapshot(optout_list)

        with django_assert_num_queries(16):
            join(optout_list)
        assert len(suppressed()) == 10


@pytest.mark.django_db
class TestOptingOutSince:
    @pytest.mark.parametrize("everything", [False, True])
    @pytest.mark.parametrize("was_out", [False, True])
    def test_it_wins(
        self, realm: Realm, optout_list: List, everything: bool, was_out: bool
    ) -> None:
        """Also where the address was out before, and so nothing but the ledger says when it asked again."""
        target = make.do_not_mail(realm) if everything else optout_list
        if was_out:
            make.make_optout(target)
        make.make_optout(target, requested_at=ASKED + A_MINUTE / 2)
        before = ledger()

        assert join(optout_list) is Joined.OPTED_OUT_SINCE
        assert ledger() == before
        assert suppressed() == [target.number]
        assert count(Subscription, Contact, Consent) == [0, 0, 0]

    @pytest.mark.parametrize(
        ("requested_at", "joined"),
        [(ASKED - A_MINUTE, Joined.JOINED), (ASKED + A_MINUTE / 4, Joined.OPTED_OUT_SINCE)],
    )
    def test_of_one_from_the_quarantine_it_counts_when_it_was_asked_for(
        self, optout_list: List, alice: User, requested_at: datetime, joined: Joined
    ) -> None:
        intent = make.make_intent(optout_list, requested_at=requested_at)
        quarantine_optout(intent, RefusalCause.BLOCKED_IP)
        accept_quarantined(optout_list, Q(), actor=alice, now=ASKED + A_MINUTE / 2)

        assert predict(optout_list) is join(optout_list) is joined

    def test_of_another_list_it_does_not(self, realm: Realm, optout_list: List) -> None:
        make.make_optout(make.make_list(realm, 2), requested_at=ASKED + A_MINUTE / 2)
        assert join(optout_list) is Joined.JOINED

    def test_one_that_was_taken_back_does_not(self, optout_list: List) -> None:
        make.make_optout(optout_list, requested_at=ASKED + A_MINUTE / 2)
        Suppression.objects.all().delete()
        assert join(optout_list) is Joined.JOINED

    def test_nor_does_an_end_that_was_recorded_since(self, realm: Realm, optout_list: List) -> None:
        make.make_optout(make.do_not_mail(realm))
        make.make_optout(optout_list)
        ended = ASKED + A_MINUTE / 2
        lift_suppressions([lift_of(optout_list, at=ended)])

        assert join(optout_list) is Joined.JOINED

    def test_being_kept_out_is_no_request(self, realm: Realm, optout_list: List) -> None:
        """Two lists were asked for, and the first confirmation put the other in Do Not Mail's place."""
        other = make.make_list(realm, 2)
        make.make_optout(make.do_not_mail(realm))
        join(optout_list)

        assert suppressed() == [2]
        assert predict(other) is Joined.JOINED
        assert join(other) is Joined.JOINED
        assert suppressed() == []
        assert subscribed() == [1, 2]

    def test_everything_wins_also_where_it_has_ended_for_another_list(
        self, realm: Realm, optout_list: List
    ) -> None:
        """Then what holds this one is the opt-out alone that took over, which nobody asked for."""
        other = make.make_list(realm, 2)
        make.make_optout(make.do_not_mail(realm), requested_at=ASKED + A_MINUTE / 2)
        join(other, asked_at=ASKED + A_MINUTE)
        assert suppressed() == [1]
        before = ledger()

        assert predict(optout_list) is Joined.OPTED_OUT_SINCE
        assert join(optout_list) is Joined.OPTED_OUT_SINCE
        assert (suppressed(), subscribed(), ledger()) == ([1], [2], before)

    def test_what_was_undone_does_not_where_another_one_holds_it(
        self, realm: Realm, optout_list: List
    ) -> None:
        everything = make.do_not_mail(realm)
        make.make_optout(optout_list)
        recorded = make.make_optout(everything, requested_at=ASKED + A_MINUTE / 4)
        done = DoneToken(
            everything.pk,
            recorded.optout_id,
            digest_of(JANE),
            ASKED + A_MINUTE / 4,
            Assurance.SIGNED,
        )
        assert predict(optout_list) is Joined.OPTED_OUT_SINCE
        undo_optout(done, now=ASKED + A_MINUTE / 2, evidence=Evidence())

        assert predict(optout_list) is join(optout_list) is Joined.JOINED


@pytest.mark.django_db
class TestALegalReason:
    """It is the sender's to end, whatever its recipient confirms."""

    @pytest.mark.parametrize("everything", [False, True])
    @pytest.mark.parametrize("was_out", [False, True])
    def test_it_stays(
        self, realm: Realm, optout_list: List, everything: bool, was_out: bool
    ) -> None:
        """Also where the address was out before, so that the suppression has the first one's reason."""
        target = make.do_not_mail(realm) if everything else optout_list
        if was_out:
            make.make_optout(target)
        make.make_optout(target, reason=Reason.LEGAL)
        before = ledger()

        assert predict(optout_list) is join(optout_list) is Joined.BARRED
        assert (ledger(), suppressed()) == (before, [target.number])
        assert count(Subscription, Contact, Consent) == [0, 0, 0]

    def test_the_suppression_says_so_by_itself(self, optout_list: List) -> None:
        make.make_optout(optout_list)
        Suppression.objects.update(reason=Reason.LEGAL)

        assert predict(optout_list) is join(optout_list) is Joined.BARRED

    def test_once_the_sender_has_ended_it_one_may_come_back(self, optout_list: List) -> None:
        make.make_optout(optout_list, reason=Reason.LEGAL)
        lift_suppressions([lift_of(optout_list, at=make.NOW)])
        make.make_optout(optout_list)

        assert join(optout_list) is Joined.JOINED

    def test_of_another_list_it_is_not_in_the_way(self, realm: Realm, optout_list: List) -> None:
        make.make_optout(make.make_list(realm, 2), reason=Reason.LEGAL)
        make.make_optout(optout_list)

        assert join(optout_list) is Joined.JOINED
        assert suppressed() == [2]


@pytest.mark.django_db
class TestWhatWaitsInQuarantine:
    """Refused before somebody came back, it is not accepted by itself a week later."""

    def keep(self, *lists: List, cause: RefusalCause = RefusalCause.ADDRESS_LIMIT) -> None:
        for each in lists:
            quarantine_optout(make.make_intent(each), cause)

    def waiting(self) -> list[int]:
        rows = QuarantinedOptOut.objects.filter(verdict=Verdict.WAITING)
        return sorted(rows.values_list("optout_list__number", flat=True))

    def test_for_the_list_it_is_rejected_whatever_the_cause(
        self, realm: Realm, optout_list: List
    ) -> None:
        self.keep(optout_list, make.do_not_mail(realm), make.make_list(realm, 2))
        self.keep(optout_list, cause=RefusalCause.HONEYPOT)
        quarantine_optout(
            make.make_intent(optout_list, "other@example.com"), RefusalCause.ADDRESS_LIMIT
        )
        join(optout_list)

        assert self.waiting() == [0, 1, 2], "another address, and what was not asked back"
        rows = QuarantinedOptOut.objects.filter(verdict=Verdict.REJECTED)
        assert set(rows.values_list("decided_at", flat=True)) == {ASKED + A_MINUTE}

    @pytest.mark.parametrize("refused_since", [False, True])
    def test_to_stop_everything_it_waits_for_the_owner(
        self, realm: Realm, optout_list: List, alice: User, refused_since: bool
    ) -> None:
        """It is older than the recipient's own yes, unless they asked once more."""
        everything = make.do_not_mail(realm)
        self.keep(everything)
        join(optout_list)
        if refused_since:
            intent = make.make_intent(everything, requested_at=ASKED + 2 * A_MINUTE)
            quarantine_optout(intent, RefusalCause.ADDRESS_LIMIT)

        accepted = accept_overdue(ASKED + 2 * ACCEPTED_AFTER)

        if refused_since:
            assert (accepted, self.waiting(), suppressed(), subscribed()) == (1, [], [0], [])
        else:
            assert (accepted, self.waiting(), suppressed(), subscribed()) == (0, [0], [], [1])
            accept_quarantined(everything, Q(), actor=alice, now=ASKED + 3 * ACCEPTED_AFTER)
            assert suppressed() == [0]

    def test_somebody_elses_or_another_realms_yes_is_not_theirs(
        self, realm: Realm, optout_list: List
    ) -> None:
        self.keep(make.do_not_mail(realm))
        join(optout_list, "other@example.com")
        join(make.make_list(make.make_realm("other")))

        assert accept_overdue(ASKED + 2 * ACCEPTED_AFTER) == 1

    def test_of_do_not_mail_where_that_ended(self, realm: Realm, optout_list: List) -> None:
        other = make.make_list(realm, 2)
        everything = make.do_not_mail(realm)
        make.make_optout(everything)
        self.keep(optout_list, everything, other)
        join(optout_list)

        assert self.waiting() == [2]
        accept_overdue(ASKED + 2 * ACCEPTED_AFTER)
        assert (suppressed(), subscribed()) == ([2], [1])

    def test_where_nothing_came_back_it_waits(self, optout_list: List) -> None:
        make.make_optout(optout_list, requested_at=ASKED + A_MINUTE / 2)
        self.keep(optout_list)

        assert join(optout_list) is Joined.OPTED_OUT_SINCE
        assert self.waiting() == [1]


@pytest.mark.alone
@pytest.mark.django_db(transaction=True)
class TestOptingOutMeanwhile:
    """A confirmation and an opt-out at the same moment: the opt-out holds, whichever comes first."""

    @pytest.fixture(params=["list", "everything"])
    def target(self, request: pytest.FixtureRequest, realm: Realm, optout_list: List) -> List:
        return optout_list if request.param == "list" else make.do_not_mail(realm)

    def test_one_that_came_first_is_seen(self, optout_list: List, target: List) -> None:
        make.make_optout(target)
        with transaction.atomic():
            make.make_optout(target, requested_at=ASKED + A_MINUTE / 2)
            joining = in_thread(lambda: join(optout_list))
            wait_until_blocked()

        assert joining.result(20) is Joined.OPTED_OUT_SINCE
        assert suppressed() == [target.number]
        assert count(Subscription, Consent) == [0, 0]

    def test_one_that_comes_meanwhile_suppresses_anew(
        self, optout_list: List, target: List
    ) -> None:
        make.make_optout(target)
        with transaction.atomic():
            assert join(optout_list) is Joined.JOINED
            again = in_thread(lambda: make.make_optout(target))
            wait_until_blocked()

        assert again.result(20).is_new
        assert target.number in suppressed()

    def test_of_one_that_is_new_no_place_on_the_list_is_left(
        self, optout_list: List, target: List
    ) -> None:
        with transaction.atomic():
            join(optout_list)
            in_thread(lambda: make.make_optout(target)).result(20)

        assert suppressed() == [target.number]
        assert subscribed() == []

    def test_two_confirmations_wait_for_each_other(self, realm: Realm, optout_list: List) -> None:
        other = make.make_list(realm, 2)
        make.make_optout(make.do_not_mail(realm))
        with transaction.atomic():
            join(optout_list)
            joining = in_thread(lambda: join(other))
            wait_until_blocked()

        assert joining.result(20) is Joined.JOINED
        assert (suppressed(), subscribed()) == ([], [1, 2])

    def test_who_leaves_several_lists_meanwhile_is_not_locked_out(
        self, realm: Realm, optout_list: List
    ) -> None:
        """The opt-outs of one address on several lists, as a Save or the quarantine records them: of one of them the address is
        out already, of the other it is just about to be kept out."""
        lists = {number: make.make_list(realm, number) for number in (2, 3)}
        everything = make.do_not_mail(realm)
        make.make_optout(everything)
        make.make_optout(lists[3])
        with transaction.atomic():
            make.make_optout(lists[2])
            joining = in_thread(lambda: join(optout_list))
            wait_until_blocked()
            make.make_optout(lists[3])

        assert joining.result(20) is Joined.JOINED
        assert (suppressed(), subscribed()) == ([2, 3], [1])

    def test_what_is_accepted_from_quarantine_meanwhile_wins(
        self, optout_list: List, alice: User
    ) -> None:
        """There is no suppression yet that could be waited for."""
        intent = make.make_intent(optout_list, requested_at=ASKED + A_MINUTE / 4)
        quarantine_optout(intent, RefusalCause.BLOCKED_IP)
        with transaction.atomic():
            accept_quarantined(optout_list, Q(), actor=alice, now=ASKED + A_MINUTE / 2)
            joining = in_thread(lambda: join(optout_list))
            wait_until_blocked()

        assert joining.result(20) is Joined.OPTED_OUT_SINCE
        assert (suppressed(), subscribed()) == ([1], [])

    def test_what_was_refused_again_since_counts_from_then(
        self, optout_list: List, alice: User
    ) -> None:
        """One row of the quarantine is both: before it was asked for, and after."""
        for at in (ASKED - A_MINUTE, ASKED + A_MINUTE / 4):
            intent = make.make_intent(optout_list, requested_at=at)
            quarantine_optout(intent, RefusalCause.BLOCKED_IP)
        accept_quarantined(optout_list, Q(), actor=alice, now=ASKED + A_MINUTE / 2)

        assert join(optout_list) is Joined.OPTED_OUT_SINCE
        assert (suppressed(), subscribed()) == ([1], [])

    def test_contacts_are_locked_before_suppressions(self, optout_list: List) -> None:
        make.make_optout(optout_list)
        with transaction.atomic():
            lock_contacts(optout_list.realm_id, [digest_of(JANE)])
            joining = in_thread(lambda: join(optout_list))
            wait_until_blocked()
            assert Suppression.objects.select_for_update(nowait=True).count() == 1

        assert joining.result(20) is Joined.JOINED
