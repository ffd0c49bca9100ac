"""schemathesis makes up requests from our own description: no 5xx, and every answer is as described."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from pytest_django.plugin import DjangoDbBlocker
from schemathesis.generation import GenerationMode

from reporting.rest.example_webhooks import DELIVERY_ID
from tests import make
from tests.kept import kept_rows
from tests.reporting.rest.messages import make_example_message
from tests.reporting.rest.operations import operation_ids
from tests.reporting.rest.webhooks import make_example_webhook

# Few, and the same on every run: what this looks for is a class of mistakes, not a rare one.
EXAMPLES = 12
WAITS = frozenset(map(str, range(31)))


@pytest.fixture(scope="module")
def api_key(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Of a realm in which there is something to find."""
    with kept_rows(django_db_blocker):
        realm = make.make_realm()
        optout_list = make.make_list(realm)
        make.make_optout(optout_list)
        make.make_optout(make.do_not_mail(realm), "joe@example.com")
        make.make_contact(realm, "ann@example.com", optout_list)
        make_example_webhook(optout_list)
        make_example_message(optout_list)
        yield make.make_api_key(realm)


@pytest.fixture(scope="module")
def schema(api_key: str) -> Iterator[Any]:
    """Our description, with the requests answered in this process, in the test's own transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield schemathesis.openapi.from_wsgi("/api/v1/openapi.json", _answer_whole)
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


@pytest.mark.django_db
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation_id", operation_ids())
def test_answers_fit_the_description(
    schema: Any, api_key: str, operation_id: str, mode: GenerationMode
) -> None:
    headers = {"Authorization": f"Bearer {api_key}"}
    operation = schema.find_operation_by_id(operation_id)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def answer(case: Any) -> None:
        if isinstance(case.query, dict) and str(case.query.get("wait")) in WAITS:
            case.query["wait"] = 0  # it would
        if mode is GenerationMode.POSITIVE:
            _mend(case)
        case.call_and_validate(headers=headers)

    answer()


@cache
def _server() -> WSGIHandler:
    return WSGIHandler()


def _answer_whole(environ: Any, start_response: Any) -> list[bytes]:
    """As servers do it: read to the end, and closed; a download that stays open would keep its slot."""
    answer = _server()(environ, start_response)
    try:
        return [b"".join(answer)]
    finally:
        answer.close()


def _mend(case: Any) -> None:
    """What no schema can say: a cursor is one that we gave, an address can be read, a list is there, a key is for one request."""
    if case.headers:
        case.headers.pop("Idempotency-Key", None)
    if isinstance(case.query, dict):
        _mend_query(case.query)
    if not isinstance(case.body, dict):
        return
    if "addresses" in case.body:
        case.body["addresses"] = [*case.body["addresses"][:50], "jane@example.com"]
    _mend_texts(case.body)
    if "/webhooks" in case.path:
        _mend_webhook(case.body)
    if "/contacts" in case.path:
        case.body.update(lists=[1], fields={"first": "Bo"})
        case.body.pop("customer_key", None)
    if case.path.endswith("/contacts"):
        case.body.pop("email", None)
        case.body.pop("phone", None)
        case.body["address"] = "bo@example.com"


def _mend_query(query: dict[str, Any]) -> None:
    """No cursor, one address at most, and that can be read."""
    query.pop("cursor", None)
    for name in ("address", "email"):
        if name in query:
            query[name] = "ann@example.com"
    if "phone" in query:
        query["phone"] = "+14155550101"
    for name in ("phone", "email", "address"):
        if len({"phone", "email", "address"} & set(query)) > 1:
            query.pop(name, None)


def _mend_texts(body: dict[str, Any]) -> None:
    """A phone is one; a message goes to the one list."""
    if "phones" in body:
        body.update(list=1, phones=["+14155550101"])
    if "text" in body:
        body.update(list=1, text="Sale. {optout}")
        body.pop("to", None)
        body.pop("from", None)


def _mend_webhook(body: dict[str, Any]) -> None:
    """A URL can be called; one of two ways to say which list; a whole number is written so."""
    if "url" in body:
        body.update(url="https://crm.example.com/heed", label="CRM")
    for name in ("list", "lists", "skip_missed"):
        body.pop(name, None)
    if "overlap_hours" in body:
        body["overlap_hours"] = 48
    if "delivery" in body or "since" in body:
        body.clear()
        body["delivery"] = DELIVERY_ID
