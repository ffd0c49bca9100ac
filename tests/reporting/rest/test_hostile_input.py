"""AT-35-43 for the REST API: whatever a program sends, an answer below 500; and what is refused has changed nothing."""

import gzip
import json
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from lists.models import Contact
from reporting.rest.examples import EXAMPLES
from tests import make
from tests.kept import kept_rows
from tests.reporting.rest.messages import make_example_message
from tests.reporting.rest.operations import operation_ids, operations
from tests.reporting.rest.rows import count_rows
from tests.reporting.rest.webhooks import make_example_webhook

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
JSON = "application/json"
PROBLEM = "application/problem+json"

TEXTS = [
    "",
    "\0",
    "jane\0@example.com",
    "\u202emoc.elpmaxe@enaj",
    "\u200bjane@example.com\u2066",
    "\ufffe\uffff",
    "٣",
    "٣@example.com",
    "1_000",
    "0x10",
    "1e3",
    "-1",
    "9" * 20,
    "9" * 400,
    "NaN",
    "'; DROP TABLE optout_optout; --",
    "{{7*7}}${7*7}",
    "=cmd|' /C calc'!A0",
    "../../etc/passwd",
    "a@" + "b." * 500,
    "💩" * 2_000,
    "\u0301" * 5_000,
]
# In a URL they come as bytes; not each is UTF-8.
RAW = [
    "%00",
    "%ED%A0%80",
    "%FF%FE",
    "%",
    "%zz%2",
    "%2B" * 300,
    "+" * 5_000,
    "[]",
    "&&==&",
    "x=" * 90,
]

BODIES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", JSON),
    "no json": (b"\x00\xff\xfe", JSON),
    "cut short": (b'{"addresses": ["jane@example.com"', JSON),
    "an array": (b'["jane@example.com"]', JSON),
    "a text": (b'"jane@example.com"', JSON),
    "null": (b"null", JSON),
    "twice": (b'{"addresses": ["jane@example.com"], "addresses": ["joe@example.com"]}', JSON),
    "twice within": (b'{"addresses": [{"a": 1, "a": 2}]}', JSON),
    "unknown field": (b'{"addresses": ["jane@example.com"], "adresses": []}', JSON),
    "deep": (b"[" * 100_000 + b"]" * 100_000, JSON),
    "deep objects": (b'{"addresses":' * 50_000 + b"1" + b"}" * 50_000, JSON),
    "a lone surrogate": (b'{"addresses": ["\\ud800@example.com"], "list": 1}', JSON),
    "a lone surrogate in a name": (b'{"\\udfff": 1}', JSON),
    "a NUL": (b'{"addresses": ["jane\\u0000@example.com"], "list": 1, "reason": "\\u0000"}', JSON),
    "not a number": (b'{"addresses": ["jane@example.com"], "list": NaN}', JSON),
    "infinite": (b'{"addresses": ["jane@example.com"], "list": 1e999}', JSON),
    "20 digits": (b'{"addresses": ["jane@example.com"], "list": 99999999999999999999}', JSON),
    "5,000 digits": (b'{"list": ' + b"9" * 5_000 + b"}", JSON),
    "a text for a number": ('{"addresses": ["jane@example.com"], "list": "٣"}'.encode(), JSON),
    "a number for a text": (b'{"addresses": [1, 2.5, true, null, {}], "list": 1}', JSON),
    "no addresses": (b'{"addresses": [], "list": 1}', JSON),
    "10,001 addresses": (json.dumps({"addresses": ["x@example.com"] * 10_001}).encode(), JSON),
    "UTF-16": ('{"addresses": ["jane@example.com"]}'.encode("utf-16"), JSON),
    "Latin-1": ('{"addresses": ["jäne@example.com"]}'.encode("latin-1"), JSON),
    "a form": (b"addresses=jane%40example.com", "application/x-www-form-urlencoded"),
    "multipart": (b"--b\r\nbroken", "multipart/form-data; boundary=b"),
    "plain text": (b'{"addresses": ["jane@example.com"]}', "text/plain"),
    "xml": (b"<addresses/>", "application/xml"),
    "a strange charset": (b'{"addresses": ["jane@example.com"]}', "application/json; charset=idna"),
    "a broken type": (b'{"addresses": ["jane@example.com"]}', "appl\x00ication/json;;;="),
    "compressed": (gzip.compress(b'{"addresses": ["jane@example.com"]}'), JSON),
}

type Send = Callable[..., Any]


