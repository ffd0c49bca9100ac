"""Posting to the receiver from a test."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from lists.sealed import new_salt
from reporting.models import WebhookFormat
from reporting.webhooks.payloads import Payload, render, request_headers, sample_change
from reporting.webhooks.posting import Poster, Try

SHORT = 0.3  # seconds for what never comes
LONG = 30.0  # seconds for what does, however busy the machine

SALT = new_salt()


def make_payload() -> Payload:
    now = datetime.now(UTC)
    change = sample_change(WebhookFormat.STANDARD, now)
    return render(WebhookFormat.STANDARD, [change], is_test=True, now=now)


async def post_with(poster: Poster, url: str, payload: Payload | None = None) -> Try:
    payload = payload or make_payload()
    headers = request_headers(payload, "msg_1", [SALT], datetime.now(UTC))
    return await poster.post(url, payload, headers)


def run(work: Callable[[Poster], Awaitable[None]], timeout: float = LONG) -> None:
    """Do something with a poster."""

    async def begin() -> None:
        async with Poster(timeout=timeout) as poster:
            await work(poster)

    asyncio.run(begin())


def post(*urls: str, timeout: float = LONG) -> list[Try]:
    """Post to these, one after the other, with one poster."""
    tries: list[Try] = []

    async def work(poster: Poster) -> None:
        tries.extend([await post_with(poster, url) for url in urls])

    run(work, timeout)
    return tries
