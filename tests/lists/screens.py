"""Opening portal screens in tests: each answer is looked at for what every screen owes (pages.md, "The portal")."""

import gzip
from html.parser import HTMLParser
from typing import Any

from django.test import Client

from lists.models import User
from tests.make import PASSWORD

LARGEST = 30 * 1024  # bytes, gzipped
_VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
_BLOCKS = {
    "p",
    "div",
    "ul",
    "ol",
    "dl",
    "table",
    "form",
    "section",
    "h1",
    "h2",
    "h3",
    "details",
    "pre",
    "fieldset",
}
_REFERENCES = ("aria-describedby", "aria-labelledby", "for", "form")


def sign_in(user: User, password: str = PASSWORD) -> Client:
    """A browser in which the person signed in at the front door."""
    client = Client()
    answer = client.post("/manage/account/login/", {"login": user.email, "password": password})
    assert answer.status_code == 302, answer.content.decode()
    return client


def open_screen(client: Client, path: str, status: int = 200) -> "Screen":
    """GET a screen and look at it."""
    response = client.get(path)
    assert response.status_code == status, (path, response.status_code)
    return look_at(response)


def look_at(response: Any) -> "Screen":
    """What a screen consists of; AssertionError for anything that no screen may have."""
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert len(gzip.compress(response.content)) <= LARGEST
    return Screen(response.content.decode())


class Screen(HTMLParser):
    """The text, links, fields and ids of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.pointers: list[str] = []
        self.fields: dict[str, list[str]] = {}
        self.headings: list[str] = []
        self.title = self.text = ""
        self.feed(html)
        self.close()
        assert html.startswith("<!doctype html>") and self.open == [], self.open
        assert len(self.ids) == len(set(self.ids)), sorted(self.ids)
        assert set(self.pointers) <= set(self.ids), set(self.pointers) - set(self.ids)
        assert len(self.headings) == 1 and self.headings[0], "one h1"
        assert self.title.strip()
        self.text = " ".join(self.text.split())

    @property
    def heading(self) -> str:
        return " ".join(self.headings[0].split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        assert len(attrs) == len(values), f"an attribute twice in <{tag}>"
        assert not any(name == "style" or name.startswith("on") for name in values), (tag, values)
        assert tag != "style" and (tag != "script" or "src" in values)
        assert not ("p" in self.open and tag in _BLOCKS), f"<{tag}> in <p>"
        assert not ("button" in self.open and tag in {"a", "button", "input"})
        if "id" in values:
            self.ids.append(values["id"])
        for name in _REFERENCES:
            self.pointers += values.get(name, "").split()
        if tag == "a":
            self.links.append(values["href"])
            if values["href"].startswith("#"):
                self.pointers.append(values["href"][1:])
        if tag == "h1":
            self.headings.append("")
        self._note_field(tag, values)
        if tag not in _VOID:
            self.open.append(tag)

    def _note_field(self, tag: str, values: dict[str, str]) -> None:
        if tag != "input" or "name" not in values:
            return
        kind = values.get("type", "text")
        if kind not in {"hidden", "submit"}:
            assert values.get("id") or values.get("aria-label"), values
        if kind not in {"checkbox", "radio"} or "checked" in values:
            sent = values.get("value", "on" if kind == "checkbox" else "")
            self.fields.setdefault(values["name"], []).append(sent)

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if "h1" in self.open:
            self.headings[-1] += data
        if "title" in self.open and "svg" not in self.open:
            self.title += data
        else:
            self.text += data + " "
