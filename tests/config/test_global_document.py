"""The commands in docs/channels/global-unsubscribe.md do what stands there."""

import re
import shlex
import shutil
import subprocess
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from lists.models import GlobalUnsubscribe, Product, Realm, RealmHost, StoredForm
from optout.models import GlobalLine
from tests import make
from tests.config.test_documents import ROOT

TEXT = (ROOT / "docs" / "channels" / "global-unsubscribe.md").read_text()
HOST = "https://optout.example.com"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def sent_and_said() -> list[tuple[str, str]]:
    """Each command of the console blocks, and what it prints."""
    found = []
    for block in blocks("console"):
        for each in block.replace("\\\n", " ").split("$ ")[1:]:
            command, _, answer = each.partition("\n")
            found.append((command, answer.strip()))
    return found


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
class TestRequests:
    def test_each_is_answered_as_it_says(self, live_server: Any, realm: Realm) -> None:
        make.make_global_unsubscribe(realm)
        make.make_product(realm, 1, make.make_list(realm))
        commands = sent_and_said()
        assert [answer for _, answer in commands] == ["1", "1", "0", ""]

        for command, answer in commands:
            finished = subprocess.run(
                ["sh", "-c", command.replace(HOST, live_server.url)],
                capture_output=True,
                encoding="utf-8",
                check=True,
            )
            if answer:
                assert finished.stdout == answer, command
            else:  # the form
                assert "The website that sent you here asks:" in finished.stdout
                for label in ("Country", "City", "Reason"):
                    assert f"<bdi>{label}</bdi>" in finished.stdout

        line = GlobalLine.objects.get()
        assert (line.email, line.website, line.product_number, line.unsubscribe_count) == (
            *("jane@example.com", "shop.example", 1),
            2,
        )


@pytest.mark.django_db
class TestSettingUp:
    def test_each_command_is_understood(self) -> None:
        realm = make.make_realm("myrealm")
        make.make_list(realm, 7)
        lines = "".join(blocks("sh")).replace("\\\n", " ").splitlines()
        commands = [shlex.split(line, comments=True) for line in lines]
        commands.sort(key=lambda words: "--server-ips" in words)  # it stands before the switch

        for python, manage, name, *rest in commands:
            assert (python, manage) == ("python", "manage.py")
            call_command(name, *rest, stdout=StringIO(), stderr=StringIO())

        door = GlobalUnsubscribe.objects.get(realm=realm)
        assert (door.is_on, door.server_ips) == (True, ["192.0.2.10", "198.51.100.0/24"])
        product = Product.objects.get()
        assert product.optout_list is not None
        assert (product.number, product.optout_list.number) == (2, 7)
        form = StoredForm.objects.get()
        assert (form.publisher.reference, form.product, form.labels) == (
            *("1042", product),
            {"customField1": "Reason"},
        )
        assert RealmHost.objects.filter(host="unsubscribe.example.com", realm=realm).exists()
