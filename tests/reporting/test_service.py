import base64
import os
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
import qrcode  # type: ignore[import-untyped]
from django.conf import settings
from django.utils import timezone

from lists.choices import Role
from lists.models import (
    ApiKey,
    AuditEntry,
    CallCount,
    Contact,
    List,
    PasswordFailure,
    Realm,
    RealmCredential,
    User,
)
from optout import links
from optout.addresses import hex_digests
from optout.channels.api_web.command import Command
from optout.channels.api_web.handlers import HANDLERS
from optout.choices import Channel, Kind, Traffic
from optout.models import LimitCounter, OptOut, QuarantinedOptOut, Suppression
from reporting import snippets
from reporting.mail_tools import MAIL_TOOLS, get_mail_tool
from reporting.models import Notice
from reporting.models.notices import NoticeKind
from tests import make
from tests.reporting.portal import signed_in, signed_in_long_ago


def url(optout_list: List, rest: str = "") -> str:
    return f"/manage/lists/{optout_list.public_id}/service{rest}"


def text_of(response) -> str:
    return unescape(response.content.decode())


@pytest.mark.django_db
class TestServicePage:
    def test_it_has_every_link_ready_to_copy(self, bob: User, optout_list: List) -> None:
        """S0.1, S0.4: and the link for the footer carries no address."""
        page = text_of(signed_in(bob).get(url(optout_list)))

        assert links.page_url(optout_list.public_id) in page
        assert links.direct_url(optout_list.public_id) in page
        assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in page
        assert f'<a href="{links.page_url(optout_list.public_id)}">Unsubscribe</a>' in page
        signed = re.search(re.escape(settings.BASE_URL) + r"/o/([\w-]+)", page)
        assert signed is not None
        target = links.read_token(signed.group(1))
        assert target is not None
        assert target.address == "sample@example.com"

    @pytest.mark.parametrize("tool", MAIL_TOOLS, ids=lambda tool: tool.slug)
    def test_the_picker_writes_the_merge_tag_of_a_mail_tool(
        self, bob: User, optout_list: List, tool
    ) -> None:
        page = text_of(signed_in(bob).get(url(optout_list, f"?tool={tool.slug}")))

        assert f"{links.page_url(optout_list.public_id)}?item={tool.tag}" in page

    def test_the_link_is_there_as_a_qr_code(self, bob: User, optout_list: List) -> None:
        page = text_of(signed_in(bob).get(url(optout_list)))

        found = re.search(
            r'class="qr" viewBox="0 0 (\d+) \1".*?class="qr-ink" d="([^"]+)"', page, re.DOTALL
        )
        assert found is not None
        side, path = int(found[1]), found[2]
        drawn = {
            (x, int(y))
            for start, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1H\1z", path)
            for x in range(int(start), int(start) + int(width))
        }
        code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4)
        code.add_data(links.page_url(optout_list.public_id))
        matrix = code.get_matrix()
        assert side == len(matrix)
        assert drawn == {
            (x, y) for y, line in enumerate(matrix) for x, is_dark in enumerate(line) if is_dark
        }

    def test_the_pixel_has_exactly_the_form_of_the_seed(self, bob: User, optout_list: List) -> None:
        """S0.3, S0.15: the ways for an opt-out on the mailer's own site."""
        page = text_of(signed_in(bob).get(url(optout_list, "?tab=mailer")))

        pixel = f"{settings.BASE_URL}/u/{optout_list.public_id}.gif?item={{item}}"
        assert f'<img src="{pixel}" width="1" height="1" />' in page

    def test_it_says_whether_the_readers_ip_is_on_the_whitelist(
        self, bob: User, optout_list: List
    ) -> None:
        optout_list.whitelist = ["203.0.113.5", "203.0.113.6"]
        optout_list.save(update_fields=["whitelist"])

        other = text_of(signed_in(bob).get(url(optout_list, "?tab=mailer")))
        own = text_of(
            signed_in(bob).get(url(optout_list, "?tab=mailer"), REMOTE_ADDR="203.0.113.5")
        )

        assert "2 addresses allowed;" in other
        assert "is not." in other
        assert "is among them." in own

    @pytest.mark.parametrize("tab", ["hosted", "mailer", "api", "download", "test", "nonsense"])
    def test_it_asks_the_database_ten_times_at_most(
        self, bob: User, optout_list: List, tab: str, django_assert_max_num_queries
    ) -> None:
        client = signed_in(bob)
        with django_assert_max_num_queries(10):
            assert client.get(url(optout_list, f"?tab={tab}")).status_code == 200

    def test_a_pixel_inside_a_mail_is_told_until_it_is_put_aside(
        self, bob: User, optout_list: List
    ) -> None:
        Notice.objects.create(
            optout_list=optout_list,
            kind=NoticeKind.PIXEL_IN_MAIL,
            subject="",
            raised_at=make.NOW,
        )
        client = signed_in(bob)

        assert "put inside a mail" in text_of(client.get(url(optout_list)))
        client.post(
            f"/manage/lists/{optout_list.public_id}/quarantine/notice", {"kind": "pixel_in_mail"}
        )
        assert "put inside a mail" not in text_of(client.get(url(optout_list)))

    def test_the_pages_can_be_looked_at(self, bob: User, optout_list: List) -> None:
        preview = f"/u/{optout_list.public_id}/preview?state=form"
        client = signed_in(bob)
        settings_page = text_of(client.get(f"/manage/lists/{optout_list.public_id}/settings"))
        assert f'href="{preview}"' in text_of(client.get(url(optout_list)))
        assert f'href="/manage/lists/{optout_list.public_id}/page/"' in settings_page
        assert client.get(preview).status_code == 200

    def test_it_has_the_links_to_join_and_to_choose(self, bob: User, optout_list: List) -> None:
        """S2.2."""
        client, public_id = signed_in(bob), optout_list.public_id
        page = text_of(client.get(url(optout_list)))
        assert f'<a href="{links.ask_url(public_id)}">See what we send you</a>' in page
        assert links.preferences_url(optout_list.pk, "sample@example.com") in page
        assert links.join_url(public_id) not in page and "It is off." in page

        List.objects.filter(pk=optout_list.pk).update(join_is_open=True)

        assert links.join_url(public_id) in text_of(client.get(url(optout_list)))

    def test_do_not_mail_has_a_preference_page_and_nothing_to_join(
        self, alice: User, realm: Realm
    ) -> None:
        do_not_mail = make.do_not_mail(realm)

        page = text_of(signed_in(alice).get(url(do_not_mail)))

        assert links.ask_url(do_not_mail.public_id) in page
        assert 'id="join"' not in page

    def test_a_list_of_phone_numbers_has_nothing_for_mails(
        self, bob: User, optout_list: List
    ) -> None:
        client = signed_in(bob)
        assert "Footer" in text_of(client.get(url(optout_list)))
        List.objects.filter(pk=optout_list.pk).update(accepts="phone")

        page = text_of(client.get(url(optout_list)))

        for word in ("List-Unsubscribe", "Footer", "email address", "See what we send you"):
            assert word not in page
        assert "Signed link" in page

    def test_the_test_says_that_it_counts(self, bob: User, optout_list: List) -> None:
        page = text_of(signed_in(bob).get(url(optout_list, "?tab=test")))
        assert "counts these among the opt-outs of today" in page

    def test_a_mailer_sees_it_without_key_and_test(self, realm: Realm, optout_list: List) -> None:
        """S0.2: a mailer with a sign-in finds the links by themselves."""
        mailer = make.make_user("mailer@north.example")
        make.make_member(mailer, realm, Role.MAILER, optout_list)
        client = signed_in(mailer)

        assert "Show the key" not in text_of(client.get(url(optout_list)))
        assert "Run the test" not in text_of(client.get(url(optout_list, "?tab=test")))
        assert "?tab=test" not in text_of(client.get(url(optout_list)))
        assert client.post(url(optout_list, "/key")).status_code == 404
        assert client.post(url(optout_list, "/test")).status_code == 404
        assert not OptOut.objects.exists()


