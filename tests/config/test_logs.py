"""config/logs.py: what errors say, on the console and in reports (security.md §5, AT-26)."""

import logging
import sys
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from django.views.debug import ExceptionReporter, get_exception_reporter_class

from config.logs import NoQueryStrings, without_secrets

# Never written in one piece where it is used: reports show lines of code.
CANARY = "canary-" + "7f1c"


class SomebodySignedIn:
    def __str__(self) -> str:
        return f"{CANARY}@acme.example"


def failing_request() -> tuple[HttpRequest, ExceptionReporter]:
    """A POST with a canary everywhere, whose view fails in the middle of handling another error."""
    request = RequestFactory().post(
        f"/u/{CANARY}@example.com?item={CANARY}&key={CANARY}",
        {"address": CANARY, "password": CANARY},
        headers={"referer": f"http://localhost/?p={CANARY}", "cookie": f"sessionid={CANARY}"},
    )
    request.user = SomebodySignedIn()  # type: ignore[assignment]
    try:
        answer(request)
    except RuntimeError:
        reporter_class: Any = get_exception_reporter_class(request)
        return request, reporter_class(request, *sys.exc_info())
    raise AssertionError("it should have failed")


def answer(request: HttpRequest) -> None:
    typed = request.POST["address"]
    try:
        int(f"{typed}@example.com, {'+1415' + '5550123'}, /u/x?item={typed}")
    except ValueError as error:
        error.add_note(f"it was {typed}@example.com")
        problem = RuntimeError(f"cannot answer {typed}@example.com")
        problem.add_note(f"it was {typed}@example.com")
        raise problem from error


class TestReport:
    @pytest.mark.parametrize("form", ["text", "html"])
    def test_it_holds_nothing_of_the_request_the_variables_and_the_settings(
        self, form: str, settings: Any
    ) -> None:
        settings.CANARY = CANARY
        _request, reporter = failing_request()

        report = getattr(reporter, f"get_traceback_{form}")()

        assert "cannot answer [address]" in report, "the message is there"
        assert "in answer" in report and "raise problem from error" in report, "and the code"
        assert "/u/[address]" in report, "and the path"
        assert CANARY not in report
        assert "4155550123" not in report

    def test_the_request_itself_stays_as_it_was(self) -> None:
        request, reporter = failing_request()
        reporter.get_traceback_text()
        assert request.POST["password"] == CANARY


