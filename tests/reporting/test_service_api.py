import gzip
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from lists.api_auth import digest_password
from lists.choices import Role
from lists.lookup import forget_all_lists
from lists.models import List, Realm, RealmCredential, User
from optout.channels.api_web.lines import failure
from optout.choices import Assurance, Channel
from optout.models import OptOut
from reporting import snippets_api_web
from reporting.snippets_api_web import YOUR_PASSWORD, Refusal, Target
from tests import make
from tests.reporting.portal import signed_in

PASSWORD = "hr_the-password-of-the-script"
LARGEST = 30 * 1024  # bytes, gzipped


def page_of(user: User, optout_list: List, **more: Any) -> str:
    url = f"/manage/lists/{optout_list.public_id}/service?tab=api"
    page = signed_in(user).get(url, **more).content.decode()
    return unescape(page.replace("<wbr>", ""))  # where lines may break


def set_realm(realm: Realm, **fields: Any) -> None:
    Realm.objects.filter(pk=realm.pk).update(**fields)


def make_password(realm: Realm) -> RealmCredential:
    digest = digest_password(realm.name, PASSWORD)
    return RealmCredential.objects.create(realm=realm, secret_digest=digest)


def send(command: str, *, method: str = "POST") -> str:
    """Send a command as the page shows it; the answer."""
    said = command.replace(YOUR_PASSWORD, PASSWORD)
    client = Client(headers={"user-agent": "PHP/5.3"})
    if method == "GET":
        response = client.get(f"/api_web?{said}")
    else:
        response = client.generic("POST", "/bin/api_web", said, "application/x-www-form-urlencoded")
    return str(response.content.decode())


