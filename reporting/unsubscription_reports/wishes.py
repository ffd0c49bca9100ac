"""What somebody wants to be told of in a realm, and how: read and changed on the screen Notifications (S3.8)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from lists.access import Standing
from lists.audit import record_audit
from lists.choices import Role
from lists.models import User
from lists.sms import can_send
from optout.choices import Medium
from reporting.changes import end_of_feed
from reporting.feed import Cursor
from reporting.models import UnsubscriptionReport
from reporting.models.reports import ReportKind, ReportRhythm
from reporting.unsubscription_reports.timetable import IN_WORDS, next_due


@dataclass(frozen=True, slots=True)
class Wish:
    """By which media (none: off), how often, and to which number (E.164; empty without SMS)."""

    media: Collection[Medium]
    rhythm: ReportRhythm
    phone: str = ""

    @property
    def in_words(self) -> str:
        """A sentence: "Reports of opt-outs come by email and SMS to +12025550123, daily at 07:00 UTC."."""
        if not self.media:
            return _("You get no reports of opt-outs.")
        if Medium.SMS not in self.media:
            by = _("email")
        elif Medium.EMAIL in self.media:
            by = _("email and SMS to %(phone)s") % {"phone": self.phone}
        else:
            by = _("SMS to %(phone)s") % {"phone": self.phone}
        words = {"way": by, "when": IN_WORDS[self.rhythm]}
        if self.rhythm == ReportRhythm.IMMEDIATE:
            return _("A report of each opt-out comes by %(way)s, %(when)s.") % words
        return _("Reports of opt-outs come by %(way)s, %(when)s.") % words


def kind_for(standing: Standing) -> ReportKind:
    """What that person can be told of: a mailer of their own downloads, everybody else of opt-outs."""
    return ReportKind.SINCE_DOWNLOAD if standing.role == Role.MAILER else ReportKind.OPT_OUTS


def reports_of(standing: Standing) -> list[UnsubscriptionReport]:
    """What they asked for in this realm, and what became of it; email before SMS."""
    found = UnsubscriptionReport.objects.filter(
        user=standing.user, realm=standing.realm, kind=kind_for(standing)
    )
    return list(found.order_by("medium"))


def wish_of(reports: Collection[UnsubscriptionReport]) -> Wish:
    """The wish behind these reports of one kind; a daily one is suggested to whoever has none."""
    rhythm = next((ReportRhythm(each.rhythm) for each in reports), ReportRhythm.DAILY)
    phone = next((each.phone for each in reports if each.medium == Medium.SMS), "")
    return Wish(frozenset(Medium(each.medium) for each in reports), rhythm, phone)


def sms_is_offered(wish: Wish) -> bool:
    """Whether SMS can be chosen: with a gateway, or by whoever has it already and would lose it unasked."""
    return can_send() or Medium.SMS in wish.media


def save_wish(standing: Standing, wish: Wish, now: datetime, *, actor: User | None) -> bool:
    """Keep it; whether it changes anything. What is switched on begins now; what stays goes on where it was.

    `actor`: they themselves, or None for an operator's command.
    """
    start = end_of_feed()
    kind = kind_for(standing)
    with transaction.atomic():
        known = {
            each.medium: each
            for each in UnsubscriptionReport.objects.select_for_update().filter(
                user=standing.user, realm=standing.realm, kind=kind
            )
        }
        is_changed = set(known) != set(wish.media)
        for medium in set(known) - set(wish.media):
            known[medium].delete()
        for medium in wish.media:
            if medium in known:
                is_changed |= _change(known[medium], wish, now)
            else:
                _start(standing, medium, wish, start, now)
        if is_changed:
            whose: dict[str, Any] = {} if actor == standing.user else {"member": standing.user.pk}
            record_audit(
                "change_notifications",
                actor=actor,
                realm=standing.realm,
                **whose,
                kind=kind.value,
                media=[each.name.lower() for each in sorted(wish.media)],
                rhythm=wish.rhythm.value if wish.media else None,
            )
    return is_changed


def _start(standing: Standing, medium: Medium, wish: Wish, start: Cursor, now: datetime) -> None:
    """Somebody who saves twice at once starts once."""
    UnsubscriptionReport.objects.get_or_create(
        user=standing.user,
        realm=standing.realm,
        kind=kind_for(standing),
        medium=medium,
        defaults={
            "rhythm": wish.rhythm,
            "phone": wish.phone if medium == Medium.SMS else "",
            "xid": start.xid,
            "last_id": start.last_id,
            "due_at": next_due(wish.rhythm, now),
        },
    )


def _change(report: UnsubscriptionReport, wish: Wish, now: datetime) -> bool:
    """A new number is tried at once if the old one could not be reached."""
    phone = wish.phone if report.medium == Medium.SMS else ""
    changed: dict[str, object] = {}
    if report.rhythm != wish.rhythm:
        changed = {"rhythm": wish.rhythm, "due_at": next_due(wish.rhythm, now)}
    if report.phone != phone:
        changed |= {"phone": phone, "failed_at": None}
        if report.failed_at is not None:
            changed["due_at"] = now
    if changed:
        UnsubscriptionReport.objects.filter(pk=report.pk).update(**changed)
    return bool(changed)
