"""Endpoints and their deliveries as lines to read and as JSON, for the command `webhook`."""

from datetime import UTC, datetime
from typing import Any

from optout.choices import Channel, Medium
from reporting.models import DeliveryState, WebhookEndpoint
from reporting.webhooks.health import EndpointState, Health
from reporting.webhooks.log import LogLine

_STATES = {
    EndpointState.DELIVERING: "delivering",
    EndpointState.NEW: "nothing sent yet",
    EndpointState.FAILING: "failing",
    EndpointState.OFF: "off",
}


def endpoint_json(health: Health, numbers: dict[int, int]) -> dict[str, Any]:
    """An endpoint with how it does; `numbers`: those of the realm's lists, by primary key."""
    row = health.endpoint
    names = ("created_at", "off_at", "succeeded_at", "failed_at", "failing_since")
    times: dict[str, datetime | None] = {name: getattr(row, name) for name in names}
    return {
        "id": row.public_id,
        "url": row.url,
        "label": row.label,
        "format": row.format,
        "is_callback": row.is_callback,
        "lists": _list_numbers(row, numbers),
        "channels": row.channels and [_channel_name(each) for each in row.channels],
        "medium": row.medium and Medium(row.medium).name.lower(),
        "lifts": row.gets_lifts,
        "batches": row.batches,
        "state": health.state.value,
        "off_cause": row.off_cause or None,
        "waiting": health.waiting,
        "waiting_is_more": health.waiting_is_more,
        "failed": health.failed,
        "delay_seconds": health.delay_seconds,
        "is_unread": health.is_unread,
        **{name: at and at.isoformat() for name, at in times.items()},
    }


def _list_numbers(row: WebhookEndpoint, numbers: dict[int, int]) -> list[int] | None:
    if row.list_ids is None:
        return None
    return sorted(numbers[each] for each in row.list_ids if each in numbers)


def _channel_name(code: int) -> str:
    channel = Channel.find(code)
    return "other" if channel is None else channel.name.lower()


def endpoint_line(health: Health, numbers: dict[int, int]) -> str:
    row = health.endpoint
    lists = _list_numbers(row, numbers)
    reach = "whole realm" if lists is None else f"lists {', '.join(map(str, lists))}"
    parts = [
        f"{row.public_id}  {row.label}".rstrip(),
        row.url,
        f"{row.format}{' callback' if row.is_callback else ''}",
        reach,
        _state(health),
        f"{health.waiting_in_words} waiting",
        f"{health.failed} failed",
    ]
    if health.delay:
        parts.append(f"{health.delay_seconds} s behind")
    if row.succeeded_at:
        parts.append(f"last success {_at(row.succeeded_at)}")
    return ", ".join(parts)


def _state(health: Health) -> str:
    text = _STATES[health.state]
    if health.since:
        text += f" since {_at(health.since)}"
    cause = health.endpoint.off_cause
    return f"{text} ({health.endpoint.get_off_cause_display().lower()})" if cause else text


def delivery_json(line: LogLine, *, is_on: bool) -> dict[str, Any]:
    """`is_on`: whether its endpoint is; else there is no next try."""
    row = line.delivery
    names = ("recorded_at", "created_at", "tried_at")
    times: dict[str, datetime | None] = {name: getattr(row, name) for name in names}
    is_waiting = is_on and row.state == DeliveryState.WAITING
    return {
        "id": row.pk,
        "webhook_id": row.webhook_id,
        "is_test": row.is_test,
        "changes": line.size,
        "state": DeliveryState(row.state).name.lower(),
        "tries": row.tries,
        "status": row.status,
        "failure": row.failure or None,
        "took_ms": row.took_ms,
        "answer": row.answer,
        "next_try_at": row.due_at.isoformat() if is_waiting else None,
        **{name: at and at.isoformat() for name, at in times.items()},
    }


def delivery_line(line: LogLine, *, is_on: bool) -> str:
    row = line.delivery
    what = "test" if row.is_test else f"{line.size} change{'' if line.size == 1 else 's'}"
    parts = [f"{row.pk}  {_at(row.created_at)}", what, row.get_state_display().lower()]
    if row.tries:
        parts.append(f"tried {row.tries} times" if row.tries > 1 else "tried once")
    if row.status:
        parts.append(f"HTTP {row.status}")
    elif row.failure:
        parts.append(row.get_failure_display().lower())
    if is_on and row.state == DeliveryState.WAITING:
        parts.append(f"next try {_at(row.due_at)}")
    return ", ".join(parts)


def _at(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
