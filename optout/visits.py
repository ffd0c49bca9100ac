"""A request to a public page, read once: the list, the fields, the caller. Channels take it from here.

Nothing here decides or records. Reading never fails for what a stranger sends: the body is bounded, the rest is total.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.utils import timezone

from lists.lookup import ListSnapshot
from lists.networks import IpAddress, compile_networks, network_of
from optout.addresses import Address
from optout.callers import is_one_click
from optout.choices import Assurance, Channel
from optout.client_ip import client_ip
from optout.decoding import MAX_FIELDS, decode_form, decode_query, has_too_many_fields
from optout.evidence import Evidence, ExtraValue
from optout.given import NOTHING, Fields, Given, read_given
from optout.intents import OptOutIntent, intent_for
from optout.languages import Reading, choose_language

# The first part of the path of a list's form: the hosted page, and the page of its text messages.
PAGE_DOOR, SMS_DOOR = "u", "s"

_LENGTH = re.compile(r"[0-9]{1,12}")


class BodyError(Exception):
    """The body cannot be read; `status` is the answer: 413 for too big, 400 for cut off.

    `begun` is what came of one that was cut off: good for the shape of the answer, never to be acted on.
    """

    def __init__(self, status: int, begun: bytes = b"") -> None:
        super().__init__(status)
        self.status = status
        self.begun = begun


@dataclass(frozen=True)
class Visit:
    """One request about one list. `recipient` is set where a signed link names the address.

    `door` is the first part of the path of the list's form, and `pages` says which page stands for another one: text messages
    have their own. `language` is that of the mail whose link it is: for a reader who chooses no other.
    """

    request: HttpRequest
    optout_list: ListSnapshot
    now: datetime
    query: Fields
    body: bytes = b""
    image_path: bool = False
    recipient: Address | None = None
    door: str = PAGE_DOOR
    language: str = ""
    pages: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, request: HttpRequest, optout_list: ListSnapshot, *, image_path: bool = False
    ) -> "Visit":
        """Read a GET, HEAD or POST. Raises BodyError."""
        body = read_body(request) if request.method == "POST" else b""
        query = decode_query(request.META.get("QUERY_STRING", ""))
        return cls(request, optout_list, timezone.now(), query, body, image_path)

    def about(self, recipient: Address) -> "Visit":
        """This visit by the signed link of one recipient."""
        return replace(self, recipient=recipient)

    @cached_property
    def ip(self) -> IpAddress | None:
        return client_ip(self.request)

    @property
    def network(self) -> str:
        """What unsigned traffic is counted by."""
        return network_of(self.ip)

    @cached_property
    def is_whitelisted(self) -> bool:
        return self.ip in compile_networks(self.optout_list.whitelist)

    @cached_property
    def is_one_click(self) -> bool:
        """Whether the body is RFC 8058's."""
        return bool(self.body) and is_one_click(self.request.content_type or "", self.body)

    @cached_property
    def is_foreign(self) -> bool:
        """Whether a browser says that another site sent it here (AT-02). Our own pages send `Origin: null`."""
        meta = self.request.META
        if meta.get("HTTP_SEC_FETCH_SITE") == "cross-site":
            return True
        origin = str(meta.get("HTTP_ORIGIN") or "null")
        own = (str(meta.get("HTTP_HOST") or "").lower(), urlsplit(settings.BASE_URL).netloc.lower())
        return origin != "null" and _host(origin) not in own

    @property
    def takes_html(self) -> bool:
        return takes_html(self.request)

    @cached_property
    def form(self) -> Fields:
        """The fields of the body, a plus read as a space as browsers mean it."""
        return form_fields(self.request, self.body, mend_plus=False)

    def field(self, name: str) -> str:
        """The first value of a field of the form, or nothing."""
        return next(iter(self.form.get(name, ())), "")

    @cached_property
    def linked(self) -> Given:
        """The address in the link itself."""
        return read_given(self.query, self.optout_list)

    @cached_property
    def typed(self) -> Given:
        """The address in the form's body."""
        return read_given(self.form, self.optout_list) if self.body else NOTHING

    @cached_property
    def sent(self) -> Given:
        """The address that a program sends, in the link or in the body, with a lost plus mended."""
        if not self.body:
            return self.linked
        fields = form_fields(self.request, self.body, mend_plus=True)
        names = (*self.query, *fields)
        both = {name: [*self.query.get(name, ()), *fields.get(name, ())] for name in names}
        return read_given(both, self.optout_list)

    @cached_property
    def reading(self) -> Reading:
        """The language to answer in."""
        chosen = self.field("lang") or next(iter(self.query.get("lang", ())), "") or self.language
        accepted = str(self.request.META.get("HTTP_ACCEPT_LANGUAGE") or "")
        return choose_language(chosen, accepted, self.optout_list)

    def intent(
        self, address: Address, channel: Channel, assurance: Assurance, **extra: ExtraValue
    ) -> OptOutIntent:
        """The intent of this visit about an address; `extra` goes into the evidence."""
        agent = self.request.META.get("HTTP_USER_AGENT")
        return intent_for(
            self.optout_list,
            address,
            channel=channel,
            assurance=assurance,
            requested_at=self.now,
            evidence=Evidence.of(self.ip, agent, **extra),
        )


