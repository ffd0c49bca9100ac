"""The commands in docs/channels/sms.md do what stands there, in their order; its words mean what it says."""

import os
import re
import shlex
import shutil
import subprocess
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from lists.models import InboundEndpoint, InboundFormat, List, Realm, SmsNumber
from lists.sms_actions import InboundPlan, make_endpoint
from lists.sms_setup import SmsRules, rules_of, secret_of, tokens_of
from optout.choices import Meaning
from optout.keywords import BUILT_IN, FIRST_SEVEN, normal_form, read_meaning
from reporting.models.messages import TextMessage
from tests import make
from tests.config.test_documents import ROOT

TEXT = (ROOT / "docs" / "channels" / "sms.md").read_text()
TOKENS = ["0123456789abcdef" * 2, "fedcba9876543210" * 2]
HOST = "https://optout.example.com"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def sent_and_said() -> list[tuple[str, str]]:
    """Each command of the console blocks, and what it prints."""
    found = []
    for block in blocks("console"):
        for each in block.replace("\\\n", " ").split("\n$ "):
            command, _, answer = each.removeprefix("$ ").partition("\n")
            found.append((command, answer.strip()))
    return found


def row_of(words: str) -> list[str]:
    """What somebody texts, in the row of the table whose second cell begins with these words."""
    row = next(
        line for line in TEXT.splitlines() if line.startswith("| `") and f" | {words}" in line
    )
    return re.findall(r"`([^`]+)`", row.split(" | ")[0])


def meanings(texts: list[str]) -> set[Meaning]:
    return {read_meaning(each, SmsRules()).meaning for each in texts}


class TestWords:
    def test_each_text_of_the_table_means_what_it_says(self) -> None:
        for row in ("it is a STOP |", "it is a STOP, too"):
            assert meanings(row_of(row)) == {Meaning.STOP}
        for row in ("for review: a word", "for review: whoever", "for review: it may"):
            assert meanings(row_of(row)) == {Meaning.UNCLEAR}
        assert meanings(row_of("a START")) == {Meaning.START}
        assert meanings([*row_of("nothing, and"), "start again", ""]) == {Meaning.NOTHING}

    @pytest.mark.parametrize(
        ("row", "meaning", "is_sure"),
        [
            ("a STOP of that list alone, if the realm", Meaning.UNCLEAR, True),
            ("a STOP of that list alone, if there", Meaning.STOP, True),
            ("for review, of the list of the number", Meaning.UNCLEAR, True),
            ("for review, of that list", Meaning.UNCLEAR, False),
        ],
    )
    def test_each_text_that_names_something(
        self, row: str, meaning: Meaning, *, is_sure: bool
    ) -> None:
        for text in row_of(row):
            said = read_meaning(text, SmsRules())
            assert said.target
            assert (said.meaning, said.is_sure) == (meaning, is_sure)

    def test_the_words_are_those_that_there_are(self) -> None:
        told = TEXT.partition("**The words**: ")[2]
        words, _, rest = told.partition(", and the")
        always = rest.partition("own. ")[2].partition(" cannot be dropped")[0]

        same = {"optout": "opt out", "arret": "arrêt"}
        named = {normal_form(each) for each in words.split(", ")}
        assert {same.get(each, each) for each in named} == BUILT_IN
        found = re.split(r", | and ", " ".join(always.lower().split()))
        assert set(found) == FIRST_SEVEN


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl"
)
def test_each_command_is_answered_as_it_says(
    live_server: Any, settings: Any, realm: Realm, optout_list: List
) -> None:
    settings.SMS_LINK_BASE_URL = HOST
    SmsNumber.objects.create(realm=realm, number="+18005550199")
    make.make_contact(realm, "+14155550106", optout_list)
    endpoint = make_endpoint(realm, InboundPlan(InboundFormat.GENERIC), actor=None, now=make.NOW)
    environment = {
        "HEED_KEY": make.make_api_key(realm),
        "HEED_SMS_URL": f"{live_server.url}/sms/{endpoint.public_id}",
        "HEED_SMS_SECRET": secret_of(endpoint),
    }
    commands = sent_and_said()
    assert len(commands) == 10

    for command, answer in commands:
        finished = subprocess.run(
            ["sh", "-c", command.replace(HOST, live_server.url)],
            capture_output=True,
            encoding="utf-8",
            check=False,
            env=os.environ | environment,
        )
        assert finished.stdout.strip() == answer, (command, finished.stderr)

    assert TextMessage.objects.get().text == "Sale on Friday. Opt out: {optout}"


@pytest.mark.django_db
def test_each_command_of_the_operator_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here, and in operations.md. A file that one reads has two lines."""
    realm = make.make_realm("myrealm")
    make.make_contact(realm, "+14155550106", make.make_list(realm, 4))
    operations = (ROOT / "docs" / "operations.md").read_text().splitlines()
    lines = "".join(blocks("sh")).splitlines()
    lines += [each for each in operations if each.startswith("python manage.py sms ")]
    for line in lines:
        python, manage, name, *rest = shlex.split(line, comments=True)
        assert (python, manage) == ("python", "manage.py")
        rows = TextMessage.objects if name == "text_message" else InboundEndpoint.objects
        made = rows.order_by("pk").last()
        rest = [made.public_id if each == "…" and made else each for each in rest]
        if "<" in rest:
            rest = rest[: rest.index("<")]
            monkeypatch.setattr("sys.stdin", StringIO("\n".join(TOKENS)))
        call_command(name, *rest, stdout=StringIO(), stderr=StringIO())

    assert SmsNumber.objects.get().optout_list is not None
    rules = rules_of(realm.pk)
    assert (rules.own_keywords, rules.dropped_keywords) == (
        frozenset({"basta"}),
        frozenset({"remove"}),
    )
    assert rules.start_lifts and rules.confirmation_texts
    ours, twilio = InboundEndpoint.objects.order_by("pk")
    assert ours.old_salt is not None
    assert tokens_of(twilio) == TOKENS
