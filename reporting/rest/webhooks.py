"""Endpoints that are told of every opt-out, over REST: made, changed, tested, and what was sent to them (S3.9, S3.11).

A key for some lists reaches the endpoints all of whose lists are its own. What is done to one sends out what the key may read, so
it takes a key that may read and write.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Field, Router, Status

from lists.api_keys import KeyCaller
from lists.models import ApiKey, List, Realm
from optout.channels.rest.door import (
    find_own_list,
    reader_and_writer_of,
    reader_of,
)
from optout.channels.rest.idempotency import DOCUMENTED, idempotent
from optout.channels.rest.paging import DIGITS, make_cursor, read_cursor
from optout.channels.rest.problems import Kind, ProblemError
from optout.choices import Channel
from reporting.models import WebhookDelivery, WebhookEndpoint, WebhookFormat
from reporting.rest.webhook_shapes import (
    CHANNELS,
    MEDIA,
    STATES,
    AskedOut,
    DeliveriesOut,
    MadeWebhookOut,
    NewWebhook,
    Replay,
    ReplayedOut,
    RotatedOut,
    Rotation,
    StateName,
    WebhookChange,
    WebhookOut,
    WebhooksOut,
    delivery_out,
    maybe_time,
    webhook_fields,
)
from reporting.webhooks.endpoints import (
    EndpointPlan,
    EndpointRefusedError,
    change_endpoint,
    make_endpoint,
    plan_of,
    remove_endpoint,
    rotate_secret,
    switch_off,
    switch_on,
)
from reporting.webhooks.health import health_of
from reporting.webhooks.reach import endpoints_of, find_endpoint
from reporting.webhooks.replays import replay_failed, replay_one, send_test
from reporting.webhooks.signing import secret_of

JSON = "application/json; charset=utf-8"
_KIND = "deliveries"
# Each has its body with it: of up to 100 changes.
UpTo100 = Annotated[int, Field(ge=1, le=100), DIGITS]

_ONE_DAY = Rotation(overlap_hours=24)

_FROM_THE_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
router = Router(tags=["webhooks"])


def telling_secret(view: Callable[..., Status[Any]]) -> Callable[..., HttpResponse]:
    """An idempotent call whose answer tells an endpoint's secret, which is kept nowhere, nor is its URL with the answer: a repeat
    is told what they are now."""
    once = idempotent(view)

    @wraps(view)
    def told(request: HttpRequest, *args: Any, **values: Any) -> HttpResponse:
        given: Status[Any] | HttpResponse = once(request, *args, **values)
        if isinstance(given, HttpResponse):
            answer, said = given, json.loads(given.content)
        else:
            answer = HttpResponse(status=given.status_code, content_type=JSON)
            said = given.value.model_dump(mode="json")
        public_id = values.get("webhook_id") or said["id"]
        endpoint = _endpoint(reader_and_writer_of(request), public_id)
        until = endpoint.old_salt_until
        as_it_is = {
            "secret": secret_of(bytes(endpoint.salt)),
            "url": endpoint.url,
            "old_until": maybe_time(until if until and until > timezone.now() else None),
        }
        answer.content = json.dumps({name: as_it_is.get(name, said[name]) for name in said})
        return answer

    return told


@router.post("/webhooks", response={201: MadeWebhookOut}, openapi_extra=DOCUMENTED)
@telling_secret
def make_webhook(request: HttpRequest, sent: NewWebhook) -> Status[MadeWebhookOut]:
    """Have every opt-out from now on sent to a URL, of all lists, or of those that you say. Its secret is told now.

    A URL that leads into an inner network is refused (422, `#/url`), unless the operator has allowed that network.
    """
    caller = reader_and_writer_of(request)
    if sent.list is not None and sent.lists is not None:
        raise _invalid("lists", "Give one of list and lists.")
    plan = EndpointPlan(
        url=sent.url,
        format=WebhookFormat(sent.format),
        label=sent.label,
        list_ids=_lists_of(caller, sent),
        channels=_channels(sent.channels),
        medium=sent.medium and MEDIA[sent.medium],
        gets_lifts=sent.lifts,
        batches=sent.batches,
    )
    now = timezone.now()
    try:
        made = make_endpoint(_realm(caller), plan, actor=None, key_id=caller.key_id, now=now)
    except EndpointRefusedError as refusal:
        raise _refused(refusal, sent) from None
    return Status(201, MadeWebhookOut(**(_told([made])[0] | {"url": ""}), secret=""))


@router.get("/webhooks", response=WebhooksOut)
def read_webhooks(request: HttpRequest) -> WebhooksOut:
    """The endpoints that the key reaches, and how they are. No secrets."""
    caller = reader_of(request)
    found = list(endpoints_of(_realm(caller), caller.list_ids))
    return WebhooksOut(webhooks=[WebhookOut(**each) for each in _told(found)])


@router.get("/webhooks/{webhook_id}", response=WebhookOut)
def read_webhook(request: HttpRequest, webhook_id: str) -> WebhookOut:
    """One endpoint: what it is told of, whether messages arrive, and how late they are."""
    return _webhook_out(_endpoint(reader_of(request), webhook_id))


@router.patch("/webhooks/{webhook_id}", response=WebhookOut)
def change_webhook(request: HttpRequest, webhook_id: str, sent: WebhookChange) -> WebhookOut:
    """Change what is sent along; the rest stays, and so does the secret. Or switch the endpoint off, or on again.

    What happens while it is off is kept, and sent when it is on again, with what was given up since it last took a message; with
    `skip_missed` both are left out. One that Heed switched off is on again with a new URL.
    """
    caller = reader_and_writer_of(request)
    found, given = _endpoint(caller, webhook_id), sent.model_fields_set
    if {"list", "lists"} <= given:
        raise _invalid("lists", "Give one of list and lists.")
    if sent.skip_missed and not ("is_on" in given and sent.is_on):
        raise _invalid("skip_missed", "This goes with is_on: true.")
    by: dict[str, Any] = {"actor": None, "key_id": caller.key_id, "now": timezone.now()}
    try:
        with transaction.atomic():
            endpoint = _locked(caller, found)
            plan = _changed(plan_of(endpoint), caller, sent)
            endpoint = change_endpoint(endpoint, plan, **by)
            if "is_on" in given and sent.is_on:
                endpoint = switch_on(endpoint, skips_missed=sent.skip_missed, **by)
            elif "is_on" in given:
                endpoint = switch_off(endpoint, **by)
    except EndpointRefusedError as refusal:
        raise _refused(refusal, sent) from None
    return _webhook_out(endpoint)


@router.delete("/webhooks/{webhook_id}", response={204: None})
def delete_webhook(request: HttpRequest, webhook_id: str) -> Status[None]:
    """Remove an endpoint for good, with its secret, what waits for it, and its log. Then there is none of this id (404)."""
    caller = reader_and_writer_of(request)
    endpoint = _endpoint(caller, webhook_id)
    if not remove_endpoint(endpoint, actor=None, key_id=caller.key_id, now=timezone.now()):
        raise _no_webhook()
    return Status(204, None)


@router.get("/webhooks/{webhook_id}/deliveries", response=DeliveriesOut)
def read_webhook_deliveries(
    request: HttpRequest,
    webhook_id: str,
    state: StateName | None = None,
    cursor: str | None = None,
    limit: UpTo100 = 100,
) -> DeliveriesOut:
    """What was sent to an endpoint, and what is waiting, newest first. What arrived is kept for 7 days, what failed for 90.

    Before each new try `suppressed` is asked anew.
    """
    endpoint = _endpoint(reader_of(request), webhook_id)
    kind = f"{_KIND} {endpoint.pk}"
    rows = WebhookDelivery.objects.filter(endpoint=endpoint).order_by("-pk")
    if cursor:
        rows = rows.filter(pk__lt=read_cursor(kind, cursor, int)[0])
    if state is not None:
        rows = rows.filter(state=STATES[state])
    found = list(rows[: limit + 1])
    for each in found:
        each.endpoint = endpoint
    now = timezone.now()
    following = make_cursor(kind, found[limit - 1].pk) if len(found) > limit else None
    return DeliveriesOut(
        deliveries=[delivery_out(each, now) for each in found[:limit]], next=following
    )


@router.post("/webhooks/{webhook_id}/test", response={202: AskedOut}, openapi_extra=DOCUMENTED)
@idempotent
def send_webhook_test(request: HttpRequest, webhook_id: str) -> Status[AskedOut]:
    """Have a test message sent, once, also to an endpoint that is off. What became of it stands among what was sent."""
    caller = reader_and_writer_of(request)
    endpoint = _endpoint(caller, webhook_id)
    test = send_test(endpoint, asked_by=_asker(caller), now=timezone.now())
    return Status(202, AskedOut(delivery=test.pk))


@router.post("/webhooks/{webhook_id}/replay", response={202: ReplayedOut}, openapi_extra=DOCUMENTED)
@idempotent
def replay_webhook(
    request: HttpRequest, webhook_id: str, sent: Replay | None = None
) -> Status[ReplayedOut]:
    """Send one message again, whether it arrived or not; or all that failed since a time; or, without a body, all that failed.

    Each has its old `webhook-id`. What failed and waits for its next try is tried at once.

    `suppressed` is asked anew: it says how things stand now.
    """
    caller = reader_and_writer_of(request)
    endpoint = _endpoint(caller, webhook_id)
    if sent is None and request.body:
        raise _invalid("", "Send an object, or no body.")
    sent = sent or Replay(delivery=None, since=None)
    if sent.delivery is not None and sent.since is not None:
        raise _invalid("delivery", "Give delivery or since, or neither.")
    by: dict[str, Any] = {
        "asked_by": _asker(caller),
        "actor": None,
        "key_id": caller.key_id,
        "now": timezone.now(),
    }
    if sent.delivery is None:
        since = sent.since or _FROM_THE_BEGINNING
        return Status(202, ReplayedOut(replayed=replay_failed(endpoint, since, **by)))
    try:
        replayed = replay_one(endpoint, sent.delivery, **by)
    except WebhookDelivery.DoesNotExist:
        raise ProblemError(
            Kind.NOT_FOUND, "There is no such delivery, or it is a test: send another one."
        ) from None
    return Status(202, ReplayedOut(replayed=replayed))


@router.post("/webhooks/{webhook_id}/rotate", response=RotatedOut, openapi_extra=DOCUMENTED)
@telling_secret
def rotate_webhook(
    request: HttpRequest, webhook_id: str, sent: Rotation = _ONE_DAY
) -> Status[RotatedOut]:
    """Give an endpoint a new secret, which is told now. For a while each message is signed by both, so that no check fails.

    An older secret that still signed ends at once.
    """
    caller = reader_and_writer_of(request)
    endpoint = _endpoint(caller, webhook_id)
    overlap = timedelta(hours=sent.overlap_hours)
    try:
        rotate_secret(endpoint, overlap, actor=None, key_id=caller.key_id, now=timezone.now())
    except WebhookEndpoint.DoesNotExist:
        raise _no_webhook() from None
    return Status(200, RotatedOut(secret="", old_until=None))


def _realm(caller: KeyCaller) -> Realm:
    return Realm.objects.get(pk=caller.realm_id)


def _endpoint(caller: KeyCaller, webhook_id: str) -> WebhookEndpoint:
    """The endpoint of that id. Raises ProblemError 404: what the key does not reach does not exist (AT-31)."""
    found = find_endpoint(_realm(caller), caller.list_ids, webhook_id)
    if found is None:
        raise _no_webhook()
    return found


def _locked(caller: KeyCaller, endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """Its row as it is now, for us alone: what somebody else is changing about it stays. Raises ProblemError 404."""
    rows = endpoints_of(endpoint.realm, caller.list_ids).filter(pk=endpoint.pk)
    found = rows.select_for_update(no_key=True, of=("self",)).first()
    if found is None:
        raise _no_webhook()
    return found


def _lists_of(caller: KeyCaller, sent: NewWebhook | WebhookChange) -> list[int] | None:
    """The primary keys of the lists that are asked for, None for all. Raises ProblemError."""
    numbers = sent.lists if sent.list is None else [sent.list]
    if numbers is not None:
        return [find_own_list(caller, number).id for number in dict.fromkeys(numbers)]
    if not caller.is_whole_realm:
        field = "lists" if "lists" in sent.model_fields_set else "list"
        raise _invalid(field, "This API key is for some lists only: say which of them.")
    return None


def _channels(names: Sequence[str] | None) -> list[Channel] | None:
    return None if names is None else [CHANNELS[each] for each in names]


def _changed(plan: EndpointPlan, caller: KeyCaller, sent: WebhookChange) -> EndpointPlan:
    """The plan with what was sent along."""
    given = sent.model_fields_set
    values: dict[str, Any] = {
        "url": sent.url,
        "format": WebhookFormat(sent.format),
        "label": sent.label,
        "channels": _channels(sent.channels),
        "medium": sent.medium and MEDIA[sent.medium],
        "gets_lifts": sent.lifts,
        "batches": sent.batches,
    }
    names = {"lifts": "gets_lifts"}
    given_names = {names.get(each, each) for each in given}
    changes = {name: value for name, value in values.items() if name in given_names}
    if given & {"list", "lists"}:
        changes["list_ids"] = _lists_of(caller, sent)
    return replace(plan, **changes)


def _told(endpoints: Sequence[WebhookEndpoint]) -> list[dict[str, Any]]:
    """How these are, as the API tells it."""
    keys = {key for each in endpoints for key in each.list_ids or ()}
    numbers = dict(List.objects.filter(pk__in=keys).values_list("pk", "number")) if keys else {}
    return [webhook_fields(each, numbers) for each in health_of(endpoints, timezone.now())]


def _webhook_out(endpoint: WebhookEndpoint) -> WebhookOut:
    return WebhookOut(**_told([endpoint])[0])


def _asker(caller: KeyCaller) -> str:
    """Whom the log names."""
    return f"API key {ApiKey.objects.values_list('label', flat=True).get(pk=caller.key_id)}"


_SENT_AS = {"list_ids": "lists"}


def _refused(refusal: EndpointRefusedError, sent: NewWebhook | WebhookChange) -> ProblemError:
    field = _SENT_AS.get(refusal.field, refusal.field)
    if field == "lists" and "list" in sent.model_fields_set:
        field = "list"
    return _invalid(field, str(refusal))


def _invalid(field: str, detail: str) -> ProblemError:
    pointer = f"#/{field}"
    return ProblemError(Kind.INVALID, detail, errors=[{"pointer": pointer, "detail": detail}])


def _no_webhook() -> ProblemError:
    return ProblemError(Kind.NOT_FOUND, "There is no such webhook.")
