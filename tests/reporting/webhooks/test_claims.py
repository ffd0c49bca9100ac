"""How the ledger becomes deliveries: on real transactions, as the feed is read in their order."""

import json
from threading import Event
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from lists.models import List, Realm
from lists.prepared import fetch
from optout.actions import record_optouts
from optout.choices import Channel, Kind, Medium
from optout.evidence import Evidence
from optout.models import OptOut
from reporting.changes import NotMendedError, read_changes
from reporting.feed import START, Cursor
from reporting.models import DeliveryState, WebhookDelivery, WebhookEndpoint, WebhookFormat
from reporting.webhooks.claims import Claim, Taker, claim, keep_cursors, taker_of
from reporting.webhooks.endpoints import EndpointPlan, make_endpoint, set_callback_url
from tests import make
from tests.reporting.test_downloads import lift
from tests.reporting.test_feed import OpenTransaction
from tests.threads import in_thread

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]

URL = "https://crm.example/in"


def endpoint_of(realm: Realm, url: str = URL, **plan: Any) -> WebhookEndpoint:
    return make_endpoint(realm, EndpointPlan(url, **plan), actor=None, now=timezone.now())


def run(*takers: Taker, until: Cursor | None = None) -> Claim:
    """One claim, as the sender makes it."""
    with transaction.atomic():
        return claim(takers, until, timezone.now())


def claim_for(*endpoints: WebhookEndpoint) -> Claim:
    return run(*(taker_of(WebhookEndpoint.objects.get(pk=each.pk)) for each in endpoints))


def told(endpoint: WebhookEndpoint) -> list[list[str]]:
    """The addresses in each of its deliveries."""
    return [
        [entry["address"] for entry in delivery.changes]
        for delivery in endpoint.deliveries.order_by("pk")
    ]


def told_after_a_claim(endpoint: WebhookEndpoint) -> set[str]:
    claim_for(endpoint)
    return {address for addresses in told(endpoint) for address in addresses}


class TestAClaim:
    def test_each_change_becomes_a_delivery_and_the_cursor_moves(
        self, realm: Realm, optout_list: List
    ) -> None:
        endpoint = endpoint_of(realm)
        make.make_optout(optout_list, "jane@example.com")
        lift(optout_list, "jane@example.com", make.NOW)
        claimed = claim_for(endpoint)

        first, second = endpoint.deliveries.order_by("pk")
        changes = read_changes(realm.pk, None, START, 10)
        assert first.changes + second.changes == json.loads(f"[{changes.entries}]")
        assert first.state == DeliveryState.WAITING
        assert first.message != second.message
        endpoint.refresh_from_db()
        assert Cursor(endpoint.xid, endpoint.last_id) == claimed.cursor == changes.cursor
        assert [each.id for each in claimed.made[endpoint.pk]] == [first.pk, second.pk]
        assert claimed.made[endpoint.pk][0].text is not None
        assert claim_for(endpoint).made == {}

    def test_in_a_few_statements_for_however_many(
        self, realm: Realm, optout_list: List, django_assert_num_queries: Any
    ) -> None:
        endpoints = [taker_of(endpoint_of(realm)) for _ in range(5)]
        for n in range(30):
            make.make_optout(optout_list, f"p{n}@example.com")
        with django_assert_num_queries(5):  # begin, read, lock, write, commit
            claimed = run(*endpoints)
        assert sum(map(len, claimed.made.values())) == 150

    def test_a_late_commit_is_told_in_its_turn(self, realm: Realm, optout_list: List) -> None:
        endpoint = endpoint_of(realm)
        late = OpenTransaction(optout_list, "late@example.com")
        try:
            make.make_optout(optout_list, "quick@example.com")
            assert claim_for(endpoint).made == {}
        finally:
            late.commit()
        claim_for(endpoint)
        assert told(endpoint) == [["late@example.com"], ["quick@example.com"]]

    def test_of_two_of_one_address_the_one_that_waited_is_told_last(
        self, realm: Realm, optout_list: List
    ) -> None:
        """Its transaction may have begun first, and then stands first in the feed."""
        endpoint = endpoint_of(realm)
        begun, go_on = Event(), Event()

        def wait_and_lift() -> None:
            with transaction.atomic():
                fetch("SELECT pg_current_xact_id()")
                begun.set()
                assert go_on.wait(10)
                lift(optout_list, "jane@example.com", make.NOW)

        waiting = in_thread(wait_and_lift)
        assert begun.wait(10)
        make.make_optout(optout_list, "jane@example.com")
        go_on.set()
        waiting.result(timeout=10)
        first, second = OptOut.objects.order_by("id")
        assert first.xid > second.xid
        claim_for(endpoint)
        rows = endpoint.deliveries.order_by("pk")
        assert [row.changes[0]["type"] for row in rows] == ["opt_out", "lift"]

    def test_a_cursor_that_somebody_moved_stays(self, realm: Realm, optout_list: List) -> None:
        endpoint = endpoint_of(realm)
        taker = taker_of(endpoint)
        make.make_optout(optout_list)
        WebhookEndpoint.objects.update(last_id=endpoint.last_id + 100)
        claimed = run(taker)
        assert (claimed.stale, claimed.made) == ({endpoint.pk}, {})
        assert not WebhookDelivery.objects.exists()

    def test_so_does_that_of_one_that_was_switched_off(
        self, realm: Realm, optout_list: List
    ) -> None:
        endpoint = endpoint_of(realm)
        taker = taker_of(endpoint)
        make.make_optout(optout_list)
        WebhookEndpoint.objects.update(off_at=timezone.now(), off_cause="owner")
        assert run(taker).stale == {endpoint.pk}
        assert not WebhookDelivery.objects.exists()

    def test_cursors_of_those_that_were_told_nothing_are_written_by_and_by(
        self, realm: Realm, optout_list: List
    ) -> None:
        endpoint = endpoint_of(realm, channels=[Channel.PIXEL])
        taker = taker_of(endpoint)
        make.make_optout(optout_list)
        claimed = run(taker)
        endpoint.refresh_from_db()
        assert Cursor(endpoint.xid, endpoint.last_id) == taker.kept < claimed.cursor
        taker.cursor = claimed.cursor
        assert keep_cursors([taker]) == {endpoint.pk}
        endpoint.refresh_from_db()
        assert Cursor(endpoint.xid, endpoint.last_id) == claimed.cursor
        assert keep_cursors([taker]) == set()

    def test_a_ledger_of_another_server_must_be_mended_first(
        self, realm: Realm, optout_list: List
    ) -> None:
        endpoint = endpoint_of(realm)
        make.make_optout(optout_list)
        OptOut.objects.update(xid=9_000_000_000)
        with pytest.raises(NotMendedError):
            claim_for(endpoint)


