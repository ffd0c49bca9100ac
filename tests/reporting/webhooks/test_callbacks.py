"""The realm's “Default Optout Callback URL”, the own one of a list, and that nothing falls between the two (S3.11)."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from lists.models import AuditEntry, List, Realm, User
from lists.prepared import fetch
from optout.choices import Channel, Medium
from reporting.changes import find_end
from reporting.models import (
    DeliveryState,
    OffCause,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookFormat,
)
from reporting.webhooks import claims
from reporting.webhooks.claims import claim, taker_of
from reporting.webhooks.endpoints import (
    EndpointRefusedError,
    change_endpoint,
    find_callback,
    plan_of,
    remove_endpoint,
    set_callback_url,
    switch_off,
)
from reporting.webhooks.handover import cursor_of
from reporting.webhooks.outcomes import judge, write_outcomes
from tests import make
from tests.reporting.test_downloads import lift
from tests.reporting.webhooks.deliveries import make_delivery
from tests.reporting.webhooks.test_outcomes import TAKEN, failed, waiting
from tests.threads import in_thread

NOW = make.NOW
LATER = NOW + timedelta(hours=1)
URL = "https://sms.example.com/optout?key=abc"
OTHER = "https://sms.example.com/new"


def set_url(realm: Realm, optout_list: List | None, url: str = URL, **fields) -> WebhookEndpoint:
    row = set_callback_url(realm, optout_list, url, actor=None, now=NOW, **fields)
    assert row is not None
    return row


def unset(realm: Realm, optout_list: List | None) -> None:
    assert set_callback_url(realm, optout_list, " ", actor=None, now=LATER) is None


def audited() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


@pytest.mark.django_db
class TestSetting:
    def test_a_new_one_gets_the_sms_payload_from_now_on(self, realm: Realm, alice: User) -> None:
        made = set_callback_url(realm, None, URL, actor=alice, now=NOW)

        row = WebhookEndpoint.objects.get()
        assert row == made == find_callback(realm, None)
        assert row.is_callback and row.list_ids is None
        assert (row.url, row.format, row.made_by) == (URL, WebhookFormat.SMS_JSON, alice)
        assert cursor_of(row) == find_end()
        assert audited() == ["make_webhook"]

    def test_a_changed_one_keeps_cursor_secret_and_format(self, realm: Realm) -> None:
        row = set_url(realm, None, format=WebhookFormat.SMS_FORM)
        WebhookEndpoint.objects.update(xid=3, last_id=4)

        changed = set_url(realm, None, OTHER)

        assert changed.pk == row.pk
        assert (changed.url, changed.format) == (OTHER, WebhookFormat.SMS_FORM)
        assert (changed.xid, changed.last_id) == (3, 4)
        assert bytes(changed.salt) == row.salt
        assert set_url(realm, None, OTHER).pk == row.pk
        assert set_url(realm, None, OTHER, format=WebhookFormat.SMS_JSON).format == "sms-json"
        plan = replace(plan_of(changed), format=WebhookFormat.STANDARD)
        with pytest.raises(EndpointRefusedError, match="three fields"):
            change_endpoint(changed, plan, actor=None, now=NOW)
        with pytest.raises(EndpointRefusedError, match="three fields"):
            set_url(realm, None, OTHER, format=WebhookFormat.STANDARD)
        assert audited() == ["make_webhook", "change_webhook", "change_webhook"]

    def test_an_empty_one_removes_it(self, realm: Realm) -> None:
        row = set_url(realm, None)
        unset(realm, None)
        unset(realm, None)
        row.refresh_from_db()
        assert row.removed_at == LATER
        assert find_callback(realm, None) is None
        assert audited() == ["make_webhook", "remove_webhook"]
        assert set_url(realm, None).pk != row.pk

    def test_a_list_has_its_own(self, realm: Realm, optout_list: List) -> None:
        default = set_url(realm, None)
        own = set_url(realm, optout_list, OTHER)
        another = set_url(realm, make.make_list(realm, 2), OTHER)
        assert len({default.pk, own.pk, another.pk}) == 3
        assert own.list_ids == [optout_list.pk]
        assert find_callback(realm, optout_list) == own
        unset(realm, optout_list)
        assert find_callback(realm, optout_list) is None
        assert find_callback(realm, None) == default

    def test_each_realm_has_its_own(self, realm: Realm, charlie: User) -> None:
        theirs = charlie.memberships.get().realm
        assert set_url(realm, None).pk != set_url(theirs, None).pk

    def test_do_not_mail_and_another_realms_list_have_none(
        self, realm: Realm, charlie: User
    ) -> None:
        theirs = List.objects.exclude(realm=realm).exclude(number=0).get()
        for optout_list in (make.do_not_mail(realm), theirs):
            with pytest.raises(EndpointRefusedError):
                set_url(realm, optout_list)

    def test_a_url_that_may_not_be_called_is_refused(self, realm: Realm) -> None:
        with pytest.raises(EndpointRefusedError) as caught:
            set_url(realm, None, "http://169.254.169.254/")
        assert caught.value.field == "url"

    def test_a_new_url_switches_on_what_we_switched_off(self, realm: Realm) -> None:
        set_url(realm, None)
        WebhookEndpoint.objects.update(off_at=NOW, off_cause=OffCause.GONE)
        assert not set_url(realm, None).is_on
        assert set_url(realm, None, OTHER).is_on


@pytest.mark.django_db(transaction=True)
class TestADoubleClick:
    def test_makes_one(self, realm: Realm, optout_list: List) -> None:
        for each in (None, optout_list):
            barrier = threading.Barrier(4)

            def click(each: List | None = each, barrier: threading.Barrier = barrier) -> int:
                barrier.wait()
                return set_url(realm, each).pk

            clicks = [in_thread(click) for _ in range(4)]
            assert len({each.result(timeout=20) for each in clicks}) == 1
        assert WebhookEndpoint.objects.count() == 2
        assert audited() == ["make_webhook", "make_webhook"]


def claim_for(*endpoints: WebhookEndpoint) -> None:
    """What a sender does: the ledger's news, made into deliveries of these endpoints, each from where it stands."""
    for endpoint in endpoints:
        with transaction.atomic():
            row = WebhookEndpoint.objects.select_related("realm").get(pk=endpoint.pk)
            if row.is_on:
                claim([taker_of(row)], None, NOW)