@pytest.mark.django_db
class TestPage:
    def test_it_is_filled_in_with_this_lists_values(self, bob: User, optout_list: List) -> None:
        page = page_of(bob, optout_list)

        realm = optout_list.realm.name
        assert f"{settings.BASE_URL}/api_web" in page
        assert "/bin/api_web" in page
        assert (
            f"r={realm}&p={YOUR_PASSWORD}&c=unsub&list_id={optout_list.number}&optout=1"
            "&data=email^jane@example.com" in page
        )
        for example in snippets_api_web.examples(Target(realm, optout_list.number)):
            assert example.command in page
            assert example.answer in page
            assert example.otherwise is None or example.otherwise.line in page
        assert "Anywhere: the realm has no approved IPs." in page
        assert "customer_key" not in page

    def test_commands_break_behind_their_marks_and_nowhere_else(
        self, bob: User, optout_list: List
    ) -> None:
        response = signed_in(bob).get(f"/manage/lists/{optout_list.public_id}/service?tab=api")

        page = response.content.decode()
        assert (
            f"&amp;<wbr>c=unsub&amp;<wbr>list_id={optout_list.number}&amp;<wbr>optout=1&amp;<wbr>"
            "data=email,first^<wbr>jane@example.com,Jane^<wbr>joe@example.com,Joe^<wbr>nobody,Nobody<"
            in page
        )

    def test_every_copy_button_says_what_it_copies(self, bob: User, optout_list: List) -> None:
        for tab in ("hosted", "mailer", "api", "download"):
            url = f"/manage/lists/{optout_list.public_id}/service?tab={tab}"
            page = signed_in(bob).get(url).content.decode()
            assert "hidden>Copy<" in page
            assert "hidden>Copy</button>" not in page

    def test_it_says_that_no_password_is_active(
        self, alice: User, bob: User, optout_list: List
    ) -> None:
        link = '<a href="/manage/settings/api">Make one under Settings › API</a>'
        assert link in page_of(alice, optout_list)
        assert "A realm admin makes one." in page_of(bob, optout_list)
        row = make_password(optout_list.realm)
        assert "No password is active" not in page_of(alice, optout_list)
        row.revoked_at = make.NOW
        row.save(update_fields=["revoked_at"])

        assert "No password is active" in page_of(alice, optout_list)

    def test_it_says_what_a_password_may_do(
        self, alice: User, bob: User, optout_list: List
    ) -> None:
        for user in (alice, bob):
            assert "all contacts and opt-outs of all lists" in page_of(user, optout_list)

    def test_a_closed_list_says_that_nobody_should_be_added(
        self, bob: User, optout_list: List
    ) -> None:
        assert "nobody should be added" not in page_of(bob, optout_list)
        List.objects.filter(pk=optout_list.pk).update(closed_at=make.NOW)

        assert "nobody should be added" in page_of(bob, optout_list)

    def test_the_tab_stands_after_the_mailers_site(self, bob: User, optout_list: List) -> None:
        page = page_of(bob, optout_list)

        tabs = re.findall(r"\?tab=(\w+)", page)
        assert tabs[:5] == [
            "hosted",
            "mailer",
            "api",
            "download",
            "test",
        ]  # then those within the text

    def test_only_realm_admins_are_led_to_the_passwords(
        self, alice: User, bob: User, realm: Realm, optout_list: List
    ) -> None:
        mailer = make.make_user("mailer@north.example")
        make.make_member(mailer, realm, Role.MAILER, optout_list)

        assert "Settings › API" in page_of(alice, optout_list)
        for other in (bob, mailer):
            assert "Settings › API" not in page_of(other, optout_list)
            assert "A realm admin gives you one." in page_of(other, optout_list)

    def test_no_password_is_on_it(self, bob: User, optout_list: List) -> None:
        """S4.20: not even a hint of one."""
        make_password(optout_list.realm)

        page = page_of(bob, optout_list)

        assert PASSWORD not in page
        assert page.count("API_PASSWORD") >= 5

    def test_it_says_from_where_programs_may_call(self, bob: User, optout_list: List) -> None:
        set_realm(optout_list.realm, approved_ips=["203.0.113.5", "203.0.113.6"])

        assert "2 approved addresses only;" in page_of(bob, optout_list)
        assert "is not." in page_of(bob, optout_list)
        assert "is among them." in page_of(bob, optout_list, REMOTE_ADDR="203.0.113.5")

    def test_it_says_that_get_is_refused(self, bob: User, optout_list: List) -> None:
        """S4.20."""
        assert "GET works too" in page_of(bob, optout_list)
        set_realm(optout_list.realm, refuses_get=True)

        page = page_of(bob, optout_list)

        assert "POST only:" in page
        assert "GET works too" not in page
        assert "FAILURE: This realm accepts commands by POST only" in page

    def test_customer_keys_are_in_every_example(self, bob: User, optout_list: List) -> None:
        """S4.13."""
        set_realm(optout_list.realm, uses_customer_key=True)

        page = page_of(bob, optout_list)

        assert "data=customer_key,email^11293,jane@example.com" in page
        assert "data=email" not in page
        assert page.count("somebody else’s or not the contact’s own") == 2
        assert "FAILURE: The field customer_key is required in data" in page

    def test_do_not_mail_shows_the_global_opt_out_alone(self, alice: User, realm: Realm) -> None:
        """S4.6: there is no leaving it, and nobody is put on it."""
        page = page_of(alice, make.do_not_mail(realm))

        sent = re.findall(r"&c=(\w+)&(list_id=.*?)&data=email", page)
        assert sent == [("unsub", "list_id=0&optout=1")] * 2
        assert "Take off the list" not in page

    def test_a_list_of_phone_numbers_says_that_it_is_for_email(
        self, bob: User, optout_list: List
    ) -> None:
        assert "knows email addresses only" not in page_of(bob, optout_list)
        List.objects.filter(pk=optout_list.pk).update(accepts="phone")

        assert "knows email addresses only" in page_of(bob, optout_list)

    def test_it_is_small_and_quick(
        self, bob: User, optout_list: List, django_assert_max_num_queries: Any
    ) -> None:
        set_realm(
            optout_list.realm,
            uses_customer_key=True,
            refuses_get=True,
            approved_ips=[f"203.0.113.{last}" for last in range(200)],
        )
        client = signed_in(bob)
        with django_assert_max_num_queries(10):
            response = client.get(f"/manage/lists/{optout_list.public_id}/service?tab=api")

        assert len(gzip.compress(response.content)) <= LARGEST


