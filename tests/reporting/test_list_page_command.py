"""`manage.py list_page`: what the portal does in the page editor and on Join My Mailing List, from a shell."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from lists.choices import Accepts
from lists.models import AuditEntry, List, Logo, Realm
from optout.links import ask_url, join_url
from reporting.management.commands.list_page import Command
from tests import make
from tests.lists.pictures import picture


def run(*arguments: str) -> str:
    """Call the command for the realm `acme`; what it printed."""
    printed = io.StringIO()
    call_command("list_page", *arguments, "--realm=acme", stdout=printed)
    return printed.getvalue()


def ask(*arguments: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run(*arguments, "--json"))
    return answer


def refusal(*arguments: str, code: int = 1) -> str:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert caught.value.returncode == code
    return str(caught.value)


@pytest.mark.django_db
class TestShow:
    def test_a_list_with_its_links(self, optout_list: List) -> None:
        shown = ask("show", "--list=1")

        assert shown["join_url"] == join_url(optout_list.public_id)
        assert shown["ask_url"] == ask_url(optout_list.public_id)
        assert (shown["join_is_open"], shown["shown_in_preferences"]) == (False, True)
        assert shown["texts"] == {"en": {"name": "Garden letters"}}
        assert shown["logo"] is None
        assert 'name, en              "Garden letters"' in run("show", "--list=1")

    def test_a_realm(self, realm: Realm) -> None:
        shown = ask("show")
        assert (shown["list"], shown["texts"]) == (None, {})


def test_help_explains_every_option_with_an_example() -> None:
    parser = Command().create_parser("manage.py", "list_page")
    own = [group for group in parser._action_groups if group.title not in ("positional arguments", "options")]  # fmt: skip
    options = [option for group in own for option in group._group_actions]
    assert len(options) > 15
    for option in options:
        is_switch = option.nargs == 0
        assert option.help and (is_switch or f"{option.option_strings[0]} " in option.help)


@pytest.mark.django_db
class TestSet:
    def test_texts_of_a_language_and_nothing_else(self, optout_list: List) -> None:
        german = ("--name=Gartenbriefe", "--frequency=Jeden Donnerstag", "--consent=Ja, gern")
        answer = ask("set", "--list=1", "--lang=de", *german)
        ask("set", "--list=1", "--description=What to sow", "--reason=Too long", "--reason=Dull")

        assert answer["texts"]["de"] == {
            "name": "Gartenbriefe",
            "frequency": "Jeden Donnerstag",
            "consent": "Ja, gern",
        }
        optout_list.refresh_from_db()
        assert (optout_list.name, optout_list.description) == ("Garden letters", "What to sow")
        assert optout_list.reasons == {"en": ["Too long", "Dull"]}
        assert optout_list.own_texts["consent"] == {"de": "Ja, gern"}
        assert {entry.actor for entry in AuditEntry.objects.all()} == {None}

    def test_brand_and_switches(self, optout_list: List) -> None:
        brand = ("--colour=#1d4ed8", "--sender-name=Acme", "--privacy-url=https://a.example/p")
        answer = ask("set", "--list=1", *brand, "--join", "--no-shown", "--no-asks-reason")

        assert answer["join_is_open"] and not answer["shown_in_preferences"]
        optout_list.refresh_from_db()
        assert (optout_list.colour, optout_list.asks_reason) == ("#1d4ed8", False)
        assert ask("set", "--list=1", "--sender-name=")["sender_name"] == ""

    def test_a_logo_of_the_realm_comes_and_goes(self, realm: Realm, tmp_path: Path) -> None:
        file = tmp_path / "logo.png"
        file.write_bytes(picture())

        assert ask("set", f"--logo={file}")["logo"]["width"] == 200
        assert Logo.objects.get().optout_list is None
        assert ask("set", "--remove-logo")["logo"] is None

    def test_what_is_wrong_changes_nothing(self, optout_list: List, tmp_path: Path) -> None:
        file = tmp_path / "logo.svg"
        file.write_text("<svg/>")
        both = ("set", "--list=1", "--name=Other")

        assert refusal(*both, "--colour=blue").startswith("Colour: ")
        assert refusal(*both, f"--logo={file}").startswith("Logo: ")
        assert "cannot be read" in refusal(*both, f"--logo={tmp_path}/none.png")
        assert "Do Not Mail" in refusal("set", "--list=1", "--name=Do not mail", "--join")

        optout_list.refresh_from_db()
        assert (optout_list.name, optout_list.join_is_open) == ("Garden letters", False)
        assert not AuditEntry.objects.exists()

    def test_what_cannot_be_is_said(self, realm: Realm) -> None:
        make.make_list(realm, 5, "Texts", accepts=Accepts.PHONE)

        assert "phone numbers alone" in refusal("set", "--list=5", "--join")
        assert "no list 9" in refusal("show", "--list=9")
        assert "needs --list" in refusal("set", "--sender-name=Acme", code=2)
        for wrong in (("--list=0", "--join"), ("--list=0", "--name=x"), ("--consent=x",)):
            assert "lists that people are on" in refusal("set", *wrong, code=2)
        assert refusal("set", code=2) == "Say what to set."
        assert refusal("show", "--join", code=2) == "show takes nothing to set."
