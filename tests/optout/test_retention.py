"""AT-50."""

from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from unittest.mock import patch

import pytest
from django.db.models import Q

from lists.lookup import snapshot
from lists.models import List, Realm, User
from optout.addresses import parse_address
from optout.choices import Assurance, Channel, MailKind, RefusalCause, Traffic
from optout.evidence import Evidence
from optout.global_requests import GlobalRequest
from optout.intents import global_intents
from optout.models import (
    Consent,
    GlobalLine,
    LimitCounter,
    OptOut,
    QuarantinedOptOut,
    RecipientMail,
    Suppression,
    UnsignedHour,
)
from optout.quarantine import accept_quarantined, quarantine_optout, reject_quarantined
from optout.retention import (
    empty_consents,
    empty_ledger,
    empty_quarantine,
    keep_usual_hours,
    prune_limits,
    prune_mails,
)
from reporting.global_report.counts import global_requests_per_day
from tests import make

pytestmark = pytest.mark.django_db

NOW = make.NOW
OLD = NOW - timedelta(days=90, seconds=1)


class TestTheLedger:
    def test_ip_agent_and_evidence_go_after_90_days_and_nothing_else(
        self, optout_list: List
    ) -> None:
        make.make_optout(optout_list, "Old@Example.com", requested_at=OLD)
        make.make_optout(optout_list, "New@Example.com", requested_at=NOW - timedelta(days=90))
        before = Suppression.objects.order_by("digest").values()[:]
        suppressions = list(before)

        assert empty_ledger(NOW) == 1
        assert empty_ledger(NOW) == 0

        old = OptOut.objects.get(address="old@example.com")
        assert (old.ip, old.agent, old.evidence) == (None, "", None)
        assert (old.recorded_at, old.is_new) == (OLD, True)
        new = OptOut.objects.get(address="new@example.com")
        assert (new.ip, new.agent) == ("192.0.2.7", "Firefox")
        assert new.evidence == {"raw": "New@Example.com"}
        assert list(Suppression.objects.order_by("digest").values()) == suppressions

    def test_it_works_in_batches(self, optout_list: List) -> None:
        for n in range(7):
            make.make_optout(
                optout_list, f"person{n}@example.com", requested_at=OLD - timedelta(hours=n // 3)
            )
        with patch("optout.retention.BATCH", 2):
            assert empty_ledger(NOW) == 7
        assert not OptOut.objects.exclude(ip=None).exists()

    def test_a_night_looks_at_a_night_only(self, optout_list: List) -> None:
        make.make_optout(optout_list, requested_at=OLD - timedelta(days=30))
        assert empty_ledger(NOW, since=OLD - timedelta(days=8)) == 0
        assert empty_ledger(NOW) == 1


class TestQuarantine:
    def test_ip_agent_and_evidence_go_after_90_days(self, optout_list: List) -> None:
        for address, at in (("old@example.com", OLD), ("new@example.com", NOW)):
            intent = make.make_intent(optout_list, address, requested_at=at)
            quarantine_optout(intent, RefusalCause.UNLISTED_SERVER)

        assert empty_quarantine(NOW) == 1

        rows = dict(QuarantinedOptOut.objects.values_list("address", "ip"))
        assert rows == {"old@example.com": None, "new@example.com": "192.0.2.7"}


class TestQuarantinedGlobalRequests:
    """What a website sent with them is kept until somebody decides: it is what the report will say (S1.20)."""

    @pytest.fixture
    def waiting(self, realm: Realm, optout_list: List) -> List:
        """A list with a request of 90 days ago in quarantine, one row for each of its addresses."""
        make.make_product(realm, 7, optout_list)
        addresses = ("jane@example.com", "+14155552671")
        report = GlobalRequest(realm.pk, *addresses, product_number=7, custom1="Too many mails")
        intents = global_intents(
            snapshot(optout_list),
            [parse_address(each, "either", "US") for each in addresses],
            report,
            channel=Channel.GLOBAL_API,
            assurance=Assurance.PREFILLED,
            requested_at=OLD,
            evidence=Evidence(ip=ip_address("192.0.2.7"), agent="PHP/8.3"),
        )
        for intent in intents:
            quarantine_optout(intent, RefusalCause.BLOCKED_IP)
        return optout_list

    def test_one_that_waits_gets_its_line_when_it_is_accepted(
        self, alice: User, waiting: List
    ) -> None:
        assert empty_quarantine(NOW) == 2
        assert empty_quarantine(NOW) == 0
        first, second = QuarantinedOptOut.objects.order_by("pk")
        assert (first.ip, first.agent, first.evidence) == (None, "", None)
        assert (second.ip, second.agent, second.evidence) == (None, "", {"also": True})

        assert accept_quarantined(waiting, Q(), actor=alice, now=NOW) == 2

        line = GlobalLine.objects.get()
        assert (line.email, line.custom1, line.product_number) == (
            "jane@example.com",
            "Too many mails",
            7,
        )
        for products in ([7], None):
            (day,) = global_requests_per_day(waiting.realm_id, products)
            assert day.requests == 1

    @pytest.mark.parametrize("decide", [accept_quarantined, reject_quarantined])
    @pytest.mark.parametrize("is_emptied_before", [True, False])
    def test_of_one_that_was_decided_nothing_is_left(
        self, alice: User, waiting: List, decide: Any, is_emptied_before: bool
    ) -> None:
        if is_emptied_before:
            empty_quarantine(NOW)
        decide(waiting, Q(), actor=alice, now=NOW)

        assert empty_quarantine(NOW) == 2
        assert empty_quarantine(NOW) == 0

        for row in QuarantinedOptOut.objects.all():
            assert (row.ip, row.agent, row.evidence, row.global_requests) == (None, "", None, None)

    def test_within_90_days_everything_stays(self, alice: User, waiting: List) -> None:
        reject_quarantined(waiting, Q(), actor=alice, now=NOW)
        assert empty_quarantine(NOW - timedelta(seconds=2)) == 0
        assert "Too many mails" in str(
            QuarantinedOptOut.objects.get(global_requests__isnull=False).global_requests
        )


class TestLimits:
    def counter(self, optout_list: List, network: str, **fields) -> None:
        LimitCounter.objects.create(
            optout_list=optout_list,
            network=network,
            traffic=Traffic.DIRECT,
            digests=[],
            seen_at=[],
            **{"last_seen_at": NOW - timedelta(days=2, seconds=1), **fields},
        )

    def test_quiet_networks_are_forgotten_unless_they_are_blocked(self, optout_list: List) -> None:
        self.counter(optout_list, "192.0.2.1/32")
        self.counter(optout_list, "192.0.2.2/32", last_seen_at=NOW)
        self.counter(optout_list, "192.0.2.3/32", blocked_until=NOW + timedelta(hours=1))
        self.counter(optout_list, "192.0.2.4/32", blocked_until=NOW - timedelta(hours=1))
        for days in (1, 29):
            UnsignedHour.objects.create(
                optout_list=optout_list, hour_at=NOW - timedelta(days=days), requests=1
            )

        assert prune_limits(NOW) == 3

        left = LimitCounter.objects.order_by("network").values_list("network", flat=True)
        assert list(left) == ["192.0.2.2/32", "192.0.2.3/32"]
        assert UnsignedHour.objects.count() == 1

    def test_the_usual_hour_is_the_95th_percentile_of_28_days(self, optout_list: List) -> None:
        for n in range(40):
            UnsignedHour.objects.create(
                optout_list=optout_list, hour_at=NOW - timedelta(hours=n + 1), requests=100 + n
            )
        UnsignedHour.objects.create(optout_list=optout_list, hour_at=NOW, requests=100_000)

        assert keep_usual_hours(NOW) == 1
        assert keep_usual_hours(NOW) == 0

        optout_list.refresh_from_db()
        assert optout_list.usual_hour == 106  # the 34th busiest of 672

    def test_a_list_that_has_gone_quiet_has_no_usual_hour(self, optout_list: List) -> None:
        List.objects.update(usual_hour=500)
        assert keep_usual_hours(NOW) >= 1
        optout_list.refresh_from_db()
        assert optout_list.usual_hour == 0


class TestRecipients:
    """What people asked for by the join form and on the preference page."""

    def make_consent(self, optout_list: List, days: int) -> Consent:
        at = NOW - timedelta(days=days)
        return Consent.objects.create(
            optout_list=optout_list,
            digest=parse_address("jane@example.com", "email", "US").digest,
            channel=Channel.JOIN,
            language="en",
            wording="Yes",
            asked_at=at,
            asked_ip="192.0.2.7",
            confirmed_at=at,
            confirmed_ip="192.0.2.8",
            confirmed_agent="Firefox",
        )

    def test_of_a_consent_only_ips_and_agent_go(
        self, realm: Realm, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("optout.retention.BATCH", 1)
        old = [self.make_consent(optout_list, days=days) for days in (91, 92)]
        older = self.make_consent(make.make_list(realm, 2), days=200)
        young = self.make_consent(optout_list, days=89)

        assert empty_consents(NOW, since=NOW - timedelta(days=100)) == 2
        assert empty_consents(NOW) == 1
        assert empty_consents(NOW) == 0
        for each in (*old, older):
            each.refresh_from_db()
            assert (each.asked_ip, each.confirmed_ip, each.confirmed_agent) == (None, None, "")
            assert each.wording == "Yes"
        young.refresh_from_db()
        assert young.asked_ip == "192.0.2.7"

    def test_mails_are_forgotten_after_seven_days(
        self, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("optout.retention.BATCH", 1)
        for days in (6, 8, 9):
            at = NOW - timedelta(days=days)
            RecipientMail.objects.create(
                optout_list=optout_list,
                kind=MailKind.JOIN,
                digest=bytes(16),
                address="jane@example.com",
                language="en",
                asked_at=at,
                due_at=at,
            )

        assert prune_mails(NOW) == 2
        assert RecipientMail.objects.get().asked_at == NOW - timedelta(days=6)
