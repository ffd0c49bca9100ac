import json
from argparse import BooleanOptionalAction
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Any

from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.utils.datastructures import MultiValueDict

from lists.actions import change_list
from lists.choices import Language, TextKind
from lists.models import List, Logo, Realm
from lists.pictures import MOST_UPLOADED
from lists.realm_command import Done, RealmCommand
from optout.links import ask_url, join_url, page_url
from reporting.forms_join import JoinForm
from reporting.forms_page import brand_of
from reporting.page_editor import Sent
from reporting.page_texts import (
    REASONS,
    THANKS,
    default_language,
    kinds_of,
    languages_with_texts,
    read_texts,
)

_TEXTS = (  # option → the kind of text that it is
    ("name", TextKind.NAME),
    ("description", TextKind.DESCRIPTION),
    ("frequency", TextKind.FREQUENCY),
    ("message", TextKind.MESSAGE),
    ("thanks", THANKS),
    ("consent", TextKind.CONSENT),
    ("reason", REASONS),
)
_HELP_OF_TEXTS = {
    "name": "what recipients call the list: --name 'Garden letter'",
    "description": "what they get from it, in a sentence: --description 'What to sow, every Thursday.'",
    "frequency": "how often it comes: --frequency 'About once a week'",
    "message": "in your words, where people unsubscribe, sign up or choose: --message 'Before you go: we also write monthly.'",
    "thanks": "what stands on the page after an opt-out: --thanks 'Sorry to see you go.'",
    "consent": "what people agree to beside the box of the join form: --consent 'Yes, mail me the garden letter.'",
    "reason": "what who left can choose from; all of them, in their order: --reason 'Too many' --reason 'Something else'",
}
_HELP_OF_BRAND = {
    "sender-name": "whose mails these are, in place of the realm's: --sender-name 'Green Valley Garden'",
    "colour": "of the button: --colour '#166534'",
    "contact": "for questions, an email address, a phone number or a web address: --contact help@example.com",
    "privacy-url": "the privacy policy, linked at the foot: --privacy-url https://www.example.com/privacy",
    "default-language": "where the browser asks for no language that Heed has: --default-language de; '' is the realm's",
    "locked-language": "always this one, whatever the browser asks for: --locked-language de; '' is none",
}
_BRAND = (
    *("sender_name", "colour", "contact", "privacy_url", "default_language", "locked_language"),
    "asks_reason",
)
_SWITCHES = ("join_is_open", "shown_in_preferences")


class Command(RealmCommand):
    """`list_page`: what the portal does in the page editor and on Join My Mailing List, for operators and scripts."""

    help = (
        "A list's page, or without --list its realm's brand: show it; set colour, logo, contact and texts in each language; "
        "switch the join form and the place on the preference page."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=("show", "set"), help="set needs what to set")
        super().add_arguments(parser)
        parser.add_argument("--list", type=int, metavar="N", help="this list, by number: --list 4")
        texts = parser.add_argument_group("texts, in the language of --lang; '' takes one away")
        texts.add_argument(
            "--lang",
            choices=Language.values,
            metavar="LANG",
            help="else the default one: --lang de",
        )
        for option, _kind in _TEXTS:
            if option == "reason":
                texts.add_argument(
                    "--reason", action="append", metavar="TEXT", help=_HELP_OF_TEXTS[option]
                )
            else:
                texts.add_argument(f"--{option}", metavar="TEXT", help=_HELP_OF_TEXTS[option])
        brand = parser.add_argument_group("brand; '' takes it away")
        for option in ("sender-name", "colour", "contact", "privacy-url"):
            brand.add_argument(f"--{option}", metavar="TEXT", help=_HELP_OF_BRAND[option])
        for option in ("default-language", "locked-language"):
            brand.add_argument(
                f"--{option}",
                choices=("", *Language.values),
                metavar="LANG",
                help=_HELP_OF_BRAND[option],
            )
        brand.add_argument(
            "--asks-reason",
            action=BooleanOptionalAction,
            help="whether who opted out on the page is asked why: --no-asks-reason",
        )
        brand.add_argument(
            "--logo",
            metavar="FILE",
            help="PNG, JPEG, WebP or GIF, at most 1 MB: --logo logo.png",
        )
        brand.add_argument("--remove-logo", action="store_true", help="take the logo away")
        offered = parser.add_argument_group("what people are offered")
        offered.add_argument(
            "--join",
            dest="join_is_open",
            action=BooleanOptionalAction,
            help="switch the join form, with which people put themselves on the list: --join",
        )
        offered.add_argument(
            "--shown",
            dest="shown_in_preferences",
            action=BooleanOptionalAction,
            help="whether the list has a box on the preference page, “See what we send you”: --no-shown",
        )

    def check_given(self, options: Mapping[str, Any]) -> None:
        names = (*(option for option, _kind in _TEXTS), *_BRAND, *_SWITCHES, "logo")
        given = options["remove_logo"] or any(options[name] is not None for name in names)
        if options["action"] == "show" and given:
            raise CommandError("show takes nothing to set.", returncode=2)
        if options["action"] == "set" and not given:
            raise CommandError("Say what to set.", returncode=2)

    def act(self, realm: Realm, options: dict[str, Any]) -> Done:
        subject = realm if options["list"] is None else _find_list(realm, options["list"])
        if options["action"] == "set":
            _set(subject, options)
            subject = type(subject).objects.get(pk=subject.pk)
        result = _as_json(subject)
        return Done(result, _as_text(result))