class TestConsole:
    def test_a_traceback_is_cleaned(self) -> None:
        try:
            answer(RequestFactory().post("/", {"address": CANARY}))
        except RuntimeError:
            record = logging.LogRecord(
                "x", logging.ERROR, "x", 1, "at %s", (f"/u?item={CANARY}",), sys.exc_info()
            )

        assert NoQueryStrings().filter(record)

        line = logging.Formatter().format(record)
        assert "RuntimeError: cannot answer [address]" in line
        assert CANARY not in line

    @pytest.mark.parametrize(
        ("text", "clean"),
        [
            ("GET /u/x?item=a%40b.example HTTP/1.1", "GET /u/x?[…] HTTP/1.1"),
            ("at '/u/x?p=hr_it's-a\"secret'", "at '/u/x?[…]"),
            ("Not Found: /bin/api_web&r=acme&p=secret", "Not Found: /bin/api_web[…]"),
            (
                'Not Found: /bin/api_web&r=acme&p=it\'s a "secret"\nend',
                "Not Found: /bin/api_web[…]",
            ),
            ("Not Found: /api_web'&p=secret", "Not Found: /api_web[…]"),
            ("Not Found: /api_web?r=acme&p=a secret", "Not Found: /api_web[…]"),
            ("Not Found: /o/token'rest", "Not Found: /o/[…]"),
            ("Not Found: /n/token:rest", "Not Found: /n/[…]"),
            ("Bad Request: /s/6lEehL5FuEfjvpqjYc3ytl", "Bad Request: /s/[…]"),
            ("GET /u/x?p=it's HTTP/1.1", "GET /u/x?[…] HTTP/1.1"),
            (
                'File "/heed/api_web/door.py", line 3, a=1',
                'File "/heed/api_web/door.py", line 3, a=1',
            ),
            ("Key (address)=(jane@example.com) exists", "Key (address)=([address]) exists"),
            ("LINE 1: WHERE address = '+14155550123'", "LINE 1: WHERE address = '[address]'"),
            ("2026-03-04 12:00:00+00:00 1+1=2", "2026-03-04 12:00:00+00:00 1+1=2"),
        ],
    )
    def test_addresses_and_query_strings_are_taken_out(self, text: str, clean: str) -> None:
        assert without_secrets(text) == clean

    @pytest.mark.parametrize(
        "path",
        [
            "/api_web&r=demo&data=email^a@x.com\nb&p=S3CRET",
            "/bin/api_web &r=demo&p=S3CRET",
            "/API_WEB&p=S3CRET'\" x",
            "/api_web\n&p=S3CRET",
            f"/api_web{'x' * 300}&p=S3CRET",
        ],
    )
    def test_a_command_whose_question_mark_is_missing(self, path: str) -> None:
        assert "S3CRET" not in without_secrets(f"Not Found: {path}")

    @pytest.mark.parametrize(
        "path",
        [
            "/unsubscribe/unsubscribe&responseType=api&phoneNumber=4155550123&x=1",
            "/g/a1B2c3D4/unsubscribe/unsubscribe/&phoneNumber=(415) 555\n0123, 4155550123",
            "/Unsubscribe/Unsubscribe%26phoneNumber=4155550123",
            "/unsubscribe/done&t=4155550123",
        ],
    )
    def test_a_global_request_whose_question_mark_is_missing(self, path: str) -> None:
        assert "0123" not in without_secrets(f"Not Found: {path}")

    @pytest.mark.parametrize(
        "path",
        [
            "/unsubscribe/unsubscribe/jane%40canary-0123.example",
            "//unsubscribe//unsubscribe&phoneNumber=4155550123",
            "//unsubscribe//unsubscribe//4155550123",
            "/unsubscribe/unsubscribe/4155550123",
            "/unsubscribe/unsubscribe 200 4155550123",
            "/unsubscribe/unsubscribe/\n4155550123",
            "/unsubscribe/unsubscribe'4155550123'",
            "/unsubscribe/unsubscribe?a b 4155550123",
            "/unsubscribe/done4155550123",
            "/unsubscribe4155550123",
            "/unsubscribe&phoneNumber=4155550123",
            "/unsubscribe%2Funsubscribe%2F4155550123",
            "/unsubscribe/%34155550123",
            "/UNSUBSCRIBE/4155550123",
            "/g/4155550123",
            "/g/4155550123/unsubscribe/unsubscribe",
            "/g/a1B2c3D4/unsubscribe&phoneNumber=4155550123",
            "/g/a1B2c3D4/4155550123",
            "/g//4155550123",
        ],
    )
    @pytest.mark.parametrize(
        "line",
        ["Not Found: {}", "{}", "GET http://localhost{} x", "GET {} HTTP/1.1", "<R: GET '{}'>"],
    )
    def test_nothing_is_left_of_what_is_none_of_our_paths(self, path: str, line: str) -> None:
        assert "0123" not in without_secrets(line.format(path))

    @pytest.mark.parametrize(
        "line",
        [
            "/unsubscribe/unsubscribe",
            "Not Found: /unsubscribe/unsubscribe/",
            "Method Not Allowed (PUT): /unsubscribe/done",
            "GET /g/a1B2c3D4/unsubscribe/unsubscribe 200",
            "GET /g/a1B2c3D4/unsubscribe/preview 200 12 ms",
            '"GET /unsubscribe/unsubscribe HTTP/1.1" 200 1',
            "GET /manage/settings/global/unsubscribe 200",
            "GET /manage/reports/global-unsubscribe.csv 200",
            'File "/unsubscribe/heed/manage.py", line 3, in main',
            'before, _slash, rest = request.path.partition("/unsubscribe/")\nValueError: x',
        ],
    )
    def test_our_own_paths_stay(self, line: str) -> None:
        assert without_secrets(line) == line

    def test_a_global_request_keeps_its_path(self) -> None:
        line = "GET /g/a1B2c3D4/unsubscribe/unsubscribe 200"
        assert without_secrets(line) == line
        own = 'File "/srv/heed/optout/channels/global_unsubscribe/door.py", line 30, in answer\n    x = 1'
        assert without_secrets(own) == own

    def test_a_traceback_keeps_its_lines_in_our_own_files(self) -> None:
        line = 'File "/srv/heed/optout/channels/api_web/door.py", line 30, in answer\n    x = 1'

        assert without_secrets(line) == line


class TestPathsOfPrograms:
    """A key or an address where a name or a number belongs (AT-26)."""

    @pytest.mark.parametrize(
        ("line", "logged"),
        [
            (
                "GET /ws/customers/hk_ccwr-_123456789%acme/lists 404",
                "GET /ws/customers/[…]/lists 404",
            ),
            ("GET /ws/customers/aGs6eA==/lists", "GET /ws/customers/[…]/lists"),
            ("Not Found: /api/v1/hk_ccwr123456789", "Not Found: /api/v1/[…]"),
            (
                "GET /v2/contacts/415-555-1234/lists 404 1 ms",
                "GET /v2/contacts/[…]",
            ),
            (
                "DELETE /ws/customers/acme/contacts/(415) 555 1234",
                "DELETE /ws/customers/acme/contacts/[…]",
            ),
            ("Not Found: /api/v1/contacts/jane at example.com", "Not Found: /api/v1/contacts/[…]"),
        ],
    )
    def test_they_are_taken_out(self, line: str, logged: str) -> None:
        assert without_secrets(line) == logged

    @pytest.mark.parametrize(
        "line",
        [
            "DELETE /api/v1/contacts/4711 204 3 ms",
            "GET /v2/contacts/0123456789abcdef0123456789abcdef/lists 200 3 ms",
            "PUT /ws/customers/acme/contacts/12/ 204 3 ms",
            "GET /api/v1/contacts 200 3 ms",
            'File "reporting/contacts_http/v1.py", line 3',
        ],
    )
    def test_what_is_ours_stays(self, line: str) -> None:
        assert without_secrets(line) == line
