"""`manage.py api_password`: a realm's passwords from a shell, also before anybody can sign in."""

import getpass
import io
import json
import sys
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from lists.credentials import LONGEST, make_password
from lists.models import AuditEntry, Realm, RealmCredential
from tests import make
from tests.lists.test_credentials import opens

OWN = "Garden-Gnome 1999"


class Terminal(io.StringIO):
    """Standard input at which somebody sits."""

    def isatty(self) -> bool:
        return True


def run(*arguments: Any) -> tuple[str, str]:
    """Call the command for the realm `acme`; what it printed, and what it remarked."""
    printed, remarked = io.StringIO(), io.StringIO()
    call_command("api_password", *arguments, "--realm=acme", stdout=printed, stderr=remarked)
    return printed.getvalue(), remarked.getvalue()


def refusal(*arguments: Any, code: int = 1) -> str:
    """What the command says when it refuses."""
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert caught.value.returncode == code
    return str(caught.value)


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch):
    """Gives the command its standard input."""

    def give(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return give


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch):
    """Answers the command's prompts."""

    def answer(*texts: str) -> None:
        left = list(texts)
        monkeypatch.setattr(sys, "stdin", Terminal())
        monkeypatch.setattr(getpass, "getpass", lambda _prompt: left.pop(0))

    return answer


@pytest.mark.django_db
class TestMaking:
    def test_it_prints_the_password_once_and_nothing_else(self, realm: Realm) -> None:
        printed, remarked = run("make")

        assert printed.count("\n") == 1 and printed.startswith("hr_")
        assert opens(realm, printed.strip())
        row = RealmCredential.objects.get()
        assert f"password {row.pk} of the realm acme" in remarked
        assert printed.strip() not in remarked and printed.strip() not in "".join(run("list"))

    def test_it_is_audited_without_an_actor(self, realm: Realm) -> None:
        run("make")
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor, entry.realm) == ("make_api_password", None, realm)
        assert entry.detail == {"credential": RealmCredential.objects.get().pk}

    def test_as_json_it_is_one_object(self, realm: Realm) -> None:
        answer = json.loads(run("make", "--json")[0])
        assert set(answer) == {"id", "password"} and opens(realm, answer["password"])

    def test_a_third_is_refused(self, realm: Realm) -> None:
        run("make")
        run("make")
        assert refusal("make") == "2 passwords are active already. Revoke one first."


