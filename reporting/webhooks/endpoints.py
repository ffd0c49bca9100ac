"""Endpoints: made, changed, given a new secret, switched off and on, removed.

By somebody in the portal, a program with its API key, or an operator in a shell (neither actor nor key then). Each change is
written to the audit in the same transaction, without secrets and with no more of a URL than where it leads.

The sender writes the same rows (cursor, last success and failure, and that it switched one off): so each takes the row's lock
and saves only what it changes.
"""

from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from lists.models import List, Realm, User
from lists.models.lists import new_public_id
from lists.sealed import new_salt
from reporting.changes import end_of_feed
from reporting.models import (
    DeliveryState,
    OffCause,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookFormat,
)
from reporting.webhooks.auditing import record_webhook
from reporting.webhooks.handover import (
    default_of,
    find_start,
    give_back,
    lock_with_default,
)
from reporting.webhooks.locks import lock_rows
from reporting.webhooks.plans import (
    LONGEST_LABEL,
    EndpointPlan,
    EndpointRefusedError,
    check_plan,
    origin_of,
    plan_of,
)
from reporting.webhooks.splitting import split_batches
from reporting.webhooks.timetable import TRIES

__all__ = [
    "LONGEST_LABEL",
    "LONGEST_OVERLAP",
    "MOST_ENDPOINTS",
    "OVERLAP",
    "EndpointPlan",
    "EndpointRefusedError",
    "TooManyEndpointsError",
    "change_endpoint",
    "find_callback",
    "make_endpoint",
    "plan_of",
    "remove_endpoint",
    "rotate_secret",
    "set_callback_url",
    "switch_off",
    "switch_on",
]

PREFIX = "wh_"
MOST_ENDPOINTS = 100  # of a realm: each of its opt-outs goes to all of them
OVERLAP = timedelta(hours=24)  # how long an old secret signs as well, unless told otherwise
LONGEST_OVERLAP = timedelta(days=7)

SWITCHED_OFF_BY_US = (OffCause.GONE, OffCause.FAILING)


class TooManyEndpointsError(EndpointRefusedError):
    """The realm has MOST_ENDPOINTS already."""

    def __init__(self) -> None:
        super().__init__("url", _("A realm can have at most 100 endpoints. Remove one first."))


@transaction.atomic
def make_endpoint(
    realm: Realm,
    plan: EndpointPlan,
    *,
    actor: User | None,
    key_id: int | None = None,
    now: datetime,
) -> WebhookEndpoint:
    """Make an endpoint, which is told of every change from now on. Its secret: `signing.secret_of(endpoint.salt)`.

    Raises EndpointRefusedError, TooManyEndpointsError among them.
    """
    endpoint = _new(realm, check_plan(realm, plan), actor, key_id, now)
    _lock(realm)
    _begin(endpoint)
    endpoint.save(force_insert=True)
    _require_room(realm)
    record_webhook("make_webhook", endpoint, actor, key_id, **_told(endpoint))
    return endpoint


@transaction.atomic
def set_callback_url(
    realm: Realm,
    optout_list: List | None,
    url: str,
    *,
    actor: User | None,
    key_id: int | None = None,
    now: datetime,
    format: WebhookFormat | None = None,  # noqa: A002 -- as the field and the API call it
) -> WebhookEndpoint | None:
    """Set the realm's “Default Optout Callback URL” (None), or the one of a list, which takes its place there (S3.11).

    An empty URL removes it. Of a changed one cursor and secret stay, and its format unless another is given; a new one gets the
    SMS payload as JSON. Two at once make one. Raises EndpointRefusedError.
    """
    if optout_list is not None and (optout_list.realm_id != realm.pk or optout_list.is_global):
        sentence = _("What is on Do Not Mail holds for every list: it goes to the default one.")
        raise EndpointRefusedError("list_ids", sentence)
    if not url.strip():
        found = find_callback(realm, optout_list)
        if found is not None:
            remove_endpoint(found, actor=actor, key_id=key_id, now=now)
        return None
    _check_callback(format or WebhookFormat.SMS_JSON)
    list_ids = None if optout_list is None else [optout_list.pk]
    plan = check_plan(realm, EndpointPlan(url, format or WebhookFormat.SMS_JSON, list_ids=list_ids))
    _lock(realm)
    made = _new(realm, plan, actor, key_id, now)
    made.is_callback = True
    _begin(made)
    WebhookEndpoint.objects.bulk_create([made], ignore_conflicts=True)
    endpoint = lock_rows(_callback_of(realm, optout_list)).get()
    if endpoint.public_id == made.public_id:
        _require_room(realm)
        record_webhook("make_webhook", endpoint, actor, key_id, **_told(endpoint))
        return endpoint
    kept = replace(plan_of(endpoint), url=plan.url)
    return _change(endpoint, replace(kept, format=format or kept.format), actor, key_id, now)


