"""What a realm sets up for text messages: its numbers, what STOP means, and who passes on what people text (S3.4).

By a realm admin in the portal, or by an operator in a shell: the actor is None then. Each change is written to the audit in the
same transaction, without numbers, labels, texts and secrets. How the ways in read it: lists/sms_setup.py.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext as _

from lists.audit import record_audit
from lists.choices import Language
from lists.models import (
    ConfirmsBy,
    InboundEndpoint,
    InboundFormat,
    List,
    Realm,
    SmsNumber,
    SmsSetup,
    User,
)
from lists.models.lists import new_public_id
from lists.models.sms import LONGEST_CONFIRMATION, MOST_ALLOWED, MOST_KEYWORDS
from lists.sealed import new_salt, seal
from lists.sms_setup import TOKEN_PURPOSE

MOST_NUMBERS = 100  # of a realm
MOST_ENDPOINTS = 20  # of a realm, those in use
MOST_TOKENS = 2  # Twilio's own, and the second one while it is changed there
OVERLAP = timedelta(hours=24)  # how long an old secret opens as well, unless told otherwise
LONGEST_OVERLAP = timedelta(days=7)
SENDER = "{sender}"
_LIKE_A_PLACEHOLDER = re.compile(r"\{[^{}\n]{1,30}\}")

_LONGEST_NAME = 100  # characters, of a sender
_TOKEN = re.compile(r"[!-~]{8,100}")
# Their values may be somebody's number, or long: the audit says only that they changed.
_QUIET = frozenset({"number", "label", "confirmation_texts"})


class SmsSetupError(Exception):
    """The set-up cannot be changed so: `field` names the value, empty where it is none of them; `str(error)` says why."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class NumberTakenError(SmsSetupError):
    """The realm has that number already: `holder`."""

    def __init__(self, holder: SmsNumber) -> None:
        super().__init__(
            "number", _("%(number)s is among the numbers already.") % {"number": holder.number}
        )
        self.holder = holder


@dataclass(frozen=True, slots=True)
class InboundPlan:
    """What an inbound endpoint shall be. `allow_list`: canonical networks, none for anywhere."""

    format: InboundFormat = InboundFormat.GENERIC
    label: str = ""
    confirms_by: ConfirmsBy = ConfirmsBy.GATEWAY
    allow_list: Sequence[str] = ()


# ── Numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def make_number(
    realm: Realm,
    number: str,
    *,
    label: str = "",
    optout_list: List | None = None,
    actor: User | None,
) -> SmsNumber:
    """Make a number that people text, in E.164 or a short code; with a list, STOP to it reaches as far as that list says.

    The very same again is the one that is there: a form may be sent twice. Raises NumberTakenError, SmsSetupError.
    """
    _lock(realm)
    optout_list = _own(realm, optout_list)
    holder = SmsNumber.objects.filter(realm=realm, number=number).first()
    if holder is not None:
        if (holder.label, holder.optout_list) == (label, optout_list):
            return holder
        raise NumberTakenError(holder)
    if SmsNumber.objects.filter(realm=realm).count() >= MOST_NUMBERS:
        said = _("A realm can have at most %(most)d numbers.")
        raise SmsSetupError("", said % {"most": MOST_NUMBERS})
    made = SmsNumber(realm=realm, number=number, label=label, optout_list=optout_list)
    _require_clean(made, "number", "label")
    made.save(force_insert=True)
    record_audit(
        "make_sms_number", actor=actor, realm=realm, optout_list=optout_list, number=made.pk
    )
    return made


@transaction.atomic
def change_number(row: SmsNumber, values: Mapping[str, Any], *, actor: User | None) -> list[str]:
    """Set `number`, `label`, `optout_list` (None: the whole realm), where given; the names of those that changed.

    Raises NumberTakenError, SmsSetupError, and SmsNumber.DoesNotExist where it was removed meanwhile.
    """
    _lock(row.realm)
    row.refresh_from_db()
    if "optout_list" in values:
        values = {**values, "optout_list": _own(row.realm, values["optout_list"])}
    if values.get("number", row.number) != row.number:
        holder = SmsNumber.objects.filter(realm=row.realm, number=values["number"]).first()
        if holder is not None:
            raise NumberTakenError(holder)
    changed = _set(row, values, "number", "label", "optout_list")
    if changed:
        record_audit(
            "change_sms_number", actor=actor, realm=row.realm, number=row.pk, changes=changed
        )
    return list(changed)


@transaction.atomic
def remove_number(row: SmsNumber, *, actor: User | None) -> bool:
    """Forget a number; what was texted to it keeps naming it. False where it was removed before.

    STOP that is still texted to it holds for the whole realm from then on.
    """
    _lock(row.realm)
    count, _by_model = SmsNumber.objects.filter(pk=row.pk).delete()
    if count:
        record_audit("remove_sms_number", actor=actor, realm=row.realm, number=row.pk)
    return bool(count)


