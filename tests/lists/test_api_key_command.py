"""`manage.py api_key`: a realm's API keys from a shell."""

import io
import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from lists.api_keys import EndedKeyError, find_caller
from lists.models import ApiKey, AuditEntry, List, Realm
from tests import make

MAKE = ("make", "--label=Shop", "--read")


def run(*arguments: Any) -> tuple[str, str]:
    """Call the command for the realm `acme`; what it printed, and what it remarked."""
    printed, remarked = io.StringIO(), io.StringIO()
    call_command("api_key", *arguments, "--realm=acme", stdout=printed, stderr=remarked)
    return printed.getvalue(), remarked.getvalue()


def refusal(*arguments: Any, code: int = 1) -> str:
    """What the command says when it refuses."""
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert caught.value.returncode == code
    return str(caught.value)


def opens(text: str) -> bool:
    """Whether a program with this key is let in."""
    try:
        find_caller(text.strip(), None, make.NOW)
    except EndedKeyError:
        return False
    return True


@pytest.mark.django_db
class TestMaking:
    def test_it_prints_the_key_once_and_nothing_else(self, realm: Realm) -> None:
        printed, remarked = run(*MAKE, "--write")

        assert printed.count("\n") == 1 and printed.startswith("hk_") and opens(printed)
        row = ApiKey.objects.get()
        assert (row.may_read, row.may_write, row.list_ids) == (True, True, None)
        assert (row.expires_at, row.made_by) == (None, None)
        assert f"API key {row.pk} of the realm acme" in remarked
        assert printed.strip() not in remarked and printed.strip() not in "".join(run("list"))
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor, entry.realm) == ("make_api_key", None, realm)

    def test_for_some_lists_and_days(self, realm: Realm, optout_list: List) -> None:
        with time_machine.travel(make.NOW, tick=False):
            answer = json.loads(run(*MAKE, "--lists=0, 1", "--expires-in-days=90", "--json")[0])

        row = ApiKey.objects.get()
        assert (row.may_read, row.may_write) == (True, False)
        assert row.list_ids == sorted([make.do_not_mail(realm).pk, optout_list.pk])
        assert answer == {
            "id": row.pk,
            "key": answer["key"],
            "expires_at": (make.NOW + timedelta(days=90)).isoformat(),
        }
        assert opens(answer["key"])

    @pytest.mark.parametrize(
        ("arguments", "says", "code"),
        [
            (("make", "--read"), "make needs --label", 2),
            (("make", "--label= ", "--read"), "make needs --label", 2),
            (("make", "--label=a\nb", "--read"), "on one line", 1),
            (("make", f"--label={'x' * 101}", "--read"), "at most 100 characters", 1),
            (("make", "--label=Shop"), "--read, --write, or both", 2),
            ((*MAKE, "--expires-in-days=0"), "from 1 to", 2),
            ((*MAKE, "--expires-in-days=99999999999"), "from 1 to", 2),
            ((*MAKE, "--lists="), "numbers with commas", 2),
            ((*MAKE, "--lists=1,"), "numbers with commas", 2),
            ((*MAKE, "--lists=-1"), "numbers with commas", 2),
            ((*MAKE, "--lists=1,4711,12"), "has no list 12, 4711", 1),
            ((*MAKE, "--id=1"), "--id goes with rotate and revoke", 2),
            ((*MAKE, "--overlap-hours=1"), "--overlap-hours goes with rotate", 2),
        ],
    )
    def test_a_mistake_makes_none(
        self, optout_list: List, arguments: tuple[str, ...], says: str, code: int
    ) -> None:
        assert says in refusal(*arguments, code=code)
        assert not ApiKey.objects.exists()

    def test_a_label_is_one_active_keys(self, realm: Realm) -> None:
        run(*MAKE)
        assert "this label already" in refusal(*MAKE)


@pytest.mark.django_db
class TestListing:
    def test_a_line_each(self, realm: Realm, optout_list: List) -> None:
        run(*MAKE, "--lists=1")
        run("make", "--label=Old", "--write", "--expires-in-days=10")
        shop, old = ApiKey.objects.order_by("pk")
        ApiKey.objects.filter(pk=shop.pk).update(last_used_at=make.NOW, last_used_ip="203.0.113.9")
        run("revoke", f"--id={old.pk}")

        first, second = run("list")[0].splitlines()

        assert first == (
            f"{shop.pk}  Shop (hk_…{shop.hint}), read, lists 1, last used 2026-03-04 12:00 UTC from 203.0.113.9, active"
        )
        assert second.startswith(f"{old.pk}  Old (hk_…{old.hint}), write, whole realm, never used,")
        assert ", revoked 20" in second

    def test_as_json(self, realm: Realm) -> None:
        run(*MAKE)
        row = ApiKey.objects.get()
        (each,) = json.loads(run("list", "--json")[0])["keys"]
        assert each == {
            "id": row.pk,
            "label": "Shop",
            "hint": row.hint,
            "may_read": True,
            "may_write": False,
            "lists": None,
            "state": "active",
            "replaced_by": None,
            "last_used_ip": None,
            "created_at": row.created_at.isoformat(),
            "last_used_at": None,
            "expires_at": None,
            "revoked_at": None,
        }

    def test_none(self, realm: Realm) -> None:
        assert run("list") == ("There are no API keys.\n", "")


@pytest.mark.django_db
class TestEnding:
    def test_rotating_prints_the_new_one_and_both_open_for_a_day(self, realm: Realm) -> None:
        with time_machine.travel(make.NOW, tick=False):
            old = run(*MAKE)[0]
            row = ApiKey.objects.get()
            new, remarked = run("rotate", f"--id={row.pk}")

        row.refresh_from_db()
        assert row.expires_at == make.NOW + timedelta(hours=24)
        assert opens(old) and opens(new) and old != new
        assert f"API key {row.replaced_by_id}" in remarked
        assert "was replaced already" in refusal("rotate", f"--id={row.pk}")

    def test_rotating_without_an_overlap_ends_it_at_once(self, realm: Realm) -> None:
        with time_machine.travel(make.NOW, tick=False):
            old = run(*MAKE)[0]
            run("rotate", f"--id={ApiKey.objects.get().pk}", "--overlap-hours=0")
        assert not opens(old)
        assert "from 0 to" in refusal("rotate", "--id=1", "--overlap-hours=-1", code=2)

    def test_revoking(self, realm: Realm) -> None:
        text = run(*MAKE)[0]
        number = ApiKey.objects.get().pk
        assert run("revoke", f"--id={number}")[0] == f"API key {number} is revoked.\n"
        assert not opens(text)
        assert "could be revoked" in refusal("revoke", f"--id={number}")

    def test_another_realms_is_not_there(self, realm: Realm) -> None:
        theirs = make.make_api_key(make.make_realm("other"))
        for number in (ApiKey.objects.get().pk, 0, -1, 10**22):
            assert "could be revoked" in refusal("revoke", f"--id={number}")
            assert "has no API key" in refusal("rotate", f"--id={number}")
        assert opens(theirs)

    def test_they_need_an_id_and_a_realm(self, realm: Realm) -> None:
        assert "needs --id" in refusal("rotate", code=2)
        assert "needs --id" in refusal("revoke", code=2)
        with pytest.raises(CommandError, match="no realm of that name"):
            call_command("api_key", "list", "--realm=nobody")
