"""Text messages over REST: the recipients' opt-out links, and messages of the Send editor (S3.5–S3.7).

A link is the right to take its number off, and a message goes to whom the key may read: each takes a key that may read and write.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, NoReturn

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from ninja import Router, Status

from lists.api_keys import KeyCaller
from lists.lookup import ListSnapshot, snapshot
from lists.models import ApiKey, List, Realm
from optout.addresses import Address, AddressError, parse_phone
from optout.channels.rest.door import find_own_list, reader_and_writer_of, require_whole_realm
from optout.channels.rest.idempotency import DOCUMENTED, idempotent
from optout.channels.rest.problems import Kind, ProblemError
from optout.queries import find_scopes
from optout.short_links import open_short_url, short_urls
from optout.sms_numbers import read_number
from reporting.downloads import RETRY_AFTER
from reporting.models.messages import TextMessage, TextState
from reporting.rest.text_message_shapes import (
    Draft,
    NewTextMessage,
    OptOutLinksOut,
    PhonesOfList,
    PreviewOut,
    TextMessageOut,
    text_message_out,
)
from reporting.send_editor.drafts import Draft as Written
from reporting.send_editor.drafts import warnings_of
from reporting.send_editor.files import answer_with_recipients
from reporting.send_editor.messages import (
    check_target,
    default_sender,
    is_in_do_not_mail,
    make_message,
    stop_message,
)
from reporting.send_editor.recipients import RecipientCount, count_readers, count_recipients
from reporting.send_editor.texts import (
    LIST_ONLY,
    TextRefusedError,
    check_text,
    fill,
    measure_text,
    sample_link,
)

_SHOWN = 20

router = Router(tags=["text-messages"])


@router.post("/opt-out-links", response=OptOutLinksOut)
def make_opt_out_links(request: HttpRequest, sent: PhonesOfList) -> HttpResponse:
    """The short opt-out link of each phone number, for the text messages of a list; up to 10,000 at once.

    Nothing is saved: the same number has the same link whenever you ask, and it never ends. Who is suppressed gets no link. If
    one of the phones is no number, there are no links at all (422), and each such phone is named by its position.
    """
    caller = reader_and_writer_of(request)
    if sent.list is None:
        _invalid("list", f"{LIST_ONLY} Say which list: its number.")
    optout_list = find_own_list(caller, sent.list)
    addresses = _read_phones(sent.phones, optout_list.region)
    body = {
        "list": optout_list.number,
        "open_link": open_short_url(optout_list.public_id),
        "links": _links(optout_list, sent.phones, addresses),
    }
    # As JSON at once: Ninja would look at each of ten thousand links again.
    return HttpResponse(json.dumps(body), content_type="application/json")


@router.api_operation(["GET", "HEAD"], "/lists/{int:number}/recipients")
def read_recipients_csv(request: HttpRequest, number: int) -> HttpResponseBase:
    """Whom a text message of the list may go to now, each with its own opt-out link, as .csv: `phone,link`.

    Nobody who is suppressed is in it. It is streamed, and written down in the audit log. Fetch it right before you send: who opts
    out later is in an old one still.
    """
    caller = reader_and_writer_of(request)
    optout_list = List.objects.select_related("realm").get(pk=find_own_list(caller, number).id)
    try:
        check_target(optout_list.realm, optout_list)
    except TextRefusedError as refusal:
        raise ProblemError(Kind.INVALID, str(refusal)) from None
    response = answer_with_recipients(request, optout_list, key_id=caller.key_id)
    if response is None:
        raise ProblemError(
            Kind.UNAVAILABLE,
            f"Too many downloads at once. Please come back in {RETRY_AFTER} seconds.",
            wait=timedelta(seconds=RETRY_AFTER),
        )
    return response


@router.post("/text-messages/preview", response=PreviewOut)
def preview_text_message(request: HttpRequest, sent: Draft) -> PreviewOut:
    """How long a message is, what it looks like, and how many would get it. Nothing is sent, and nothing saved."""
    caller = reader_and_writer_of(request)
    optout_list, number, text = _understood(caller, sent)
    realm = _realm(caller)
    sender = _sender(caller, sent.sender) or default_sender(realm, optout_list)
    if optout_list is None:
        is_out = is_in_do_not_mail(realm, number)
        count: RecipientCount | None = RecipientCount(int(not is_out), int(is_out))
        list_id, shown = None, text
    else:
        count = count_recipients(snapshot(optout_list))
        list_id, shown = optout_list.pk, fill(text, sample_link(optout_list.pk))
    size = measure_text(text, list_id)
    return PreviewOut(
        encoding=size.encoding,
        segments=size.segments,
        characters=size.characters,
        units=size.units,
        text=shown,
        recipients=None if count is None else count.recipients,
        left_out=None if count is None else count.left_out,
        warnings=warnings_of(
            Written(realm, optout_list, number, text, optout_list is not None, sender), count
        ),
    )


@router.post(
    "/text-messages", response={202: TextMessageOut}, by_alias=True, openapi_extra=DOCUMENTED
)
def make_text_message(request: HttpRequest, sent: NewTextMessage) -> Any:
    """Send a text message to a list’s recipients, or to a single number. It begins within a minute.

    Who opted out meanwhile is left out: that is asked right before each one is handed over. Nobody gets it twice. A message to a
    single number takes a key for the whole realm, and cannot have the opt-out link, which is made for a list’s recipients.

    Name the call by an Idempotency-Key, so that it is not sent twice when you get no answer.
    """
    caller, recipients = reader_and_writer_of(request), None
    if sent.list is not None:
        with suppress(ProblemError):  # is told by what follows
            # Beforehand: it may take seconds, and a transaction would be open for as long.
            recipients = count_readers(find_own_list(caller, sent.list))
    return _make_once(request, sent, recipients)


@idempotent
def _make_once(
    request: HttpRequest, sent: NewTextMessage, recipients: int | None
) -> Status[TextMessageOut]:
    caller = reader_and_writer_of(request)
    optout_list, number, text = _understood(caller, sent)
    realm = _realm(caller)
    try:
        message = make_message(
            realm,
            optout_list=optout_list,
            number=number,
            text=text,
            sender=_sender(caller, sent.sender) or default_sender(realm, optout_list),
            actor=None,
            key=ApiKey.objects.get(pk=caller.key_id),
            recipients=recipients,
            now=timezone.now(),
        )
    except TextRefusedError as refusal:
        _invalid(_field_of(refusal, optout_list), str(refusal))
    return Status(202, _told(message))


@router.get("/text-messages/{message_id}", response=TextMessageOut, by_alias=True)
def read_text_message(request: HttpRequest, message_id: str) -> TextMessageOut:
    """How far a message is, whether it was made here or in the portal."""
    return _told(_message(reader_and_writer_of(request), message_id))


@router.post(
    "/text-messages/{message_id}/stop",
    response=TextMessageOut,
    by_alias=True,
    openapi_extra=DOCUMENTED,
)
@idempotent
def stop_text_message(request: HttpRequest, message_id: str) -> TextMessageOut:
    """Send nothing more of a message. What is being handed over this moment may still go out; what is over stays as it is."""
    caller = reader_and_writer_of(request)
    message = _message(caller, message_id)
    key = ApiKey.objects.get(pk=caller.key_id)
    stop_message(message, actor=None, key=key, now=timezone.now())
    return _told(_message(caller, message_id))


def _understood(caller: KeyCaller, sent: Draft) -> tuple[List | None, str, str]:
    """The list, or the single number in E.164, and the text. Raises ProblemError."""
    if (sent.list is None) == (sent.to is None):
        _invalid("list", "Give one of list and to.")
    optout_list, number = None, ""
    if sent.list is not None:
        optout_list = List.objects.get(pk=find_own_list(caller, sent.list).id)
    else:
        number = _read_phone(sent.to or "", caller.region, "to")
    try:
        text = check_text(sent.text, None if optout_list is None else optout_list.pk)
        if optout_list is not None:
            check_target(_realm(caller), optout_list)
    except TextRefusedError as refusal:
        _invalid(_field_of(refusal, optout_list), str(refusal))
    if optout_list is None:
        require_whole_realm(caller)
    return optout_list, number, text


def _field_of(refusal: TextRefusedError, optout_list: List | None) -> str:
    """The field that a refusal is about, as it was sent."""
    return "to" if refusal.field == "list" and optout_list is None else refusal.field


def _sender(caller: KeyCaller, text: str | None) -> str:
    """The number that a message is to come from, as the realm set it up; empty where none was sent. Raises ProblemError 422."""
    try:
        return "" if text is None else read_number(text, caller.region)
    except AddressError as error:
        _invalid("from", str(error))


def _read_phone(text: str, region: str, field: str) -> str:
    """E.164. Raises ProblemError 422."""
    try:
        return parse_phone(text, region).key
    except AddressError as error:
        _invalid(field, str(error))


def _realm(caller: KeyCaller) -> Realm:
    return Realm.objects.get(pk=caller.realm_id)


def _message(caller: KeyCaller, message_id: str) -> TextMessage:
    """The message of that id. Raises ProblemError 404: what the key does not reach does not exist (AT-31)."""
    found = None
    if message_id.isascii() and message_id.isprintable():
        messages = TextMessage.objects.filter(realm=caller.realm_id, public_id=message_id)
        if caller.list_ids is not None:
            messages = messages.filter(optout_list__in=caller.list_ids)
        found = messages.select_related("realm", "optout_list").first()
    if found is None:
        raise ProblemError(Kind.NOT_FOUND, "There is no such message.")
    return found


def _told(message: TextMessage) -> TextMessageOut:
    is_over = message.state != TextState.SENDING
    handed_over = message.sent + message.refused + message.unknown
    return text_message_out(message, handed_over if is_over else message.recipient_count)


def _read_phones(texts: Sequence[str], region: str) -> list[Address]:
    """All of them. Raises ProblemError 422 where one is no phone number."""
    addresses, errors = [], []
    for index, text in enumerate(texts):
        try:
            addresses.append(parse_phone(text, region))
        except AddressError as error:
            errors.append({"pointer": f"#/phones/{index}", "detail": str(error)})
    if errors:
        what = "One of the phones is" if len(errors) == 1 else f"{len(errors):,} of the phones are"
        raise ProblemError(
            Kind.INVALID, f"{what} no number. Nothing was done.", errors=errors[:_SHOWN]
        )
    return addresses


def _links(
    optout_list: ListSnapshot, texts: Sequence[str], addresses: Sequence[Address]
) -> list[dict[str, str | bool | None]]:
    """What the answer tells of each phone. Nobody who is suppressed is given a link: nothing may be sent there."""
    is_out = [scope is not None for scope in find_scopes(optout_list, addresses)]
    free = [each.key for each, out in zip(addresses, is_out, strict=True) if not out]
    urls = iter(short_urls(optout_list.id, free))
    return [
        {"phone": text, "link": None if out else next(urls), "suppressed": out}
        for text, out in zip(texts, is_out, strict=True)
    ]


def _invalid(field: str, detail: str) -> NoReturn:
    raise ProblemError(Kind.INVALID, detail, errors=[{"pointer": f"#/{field}", "detail": detail}])
