"""Sending a text message through the operator's gateway: what a report needs, and the Send editor.

Which gateway: a class of one's own (SMS_GATEWAY), an address that takes messages by POST (SMS_GATEWAY_URL), or, while Heed is
only tried out, the console. The operator configures it, nobody in the portal does: so it may be inside the own network.
"""

import http.client
import json
import ssl
import sys
from contextlib import suppress
from datetime import timedelta
from socket import SHUT_RDWR
from threading import Event, Timer
from typing import Protocol
from urllib.parse import SplitResult, urlencode, urlsplit

from django.conf import settings
from django.utils.module_loading import import_string

from lists.retry_after import read_retry_after
from lists.segments import BASIC

CONSOLE = "lists.sms.ConsoleGateway"
HTTP = "lists.sms.HttpGateway"
PART = 10  # seconds for connecting, and for each piece of the answer
WHOLE = 20  # seconds for all of it

# What a gateway says of a message that it will never take. What is about us or about the moment (the token, the address, the
# bill, too many at once) is somebody's to mend, and the message is good afterwards.
_ABOUT_US = frozenset({401, 402, 403, 404, 405, 407, 408, 409, 421, 423, 425, 426, 429})
_BUSY = 503  # no 5xx but this one says that nothing was done: the others may come after the message was taken
_TIMED_OUT = 408  # from whoever stands before the gateway: that may have taken it
MAX_RETRY_AFTER = timedelta(hours=1)


