"""What a message that is being written would become: how long it is, what one recipient would read, how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lists import sms
from lists.lookup import snapshot
from lists.models import InboundEndpoint, List, Realm
from lists.segments import BASIC, EXTENDED, Measure
from lists.sms_setup import rules_of
from optout.short_links import short_url
from reporting.send_editor.messages import check_target
from reporting.send_editor.recipients import (
    RecipientCount,
    count_recipients,
    read_recipients,
)
from reporting.send_editor.senders import check_sender, heard_number
from reporting.send_editor.texts import (
    MOST_SEGMENTS,
    NOBODY,
    PLACEHOLDER,
    TextRefusedError,
    measure_text,
    plain_text,
    sample_link,
)
from reporting.send_editor.warnings import placeholder_warnings, tells_word

_LOOKED_THROUGH = 10_000  # places on the list, for the one recipient that is shown
_MOST_WIDE = 10  # characters that are named
_NOT_HEARD = _(
    "The message asks for an answer, but nobody hears a STOP that is texted back: it comes from no number of this account. "
    "Choose one under From, or insert the opt-out link."
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as far as it is written: `text` as check_text leaves it, or as it stands in the editor."""

    realm: Realm
    optout_list: List | None
    number: str
    text: str
    is_to_list: bool = True  # though none may be selected yet
    sender: str = ""  # the realm's number that it comes from; empty: SMS_FROM

    @property
    def list_id(self) -> int | None:
        """For measuring: 0 where no list is selected yet. All their links are as long."""
        if not self.is_to_list:
            return None
        return 0 if self.optout_list is None else self.optout_list.pk


@dataclass(frozen=True, slots=True)
class Look:
    """What is shown beside it. `count` is None for a single number, and where counting would take too long."""

    measure: Measure
    to: str  # the recipient that is shown; empty where there is none
    parts: Sequence[str]  # of the text as that one reads it: between them stands the link
    link: str
    count: RecipientCount | None
    wide: Sequence[str]  # the characters for which a segment holds 70 and not 160
    has_plain: bool  # whether plain characters would do for some of them
    warnings: Sequence[str]  # without that there is nobody: `is_for_nobody`

    @property
    def is_too_long(self) -> bool:
        """Whether it cannot be sent as long as it is."""
        return self.measure.segments > MOST_SEGMENTS

    @property
    def is_for_nobody(self) -> bool:
        """Whether there is nobody on the list whom it could reach."""
        return self.count is not None and self.count.recipients == 0

    @property
    def segments(self) -> int | None:
        """All that the gateway would send, and charge for."""
        return None if self.count is None else self.count.recipients * self.measure.segments


def look_at(draft: Draft) -> Look:
    """Everything about a draft, in a few seconds at most: a large list is not counted to the end."""
    to, link = _example(draft)
    count = None
    if draft.optout_list is not None:
        count = count_recipients(snapshot(draft.optout_list))
    parts = draft.text.split(PLACEHOLDER) if draft.is_to_list else [draft.text]
    return Look(
        measure=measure_text(draft.text, draft.list_id),
        to=to,
        parts=parts,
        link=link,
        count=count,
        wide=wide_characters(draft.text),
        has_plain=plain_text(draft.text) != draft.text,
        warnings=_warnings(draft),
    )


def wide_characters(text: str) -> list[str]:
    """Those that GSM 03.38 does not have, each once, the first few of them."""
    known = BASIC | EXTENDED
    return list(dict.fromkeys(each for each in text if each not in known))[:_MOST_WIDE]


def _example(draft: Draft) -> tuple[str, str]:
    """One recipient and their link. Of a list without any: nobody, and a link that is as long."""
    if draft.optout_list is None:
        return draft.number, sample_link(0) if draft.is_to_list else ""
    found = snapshot(draft.optout_list)
    for limit in (100, _LOOKED_THROUGH):
        batch, _following = read_recipients(found, b"", limit)
        if batch:
            return batch[0].number, short_url(found.id, batch[0].number)
    return "", sample_link(found.id)


def warnings_of(draft: Draft, count: RecipientCount | None) -> list[str]:
    """What to think of before it is sent, in sentences. `count` as in Look: that there is nobody to send it to is among them."""
    is_for_nobody = count is not None and count.recipients == 0
    return [*([str(NOBODY)] if is_for_nobody and draft.is_to_list else []), *_warnings(draft)]


def _warnings(draft: Draft) -> list[str]:
    warnings = placeholder_warnings(draft.text, is_to_list=draft.is_to_list)
    if draft.optout_list is not None or draft.number:
        try:
            check_target(draft.realm, draft.optout_list, draft.number)
            check_sender(draft.optout_list, draft.sender)
        except TextRefusedError as error:
            warnings.append(str(error))
    if draft.is_to_list and draft.text.strip():
        warnings += _way_out(draft)
    if not sms.can_send():
        warnings.append(gettext("There is no SMS gateway: the message cannot be sent from here."))
    return warnings


def _way_out(draft: Draft) -> list[str]:
    if PLACEHOLDER in draft.text:
        return []
    if not tells_word(draft.text, rules_of(draft.realm.pk)):
        return [
            gettext(
                "The message does not say how to opt out. Insert the opt-out link, or end it with “Reply STOP to opt out”."
            )
        ]
    if heard_number(draft.realm, draft.sender) is None:
        return [str(_NOT_HEARD)]
    if not InboundEndpoint.objects.filter(realm=draft.realm, removed_at=None).exists():
        return [
            gettext(
                "The message asks for an answer, but nobody passes answers on to Heed: see Settings, Text messages."
            )
        ]
    return []
