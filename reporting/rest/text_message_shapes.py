"""What programs send about text messages, and what they are told: opt-out links, messages, previews."""

from typing import Annotated, Any, Literal

from ninja import Field, Schema
from pydantic import ConfigDict, WithJsonSchema

from optout.channels.rest.bodies import Body
from optout.channels.rest.words import time_text
from reporting.models.messages import TextMessage

MOST_PHONES = 10_000

# As they are sent: which of them are numbers is looked at afterwards, each under its position.
Phones = Annotated[list[str], Field(min_length=1, max_length=MOST_PHONES)]
ListNumber = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]
# Left out or null is answered with a sentence of its own.
ListOfLinks = Annotated[
    Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)] | None,
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 2**31 - 1}),
]


class PhonesOfList(Body):
    """Phone numbers, and the list whose text messages they are sent."""

    list: ListOfLinks = Field(
        None,
        description="Number of the list that the messages belong to: a link is made for a list’s recipients.",
    )
    phones: Phones = Field(
        description="1 to 10,000 phone numbers, with their country code or as dialled in the realm’s country. "
        "They need not be contacts."
    )


class OptOutLinkOut(Schema):
    """One phone’s link."""

    phone: str = Field(description="As it was sent.")
    link: str | None = Field(
        description="Its own link, 25 characters after the host. Null where it is suppressed."
    )
    suppressed: bool = Field(
        description="Whether it opted out, of this list or of everything: then send it nothing."
    )


# Of a class with a field `list` no annotation could say so.
Links = list[OptOutLinkOut]
Sentences = list[str]


class OptOutLinksOut(Schema):
    """One link for each phone, in the order sent."""

    list: int = Field(description="Number of the list.")
    open_link: str = Field(
        description="The list’s link without a number in it: whoever opens it types theirs. For a message that is alike for all."
    )
    links: Links = Field(description="One for each phone, in the order in which they were sent.")


_LIST = "Number of the list whose recipients it goes to."
_TO = "The single number that it goes to, with its country code or as dialled in the realm’s country. This, or list."
_TEXT = "The message; to a list, `{optout}` in it becomes each recipient’s own link. 10 segments at most."


class Draft(Body):
    """A text, and where it would go."""

    list: ListNumber | None = Field(None, description=f"{_LIST} This, or to.")
    to: str | None = Field(None, description=_TO)
    text: str = Field(description=_TEXT)
    sender: str | None = Field(
        None,
        alias="from",
        description="One of the realm’s numbers. Left out: the number of that list if it has one of its own, else the "
        "installation’s.",
    )


class NewTextMessage(Draft):
    """A message to hand over to the SMS gateway."""


class PreviewOut(Schema):
    """What a message would be."""

    encoding: Literal["GSM-7", "UCS-2"] = Field(
        description="`UCS-2`: there is a character in it for which messages hold 70 instead of 160."
    )
    segments: int = Field(
        description="How many text messages it is for each recipient, links included."
    )
    characters: int = Field(description="As people count them, links included.")
    units: int = Field(
        description="The places that they take: `€` and `[` take two of GSM-7, an emoji two of UCS-2."
    )
    text: str = Field(description="As it arrives, with a link that is as long as everybody’s.")
    recipients: int | None = Field(
        description="How many it would go to now; null where counting them would take too long."
    )
    left_out: int | None = Field(
        description="How many phone contacts on the list are left out because they are suppressed. Who opts out leaves the list "
        "at once and is not counted: this is about those who were left over, and those known by a hash alone."
    )
    warnings: Sentences = Field(
        description="What to think of before it is sent: for one, what stands in braces and is no placeholder."
    )


class TextMessageOut(Schema):
    """A message, and how far it is."""

    model_config = ConfigDict(
        serialize_by_alias=True, validate_by_name=True, validate_by_alias=True
    )

    id: str
    state: Literal["sending", "done", "stopped"]
    list: int | None = Field(description=f"{_LIST} Null: it goes to a single number.")
    to: str | None = Field(description="That single number.")
    sender: str = Field(
        alias="from",
        description="The realm’s number that it comes from; empty: the installation’s own.",
    )
    text: str = Field(description="As it was written.")
    recipients: int | None = Field(
        description="While it is being sent: how many could be written to when it was made, null where counting them would have "
        "taken too long. Afterwards: for how many it was handed over."
    )
    sent: int = Field(description="How many the gateway took.")
    refused: int = Field(description="How many the gateway does not take.")
    unknown: int = Field(
        description="For how many nobody knows whether the gateway took it. They are not sent it again."
    )
    created_at: str
    finished_at: str | None


def text_message_out(message: TextMessage, recipients: int | None) -> TextMessageOut:
    """A message (with its list at hand) as the API tells it."""
    finished = message.finished_at
    told: dict[str, Any] = {
        "id": message.public_id,
        "state": message.state,
        "list": message.optout_list.number if message.optout_list else None,
        "to": message.number or None,
        "from": message.sender,
        "text": message.text,
        "recipients": recipients,
        "sent": message.sent,
        "refused": message.refused,
        "unknown": message.unknown,
        "created_at": time_text(message.created_at),
        "finished_at": None if finished is None else time_text(finished),
    }
    return TextMessageOut(**told)