@pytest.fixture(scope="module")
def api_key(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Of a realm in which there is what the examples name; it may do everything."""
    with kept_rows(django_db_blocker):
        realm = make.make_realm()
        optout_list = make.make_list(realm)
        make.make_optout(optout_list)
        contact = make.make_contact(realm, "ann@example.com", optout_list)
        Contact.objects.filter(pk=contact.pk).update(id=4711)
        make_example_webhook(optout_list)
        make_example_message(optout_list)
        yield make.make_api_key(realm)


@pytest.fixture
def send(api_key: str) -> Send:
    """Sends an operation's example with something else in it."""
    client = Client(headers={"authorization": f"Bearer {api_key}"})
    rows = count_rows()

    def send_it(name: str, **changed: Any) -> Any:
        nonlocal rows
        call, before = EXAMPLES[name].call, rows
        body = b"" if call.body is None else json.dumps(call.body).encode()
        answer = client.generic(
            changed.pop("method", call.method),
            changed.pop("path", call.path),
            changed.pop("body", body),
            changed.pop("content_type", JSON),
            **{"query_params": dict(call.query), **changed},
        )
        if answer.streaming:
            b"".join(answer)  # or its slot would stay taken
        assert answer.status_code < 500
        rows = count_rows()
        if answer.status_code >= 400:
            assert rows == before, "it was refused, and written all the same"
            assert answer.headers["Content-Type"] == PROBLEM
            if answer.request["REQUEST_METHOD"] != "HEAD":
                assert answer.json()["status"] == answer.status_code
        return answer

    return send_it


def with_body() -> list[str]:
    return sorted(name for name, example in EXAMPLES.items() if example.call.body is not None)


def with_path() -> list[str]:
    return [name for name in operation_ids() if "{" in operations()[name][1]]


@pytest.mark.django_db
class TestMethods:
    @pytest.mark.parametrize("method", METHODS)
    def test_nine_methods_on_every_address(self, send: Send, method: str) -> None:
        known = {(each[0], each[1]) for each in operations().values()}
        for name in operation_ids():
            template = operations()[name][1]
            if (method, template) in known:
                continue
            answer = send(name, method=method)
            assert answer.status_code == 405 or method == "HEAD"
            if answer.status_code == 405:
                assert answer.headers["Allow"]

    @pytest.mark.parametrize("method", METHODS)
    def test_what_is_no_address_is_a_problem_too(self, send: Send, method: str) -> None:
        for path in ("/api", "/api/", "/api/v1", "/api/v1/", "/api/v2/lists", "/api/v1/lists/"):
            answer = send("read_lists", method=method, path=path)
            assert answer.status_code == 404


@pytest.mark.django_db
class TestQueries:
    @pytest.mark.parametrize("name", operation_ids())
    def test_any_value_of_any_parameter_is_answered(self, send: Send, name: str) -> None:
        known = [
            each["name"] for each in operations()[name][2]["parameters"] if each["in"] == "query"
        ]
        for parameter in known:
            if parameter == "wait":
                continue
            for text in TEXTS:
                send(name, query_params=dict(EXAMPLES[name].call.query) | {parameter: text})
            for text in RAW:
                send(name, query_params=None, QUERY_STRING=f"{parameter}={text}")

    @pytest.mark.parametrize("name", operation_ids())
    def test_a_parameter_that_is_unknown_is_refused_by_its_name(
        self, send: Send, name: str
    ) -> None:
        query = dict(EXAMPLES[name].call.query) | {"limti": "5"}
        answer = send(name, query_params=query)

        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == ["limti"]

    @pytest.mark.parametrize("name", operation_ids())
    def test_what_may_be_an_address_or_a_key_is_not_repeated(self, send: Send, name: str) -> None:
        for canary in ("canary@example.com", "hk_canary7f1c", "+1canary"):
            answer = send(name, query_params={canary: canary})
            assert answer.status_code == 422
            assert "canary" not in answer.content.decode()

    @pytest.mark.parametrize("name", operation_ids())
    def test_a_parameter_that_says_two_things_changes_nothing(self, send: Send, name: str) -> None:
        parameters = operations()[name][2]["parameters"]
        for each in parameters:
            if each["in"] == "query" and each["schema"].get("type") != "array":
                query = dict(EXAMPLES[name].call.query) | {each["name"]: ["1", "2"]}
                assert send(name, query_params=query).status_code == 422

    @pytest.mark.parametrize("name", operation_ids())
    def test_a_thousand_and_more_parameters_are_refused(self, send: Send, name: str) -> None:
        for count in (1_000, 1_100):
            query = "&".join(f"p{n}=x" for n in range(count))
            assert send(name, query_params=None, QUERY_STRING=query).status_code in {400, 422}


@pytest.mark.django_db
class TestPaths:
    @pytest.mark.parametrize(
        "text",
        ["٣", "1_000", "-1", "+1", "9" * 20, "9" * 3_000, "%00", "1%0a", "0x1", "1.0", "", "é"],
    )
    def test_any_number_in_a_path_is_answered(self, send: Send, text: str) -> None:
        for name in with_path():
            template = operations()[name][1]
            before, _, rest = template.partition("{")
            answer = send(name, path=before + text + rest.partition("}")[2])
            assert 400 <= answer.status_code < 500, name


@pytest.mark.django_db
class TestBodies:
    @pytest.mark.parametrize("body", BODIES)
    def test_any_body_is_answered_and_none_of_these_is_acted_on(
        self, send: Send, body: str
    ) -> None:
        octets, content_type = BODIES[body]
        for name in with_body():
            harmless = {"a strange charset"}
            if not operations()[name][2]["requestBody"].get("required"):
                harmless.add("nothing")
            answer = send(name, body=octets, content_type=content_type)

            is_refused = 400 <= answer.status_code < 500
            assert is_refused or body in harmless or is_look_up(answer), name
            assert "jane" not in answer.content.decode() or is_look_up(answer), name

    @pytest.mark.parametrize("name", with_body())
    def test_an_address_that_stands_where_a_field_should_is_not_repeated(
        self, send: Send, name: str
    ) -> None:
        for canary in ("canary@example.com", "hk_canary7f1c", "+1canary"):
            body = {**EXAMPLES[name].call.body, canary: canary, "fields": {canary: 1}}
            answer = send(name, body=json.dumps(body).encode())
            assert answer.status_code == 422
            assert "canary" not in answer.content.decode()

    @pytest.mark.parametrize("name", with_body())
    def test_each_is_refused_for_what_is_wrong_with_it(self, send: Send, name: str) -> None:
        for body, status, said in (
            ("cut short", 400, "is not readable JSON"),
            ("twice", 400, "names a field twice"),
            ("plain text", 415, "application/json"),
            ("unknown field", 422, "adresses"),
        ):
            octets, content_type = BODIES[body]
            answer = send(name, body=octets, content_type=content_type)
            assert answer.status_code == status
            assert said in answer.content.decode()

    @pytest.mark.parametrize("name", with_body())
    def test_any_text_in_any_field_is_answered(self, send: Send, name: str) -> None:
        for each in EXAMPLES[name].call.body:
            for text in TEXTS:
                for value in (text, [text], {text: text}):
                    body = {**EXAMPLES[name].call.body, each: value}
                    send(name, body=json.dumps(body).encode())

    @pytest.mark.parametrize("name", with_body())
    def test_one_that_says_that_it_is_compressed_is_refused(self, send: Send, name: str) -> None:
        octets = gzip.compress(json.dumps(EXAMPLES[name].call.body).encode())
        answer = send(name, body=octets, headers={"content-encoding": "gzip"})
        assert answer.status_code == 415

    @pytest.mark.parametrize("name", with_body())
    def test_one_that_is_too_big_is_refused(self, send: Send, name: str) -> None:
        octets = b'{"addresses": ["' + b"x" * 8_000_000 + b'"]}'
        assert send(name, body=octets).status_code == 413

    @pytest.mark.parametrize("name", with_body())
    def test_one_in_chunks_is_read_and_bounded(self, send: Send, name: str) -> None:
        octets = json.dumps(EXAMPLES[name].call.body).encode()
        extra: Any = {"wsgi.input": BytesIO(octets), "wsgi.input_terminated": True}
        answer = send(name, body=b"", CONTENT_TYPE=JSON, **extra)
        assert answer.status_code < 300

        extra["wsgi.input"] = BytesIO(b"x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 10))
        assert send(name, body=b"", CONTENT_TYPE=JSON, **extra).status_code == 413

    @pytest.mark.parametrize("name", with_body())
    def test_one_that_was_cut_off_is_not_acted_on(self, send: Send, name: str) -> None:
        """Even where what came of it reads well: it may be the beginning of something else."""
        octets = json.dumps(EXAMPLES[name].call.body).encode()
        extra: Any = {"wsgi.input": BytesIO(octets), "CONTENT_LENGTH": str(len(octets) + 1)}
        assert send(name, body=octets, **extra).status_code == 400


@pytest.mark.django_db
class TestHeaders:
    @pytest.mark.parametrize(
        "headers",
        [
            {"authorization": "Bearer"},
            {"authorization": "Bearer "},
            {"authorization": "Basic aGs6aGs="},
            {"authorization": "Bearer hk_" + "é" * 20},
            {"authorization": "Bearer " + "x" * 8_000},
            {"authorization": "Bearer \x00"},
        ],
    )
    def test_what_is_no_key_is_no_key(self, send: Send, headers: dict[str, str]) -> None:
        for name in operation_ids():
            assert send(name, headers=headers).status_code == 401, name

    @pytest.mark.parametrize(
        "headers",
        [
            {"accept": "text/html;" * 5_000},
            {"accept": "image/png"},
            {"user-agent": "\x80" * 10_000},
            {"user-agent": "canary\x00"},
            {"x-forwarded-for": "not, an, address"},
            {"origin": "https://[::"},
            {"if-none-match": '"' * 1_000},
            {"if-none-match": "*"},
            {"host": "evil.example:99999999"},
            {"content-encoding": "gzip"},
        ],
    )
    def test_any_header_is_answered(self, send: Send, headers: dict[str, str]) -> None:
        for name in operation_ids():
            send(name, headers=headers)

    @pytest.mark.parametrize("key", ["", " ", "x" * 256, "é", "a b", "a\tb", "\x00", "٣"])
    def test_an_idempotency_key_that_is_none_is_refused(self, send: Send, key: str) -> None:
        for name, (_method, _path, description) in operations().items():
            if any(each["name"] == "Idempotency-Key" for each in description["parameters"]):
                assert send(name, headers={"idempotency-key": key}).status_code == 422


def is_look_up(answer: Any) -> bool:
    """Whether it is the answer to a look-up, which repeats the addresses as they were sent."""
    return answer.status_code == 200 and "results" in answer.json()