def find_callback(realm: Realm, optout_list: List | None) -> WebhookEndpoint | None:
    """The realm's default callback (None), or the own one of a list."""
    return WebhookEndpoint.objects.filter(_callback_of(realm, optout_list)).first()


@transaction.atomic
def change_endpoint(
    endpoint: WebhookEndpoint,
    plan: EndpointPlan,
    *,
    actor: User | None,
    key_id: int | None = None,
    now: datetime,
) -> WebhookEndpoint:
    """Make an endpoint what the plan says; cursor and secret stay. The row as it is then.

    One that we switched off is on again with a new URL: the old one was the cause. Raises EndpointRefusedError, and
    WebhookEndpoint.DoesNotExist where it was removed meanwhile.
    """
    checked = check_plan(endpoint.realm, plan, kept_url=endpoint.url)
    row = _locked(endpoint)
    if row.is_callback:
        if checked.list_ids != row.list_ids:
            raise EndpointRefusedError("list_ids", _("A callback stays with its list."))
        _check_callback(checked.format)
    return _change(row, checked, actor, key_id, now)


@transaction.atomic
def rotate_secret(
    endpoint: WebhookEndpoint,
    overlap: timedelta,
    *,
    actor: User | None,
    key_id: int | None = None,
    now: datetime,
) -> WebhookEndpoint:
    """Give it a new secret; the old one signs as well for `overlap`, of which 0 is none. One older still ends at once.

    Raises EndpointRefusedError for an overlap beyond LONGEST_OVERLAP, WebhookEndpoint.DoesNotExist.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise EndpointRefusedError("overlap", _("Both secrets can sign for at most 7 days."))
    row = _locked(endpoint)
    row.old_salt = bytes(row.salt) if overlap else None
    row.old_salt_until = now + overlap if overlap else None
    row.salt = new_salt()
    row.save(update_fields=("salt", "old_salt", "old_salt_until"))
    hours = overlap.total_seconds() / 3600
    record_webhook("rotate_webhook_secret", row, actor, key_id, overlap_hours=hours)
    return row


@transaction.atomic
def switch_off(
    endpoint: WebhookEndpoint, *, actor: User | None, key_id: int | None = None, now: datetime
) -> WebhookEndpoint:
    """Send it nothing any more. What comes meanwhile waits for it. Does nothing to one that is off, whatever the cause."""
    row = _locked(endpoint)
    if row.off_at is None:
        row.off_at, row.off_cause = now, OffCause.OWNER
        _save(row, "off_at", "off_cause")
        record_webhook("switch_off_webhook", row, actor, key_id)
    return row


@transaction.atomic
def switch_on(
    endpoint: WebhookEndpoint,
    *,
    skips_missed: bool,
    actor: User | None,
    key_id: int | None = None,
    now: datetime,
) -> WebhookEndpoint:
    """Send to it again, what it has missed first: that has all its tries once more, also what failed for good since anything
    last arrived. Does nothing to one that is on.

    With `skips_missed` it begins with what comes from now on. What waited stands under the failed ones, to be sent by a replay;
    what had not been made into deliveries can be had from the change feed.
    """
    end = (
        end_of_feed() if skips_missed else None
    )  # before the row is locked: it may put the ledger in order
    row = _locked(endpoint)
    if row.off_at is None:
        return row
    if end is None:
        missed = {"again": _begin_anew(row, now)}
    else:
        row.xid, row.last_id = end.xid, end.last_id
        _switch_on(row, "xid", "last_id")
        missed = {"skipped": _unasked(row).update(state=DeliveryState.FAILED)}
    detail = {"skips_missed": skips_missed, **missed}
    record_webhook("switch_on_webhook", row, actor, key_id, **detail)
    return row


@transaction.atomic
def remove_endpoint(
    endpoint: WebhookEndpoint, *, actor: User | None, key_id: int | None = None, now: datetime
) -> bool:
    """End an endpoint for good, its secret and its log with it; False where it was removed before.

    What of a list's own callback has not arrived goes to the default one.
    """
    _lock(endpoint.realm)
    row, default = lock_with_default(endpoint)
    if row is None:
        return False
    row.removed_at = now
    _save(row, "removed_at")
    if default is not None and row.is_callback and row.pk != default.pk:
        give_back(row, default, now)
    record_webhook("remove_webhook", row, actor, key_id)
    return True


# ── What they share ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _lock(realm: Realm) -> None:
    """One new or removed endpoint of a realm at a time. NO KEY: what is written below the realm goes on."""
    Realm.objects.select_for_update(no_key=True).get(pk=realm.pk)


def _locked(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """Its row as it is now, for us alone. Raises WebhookEndpoint.DoesNotExist where it was removed."""
    row = lock_rows(Q(pk=endpoint.pk, removed_at=None)).get()
    row.realm = endpoint.realm
    return row


def _check_callback(chosen: str) -> None:
    """A callback is what seed 003 describes. Raises EndpointRefusedError."""
    if chosen == WebhookFormat.STANDARD:
        sentence = _("A callback sends the three fields: as sms-json or sms-form.")
        raise EndpointRefusedError("format", sentence)


def _callback_of(realm: Realm, optout_list: List | None) -> Q:
    if optout_list is None:
        return default_of(realm.pk)
    return Q(realm=realm, is_callback=True, list_ids=[optout_list.pk], removed_at=None)


def _waiting(endpoint: WebhookEndpoint) -> QuerySet[WebhookDelivery, WebhookDelivery]:
    return WebhookDelivery.objects.filter(
        endpoint=endpoint, state=DeliveryState.WAITING, is_test=False
    )


def _unasked(endpoint: WebhookEndpoint) -> QuerySet[WebhookDelivery, WebhookDelivery]:
    """What is yet to arrive, but for replays that somebody asked for."""
    return WebhookDelivery.objects.filter(
        Q(state=DeliveryState.WAITING) | Q(state=DeliveryState.QUEUED, asked_by=""),
        endpoint=endpoint,
        is_test=False,
    )


def _new(
    realm: Realm, plan: EndpointPlan, actor: User | None, key_id: int | None, now: datetime
) -> WebhookEndpoint:
    return WebhookEndpoint(
        realm=realm,
        public_id=PREFIX + new_public_id(),
        salt=new_salt(),
        made_by=actor,
        made_by_key_id=key_id,
        created_at=now,
        **_fields(plan),
    )


def _begin(endpoint: WebhookEndpoint) -> None:
    start = find_start(endpoint)
    endpoint.xid, endpoint.last_id = start.xid, start.last_id


def _require_room(realm: Realm) -> None:
    """Asked after it was made, which is undone then: so a callback that is there already can still be changed."""
    if WebhookEndpoint.objects.filter(realm=realm, removed_at=None).count() > MOST_ENDPOINTS:
        raise TooManyEndpointsError


def _fields(plan: EndpointPlan) -> dict[str, Any]:
    return {each.name: getattr(plan, each.name) for each in fields(plan)}


def _change(
    row: WebhookEndpoint,
    plan: EndpointPlan,
    actor: User | None,
    key_id: int | None,
    now: datetime,
) -> WebhookEndpoint:
    changed = [name for name, value in _fields(plan).items() if getattr(row, name) != value]
    if not changed:
        return row
    for name in changed:
        setattr(row, name, getattr(plan, name))
    if changed == ["label"]:
        row.save(update_fields=changed)
    else:
        _save(row, *changed)
    if "format" in changed:
        split_batches(row)
    if "url" in changed and (row.off_cause in SWITCHED_OFF_BY_US or row.failing_since is not None):
        _begin_anew(row, now)
    elif "url" in changed:  # what failed was the old one's affair
        _waiting(row).filter(tries__gt=0).update(step=0, due_at=now)
    told = _told(row)
    record_webhook("change_webhook", row, actor, key_id, **{name: told[name] for name in changed})
    return row


def _switch_on(row: WebhookEndpoint, *changed: str) -> None:
    row.off_at, row.off_cause, row.off_told_at, row.failing_since = None, "", None, None
    _save(row, "off_at", "off_cause", "off_told_at", "failing_since", *changed)


def _begin_anew(row: WebhookEndpoint, now: datetime) -> int:
    """Switch it on, and let what waits have all its tries, from now on; also what failed for good since anything last arrived,
    and how much that is. Not what somebody left out: that was not tried to the end.
    """
    _switch_on(row)
    _waiting(row).update(step=0, due_at=now)
    failed = WebhookDelivery.objects.filter(
        endpoint=row, state=DeliveryState.FAILED, is_test=False, step__gte=TRIES
    )
    if row.succeeded_at is not None:
        failed = failed.filter(tried_at__gt=row.succeeded_at)
    return failed.update(state=DeliveryState.QUEUED, step=0, due_at=now)


def _save(row: WebhookEndpoint, *names: str) -> None:
    """Keep these fields of a locked row. The sender does no more by what it knows of it."""
    row.revision += 1
    row.save(update_fields=(*names, "revision"))


def _told(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """What the audit says of it."""
    return {**_fields(plan_of(endpoint)), "url": origin_of(endpoint.url)}