class TestWhoIsTold:
    @pytest.fixture
    def second(self, realm: Realm) -> List:
        return make.make_list(realm, 2)

    @pytest.fixture
    def everywhere(self, realm: Realm, optout_list: List, second: List) -> Any:
        """Records one opt-out on each list, when called."""

        def record() -> None:
            make.make_optout(optout_list, "one@example.com")
            make.make_optout(second, "two@example.com")
            make.make_optout(make.do_not_mail(realm), "all@example.com")
            make.make_optout(make.make_list(make.make_realm("other")), "other@example.com")

        return record

    def test_the_whole_realm(self, realm: Realm, everywhere: Any) -> None:
        endpoint = endpoint_of(realm)
        everywhere()
        assert told_after_a_claim(endpoint) == {
            "one@example.com",
            "two@example.com",
            "all@example.com",
        }

    def test_one_list_and_do_not_mail(
        self, realm: Realm, optout_list: List, everywhere: Any
    ) -> None:
        endpoint = endpoint_of(realm, list_ids=[optout_list.pk])
        everywhere()
        assert told_after_a_claim(endpoint) == {"one@example.com", "all@example.com"}

    def test_a_list_with_a_callback_of_its_own_is_told_to_that_one(
        self, realm: Realm, optout_list: List, everywhere: Any
    ) -> None:
        now = timezone.now()
        default = set_callback_url(realm, None, URL, actor=None, now=now)
        own = set_callback_url(realm, optout_list, URL, actor=None, now=now)
        assert default and own
        everywhere()
        assert told_after_a_claim(default) == {"two@example.com", "all@example.com"}
        assert told_after_a_claim(own) == {"one@example.com", "all@example.com"}

    def test_also_while_that_one_is_off(
        self, realm: Realm, optout_list: List, everywhere: Any
    ) -> None:
        now = timezone.now()
        default = set_callback_url(realm, None, URL, actor=None, now=now)
        own = set_callback_url(realm, optout_list, URL, actor=None, now=now)
        assert default and own
        WebhookEndpoint.objects.filter(pk=own.pk).update(off_at=now, off_cause="gone")
        everywhere()
        assert told_after_a_claim(default) == {"two@example.com", "all@example.com"}

    def test_no_more_when_it_was_removed(
        self, realm: Realm, optout_list: List, everywhere: Any
    ) -> None:
        now = timezone.now()
        default = set_callback_url(realm, None, URL, actor=None, now=now)
        set_callback_url(realm, optout_list, URL, actor=None, now=now)
        everywhere()
        set_callback_url(realm, optout_list, "", actor=None, now=now)
        assert default
        assert "one@example.com" in told_after_a_claim(default)

    def test_the_cursor_of_a_default_moves_with_what_another_one_is_told(
        self, realm: Realm, optout_list: List
    ) -> None:
        """Else a list whose callback is removed would be given back from a place that was passed already."""
        now = timezone.now()
        default = set_callback_url(realm, None, URL, actor=None, now=now)
        set_callback_url(realm, optout_list, URL, actor=None, now=now)
        assert default
        make.make_optout(optout_list)
        claimed = claim_for(default)
        assert claimed.moved == {default.pk} and claimed.made == {}

    def test_by_channel_medium_and_kind(self, realm: Realm, optout_list: List) -> None:
        pixel = endpoint_of(realm, channels=[Channel.PIXEL])
        phones = endpoint_of(realm, medium=Medium.SMS)
        no_lifts = endpoint_of(realm, gets_lifts=False)
        make.make_optout(optout_list, "page@example.com")
        make.make_optout(optout_list, "pixel@example.com", channel=Channel.PIXEL)
        make.make_optout(optout_list, "+14155552671")
        lift(optout_list, "page@example.com", make.NOW)
        claim_for(pixel, phones, no_lifts)
        assert told(pixel) == [["pixel@example.com"]]
        assert told(phones) == [["+14155552671"]]
        assert told(no_lifts) == [["page@example.com"], ["pixel@example.com"], ["+14155552671"]]