# ── Rules ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def change_rules(realm: Realm, values: Mapping[str, Any], *, actor: User | None) -> list[str]:
    """Set `own_keywords`, `dropped_keywords` (both as optout/keywords.py writes them), `start_lifts`, `confirmation_texts`
    ({language: text}), where given; the names of those that changed. Raises SmsSetupError.
    """
    _lock(realm)
    values = dict(values)
    for name in ("own_keywords", "dropped_keywords"):
        if name in values:
            values[name] = sorted(set(values[name]))
    if "confirmation_texts" in values:
        values["confirmation_texts"] = _checked_texts(values["confirmation_texts"])
    row = SmsSetup.objects.filter(realm=realm).first()
    if row is None:
        row = SmsSetup(realm=realm)
        if all(getattr(row, name) == value for name, value in values.items()):
            return []
        row.save(force_insert=True)
    changed = _set(
        row, values, "own_keywords", "dropped_keywords", "start_lifts", "confirmation_texts"
    )
    if changed:
        record_audit("change_sms_rules", actor=actor, realm=realm, changes=changed)
    return list(changed)


def require_confirmation(language: str, text: str) -> None:
    """Raise SmsSetupError for a text that cannot confirm a STOP: too long, with characters that no message has, or with a
    placeholder that is none."""
    field = f"confirmation_{language}"
    if len(text.replace(SENDER, "x" * _LONGEST_NAME)) > LONGEST_CONFIRMATION:
        said = _("Write at most %(most)d characters; a sender’s name may take %(name)d of them.")
        raise SmsSetupError(field, said % {"most": LONGEST_CONFIRMATION, "name": _LONGEST_NAME})
    if any(unicodedata.category(each) in {"Cc", "Cs"} and each != "\n" for each in text):
        raise SmsSetupError(field, _("Write this without control characters."))
    for found in _LIKE_A_PLACEHOLDER.findall(text):
        if found != SENDER:
            said = _("There is no %(found)s; only %(placeholder)s.")
            raise SmsSetupError(field, said % {"found": found, "placeholder": SENDER})


# ── Inbound endpoints ────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def make_endpoint(
    realm: Realm, plan: InboundPlan, *, actor: User | None, now: datetime
) -> InboundEndpoint:
    """Make an address to which a gateway passes on what people text. Its secret: `sms_setup.secret_of`. Raises SmsSetupError."""
    _lock(realm)
    if InboundEndpoint.objects.filter(realm=realm, removed_at=None).count() >= MOST_ENDPOINTS:
        said = _("A realm can have at most %(most)d inbound endpoints.")
        raise SmsSetupError("", said % {"most": MOST_ENDPOINTS})
    made = InboundEndpoint(
        realm=realm,
        public_id=new_public_id(),
        salt=new_salt(),
        created_at=now,
        **_fields(plan),
    )
    _require_clean(made, *_fields(plan))
    made.save(force_insert=True)
    told = {name: value for name, value in _fields(plan).items() if name not in _QUIET}
    _record("make_inbound_endpoint", made, actor, **told)
    return made


@transaction.atomic
def change_endpoint(
    endpoint: InboundEndpoint, values: Mapping[str, Any], *, actor: User | None
) -> list[str]:
    """Set `label`, `confirms_by`, `allow_list`, where given; the names of those that changed. Its format stays: another one has
    another way to prove who calls.

    Raises SmsSetupError, and InboundEndpoint.DoesNotExist where it was removed meanwhile.
    """
    row = _locked(endpoint)
    if "allow_list" in values:
        values = {**values, "allow_list": list(values["allow_list"])}
    changed = _set(row, values, "label", "confirms_by", "allow_list")
    if changed:
        _record("change_inbound_endpoint", row, actor, changes=changed)
    return list(changed)


