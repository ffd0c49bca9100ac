"""What programs send about endpoints, and what they are told: endpoints, and deliveries."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Field, Schema
from pydantic import AfterValidator, BeforeValidator, ConfigDict, StringConstraints, WithJsonSchema

from optout.channels.rest.bodies import Body
from optout.channels.rest.words import time_text, word
from optout.choices import Channel, Medium
from reporting.models import DeliveryState, WebhookDelivery
from reporting.rest.parameters import Moment
from reporting.webhooks.endpoints import LONGEST_LABEL
from reporting.webhooks.health import Health
from reporting.webhooks.log import show_request

CHANNELS = {word(Channel, each): each for each in Channel}
MEDIA = {word(Medium, each): each for each in Medium}
STATES = {word(DeliveryState, each): each for each in DeliveryState}


def _known_channel(name: str) -> str:
    if name not in CHANNELS:
        raise ValueError("There is no such channel.")
    return name


def _only_text(value: Any) -> Any:
    if value is not None and not isinstance(value, str):
        raise ValueError(
            "Write a time as text."
        )  # a number may be meant as seconds or as milliseconds
    return value


ListNumber = Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]
ChannelName = Annotated[
    str,
    AfterValidator(_known_channel),
    WithJsonSchema({"type": "string", "enum": sorted(CHANNELS)}),
]
Format = Literal["standard", "sms-json", "sms-form"]
MediumName = Literal["email", "sms"]
StateName = Literal["queued", "waiting", "delivered", "failed"]
Label = Annotated[str, StringConstraints(max_length=LONGEST_LABEL)]
Yes = Annotated[bool, Field(strict=True)]

_FORMAT = "`standard`, or for opt-outs of phone numbers three fields: `sms-json`, `sms-form`."
_LIST = "Number of the one list that it is told of, Do Not Mail with it."
_LISTS = (
    "Numbers of the lists that it is told of, Do Not Mail with them; null: all, later ones as well."
)
_CHANNELS = "Only what came in these ways; null: whatever way it came in."
_MEDIUM = "Only email addresses, or only phone numbers; null: both."
_LIFTS = "Whether it is told when a suppression ends."
_BATCHES = "Whether up to 100 changes come in one message when many are waiting."
_LABEL = "Your own name for it."
_URL = "Where messages go: https, or http."

Lists = Annotated[list[ListNumber], Field(min_length=1, max_length=1_000)]
Channels = Annotated[list[ChannelName], Field(min_length=1, max_length=100)]


class NewWebhook(Body):
    """An endpoint to make. A key for some lists must say which: `list`, or `lists`."""

    url: str = Field(description=_URL)
    format: Format = Field("standard", description=_FORMAT)
    label: Label = Field("", description=_LABEL)
    list: ListNumber | None = Field(None, description=_LIST)
    lists: Lists | None = Field(None, description=_LISTS)
    channels: Channels | None = Field(None, description=_CHANNELS)
    medium: MediumName | None = Field(None, description=_MEDIUM)
    lifts: Yes = Field(True, description=_LIFTS)
    batches: Yes = Field(True, description=_BATCHES)


def _without_defaults(schema: dict[str, Any]) -> None:
    for each in schema["properties"].values():
        each.pop("default", None)


class WebhookChange(Body):
    """What is to be different about an endpoint; what is left out stays."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    url: str = Field("", description=_URL)
    format: Format = Field("standard", description=_FORMAT)
    label: Label = Field("", description=_LABEL)
    list: ListNumber | None = Field(None, description=_LIST)
    lists: Lists | None = Field(None, description=_LISTS)
    channels: Channels | None = Field(None, description=_CHANNELS)
    medium: MediumName | None = Field(None, description=_MEDIUM)
    lifts: Yes = Field(True, description=_LIFTS)
    batches: Yes = Field(True, description=_BATCHES)
    is_on: Yes = Field(True, description="Whether messages are sent to it.")
    skip_missed: Yes = Field(
        False,
        description="When it is switched on: whether what it missed is left out, and what was given up.",
    )


class Replay(Body):
    """What is to be sent again: one of the two; neither: all that failed."""

    delivery: Annotated[int, Field(strict=True, ge=1, le=2**63 - 1)] | None = Field(
        None, description="The id of a delivery."
    )
    since: Annotated[Moment, BeforeValidator(_only_text)] = Field(
        None,
        description="All that failed and tells of what was recorded from this time on: a date, or a time with its zone.",
    )


class Rotation(Body):
    """For how long both secrets sign."""

    overlap_hours: Annotated[int, Field(strict=True, ge=0, le=7 * 24)] = Field(
        default=24, description="Hours for which the old secret signs as well; 0: it ends at once."
    )


class WebhookOut(Schema):
    """An endpoint, and how it is."""

    id: str
    url: str = Field(description=_URL)
    format: Format = Field(description=_FORMAT)
    label: str = Field(description=_LABEL)
    is_callback: bool = Field(
        description="Whether it is the realm’s Default Optout Callback URL, or a list’s own. Made in the portal."
    )
    lists: list[int] | None = Field(description=_LISTS)
    channels: list[str] | None = Field(description=_CHANNELS)
    medium: MediumName | None = Field(description=_MEDIUM)
    lifts: bool = Field(description=_LIFTS)
    batches: bool = Field(description=_BATCHES)
    created_at: str
    state: Literal["new", "delivering", "failing", "off"] = Field(
        description="`new`: nothing was delivered yet. `failing`: the last try failed."
    )
    is_on: bool = Field(description="Whether messages are sent to it.")
    off_cause: Literal["owner", "gone", "failing"] | None = Field(
        description="Why it is off: by hand, because it answered 410, or because nothing could be delivered any more."
    )
    off_at: str | None
    waiting: int = Field(
        description="What has yet to arrive: messages that wait to be sent, and changes that are not in a message yet."
    )
    waiting_is_more: bool = Field(
        description="Whether there may be more: no more than 10,000 messages are counted, and 2,000 changes looked through."
    )
    failed: int = Field(description="Messages that were given up, and are kept; up to 10,000.")
    delay_seconds: int | None = Field(
        description="How late it is: the age of the oldest change that has not arrived. Null where that one was not found."
    )
    succeeded_at: str | None = Field(description="When it last took a message.")
    failed_at: str | None = Field(description="When it last failed to.")
    failing_since: str | None = Field(description="The first failure since it last took a message.")
    old_secret_until: str | None = Field(
        description="Until when the old secret signs as well, during a rotation."
    )