KEYED = pytest.mark.parametrize("keyed", [False, True], ids=["by email", "by customer key"])


@pytest.mark.django_db
class TestExamples:
    """What the page says is answered is answered, byte for byte, in the order of the page (S4.10, S4.11)."""

    @KEYED
    @pytest.mark.parametrize("is_global", [False, True], ids=["of a list", "of Do Not Mail"])
    def test_one_after_the_other(self, optout_list: List, is_global: bool, keyed: bool) -> None:
        realm = optout_list.realm
        make_password(realm)
        set_realm(realm, uses_customer_key=keyed)
        make.do_not_mail(realm)
        target = Target(realm.name, 0 if is_global else optout_list.number, keyed)
        examples = list(snippets_api_web.examples(target))
        slugs = ["subscribe", "remove", "optout", "global", "several"]
        assert [each.slug for each in examples] == (slugs[3:] if is_global else slugs)

        assert [send(each.command) for each in examples] == [each.answer for each in examples]

    @KEYED
    def test_where_nothing_is_done(self, optout_list: List, keyed: bool) -> None:
        realm = optout_list.realm
        make_password(realm)
        set_realm(realm, uses_customer_key=keyed)
        make.make_optout(optout_list, "jane@example.com")
        target = Target(realm.name, optout_list.number, keyed)
        named = [each for each in snippets_api_web.examples(target) if each.otherwise]
        assert [each.slug for each in named] == ["subscribe", "remove"]

        said = [send(each.command) for each in named]

        assert said == [each.otherwise and each.otherwise.line for each in named]

    def test_an_opt_out_with_a_foreign_key_is_not_recorded(self, optout_list: List) -> None:
        """S4.13: as the page says of it."""
        make_password(optout_list.realm)
        set_realm(optout_list.realm, uses_customer_key=True)
        target = Target(optout_list.realm.name, optout_list.number, uses_customer_key=True)
        commands = {each.slug: each.command for each in snippets_api_web.examples(target)}
        send(commands["subscribe"])

        for key in ("11299", "", "11294"):
            said = send(commands["optout"].replace("^11293,", f"^{key},"))
            assert said == failure(
                snippets_api_web.unsubscribed(optout_list.number, done=0, failed=1)
            )

        assert not OptOut.objects.exists()

    def test_nothing_is_lost_where_lines_may_break(self) -> None:
        for text in ("", "&", "a^b&c", "^^&", "r=a&p=<b>&data=email^jane@example.com\n&x"):
            shown = snippets_api_web.breakable(text)
            assert unescape(shown.replace("<wbr>", "")) == text


@pytest.mark.django_db
class TestRefusals:
    """Each line that the page names is what somebody gets who does that."""

    def test_each_is_said(self, optout_list: List) -> None:
        realm = optout_list.realm
        make_password(realm)
        start = f"r={realm.name}&p={PASSWORD}&c=unsub&list_id={optout_list.number}"
        data = "&data=email^jane@example.com"
        said = [
            send(start + data),
            send(start.replace(PASSWORD, "wrong") + data),
            send(start.replace(f"list_id={optout_list.number}", "list_id=4711") + data),
            send(start.replace(f"list_id={optout_list.number}", "list_id=0") + data),
            send(start),
        ]
        set_realm(realm, uses_customer_key=True, refuses_get=True)
        forget_all_lists()
        said += [send(start + data), send(start + data, method="GET")]
        wrong = start.replace(PASSWORD, "wrong") + data
        said.append([send(wrong) for _ in range(21)][-1])

        assert [each.line for each in self.refusals(realm, optout_list.number)] == said

    def refusals(self, realm: Realm, number: int) -> list[Refusal]:
        target = Target(realm.name, number, uses_customer_key=True)
        return list(snippets_api_web.refusals(target, refuses_get=True))

    def test_who_has_no_use_for_a_line_does_not_see_it(self, realm: Realm) -> None:
        target = Target(realm.name, 1)
        lines = [each.line for each in snippets_api_web.refusals(target, refuses_get=False)]

        assert not [each for each in lines if "customer_key" in each or "POST only" in each]
        assert all(each.startswith("FAILURE: ") and each.count(":") == 1 for each in lines)