@transaction.atomic
def rotate_secret(
    endpoint: InboundEndpoint, overlap: timedelta, *, actor: User | None, now: datetime
) -> InboundEndpoint:
    """Give it a new secret; the old one opens as well for `overlap`, of which 0 is none. One older still ends at once.

    Raises SmsSetupError for an overlap beyond LONGEST_OVERLAP, InboundEndpoint.DoesNotExist.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise SmsSetupError("old_ends", _("Both secrets can open for at most 7 days."))
    row = _locked(endpoint)
    row.old_salt = bytes(row.salt) if overlap else None
    row.old_salt_until = now + overlap if overlap else None
    row.salt = new_salt()
    row.save(update_fields=("salt", "old_salt", "old_salt_until"))
    hours = overlap.total_seconds() / 3600
    _record("rotate_inbound_secret", row, actor, overlap_hours=hours)
    return row


@transaction.atomic
def set_tokens(endpoint: InboundEndpoint, tokens: Sequence[str], *, actor: User | None) -> None:
    """Keep Twilio's auth tokens, sealed: the one that signs, and the other while it is changed there. They take the place of
    those before; none: nothing of Twilio is let in.

    Raises SmsSetupError, InboundEndpoint.DoesNotExist.
    """
    row = _locked(endpoint)
    if row.format != InboundFormat.TWILIO:
        raise SmsSetupError("token", _("Only an endpoint for Twilio has auth tokens."))
    if len(tokens) > MOST_TOKENS:
        said = _("At most %(most)d auth tokens can be kept.") % {"most": MOST_TOKENS}
        raise SmsSetupError("token", said)
    for field, token in zip(("token", "other_token"), tokens, strict=False):
        if not _TOKEN.fullmatch(token):
            sentence = _("This is no auth token: copy it whole from Twilio’s console.")
            raise SmsSetupError(field, sentence)
    sealed = [seal(token, TOKEN_PURPOSE) for token in tokens]
    row.sealed_token, row.other_sealed_token = [*sealed, b"", b""][:MOST_TOKENS]
    row.save(update_fields=("sealed_token", "other_sealed_token"))
    _record("set_twilio_tokens", row, actor, tokens=len(tokens))


@transaction.atomic
def remove_endpoint(endpoint: InboundEndpoint, *, actor: User | None, now: datetime) -> bool:
    """End an endpoint for good: what is sent there is answered with 404. False where it was removed before."""
    try:
        row = _locked(endpoint)
    except InboundEndpoint.DoesNotExist:
        return False
    row.removed_at = now
    row.sealed_token = row.other_sealed_token = b""
    row.save(update_fields=("removed_at", "sealed_token", "other_sealed_token"))
    _record("remove_inbound_endpoint", row, actor)
    return True


# ── What they share ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _lock(realm: Realm) -> None:
    """One change of a realm's set-up at a time: limits hold, and no number is there twice."""
    Realm.objects.select_for_update(no_key=True).get(pk=realm.pk)


def _locked(endpoint: InboundEndpoint) -> InboundEndpoint:
    """Its row as it is now, for us alone; NO KEY: what comes in meanwhile names it. Raises InboundEndpoint.DoesNotExist."""
    rows = InboundEndpoint.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("realm").get(pk=endpoint.pk, removed_at=None)


def _own(realm: Realm, optout_list: List | None) -> List | None:
    """The list of a number, which is of the realm; none for Do Not Mail: the whole realm is meant by both."""
    if optout_list is None:
        return None
    if optout_list.realm_id != realm.pk:
        raise ValueError("It is of another realm.")
    return None if optout_list.is_global else optout_list


def _fields(plan: InboundPlan) -> dict[str, Any]:
    return {**asdict(plan), "allow_list": list(plan.allow_list)}


def _checked_texts(texts: Mapping[str, str]) -> dict[str, str]:
    kept = {}
    for language, text in texts.items():
        if language not in Language.values:
            said = _("There is no language %(code)s.") % {"code": language}
            raise SmsSetupError("confirmation_texts", said)
        if clean := text.replace("\r\n", "\n").strip():
            require_confirmation(language, clean)
            kept[str(language)] = clean
    return kept


def _set(row: models.Model, values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Set and save what differs; {field: [old, new]}, or {field: None} where the audit says no values."""
    changed: dict[str, Any] = {}
    for name in names:
        if name in values and getattr(row, name) != values[name]:
            pair = [_told(getattr(row, name)), _told(values[name])]
            changed[name] = None if name in _QUIET else pair
            setattr(row, name, values[name])
    if changed:
        _require_clean(row, *changed)
        row.save(update_fields=list(changed))
    return changed


def _require_clean(row: models.Model, *names: str) -> None:
    """Raise SmsSetupError for the first of these fields whose value cannot be kept."""
    if any(unicodedata.category(each) in {"Cc", "Cs"} for each in getattr(row, "label", "")):
        raise SmsSetupError("label", _("Write this in one line, without control characters."))
    if len(getattr(row, "allow_list", ())) > MOST_ALLOWED:
        said = _("At most %(most)d entries are allowed.") % {"most": MOST_ALLOWED}
        raise SmsSetupError("allow_list", said)
    if len(getattr(row, "own_keywords", ())) > MOST_KEYWORDS:
        said = _("At most %(most)d words are allowed.") % {"most": MOST_KEYWORDS}
        raise SmsSetupError("own_keywords", said)
    try:
        row.clean_fields()
    except ValidationError as error:  # also for empty ones that only a form would ask for
        for field in names:
            if field in error.message_dict:
                raise SmsSetupError(field, error.message_dict[field][0]) from None


def _told(value: Any) -> Any:
    return value.pk if isinstance(value, models.Model) else value


def _record(action: str, row: InboundEndpoint, actor: User | None, **detail: Any) -> None:
    record_audit(action, actor=actor, realm=row.realm, endpoint=row.public_id, **detail)
