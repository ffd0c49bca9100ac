from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Q
from django.utils import timezone

from lists.models import AuditEntry, List, Realm, Subscription, User
from optout.choices import Assurance, Channel, Medium, RefusalCause, Verdict
from optout.global_requests import GlobalRequest
from optout.models import GlobalLine, OptOut, QuarantinedOptOut, Suppression
from optout.quarantine import (
    ACCEPTED_AFTER,
    BATCH,
    MOST_GLOBAL_REQUESTS,
    accept_overdue,
    accept_quarantined,
    quarantine_optout,
    reject_quarantined,
)
from reporting.global_report.counts import global_requests_per_day
from tests import make
from tests.optout.channels.global_unsubscribe.calls import call

WEEK_LATER = make.NOW + ACCEPTED_AFTER + timedelta(seconds=1)


def keep(
    optout_list: List,
    address: str = "jane@example.com",
    cause: RefusalCause = RefusalCause.BLOCKED_IP,
    **fields: Any,
) -> None:
    values = {"channel": Channel.DIRECT_LINK, "assurance": Assurance.PREFILLED, **fields}
    quarantine_optout(make.make_intent(optout_list, address, **values), cause)


def charted(realm: Realm) -> int:
    """How many requests the chart of the report shows."""
    return sum(each.requests for each in global_requests_per_day(realm.pk, None))


@pytest.mark.django_db
class TestKeeping:
    def test_everything_about_the_request_is_kept(self, optout_list: List) -> None:
        """S0.12: quarantined, never lost."""
        keep(optout_list, "Jane@Example.com")

        row = QuarantinedOptOut.objects.get()
        assert (row.address, row.evidence) == ("jane@example.com", {"raw": "Jane@Example.com"})
        assert (row.channel, row.assurance) == (Channel.DIRECT_LINK, Assurance.PREFILLED)
        assert (row.ip, row.agent) == ("192.0.2.7", "Firefox")
        assert (row.cause, row.verdict) == (RefusalCause.BLOCKED_IP, Verdict.WAITING)
        assert row.refused_at == row.last_refused_at == make.NOW
        assert not Suppression.objects.exists() and not OptOut.objects.exists()

    def test_repeats_are_counted_in_the_same_row(self, optout_list: List) -> None:
        keep(optout_list)
        keep(optout_list, requested_at=make.NOW + timedelta(minutes=1))

        row = QuarantinedOptOut.objects.get()
        assert row.requests == 2
        assert row.last_refused_at - row.refused_at == timedelta(minutes=1)

    def test_another_cause_or_list_is_another_row(self, realm: Realm, optout_list: List) -> None:
        keep(optout_list)
        keep(optout_list, cause=RefusalCause.UNLISTED_SERVER)
        keep(make.make_list(realm, 2))

        assert QuarantinedOptOut.objects.count() == 3

    def test_after_a_decision_it_may_wait_again(self, optout_list: List, alice: User) -> None:
        keep(optout_list)
        reject_quarantined(optout_list, Q(), actor=alice, now=make.NOW)
        keep(optout_list)

        verdicts = QuarantinedOptOut.objects.order_by("pk").values_list("verdict", flat=True)
        assert list(verdicts) == [Verdict.REJECTED, Verdict.WAITING]

    def test_an_unknown_ip_is_kept_as_such(self, optout_list: List) -> None:
        from optout.evidence import Evidence

        keep(optout_list, evidence=Evidence())

        assert QuarantinedOptOut.objects.get().ip is None

    def test_it_is_one_statement(self, optout_list: List, django_assert_num_queries) -> None:
        intent = make.make_intent(optout_list)
        with django_assert_num_queries(1):
            quarantine_optout(intent, RefusalCause.HONEYPOT)


