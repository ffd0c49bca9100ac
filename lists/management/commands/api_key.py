from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from lists.key_actions import (
    LONGEST_LABEL,
    KeyEndedError,
    LabelTakenError,
    NewKey,
    make_api_key,
    revoke_api_key,
    rotate_api_key,
)
from lists.known_keys import KnownKey, api_keys_of
from lists.models import ApiKey, List, Realm
from lists.realm_command import Done, RealmCommand, check_takers

OVERLAP_HOURS = 24
LONGEST_DAYS = 36_500
LONGEST_HOURS = 24 * 365


class Command(RealmCommand):
    """`api_key`: what the portal does under Settings › API keys, for operators and scripts."""

    help = "A realm's keys for the REST API: list them; make one, or rotate one, and the new key is printed once; revoke one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=_ACTIONS)
        super().add_arguments(parser)
        parser.add_argument("--id", type=int, help="of the key to rotate or revoke, from list")
        parser.add_argument("--label", help="make: which program will use it")
        parser.add_argument("--read", action="store_true", help="make: it may read")
        parser.add_argument("--write", action="store_true", help="make: it may write")
        parser.add_argument(
            "--lists",
            metavar="1,2",
            help="make: for these lists only, by number, 0 being Do Not Mail (else: the whole realm)",
        )
        parser.add_argument(
            "--expires-in-days", type=int, metavar="N", help="make: it ends then (else: never)"
        )
        parser.add_argument(
            "--overlap-hours",
            type=int,
            metavar="N",
            help=f"rotate: how long the old key goes on ({OVERLAP_HOURS} unless told otherwise; 0: it ends at once)",
        )

    def check_given(self, options: Mapping[str, Any]) -> None:
        check_takers(options, _TAKEN_BY)

    def act(self, realm: Realm, options: dict[str, Any]) -> Done:
        return _ACTIONS[options["action"]](realm, options)


def _list(realm: Realm, _options: dict[str, Any]) -> Done:
    found = api_keys_of(realm, timezone.now())
    keys = [*found.active, *found.ended]
    lines = map(_as_line, keys) if keys else ["There are no API keys."]
    return Done({"keys": [_as_json(each) for each in keys]}, "\n".join(lines))


def _make(realm: Realm, options: dict[str, Any]) -> Done:
    label = (options["label"] or "").strip()
    if not label:
        raise CommandError("make needs --label: which program will use the key.", returncode=2)
    if len(label) > LONGEST_LABEL or not label.isprintable():
        raise CommandError(f"A label has at most {LONGEST_LABEL} characters, on one line.")
    if not (options["read"] or options["write"]):
        raise CommandError("Say --read, --write, or both.", returncode=2)
    days = _whole("--expires-in-days", options["expires_in_days"], 1, LONGEST_DAYS)
    try:
        new = make_api_key(
            realm,
            label,
            may_read=options["read"],
            may_write=options["write"],
            lists=_find_lists(realm, options["lists"]),
            expires_at=None if days is None else timezone.now() + timedelta(days=days),
            actor=None,
        )
    except LabelTakenError:
        raise CommandError("An active key of the realm has this label already.") from None
    return _made(realm, new)


def _rotate(realm: Realm, options: dict[str, Any]) -> Done:
    hours = _whole("--overlap-hours", options["overlap_hours"], 0, LONGEST_HOURS)
    overlap = timedelta(hours=OVERLAP_HOURS if hours is None else hours)
    try:
        new = rotate_api_key(realm, options["id"], overlap=overlap, actor=None, now=timezone.now())
    except ApiKey.DoesNotExist:
        raise CommandError(f"The realm has no API key {options['id']}.") from None
    except KeyEndedError:
        said = "was revoked, has expired, or was replaced already"
        raise CommandError(f"API key {options['id']} {said}.") from None
    return _made(realm, new)


def _revoke(realm: Realm, options: dict[str, Any]) -> Done:
    number = options["id"]
    if not revoke_api_key(realm, number, actor=None, now=timezone.now()):
        raise CommandError(f"The realm has no API key {number} that could be revoked.")
    return Done({"id": number}, f"API key {number} is revoked.")


_ACTIONS = {"list": _list, "make": _make, "rotate": _rotate, "revoke": _revoke}
_TAKEN_BY = {  # option → the actions that it goes with
    "id": ("rotate", "revoke"),
    "label": ("make",),
    "read": ("make",),
    "write": ("make",),
    "lists": ("make",),
    "expires_in_days": ("make",),
    "overlap_hours": ("rotate",),
}


def _whole(option: str, value: int | None, least: int, most: int) -> int | None:
    if value is not None and not least <= value <= most:
        raise CommandError(f"{option} is a number from {least} to {most}.", returncode=2)
    return value


def _find_lists(realm: Realm, text: str | None) -> list[List] | None:
    """The lists of these numbers; None, for the whole realm, only where no number was given at all."""
    if text is None:
        return None
    numbers = [each.strip() for each in text.split(",")]
    if not all(each.isascii() and each.isdigit() and len(each) < 10 for each in numbers):
        raise CommandError("--lists are numbers with commas between them.", returncode=2)
    wanted = {int(each) for each in numbers}
    found = list(List.objects.filter(realm=realm, number__in=wanted))
    if missing := wanted - {each.number for each in found}:
        raise CommandError(f"The realm has no list {', '.join(map(str, sorted(missing)))}.")
    return found


def _made(realm: Realm, new: NewKey) -> Done:
    expires_at = new.row.expires_at
    remark = f"This is API key {new.row.pk} of the realm {realm.name}. It is not shown again."
    result = {
        "id": new.row.pk,
        "key": new.text,
        "expires_at": expires_at and expires_at.isoformat(),
    }
    return Done(result, new.text, remark)


def _as_json(key: KnownKey) -> dict[str, Any]:
    row = key.row
    names = ("created_at", "last_used_at", "expires_at", "revoked_at")
    times: dict[str, datetime | None] = {name: getattr(row, name) for name in names}
    return {
        "id": row.pk,
        "label": row.label,
        "hint": row.hint,
        "may_read": row.may_read,
        "may_write": row.may_write,
        "lists": None if key.lists is None else [each.number for each in key.lists],
        "state": key.state.value,
        "replaced_by": row.replaced_by_id,
        "last_used_ip": row.last_used_ip,
        **{name: at and at.isoformat() for name, at in times.items()},
    }


def _as_line(key: KnownKey) -> str:
    row = key.row
    numbers = ", ".join(str(each.number) for each in key.lists or ())
    reach = "whole realm" if key.lists is None else f"lists {numbers}"
    used = f"last used {_at(row.last_used_at)}" if row.last_used_at else "never used"
    used += f" from {row.last_used_ip}" if row.last_used_ip else ""
    state = f"{key.state.value} {_at(key.ended_at)}" if key.ended_at else key.state.value
    if row.expires_at and not key.ended_at:
        state += f", expires {_at(row.expires_at)}"
    return f"{row.pk}  {row.label} ({key.name}), {key.scopes.lower()}, {reach}, {used}, {state}"


def _at(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"
