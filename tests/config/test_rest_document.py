"""The commands in docs/channels/rest-api.md do what stands there, in their order."""

import os
import re
import shutil
import subprocess
from typing import Any

import pytest

from lists.models import Contact, List, Realm
from tests import make
from tests.config.test_documents import ROOT

TEXT = (ROOT / "docs" / "channels" / "rest-api.md").read_text()
HOST = "https://optout.example.com"


def sent_and_said() -> list[tuple[str, str]]:
    """Each command of the console blocks, and what it prints."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE):
        for each in block.replace("\\\n", " ").split("\n$ "):
            command, _, answer = each.removeprefix("$ ").partition("\n")
            found.append((command, answer.strip()))
    return found


@pytest.mark.alone  # it reads the feed
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_each_command_is_answered_as_it_says(
    live_server: Any, realm: Realm, optout_list: List
) -> None:
    make.make_optout(optout_list, "jane@example.com")
    contact = make.make_contact(realm, "ann@example.com", optout_list)
    Contact.objects.filter(pk=contact.pk).update(id=4711)
    key = make.make_api_key(realm)
    commands = sent_and_said()
    assert len(commands) == 8

    for command, answer in commands:
        finished = subprocess.run(
            ["sh", "-c", command.replace(HOST, live_server.url)],
            capture_output=True,
            encoding="utf-8",
            check=False,
            env=os.environ | {"HEED_KEY": key},
        )
        assert finished.stdout.strip() == answer, command