def told(endpoint: WebhookEndpoint) -> list[str]:
    """Whom the endpoint's deliveries tell of, in their order."""
    deliveries = WebhookDelivery.objects.filter(endpoint=endpoint).order_by("pk")
    return [change["address"].split("@")[0] for each in deliveries for change in each.changes]


def is_somebody_waiting() -> bool:
    """Whether a transaction waits for a lock."""
    return bool(fetch("SELECT 1 FROM pg_locks WHERE NOT granted"))


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline


@pytest.mark.alone
@pytest.mark.django_db(transaction=True)
class TestNothingFallsBetween:
    def optout(self, optout_list: List, name: str) -> None:
        make.make_optout(optout_list, f"{name}@example.com")

    def test_what_the_default_one_had_yet_to_read_goes_to_the_lists_own(
        self, realm: Realm, optout_list: List
    ) -> None:
        default = set_url(realm, None)
        self.optout(optout_list, "before")
        own = set_url(realm, optout_list)
        self.optout(optout_list, "after")
        claim_for(default, own)
        assert (told(default), told(own)) == ([], ["before", "after"])

    def test_what_it_has_told_of_is_not_told_again(self, realm: Realm, optout_list: List) -> None:
        default = set_url(realm, None)
        self.optout(optout_list, "before")
        claim_for(default)
        own = set_url(realm, optout_list)
        self.optout(optout_list, "after")
        claim_for(own, default)
        assert (told(default), told(own)) == (["before"], ["after"])

    def test_without_a_default_one_it_begins_at_the_end(
        self, realm: Realm, optout_list: List
    ) -> None:
        unset_one = set_url(realm, None)
        unset(realm, None)
        self.optout(optout_list, "before")
        own = set_url(realm, optout_list)
        self.optout(optout_list, "after")
        claim_for(own, unset_one)
        assert told(own) == ["after"]

    def test_what_the_lists_own_had_yet_to_read_goes_to_the_default_one(
        self, realm: Realm, optout_list: List
    ) -> None:
        other = make.make_list(realm, 2)
        default, own = set_url(realm, None), set_url(realm, optout_list)
        self.optout(optout_list, "before")
        self.optout(other, "other")
        claim_for(default)
        unset(realm, optout_list)
        self.optout(optout_list, "after")
        claim_for(default, own)
        # Twice what it told of other lists since: the price.
        assert told(default) == ["other", "before", "other", "after"]

    def test_what_had_not_arrived_is_sent_there_under_its_old_id(
        self, realm: Realm, optout_list: List
    ) -> None:
        default, own = set_url(realm, None), set_url(realm, optout_list)
        self.optout(make.make_list(realm, 2), "other")
        for name in ("arrived", "failed", "waits", "asked", "later"):
            self.optout(optout_list, name)
        claim_for(default, own)
        arrived, failed, waits, asked, later = own.deliveries.order_by("pk")
        for delivery, state in (
            (arrived, DeliveryState.DELIVERED),
            (failed, DeliveryState.FAILED),
            (asked, DeliveryState.QUEUED),
        ):
            WebhookDelivery.objects.filter(pk=delivery.pk).update(state=state, step=10, tries=10)
        make_delivery(own, is_test=True)
        unset(realm, optout_list)
        claim_for(default)

        # What it told of other lists is not told again: the other one had read as far.
        assert told(default) == ["other", "failed", "waits", "asked", "later"]
        assert told(own)[0] == "arrived" and len(told(own)) == 2  # and the test
        rows = {row.pk: row for row in default.deliveries.all()}
        assert rows[failed.pk].state == DeliveryState.FAILED  # to be sent again when somebody asks
        for row in (waits, asked, later):
            moved = rows[row.pk]
            assert (moved.state, moved.step, moved.due_at) == (DeliveryState.QUEUED, 0, LATER)
            assert moved.message == row.message
        # The sender takes these up before it reads on.
        revision = default.revision
        default.refresh_from_db()
        assert default.revision == revision + 1

    def test_without_what_the_default_one_is_not_told_of(
        self, realm: Realm, optout_list: List
    ) -> None:
        default, own = set_url(realm, None), set_url(realm, optout_list)
        for name in ("page", "pixel", "lifted"):
            channel = Channel.PIXEL if name == "pixel" else Channel.PAGE
            make.make_optout(optout_list, f"{name}@example.com", channel=channel)
        make.make_optout(optout_list, "+14155552671")
        lift(optout_list, "lifted@example.com", NOW)
        claim_for(own)
        plan = replace(
            plan_of(default), channels=[Channel.PAGE], medium=Medium.EMAIL, gets_lifts=False
        )
        change_endpoint(default, plan, actor=None, now=NOW)
        unset(realm, optout_list)
        assert told(default) == ["page", "lifted"]

    def test_a_try_that_is_under_way_counts_when_it_arrives(
        self, realm: Realm, optout_list: List
    ) -> None:
        default, own = set_url(realm, None), set_url(realm, optout_list)
        for name in ("arrives", "fails"):
            self.optout(optout_list, name)
        claim_for(own)
        own.refresh_from_db()
        arrives, fails = own.deliveries.order_by("pk")
        unset(realm, optout_list)
        with transaction.atomic():
            write_outcomes(
                [
                    (own, judge(waiting(id=arrives.pk), TAKEN, LATER, 0)),
                    (own, judge(waiting(id=fails.pk, step=9), failed(), LATER, 0)),
                ]
            )
        states = list(default.deliveries.order_by("pk").values_list("state", flat=True))
        assert states == [DeliveryState.DELIVERED, DeliveryState.QUEUED]

    def test_where_all_has_arrived_nothing_is_told_twice(
        self, realm: Realm, optout_list: List
    ) -> None:
        default, own = set_url(realm, None), set_url(realm, optout_list)
        self.optout(optout_list, "before")
        self.optout(make.make_list(realm, 2), "other")
        claim_for(default, own)
        WebhookDelivery.objects.update(state=DeliveryState.DELIVERED)
        unset(realm, optout_list)
        self.optout(optout_list, "after")
        claim_for(default)
        assert told(default) == ["other", "after"]

    def test_one_that_is_off_holds_its_list_until_it_is_removed(
        self, realm: Realm, optout_list: List
    ) -> None:
        default, own = set_url(realm, None), set_url(realm, optout_list)
        switch_off(own, actor=None, now=NOW)
        self.optout(optout_list, "missed")
        claim_for(default, own)
        assert told(default) == []
        remove_endpoint(own, actor=None, now=NOW)
        claim_for(default)
        assert told(default) == ["missed"]

    def test_a_removal_waits_for_a_sender_in_the_middle_of_reading(
        self, realm: Realm, optout_list: List
    ) -> None:
        default, own = set_url(realm, None), set_url(realm, optout_list)
        self.optout(optout_list, "between")
        with transaction.atomic():
            claim([taker_of(default)], None, NOW)  # it leaves out what is the other one's
            removing = in_thread(lambda: unset(realm, optout_list))
            wait_until(lambda: removing.done() or is_somebody_waiting())
            assert not removing.done()
        removing.result(timeout=20)
        claim_for(default, own)
        assert told(default) == ["between"]

    def test_so_does_one_that_comes_before_the_sender_has_written(
        self, realm: Realm, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        default, own = set_url(realm, None), set_url(realm, optout_list)
        self.optout(optout_list, "between")
        write, removals = claims._write, []

        def remove_before(*args: Any) -> Any:
            removals.append(in_thread(lambda: unset(realm, optout_list)))
            wait_until(lambda: removals[0].done() or is_somebody_waiting())
            return write(*args)

        monkeypatch.setattr(claims, "_write", remove_before)
        claim_for(default)
        monkeypatch.undo()
        removals[0].result(timeout=20)
        claim_for(default, own)
        assert told(default) == ["between"]

    def test_while_opt_outs_arrive_and_a_sender_runs(self, realm: Realm, optout_list: List) -> None:
        """A list's own callback comes and goes; whatever was recorded reaches one that is there, or was delivered."""
        default = set_url(realm, None)
        is_over = threading.Event()
        names = [f"name{number}" for number in range(150)]

        def record() -> None:
            for name in names:
                self.optout(optout_list, name)

        def send() -> None:
            """Each turn delivers what the default one has, and every other delivery of the list's own."""
            while not is_over.is_set():
                claim_for(*WebhookEndpoint.objects.filter(removed_at=None))
                waiting = WebhookDelivery.objects.filter(
                    state=DeliveryState.WAITING, endpoint__removed_at=None
                )
                for delivery in waiting.order_by("pk")[::2]:
                    WebhookDelivery.objects.filter(
                        pk=delivery.pk, state=DeliveryState.WAITING
                    ).update(state=DeliveryState.DELIVERED)

        sending, recording = in_thread(send), in_thread(record)
        try:
            while not recording.done():
                set_url(realm, optout_list)
                unset(realm, optout_list)
        finally:
            is_over.set()
        recording.result(timeout=20)
        sending.result(timeout=20)
        claim_for(default)

        arrived = WebhookDelivery.objects.filter(state=DeliveryState.DELIVERED)
        reached = {change["address"] for each in arrived for change in each.changes}
        assert reached | {f"{name}@example.com" for name in told(default)} == {
            f"{name}@example.com" for name in names
        }
