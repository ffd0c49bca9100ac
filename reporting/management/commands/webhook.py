from argparse import BooleanOptionalAction
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from lists.models import List, Realm
from lists.realm_command import Done, RealmCommand, check_takers
from optout.choices import Channel, Medium
from reporting.asked import RefusedError, parse_since
from reporting.models import WebhookDelivery, WebhookEndpoint, WebhookFormat
from reporting.webhooks import endpoints
from reporting.webhooks.endpoints import EndpointPlan, EndpointRefusedError
from reporting.webhooks.health import health_of, is_sender_running
from reporting.webhooks.listing import delivery_json, delivery_line, endpoint_json, endpoint_line
from reporting.webhooks.log import Chosen, read_log
from reporting.webhooks.plans import plan_of
from reporting.webhooks.reach import endpoints_of, find_endpoint
from reporting.webhooks.replays import replay_failed, replay_one, send_test
from reporting.webhooks.signing import secret_of

ASKED_BY = "an operator"
OVERLAP_HOURS = 24
LONGEST_HOURS = 24 * 7
SHOWN = 50  # deliveries of the log


class Command(RealmCommand):
    """`webhook`: what the portal does under Webhooks, for operators and scripts."""

    help = (
        "A realm's webhooks: list them with how they do; make, change or remove one; set a callback URL; print or rotate a "
        "secret; switch one off or on; see its log, send a test, send again what failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=_ACTIONS)
        super().add_arguments(parser)
        parser.add_argument("--id", metavar="wh_…", help="which one, from list")
        parser.add_argument("--url", help='where to; callback: "" removes it')
        parser.add_argument(
            "--format",
            choices=WebhookFormat.values,
            help="standard unless told otherwise; a callback: sms-json",
        )
        parser.add_argument("--label", help="what is there")
        parser.add_argument(
            "--lists",
            metavar="1,2",
            help='of these lists only, by number, 0 being Do Not Mail; change: "" for the whole realm',
        )
        parser.add_argument(
            "--list", type=int, metavar="N", help="callback: that list's own (else: the default)"
        )
        parser.add_argument(
            "--channels",
            metavar="page,rest",
            help='of these ways in only, as /api/v1/changes names them; change: "" for all',
        )
        parser.add_argument(
            "--medium", choices=("email", "sms", "both"), help="of these addresses only"
        )
        for name, says in _SWITCHES.items():
            parser.add_argument(f"--{name}", action=BooleanOptionalAction, help=says)
        parser.add_argument(
            "--overlap-hours",
            type=int,
            metavar="N",
            help=f"rotate: how long the old secret signs as well ({OVERLAP_HOURS} unless told otherwise; 0: it ends at once)",
        )
        parser.add_argument(
            "--skip-missed", action="store_true", help="on: begin with what comes from now on"
        )
        parser.add_argument("--delivery", type=int, metavar="N", help="replay: this one, from log")
        parser.add_argument(
            "--since", metavar="TIME", help="replay: all that failed since (2026-03-04T12:00Z)"
        )
        parser.add_argument("--only", choices=[each.value for each in Chosen], help="log: of these")

    def check_given(self, options: Mapping[str, Any]) -> None:
        check_takers(options, _TAKEN_BY, _SWITCHES)

    def act(self, realm: Realm, options: dict[str, Any]) -> Done:
        try:
            return _ACTIONS[options["action"]](realm, options)
        except EndpointRefusedError as error:
            raise CommandError(str(error)) from None
        except WebhookEndpoint.DoesNotExist:
            raise CommandError("It has just been removed.") from None


# ── Actions ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _list(realm: Realm, _options: dict[str, Any]) -> Done:
    now = timezone.now()
    runs = is_sender_running(now)
    found = health_of(list(endpoints_of(realm, None)), now)
    numbers = dict(List.objects.filter(realm=realm).values_list("pk", "number"))
    lines = [endpoint_line(each, numbers) for each in found] or ["There are no webhooks."]
    remark = "" if runs else "No sender runs (manage.py send_webhooks): nothing is sent."
    result = {"sender_runs": runs, "webhooks": [endpoint_json(each, numbers) for each in found]}
    return Done(result, "\n".join(lines), remark)


def _make(realm: Realm, options: dict[str, Any]) -> Done:
    if not options["url"]:
        raise CommandError("make needs --url.", returncode=2)
    plan = _planned(realm, EndpointPlan(options["url"]), options)
    made = endpoints.make_endpoint(realm, plan, actor=None, now=timezone.now())
    return _with_secret(made, f"This is the secret of the new webhook {made.public_id}.")


def _change(realm: Realm, options: dict[str, Any]) -> Done:
    endpoint = _find(realm, options)
    plan = _planned(realm, plan_of(endpoint), options)
    endpoints.change_endpoint(endpoint, plan, actor=None, now=timezone.now())
    return _said(endpoint, "is kept as it is now.")


def _callback(realm: Realm, options: dict[str, Any]) -> Done:
    if options["url"] is None:
        raise CommandError('callback needs --url; "" removes it.', returncode=2)
    number = options["list"]
    optout_list = None if number is None else _find_lists(realm, [number])[0]
    chosen = options["format"] and WebhookFormat(options["format"])
    endpoint = endpoints.set_callback_url(
        realm, optout_list, options["url"], actor=None, now=timezone.now(), format=chosen
    )
    if endpoint is None:
        return Done({"id": None}, "There is no such callback URL any more.")
    return _with_secret(endpoint, f"This is the secret of the callback {endpoint.public_id}.")


def _secret(realm: Realm, options: dict[str, Any]) -> Done:
    return _with_secret(_find(realm, options))


def _rotate(realm: Realm, options: dict[str, Any]) -> Done:
    hours = options["overlap_hours"]
    hours = OVERLAP_HOURS if hours is None else hours
    if not 0 <= hours <= LONGEST_HOURS:
        sentence = f"--overlap-hours is a number from 0 to {LONGEST_HOURS}."
        raise CommandError(sentence, returncode=2)
    endpoint = _find(realm, options)
    overlap = timedelta(hours=hours)
    endpoint = endpoints.rotate_secret(endpoint, overlap, actor=None, now=timezone.now())
    until = f"The old one signs as well for {hours} hours." if hours else "The old one has ended."
    return _with_secret(endpoint, f"This is the new secret of {endpoint.public_id}. {until}")


def _off(realm: Realm, options: dict[str, Any]) -> Done:
    endpoint = _find(realm, options)
    endpoints.switch_off(endpoint, actor=None, now=timezone.now())
    return _said(endpoint, "is off. What comes meanwhile waits for it.")


def _on(realm: Realm, options: dict[str, Any]) -> Done:
    endpoint = _find(realm, options)
    skips = options["skip_missed"]
    endpoints.switch_on(endpoint, skips_missed=skips, actor=None, now=timezone.now())
    return _said(endpoint, "is on.")


def _remove(realm: Realm, options: dict[str, Any]) -> Done:
    endpoint = _find(realm, options)
    endpoints.remove_endpoint(endpoint, actor=None, now=timezone.now())
    return _said(endpoint, "is removed.")


def _test(realm: Realm, options: dict[str, Any]) -> Done:
    endpoint = _find(realm, options)
    test = send_test(endpoint, asked_by=ASKED_BY, now=timezone.now())
    return Done(
        {"id": endpoint.public_id, "delivery": test.pk},
        f"Delivery {test.pk} is a test. See what becomes of it: webhook log --only tests.",
        _remark_on_sender(),
    )


def _replay(realm: Realm, options: dict[str, Any]) -> Done:
    number, since = options["delivery"], options["since"]
    if (number is None) == (since is None):
        raise CommandError("replay needs --delivery or --since.", returncode=2)
    endpoint = _find(realm, options)
    if since is None:
        replayed = _replay_one(endpoint, number)
    else:
        replayed = replay_failed(
            endpoint, _moment(since), asked_by=ASKED_BY, actor=None, now=timezone.now()
        )
    result = {"id": endpoint.public_id, "replayed": replayed}
    return Done(result, f"To be sent again: {replayed}.", _remark_on_sender())


def _replay_one(endpoint: WebhookEndpoint, number: int) -> int:
    try:
        return replay_one(endpoint, number, asked_by=ASKED_BY, actor=None, now=timezone.now())
    except WebhookDelivery.DoesNotExist:
        raise CommandError(f"The webhook has no delivery {number} to be sent again.") from None


def _log(realm: Realm, options: dict[str, Any]) -> Done:
    chosen = Chosen(options["only"] or Chosen.ALL)
    endpoint = _find(realm, options)
    found = read_log(endpoint, chosen, size=SHOWN).lines
    is_on = endpoint.is_on
    lines = [delivery_line(each, is_on=is_on) for each in found] or ["There are no deliveries."]
    result = {"deliveries": [delivery_json(each, is_on=is_on) for each in found]}
    return Done(result, "\n".join(lines))


_ACTIONS: dict[str, Callable[[Realm, dict[str, Any]], Done]] = {
    "list": _list,
    "make": _make,
    "change": _change,
    "callback": _callback,
    "secret": _secret,
    "rotate": _rotate,
    "off": _off,
    "on": _on,
    "remove": _remove,
    "test": _test,
    "replay": _replay,
    "log": _log,
}
_PLANNED = ("make", "change")
_TAKEN_BY = {  # option → the actions that it goes with
    "id": ("change", "secret", "rotate", "off", "on", "remove", "test", "replay", "log"),
    "url": (*_PLANNED, "callback"),
    "format": (*_PLANNED, "callback"),
    "label": _PLANNED,
    "lists": _PLANNED,
    "list": ("callback",),
    "channels": _PLANNED,
    "medium": _PLANNED,
    "lifts": _PLANNED,
    "batches": _PLANNED,
    "overlap_hours": ("rotate",),
    "skip_missed": ("on",),
    "delivery": ("replay",),
    "since": ("replay",),
    "only": ("log",),
}
_SWITCHES = {
    "lifts": "tell of the ends of suppressions as well (so unless told otherwise)",
    "batches": "put several changes into one message when many wait (so unless told otherwise)",
}


# ── What was given ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _find(realm: Realm, options: dict[str, Any]) -> WebhookEndpoint:
    found = find_endpoint(realm, None, options["id"])
    if found is None:
        raise CommandError(f"The realm has no webhook {options['id']}.")
    return found


def _planned(realm: Realm, plan: EndpointPlan, options: dict[str, Any]) -> EndpointPlan:
    """The plan with what was given in its place."""
    given: dict[str, Any] = {}
    for name in ("url", "label"):
        if options[name] is not None:
            given[name] = options[name]
    if options["format"] is not None:
        given["format"] = WebhookFormat(options["format"])
    if options["lists"] is not None:
        lists = _find_lists(realm, _numbers(options["lists"])) if options["lists"] else None
        given["list_ids"] = lists and [each.pk for each in lists]
    if options["channels"] is not None:
        given["channels"] = _channels(options["channels"])
    if options["medium"] is not None:
        given["medium"] = _MEDIA[options["medium"]]
    for name, field in (("lifts", "gets_lifts"), ("batches", "batches")):
        if options[name] is not None:
            given[field] = options[name]
    return replace(plan, **given)


_MEDIA = {"email": Medium.EMAIL, "sms": Medium.SMS, "both": None}


def _channels(text: str) -> list[Channel] | None:
    if not text:
        return None
    names = {each.name.lower(): each for each in Channel}
    wanted = [each.strip() for each in text.split(",")]
    if unknown := [each for each in wanted if each not in names]:
        sentence = f"There is no channel {', '.join(unknown)}. There are: {', '.join(names)}."
        raise CommandError(sentence, returncode=2)
    return [names[each] for each in wanted]


def _numbers(text: str) -> list[int]:
    numbers = [each.strip() for each in text.split(",")]
    if not all(each.isascii() and each.isdigit() and len(each) < 10 for each in numbers):
        raise CommandError("--lists are numbers with commas between them.", returncode=2)
    return [int(each) for each in numbers]


def _find_lists(realm: Realm, numbers: list[int]) -> list[List]:
    wanted = set(numbers)
    found = list(List.objects.filter(realm=realm, number__in=wanted))
    if missing := wanted - {each.number for each in found}:
        raise CommandError(f"The realm has no list {', '.join(map(str, sorted(missing)))}.")
    return found


def _moment(text: str) -> datetime:
    try:
        return parse_since(text.strip())
    except RefusedError:
        raise CommandError("--since is a time such as 2026-03-04T12:00Z.", returncode=2) from None


# ── What is printed ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _with_secret(endpoint: WebhookEndpoint, remark: str = "") -> Done:
    secret = secret_of(bytes(endpoint.salt))
    return Done({"id": endpoint.public_id, "secret": secret}, secret, remark)


def _said(endpoint: WebhookEndpoint, what: str) -> Done:
    return Done({"id": endpoint.public_id}, f"Webhook {endpoint.public_id} {what}")


def _remark_on_sender() -> str:
    if is_sender_running(timezone.now()):
        return ""
    return "No sender runs (manage.py send_webhooks): it is sent when one does."
