"""Endpoints made, changed, given a new secret, switched off and on, removed."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from standardwebhooks import Webhook

from lists.models import ApiKey, AuditEntry, List, Realm, User
from lists.sealed import salts_in_force
from optout.choices import Channel, Medium
from reporting.changes import find_end
from reporting.models import (
    DeliveryState,
    OffCause,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookFormat,
)
from reporting.webhooks import endpoints
from reporting.webhooks.endpoints import (
    EndpointPlan,
    EndpointRefusedError,
    TooManyEndpointsError,
    plan_of,
)
from reporting.webhooks.handover import cursor_of
from reporting.webhooks.payloads import sample_change
from reporting.webhooks.signing import secret_of, sign
from tests import make
from tests.reporting.webhooks.deliveries import make_delivery
from tests.threads import in_thread

pytestmark = pytest.mark.django_db

NOW = make.NOW
LATER = NOW + timedelta(hours=1)
URL = "https://crm.example.com/hooks/heed?token=abc"
PLAN = EndpointPlan(URL)


def audited() -> list[tuple[str, dict]]:
    """What the audit says, and that it says nothing which opens anything."""
    rows = list(AuditEntry.objects.order_by("pk"))
    assert "token" not in json.dumps([each.detail for each in rows])
    return [(each.action, each.detail) for each in rows]


def reread(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    return WebhookEndpoint.objects.get(pk=endpoint.pk)


class TestMaking:
    def test_it_begins_where_the_ledger_ends(self, realm: Realm, optout_list: List, alice: User):
        plan = EndpointPlan(
            " https://CRM.example.com/hooks/heed?token=abc ",
            format=WebhookFormat.SMS_FORM,
            label=" CRM ",
            list_ids=[optout_list.pk, optout_list.pk],
            channels=[Channel.S2S, Channel.PAGE],
            medium=Medium.SMS,
            gets_lifts=False,
            batches=False,
        )

        made = endpoints.make_endpoint(realm, plan, actor=alice, now=NOW)

        row = WebhookEndpoint.objects.get()
        assert row == made and row.is_on and not row.is_callback
        assert row.public_id.startswith("wh_") and len(row.public_id) == 19
        assert plan_of(row) == replace(
            plan,
            url=URL,
            label="CRM",
            list_ids=[optout_list.pk],
            channels=[Channel.PAGE, Channel.S2S],
        )
        assert cursor_of(row) == find_end()
        assert (row.made_by, row.made_by_key, row.created_at) == (alice, None, NOW)
        assert secret_of(bytes(row.salt)) == secret_of(bytes(made.salt))
        ((action, detail),) = audited()
        assert action == "make_webhook"
        assert detail["webhook"] == row.public_id
        assert detail["url"] == "https://crm.example.com"
        assert AuditEntry.objects.get().actor == alice

    def test_by_a_program(self, realm: Realm) -> None:
        make.make_api_key(realm)
        key = ApiKey.objects.get()
        made = endpoints.make_endpoint(realm, PLAN, actor=None, key_id=key.pk, now=NOW)
        assert (made.made_by, made.made_by_key) == (None, key)
        assert audited()[0][1]["key"] == key.pk

    def test_two_have_secrets_of_their_own(self, realm: Realm) -> None:
        one, two = (endpoints.make_endpoint(realm, PLAN, actor=None, now=NOW) for _ in range(2))
        assert secret_of(one.salt) != secret_of(two.salt)

    @pytest.mark.parametrize(
        ("plan", "field"),
        [
            (EndpointPlan("http://127.0.0.1/"), "url"),
            (EndpointPlan(""), "url"),
            (replace(PLAN, label="x" * 101), "label"),
            (replace(PLAN, label="a\nb"), "label"),
            (replace(PLAN, format="xml"), "format"),  # type: ignore[arg-type]
            (replace(PLAN, channels=[]), "channels"),
            (replace(PLAN, list_ids=[]), "list_ids"),
            (replace(PLAN, list_ids=[2**31 - 1]), "list_ids"),
        ],
    )
    def test_what_cannot_be_kept_is_refused(
        self, realm: Realm, plan: EndpointPlan, field: str
    ) -> None:
        with pytest.raises(EndpointRefusedError) as caught:
            endpoints.make_endpoint(realm, plan, actor=None, now=NOW)
        assert caught.value.field == field
        assert str(caught.value).endswith(".")
        assert not WebhookEndpoint.objects.exists() and not audited()

    def test_lists_of_another_realm_are_not_there(
        self, realm: Realm, optout_list: List, charlie: User
    ) -> None:
        theirs = List.objects.exclude(realm=realm).first()
        assert theirs is not None
        plan = replace(PLAN, list_ids=[optout_list.pk, theirs.pk])
        with pytest.raises(EndpointRefusedError):
            endpoints.make_endpoint(realm, plan, actor=None, now=NOW)

    def test_a_realm_has_so_many_at_most(self, realm: Realm, monkeypatch) -> None:
        monkeypatch.setattr(endpoints, "MOST_ENDPOINTS", 2)
        make.make_webhook_endpoint(make.make_realm("other"))
        make.make_webhook_endpoint(realm, removed_at=NOW)
        default = endpoints.set_callback_url(realm, None, URL, actor=None, now=NOW)
        assert default is not None
        endpoints.make_endpoint(realm, PLAN, actor=None, now=NOW)

        with pytest.raises(TooManyEndpointsError), transaction.atomic():
            endpoints.make_endpoint(realm, PLAN, actor=None, now=NOW)
        with pytest.raises(TooManyEndpointsError), transaction.atomic():
            endpoints.set_callback_url(realm, make.make_list(realm), URL, actor=None, now=NOW)

        assert WebhookEndpoint.objects.filter(realm=realm, removed_at=None).count() == 2
        other = "https://other.example.com/"
        endpoints.set_callback_url(realm, None, other, actor=None, now=NOW)
        assert reread(default).url == other


class TestChanging:
    def test_cursor_secret_and_what_the_sender_wrote_stay(
        self, realm: Realm, optout_list: List, alice: User
    ) -> None:
        endpoint = endpoints.make_endpoint(realm, PLAN, actor=None, now=NOW)
        WebhookEndpoint.objects.update(xid=7, last_id=8, succeeded_at=NOW)
        plan = replace(PLAN, url="https://new.example.com/?token=1", list_ids=[optout_list.pk])

        changed = endpoints.change_endpoint(endpoint, plan, actor=alice, now=LATER)

        row = reread(endpoint)
        assert plan_of(row) == plan_of(changed) == plan
        assert (row.xid, row.last_id, row.succeeded_at) == (7, 8, NOW)
        assert bytes(row.salt) == endpoint.salt
        assert audited()[1] == (
            "change_webhook",
            {
                "webhook": row.public_id,
                "url": "https://new.example.com",
                "list_ids": [optout_list.pk],
            },
        )

    def test_nothing_changed_is_not_written_down(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm, channels=[1, 6], medium=2)
        endpoints.change_endpoint(endpoint, plan_of(endpoint), actor=None, now=LATER)
        assert audited() == []

    def test_a_callback_stays_with_its_list(self, realm: Realm, optout_list: List) -> None:
        endpoint = make.make_webhook_endpoint(realm, is_callback=True)
        plan = replace(plan_of(endpoint), list_ids=[optout_list.pk])
        with pytest.raises(EndpointRefusedError):
            endpoints.change_endpoint(endpoint, plan, actor=None, now=LATER)

    @pytest.mark.parametrize("cause", [OffCause.GONE, OffCause.FAILING])
    def test_a_new_url_switches_on_what_we_switched_off(
        self, realm: Realm, cause: OffCause
    ) -> None:
        endpoint = make.make_webhook_endpoint(
            realm, off_at=NOW, off_cause=cause, off_told_at=NOW, failing_since=NOW
        )
        waiting = make_delivery(endpoint, step=9, tries=9, due_at=NOW + timedelta(days=1))
        delivered = make_delivery(endpoint, step=3, state=DeliveryState.DELIVERED)
        relabelled = replace(plan_of(endpoint), label="CRM")
        row = endpoints.change_endpoint(endpoint, relabelled, actor=None, now=LATER)
        assert not row.is_on

        plan = replace(plan_of(row), url=URL)
        row = endpoints.change_endpoint(endpoint, plan, actor=None, now=LATER)

        row = reread(row)
        assert row.is_on and row.off_cause == ""
        assert row.off_told_at is None and row.failing_since is None
        waiting.refresh_from_db()
        assert (waiting.step, waiting.due_at, waiting.tries) == (0, LATER, 9)
        delivered.refresh_from_db()
        assert delivered.step == 3

    def test_a_new_url_is_tried_at_once(self, realm: Realm) -> None:
        """Also where the old one failed just now, or now and then."""
        endpoint = make.make_webhook_endpoint(realm)
        tried = make_delivery(endpoint, step=8, tries=9, due_at=NOW + timedelta(days=1))
        untried = make_delivery(endpoint)
        plan = replace(plan_of(endpoint), url=URL)
        endpoints.change_endpoint(endpoint, plan, actor=None, now=LATER)
        tried.refresh_from_db()
        assert (tried.step, tried.due_at) == (0, LATER)
        untried.refresh_from_db()
        assert untried.due_at == NOW

    def test_a_network_that_was_forbidden_since_keeps_nobody_from_the_rest(
        self, realm: Realm
    ) -> None:
        endpoint = make.make_webhook_endpoint(realm, url="http://10.1.2.3/hook")
        plan = replace(plan_of(endpoint), label="CRM", medium=Medium.SMS)
        assert endpoints.change_endpoint(endpoint, plan, actor=None, now=NOW).label == "CRM"
        plan = replace(plan_of(endpoint), url="http://10.1.2.3/other")
        with pytest.raises(EndpointRefusedError, match="inside a network"):
            endpoints.change_endpoint(endpoint, plan, actor=None, now=NOW)

    def test_what_waits_is_split_for_a_format_that_has_one_number_each(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        phones = [
            {**sample_change(WebhookFormat.SMS_JSON, NOW), "address": f"+1415555267{n}"}
            for n in range(3)
        ]
        make_delivery(endpoint, changes=phones)
        plan = replace(plan_of(endpoint), format=WebhookFormat.SMS_FORM)
        endpoints.change_endpoint(endpoint, plan, actor=None, now=NOW)
        rows = WebhookDelivery.objects.order_by("pk")
        assert [[each["address"] for each in row.changes] for row in rows] == [
            [each["address"]] for each in phones
        ]

    def test_not_what_somebody_switched_off(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm, off_at=NOW, off_cause=OffCause.OWNER)
        plan = replace(plan_of(endpoint), url=URL)
        assert not endpoints.change_endpoint(endpoint, plan, actor=None, now=LATER).is_on


class TestRotating:
    def test_both_secrets_sign_for_a_while(self, realm: Realm, alice: User) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        row = endpoints.rotate_secret(endpoint, timedelta(hours=24), actor=alice, now=NOW)

        old, new = secret_of(endpoint.salt), secret_of(row.salt)
        assert old != new
        row = reread(endpoint)
        for moment, secrets in ((23, [new, old]), (24, [new])):
            salts = salts_in_force(row, NOW + timedelta(hours=moment))
            assert [secret_of(salt) for salt in salts] == secrets
        _require_valid(secrets=(old, new), header_salts=salts_in_force(row, NOW))
        assert audited() == [
            ("rotate_webhook_secret", {"webhook": row.public_id, "overlap_hours": 24.0})
        ]

    def test_without_an_overlap_the_old_one_ends_at_once(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        endpoints.rotate_secret(endpoint, timedelta(hours=1), actor=None, now=NOW)
        endpoints.rotate_secret(endpoint, timedelta(0), actor=None, now=NOW)
        row = reread(endpoint)
        assert salts_in_force(row, NOW) == [bytes(row.salt)]
        assert row.old_salt is None and row.old_salt_until is None

    def test_of_two_rotations_the_last_two_sign(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        second = endpoints.rotate_secret(endpoint, timedelta(hours=9), actor=None, now=NOW).salt
        third = endpoints.rotate_secret(endpoint, timedelta(hours=9), actor=None, now=NOW).salt
        assert salts_in_force(reread(endpoint), NOW) == [third, second]

    @pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=7, seconds=1)])
    def test_the_overlap_has_bounds(self, realm: Realm, overlap: timedelta) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        with pytest.raises(EndpointRefusedError):
            endpoints.rotate_secret(endpoint, overlap, actor=None, now=NOW)
        assert bytes(reread(endpoint).salt) == endpoint.salt


def _require_valid(secrets: tuple[str, ...], header_salts: list[bytes]) -> None:
    """What is signed with these salts is right for a receiver that has any of the secrets."""
    seconds = int(timezone.now().timestamp())  # the package looks at the clock
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(seconds),
        "webhook-signature": sign(header_salts, "msg_1", seconds, b"{}"),
    }
    for secret in secrets:
        assert Webhook(secret).verify("{}", headers) == {}


class TestSwitching:
    def test_off_and_on(self, realm: Realm, alice: User) -> None:
        endpoint = make.make_webhook_endpoint(realm, xid=5, last_id=6)
        waiting = make_delivery(endpoint, step=9, due_at=NOW + timedelta(days=1))
        row = endpoints.switch_off(endpoint, actor=alice, now=NOW)
        assert not row.is_on
        assert (row.off_at, row.off_cause) == (NOW, OffCause.OWNER)

        endpoints.switch_on(endpoint, skips_missed=False, actor=alice, now=LATER)

        row = reread(endpoint)
        assert row.is_on and (row.xid, row.last_id) == (5, 6)
        waiting.refresh_from_db()
        assert (waiting.state, waiting.step, waiting.due_at) == (DeliveryState.WAITING, 0, LATER)
        assert [action for action, _ in audited()] == ["switch_off_webhook", "switch_on_webhook"]

    def test_what_was_missed_can_be_skipped(self, realm: Realm, optout_list: List) -> None:
        endpoint = make.make_webhook_endpoint(
            realm, xid=1, last_id=1, off_at=NOW, off_cause=OffCause.GONE
        )
        waiting = make_delivery(endpoint)
        test = make_delivery(endpoint, is_test=True)
        asked = make_delivery(endpoint, state=DeliveryState.QUEUED, asked_by="alice")
        given_back = make_delivery(endpoint, state=DeliveryState.QUEUED)
        make.make_optout(optout_list)

        endpoints.switch_on(endpoint, skips_missed=True, actor=None, now=LATER)

        row = reread(endpoint)
        assert row.is_on and cursor_of(row) == find_end()
        states = dict(WebhookDelivery.objects.values_list("pk", "state"))
        assert states == {
            waiting.pk: DeliveryState.FAILED,
            test.pk: DeliveryState.WAITING,
            asked.pk: DeliveryState.QUEUED,
            given_back.pk: DeliveryState.FAILED,
        }
        assert audited() == [
            (
                "switch_on_webhook",
                {"webhook": row.public_id, "skips_missed": True, "skipped": 2},
            )
        ]

    @pytest.mark.parametrize("succeeded_at", [None, NOW - timedelta(hours=1)])
    def test_what_failed_since_anything_arrived_is_asked_for_again(
        self, realm: Realm, succeeded_at: datetime | None
    ) -> None:
        endpoint = make.make_webhook_endpoint(
            realm, off_at=NOW, off_cause=OffCause.FAILING, succeeded_at=succeeded_at
        )
        dead = {"state": DeliveryState.FAILED, "step": 10, "tries": 10}
        before = make_delivery(endpoint, tried_at=NOW - timedelta(hours=2), **dead)
        since = make_delivery(endpoint, tried_at=NOW, **dead)
        kept = [
            make_delivery(endpoint, tried_at=NOW, state=DeliveryState.FAILED, step=4),  # left out
            make_delivery(endpoint, tried_at=NOW, is_test=True, **dead),
            make_delivery(make.make_webhook_endpoint(realm), tried_at=NOW, **dead),
        ]
        expected = [since] if succeeded_at else [before, since]

        endpoints.switch_on(endpoint, skips_missed=False, actor=None, now=LATER)

        rows = WebhookDelivery.objects.filter(state=DeliveryState.QUEUED).order_by("pk")
        assert list(rows) == expected
        assert {(row.step, row.due_at, row.tries) for row in rows} == {(0, LATER, 10)}
        assert WebhookDelivery.objects.filter(pk__in=[each.pk for each in kept]).filter(
            state=DeliveryState.FAILED
        ).count() == len(kept)
        detail = {"webhook": endpoint.public_id, "skips_missed": False, "again": len(expected)}
        assert audited() == [("switch_on_webhook", detail)]

    def test_nothing_of_it_where_what_was_missed_is_skipped(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm, off_at=NOW, off_cause=OffCause.FAILING)
        dead = make_delivery(endpoint, state=DeliveryState.FAILED, step=10)
        endpoints.switch_on(endpoint, skips_missed=True, actor=None, now=LATER)
        dead.refresh_from_db()
        assert dead.state == DeliveryState.FAILED

    def test_twice_is_once(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm, xid=1, last_id=1)
        endpoints.switch_on(endpoint, skips_missed=True, actor=None, now=NOW)
        assert cursor_of(reread(endpoint)) == cursor_of(endpoint)
        endpoints.switch_off(endpoint, actor=None, now=NOW)
        endpoints.switch_off(endpoint, actor=None, now=LATER)
        assert reread(endpoint).off_at == NOW
        assert len(audited()) == 1

    def test_by_hand_leaves_the_cause_why_we_did(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm, off_at=NOW, off_cause=OffCause.GONE)
        assert endpoints.switch_off(endpoint, actor=None, now=LATER).off_cause == OffCause.GONE


class TestRemoving:
    def test_it_is_gone_for_good(self, realm: Realm, alice: User) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        assert endpoints.remove_endpoint(endpoint, actor=alice, now=NOW)
        assert reread(endpoint).removed_at == NOW
        assert not endpoints.remove_endpoint(endpoint, actor=alice, now=LATER)
        assert audited() == [("remove_webhook", {"webhook": endpoint.public_id})]
        for act in (
            lambda: endpoints.switch_off(endpoint, actor=None, now=NOW),
            lambda: endpoints.switch_on(endpoint, skips_missed=False, actor=None, now=NOW),
            lambda: endpoints.rotate_secret(endpoint, timedelta(0), actor=None, now=NOW),
            lambda: endpoints.change_endpoint(endpoint, PLAN, actor=None, now=NOW),
        ):
            with pytest.raises(WebhookEndpoint.DoesNotExist):
                act()


@pytest.mark.django_db(transaction=True)
class TestBesideTheSender:
    """The sender writes the same rows at any moment; neither undoes what the other wrote."""

    def test_what_people_do_keeps_what_the_sender_writes_meanwhile(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm, xid=3, last_id=3)
        plan = replace(plan_of(endpoint), label="CRM")
        acts = (
            lambda: endpoints.rotate_secret(endpoint, timedelta(hours=1), actor=None, now=NOW),
            lambda: endpoints.change_endpoint(endpoint, plan, actor=None, now=NOW),
            lambda: endpoints.switch_off(endpoint, actor=None, now=NOW),
            lambda: endpoints.switch_on(endpoint, skips_missed=False, actor=None, now=NOW),
            lambda: endpoints.remove_endpoint(endpoint, actor=None, now=NOW),
        )
        for number, act in enumerate(acts, 10):
            with transaction.atomic():
                WebhookEndpoint.objects.update(
                    xid=number, last_id=number, succeeded_at=LATER, failed_at=LATER
                )
                done = in_thread(act)  # it may have read the row already; it waits to write it
            done.result(timeout=20)
            row = reread(endpoint)
            assert (row.xid, row.last_id) == (number, number)
            assert (row.succeeded_at, row.failed_at) == (LATER, LATER)
        assert row.label == "CRM" and row.old_salt is not None and row.removed_at == NOW

    def test_of_two_that_switch_it_off_the_second_finds_it_off(self, realm: Realm) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        with transaction.atomic():
            WebhookEndpoint.objects.update(off_at=NOW, off_cause=OffCause.GONE)
            done = in_thread(lambda: endpoints.switch_off(endpoint, actor=None, now=LATER))
        assert done.result(timeout=20).off_cause == OffCause.GONE
        assert reread(endpoint).off_at == NOW