@pytest.mark.django_db(transaction=True)
class TestProgramsAgainstAServer:
    """The programs are run as they stand on the page."""

    ADDRESSES = ("jane+tag@example.com", 'j"oe,\\@example.com', "o'hara&smith@example.com")

    @pytest.fixture
    def served(self, live_server: Any, settings: Any, realm: Realm) -> List:
        settings.BASE_URL = live_server.url
        make_password(realm)
        return make.make_list(realm, 5)

    def run(self, served: List, slug: str, command: list[str], after: str = "") -> str:
        realm = Realm.objects.get(pk=served.realm_id)
        target = Target(realm.name, served.number, realm.uses_customer_key)
        code = {each.slug: each.code for each in snippets_api_web.programs(target)}[slug]
        finished = subprocess.run(
            command,
            input=f"{code}\n{after}\n",
            env={**os.environ, "API_PASSWORD": PASSWORD, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        return finished.stdout.strip()

    def check(self, served: List, run: Callable[[str], str], as_list: tuple[str, str]) -> None:
        """One contact, several of which one is unusable, and with customer keys. `as_list`: the language's brackets."""
        assert run(quoted(*self.ADDRESSES)) == (
            "SUCCESS: 3 record(s) processed. 2 users unsubscribed from list(s) 5 (2 total contacts),"
            " Records Failed Other Error 1"
        )
        assert self.recorded() == ["jane+tag@example.com", "o'hara&smith@example.com"]
        set_realm(served.realm, uses_customer_key=True)
        forget_all_lists()
        begin, end = as_list
        contact = begin + quoted("11293", "jané@example.com") + end

        assert run(contact) == (
            "SUCCESS: 1 record(s) processed. 1 users unsubscribed from list(s) 5 (1 total contacts),"
            " Records Failed Other Error 0"
        )
        assert self.recorded()[2:] == ["jané@example.com"]

    def recorded(self) -> list[str | None]:
        found = OptOut.objects.order_by("id")
        assert {(each.channel, each.assurance) for each in found} == {
            (Channel.API_WEB, Assurance.API_CREDENTIAL)
        }
        return [each.address for each in found]

    @pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
    def test_curl(self, served: List) -> None:
        answer = (
            "SUCCESS: 1 record(s) processed. 1 users unsubscribed from list(s) 5 (1 total contacts),"
            " Records Failed Other Error 0"
        )
        assert self.run(served, "curl", ["sh"]) == answer
        set_realm(served.realm, uses_customer_key=True)
        forget_all_lists()
        assert self.run(served, "curl", ["sh"]) == answer
        assert self.recorded() == ["jane@example.com"] * 2

    def test_python(self, served: List) -> None:
        def run(contacts: str) -> str:
            return self.run(served, "python", [sys.executable, "-"], f"print(opt_out({contacts}))")

        self.check(served, run, ("(", ")"))

    @pytest.mark.skipif(not shutil.which("node"), reason="needs node")
    def test_node(self, served: List) -> None:
        def run(contacts: str) -> str:
            return self.run(served, "node", ["node", "-"], f"optOut({contacts}).then(console.log)")

        self.check(served, run, ("[", "]"))

    @pytest.mark.skipif(not shutil.which("php"), reason="needs php")
    def test_php(self, served: List) -> None:
        def run(contacts: str) -> str:
            return self.run(served, "php", ["php"], f"echo opt_out({contacts});")

        self.check(served, run, ("[", "]"))


def quoted(*values: str) -> str:
    """Text literals that PHP, Python and JavaScript read alike."""
    escaped = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return ", ".join(f'"{value}"' for value in escaped)
