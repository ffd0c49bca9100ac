import getpass
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from lists.credentials import (
    LONGEST,
    MOST_ACTIVE,
    RevokedPasswordError,
    SamePasswordError,
    TooManyPasswordsError,
    UnusablePasswordError,
    bring_password,
    make_password,
    passwords_of,
    revoke_password,
)
from lists.models import Realm, RealmCredential
from lists.realm_command import Done, RealmCommand


class Command(RealmCommand):
    """`api_password`: what the portal does under Settings › API, for operators and scripts."""

    help = (
        "A realm's passwords for api_web: list them; make one, which is printed once; bring one along that scripts have "
        "already, from standard input or a prompt; revoke one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=_ACTIONS)
        super().add_arguments(parser)
        parser.add_argument("--id", type=int, help="of the password to revoke, from list")

    def check_given(self, options: Mapping[str, Any]) -> None:
        if (options["id"] is None) == (options["action"] == "revoke"):
            raise CommandError("--id goes with revoke, and revoke needs it.", returncode=2)

    def act(self, realm: Realm, options: dict[str, Any]) -> Done:
        try:
            return _ACTIONS[options["action"]](realm, options["id"])
        except TooManyPasswordsError:
            most = f"{MOST_ACTIVE} passwords are active already."
            raise CommandError(f"{most} Revoke one first.") from None


def _list(realm: Realm, _id: int | None) -> Done:
    found = passwords_of(realm, timezone.now())
    rows = [*found.active, *found.revoked]
    lines = map(_as_line, rows) if rows else ["There are no passwords."]
    return Done({"passwords": [_as_json(row) for row in rows]}, "\n".join(lines))


def _make(realm: Realm, _id: int | None) -> Done:
    new = make_password(realm, actor=None)
    remark = f"This is password {new.row.pk} of the realm {realm.name}. It is not shown again."
    return Done({"id": new.row.pk, "password": new.text}, new.text, remark)


def _bring(realm: Realm, _id: int | None) -> Done:
    try:
        row = bring_password(realm, _read_password(), actor=None)
    except UnusablePasswordError as error:
        raise CommandError(f"This password cannot be used. {error.reason}") from None
    except SamePasswordError:
        raise CommandError("This password is active already.") from None
    except RevokedPasswordError as error:
        raise CommandError(str(error)) from None
    return Done({"id": row.pk}, f"Scripts that send it are let in. It is password {row.pk}.")


def _revoke(realm: Realm, credential_id: int | None) -> Done:
    number = credential_id or 0
    if not revoke_password(realm, number, actor=None, now=timezone.now()):
        raise CommandError(f"The realm has no active password {number}.")
    return Done({"id": number}, f"Password {number} is revoked.")


_ACTIONS = {"list": _list, "make": _make, "bring": _bring, "revoke": _revoke}


def _read_password() -> str:
    """From a pipe or a file, without its line end, or typed twice. Never an argument: everybody on the machine sees those."""
    if sys.stdin.isatty():
        try:
            password = getpass.getpass("The password that scripts send: ")
            again = getpass.getpass("The same once more: ")
        except EOFError:
            raise CommandError("Nothing was typed.") from None
        if again != password:
            raise CommandError("These were two different passwords.")
        return password
    try:
        text = sys.stdin.read(LONGEST + 3)  # one too many, and a line end
    except UnicodeDecodeError:  # it would repeat the password
        raise CommandError("What stands on standard input is no text.") from None
    return text.removesuffix("\n").removesuffix("\r")


def _as_json(row: RealmCredential) -> dict[str, Any]:
    times = {name: getattr(row, name) for name in ("created_at", "last_used_at", "revoked_at")}
    return {
        "id": row.pk,
        "is_brought": row.is_chosen,
        "hint": row.hint,
        "last_used_ip": row.last_used_ip,
        **{name: at and at.isoformat() for name, at in times.items()},
    }


def _as_line(row: RealmCredential) -> str:
    origin = "brought along" if row.is_chosen else f"ends in {row.hint}"
    used = f"last used {_at(row.last_used_at)}" if row.last_used_at else "never used"
    used += f" from {row.last_used_ip}" if row.last_used_ip else ""
    state = f"revoked {_at(row.revoked_at)}" if row.revoked_at else "active"
    return f"{row.pk}  {origin}, made {_at(row.created_at)}, {used}, {state}"


def _at(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"
