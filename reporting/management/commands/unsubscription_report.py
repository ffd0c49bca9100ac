from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.http import Http404
from django.utils import timezone

from lists.access import Standing, get_standing
from lists.choices import Role
from lists.models import Realm, User
from lists.realm_command import Done, RealmCommand
from optout.choices import Medium
from reporting.forms_notifications import BOTH, EMAIL, NO_SMS, OFF, SMS, ReportsForm, chosen
from reporting.models import UnsubscriptionReport
from reporting.models.reports import ReportKind, ReportRhythm
from reporting.unsubscription_reports.wishes import (
    Wish,
    reports_of,
    save_wish,
    sms_is_offered,
    wish_of,
)


class Command(RealmCommand):
    """`unsubscription_report`: what people do under Settings › Notifications, for operators and scripts."""

    help = "Who of a realm is told of opt-outs by mail or text message: list them; set it for one person."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=_ACTIONS)
        super().add_arguments(parser)
        parser.add_argument("--email", metavar="ADDRESS", help="whose; list: theirs only")
        parser.add_argument(
            "--reports", choices=(OFF, EMAIL, SMS, BOTH), help="set: by what; a mailer: off, email"
        )
        parser.add_argument(
            "--rhythm",
            choices=ReportRhythm.values,
            help="set: how often; daily unless told otherwise",
        )
        parser.add_argument("--phone", metavar="NUMBER", help="set: where text messages go")

    def act(self, realm: Realm, options: dict[str, Any]) -> Done:
        return _ACTIONS[options["action"]](realm, options)


def _list(realm: Realm, options: dict[str, Any]) -> Done:
    for name in ("reports", "rhythm", "phone"):
        if options[name] is not None:
            raise CommandError(f"--{name} goes with set.", returncode=2)
    found = UnsubscriptionReport.objects.filter(realm=realm).select_related("user")
    if options["email"] is not None:
        found = found.filter(user=_find(realm, options["email"]).user)
    rows = list(found.order_by("user__email", "kind", "medium"))
    lines = [_as_line(each) for each in rows] or ["Nobody gets reports."]
    return Done({"reports": [_as_json(each) for each in rows]}, "\n".join(lines))


def _set(realm: Realm, options: dict[str, Any]) -> Done:
    if options["email"] is None:
        raise CommandError("set needs --email: whose reports.", returncode=2)
    if all(options[name] is None for name in ("reports", "rhythm", "phone")):
        raise CommandError("Say what to set: --reports, --rhythm, --phone.", returncode=2)
    standing = _find(realm, options["email"])
    before = wish_of(reports_of(standing))
    is_mailer = standing.role == Role.MAILER
    wish = _weekly(options, before) if is_mailer else _reports(standing, options, before)
    is_changed = save_wish(standing, wish, timezone.now(), actor=None)
    rows = reports_of(standing)
    for each in rows:
        each.user = standing.user
    lines = [_as_line(each) for each in rows] or [f"{standing.user.email} gets no reports."]
    result = {"reports": [_as_json(each) for each in rows]}
    return Done(result, "\n".join(lines), "" if is_changed else "Nothing was changed.")


_ACTIONS: dict[str, Callable[[Realm, dict[str, Any]], Done]] = {"list": _list, "set": _set}


# ── What was given ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _find(realm: Realm, email: str) -> Standing:
    """Their place in the realm; an operator has one in each."""
    user = User.objects.filter(email__iexact=email.strip()).first()
    try:
        if user is not None:
            return get_standing(user, realm.name)
    except Http404:
        pass
    raise CommandError("Nobody who is active in the realm has that email address.")


def _reports(standing: Standing, options: dict[str, Any], before: Wish) -> Wish:
    """What was there with what was given in its place; looked through as on the screen. Raises CommandError."""
    offers_sms = sms_is_offered(before)
    by = options["reports"] or chosen(before)
    if by in {SMS, BOTH} and not offers_sms:
        raise CommandError(str(NO_SMS))
    if by not in {SMS, BOTH} and options["phone"] is not None:
        raise CommandError("--phone goes with --reports sms and both.", returncode=2)
    values = {
        "reports": by,
        "rhythm": options["rhythm"] or before.rhythm,
        "phone": before.phone if options["phone"] is None else options["phone"],
    }
    form = ReportsForm(
        values, wish=before, region=standing.realm.default_region, offers_sms=offers_sms
    )
    if not form.is_valid():
        raise CommandError(" ".join(str(each) for said in form.errors.values() for each in said))
    return form.wish()


def _weekly(options: dict[str, Any], before: Wish) -> Wish:
    by, rhythm = options["reports"] or chosen(before), options["rhythm"]
    is_weekly = rhythm in {None, ReportRhythm.WEEKLY}
    if by not in {OFF, EMAIL} or not is_weekly or options["phone"] is not None:
        raise CommandError("A mailer gets one mail a week, or none: --reports email, or off.")
    media = frozenset({Medium.EMAIL}) if by == EMAIL else frozenset[Medium]()
    return Wish(media, ReportRhythm.WEEKLY)


# ── What is printed ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _as_json(report: UnsubscriptionReport) -> dict[str, Any]:
    times: dict[str, datetime | None] = {
        "due_at": report.due_at,
        "sent_at": report.sent_at,
        "failing_since": report.failed_at,
    }
    return {
        "email": report.user.email,
        "kind": report.kind,
        "medium": Medium(report.medium).name.lower(),
        "rhythm": report.rhythm,
        "phone": report.phone or None,
        **{name: at and at.isoformat() for name, at in times.items()},
    }


def _as_line(report: UnsubscriptionReport) -> str:
    by = f"SMS to {report.phone}" if report.medium == Medium.SMS else "email"
    what = "opt-outs" if report.kind == ReportKind.OPT_OUTS else "what was not downloaded"
    sent = f"last sent {_at(report.sent_at)}" if report.sent_at else "nothing sent yet"
    said = f"{report.user.email}: {what}, {report.rhythm}, by {by}, {sent}"
    if report.failed_at:
        return (
            f"{said}, cannot be sent since {_at(report.failed_at)}, next try {_at(report.due_at)}"
        )
    is_immediate = report.rhythm == ReportRhythm.IMMEDIATE
    return said if is_immediate else f"{said}, due {_at(report.due_at)}"


def _at(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
