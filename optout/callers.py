"""Who calls a direct link or pixel: a reader, a scanner, a mailer's server, an image (security.md §3).

One URL has all of them as callers (S0.11). This module only tells them apart, by what they say of themselves; what
each may do is in `acts_at_once`, and the view answers. Someone who lies about it is met by the limits.
"""

import re
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

_ONE_CLICK_READ = 8_192  # bytes of a body in which the one-click field is looked for
_AGENT_READ = 500  # characters of a User-Agent that are looked at


class Caller(Enum):
    """Who is calling, in the order of the rules of security.md §3."""

    PREFETCH = "prefetch"  # HEAD, or a browser loading ahead: answered like GET, never a write
    ONE_CLICK = "one_click"  # RFC 8058 POST: acts
    WHITELISTED = "whitelisted"  # a server on the list's whitelist: acts, answers OK
    IMAGE = "image"  # the pixel on a thank-you page: acts, answers the GIF
    IMAGE_PROXY = (
        "image_proxy"  # the pixel fetched for a mail or by a robot: the GIF, no write, a warning
    )
    PERSON = "person"  # a browser that opened the link: by the list's mode
    FETCHER = "fetcher"  # a mail scanner or link preview, or looks like one: the confirm page, never a write
    SERVER = (
        "server"  # a program that shows no page to anybody, not whitelisted: 403 and quarantine
    )


class _Program(Enum):
    NAMELESS = "nameless"
    FETCHER = "fetcher"
    LIBRARY = "library"
    BROWSER_LIKE = "browser_like"
    OTHER = "other"


# The three patterns below are searched for in lower-case agents. First, programs that load the images of a mail, for
# the reader or ahead of them. A bare "Mozilla/5.0" is Apple's Mail Privacy Protection.
_MAIL_IMAGES = re.compile(
    r"image-?proxy|mail-?proxy|mail\.ru.*(?:image|proxy)|yandeximage"
    r"|ms-?office|microsoft (?:office|outlook)|outlook-(?:ios|android)|thunderbird/|airmail"
    r"|^mozilla/5\.0$"
)

# Programs that open links without being asked: robots by their common words, then by name. "CUBOT" is a telephone.
# Browsers that are named like a scanner (Avast, Avira) or run by a program (HeadlessChrome) are not in it: a scanner
# that looks like a browser is met by the `confirm` mode, which is the default for that reason.
_FETCHERS = re.compile(
    r"(?<!cu)bots?(?![a-z])|crawl|spider|slurp|scanner|scraper|archiver|preview|prefetch|unfurl|validator"
    r"|link-?(?:check|expand|inspect)|url-?(?:check|defense|scan|protect)|safe-?links|fetcher|monitor(?:ing)?\b"
    r"|facebookexternal|facebookcatalog|facebot|meta-external|^whatsapp/|skypeuri|^viber|embedly|iframely"
    r"|google-(?:safety|read-aloud|inspectiontool|webpreview|adwords)|googleother|apis-google|mediapartners"
    r"|bingpreview|quora link|flipboardproxy|tumblr/|vkshare|nuzzel|outbrain|w3c_|chrome-lighthouse|ptst/|gtmetrix"
    r"|barracuda|proofpoint|mimecast|ironport|cisco.?secure|fireeye|trellix|symantec|messagelabs|sophos|fortinet"
    r"|fortimail|fortiguard|trend ?micro|\btmes\b|kaspersky|mcafee|websense|forcepoint|zscaler|paloalto|netcraft"
    r"|virustotal|urlscan|urlvoid|phishtank|cloudmark|vade|cyren|bitdefender|f-secure|withsecure|checkpoint"
    r"|spamhaus|spamassassin|rspamd|phantomjs|zgrab|masscan|nmap|censys"
)

# HTTP libraries and command-line clients: what a mailer's own server calls us with (S0.12).
_LIBRARIES = re.compile(
    r"libcurl|\bcurl\b|\bwget|python|aiohttp|httpx|urllib|\bphp\b|php/|guzzle|symfony|\bgo-http|\bjava/|^java\b|jakarta"
    r"|okhttp|http-?client|httpcomponents|axios|node-fetch|undici|^node\b|^got\b|\bgot/|superagent|needle/|^deno/|^bun/"
    r"|libwww(?!-fm)|\blwp\b|http-tiny|mojolicious|^perl|\bruby\b|^rest-client|faraday|typhoeus|http\.rb|restsharp"
    r"|refit|^\.net|dotnet|powershell|winhttp|postman|insomnia|httpie|^bruno|reqwest|hyper/|ureq|\bdart|jersey|apache-cxf|\bahc/"
    r"|ktor|unirest|^spring|vert\.x|erlang|hackney|elixir|^mint/|finch|wordpress/|coldfusion|google-apps-script|zapier|n8n"
    r"|indy library|cpp-httplib|libsoup|qt-?network|lua-resty|^http/|xmlrpc|soap|fasthttp|resty/"
)

# How browsers, and scanners that look like one, begin their name.
_BROWSER_NAMES = ("mozilla/", "opera/")

# What Java's own client says unless told otherwise: it shows no page to anybody.
_JAVA_ACCEPT = "text/html, image/gif, image/jpeg, *"

