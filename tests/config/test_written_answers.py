"""config/written_answers.py: what gunicorn writes, in one piece, is what it would have written in two."""

import inspect
import io
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any

import gunicorn
import pytest
from gunicorn.config import Config
from gunicorn.http.errors import InvalidResponseHeader, InvalidResponseHeaderName
from gunicorn.http.wsgi import FileWrapper, Response, create

from config.written_answers import CONSTANT, TOGETHER, AnswerInOnePiece, http_date

HEADERS = [("Content-Type", "text/plain"), ("Cache-Control", "no-store"), ("X-Own", "a b")]


class Wire:
    """A socket that remembers what was sent, and in how many pieces."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self.pieces.append(data)

    def sendfile(self, file: Any, offset: int, count: int) -> None:
        file.seek(offset)
        self.pieces.append(file.read(count))


def send(
    kind: type[Response], body: list[bytes], headers: Any = HEADERS, method: str = "GET"
) -> list[bytes]:
    """The pieces in which an answer goes out."""
    wire = Wire()
    request = SimpleNamespace(method=method, version=(1, 1), should_close=lambda: False)
    answer = kind(request, wire, Config())
    answer.start_response("200 OK", headers)
    for each in body:
        answer.write(each)
    answer.close()
    return wire.pieces


def sized(*sizes: int) -> list[tuple[str, str]]:
    return [*HEADERS, ("Content-Length", str(sum(sizes)))]


CASES = {
    "a short body": ([b"short"], sized(5), "GET"),
    "two pieces": ([b"one", b"two"], sized(3, 3), "GET"),
    "an empty piece first": ([b"", b"two"], sized(3), "GET"),
    "a long body": ([b"x" * (TOGETHER + 1)], sized(TOGETHER + 1), "GET"),
    "more than was announced": ([b"short", b"er"], sized(5), "GET"),
    "no body": ([], sized(0), "GET"),
    "an empty body": ([b""], sized(0), "GET"),
    "HEAD": ([b"short"], sized(5), "HEAD"),
    "chunks": ([b"one", b"", b"two"], HEADERS, "GET"),
    "no chunks": ([], HEADERS, "GET"),
    "a connection to close": ([b"a"], [*sized(1), ("Connection", "close")], "GET"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_same_goes_out(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gunicorn.util.http_date", lambda: "now")
    body, headers, method = CASES[case]
    assert b"".join(send(AnswerInOnePiece, body, headers, method)) == b"".join(
        send(Response, body, headers, method)
    )


@pytest.mark.parametrize(("body", "pieces"), [([b"short"], 1), ([], 1), ([b"one", b"two"], 2)])
def test_the_head_goes_out_with_the_first_piece(body: list[bytes], pieces: int) -> None:
    assert len(send(AnswerInOnePiece, body, sized(*map(len, body)))) == pieces


def test_a_file_follows_its_head(tmp_path) -> None:
    path = tmp_path / "logo.svg"
    path.write_bytes(b"<svg/>")
    wire = Wire()
    request = SimpleNamespace(method="GET", version=(1, 1), should_close=lambda: False)
    answer = AnswerInOnePiece(request, wire, Config())
    answer.start_response("200 OK", sized(6))
    with path.open("rb") as file:
        answer.write_file(FileWrapper(file))
    answer.close()
    assert [each[:4] for each in wire.pieces] == [b"HTTP", b"<svg"]


def test_a_file_in_memory_follows_its_head() -> None:
    wire = Wire()
    request = SimpleNamespace(method="GET", version=(1, 1), should_close=lambda: False)
    answer = AnswerInOnePiece(request, wire, Config())
    answer.start_response("200 OK", sized(6))
    answer.write_file(FileWrapper(io.BytesIO(b"<svg/>")))
    answer.close()
    assert b"".join(wire.pieces).endswith(b"\r\n\r\n<svg/>")


@pytest.mark.parametrize("name", ["Cache-Control", "X-Own"])
def test_a_header_that_would_begin_another_is_refused_each_time(name: str) -> None:
    for _ in range(2):
        with pytest.raises(InvalidResponseHeader):
            send(AnswerInOnePiece, [], [(name, "no-store\r\nSet-Cookie: a=b")])
        with pytest.raises(InvalidResponseHeaderName):
            send(AnswerInOnePiece, [], [(f"{name}:", "no-store")])
        with pytest.raises(TypeError):
            send(AnswerInOnePiece, [], [(name, 5)])


def test_a_date_is_that_of_its_second() -> None:
    assert http_date(0.9) == http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert http_date(1) == "Thu, 01 Jan 1970 00:00:01 GMT"
    assert parsedate_to_datetime(http_date()).tzinfo is not None


class TestWhatItLeansOn:
    """Parts of gunicorn that are nobody's promise: an upgrade that changes them is to stop here, not in front of recipients."""

    LOOK = f"gunicorn {gunicorn.__version__} answers in another way: compare Response with config/written_answers.py"

    @pytest.mark.parametrize(
        ("name", "parameters"),
        [
            ("process_headers", ["self", "headers"]),
            ("default_headers", ["self"]),
            ("send_headers", ["self"]),
            ("write", ["self", "arg"]),
            ("_emit_body", ["self", "data"]),
            ("write_file", ["self", "respiter"]),
            ("close", ["self"]),
        ],
    )
    def test_a_method_is_called_as_before(self, name: str, parameters: list[str]) -> None:
        method = getattr(Response, name, None)
        assert method is not None, self.LOOK
        assert list(inspect.signature(method).parameters) == parameters, self.LOOK

    def test_an_answer_knows_what_it_knew(self) -> None:
        answer = Response(SimpleNamespace(), Wire(), Config())
        known = {"headers": [], "headers_sent": False, "chunked": False}
        assert known.items() <= vars(answer).items(), self.LOOK
        assert isinstance(answer.sock, Wire), self.LOOK

    @pytest.mark.parametrize(
        ("method", "calls"),
        [
            (create, "Response"),  # by this name config/gunicorn.py puts ours in its place
            (Response.default_headers, "http_date"),
            (Response.write, "send_headers"),
            (Response.write, "_emit_body"),
            (Response.sendfile, "send_headers"),
        ],
    )
    def test_what_is_put_in_its_place_is_called(self, method: Any, calls: str) -> None:
        assert calls in method.__code__.co_names, self.LOOK

    def test_a_header_that_is_checked_once_changes_nothing_else_of_an_answer(self) -> None:
        for name in CONSTANT:
            answer = Response(SimpleNamespace(), Wire(), Config())
            before = vars(answer) | {"headers": [(name, "1")]}
            answer.process_headers([(name, "1")])
            assert vars(answer) == before, self.LOOK