@pytest.mark.django_db
class TestAccepting:
    def test_it_records_with_the_evidence_of_the_request(
        self, optout_list: List, alice: User
    ) -> None:
        keep(optout_list, "Jane@Example.com")
        make.make_subscription(optout_list)

        later = make.NOW + timedelta(hours=2)
        assert accept_quarantined(optout_list, Q(), actor=alice, now=later) == 1

        row = OptOut.objects.get()
        assert row.recorded_at == later
        assert (row.ip, row.agent, row.channel) == ("192.0.2.7", "Firefox", Channel.DIRECT_LINK)
        assert row.evidence == {
            "raw": "Jane@Example.com",
            "asked_at": "2026-03-04T12:00:00+00:00",
            "last_asked_at": "2026-03-04T12:00:00+00:00",
            "accepted_by": f"user {alice.pk}",
        }
        assert Suppression.objects.get().address == "jane@example.com"
        assert not Subscription.objects.exists()
        kept = QuarantinedOptOut.objects.get()
        assert (kept.verdict, kept.decided_by, kept.decided_at) == (Verdict.ACCEPTED, alice, later)

    def test_the_same_address_for_two_causes_is_new_once(
        self, optout_list: List, alice: User
    ) -> None:
        keep(optout_list)
        keep(optout_list, cause=RefusalCause.UNLISTED_SERVER)

        assert accept_quarantined(optout_list, Q(), actor=alice, now=make.NOW) == 2
        assert Suppression.objects.count() == 1

    def test_only_what_was_chosen_of_this_list(
        self, realm: Realm, optout_list: List, alice: User
    ) -> None:
        keep(optout_list)
        keep(optout_list, "other@example.com", cause=RefusalCause.HONEYPOT)
        keep(make.make_list(realm, 2))

        chosen = Q(cause=RefusalCause.BLOCKED_IP)
        assert accept_quarantined(optout_list, chosen, actor=alice, now=make.NOW) == 1
        assert QuarantinedOptOut.objects.filter(verdict=Verdict.WAITING).count() == 2

    def test_a_second_time_accepts_nothing(self, optout_list: List, alice: User) -> None:
        keep(optout_list)
        accept_quarantined(optout_list, Q(), actor=alice, now=make.NOW)

        assert accept_quarantined(optout_list, Q(), actor=alice, now=make.NOW) == 0
        assert OptOut.objects.count() == 1

    def test_many_go_in_batches_with_an_audit_entry_each(
        self, optout_list: List, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("optout.quarantine.BATCH", 10)
        for n in range(25):
            keep(optout_list, f"p{n}@example.com")

        assert accept_quarantined(optout_list, Q(), actor=alice, now=make.NOW) == 25
        counts = AuditEntry.objects.order_by("pk").values_list("detail__count", flat=True)
        assert list(counts) == [10, 10, 5]
        assert BATCH == 1_000

    def test_it_reaches_do_not_mail_too(self, realm: Realm, alice: User) -> None:
        everything = make.do_not_mail(realm)
        keep(everything)
        make.make_subscription(make.make_list(realm))

        accept_quarantined(everything, Q(), actor=alice, now=make.NOW)

        assert not Subscription.objects.exists()


@pytest.mark.django_db
class TestGlobalRequests:
    """S1.20: each has its line, its ledger row and its place in the chart, though one row keeps those of one address."""

    @pytest.fixture
    def dnm(self, realm: Realm, optout_list: List) -> List:
        make.make_global_unsubscribe(realm)
        make.make_product(realm, 1, optout_list)
        List.objects.update(protected_until=timezone.now() + timedelta(hours=1))
        return make.do_not_mail(realm)

    def ask(self, *requests: dict[str, Any]) -> None:
        for given in requests:
            assert call(email="jane@example.com", **given).status_code == 429

    def accept(self, *lists: List) -> int:
        return sum(accept_quarantined(each, Q(), actor=None, now=make.NOW) for each in lists)

    def lines(self) -> dict[tuple[str, str, int], int]:
        rows = GlobalLine.objects.values_list(
            "phone", "website", "product_number", "unsubscribe_count"
        )
        return {(phone, website, product): count for phone, website, product, count in rows}

    def test_different_requests_about_one_address_get_their_own_lines(
        self, realm: Realm, dnm: List, optout_list: List
    ) -> None:
        a, b = {"website": "a.example"}, {"website": "b.example"}
        self.ask({}, a, a, {**b, "productId": 1}, b)
        assert [each.requests for each in QuarantinedOptOut.objects.order_by("pk")] == [4, 1]

        assert self.accept(dnm, optout_list) == 2

        assert self.lines() == {
            ("", "", 0): 1,
            ("", "a.example", 0): 2,
            ("", "b.example", 1): 1,
            ("", "b.example", 0): 1,
        }
        assert OptOut.objects.count() == 5
        assert OptOut.objects.filter(is_new=True).count() == Suppression.objects.count() == 2
        assert charted(realm) == 5

    def test_the_evidence_of_each_is_its_own(self, dnm: List) -> None:
        self.ask({"website": "a.example", "pubID": "p1"}, {"website": "b.example"})

        self.accept(dnm)

        first, second = OptOut.objects.order_by("id")
        assert first.evidence is not None and second.evidence is not None
        assert (first.evidence["website"], first.evidence["publisher"]) == ("a.example", "p1")
        assert second.evidence["website"] == "b.example" and "publisher" not in second.evidence
        assert (first.ip, second.ip) == ("192.0.2.7", None), "of the first one alone it is kept"
        assert "asked_at" in second.evidence and second.evidence["accepted_by"] == "7 days"

    def test_each_of_two_addresses_waits_by_itself(self, realm: Realm, dnm: List) -> None:
        phone = "+12025550123"
        self.ask({"phoneNumber": phone})
        assert call(phoneNumber=phone, website="b.example").status_code == 429

        assert self.accept(dnm) == 2

        assert self.lines() == {("", "", 0): 1, (phone, "", 0): 1, (phone, "b.example", 0): 1}
        assert OptOut.objects.count() == charted(realm) == 3

    @pytest.mark.parametrize("accepted", Medium)
    def test_a_line_claims_no_address_that_was_rejected(
        self, realm: Realm, dnm: List, alice: User, accepted: Medium
    ) -> None:
        self.ask({"phoneNumber": "+12025550123"})

        accept_quarantined(dnm, Q(medium=accepted), actor=alice, now=make.NOW)
        reject_quarantined(dnm, Q(), actor=alice, now=make.NOW)

        line = GlobalLine.objects.get()
        assert [line.email or line.phone] == [each.address for each in Suppression.objects.all()]
        assert not (line.email and line.phone)
        assert charted(realm) == 1

    def test_each_keeps_its_way_in(self, optout_list: List) -> None:
        report = GlobalRequest(optout_list.realm_id, "jane@example.com")
        keep(optout_list, cause=RefusalCause.ADDRESS_LIMIT)
        for channel in (Channel.GLOBAL_API, Channel.GLOBAL_FORM):
            at = make.NOW + timedelta(seconds=channel)
            keep(
                optout_list,
                cause=RefusalCause.ADDRESS_LIMIT,
                channel=channel,
                requested_at=at,
                global_request=report,
            )

        self.accept(optout_list)

        channels = OptOut.objects.order_by("id").values_list("channel", flat=True)
        assert list(channels) == [Channel.GLOBAL_API, Channel.GLOBAL_FORM]
        assert GlobalLine.objects.get().unsubscribe_count == 2

    def test_twenty_are_kept_apart_and_all_are_counted(self, dnm: List) -> None:
        self.ask(*({"website": f"w{n}.example"} for n in range(MOST_GLOBAL_REQUESTS + 3)))

        row = QuarantinedOptOut.objects.get()
        assert (row.requests, len(row.global_requests or ())) == (
            MOST_GLOBAL_REQUESTS + 3,
            MOST_GLOBAL_REQUESTS,
        )
        self.accept(dnm)
        assert {website for _, website, _ in self.lines()} == {f"w{n}.example" for n in range(20)}

    def test_rejected_ones_get_no_line(self, dnm: List, alice: User) -> None:
        self.ask({"website": "a.example"}, {"website": "b.example"})

        assert reject_quarantined(dnm, Q(), actor=alice, now=make.NOW) == 1
        assert not GlobalLine.objects.exists() and not OptOut.objects.exists()

    def test_it_is_one_statement(self, dnm: List, django_assert_num_queries) -> None:
        intent = make.make_intent(
            dnm, global_request=GlobalRequest(dnm.realm_id, "jane@example.com")
        )
        with django_assert_num_queries(2):
            quarantine_optout(intent, RefusalCause.ADDRESS_LIMIT)
            quarantine_optout(intent, RefusalCause.ADDRESS_LIMIT)


@pytest.mark.django_db
class TestRejecting:
    def test_it_is_put_aside_and_kept(self, optout_list: List, alice: User) -> None:
        keep(optout_list)

        assert reject_quarantined(optout_list, Q(), actor=alice, now=make.NOW) == 1
        assert not Suppression.objects.exists() and not OptOut.objects.exists()
        assert QuarantinedOptOut.objects.get().verdict == Verdict.REJECTED
        assert AuditEntry.objects.get().action == "reject_quarantined"

    def test_what_was_rejected_cannot_be_accepted_by_itself(
        self, optout_list: List, alice: User
    ) -> None:
        keep(optout_list)
        reject_quarantined(optout_list, Q(), actor=alice, now=make.NOW)

        assert accept_overdue(WEEK_LATER) == 0


@pytest.mark.django_db
class TestByItself:
    def test_after_7_days_it_is_accepted(self, optout_list: List) -> None:
        """security.md §4."""
        keep(optout_list)

        assert accept_overdue(make.NOW + ACCEPTED_AFTER) == 0
        assert accept_overdue(WEEK_LATER) == 1
        assert OptOut.objects.get(evidence__accepted_by="7 days").channel == Channel.DIRECT_LINK
        assert QuarantinedOptOut.objects.get().decided_by is None
        assert AuditEntry.objects.get().actor is None

    def test_not_where_the_owner_switched_it_off(self, optout_list: List) -> None:
        keep(optout_list)
        List.objects.update(accepts_quarantined=False)

        assert accept_overdue(WEEK_LATER) == 0

    def test_an_unknown_server_waits_for_the_owner(self, optout_list: List) -> None:
        """Promise 6: it may be a mail scanner, so time alone must not opt anybody out."""
        keep(optout_list, cause=RefusalCause.UNLISTED_SERVER)

        assert accept_overdue(WEEK_LATER) == 0

    def test_what_a_newer_release_has_kept_waits_for_it(self, optout_list: List) -> None:
        """It ran a while before somebody went back to this one."""
        keep(optout_list)
        keep(optout_list, "x@example.com")
        newest = QuarantinedOptOut.objects.filter(address="x@example.com")
        newest.update(channel=99)

        assert accept_overdue(WEEK_LATER) == 1
        assert newest.get().verdict == Verdict.WAITING

    def test_it_goes_through_all_lists(self, realm: Realm, optout_list: List) -> None:
        keep(optout_list)
        keep(make.make_list(realm, 2), "x@example.com")
        keep(make.make_list(make.make_realm("other")), "y@example.com")

        assert accept_overdue(WEEK_LATER) == 3