_AHEAD = re.compile(r"prefetch|prerender|preview", re.IGNORECASE)
_AHEAD_HEADERS = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")

_MULTIPART_ONE_CLICK = re.compile(
    rb'name="?list-unsubscribe"?[^\r\n]{0,200}\r?\n(?:[^\r\n]{1,200}\r?\n){0,5}\r?\n[ \t]*one-click[ \t]*(?:[\r\n]|\Z)',
    re.IGNORECASE,
)


def classify(
    method: str,
    meta: Mapping[str, Any],
    *,
    image_path: bool = False,
    whitelisted: bool = False,
    one_click: bool = False,
) -> Caller:
    """Tell who is calling, by the rules of security.md §3 in their order.

    `method` is GET, HEAD or POST (others are refused before); `meta` is `request.META`; `image_path` is true for the
    path ending in .gif; `whitelisted`: the caller's IP is on the list's whitelist; `one_click`: `is_one_click` said yes
    to the body. A POST of our own form is recognised by its token before this is asked.
    """
    if method == "HEAD":
        return Caller.PREFETCH
    if one_click and method == "POST":
        return Caller.ONE_CLICK
    if is_ahead(meta):
        return Caller.PREFETCH
    if whitelisted:
        return Caller.WHITELISTED
    program = _program(str(meta.get("HTTP_USER_AGENT") or "")[:_AGENT_READ])
    accept = str(meta.get("HTTP_ACCEPT") or "").lower()
    if image_path or _wants_image(meta, accept):
        return Caller.IMAGE_PROXY if program is _Program.FETCHER else Caller.IMAGE
    return _visitor(meta, program, accept)


def acts_at_once(caller: Caller, *, instant: bool) -> bool:
    """Whether this caller's request records the opt-out without a further step. `instant` is the list's direct link
    mode, or false where a limit demands the confirm page."""
    if caller is Caller.PERSON:
        return instant
    return caller in (Caller.ONE_CLICK, Caller.WHITELISTED, Caller.IMAGE)


def is_ahead(meta: Mapping[str, Any]) -> bool:
    """Whether a browser loads this page ahead of its reader (prefetch, prerender, preview)."""
    for header in _AHEAD_HEADERS:
        value = meta.get(header)
        if value and _AHEAD.search(str(value)[:200]):
            return True
    return False


def is_one_click(content_type: str, body: bytes) -> bool:
    """Whether a POST body is RFC 8058's `List-Unsubscribe=One-Click`, as urlencoded or multipart form data.

    Mail providers send it with a wrong content type or none, so the body decides; `content_type` only saves a search
    where it is urlencoded. Only the first 8 KiB are read.
    """
    head = body[:_ONE_CLICK_READ]
    for part in head.split(b"&", 50):
        name, _, value = part.partition(b"=")
        if len(name) > 100 or len(value) > 100:
            continue
        if (
            unquote_to_bytes(name).strip().lower() == b"list-unsubscribe"
            and unquote_to_bytes(value).strip().lower() == b"one-click"
        ):
            return True
    if content_type.lower().startswith("application/x-www-form-urlencoded") and b"\n" not in head:
        return False
    return _MULTIPART_ONE_CLICK.search(head) is not None


@lru_cache(maxsize=2048)
def _program(agent: str) -> _Program:
    """What a User-Agent names. Kept, because a search costs 150 µs and few agents make most of the traffic."""
    agent = agent.strip().lower()
    if not agent:
        return _Program.NAMELESS
    if _MAIL_IMAGES.search(agent) or _FETCHERS.search(agent):
        return _Program.FETCHER
    if _LIBRARIES.search(agent):
        return _Program.LIBRARY
    return _Program.BROWSER_LIKE if agent.startswith(_BROWSER_NAMES) else _Program.OTHER


def _visitor(meta: Mapping[str, Any], program: _Program, accept: str) -> Caller:
    """Rules 6 and 7: who opens the link.

    Who asks for no page and is not named like a browser is a mailer's own program (S0.12). Shown the confirm page, it would
    see a 200 and take the opt-out for done.
    """
    if program is _Program.FETCHER:
        return Caller.FETCHER
    takes_html = "text/html" in accept
    if program is _Program.LIBRARY:
        asks_as_reader = takes_html and not accept.startswith(_JAVA_ACCEPT)
        return Caller.FETCHER if asks_as_reader else Caller.SERVER
    if takes_html or str(meta.get("HTTP_SEC_FETCH_MODE") or "").lower() == "navigate":
        return Caller.FETCHER if program is _Program.NAMELESS else Caller.PERSON
    return Caller.FETCHER if program is _Program.BROWSER_LIKE else Caller.SERVER


def _wants_image(meta: Mapping[str, Any], accept: str) -> bool:
    """Whether an <img> asks. Browsers send Sec-Fetch-Dest over https only; before that, Accept begins with images."""
    destination = meta.get("HTTP_SEC_FETCH_DEST")
    if destination:
        return str(destination).lower() == "image"
    # All of them say image/* somewhere. Old Internet Explorer lists its image types first when it opens a page.
    return accept.startswith("image/") and "image/*" in accept and "text/html" not in accept
