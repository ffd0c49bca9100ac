"""What a sender has in memory, with a receiver that answers in the test."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from reporting.feed import START
from reporting.models import Failure, WebhookEndpoint
from reporting.webhooks import serving as serving_module
from reporting.webhooks.claims import Claim, taker_of
from reporting.webhooks.lines import CONNECTIONS, Line, Waiting
from reporting.webhooks.payloads import Payload, sample_change
from reporting.webhooks.posting import Try
from reporting.webhooks.serving import Served, Serving, Summary
from tests import make

NOW = make.NOW
REFUSED = Try(None, Failure.REFUSED, "", 1, None)
TEXT = json.dumps([sample_change("standard", NOW)])
TAKEN = Try(200, "", "ok", 1, None)


class Poster:
    """Answers at once, as the test says; keeps what it was given."""

    def __init__(self, answer: Callable[[], Try]) -> None:
        self.answer = answer
        self.bodies: list[bytes] = []

    async def post(self, _url: str, payload: Payload, _headers: Any) -> Try:
        self.bodies.append(payload.body)
        return self.answer()


def make_serving(poster: Poster, *, is_on: bool = True) -> tuple[Serving, Served]:
    """It serves one endpoint."""
    endpoint = WebhookEndpoint(
        pk=1, realm_id=1, url="https://crm.example.com/", salt=b"salt", xid=1, last_id=0
    )
    endpoint.off_at = None if is_on else NOW
    serving = Serving(poster, Summary(), lambda: NOW, lambda: 0.0, lambda: None)  # type: ignore[arg-type]  # one like it
    served = serving.served[1] = Served(taker_of(endpoint), Line())
    return serving, served


def make_waiting(number: int, **fields: Any) -> Waiting:
    values = {
        "is_test": False,
        "due_at": NOW,
        "digests": (str(number).encode(),),
        "text": TEXT,
        **fields,
    }
    return Waiting(
        id=number,
        message=uuid4(),
        read_at=NOW,
        **values,
    )


def run(serving: Serving) -> None:
    """Start what may start, until nothing is under way."""

    async def work() -> None:
        serving.start()
        while serving.tries:
            await asyncio.wait(serving.tries)

    asyncio.run(work())


class TestTexts:
    def test_what_is_being_sent_is_not_forgotten_when_the_endpoint_fails(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        poster = Poster(lambda: REFUSED)
        serving, served = make_serving(poster)
        for n in range(1, 21):
            served.line.add(make_waiting(n))
        run(serving)
        assert len(poster.bodies) == CONNECTIONS + 2  # two failed before the one that said it
        assert {outcome.failure for _served, outcome in serving.outcomes} == {Failure.REFUSED}
        assert "cannot be sent" not in caplog.text

    def test_they_are_kept_only_as_far_as_there_is_memory(self, monkeypatch: Any) -> None:
        serving, served = make_serving(Poster(lambda: TAKEN))
        made = [make_waiting(n) for n in range(1, 11)]
        monkeypatch.setattr(serving_module, "MOST_TEXT", 3 * len(TEXT) + 1)
        serving.add([served], Claim({1: made}, {1}, set(), START, has_more=False))
        assert [each.id for each in made if each.text] == [1, 2, 3]
        run(serving)
        assert [each.id for _served, each in serving.without_text] == [4, 5, 6, 7, 8, 9, 10]


class TestATest:
    def make_down(self, poster: Poster, *, is_on: bool = True) -> tuple[Serving, Served]:
        """It has failed for a while; what waits is due in an hour, but for a test."""
        serving, served = make_serving(poster, is_on=is_on)
        for _ in range(3):
            served.line.note_failure(NOW - timedelta(hours=1))
        for n in range(1, 4):
            later = NOW + timedelta(hours=1)
            served.line.add(make_waiting(n, step=3, tries=3, due_at=later))
        served.line.add(make_waiting(99, is_test=True, digests=()))
        return serving, served

    def test_that_arrives_wakes_what_waits(self) -> None:
        serving, served = self.make_down(Poster(lambda: TAKEN))
        run(serving)
        assert [outcome.id for _served, outcome in serving.outcomes] == [99, 1, 2, 3]
        assert len(served.line) == 0

    def test_alone_is_no_success(self) -> None:
        answers = iter((TAKEN, REFUSED))
        serving, served = self.make_down(Poster(lambda: next(answers)))
        run(serving)
        assert [outcome.id for _served, outcome in serving.outcomes] == [99, 1]
        assert served.line.succeeded_at is None and served.line.is_failing

    def test_wakes_nothing_where_the_endpoint_is_off(self) -> None:
        serving, _served = self.make_down(Poster(lambda: TAKEN), is_on=False)
        run(serving)
        assert [outcome.id for _served, outcome in serving.outcomes] == [99]