class TestSms:
    def test_of_a_phone_its_opt_out_goes_out_with_the_number_that_was_texted(
        self, realm: Realm, optout_list: List
    ) -> None:
        endpoint = endpoint_of(realm, format=WebhookFormat.SMS_JSON)
        make.make_optout(optout_list, "+14155552671")
        make.make_optout(
            optout_list,
            "+14155552672",
            channel=Channel.INBOUND_SMS,
            evidence=Evidence().adding(texted="+18005550100"),
        )
        lift(optout_list, "+14155552671", make.NOW)
        make.make_optout(optout_list, "jane@example.com")
        OptOut.objects.filter(kind=Kind.LIFT).update(medium=Medium.SMS)
        claim_for(endpoint)
        rows = [row.changes[0] for row in endpoint.deliveries.order_by("pk")]
        assert [(row["address"], row.get("source")) for row in rows] == [
            ("+14155552671", "Optout Link"),
            ("+14155552672", "+18005550100"),
            ("jane@example.com", None),
        ]

    def test_the_number_that_was_texted_is_kept_for_another_format(
        self, realm: Realm, optout_list: List
    ) -> None:
        endpoint = endpoint_of(realm, format=WebhookFormat.STANDARD)
        texted = Evidence().adding(texted="+18005550100")
        make.make_optout(optout_list, "+14155552672", channel=Channel.INBOUND_SMS, evidence=texted)
        claim_for(endpoint)
        (change,) = endpoint.deliveries.get().changes
        assert change["source"] == "+18005550100"

    def test_a_phone_that_is_known_by_its_hash_alone_does_not(
        self, realm: Realm, optout_list: List
    ) -> None:
        endpoint = endpoint_of(realm, format=WebhookFormat.SMS_FORM)
        make.make_optout(optout_list, "+14155552671")
        OptOut.objects.update(address=None)
        assert claim_for(endpoint).made == {}

    def test_phones_always_go_alone(self, realm: Realm, optout_list: List) -> None:
        endpoint = endpoint_of(realm, format=WebhookFormat.SMS_JSON)
        people = [f"+141555526{n:02}" if n % 10 == 0 else f"p{n}@example.com" for n in range(70)]
        record_optouts([make.make_intent(optout_list, person) for person in people])
        claim_for(endpoint)
        assert [address for each in told(endpoint) for address in each] == people
        assert [len(each) for each in told(endpoint)] == [1, 9] * 7


class TestBatches:
    def test_an_import_goes_out_a_hundred_at_a_time(self, realm: Realm, optout_list: List) -> None:
        endpoint, single = endpoint_of(realm), endpoint_of(realm, batches=False)
        people = [f"p{n}@example.com" for n in range(250)]
        record_optouts([make.make_intent(optout_list, person) for person in people])
        claimed = claim_for(endpoint, single)
        assert [len(each) for each in told(endpoint)] == [100, 100, 50]
        assert [address for each in told(endpoint) for address in each] == people
        assert [each.changes for each in claimed.made[endpoint.pk]] == [100, 100, 50]
        assert len(told(single)) == 250

    def test_one_by_one_while_it_keeps_up(self, realm: Realm, optout_list: List) -> None:
        endpoint = endpoint_of(realm)
        for n in range(50):
            make.make_optout(optout_list, f"p{n}@example.com")
        claim_for(endpoint)
        assert len(told(endpoint)) == 50

    def test_together_when_many_wait_already(self, realm: Realm, optout_list: List) -> None:
        taker = taker_of(endpoint_of(realm))
        taker.untried = 49
        make.make_optout(optout_list, "a@example.com")
        make.make_optout(optout_list, "b@example.com")
        run(taker)
        assert told(taker.endpoint) == [["a@example.com", "b@example.com"]]
