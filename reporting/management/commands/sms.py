import json
import sys
from argparse import BooleanOptionalAction
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from lists import sms_actions
from lists.choices import Language
from lists.models import ConfirmsBy, InboundEndpoint, InboundFormat, List, Realm, SmsNumber
from lists.models.sms import MOST_KEYWORDS
from lists.networks import NetworksError, parse_networks
from lists.realm_command import Done, RealmCommand, check_takers
from lists.sms_actions import InboundPlan, SmsSetupError
from lists.sms_setup import SmsRules, rules_of, secret_of, tokens_of
from optout.addresses import AddressError
from optout.keywords import FIRST_SEVEN, normal_form
from optout.links import inbound_sms_url
from optout.sms_numbers import read_number
from reporting.forms_sms import DROPPABLE, KeywordError, read_keywords
from reporting.send_editor.narrowing import why_not_give

OVERLAP_HOURS = 24
LONGEST_HOURS = 24 * 7
_DROPPED_FORMS = {**{normal_form(word): word for word in DROPPABLE}, "arret": "arrêt"}
_ALWAYS_FORMS = {*map(normal_form, FIRST_SEVEN), "optout"}


class Command(RealmCommand):
    """`sms`: what the portal does under Settings › Text messages, for operators and scripts."""

    help = (
        "A realm's text messages: show what is set up; add, change or remove a number; the words that stop, START and the "
        "confirmation; make, change or remove an inbound endpoint, print or rotate its secret, keep Twilio's auth tokens."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=_ACTIONS)
        super().add_arguments(parser)
        parser.add_argument("--number", metavar="+1800…", help="the number, or a short code")
        parser.add_argument(
            "--list",
            type=int,
            metavar="N",
            help="number: the list whose messages come from it, 0 for none: the whole realm",
        )
        parser.add_argument("--label", help="what the number is for, or which gateway it is")
        parser.add_argument("--add", metavar="WORD,…", help="keyword: words of your own that stop")
        parser.add_argument(
            "--drop",
            metavar="WORD,…",
            help=f"keyword: your own ones, or of {', '.join(DROPPABLE)}; --add brings them back",
        )
        parser.add_argument(
            "--lifts", action=BooleanOptionalAction, help="start: START takes STOP back, or not"
        )
        parser.add_argument("--language", choices=Language.values, help="confirmation: of its text")
        parser.add_argument(
            "--text",
            help='confirmation: of a STOP of everything, {sender} being the sender\'s name; "" for the default',
        )
        parser.add_argument("--id", metavar="NAME", help="of the endpoint, from show")
        parser.add_argument(
            "--format", choices=InboundFormat.values, help="endpoint: generic unless told otherwise"
        )
        parser.add_argument(
            "--confirms-by", choices=ConfirmsBy.values, help="endpoint: how STOP is confirmed"
        )
        parser.add_argument(
            "--allow", metavar="IP,…", help='endpoint: who may call; "" for everybody'
        )
        parser.add_argument(
            "--overlap-hours",
            type=int,
            metavar="N",
            help=f"rotate: how long the old secret is taken as well ({OVERLAP_HOURS} unless told otherwise; 0: it ends at once)",
        )

    def check_given(self, options: Mapping[str, Any]) -> None:
        check_takers(options, _TAKEN_BY, ("lifts",))
        if options["number"] is None and options["action"] in _TAKEN_BY["number"]:
            raise CommandError(f"{options['action']} needs --number.", returncode=2)

    def act(self, realm: Realm, options: dict[str, Any]) -> Done:
        try:
            return _ACTIONS[options["action"]](realm, options)
        except SmsSetupError as error:
            raise CommandError(str(error)) from None
        except (InboundEndpoint.DoesNotExist, SmsNumber.DoesNotExist):
            raise CommandError("It has just been removed.") from None


# ── Numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _show(realm: Realm, _options: dict[str, Any]) -> Done:
    numbers = list(SmsNumber.objects.filter(realm=realm).select_related("optout_list"))
    endpoints = list(InboundEndpoint.objects.filter(realm=realm, removed_at=None).order_by("pk"))
    rules = rules_of(realm.pk)
    result = {
        "numbers": [_number_json(each) for each in numbers],
        "endpoints": [_endpoint_json(each) for each in endpoints],
        **_rules_json(rules),
    }
    lines = [
        *(map(_number_line, numbers) if numbers else ["There are no numbers."]),
        *(map(_endpoint_line, endpoints) if endpoints else ["There are no inbound endpoints."]),
        *_rules_lines(rules),
    ]
    return Done(result, "\n".join(lines))


def _number(realm: Realm, options: dict[str, Any]) -> Done:
    number = _read_number(realm, options)
    row = SmsNumber.objects.filter(realm=realm, number=number).select_related("realm").first()
    values: dict[str, Any] = {}
    if options["label"] is not None:
        values["label"] = options["label"]
    if options["list"] is not None:
        values["optout_list"] = _find_list(realm, options["list"])
        refusal = why_not_give(realm, number, values["optout_list"], timezone.now(), row)
        if refusal:
            raise CommandError(refusal)
    if row is None:
        row = sms_actions.make_number(realm, number, **values, actor=None)
    else:
        sms_actions.change_number(row, values, actor=None)
    return Done(_number_json(row), _number_line(row))


def _remove_number(realm: Realm, options: dict[str, Any]) -> Done:
    number = _read_number(realm, options)
    row = SmsNumber.objects.filter(realm=realm, number=number).select_related("realm").first()
    if row is None or not sms_actions.remove_number(row, actor=None):
        raise CommandError(f"The realm has no number {number}.")
    return Done({"number": number}, f"The number {number} is removed.")


def _read_number(realm: Realm, options: dict[str, Any]) -> str:
    try:
        return read_number(options["number"], realm.default_region)
    except AddressError:
        sentence = "--number is a number with its country code, like +18005550199, or a short code."
        raise CommandError(sentence, returncode=2) from None


def _find_list(realm: Realm, number: int) -> List | None:
    if number == 0:
        return None
    found = List.objects.filter(realm=realm, number=number).first() if number > 0 else None
    if found is None:
        raise CommandError(f"The realm has no list {number}.")
    return found


# ── Rules ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _keyword(realm: Realm, options: dict[str, Any]) -> Done:
    if options["add"] is None and options["drop"] is None:
        raise CommandError("keyword needs --add or --drop.", returncode=2)
    rules = rules_of(realm.pk)
    own, dropped = set(rules.own_keywords), set(rules.dropped_keywords)
    try:
        added = read_keywords((options["add"] or "").split(","))
    except KeywordError as error:
        raise CommandError(str(error)) from None
    own |= set(added)
    dropped -= {_DROPPED_FORMS.get(normal_form(word)) for word in (options["add"] or "").split(",")}
    for word in filter(None, map(normal_form, (options["drop"] or "").split(","))):
        if word in _ALWAYS_FORMS:
            raise CommandError(f"“{word}” always stops: it cannot be dropped.")
        if word in _DROPPED_FORMS:
            dropped.add(_DROPPED_FORMS[word])
        elif word in own:
            own.remove(word)
        else:
            raise CommandError(f"“{word}” is no word that stops.")
    if len(own) > MOST_KEYWORDS:
        raise CommandError(f"At most {MOST_KEYWORDS} words are allowed.")
    return _changed(realm, {"own_keywords": own, "dropped_keywords": dropped})


def _start(realm: Realm, options: dict[str, Any]) -> Done:
    if options["lifts"] is None:
        raise CommandError("start needs --lifts or --no-lifts.", returncode=2)
    return _changed(realm, {"start_lifts": options["lifts"]})


def _confirmation(realm: Realm, options: dict[str, Any]) -> Done:
    if options["language"] is None or options["text"] is None:
        raise CommandError("confirmation needs --language and --text.", returncode=2)
    texts = rules_of(realm.pk).confirmation_texts | {options["language"]: options["text"]}
    return _changed(realm, {"confirmation_texts": texts})


