"""The Service page's REST API: what it gives out is run as it stands (S2.6-S2.8)."""

import json
import os
import shutil
import subprocess
import sys
from html import unescape
from typing import Any

import pytest
from django.conf import settings

from lists.choices import Role
from lists.lookup import forget_all_lists
from lists.models import ApiKey, List, Realm, User
from optout.choices import Assurance, Channel
from optout.models import OptOut
from reporting import snippets_rest
from tests import make
from tests.lists.screens import open_screen
from tests.reporting.portal import signed_in

ADDRESSES = ["jane+tag@example.com", "nonsense", "o'hara&smith@example.com", "jané@example.com"]


def page_of(user: User, optout_list: List, **more: Any) -> str:
    url = f"/manage/lists/{optout_list.public_id}/service?tab=api"
    page = signed_in(user).get(url, **more).content.decode()
    return unescape(page.replace("<wbr>", ""))


@pytest.mark.django_db
class TestPage:
    def test_it_is_filled_in_with_this_lists_values(self, bob: User, optout_list: List) -> None:
        page = page_of(bob, optout_list)

        assert f'id="rest-url">{settings.BASE_URL}/api/v1<' in page
        assert f'href="{settings.BASE_URL}/api/v1/docs"' in page
        for each in (*snippets_rest.commands(1), *snippets_rest.programs(1)):
            assert each.code in page
        assert "Anywhere: the realm has no approved IPs." in page
        assert "concern this list as well" in page

    def test_only_realm_admins_are_led_to_the_keys(
        self, alice: User, bob: User, realm: Realm, optout_list: List
    ) -> None:
        mailer = make.make_user("mailer@north.example")
        make.make_member(mailer, realm, Role.MAILER, optout_list)
        assert "Settings › API keys" in page_of(alice, optout_list)
        for other in (bob, mailer):
            assert "Settings › API keys" not in page_of(other, optout_list)

    def test_it_says_when_no_key_may_write_and_shows_none(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        said = "None may report opt-outs of this list yet."
        assert said in page_of(bob, optout_list)
        text = make.make_api_key(realm, optout_list)
        page = page_of(bob, optout_list)
        assert said not in page
        assert text not in page and f"…{text[-4:]}" not in page

    def test_do_not_mail_is_about_everything(self, alice: User, realm: Realm) -> None:
        page = page_of(alice, make.do_not_mail(realm))
        assert "/lists/0/suppressions" in page and "/changes?list=0&wait=30" in page
        assert "concern this list as well" not in page

    def test_it_owes_what_every_screen_owes(self, alice: User, optout_list: List) -> None:
        path = f"/manage/lists/{optout_list.public_id}/service?tab=api"
        screen = open_screen(signed_in(alice), path)
        assert "#rest-api" in screen.links


@pytest.mark.alone  # it reads the feed
@pytest.mark.django_db(transaction=True)
class TestAgainstAServer:
    """Whatever stands on the page is run, with a key for the list and Do Not Mail."""

    @pytest.fixture
    def served(self, live_server: Any, settings: Any, realm: Realm) -> List:
        settings.BASE_URL = live_server.url
        return make.make_list(realm, 5)

    @pytest.fixture
    def key(self, served: List, realm: Realm) -> str:
        return make.make_api_key(realm, served, make.do_not_mail(realm))

    def run(self, key: str, command: list[str], code: str, **environment: str) -> Any:
        finished = subprocess.run(
            command,
            input=f"{code}\n",
            env={
                **os.environ,
                "HEED_KEY": key,
                "HEED_PAUSE": "0",
                "PYTHONIOENCODING": "utf-8",
                **environment,
            },
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        return json.loads(finished.stdout)

    def check(self, key: str, command: list[str], slug: str, calls: str) -> None:
        """Report four addresses of which one is none, ask about them and another, and read what changed twice."""
        make.make_optout(make.do_not_mail(Realm.objects.get()), "everything@example.com")
        code = {each.slug: each.code for each in snippets_rest.programs(5)}[slug]
        code = code.replace("wait=30", "wait=0")

        told = self.run(key, command, f"{code}\n{calls}")

        assert (told["added"]["recorded"], told["added"]["new"]) == (3, 3)
        assert told["free"] == ["free@example.com"]
        first, second = told["pages"]
        assert [each["address"] for each in first["changes"]] == [
            "everything@example.com",
            *(each for each in ADDRESSES if each != "nonsense"),
        ]
        assert second["changes"] == []
        found = OptOut.objects.exclude(channel=Channel.PAGE)
        assert {
            (each.channel, each.assurance, (each.evidence or {})["api_key"]) for each in found
        } == {(Channel.REST, Assurance.API_CREDENTIAL, ApiKey.objects.get().pk)}

    def test_python(self, key: str) -> None:
        calls = f"""
from itertools import islice
added = opt_out(*{ADDRESSES!r})
free = may_be_mailed(*{ADDRESSES!r}, "free@example.com", "everything@example.com")
print(json.dumps({{"added": added, "free": free, "pages": list(islice(follow(), 2))}}))
"""
        self.check(key, [sys.executable, "-"], "python", calls)

    @pytest.mark.skipif(not shutil.which("node"), reason="needs node")
    def test_node(self, key: str) -> None:
        calls = f"""
(async () => {{
  const addresses = {json.dumps(ADDRESSES)};
  const added = await optOut(...addresses);
  const free = await mayBeMailed(...addresses, 'free@example.com', 'everything@example.com');
  const pages = [];
  for await (const page of follow()) if (pages.push(page) === 2) break;
  console.log(JSON.stringify({{ added, free, pages }}));
}})();
"""
        self.check(key, ["node", "-"], "node", calls)

    @pytest.mark.skipif(not shutil.which("php"), reason="needs php")
    def test_php(self, key: str) -> None:
        calls = f"""
$addresses = json_decode(<<<'JSON'
{json.dumps(ADDRESSES)}
JSON);
$added = opt_out(...$addresses);
$free = may_be_mailed(...$addresses, ...['free@example.com', 'everything@example.com']);
$pages = [];
foreach (follow() as $page) {{
    $pages[] = $page;
    if (count($pages) === 2) break;
}}
echo json_encode(['added' => $added, 'free' => $free, 'pages' => $pages]);
"""
        self.check(key, ["php"], "php", calls)

    @pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
    def test_curl(self, key: str) -> None:
        add, look_up, changes, links = (each.code for each in snippets_rest.commands(5))
        changes = changes.replace("wait=30", "wait=0")

        assert self.run(key, ["sh"], add)["recorded"] == 2
        results = self.run(key, ["sh"], look_up)["results"]
        assert [each["scope"] for each in results] == ["list", "list"]
        page = self.run(key, ["sh"], changes)
        assert [each["address"] for each in page["changes"]] == [
            "jane@example.com",
            "joe@example.com",
        ]
        assert self.run(key, ["sh"], changes, CURSOR=page["cursor"])["changes"] == []
        told = self.run(key, ["sh"], links)
        assert told["list"] == 5
        assert [len(each["link"].rpartition("/s/")[2]) for each in told["links"]] == [22, 22]

    @pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
    def test_the_line_that_tries_a_new_key_which_is_in_no_command_line(self, key: str) -> None:
        reads = snippets_rest.try_key(may_read=True, number=5)
        writes = snippets_rest.try_key(may_read=False, number=5)
        assert [each["number"] for each in self.run(key, ["sh"], reads)["lists"]] == [0, 5]
        assert self.run(key, ["sh"], writes)["recorded"] == 1

    def test_what_is_refused_is_an_error_and_says_why(self, served: List, key: str) -> None:
        """Above all a look-up: no answer that could be read as "not suppressed"."""
        ApiKey.objects.update(may_read=False)
        forget_all_lists()
        code = snippets_rest.programs(5)[0].code
        finished = subprocess.run(
            [sys.executable, "-"],
            input=f"{code}\nprint(may_be_mailed('jane@example.com'))\n",
            env={**os.environ, "HEED_KEY": key},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert finished.returncode != 0 and finished.stdout == ""
        assert "Refused: (403, 'This API key may write, not read.')" in finished.stderr