class MadeWebhookOut(WebhookOut):
    """An endpoint that was made, with its secret."""

    secret: str = Field(
        description="`whsec_…`: told now. Later the portal shows it to whoever may change the endpoint."
    )


class WebhooksOut(Schema):
    """Endpoints; a realm has at most 100."""

    webhooks: list[WebhookOut]


class RequestOut(Schema):
    """What was sent at the last try, or would be now."""

    url: str = Field(description="Of the endpoint, as it is today.")
    headers: dict[str, str] = Field(description="Without the signature.")
    body: str = Field(description="As it is sent.")


class DeliveryOut(Schema):
    """A message to an endpoint, and what became of it."""

    id: int
    webhook_id: str = Field(description="The header `webhook-id`, the same on each try.")
    state: StateName = Field(
        description="`queued`: somebody asked for it. `waiting`: for its first try or the next one. `failed`: given up, and kept."
    )
    is_test: bool
    changes: int = Field(description="How many changes it tells of.")
    tries: int
    status: int | None = Field(description="Of the last answer.")
    failure: str | None = Field(
        description="Why the last try failed: status (the answer was not 2xx), refused, unreachable, name, tls, timeout, broken, "
        "or forbidden (inside a network that Heed may not call)."
    )
    answer: str | None = Field(description="The beginning of the last answer.")
    took_ms: int | None = Field(description="How long the last try took, in milliseconds.")
    recorded_at: str = Field(description="When the first of its changes was recorded.")
    created_at: str
    tried_at: str | None = Field(description="When it was last tried.")
    due_at: str | None = Field(
        description="When the next try is due; null where there is none, as while the endpoint is off."
    )
    request: RequestOut


class DeliveriesOut(Schema):
    """A page of deliveries; `next` is the cursor of the page after it."""

    deliveries: list[DeliveryOut]
    next: str | None


class AskedOut(Schema):
    """The delivery that the test is."""

    delivery: int = Field(description="Its id, among what was sent.")


class ReplayedOut(Schema):
    """What is sent again."""

    replayed: int = Field(
        description="How many messages; what was never tried is sent anyway, and not counted."
    )


class RotatedOut(Schema):
    """The new secret."""

    secret: str = Field(description="`whsec_…`: told now, as when one is made.")
    old_until: str | None = Field(
        description="Until when the old one signs as well; null: it does no longer."
    )


def webhook_fields(health: Health, numbers: Mapping[int, int]) -> dict[str, Any]:
    """An endpoint as WebhookOut has it; `numbers` of lists by primary key."""
    row = health.endpoint
    until = row.old_salt_until
    return {
        "id": row.public_id,
        "url": row.url,
        "format": row.format,
        "label": row.label,
        "is_callback": row.is_callback,
        "lists": None if row.list_ids is None else sorted(numbers[each] for each in row.list_ids),
        "channels": row.channels and sorted(word(Channel, each) for each in row.channels),
        "medium": row.medium and word(Medium, row.medium),
        "lifts": row.gets_lifts,
        "batches": row.batches,
        "created_at": time_text(row.created_at),
        "state": health.state.value,
        "is_on": row.is_on,
        "off_cause": row.off_cause or None,
        "off_at": maybe_time(row.off_at),
        "waiting": health.waiting,
        "waiting_is_more": health.waiting_is_more,
        "failed": health.failed,
        "delay_seconds": health.delay_seconds,
        "succeeded_at": maybe_time(row.succeeded_at),
        "failed_at": maybe_time(row.failed_at),
        "failing_since": maybe_time(row.failing_since),
        "old_secret_until": maybe_time(until if until and until > health.now else None),
    }


def delivery_out(delivery: WebhookDelivery, now: datetime) -> DeliveryOut:
    """A delivery of an endpoint (which is at hand) as the API tells it."""
    state = DeliveryState(delivery.state)
    request = show_request(delivery.endpoint, delivery, now)
    is_due = delivery.endpoint.is_on and state in {DeliveryState.QUEUED, DeliveryState.WAITING}
    return DeliveryOut(
        id=delivery.pk,
        webhook_id=delivery.webhook_id,
        state=word(DeliveryState, state),  # type: ignore[arg-type]
        is_test=delivery.is_test,
        changes=len(delivery.changes),
        tries=delivery.tries,
        status=delivery.status,
        failure=delivery.failure or None,
        answer=delivery.answer if delivery.status is not None else None,
        took_ms=delivery.took_ms,
        recorded_at=time_text(delivery.recorded_at),
        created_at=time_text(delivery.created_at),
        tried_at=maybe_time(delivery.tried_at),
        due_at=time_text(delivery.due_at) if is_due else None,
        request=RequestOut(url=request.url, headers=request.headers, body=request.body),
    )


def maybe_time(moment: datetime | None) -> str | None:
    """A time as answers write it."""
    return None if moment is None else time_text(moment)
