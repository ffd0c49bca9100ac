import csv
import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from lists.models import AuditEntry, List, Realm
from optout.short_links import short_url
from reporting.management.commands import text_message
from reporting.models import TextMessage, TextState
from reporting.send_editor import files
from reporting.send_editor.texts import LIST_ONLY, NOBODY
from tests import make
from tests.reporting.send_editor.making import ANNA, BERT, CLEO, numbered, subscribe

pytestmark = pytest.mark.django_db


def run(action: str, *options: str) -> Any:
    out = io.StringIO()
    call_command("text_message", action, "--realm", "acme", "--json", *options, stdout=out)
    return json.loads(out.getvalue())


def refusal(action: str, *options: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as caught:
        call_command("text_message", action, "--realm", "acme", *options)
    return caught.value.returncode, str(caught.value)


class TestPreview:
    def test_of_a_list(self, optout_list: List) -> None:
        subscribe(optout_list, [ANNA, BERT])
        make.make_optout(optout_list, BERT)
        make.make_subscription(optout_list, BERT)
        found = run("preview", "--list", "1", "--text", "Sale! {optout}")

        assert found["text"] == f"Sale! {short_url(optout_list.pk, ANNA)}"
        assert (found["encoding"], found["segments"]) == ("GSM-7", 1)
        assert (found["recipients"], found["left_out"]) == (1, 1)
        assert found["warnings"] == []

    def test_of_a_single_number(self, realm: Realm) -> None:
        found = run("preview", "--to", "(202) 555-0101", "--text", "Hello")

        assert (found["text"], found["recipients"]) == ("Hello", None)

    def test_for_people(self, optout_list: List, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("text_message", "preview", "--realm", "acme", "--list", "1", "--text", "Sale!")
        said = capsys.readouterr()

        assert said.out == "Sale!\n\n1 segment of GSM-7; 0 recipients, 0 left out\n"
        assert "does not say how to opt out" in said.err


class TestFrom:
    def test_a_number_whose_stop_ends_another_list_alone(
        self, realm: Realm, optout_list: List
    ) -> None:
        other = make.make_list(realm, 5, "Deliveries", sms_stop_scope="list")
        make.make_sms_number(realm, "+18005550111", other)
        code, said = refusal("send", "--list", "1", "--text", "Hi", "--from", "+18005550111")

        assert code == 1
        assert "another list alone" in said
        assert not TextMessage.objects.exists()


class TestRecipients:
    def test_to_a_file(
        self, optout_list: List, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        subscribe(optout_list, [ANNA, BERT, CLEO])
        make.make_optout(make.do_not_mail(optout_list.realm), CLEO)
        path = tmp_path / "recipients.csv"
        found = run("recipients", "--list", "1", "--text", "A\nB {optout}", "--output", str(path))

        assert found == {"recipients": 2, "output": str(path)}
        rows = sorted(csv.DictReader(path.open(newline="")), key=lambda row: row["phone"])
        assert [row["phone"] for row in rows] == [ANNA, BERT]
        assert all(row["text"] == f"A\nB {row['link']}" for row in rows)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [each.name for each in tmp_path.iterdir()] == ["recipients.csv"]
        begun, ended = AuditEntry.objects.order_by("pk")
        assert (begun.action, begun.actor) == ("download_recipients", None)
        assert (ended.action, ended.actor) == ("finish_recipients_download", None)
        assert ended.detail == {"rows": 2, "complete": True}

    def test_for_a_spreadsheet_or_a_gateway(self, optout_list: List, tmp_path: Path) -> None:
        subscribe(optout_list, [ANNA])
        path = tmp_path / "recipients.csv"
        texts = []
        for options in ((), ("--raw",)):
            given = ("--list", "1", "--text", "-50 % today", "--output", str(path))
            run("recipients", *given, *options)
            ((*_, text),) = list(csv.reader(path.open(newline="")))[1:]
            texts.append(text)

        assert texts == ["'-50 % today", "-50 % today"]

    def test_a_message_of_blanks_is_none(self, optout_list: List, tmp_path: Path) -> None:
        path = tmp_path / "recipients.csv"
        run("recipients", "--list", "1", "--text", " \u200b", "--output", str(path))

        assert path.read_text() == "phone,link\n"

    @pytest.mark.parametrize("error", [KeyboardInterrupt, OperationalError, OSError(28, "Full")])
    def test_nothing_is_left_of_a_file_that_breaks_off(
        self,
        optout_list: List,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        error: Any,
    ) -> None:
        subscribe(optout_list, numbered(3))
        path = tmp_path / "recipients.csv"
        path.write_text("yesterday's")
        modes: list[int] = []

        def fail(*_given: Any) -> None:
            modes.extend(stat.S_IMODE(each.stat().st_mode) for each in tmp_path.glob("*.part"))
            raise error

        monkeypatch.setattr(files, "short_urls", fail)
        raised = CommandError if isinstance(error, OSError) else error
        with pytest.raises(raised):
            run("recipients", "--list", "1", "--output", str(path))

        assert modes == [0o600]
        assert [each.name for each in tmp_path.iterdir()] == ["recipients.csv"]
        assert path.read_text() == "yesterday's"
        ended = AuditEntry.objects.latest("pk")
        assert (ended.action, ended.detail) == (
            "finish_recipients_download",
            {"rows": 0, "complete": False},
        )

    def test_a_link_that_somebody_laid_out_is_not_followed(
        self, optout_list: List, tmp_path: Path
    ) -> None:
        subscribe(optout_list, [ANNA])
        path, theirs = tmp_path / "recipients.csv", tmp_path / "theirs"
        path.with_name("recipients.csv.part").symlink_to(theirs)
        run("recipients", "--list", "1", "--output", str(path))

        assert ANNA in path.read_text()
        assert not theirs.exists()

    def test_to_stdout_with_how_far_it_is(
        self,
        optout_list: List,
        capfdbinary: pytest.CaptureFixture[bytes],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(text_message, "TOLD_EVERY", 2)
        subscribe(optout_list, numbered(3))
        call_command("text_message", "recipients", "--realm", "acme", "--list", "1")
        said = capfdbinary.readouterr()

        header, *lines = said.out.decode().splitlines()
        assert header == "phone,link"
        assert sorted(line.partition(",")[0] for line in lines) == numbered(3)
        assert said.err.decode() == "3 …\n3 recipients.\n"

    def test_a_file_that_cannot_be_written(self, optout_list: List, tmp_path: Path) -> None:
        code, said = refusal("recipients", "--list", "1", "--output", str(tmp_path / "a" / "b"))

        assert (code, said) == (1, "The file cannot be written: No such file or directory.")

    def test_what_does_not_go_together(self, optout_list: List) -> None:
        assert refusal("recipients")[0] == 2
        assert refusal("recipients", "--list", "1", "--json")[0] == 2
        assert refusal("recipients", "--list", "0")[0] == 1
        assert refusal("preview", "--list", "1", "--text", "Hello", "--raw")[0] == 2
        assert refusal("recipients", "--list", "9") == (1, "The realm has no list 9.")


class TestSend:
    def test_to_a_list(self, optout_list: List) -> None:
        make.make_sms_number(optout_list.realm, "+18005550100", optout_list)
        subscribe(optout_list, [ANNA])
        found = run("send", "--list", "1", "--text", "Sale! {optout}")

        message = TextMessage.objects.get()
        assert (found["id"], found["state"], found["list"]) == (message.public_id, "sending", 1)
        assert (message.made_by, message.sender) == (None, "+18005550100")
        assert AuditEntry.objects.get().action == "send_text_message"

    @pytest.mark.parametrize("written", ["+18005550100", "(800) 555-0100", "55501"])
    def test_from_a_number_however_it_is_written(self, optout_list: List, written: str) -> None:
        for number in ("+18005550100", "55501"):
            make.make_sms_number(optout_list.realm, number)
        subscribe(optout_list, [ANNA])
        run("send", "--list", "1", "--text", "Sale!", "--from", written)

        kept = "55501" if written == "55501" else "+18005550100"
        assert TextMessage.objects.get().sender == kept

    @pytest.mark.parametrize("written", ["Acme", "+18005550111", "55502"])
    def test_from_a_number_that_is_not_the_realm_s(self, optout_list: List, written: str) -> None:
        assert refusal("send", "--list", "1", "--text", "Sale!", "--from", written)[0] == 1
        assert not TextMessage.objects.exists()

    def test_to_nobody(self, optout_list: List) -> None:
        assert refusal("send", "--list", "1", "--text", "Sale!") == (1, str(NOBODY))
        assert str(NOBODY) in run("preview", "--list", "1", "--text", "{optout}")["warnings"]
        assert not TextMessage.objects.exists()

    def test_to_a_single_number(self, realm: Realm) -> None:
        run("send", "--to", "(202) 555-0101", "--text", "Hello")

        assert TextMessage.objects.get().number == ANNA

    def test_a_single_number_gets_no_link(self, realm: Realm) -> None:
        assert refusal("send", "--to", ANNA, "--text", "{optout}") == (1, str(LIST_ONLY))

    def test_a_number_on_do_not_mail(self, realm: Realm) -> None:
        make.make_optout(make.do_not_mail(realm), ANNA)

        assert "Do Not Mail" in refusal("send", "--to", ANNA, "--text", "Hello")[1]

    @pytest.mark.parametrize(
        "options", [(), ("--list", "1", "--to", ANNA), ("--list", "1", "--id", "x")]
    )
    def test_what_does_not_go_together(self, optout_list: List, options: tuple[str, ...]) -> None:
        assert refusal("send", "--text", "Hello", *options)[0] == 2
        assert not TextMessage.objects.exists()


class TestShowAndStop:
    def test_how_far_it_is(self, optout_list: List) -> None:
        message = make.make_text_message(optout_list, sent=3, after=b"\x80" + b"\0" * 15)
        found = run("show", "--id", message.public_id)

        assert (found["sent"], found["percent"]) == (3, 50)
        assert run("list")["messages"] == [found]

    def test_stop(self, optout_list: List) -> None:
        message = make.make_text_message(optout_list)

        assert run("stop", "--id", message.public_id)["state"] == TextState.STOPPED
        assert run("stop", "--id", message.public_id)["state"] == TextState.STOPPED
        assert AuditEntry.objects.filter(action="stop_text_message").count() == 1

    @pytest.mark.parametrize("action", ["show", "stop"])
    def test_of_another_realm(self, realm: Realm, action: str) -> None:
        theirs = make.make_text_message(make.make_list(make.make_realm("zeta")))

        assert refusal(action, "--id", theirs.public_id)[0] == 1
        assert refusal(action)[0] == 2
