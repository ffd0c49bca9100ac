"""`manage.py unsubscription_report`: who of a realm is told of opt-outs, from a shell."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from lists.choices import Role
from lists.models import AuditEntry, List, Realm, User
from optout.choices import Medium
from reporting.models import UnsubscriptionReport
from tests import make

pytestmark = pytest.mark.django_db

NOW = make.NOW
BOB = "--email=Bob@acme.example"
NUMBER = "+12025550123"


def run(*arguments: str) -> tuple[str, str]:
    """Call the command for the realm `acme`; what it printed, and what it remarked."""
    printed, remarked = io.StringIO(), io.StringIO()
    with time_machine.travel(NOW, tick=False):
        call_command(
            "unsubscription_report", *arguments, "--realm=acme", stdout=printed, stderr=remarked
        )
    return printed.getvalue(), remarked.getvalue()


def run_json(*arguments: str) -> list[dict[str, Any]]:
    reports: list[dict[str, Any]] = json.loads(run(*arguments, "--json")[0])["reports"]
    return reports


def refusal(*arguments: str, code: int = 1) -> str:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert caught.value.returncode == code
    assert not AuditEntry.objects.exists()
    return str(caught.value)


class TestSetting:
    def test_what_the_screen_sets(self, bob: User) -> None:
        printed, remarked = run("set", BOB, "--reports=both", "--phone=(202) 555-0123")
        assert remarked == ""
        assert printed.splitlines() == [
            "bob@acme.example: opt-outs, daily, by email, nothing sent yet, due 2026-03-05 07:00 UTC",
            f"bob@acme.example: opt-outs, daily, by SMS to {NUMBER}, nothing sent yet, due 2026-03-05 07:00 UTC",
        ]
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor) == ("change_notifications", None)
        assert entry.detail == {
            "member": bob.pk,
            "kind": "opt_outs",
            "media": ["email", "sms"],
            "rhythm": "daily",
        }

    def test_what_is_not_given_stays(self, bob: User) -> None:
        run("set", BOB, "--reports=sms", "--rhythm=weekly", f"--phone={NUMBER}")
        run("set", BOB, "--reports=both")
        run("set", BOB, "--rhythm=immediate")
        run("set", BOB, "--phone=+12025550199")
        rows = UnsubscriptionReport.objects.order_by("medium")
        assert list(rows.values_list("medium", "rhythm", "phone")) == [
            (Medium.EMAIL, "immediate", ""),
            (Medium.SMS, "immediate", "+12025550199"),
        ]

    def test_off_and_twice(self, bob: User) -> None:
        run("set", BOB, "--reports=email")
        assert run("set", BOB, "--reports=off") == ("bob@acme.example gets no reports.\n", "")
        assert run("set", BOB, "--reports=off")[1] == "Nothing was changed.\n"
        assert not UnsubscriptionReport.objects.exists()

    def test_an_operator_has_reports_of_any_realm(self, realm: Realm) -> None:
        make.make_user("op@heed.example", is_superuser=True)
        (row,) = run_json("set", "--email=op@heed.example", "--reports=email")
        assert row["email"] == "op@heed.example"

    def test_a_mailers_weekly(self, realm: Realm, optout_list: List) -> None:
        mailer = make.make_user("mo@northmail.example")
        make.make_member(mailer, realm, Role.MAILER, optout_list)
        which = "--email=mo@northmail.example"
        for more in (["--reports=sms"], ["--reports=email", "--rhythm=daily"], ["--phone=1"]):
            assert "one mail a week" in refusal("set", which, *more)
        (row,) = run_json("set", which, "--reports=email")
        assert (row["kind"], row["rhythm"]) == ("since_download", "weekly")

    def test_mistakes_are_refused_with_a_sentence(
        self, bob: User, charlie: User, settings: Settings
    ) -> None:
        assert "needs --email" in refusal("set", "--reports=email", code=2)
        assert "what to set" in refusal("set", BOB, code=2)
        assert "goes with" in refusal("set", BOB, "--reports=email", "--phone=1", code=2)
        assert "Enter a phone number" in refusal("set", BOB, "--reports=sms")
        for phone in ("nonsense", "+1234567"):
            said = refusal("set", BOB, "--reports=sms", f"--phone={phone}")
            assert "phone number" in said
        for nobody in ("charlie@other.example", "nobody@example.com", ""):
            assert "Nobody" in refusal("set", f"--email={nobody}", "--reports=email")
        for email in ("b\udced", "b\0"):
            assert "no text" in refusal("set", f"--email={email}", "--reports=off", code=2)
        User.objects.filter(pk=bob.pk).update(is_active=False)
        assert "Nobody" in refusal("set", BOB, "--reports=email")
        User.objects.update(is_active=True)
        settings.BASE_URL = "https://optout.example.com"
        assert "no SMS gateway" in refusal("set", BOB, "--reports=sms", f"--phone={NUMBER}")
        with pytest.raises(CommandError, match="no realm"):
            call_command("unsubscription_report", "list", "--realm=none")


class TestListing:
    def test_who_gets_what_and_what_became_of_it(self, alice: User, bob: User) -> None:
        assert run("list") == ("Nobody gets reports.\n", "")
        run("set", BOB, "--reports=sms", "--rhythm=immediate", f"--phone={NUMBER}")
        run("set", "--email=alice@acme.example", "--reports=email")
        since, due = NOW - timedelta(hours=1), datetime(2026, 3, 4, 13, tzinfo=UTC)
        UnsubscriptionReport.objects.filter(user=bob).update(
            sent_at=since, failed_at=since, due_at=due
        )

        assert run("list")[0].splitlines() == [
            "alice@acme.example: opt-outs, daily, by email, nothing sent yet, due 2026-03-05 07:00 UTC",
            (
                f"bob@acme.example: opt-outs, immediate, by SMS to {NUMBER}, last sent 2026-03-04 11:00 UTC, "
                "cannot be sent since 2026-03-04 11:00 UTC, next try 2026-03-04 13:00 UTC"
            ),
        ]
        assert run_json("list", BOB) == [
            {
                "email": "bob@acme.example",
                "kind": "opt_outs",
                "medium": "sms",
                "rhythm": "immediate",
                "phone": NUMBER,
                "due_at": due.isoformat(),
                "sent_at": since.isoformat(),
                "failing_since": since.isoformat(),
            }
        ]
        with pytest.raises(CommandError, match="--rhythm goes with set"):
            run("list", "--rhythm=daily")

    def test_of_this_realm_only(self, bob: User, charlie: User) -> None:
        call_command(
            "unsubscription_report",
            "set",
            "--realm=other",
            f"--email={charlie.email}",
            "--reports=email",
            stdout=io.StringIO(),
        )
        assert run_json("list") == []