def _set(subject: List | Realm, options: dict[str, Any]) -> None:
    """Check everything as the portal's forms do, then change all of it or nothing. Raises CommandError."""
    switches = _switched(subject, options)
    sent = _sent(subject, options)
    refused = sent.refused()
    if refused is not None:
        raise CommandError(_problems(refused.texts, refused.brand))
    with transaction.atomic():
        sent.save(None)
        if switches is not None and isinstance(subject, List):
            fresh = List.objects.select_related("realm").get(pk=subject.pk)
            change_list(fresh, switches, actor=None)


def _sent(subject: List | Realm, options: dict[str, Any]) -> Sent:
    """The page editor's form as it would be sent with these options, and with what there is for all the others."""
    language = options["lang"] or default_language(subject)
    texts, kinds = read_texts(subject, language), kinds_of(subject)
    for option, kind in _TEXTS:
        if options[option] is not None:
            if kind not in kinds:
                raise CommandError(f"--{option} is of lists that people are on.", returncode=2)
            text = options[option]
            texts[kind] = "\n".join(text) if kind == REASONS else text
    brand = brand_of(subject)
    for name in _BRAND:
        if options[name] is not None:
            if name not in brand:
                option = name.replace("_", "-")
                raise CommandError(f"--{option} needs --list.", returncode=2)
            brand[name] = options[name]
    data = {f"text-{kind}": text for kind, text in texts.items()} | {"language": language}
    data |= {name: "on" if value is True else value for name, value in brand.items() if value}
    if options["remove_logo"]:
        data["remove_logo"] = "on"
    files: MultiValueDict[str, UploadedFile[Any]] = MultiValueDict()
    if options["logo"] is not None:
        files["logo"] = _read_file(options["logo"])
    return Sent(subject, data, files)


def _switched(subject: List | Realm, options: dict[str, Any]) -> dict[str, Any] | None:
    """{field: value} of what people are offered; None where nothing of it was said."""
    said = {name: options[name] for name in _SWITCHES if options[name] is not None}
    if not said:
        return None
    if isinstance(subject, Realm) or subject.is_global:
        raise CommandError("--join and --shown are of lists that people are on.", returncode=2)
    form = JoinForm(instance=copy(subject))
    if said.get("join_is_open") and "join_is_open" not in form.fields:
        raise CommandError("This list has phone numbers alone: whoever signs up confirms by mail.")
    return said


def _read_file(path: str) -> SimpleUploadedFile:
    try:
        with Path(path).open("rb") as file:
            return SimpleUploadedFile(Path(path).name, file.read(MOST_UPLOADED + 1))
    except OSError as error:
        raise CommandError(f"The logo cannot be read: {error.strerror}.") from None


def _problems(*found: forms.Form) -> str:
    said = []
    for form in found:
        for name, errors in form.errors.items():
            label = form.fields[name].label if name in form.fields else ""
            said += [f"{label}: {error}" if label else str(error) for error in errors]
    return " ".join(said)


def _find_list(realm: Realm, number: int) -> List:
    found = List.objects.select_related("realm").filter(realm=realm, number=number).first()
    if found is None:
        raise CommandError(f"The realm has no list {number}.")
    return found


def _as_json(subject: List | Realm) -> dict[str, Any]:
    optout_list = subject if isinstance(subject, List) else None
    realm = subject.realm if isinstance(subject, List) else subject
    logo = Logo.objects.filter(realm=realm, optout_list=optout_list).first()
    shown: dict[str, Any] = {"realm": realm.name, "list": None}
    if optout_list is not None:
        public_id = optout_list.public_id
        shown |= {
            "list": optout_list.number,
            "page_url": page_url(public_id),
            "ask_url": ask_url(public_id),
            "join_url": None if optout_list.is_global else join_url(public_id),
            "join_is_open": optout_list.join_is_open,
            "shown_in_preferences": optout_list.shown_in_preferences,
        }
    return shown | {
        **brand_of(subject),
        "default_language": default_language(subject),
        "logo": None
        if logo is None
        else {
            "media_type": logo.media_type,
            "width": logo.width,
            "height": logo.height,
            "bytes": len(logo.image),
        },
        "texts": {
            code: {kind: text for kind, text in read_texts(subject, code).items() if text}
            for code in Language.values
            if code in languages_with_texts(subject)
        },
    }


def _as_text(shown: dict[str, Any]) -> str:
    lines = [
        f"{name.replace('_', ' '):22}{_said(value)}"
        for name, value in shown.items()
        if name != "texts" and value is not None and value != ""
    ]
    lines += [
        f"{f'{kind}, {code}':22}{json.dumps(text, ensure_ascii=False)}"
        for code, texts in shown["texts"].items()
        for kind, text in texts.items()
    ]
    return "\n".join(lines)


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return "{media_type}, {width} × {height}, {bytes} bytes".format(**value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
