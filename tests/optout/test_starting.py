"""optout/starting.py: what a START takes back, and what it leaves alone. By text: tests/optout/channels/inbound_sms."""

from typing import Any

import pytest
from django.db import transaction

from lists.models import InboundEndpoint, List, Realm, SmsSetup, Subscription
from optout.actions import LiftIntent, lift_suppressions
from optout.addresses import digest_of
from optout.choices import (
    Assurance,
    Channel,
    Confirmation,
    Kind,
    Medium,
    Origin,
    Reason,
    RefusalCause,
    Verdict,
)
from optout.contact_locks import lock_contacts
from optout.evidence import Evidence
from optout.models import InboundMessage, OptOut, QuarantinedOptOut, Suppression
from optout.quarantine import quarantine_optout
from tests import make
from tests.optout.channels.inbound_sms.calls import JANE, OURS, text_us
from tests.optout.test_reverting import wait_until_blocked
from tests.threads import in_thread


@pytest.fixture
def endpoint(realm: Realm) -> InboundEndpoint:
    make.make_sms_number(realm, OURS)
    SmsSetup.objects.create(realm=realm, start_lifts=True)
    return make.make_inbound_endpoint(realm)


@pytest.fixture
def theirs(realm: Realm) -> InboundEndpoint:
    """Of another realm, which has set up the same number."""
    other = make.make_realm("other")
    make.make_sms_number(other, OURS)
    SmsSetup.objects.create(realm=other, start_lifts=True)
    return make.make_inbound_endpoint(other)


def lift(optout_list: List) -> None:
    """The owner ends it."""
    lift_suppressions(
        [
            LiftIntent(
                optout_list.pk,
                digest_of(JANE),
                Medium.SMS,
                Channel.PORTAL,
                Assurance.OPERATOR,
                Reason.MANUAL,
                Origin.OWNER,
                make.NOW,
                Evidence(),
            )
        ]
    )


def wait_as(cause: RefusalCause, optout_list: List) -> QuarantinedOptOut:
    quarantine_optout(make.make_intent(optout_list, JANE), cause)
    return QuarantinedOptOut.objects.latest("pk")


def is_waiting(row: QuarantinedOptOut) -> bool:
    row.refresh_from_db()
    return row.verdict == Verdict.WAITING