def takes_html(request: HttpRequest) -> bool:
    """Whether the caller asks for a page, as browsers do."""
    return "text/html" in str(request.META.get("HTTP_ACCEPT") or "").lower()


def read_body(request: HttpRequest) -> bytes:
    """The body, at most `DATA_UPLOAD_MAX_MEMORY_SIZE` bytes; also one sent in chunks, whose length nobody announced.

    One that is shorter than was announced, or a multipart one without its end, was cut off on the way, perhaps in the middle of
    an address. Raises BodyError.
    """
    body = _read_body(request)
    if request.content_type == "multipart/form-data":
        end = f"--{(request.content_params or {}).get('boundary', '')}--"
        if end.encode() not in body:
            raise BodyError(400, body)
    return body


def _read_body(request: HttpRequest) -> bytes:
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    announced = str(request.META.get("CONTENT_LENGTH") or "").strip()
    if announced and not _LENGTH.fullmatch(announced):
        raise BodyError(400)
    try:
        if announced or not request.META.get("wsgi.input_terminated"):
            return _whole(request.body, int(announced or 0))
        body: bytes = request.META["wsgi.input"].read(most + 1)
    except BodyError:
        raise
    except SuspiciousOperation:
        raise BodyError(413) from None
    except Exception:  # noqa: BLE001  the caller hung up, and each server's own errors for bad chunks
        raise BodyError(400) from None
    if len(body) > most:
        raise BodyError(413)
    # for whoever reads it once more: Django would look for as many bytes as were announced
    request._body = body  # noqa: SLF001
    request.META["CONTENT_LENGTH"] = str(len(body))
    return body


def _whole(body: bytes, announced: int) -> bytes:
    if len(body) < announced:
        raise BodyError(400, body)
    return body


def form_fields(request: HttpRequest, body: bytes, *, mend_plus: bool) -> Fields:
    """The fields of a body that `read_body` gave; `mend_plus` as in `decode_form`. Unreadable ones have none."""
    if request.content_type == "multipart/form-data":
        return _multipart(request)
    return decode_form(body, mend_plus=mend_plus)


def has_too_many_form_fields(request: HttpRequest, body: bytes) -> bool:
    """Whether such a body has more fields than are read, of which the last may say something else than the first."""
    if request.content_type == "multipart/form-data":
        return sum(map(len, _multipart(request).values())) > MAX_FIELDS or _is_beyond(request)
    return has_too_many_fields(body)


def _is_beyond(request: HttpRequest) -> bool:
    """Whether Django itself gave up counting."""
    try:
        _ = request.POST
    except SuspiciousOperation:
        return True
    except (MultiPartParserError, BadRequest):
        return False
    return False


def _multipart(request: HttpRequest) -> Fields:
    # whatever the caller calls it: `charset=idna` breaks Django's parser
    if request.encoding != "utf-8":  # setting it makes Django read the body anew
        request.encoding = "utf-8"
    try:
        posted = request.POST
    except (MultiPartParserError, BadRequest, SuspiciousOperation):
        return {}
    return {name: [str(value) for value in values] for name, values in posted.lists()}


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower() or "?"
    except ValueError:
        return "?"