def _changed(realm: Realm, values: dict[str, Any]) -> Done:
    sms_actions.change_rules(realm, values, actor=None)
    rules = rules_of(realm.pk)
    return Done(_rules_json(rules), "\n".join(_rules_lines(rules)))


# ── Inbound endpoints ────────────────────────────────────────────────────────────────────────────────────────────────────


def _endpoint(realm: Realm, options: dict[str, Any]) -> Done:
    plan = InboundPlan(
        format=InboundFormat(options["format"] or InboundFormat.GENERIC), **_planned(options)
    )
    made = sms_actions.make_endpoint(realm, plan, actor=None, now=timezone.now())
    if made.format == InboundFormat.TWILIO:
        remark = "Nothing is let in until its auth token is kept: sms tokens."
        return Done(_endpoint_json(made), inbound_sms_url(made.public_id), remark)
    return _with_secret(made, f"This is the secret of {inbound_sms_url(made.public_id)}")


def _change_endpoint(realm: Realm, options: dict[str, Any]) -> Done:
    row = _find(realm, options)
    sms_actions.change_endpoint(row, _planned(options), actor=None)
    row.refresh_from_db()
    return Done(_endpoint_json(row), _endpoint_line(row))


def _planned(options: dict[str, Any]) -> dict[str, Any]:
    """What was given of label, confirmation and allow-list."""
    given: dict[str, Any] = {}
    if options["label"] is not None:
        given["label"] = options["label"]
    if options["confirms_by"] is not None:
        given["confirms_by"] = ConfirmsBy(options["confirms_by"])
    if options["allow"] is not None:
        try:
            given["allow_list"] = parse_networks(options["allow"])
        except NetworksError as error:
            raise CommandError(str(error)) from None
    return given


def _secret(realm: Realm, options: dict[str, Any]) -> Done:
    row = _find(realm, options)
    _require_generic(row)
    return _with_secret(row)


def _rotate(realm: Realm, options: dict[str, Any]) -> Done:
    hours = options["overlap_hours"]
    hours = OVERLAP_HOURS if hours is None else hours
    if not 0 <= hours <= LONGEST_HOURS:
        sentence = f"--overlap-hours is a number from 0 to {LONGEST_HOURS}."
        raise CommandError(sentence, returncode=2)
    row = _find(realm, options)
    _require_generic(row)
    row = sms_actions.rotate_secret(row, timedelta(hours=hours), actor=None, now=timezone.now())
    until = f"The old one is taken for {hours} hours." if hours else "The old one has ended."
    return _with_secret(row, f"This is the new secret. {until}")


def _tokens(realm: Realm, options: dict[str, Any]) -> Done:
    """From standard input, one a line: what stands in a command line, everybody on the machine can read."""
    row = _find(realm, options)
    if row.format != InboundFormat.TWILIO:
        raise CommandError("Only an endpoint for Twilio has auth tokens.")
    try:
        lines = sys.stdin.read(1_000).split()
    except UnicodeDecodeError:  # it would repeat the token
        raise CommandError("What stands on standard input is no text.") from None
    if not lines:
        sentence = "tokens reads the auth token from standard input, and a second one after it."
        raise CommandError(sentence, returncode=2)
    sms_actions.set_tokens(row, lines, actor=None)
    said = f"{len(lines)} auth token{'s' if len(lines) > 1 else ''} kept, sealed."
    return Done({"id": row.public_id, "tokens": len(lines)}, said)


def _remove(realm: Realm, options: dict[str, Any]) -> Done:
    row = _find(realm, options)
    sms_actions.remove_endpoint(row, actor=None, now=timezone.now())
    return Done({"id": row.public_id}, f"The endpoint {row.public_id} is removed.")


def _find(realm: Realm, options: dict[str, Any]) -> InboundEndpoint:
    rows = InboundEndpoint.objects.filter(realm=realm, removed_at=None).select_related("realm")
    found = rows.filter(public_id=options["id"]).first()
    if found is None:
        raise CommandError(f"The realm has no inbound endpoint {options['id']}.")
    return found


