"""A client for public pages that looks at every answer: well-formed HTML, complete headers, no cookie, no foreign request."""

import re
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from optout.links import make_token

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
BROWSER = {
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "accept-language": "en-GB,en;q=0.5",
    "user-agent": FIREFOX,
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
    "sec-fetch-site": "none",
}
IMAGE = {
    **BROWSER,
    "accept": "image/avif,image/webp,*/*;q=0.8",
    "sec-fetch-mode": "no-cors",
    "sec-fetch-dest": "image",
    "sec-fetch-site": "cross-site",
}
PROVIDER = {"user-agent": ""}  # RFC 8058: no cookie, no referrer, often no agent
SERVER = {"user-agent": "PHP/8.3", "accept": "*/*"}

ONE_CLICK = "List-Unsubscribe=One-Click"
URLENCODED = "application/x-www-form-urlencoded"
LARGEST_PAGE = 6 * 1024

_PICTURE = re.compile(r"data:image/(?:png|jpeg|webp);base64,[A-Za-z0-9+/]+=*")
_INLINE = {"a", "b", "bdi", "i", "span"}
_VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr", "path"}


class PublicClient(Client):
    """A browser, image, server or mail provider, by its `headers`; `ip` is where it calls from."""

    largest_page = LARGEST_PAGE

    def __init__(self, headers: dict[str, str] = BROWSER, ip: str = "192.0.2.7") -> None:
        super().__init__(enforce_csrf_checks=True, headers=headers, REMOTE_ADDR=ip)

    def request(self, **request: Any) -> Any:
        response = super().request(**request)
        if not str(request.get("PATH_INFO", "")).startswith("/manage/"):
            check_answer(response, self.largest_page)
        return response

    def send(self, path: str, fields: dict[str, str] | str = "", **more: Any) -> Any:
        """POST an urlencoded body."""
        body = fields if isinstance(fields, str) else urlencode(fields)
        return self.post(path, body, content_type=URLENCODED, **more)

    def press(self, page: Any, path: str, **fields: str) -> Any:
        """Press the button of the page's form: everything in it is sent, with `fields` filled in."""
        return self.send(
            path, {**form_fields(page), **fields}, headers={"sec-fetch-site": "same-origin"}
        )


def signed_path(list_id: int, address: str = "jane@example.com") -> str:
    return f"/o/{make_token(list_id, address)}"


def form_fields(page: Any) -> dict[str, str]:
    """The fields of the one form that acts on a page as a browser would send them: no unticked boxes."""
    document = parse(page.content.decode())
    return {
        str(each["name"]): str(each.get("value") or "")
        for each in document.inputs
        if "name" in each and (each.get("type") != "checkbox" or "checked" in each)
    }


def language_link(page: Any, code: str) -> str:
    """Where the footer's link to another language leads, or the button that stands for it where the address says more."""
    document = parse(page.content.decode())
    link = next((link for link in document.links if link == f"?lang={code}"), "")
    if link:
        return link
    assert code in document.languages
    kept = {str(each["name"]): str(each.get("value") or "") for each in document.kept}
    return "?" + urlencode({**kept, "lang": code})


def check_answer(response: Any, largest_page: int = LARGEST_PAGE) -> None:
    """What every public answer owes (pages.md, AT-13)."""
    headers = response.headers
    assert not response.cookies
    assert "no-store" in headers["Cache-Control"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"] == "noindex, nofollow"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Vary"] == "Accept, Accept-Language"
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "base-uri 'none'" in policy and "frame-ancestors '" in policy and "unsafe" not in policy
    if headers.get("Content-Type", "").startswith("text/html") and response.content:
        assert "form-action 'self'" in policy
        check_html(response.content.decode(), policy, largest_page)


def check_html(html: str, policy: str, largest_page: int = LARGEST_PAGE) -> None:
    """Well-formed, small, and without anything that asks somebody else."""
    document = parse(html)
    weight = len(_PICTURE.sub("", html).encode())  # a page has 6 KB without its logo
    assert weight <= largest_page, weight
    assert document.lang and document.direction in {"ltr", "rtl"}
    assert document.title.strip()
    assert document.headings.count("h1") == 1
    assert not document.forbidden
    assert len(document.ids) == len(set(document.ids))
    assert document.nonces and all(f"'nonce-{nonce}'" in policy for nonce in document.nonces)
    assert "\x00" not in html and not re.search("[\ud800-\udfff]", html)


@lru_cache(maxsize=16)  # the client looks at a page, and then its test does
def parse(html: str) -> "Document":
    """What the page consists of: to read, not to change. Raises AssertionError where tags do not match."""
    return Document(html)


class Document(HTMLParser):
    """What a page consists of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.inputs: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.nonces: list[str] = []
        self.headings: list[str] = []
        self.forbidden: list[str] = []
        self.leads = False
        self.kept: list[dict[str, str | None]] = []
        self.languages: list[str] = []
        self.lang = self.direction = self.title = self.text = ""
        self.feed(html)
        self.close()
        assert html.startswith("<!doctype html>")
        assert self.open == [], self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(attrs) == len({name for name, _ in attrs}), f"an attribute twice in <{tag}>"
        values = dict(attrs)
        if tag == "html":
            self.lang, self.direction = values.get("lang") or "", values.get("dir") or ""
        self.ids += [str(values["id"])] if "id" in values else []
        self.nonces += [str(values["nonce"])] if "nonce" in values else []
        self.headings += [tag] if tag in {"h1", "h2"} else []
        self.links += [str(values["href"])] if tag == "a" else []
        if tag == "form":  # the one with the languages only leads to another page
            self.leads = values.get("method") != "post"
        self.inputs += [values] if tag == "input" and not self.leads else []
        self.kept += [values] if tag == "input" and self.leads else []
        is_switch = tag == "button" and values.get("name") == "lang"
        self.languages += [str(values["value"])] if is_switch else []
        # the logo, which the page brings along
        is_picture = tag == "img" and _PICTURE.fullmatch(values.pop("src", None) or "") is not None
        asks = tag in {"script", "iframe", "object", "embed", "base", "video"}
        handlers = [name for name in values if name.startswith("on") or name in {"style", "src"}]
        is_foreign_link = tag == "link" and values.get("href") != "data:,"
        leads_away = not re.match(r"/(?!/)", values.get("action") or "/")
        if asks or handlers or is_foreign_link or leads_away or (tag == "img" and not is_picture):
            self.forbidden.append(f"{tag} {values}")
        if tag not in _INLINE:
            self.text += " "
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "title":
            self.title += data
        elif not self.open or self.open[-1] != "style":
            self.text += data
