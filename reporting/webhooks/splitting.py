"""What waits for an endpoint whose format was changed: batches with phones' opt-outs in them, which go alone now (S3.10)."""

import uuid
from collections.abc import Iterator, Sequence
from copy import copy
from datetime import datetime

from django.db.models import Max, QuerySet

from reporting.models import DeliveryState, WebhookDelivery, WebhookEndpoint, WebhookFormat
from reporting.webhooks.payloads import Change, goes_alone, goes_out

AT_ONCE = 200  # deliveries in memory; there may be 100 changes in each
_INSERTED_AT_ONCE = 1_000

type _Deliveries = QuerySet[WebhookDelivery, WebhookDelivery]


def split_batches(endpoint: WebhookEndpoint) -> None:
    """Make several of each delivery that has not arrived and whose changes do not go together in the endpoint's format.

    Changes that do not go out in it are left out, and so are deliveries of which nothing is left. The caller has changed the
    format, and holds the lock of the endpoint's row (locks.py) until its transaction ends: nobody else makes deliveries for it.

    The sender goes by id, so that a receiver learns of each address in order: from the first that is split on, all that waits
    is made anew. The first part of a delivery keeps its webhook-id.
    """
    if endpoint.format == WebhookFormat.STANDARD:
        return
    every = WebhookDelivery.objects.filter(endpoint=endpoint, is_test=False)
    newest = every.aggregate(newest=Max("pk"))["newest"]
    if newest is None:
        return
    old = every.filter(pk__lte=newest)
    _split_failed(old.filter(state=DeliveryState.FAILED), endpoint.format)
    to_do = old.filter(state__in=(DeliveryState.WAITING, DeliveryState.QUEUED))
    first = _trim_until_split(to_do, endpoint.format)
    if first is not None:
        _make_anew(to_do.filter(pk__gte=first), endpoint.format)


def _split_failed(failed: _Deliveries, message_format: str) -> None:
    """Their order does not matter: each stays as its own first part."""
    for rows in _in_parts(_of_phones(failed)):
        further: list[WebhookDelivery] = []
        for row in rows:
            further += _split(row, message_format)[1:]
        _insert(further)
        _trim(rows, message_format)


def _trim_until_split(to_do: _Deliveries, message_format: str) -> int | None:
    """Leave out what does not go out, until one has to be split; its primary key, None if there is none."""
    for rows in _in_parts(_of_phones(to_do)):
        for place, row in enumerate(rows):
            if len(_told(message_format, row.changes)) > 1:
                _trim(rows[:place], message_format)
                return row.pk
        _trim(rows, message_format)
    return None


def _make_anew(to_do: _Deliveries, message_format: str) -> None:
    for rows in _in_parts(to_do):
        _insert([part for row in rows for part in _split(row, message_format)])
        _delete(rows)


def _told(message_format: str, changes: Sequence[Change]) -> list[list[Change]]:
    """What goes out of these changes, in order, by message, as claims.make_messages does it."""
    told: list[list[Change]] = []
    is_open = False
    for change in changes:
        if not goes_out(message_format, change):
            continue
        is_alone = goes_alone(message_format, change)
        if is_open and not is_alone:
            told[-1].append(change)
        else:
            told.append([change])
        is_open = not is_alone
    return told


def _split(row: WebhookDelivery, message_format: str) -> list[WebhookDelivery]:
    """New deliveries, one for each message that the row makes; they have come as far as it."""
    parts: list[WebhookDelivery] = []
    for changes in _told(message_format, row.changes):
        part = copy(row)
        part.pk = None
        part.changes = changes
        if parts:
            part.message = uuid.uuid4()
            part.recorded_at = datetime.fromisoformat(changes[0]["recorded_at"])
        parts.append(part)
    return parts


def _trim(rows: Sequence[WebhookDelivery], message_format: str) -> None:
    """Leave of each row its first message."""
    empty: list[WebhookDelivery] = []
    shorter: list[WebhookDelivery] = []
    for row in rows:
        told = _told(message_format, row.changes)
        if not told:
            empty.append(row)
        elif len(told[0]) < len(row.changes):
            row.changes = told[0]
            shorter.append(row)
    if shorter:
        WebhookDelivery.objects.bulk_update(shorter, ["changes"])
    _delete(empty)


def _insert(rows: Sequence[WebhookDelivery]) -> None:
    if rows:
        WebhookDelivery.objects.bulk_create(rows, batch_size=_INSERTED_AT_ONCE)


def _delete(rows: Sequence[WebhookDelivery]) -> None:
    if rows:
        WebhookDelivery.objects.filter(pk__in=[row.pk for row in rows]).delete()


def _of_phones(chosen: _Deliveries) -> _Deliveries:
    """Those that tell of a phone: all else goes out as before, in every format."""
    return chosen.filter(changes__contains=[{"medium": "sms"}])


def _in_parts(chosen: _Deliveries) -> Iterator[list[WebhookDelivery]]:
    """All of them by id, locked, some at a time: of what failed, or was asked for again, there may be very many."""
    last = 0
    while rows := list(chosen.filter(pk__gt=last).select_for_update().order_by("pk")[:AT_ONCE]):
        last = rows[-1].pk
        yield rows