@pytest.mark.django_db
class TestLinkKey:
    def test_showing_it_is_audited_and_never_cached(self, bob: User, optout_list: List) -> None:
        response = signed_in(bob).post(url(optout_list, "/key"))

        key = base64.urlsafe_b64encode(links.list_key(optout_list.pk)).rstrip(b"=").decode()
        assert key in text_of(response)
        assert "no-store" in response["Cache-Control"]
        assert AuditEntry.objects.get().action == "show_link_key"
        assert key not in str(AuditEntry.objects.get().detail)

    def test_it_asks_for_the_password_again_after_a_while(
        self, bob: User, optout_list: List
    ) -> None:
        response = signed_in_long_ago(bob).post(url(optout_list, "/key"))

        assert response.status_code == 302
        assert "reauthenticate" in response["Location"]
        assert not AuditEntry.objects.exists()


@pytest.mark.django_db
class TestSignedLinkPrograms:
    """The programs are run as they stand on the page."""

    ADDRESS = "Jané+tag@Example.com "

    def run(self, optout_list: List, slug: str, command: list[str], after: str) -> str:
        program = {each.slug: each.code for each in snippets.signed_links(optout_list.pk)}[slug]
        key = base64.urlsafe_b64encode(links.list_key(optout_list.pk)).rstrip(b"=").decode()
        finished = subprocess.run(
            command,
            input=f"{program}\n{after}\n",
            env={**os.environ, "HEED_LINK_KEY": key, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        return finished.stdout.strip()

    def check(self, optout_list: List, link: str) -> None:
        assert link == links.signed_url(optout_list.pk, "jané+tag@example.com")
        target = links.read_token(link.rpartition("/")[2])
        assert target is not None
        assert (target.list_id, target.address) == (optout_list.pk, "jané+tag@example.com")

    def test_python(self, optout_list: List) -> None:
        after = f"print(unsubscribe_link({self.ADDRESS!r}))"
        self.check(optout_list, self.run(optout_list, "python", [sys.executable, "-"], after))

    @pytest.mark.skipif(not shutil.which("node"), reason="needs node")
    def test_node(self, optout_list: List) -> None:
        after = f"console.log(unsubscribeLink({self.ADDRESS!r}))"
        self.check(optout_list, self.run(optout_list, "node", ["node", "-"], after))

    @pytest.mark.skipif(not shutil.which("php"), reason="needs php")
    def test_php(self, optout_list: List) -> None:
        after = f"echo unsubscribe_link({self.ADDRESS!r});"
        self.check(optout_list, self.run(optout_list, "php", ["php"], after))


@pytest.mark.django_db(transaction=True)
class TestProgramsAgainstAServer:
    """What the page gives out, run as it stands against a server."""

    @pytest.fixture
    def served(self, live_server, settings, realm: Realm) -> List:
        settings.BASE_URL = live_server.url
        return make.make_list(realm, whitelist=["127.0.0.1"])

    def run(self, command: list[str], program: str = "", **more) -> str:
        finished = subprocess.run(
            command, input=program, capture_output=True, encoding="utf-8", check=True, **more
        )
        return finished.stdout.strip()

    def recorded(self) -> list[tuple[str | None, int]]:
        return [(row.address, row.channel) for row in OptOut.objects.order_by("id")]

    def report(self, served: List, slug: str) -> str:
        return {each.slug: each.code for each in snippets.server_to_server(served.public_id)}[slug]

    @pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
    def test_curl_reports_an_opt_out(self, served: List) -> None:
        assert self.run(["sh"], self.report(served, "curl")) == "OK"
        assert self.recorded() == [("jane@example.com", Channel.S2S)]

    def test_python_reports_an_opt_out(self, served: List) -> None:
        after = "print(report_optout('jane+tag@example.com'))"
        program = f"{self.report(served, 'python')}\n{after}\n"

        assert self.run([sys.executable, "-"], program) == "True"
        assert self.recorded() == [("jane+tag@example.com", Channel.S2S)]

    @pytest.mark.skipif(not shutil.which("node"), reason="needs node")
    def test_node_reports_an_opt_out(self, served: List) -> None:
        after = "reportOptout('jane+tag@example.com').then(console.log)"

        assert self.run(["node", "-"], f"{self.report(served, 'node')}\n{after}\n") == "true"
        assert self.recorded() == [("jane+tag@example.com", Channel.S2S)]

    @pytest.mark.skipif(not shutil.which("php"), reason="needs php")
    def test_php_reports_an_opt_out(self, served: List) -> None:
        after = "var_dump(report_optout('jane+tag@example.com'));"

        assert self.run(["php"], f"{self.report(served, 'php')}\n{after}\n") == "bool(true)"

    @pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
    def test_the_download_commands_fetch_the_list(self, served: List, tmp_path: Path) -> None:
        make.make_optout(served, "jane@example.com", requested_at=timezone.now())
        secret, _ = make.make_download_key(served)
        digest = hex_digests("jane@example.com").md5

        for command in snippets.download_commands(served.public_id):
            for file in tmp_path.iterdir():
                file.unlink()
            self.run(["sh", "-s"], command.code.replace("YOUR-KEY", secret), cwd=tmp_path)
            fetched = [each for each in tmp_path.iterdir() if each.suffix == ".txt"]
            assert [each.read_text().split() for each in fetched] == [[digest]], command.label


class TestMailTools:
    def test_an_unknown_tool_shows_the_bare_placeholder(self) -> None:
        assert get_mail_tool("nonsense").tag == "{item}"


@pytest.mark.django_db
class TestRehearsal:
    @pytest.mark.parametrize("mode", ["confirm", "instant"])
    @pytest.mark.parametrize("accepts", ["email", "phone", "either"])
    def test_every_way_in_is_tried_and_nothing_stays(
        self, bob: User, optout_list: List, mode: str, accepts: str
    ) -> None:
        optout_list.direct_link_mode = mode
        optout_list.accepts = accepts
        optout_list.whitelist = ["203.0.113.0/29"]
        optout_list.save(update_fields=["direct_link_mode", "accepts", "whitelist"])

        response = signed_in(bob).post(url(optout_list, "/test"))

        trials = response.context["trials"]
        assert [trial.channel for trial in trials] == [
            "Hosted page",
            "Direct link",
            "One-click (signed link)",
            "Pixel",
            "Server to server",
            *(["api_web"] if accepts != "phone" else []),  # it knows email addresses only
            "REST API",
        ]
        assert all(trial.is_recorded for trial in trials), [str(trial) for trial in trials]
        assert not Suppression.objects.exists()
        assert not LimitCounter.objects.exists()
        assert not ApiKey.objects.exists() and not CallCount.objects.exists()
        assert OptOut.objects.filter(kind=Kind.OPT_OUT).count() == len(trials)
        lifts = OptOut.objects.filter(kind=Kind.LIFT)
        assert [lift.evidence for lift in lifts] == [{"rehearsal": True}] * len(trials)
        assert AuditEntry.objects.get().action == "rehearse_channels"
        page = signed_in(bob).get(f"/manage/lists/{optout_list.public_id}/entries")
        assert all(entry.is_test for entry in page.context["entries"])

    def test_an_earlier_test_of_the_same_number_proves_nothing(
        self, bob: User, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """B5: the ledger keeps the numbers of earlier tests; a way in that is shut now is not recorded now."""
        List.objects.filter(pk=optout_list.pk).update(accepts="phone", direct_link_mode="instant")
        monkeypatch.setattr("reporting.rehearsal.secrets.randbelow", lambda _most: 0)
        client = signed_in(bob)
        first = client.post(url(optout_list, "/test")).context["trials"]
        assert all(trial.is_recorded for trial in first)
        now = timezone.now()
        LimitCounter.objects.create(
            optout_list=optout_list,
            network="192.0.2.53/32",
            traffic=Traffic.DIRECT,
            digests=[],
            seen_at=[],
            strikes=1,
            blocked_at=now,
            blocked_until=now + timedelta(hours=1),
            last_seen_at=now,
        )
        lifts = OptOut.objects.filter(kind=Kind.LIFT).count()

        trials = {
            each.channel: each for each in client.post(url(optout_list, "/test")).context["trials"]
        }

        assert {name: each.is_recorded for name, each in trials.items()} == {
            "Hosted page": True,
            "Direct link": False,
            "One-click (signed link)": True,
            "Pixel": False,
            "REST API": True,
        }
        assert trials["Direct link"].answer[:3] in {"403", "429"}
        assert not Suppression.objects.exists()
        assert OptOut.objects.filter(kind=Kind.LIFT).count() == lifts + 3

    def test_api_web_is_tried_as_the_realm_wants_it(self, bob: User, optout_list: List) -> None:
        """S4.13, S4.20: from an approved IP, by POST, with a customer key."""
        Realm.objects.filter(pk=optout_list.realm_id).update(
            uses_customer_key=True, refuses_get=True, approved_ips=["203.0.113.0/29"]
        )

        trials = signed_in(bob).post(url(optout_list, "/test")).context["trials"]

        by_script, by_program = trials[-2:]
        assert (by_script.channel, by_program.channel) == ("api_web", "REST API")
        assert by_program.sent.endswith("as from 203.0.113.0 (an approved IP)")
        assert by_program.is_recorded and by_program.answer.startswith("200, {"), by_program
        assert by_script.is_recorded, by_script
        assert by_script.sent.endswith("as from 203.0.113.0 (an approved IP)")
        assert by_script.answer == (
            f"SUCCESS: 1 record(s) processed. 1 users unsubscribed from list(s) {optout_list.number}"
            " (1 total contacts), Records Failed Other Error 0"
        )
        assert not Suppression.objects.exists()
        assert not Contact.objects.exists()

    def test_it_says_that_no_script_could_get_in(
        self, alice: User, bob: User, optout_list: List
    ) -> None:
        said = "no password is active"
        assert '<a href="/manage/settings/api">' in self.rehearsed(alice, optout_list)
        page = self.rehearsed(bob, optout_list)
        assert said in page
        assert "a realm admin makes one" in page
        row = RealmCredential.objects.create(realm=optout_list.realm, secret_digest=b"1" * 32)
        assert said not in self.rehearsed(bob, optout_list)
        row.revoked_at = timezone.now()
        row.save(update_fields=["revoked_at"])
        assert said in self.rehearsed(bob, optout_list)
        List.objects.filter(pk=optout_list.pk).update(accepts="phone")

        assert said not in self.rehearsed(bob, optout_list)

    def test_it_says_that_no_program_could_get_in(
        self, alice: User, bob: User, optout_list: List
    ) -> None:
        RealmCredential.objects.create(realm=optout_list.realm, secret_digest=b"1" * 32)
        said = "no key may write to this list"
        assert '<a href="/manage/settings/api-keys">' in self.rehearsed(alice, optout_list)
        make.make_api_key(optout_list.realm, may_write=False)
        assert said in self.rehearsed(bob, optout_list)
        make.make_api_key(optout_list.realm, optout_list)

        page = self.rehearsed(bob, optout_list)

        assert said not in page
        assert "Every way in works<" in page

    def rehearsed(self, user: User, optout_list: List) -> str:
        return text_of(signed_in(user).post(url(optout_list, "/test")))

    def test_do_not_mail_is_tried_as_well(self, alice: User, realm: Realm) -> None:
        trials = signed_in(alice).post(url(make.do_not_mail(realm), "/test")).context["trials"]

        assert [each.channel for each in trials[-2:]] == ["api_web", "REST API"]
        assert all(trial.is_recorded for trial in trials), [str(trial) for trial in trials]
        assert not Suppression.objects.exists()

    @pytest.mark.parametrize("breaks", [False, True])
    def test_the_password_of_api_web_does_not_outlive_it(
        self, bob: User, optout_list: List, monkeypatch: pytest.MonkeyPatch, breaks: bool
    ) -> None:
        used = []

        def note(command: Command) -> str:
            used.append(RealmCredential.objects.get().pk)
            if breaks:
                raise RuntimeError
            return "SUCCESS: well done"

        monkeypatch.setitem(HANDLERS, "unsub", note)
        client = signed_in(bob)
        client.raise_request_exception = False

        client.post(url(optout_list, "/test"))

        assert len(used) == 1
        assert not RealmCredential.objects.exists()
        assert not PasswordFailure.objects.exists()
        assert not Suppression.objects.exists()

    def test_a_list_in_protected_mode_says_so(self, bob: User, optout_list: List) -> None:
        optout_list.protected_until = timezone.now() + timedelta(hours=1)
        optout_list.save(update_fields=["protected_until"])

        response = signed_in(bob).post(url(optout_list, "/test"))

        assert response.status_code == 200
        assert not Suppression.objects.exists()
        assert not QuarantinedOptOut.objects.filter(verdict=1).exists()
