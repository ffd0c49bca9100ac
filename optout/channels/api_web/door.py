"""The door: who is asking, what do they ask, do it, answer in one line."""

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from lists.api_auth import ApiCaller, TooManyFailuresError, WrongPasswordError, authenticate
from optout import replies
from optout.channels.api_web.command import Answer, Command
from optout.channels.api_web.handlers import HANDLERS, asks_for_optout
from optout.channels.api_web.lines import BAD_CREDENTIALS, CommandError, failure
from optout.channels.api_web.parameters import Sent
from optout.client_ip import client_ip
from optout.long_answers import LongAnswer

MAX_CREDENTIAL = 10_000  # bytes of a realm, password or command that are looked at


def answer(request: HttpRequest) -> HttpResponseBase:
    """Carry out one command. The status is 200 whatever came of it (scripts read the line), but for a guesser's 429."""
    if request.method == "HEAD":
        return _reply("", "")
    try:
        command = _read(request)
        done = _carry_out(command)
    except WrongPasswordError:
        return _reply(failure(BAD_CREDENTIALS), replies.REJECTED)
    except TooManyFailuresError as error:
        too_many = _reply(failure("Too many wrong passwords, try again later"), replies.REJECTED)
        too_many.status_code = 429
        return replies.retry_after(too_many, error.wait)
    except CommandError as error:
        return _reply(failure(error.reason), replies.REJECTED)
    if not isinstance(done, str):
        if isinstance(done, LongAnswer):
            done.lend(request.META.get("gunicorn.socket"))
        return _stream(done)
    if not asks_for_optout(command):
        return _reply(done, "")
    return _reply(done, replies.RECORDED if done.startswith("SUCCESS") else replies.REJECTED)


def _read(request: HttpRequest) -> Command:
    """The command, from a caller who proved its realm. Raises CommandError, WrongPasswordError, TooManyFailuresError."""
    now = timezone.now()
    ip = client_ip(request)
    sent = Sent(request)
    who = {name: sent.text(name, MAX_CREDENTIAL) for name in ("realm", "pwd", "cmd")}
    for name, text in who.items():
        if not text:
            raise CommandError(f"The parameter {name} is required")
    caller = authenticate(who["realm"], who["pwd"], ip, now)
    _check_method(request, caller)
    agent = str(request.META.get("HTTP_USER_AGENT") or "")
    parameters = {name: text for name, text in sent.all().items() if name not in who}
    return Command(who["cmd"], parameters, caller, ip, agent, now)


def _check_method(request: HttpRequest, caller: ApiCaller) -> None:
    """S4.20: a realm may refuse GET, where the password stands in the URL. Said only to who knows the password."""
    if caller.refuses_get and request.method == "GET":
        raise CommandError("This realm accepts commands by POST only")


def _carry_out(command: Command) -> Answer:
    handle = HANDLERS.get(command.name)  # exact and in lower case (S4.9)
    if handle is None:
        raise CommandError("The command is not known")
    return handle(command)


def _reply(body: str, optout_status: str) -> HttpResponse:
    return replies.text(body, 200, optout_status)


def _stream(pieces: Iterator[bytes]) -> HttpResponseBase:
    response = StreamingHttpResponse(pieces, content_type="text/plain; charset=utf-8")
    for name, value in replies.HEADERS.items():
        response.headers[name] = value
    return response