class SmsError(OSError):
    """The message was not sent; the same one may be taken later. Its text holds no number, no message and no token.

    `was_answered`: the gateway said so, or nothing reached it, so it surely has not taken it. Otherwise, as after a time-out, it
    may have: who must not send anything twice does not try again. `retry_after`: how long a gateway that has not taken it asks us
    to wait.
    """

    def __init__(
        self, *said: object, was_answered: bool = False, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(*said)
        self.was_answered = was_answered
        self.retry_after = retry_after


class SmsRefusedError(SmsError):
    """The gateway does not take this message, however often it is tried: the number is none, for one."""


class _NotReachedError(OSError):
    """No connection to the gateway: it has read nothing."""


class Gateway(Protocol):
    """What a class of one's own has to have. It is made anew for each message."""

    def send(self, to: str, text: str, sender: str) -> None:
        """Send `text` to the number `to` (E.164) in the name of `sender`, which may be empty. Raises SmsError."""


def send(to: str, text: str, sender: str | None = None) -> None:
    """Hand a message to the gateway. `to` is in E.164; `sender`: who it comes from, SMS_FROM unless given.

    Returning means that the gateway took it, not that it arrived. Raises SmsError, SmsRefusedError; never anything else that a
    gateway may meet.
    """
    path = gateway_path()
    if not path:
        raise SmsError("No SMS gateway is set.", was_answered=True)
    is_there = False
    try:
        gateway: Gateway = import_string(path)()
        is_there = True
        gateway.send(to, text, settings.SMS_FROM if sender is None else sender)
    except SmsError:
        raise
    except Exception as error:  # noqa: BLE001 -- a class of somebody's own
        # Of its message nothing is repeated: a library may have put the number or the token there.
        said = f"The SMS gateway failed: {type(error).__name__}"
        raise SmsError(said, was_answered=not is_there) from None


def gateway_path() -> str:
    """The class that sends, as a dotted path; empty where there is none.

    Without a gateway, messages are printed where Heed is only tried out (on this machine's own address, or with DEBUG). Elsewhere
    nobody would look there, and whoever asked for messages would wait for them.
    """
    if settings.SMS_GATEWAY:
        return str(settings.SMS_GATEWAY)
    if settings.SMS_GATEWAY_URL:
        return HTTP
    host = urlsplit(settings.BASE_URL).hostname
    return CONSOLE if settings.DEBUG or host in {"localhost", "127.0.0.1", "::1"} else ""


def can_send() -> bool:
    """Whether there is a gateway."""
    return bool(gateway_path())


def is_gsm(text: str) -> bool:
    """Whether all its characters are of the kind of which 160 make one message."""
    return BASIC.issuperset(text)


def masked(number: str) -> str:
    """A number as it may be printed: `+14•••67`."""
    return f"{number[:3]}•••{number[-2:]}"


class ConsoleGateway:
    """Prints messages instead of sending them, as the console mail does. The text is whole, so that its link can be tried; of
    the number only as much as tells two apart."""

    def send(self, to: str, text: str, sender: str) -> None:
        print(  # noqa: T201 -- that is what it is for
            f"SMS to {masked(to)}{f' from {sender}' if sender else ''}:\n{text}\n",
            file=sys.stdout,
            flush=True,
        )


class HttpGateway:
    """POSTs `to`, `text` and, if there is one, `from` to SMS_GATEWAY_URL, as JSON or as a form (SMS_GATEWAY_FORMAT), with
    `Authorization: Bearer` and SMS_GATEWAY_TOKEN if that is set.

    2xx means taken. 4xx but 408, 503 and no connection mean surely not taken. Everything else may have been: a redirect, which is
    not followed, often comes after a POST that was; and a 500 may come after it, too.
    """

    def send(self, to: str, text: str, sender: str) -> None:
        fields = {"to": to, "text": text} | ({"from": sender} if sender else {})
        if settings.SMS_GATEWAY_FORMAT == "form":
            body, kind = urlencode(fields).encode(), "application/x-www-form-urlencoded"
        else:
            body, kind = json.dumps(fields).encode(), "application/json"
        headers = {"Content-Type": kind, "User-Agent": "Heed-SMS/1", "Connection": "close"}
        if settings.SMS_GATEWAY_TOKEN:
            headers["Authorization"] = f"Bearer {settings.SMS_GATEWAY_TOKEN}"
        try:
            status, retry_after = _post(urlsplit(settings.SMS_GATEWAY_URL), body, headers)
        except _NotReachedError as error:
            said = f"The SMS gateway cannot be used: {type(error.__cause__).__name__}"
            raise SmsError(said, was_answered=True) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise SmsError(f"The SMS gateway cannot be used: {type(error).__name__}") from None
        if 200 <= status < 300:
            return
        said = f"The SMS gateway answered {status}."
        if 400 <= status < 500 and status not in _ABOUT_US:
            raise SmsRefusedError(said, was_answered=True)
        is_ours = 400 <= status < 500 and status != _TIMED_OUT
        raise SmsError(said, was_answered=is_ours or status == _BUSY, retry_after=retry_after)


def _post(url: SplitResult, body: bytes, headers: dict[str, str]) -> tuple[int, timedelta | None]:
    """The status of the answer, and its Retry-After. Raises OSError, ValueError, HTTPException."""
    host = url.hostname or ""
    connection = (
        http.client.HTTPSConnection(
            host, url.port, timeout=PART, context=ssl.create_default_context()
        )
        if url.scheme == "https"
        else http.client.HTTPConnection(host, url.port, timeout=PART)
    )
    path = f"{url.path or '/'}{f'?{url.query}' if url.query else ''}"
    # A gateway that answers a byte at a time would never run into the time-out of a piece.
    is_over = Event()
    clock = Timer(WHOLE, _break_off, [connection, is_over])
    clock.daemon = True
    clock.start()
    try:
        try:
            connection.connect()
        except OSError as error:
            raise _NotReachedError from error
        if is_over.is_set():  # the clock ran out when there was nothing yet to break off
            raise TimeoutError
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()  # its body is not read: it says nothing to us
        if is_over.is_set():  # an answer that was broken off looks like one that has ended
            raise TimeoutError
        return answer.status, read_retry_after(answer.headers.get("Retry-After"), MAX_RETRY_AFTER)
    finally:
        clock.cancel()
        connection.close()


def _break_off(connection: http.client.HTTPConnection, is_over: Event) -> None:
    """Whoever waits for that connection stops waiting."""
    is_over.set()
    with suppress(OSError):  # it has just ended by itself
        if connection.sock is not None:
            connection.sock.shutdown(SHUT_RDWR)
