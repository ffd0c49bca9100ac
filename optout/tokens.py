"""Stateless tokens of the hosted page: the form's guard, and what the done page knows. No session, no cookie."""

import base64
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core import signing

from optout.choices import Assurance

UNDO_WITHIN = timedelta(hours=24)
FORM_TOKEN_LIFE = timedelta(days=7)  # a page may stay open in a tab for a while

_DONE = struct.Struct(">IQ16sIBIQ")


@dataclass(frozen=True, slots=True)
class DoneToken:
    """What one request recorded: the list, its ledger row, when, and how sure we were who asked."""

    list_id: int
    optout_id: int
    digest: bytes
    recorded_at: datetime
    assurance: Assurance
    # The second row of a request that also asked to stop everything: the realm's Do Not Mail. 0 for none. A request that was only
    # about that has no row of the list itself (`optout_id` 0); its done page is the list's all the same.
    also_list_id: int = 0
    also_optout_id: int = 0

    @property
    def rows(self) -> list[tuple[int, int]]:
        """The (list, ledger row) pairs that the request recorded, at least one."""
        both = ((self.list_id, self.optout_id), (self.also_list_id, self.also_optout_id))
        return [place for place in both if place[1]]

    @property
    def is_elsewhere(self) -> bool:
        """Whether nothing of the list itself was asked for: a link in one of its text messages stopped all of them."""
        return not self.optout_id

    @property
    def knows_recipient(self) -> bool:
        """Whether the reader came by a signed link, and may be told what we know of the address."""
        return self.assurance == Assurance.SIGNED


def make_form_token(list_id: int, now: datetime) -> str:
    """The guard of one list's form: says that we showed it, and when (AT-17)."""
    return signing.Signer(salt="optout.form").sign(f"{list_id:x}-{int(now.timestamp() * 1000):x}")


def read_form_token(token: str, list_id: int, now: datetime) -> timedelta | None:
    """How long ago we showed this list's form, or None for a token that is forged, too old or another list's."""
    try:
        value = signing.Signer(salt="optout.form").unsign(token)
        shown_on, shown_at = (int(part, 16) for part in value.split("-"))
    except (signing.BadSignature, ValueError):
        return None
    age = now - datetime.fromtimestamp(shown_at / 1000, UTC)
    # the clocks of two hosts may differ by a little
    if shown_on != list_id or not timedelta(minutes=-1) <= age <= FORM_TOKEN_LIFE:
        return None
    return max(age, timedelta())


def make_done_token(done: DoneToken) -> str:
    """The token of a done page: always of the same length, and it holds no address."""
    packed = _DONE.pack(
        done.list_id,
        done.optout_id,
        done.digest,
        int(done.recorded_at.timestamp()),
        done.assurance,
        done.also_list_id,
        done.also_optout_id,
    )
    return signing.Signer(salt="optout.done").sign(
        base64.urlsafe_b64encode(packed).rstrip(b"=").decode()
    )


def read_done_token(token: str) -> DoneToken | None:
    """What the token says, or None when we did not make it. Its age is the caller's to judge."""
    try:
        value = signing.Signer(salt="optout.done").unsign(token)
        list_id, optout_id, digest, at, assurance, *also = _DONE.unpack(
            base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
        )
        recorded_at = datetime.fromtimestamp(at, UTC)
        return DoneToken(list_id, optout_id, digest, recorded_at, Assurance(assurance), *also)
    except (signing.BadSignature, ValueError, struct.error):
        return None