@pytest.mark.django_db
class TestWhatItLeavesAlone:
    def test_of_another_realm_nothing_though_it_has_the_same_number(
        self, endpoint: InboundEndpoint, theirs: InboundEndpoint
    ) -> None:
        make.make_list(theirs.realm, 5)
        text_us(endpoint)
        text_us(theirs)
        text_us(theirs, "STOP 5")
        assert text_us(endpoint, "START").json() == {"status": "lifted", "suppressed": False}

        left = Suppression.objects.values_list("optout_list__realm", "optout_list__number")
        assert sorted(left) == [(theirs.realm_id, 0), (theirs.realm_id, 5)]
        waiting = InboundMessage.objects.filter(confirmation=Confirmation.WAITING)
        assert set(waiting.values_list("endpoint", flat=True)) == {theirs.pk}

    def test_a_suppression_of_which_no_row_says_that_stop_made_it(
        self, realm: Realm, endpoint: InboundEndpoint
    ) -> None:
        everything = make.do_not_mail(realm)
        text_us(endpoint)
        OptOut.objects.all().delete()
        assert OptOut.objects.filter(optout_list=everything).count() == 0
        text_us(endpoint)

        assert text_us(endpoint, "START").json() == {"status": "ignored", "suppressed": True}

    def test_what_a_lift_that_lifted_nothing_came_after(
        self, realm: Realm, endpoint: InboundEndpoint
    ) -> None:
        """Such a row does not make the requests before it things of the past."""
        everything = make.do_not_mail(realm)
        make.make_optout(everything, JANE, channel=Channel.PAGE)
        lift(everything)
        OptOut.objects.filter(kind=Kind.LIFT).update(is_new=False)
        text_us(endpoint)

        assert text_us(endpoint, "START").json() == {"status": "ignored", "suppressed": True}

    def test_subscriptions_that_a_stop_ended_which_was_lifted_before(
        self, realm: Realm, optout_list: List, endpoint: InboundEndpoint
    ) -> None:
        other = make.make_list(realm, 2)
        make.make_contact(realm, JANE, optout_list)
        text_us(endpoint)
        lift(make.do_not_mail(realm))
        Subscription.objects.create(
            optout_list=other, digest=digest_of(JANE), subscribed_at=make.NOW
        )
        text_us(endpoint)
        assert not Subscription.objects.exists()

        assert text_us(endpoint, "START").json() == {"status": "lifted", "suppressed": False}
        assert Subscription.objects.get().optout_list == other

    @pytest.mark.parametrize("text", ["STOP", "START"])
    def test_what_waits_for_another_cause(
        self, realm: Realm, endpoint: InboundEndpoint, text: str
    ) -> None:
        row = wait_as(RefusalCause.ADDRESS_LIMIT, make.do_not_mail(realm))
        text_us(endpoint, text)
        assert is_waiting(row)

    @pytest.mark.parametrize("text", ["STOP", "START"])
    def test_what_waits_in_another_realm_or_of_another_number(
        self, realm: Realm, endpoint: InboundEndpoint, theirs: InboundEndpoint, text: str
    ) -> None:
        text_us(theirs, "when does it end")
        text_us(endpoint, "when does it end", sender="+442079460958")
        text_us(endpoint, "when does it end")
        text_us(endpoint, text)

        settled = QuarantinedOptOut.objects.exclude(verdict=Verdict.WAITING).get()
        assert (settled.address, settled.optout_list) == (JANE, make.do_not_mail(realm))

    def test_what_waits_of_another_list_than_that_which_is_stopped(
        self, realm: Realm, optout_list: List, endpoint: InboundEndpoint
    ) -> None:
        other = make.make_list(realm, 2)
        rows = [wait_as(RefusalCause.UNCLEAR_TEXT, each) for each in (other, optout_list)]
        text_us(endpoint, "STOP 1")
        assert [is_waiting(row) for row in rows] == [True, False]

        text_us(endpoint, "STOP")
        assert not is_waiting(rows[0]), "of everything all of the realm"


@pytest.mark.alone
@pytest.mark.django_db(transaction=True)
class TestAskingMeanwhile:
    """A START and an opt-out in another way at the same moment: the opt-out holds, whichever comes first."""

    @pytest.fixture(params=[Channel.PAGE, Channel.SMS_LINK, Channel.REST])
    def opt_out(self, request: pytest.FixtureRequest, realm: Realm) -> Any:
        return lambda: make.make_optout(make.do_not_mail(realm), JANE, channel=request.param)

    def test_it_waits_for_one_that_came_first(
        self, endpoint: InboundEndpoint, opt_out: Any
    ) -> None:
        text_us(endpoint)
        with transaction.atomic():
            opt_out()
            start = in_thread(lambda: text_us(endpoint, "START").json())
            wait_until_blocked()

        assert start.result(20) == {"status": "ignored", "suppressed": True}
        assert Suppression.objects.count() == 1

    def test_one_that_comes_meanwhile_suppresses_anew(
        self, endpoint: InboundEndpoint, opt_out: Any
    ) -> None:
        text_us(endpoint)
        with transaction.atomic():
            assert text_us(endpoint, "START").json()["status"] == "lifted"
            again = in_thread(opt_out)
            wait_until_blocked()

        assert again.result(20).is_new
        assert Suppression.objects.count() == 1

    def test_it_waits_for_whoever_changes_the_contact(
        self, realm: Realm, endpoint: InboundEndpoint
    ) -> None:
        """Contacts are locked before suppressions, by everybody."""
        text_us(endpoint)
        with transaction.atomic():
            lock_contacts(realm.pk, [digest_of(JANE)])
            start = in_thread(lambda: text_us(endpoint, "START").json())
            wait_until_blocked()
            assert Suppression.objects.select_for_update(nowait=True).count() == 1

        assert start.result(20)["status"] == "lifted"
