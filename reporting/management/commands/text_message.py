import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import mkstemp
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from lists.lookup import snapshot
from lists.models import List, Realm
from lists.realm_command import Done, RealmCommand, check_options, check_takers, find_realm
from optout.addresses import AddressError, parse_phone
from optout.sms_numbers import read_number
from reporting.models import TextMessage
from reporting.send_editor.drafts import Draft, look_at, warnings_of
from reporting.send_editor.files import RecipientsFile
from reporting.send_editor.messages import (
    check_target,
    default_sender,
    make_message,
    stop_message,
)
from reporting.send_editor.recipients import count_readers
from reporting.send_editor.sent import SentMessage
from reporting.send_editor.texts import TextRefusedError, check_text, is_blank

SHOWN = 50  # messages of list
TOLD_EVERY = 100_000  # rows


class Command(RealmCommand):
    """`text_message`: what the portal does under Send editor, for operators and scripts."""

    help = (
        "Text messages: see what one would become and for how many; write a list's recipients with a link each as csv; send one "
        "to a list or a single number; list them, see how far one is, stop it. Write {optout} where the opt-out link goes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=(*_ACTIONS, "recipients"))
        super().add_arguments(parser)
        parser.add_argument("--id", help="which message, from list or send")
        parser.add_argument("--list", type=int, metavar="N", help="to this list, by number")
        parser.add_argument("--to", metavar="NUMBER", help="to this single number")
        parser.add_argument("--text", help="the message; recipients: a third column with it")
        parser.add_argument(
            "--from",
            dest="sender",
            metavar="NUMBER",
            help="one of the realm's numbers (else: the list's, or SMS_FROM)",
        )
        parser.add_argument(
            "--output", metavar="FILE", help="recipients: into this file (else: to stdout)"
        )
        parser.add_argument(
            "--raw",
            action="store_true",
            help="recipients: the text as it is, for a gateway (else: safe to open in a spreadsheet)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] != "recipients":
            super().handle(*args, **options)
            return
        check_options(options)
        self.check_given(options)
        done = self._write_recipients(find_realm(options["realm"]), options)
        if options["output"]:
            self.stdout.write(json.dumps(done.result) if options["json"] else done.text)
        else:  # stdout has the file
            self.stderr.write(done.text, style_func=str)

    def check_given(self, options: Mapping[str, Any]) -> None:
        check_takers(options, _TAKEN_BY)
        if options["action"] == "recipients" and options["json"] and not options["output"]:
            raise CommandError("--json goes with --output: stdout has the file.", returncode=2)

    def act(self, realm: Realm, options: dict[str, Any]) -> Done:
        try:
            return _ACTIONS[options["action"]](realm, options)
        except TextRefusedError as error:
            raise CommandError(str(error)) from None

    def _write_recipients(self, realm: Realm, options: dict[str, Any]) -> Done:
        """The csv, with how far it is on stderr. A file is there whole or not at all, and its owner's alone to read."""
        if options["list"] is None:
            raise CommandError("recipients needs --list.", returncode=2)
        optout_list = _find_list(realm, options["list"])
        text = options["text"] or ""
        try:
            check_target(realm, optout_list)
            text = "" if is_blank(text) else check_text(text, optout_list.pk)
        except TextRefusedError as error:
            raise CommandError(str(error)) from None
        file = RecipientsFile(optout_list, text, is_raw=options["raw"], actor=None)
        is_complete = False
        try:
            if options["output"]:
                self._write(Path(options["output"]), file)
            else:
                self._pump(file, sys.stdout.buffer.write)
                sys.stdout.flush()
            is_complete = True
        finally:
            file.finish(is_complete=is_complete)
        rows = file.rows
        return Done({"recipients": rows, "output": options["output"]}, f"{rows:,} recipients.")

    def _write(self, path: Path, file: RecipientsFile) -> None:
        """Beside it at first, under a name that nobody else has, readable by its owner alone."""
        half = None
        try:
            number, half = mkstemp(".part", f"{path.name}.", path.parent)
            with os.fdopen(number, "wb") as written:
                self._pump(file, written.write)
            Path(half).replace(path)
        except BaseException as error:
            if half is not None:
                Path(half).unlink(missing_ok=True)
            if not isinstance(error, OSError):
                raise
            raise CommandError(f"The file cannot be written: {error.strerror}.") from None

    def _pump(self, file: RecipientsFile, write: Callable[[bytes], Any]) -> None:
        told = 0
        for piece in file.pieces():
            write(piece)
            if file.rows - told >= TOLD_EVERY:
                told = file.rows
                self.stderr.write(f"{told:,} …", style_func=str)


# ── Actions ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _list(realm: Realm, _options: dict[str, Any]) -> Done:
    messages = TextMessage.objects.filter(realm=realm).select_related("optout_list")
    found = [SentMessage(each) for each in messages.order_by("-pk")[:SHOWN]]
    lines = [_line(each) for each in found] or ["There are no messages."]
    return Done({"messages": [_as_json(each) for each in found]}, "\n".join(lines))


def _preview(realm: Realm, options: dict[str, Any]) -> Done:
    optout_list, number = _target(realm, options)
    text = check_text(options["text"] or "", None if optout_list is None else optout_list.pk)
    sender = _sender(realm, options["sender"]) or default_sender(realm, optout_list)
    draft = Draft(realm, optout_list, number, text, optout_list is not None, sender)
    look = look_at(draft)
    shown, count = look.link.join(look.parts), look.count
    warnings = warnings_of(draft, count)
    result = {
        "encoding": look.measure.encoding,
        "segments": look.measure.segments,
        "characters": look.measure.characters,
        "units": look.measure.units,
        "text": shown,
        "recipients": None if count is None else count.recipients,
        "left_out": None if count is None else count.left_out,
        "warnings": warnings,
    }
    size = f"{_counted(look.measure.segments, 'segment')} of {look.measure.encoding}"
    if count is not None:
        size += f"; {_counted(count.recipients, 'recipient')}, {count.left_out:,} left out"
    return Done(result, f"{shown}\n\n{size}", "\n".join(warnings))


def _send(realm: Realm, options: dict[str, Any]) -> Done:
    optout_list, number = _target(realm, options)
    message = make_message(
        realm,
        optout_list=optout_list,
        number=number,
        text=options["text"] or "",
        sender=_sender(realm, options["sender"]) or default_sender(realm, optout_list),
        actor=None,
        recipients=None if optout_list is None else count_readers(snapshot(optout_list)),
        now=timezone.now(),
    )
    return Done(
        _as_json(SentMessage(message)), message.public_id, "The worker begins within a minute."
    )


def _show(realm: Realm, options: dict[str, Any]) -> Done:
    shown = SentMessage(_find(realm, options))
    return Done(_as_json(shown), _line(shown))


def _stop(realm: Realm, options: dict[str, Any]) -> Done:
    message = _find(realm, options)
    is_stopped = stop_message(message, actor=None, now=timezone.now())
    message.refresh_from_db()
    said = "is stopped." if is_stopped else "was over already."
    return Done(_as_json(SentMessage(message)), f"Message {message.public_id} {said}")


_ACTIONS: dict[str, Callable[[Realm, dict[str, Any]], Done]] = {
    "list": _list,
    "preview": _preview,
    "send": _send,
    "show": _show,
    "stop": _stop,
}
_TAKEN_BY = {  # option → the actions that it goes with
    "id": ("show", "stop"),
    "list": ("preview", "recipients", "send"),
    "to": ("preview", "send"),
    "text": ("preview", "recipients", "send"),
    "sender": ("preview", "send"),
    "output": ("recipients",),
    "raw": ("recipients",),
}


# ── What was given, and what is printed ──────────────────────────────────────────────────────────────────────────────────


def _target(realm: Realm, options: dict[str, Any]) -> tuple[List | None, str]:
    if (options["list"] is None) == (options["to"] is None):
        raise CommandError("Say --list or --to.", returncode=2)
    if options["list"] is not None:
        return _find_list(realm, options["list"]), ""
    try:
        return None, parse_phone(options["to"], realm.default_region).key
    except AddressError as error:
        raise CommandError(str(error)) from None


def _sender(realm: Realm, text: str | None) -> str:
    try:
        return "" if text is None else read_number(text, realm.default_region)
    except AddressError as error:
        raise CommandError(str(error)) from None


def _find_list(realm: Realm, number: int) -> List:
    found = List.objects.select_related("realm").filter(realm=realm, number=number).first()
    if found is None:
        raise CommandError(f"The realm has no list {number}.")
    return found


def _find(realm: Realm, options: dict[str, Any]) -> TextMessage:
    messages = TextMessage.objects.select_related("realm", "optout_list")
    found = messages.filter(realm=realm, public_id=options["id"]).first()
    if found is None:
        raise CommandError(f"The realm has no message {options['id']}.")
    return found


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _as_json(shown: SentMessage) -> dict[str, Any]:
    row = shown.row
    return {
        "id": row.public_id,
        "list": None if row.optout_list is None else row.optout_list.number,
        "to": row.number or None,
        "text": row.text,
        "from": row.sender or None,
        "state": row.state,
        "sent": row.sent,
        "refused": row.refused,
        "unknown": row.unknown,
        "percent": shown.percent,
        "created_at": row.created_at.isoformat(),
        "finished_at": None if row.finished_at is None else row.finished_at.isoformat(),
    }


def _line(shown: SentMessage) -> str:
    row = shown.row
    target = row.number if row.optout_list is None else f"list {row.optout_list.number}"
    return (
        f"{row.public_id}  {row.created_at:%Y-%m-%d %H:%M}  {row.state:8} {shown.percent:3} %  to {target}:"
        f" {row.sent:,} sent, {row.refused:,} refused, {row.unknown:,} not known"
    )
