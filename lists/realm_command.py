"""Management commands about one realm: what they are given, how they answer, how they end."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from lists.models import Realm


@dataclass(frozen=True, slots=True)
class Done:
    """What is printed: the result as JSON or as text, and for people a remark beside it."""

    result: dict[str, Any]
    text: str
    remark: str = ""


class RealmCommand(BaseCommand):
    """A command that does something in the realm of `--realm`.

    Results go to stdout, remarks to stderr: `KEY=$(manage.py api_key make …)`. Exit codes: 0 when it was done, 1 when it was
    refused, 2 when the command was not understood.
    """

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--realm", required=True, metavar="NAME", help="the realm's name")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        check_options(options)
        self.check_given(options)
        done = self.act(find_realm(options["realm"]), options)
        self.stdout.write(json.dumps(done.result) if options["json"] else done.text)
        if done.remark:
            self.stderr.write(done.remark, style_func=str)

    def check_given(self, options: Mapping[str, Any]) -> None:
        """Raise CommandError, with code 2, for options that do not go together."""

    def act(self, realm: Realm, options: dict[str, Any]) -> Done:
        """Do it. Raises CommandError."""
        raise NotImplementedError


def find_realm(name: str) -> Realm:
    """The realm of that name. Raises CommandError."""
    realm = Realm.objects.filter(name=name).first()
    if realm is None:
        raise CommandError("There is no realm of that name.")
    return realm


def check_options(options: Mapping[str, object]) -> None:
    """Raise CommandError where an option's value is no text: octets that are no UTF-8, or a NUL, which no database finds."""
    for name, value in options.items():
        if isinstance(value, str) and not _is_text(value):
            option = name.replace("_", "-")
            raise CommandError(f"--{option} is no text: it must be UTF-8.", returncode=2)


def check_takers(
    options: Mapping[str, Any],
    taken_by: Mapping[str, tuple[str, ...]],
    switches: Iterable[str] = (),
) -> None:
    """Raise CommandError for an option that does not go with the action, or an action that lacks its `--id`.

    `taken_by`: the actions that an option goes with; one that is not named goes with all. `switches`: options of which False
    says something, too.
    """
    action = options["action"]
    for name, takers in taken_by.items():
        value = options[name]
        is_given = value is not None and (value is not False or name in switches)
        if is_given and action not in takers:
            option = name.replace("_", "-")
            raise CommandError(f"--{option} goes with {' and '.join(takers)}.", returncode=2)
    if options["id"] is None and action in taken_by["id"]:
        raise CommandError(f"{action} needs --id.", returncode=2)


def _is_text(value: str) -> bool:
    try:
        value.encode()  # what is no UTF-8 comes from the shell as surrogates
    except UnicodeEncodeError:
        return False
    return "\0" not in value
