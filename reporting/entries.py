"""A list's entries: its ledger, newest first, as people read it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lists.models import List
from optout.addresses import mask
from optout.choices import Assurance, Channel, Kind, Origin, Reason
from optout.models import OptOut, Suppression
from reporting.subjects import Subject

REHEARSAL_AGENT = "Heed rehearsal"  # how the Service page's test calls itself

# The ways in that there are: the others of `Channel` have their codes, but no rows yet.
_CHANNELS = (
    Channel.PAGE,
    Channel.DIRECT_LINK,
    Channel.SIGNED_LINK,
    Channel.ONE_CLICK,
    Channel.PIXEL,
    Channel.S2S,
    Channel.API_WEB,
    Channel.REST,
    Channel.GLOBAL_FORM,
    Channel.GLOBAL_API,
    Channel.INBOUND_SMS,
    Channel.SMS_LINK,
    Channel.JOIN,
    Channel.PREFERENCES,
    Channel.PORTAL,
)
CHANNEL_CHOICES = [("", gettext_lazy("Any")), *((each.value, each.label) for each in _CHANNELS)]


@dataclass(frozen=True, slots=True)
class Entry:
    """One ledger row as it is shown. `address` is already masked where the reader may not see it in clear.

    `account` says why and by whom, `way` how it came and how sure that is; `remark` what only some have to say. `caller`: the
    password or API key that a program called with, for whoever manages them.
    """

    id: int
    list_id: int
    digest: str
    address: str
    has_address: bool
    kind: int
    kind_label: str
    channel: str
    medium: str
    reason: str
    assurance: str
    account: str
    way: str
    remark: str
    recorded_at: datetime
    is_new: bool
    is_suppressed: bool
    is_test: bool
    ip: str | None
    agent: str
    note: str
    caller: str

    @property
    def by(self) -> str:
        """Beside its channel: with what a program called, or else how sure it is who asked."""
        return self.caller or self.assurance

    @property
    def is_lift(self) -> bool:
        return self.kind == Kind.LIFT


def ledger_of(
    optout_list: List, filters: dict[str, Any], subject: Subject | None
) -> QuerySet[OptOut, OptOut]:
    """The list's ledger rows that the filters of an `EntryFilterForm` select; read by the index `optout_of_list`, or by the
    digest when somebody is looked for."""
    rows = OptOut.objects.filter(optout_list=optout_list)
    if subject is not None:
        rows = rows.filter(digest__in=subject.keys)
    for name in ("channel", "medium", "kind"):
        if filters.get(name):
            rows = rows.filter(**{name: filters[name]})
    if filters.get("new_only"):
        rows = rows.filter(is_new=True)
    if filters.get("since"):
        rows = rows.filter(recorded_at__gte=datetime.combine(filters["since"], time(), UTC))
    if filters.get("until"):
        end = datetime.combine(filters["until"], time(), UTC) + timedelta(days=1)
        rows = rows.filter(recorded_at__lt=end)
    return rows


def suppressed_digests(optout_list: List, rows: Iterable[OptOut]) -> set[bytes]:
    """Which addresses of these rows are suppressed on the list now. One query."""
    digests = {bytes(row.digest) for row in rows}
    if not digests:
        return set()
    found = Suppression.objects.filter(optout_list=optout_list, digest__in=digests)
    return {bytes(digest) for digest in found.values_list("digest", flat=True)}


def as_entries(
    rows: Iterable[OptOut],
    *,
    clear: bool,
    evidence: bool,
    suppressed: Collection[bytes] = (),
    callers: Mapping[int, str] = MappingProxyType({}),
) -> list[Entry]:
    """Ledger rows as they are shown: with addresses in clear or masked; with IP and program for those who may see them.

    `callers`: with what programs called, by the id of the row that they reported, for those who may see that.
    """
    return [_as_entry(row, clear, evidence, suppressed, callers) for row in rows]


def shown_address(address: str | None, digest: bytes, *, clear: bool) -> str:
    """An address in clear or masked; the beginning of its digest where it is not known."""
    if address is None:
        return f"{digest.hex()[:12]}…"
    return address if clear else mask(address)


def _remark(row: OptOut) -> str:
    """What stands in the place of a reason."""
    if "carried_from" in (row.evidence or {}):
        return _("Carried over from another address when the contact’s address changed")
    if "kept_out" in (row.evidence or {}):
        return _("Was out of every list before; came back to another one alone")
    if row.channel == Channel.API_WEB and row.kind == Kind.LIFT:
        return _("Put on the list again by a script (force_sub)")
    return ""


def _asked_for(row: OptOut, evidence: bool) -> str:
    """What a global request or a text message said besides its address; what people typed is for those who see evidence."""
    if row.channel == Channel.INBOUND_SMS:
        return _texted(row.evidence or {}, evidence)
    if row.channel not in {Channel.GLOBAL_FORM, Channel.GLOBAL_API} or row.kind != Kind.OPT_OUT:
        return ""
    sent = row.evidence or {}
    named = (
        ("product", _("for product %(name)s")),
        ("website", _("on %(name)s")),
        ("publisher", _("publisher %(name)s")),
    )
    said = [words % {"name": sent[name]} for name, words in named if sent.get(name)]
    custom = [str(sent[name]) for name in ("custom1", "custom2", "custom3") if sent.get(name)]
    if evidence and custom:
        said.append(_("custom fields: %(values)s") % {"values": " · ".join(custom)})
    text = ", ".join(said)
    return text[:1].upper() + text[1:]


def _texted(sent: Mapping[str, Any], evidence: bool) -> str:
    """The number that was texted, and what was said to it."""
    said = f"“{sent['said']}”" if evidence and sent.get("said") else ""
    texted = sent.get("texted") or ""
    if said and texted:
        return _("Texted %(said)s to %(number)s") % {"said": said, "number": texted}
    if said:
        return _("Texted %(said)s") % {"said": said}
    return _("Texted to %(number)s") % {"number": texted} if texted else ""


def _account(row: OptOut) -> str:
    """Why it was, and by whom. Of what a script reports nobody here knows who asked for it."""
    if remark := _remark(row):
        return remark
    if row.reason == Reason.RETURNED:
        return _("Came back, by the recipient’s own confirmation")
    words = {"reason": row.get_reason_display(), "who": row.get_origin_display().lower()}
    if row.channel == Channel.API_WEB:
        return _("%(reason)s. Reported by a script") % words
    if row.channel == Channel.GLOBAL_API:
        return _("%(reason)s. Reported by a website") % words
    if row.channel == Channel.REST and row.origin == Origin.RECIPIENT:
        return _("%(reason)s. Reported by a program") % words
    if row.channel == Channel.REST:
        return _("%(reason)s by %(who)s. Reported by a program") % words
    return _("%(reason)s by %(who)s") % words


def _assurance(row: OptOut) -> str:
    """How sure it is who asked, beside a channel; of the REST API, which says itself that a key was sent, who reported it."""
    if row.channel == Channel.REST:
        return _("reported by a program")
    if row.channel == Channel.INBOUND_SMS and row.assurance == Assurance.API_CREDENTIAL:
        return _("reported by the gateway")
    if row.assurance == Assurance.OPERATOR:
        return _("somebody signed in")
    return row.get_assurance_display()


def _way(row: OptOut) -> str:
    """How it came, and how sure it is who asked."""
    if row.channel == Channel.PORTAL and row.assurance == Assurance.OPERATOR:
        return _("%(channel)s: somebody signed in did it") % {"channel": row.get_channel_display()}
    return f"{row.get_channel_display()} · {row.get_assurance_display()}"


def _as_entry(
    row: OptOut,
    clear: bool,
    evidence: bool,
    suppressed: Collection[bytes],
    callers: Mapping[int, str],
) -> Entry:
    digest = bytes(row.digest)
    note = (row.evidence or {}).get("note", "")
    asked_for = _asked_for(row, evidence)
    return Entry(
        id=row.id,
        list_id=row.optout_list_id,
        digest=digest.hex(),
        address=shown_address(row.address, digest, clear=clear),
        has_address=row.address is not None,
        kind=row.kind,
        kind_label=row.get_kind_display(),
        channel=row.get_channel_display(),
        medium=row.get_medium_display(),
        reason=row.get_reason_display(),
        assurance=_assurance(row),
        account=f"{_account(row)}. {asked_for}" if asked_for else _account(row),
        way=_way(row),
        remark=_remark(row) or asked_for,
        recorded_at=row.recorded_at,
        is_new=row.is_new,
        is_suppressed=digest in suppressed,
        is_test=REHEARSAL_AGENT in row.agent,
        ip=row.ip if evidence else None,
        agent=row.agent if evidence else "",
        note=str(note) if evidence else "",
        caller=callers.get(row.id, ""),
    )