@pytest.mark.django_db
class TestBringing:
    @pytest.mark.parametrize("end", ["", "\n", "\r\n"])
    def test_it_comes_from_standard_input_without_the_line_end(
        self, realm: Realm, pipe, end: str
    ) -> None:
        pipe(f"{OWN}{end}")
        printed, remarked = run("bring", "--json")

        row = RealmCredential.objects.get()
        assert json.loads(printed) == {"id": row.pk} and remarked == ""
        assert row.is_chosen and row.hint == "" and opens(realm, OWN)
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor) == ("bring_api_password", None)

    def test_it_is_not_printed(self, realm: Realm, pipe) -> None:
        pipe(OWN)
        assert "Gnome" not in "".join(run("bring"))

    @pytest.mark.parametrize(
        ("sent", "says"),
        [
            ("", "0 characters"),
            ("\n", "0 characters"),
            ("gnome", "5 characters"),
            ("G" * (LONGEST + 1) + "\n", "201 characters"),
            ("G" * 1_000_000, "characters"),
            (f" {OWN}", "begins or ends with a space"),
            (f"{OWN}\n\n", "cannot be seen"),
            (f"first\n{OWN}\n", "cannot be seen"),
            (f"\ufeff{OWN}", "cannot be seen"),
            (f"{OWN}\udcff", "cannot be seen"),
            (f"{OWN}\0", "cannot be seen"),
        ],
    )
    def test_what_no_script_could_send_is_refused_and_not_repeated(
        self, realm: Realm, pipe, sent: str, says: str
    ) -> None:
        pipe(sent)
        said = refusal("bring")
        assert says in said and "Gnome" not in said
        assert not RealmCredential.objects.exists()

    def test_the_longest_is_taken(self, realm: Realm, pipe) -> None:
        pipe("G" * LONGEST + "\r\n")
        run("bring")
        assert opens(realm, "G" * LONGEST)

    def test_bytes_that_are_no_text_are_not_repeated(
        self, realm: Realm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        latin = io.TextIOWrapper(io.BytesIO("Gärten-Gnome".encode("latin-1")), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", latin)
        assert refusal("bring") == "What stands on standard input is no text."

    def test_the_same_one_twice_and_a_third_are_refused(self, realm: Realm, pipe) -> None:
        pipe(OWN)
        run("bring")
        pipe(OWN)
        assert refusal("bring") == "This password is active already."
        run("make")
        pipe("Another-one 2001")
        assert "Revoke one first" in refusal("bring")

    def test_a_revoked_one_is_refused(self, realm: Realm, pipe) -> None:
        pipe(OWN)
        row = json.loads(run("bring", "--json")[0])["id"]
        run("revoke", f"--id={row}")
        RealmCredential.objects.update(revoked_at=make.NOW)
        pipe(OWN)
        said = refusal("bring")
        assert said.startswith("This password was revoked on 4 March 2026.") and OWN not in said

    def test_at_a_terminal_it_is_typed_twice(self, realm: Realm, typed) -> None:
        typed(OWN, OWN)
        run("bring")
        assert opens(realm, OWN)

        typed(OWN, f"{OWN}!")
        assert refusal("bring") == "These were two different passwords."

    def test_a_password_never_reaches_a_statement(
        self, realm: Realm, pipe, django_assert_max_num_queries
    ) -> None:
        pipe(OWN)
        with django_assert_max_num_queries(10) as queries:
            run("bring")
        assert not any("Gnome" in each["sql"] for each in queries.captured_queries)

    def test_it_is_no_argument(self, realm: Realm) -> None:
        assert "unrecognized arguments" in refusal("bring", OWN, code=1)


@pytest.mark.django_db
class TestListing:
    def test_active_and_revoked_ones_without_their_texts(self, realm: Realm, pipe) -> None:
        made = make_password(realm, actor=None)
        run("revoke", f"--id={made.row.pk}")
        pipe(OWN)
        run("bring")
        RealmCredential.objects.filter(is_chosen=True).update(
            last_used_at=make.NOW, last_used_ip="203.0.113.9"
        )

        brought, revoked = run("list")[0].splitlines()

        assert "brought along" in brought and brought.endswith(
            "last used 2026-03-04 12:00 UTC from 203.0.113.9, active"
        )
        assert revoked.startswith(f"{made.row.pk}  ends in {made.text[-4:]}, made ")
        assert "never used, revoked " in revoked

    def test_as_json(self, realm: Realm) -> None:
        made = make_password(realm, actor=None)
        make_password(make.make_realm("other"), actor=None)
        (each,) = json.loads(run("list", "--json")[0])["passwords"]
        assert each == {
            "id": made.row.pk,
            "is_brought": False,
            "hint": made.text[-4:],
            "created_at": made.row.created_at.isoformat(),
            "last_used_at": None,
            "last_used_ip": None,
            "revoked_at": None,
        }

    def test_none(self, realm: Realm) -> None:
        assert run("list") == ("There are no passwords.\n", "")
        assert json.loads(run("list", "--json")[0]) == {"passwords": []}


@pytest.mark.django_db
class TestRevoking:
    def test_it_opens_nothing_any_more(self, realm: Realm) -> None:
        made = make_password(realm, actor=None)
        assert run("revoke", f"--id={made.row.pk}")[0] == f"Password {made.row.pk} is revoked.\n"
        assert not opens(realm, made.text)
        entry = AuditEntry.objects.latest("pk")
        assert (entry.action, entry.actor) == ("revoke_api_password", None)
        assert "no active password" in refusal("revoke", f"--id={made.row.pk}")

    def test_another_realms_is_not_there(self, realm: Realm) -> None:
        theirs = make_password(make.make_realm("other"), actor=None)
        for number in (theirs.row.pk, 0, -1, 10**22):
            assert "no active password" in refusal("revoke", f"--id={number}")
        assert opens(theirs.row.realm, theirs.text)

    def test_it_needs_an_id_and_nothing_else_takes_one(self, realm: Realm) -> None:
        assert "--id" in refusal("revoke", code=2)
        assert "--id" in refusal("make", "--id=1", code=2)
        assert not RealmCredential.objects.exists()


@pytest.mark.django_db
class TestWhichRealm:
    def test_it_must_be_named_and_be_there(self, realm: Realm) -> None:
        with pytest.raises(CommandError, match="--realm"):
            call_command("api_password", "list")
        with pytest.raises(CommandError, match="no realm of that name"):
            call_command("api_password", "make", "--realm=nobody")
        assert not RealmCredential.objects.exists()
