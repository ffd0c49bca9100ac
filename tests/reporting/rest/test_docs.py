"""The documentation page, and the programs on it."""

import gzip
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from lists.models import List, Realm
from optout.channels.rest.problems import Kind, ProblemError
from optout.models import GivenAnswer
from reporting.rest.examples import EXAMPLES
from reporting.rest.programs import LANGUAGES, Call, programs_of
from reporting.rest.receiving import receiving
from reporting.rest.refusals import ADVICE
from tests import make
from tests.reporting.rest.operations import operation_ids, operations
from tests.reporting.rest.running import run


class Page(HTMLParser):
    """What a page links to, and the ids in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in {"href", "src", "action"}:
                self.links.append(value or "")
            elif name == "style" or name.startswith("on"):
                self.inline.append(name)
        if tag == "style" or (tag == "script" and "src" not in dict(attrs)):
            self.inline.append(tag)


@pytest.fixture
def html() -> str:
    return read().content.decode()


def read(path: str = "/api/v1/docs", **headers: str) -> Any:
    return Client().get(path, headers=headers)


PAGES = ("/api/v1/docs", "/api/v1/docs/webhooks")  # the second has what is about webhooks


class TestPage:
    @pytest.mark.parametrize("path", PAGES)
    def test_anybody_may_read_it_and_keep_it(self, path: str) -> None:
        answer = read(path)

        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        assert not answer.cookies
        again = read(path, **{"if-none-match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        head = Client().head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == str(len(answer.content))
        assert Client().post(path).headers["Allow"] == "GET, HEAD"

    @pytest.mark.parametrize("path", PAGES)
    def test_it_asks_for_nothing_from_elsewhere_and_has_no_script_of_its_own(
        self, path: str
    ) -> None:
        answer = read(path)
        policy = answer.headers["Content-Security-Policy"]
        page = Page(answer.content.decode())

        assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self'; ")
        assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert page.inline == []
        for link in page.links:
            assert link.startswith(("/static/", "/api/", "/manage/", "#")), link

    def test_every_link_within_them_leads_somewhere(self) -> None:
        pages = {path: Page(read(path).content.decode()) for path in PAGES}

        for path, page in pages.items():
            assert len(page.ids) == len(set(page.ids))
            for link in page.links:
                where, mark, place = link.partition("#")
                assert not mark or place in pages[where or path].ids, link

    @pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.slug)
    def test_what_a_problem_calls_its_type_is_a_place_on_it(self, html: str, kind: Kind) -> None:
        type_uri = re.search(rb'"type": "([^"]+)"', ProblemError(kind, "…").response().content)
        assert type_uri
        path, _, anchor = type_uri[1].decode().removeprefix("http://localhost:8000").partition("#")

        assert Client().get(path).status_code == 200
        assert anchor in Page(html).ids
        assert all(ADVICE[kind])

    @pytest.mark.parametrize("name", operation_ids())
    def test_every_operation_is_there_with_a_program_in_each_language(self, name: str) -> None:
        ids = Page(read(PAGES["webhook" in name]).content.decode()).ids
        assert name in ids
        for language in LANGUAGES:
            assert f"{name}-{language}" in ids

    def test_it_says_how_to_miss_nothing(self, html: str) -> None:
        for words in ("Nothing is skipped", "Fail closed", "Idempotency-Key", "Retry-After"):
            assert words in html

    def test_a_copy_begins_with_the_cursor(self, html: str) -> None:
        copy = html[html.index('id="copying"') : html.index('id="repeating"')]
        assert copy.index("cursor=now") < copy.index("read_suppressions") < copy.index("follow")

    def test_it_leads_to_the_one_about_webhooks(self, html: str) -> None:
        told = html[html.index('id="being-told"') : html.index('id="repeating"')]
        ids = Page(read(PAGES[1]).content.decode()).ids
        for place in ("messages", "verifying", "taking"):  # old links go on leading somewhere
            assert f'id="{place}"' in told and f"{PAGES[1]}#{place}" in told and place in ids

    def test_it_says_how_to_take_webhooks_in(self) -> None:
        told = read(PAGES[1]).content.decode()
        for words in (
            "Go by <code>suppressed</code>",
            "Write it down, answer 2xx, then work.",
            "<strong>410</strong>",
            "Rotate the secret without a failed check",
            "<strong>A test looks like any other</strong>: it is about <code>+12025550123</code>",
            "unsubscribed_number=%2B14155550123&amp;source=Optout+Link",
        ):
            assert words in told
        for language, text in receiving().items():
            assert f'id="receiving-{language}"' in told and escape(text) in told

    def test_only_what_a_call_can_answer_is_named_with_it(self, html: str) -> None:
        reference, _, _ = html.partition('<h2 id="problems">')
        reference += read(PAGES[1]).content.decode().replace('"/api/v1/docs#', '"#')
        kinds = {
            each[: each.index('"')]: set(re.findall(r'href="#problem-([a-z-]+)"', each))
            for each in reference.split('class="operation" aria-labelledby="')[1:]
        }
        names = {
            name
            for name, (_, _, found) in operations().items()
            if any(each["name"] == "Idempotency-Key" for each in found["parameters"])
        }
        assert {name for name in kinds if "opted-out" in kinds[name]} == {
            "write_contact",
            "set_contact",
        }
        assert {name for name in kinds if "idempotency-key-reused" in kinds[name]} == names
        assert {name for name in kinds if "cursor-gone" in kinds[name]} == {"read_changes"}

    def test_one_name_for_the_key(self, html: str) -> None:
        assert "HEED_KEY" in html and "API_KEY" not in html

    @pytest.mark.parametrize("path", PAGES)
    def test_it_is_light(self, path: str) -> None:
        assert len(gzip.compress(read(path).content)) <= 30 * 1024


@pytest.mark.django_db(transaction=True)
class TestPrograms:
    """They are run as they stand there."""

    @pytest.fixture
    def key(self, realm: Realm, optout_list: List) -> str:
        make.make_optout(optout_list)
        contact = make.make_contact(realm, "ann@example.com", optout_list)
        type(contact).objects.filter(pk=contact.pk).update(id=4711)
        return make.make_api_key(realm)

    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize(
        "name", ["add_suppressions", "look_up", "look_up_one", "delete_contact"]
    )
    def test_each_does_what_it_says(
        self, live_server: Any, key: str, tmp_path: Path, language: str, name: str
    ) -> None:
        call = EXAMPLES[name].call
        text = programs_of(call, live_server.url)[language]
        finished = run(language, text, tmp_path, key)

        assert finished.returncode == 0, finished.stderr
        said = finished.stdout.replace(" ", "")
        expected = {
            "add_suppressions": "rejected",
            "look_up": "nonsense",
            "look_up_one": "jane@example.com",
            "delete_contact": "",
        }
        assert expected[name] in said

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_a_refusal_stops_it_and_says_why(
        self, live_server: Any, key: str, tmp_path: Path, language: str
    ) -> None:
        """What is not answered is never taken for an answer. (curl prints the problem.)"""
        call = Call("GET", "/api/v1/lookup", (("list", "7"), ("address", "jane@example.com")))
        finished = run(language, programs_of(call, live_server.url)[language], tmp_path, key)

        assert finished.returncode != 0
        assert "There is no list 7." in finished.stdout + finished.stderr
        assert "suppressed" not in finished.stdout

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_a_named_call_has_another_name_each_time(
        self, live_server: Any, key: str, tmp_path: Path, language: str
    ) -> None:
        call = replace(EXAMPLES["add_suppressions"].call, is_named=True)
        text = programs_of(call, live_server.url)[language]
        for _ in range(2):
            finished = run(language, text, tmp_path, key)
            assert finished.returncode == 0, finished.stderr
        assert GivenAnswer.objects.count() == 2

    def test_no_example_has_a_name_that_is_always_the_same(self) -> None:
        """A second opt-out with it would not be recorded."""
        for example in EXAMPLES.values():
            for text in programs_of(example.call, "https://optout.example.com").values():
                assert "Idempotency-Key" not in text

    def test_what_is_rejected_is_shown_as_it_is_said(self, key: str) -> None:
        call, shown = EXAMPLES["add_suppressions"].call, EXAMPLES["add_suppressions"].answer
        answer = Client(headers={"authorization": f"Bearer {key}"}).post(
            call.path, call.body, "application/json"
        )
        assert answer.json() == shown