def _require_generic(row: InboundEndpoint) -> None:
    if row.format == InboundFormat.TWILIO:
        raise CommandError("Twilio signs with its own auth token: there is no secret.")


# ── What is printed ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _with_secret(row: InboundEndpoint, remark: str = "") -> Done:
    secret = secret_of(row)
    return Done({**_endpoint_json(row), "secret": secret}, secret, remark)


def _number_json(row: SmsNumber) -> dict[str, Any]:
    number = row.optout_list.number if row.optout_list else None
    return {"number": row.number, "label": row.label, "list": number}


def _number_line(row: SmsNumber) -> str:
    reach = f"list {row.optout_list.number}" if row.optout_list else "whole realm"
    return "  ".join(filter(None, [row.number, reach, row.label]))


def _endpoint_json(row: InboundEndpoint) -> dict[str, Any]:
    names = ("created_at", "last_used_at", "last_refused_at", "old_salt_until")
    times: dict[str, datetime | None] = {name: getattr(row, name) for name in names}
    shown = {name: at and at.isoformat() for name, at in times.items()}
    shown["old_secret_until"] = shown.pop("old_salt_until")
    return {
        "id": row.public_id,
        "url": inbound_sms_url(row.public_id),
        "label": row.label,
        "format": row.format,
        "confirms_by": row.confirms_by,
        "allow_list": row.allow_list,
        "tokens": len(tokens_of(row)),
        "last_refusal": row.last_refusal,
        **shown,
    }


def _endpoint_line(row: InboundEndpoint) -> str:
    used = f"last used {_at(row.last_used_at)}" if row.last_used_at else "never used"
    if row.last_refused_at:
        used += f", last refused {_at(row.last_refused_at)} ({row.last_refusal})"
    if row.format == InboundFormat.TWILIO and not tokens_of(row):
        used += ", no auth token"
    name = f" {row.label}" if row.label else ""
    return f"{row.public_id} {name}  {row.format}, confirmed by {row.confirms_by}, {used}"


def _rules_json(rules: SmsRules) -> dict[str, Any]:
    return {
        "own_keywords": sorted(rules.own_keywords),
        "dropped_keywords": sorted(rules.dropped_keywords),
        "start_lifts": rules.start_lifts,
        "confirmation_texts": rules.confirmation_texts,
    }


def _rules_lines(rules: SmsRules) -> list[str]:
    kept = [word for word in DROPPABLE if word not in rules.dropped_keywords]
    words = [*sorted(FIRST_SEVEN), *kept, *sorted(rules.own_keywords)]
    texts = [
        f"Confirmation, {code}: {json.dumps(text, ensure_ascii=False)}"
        for code, text in rules.confirmation_texts.items()
    ]
    return [
        f"Stops: {', '.join(words)}",
        f"START {'takes STOP back' if rules.start_lifts else 'does nothing'}.",
        *texts,
    ]


def _at(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"


_ACTIONS: dict[str, Callable[[Realm, dict[str, Any]], Done]] = {
    "show": _show,
    "number": _number,
    "remove-number": _remove_number,
    "keyword": _keyword,
    "start": _start,
    "confirmation": _confirmation,
    "endpoint": _endpoint,
    "change-endpoint": _change_endpoint,
    "secret": _secret,
    "rotate": _rotate,
    "tokens": _tokens,
    "remove-endpoint": _remove,
}
_PLANNED = ("endpoint", "change-endpoint")
_TAKEN_BY = {  # option → the actions that it goes with
    "id": ("change-endpoint", "secret", "rotate", "tokens", "remove-endpoint"),
    "number": ("number", "remove-number"),
    "list": ("number",),
    "label": ("number", *_PLANNED),
    "add": ("keyword",),
    "drop": ("keyword",),
    "lifts": ("start",),
    "language": ("confirmation",),
    "text": ("confirmation",),
    "format": ("endpoint",),
    "confirms_by": _PLANNED,
    "allow": _PLANNED,
    "overlap_hours": ("rotate",),
}
