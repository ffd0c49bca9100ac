import asyncio
import socket
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from aiohttp.client_proto import ResponseHandler
from standardwebhooks import Webhook

from reporting.models import Failure, WebhookDelivery
from reporting.webhooks import names, posting
from reporting.webhooks.payloads import Payload
from reporting.webhooks.posting import MAX_KEPT, Poster
from reporting.webhooks.signing import secret_of
from tests.receiver import HOST
from tests.receiver.certificates import EXPIRED, GOOD, OTHER_NAME, SELF_SIGNED
from tests.reporting.webhooks.posting import LONG, SALT, SHORT, post, post_with, run


class TestDelivery:
    def test_a_message_arrives_as_it_was_signed(self, receiver):
        (tried,) = post(receiver.url("/ok/crm?to=a%2Fb"))
        assert (tried.status, tried.failure, tried.answer) == (200, "", "ok")
        assert tried.is_delivered and tried.retry_after is None and tried.took_ms >= 0
        (got,) = receiver.got()
        assert (got.method, got.path) == ("POST", "/ok/crm?to=a%2Fb")
        assert Webhook(secret_of(SALT)).verify(got.body, got.headers) == got.json()

    def test_with_these_headers_and_no_others(self, receiver):
        post(receiver.url())
        (got,) = receiver.got()
        assert sorted(got.headers) == [
            "content-length",
            "content-type",
            "host",
            "user-agent",
            "webhook-id",
            "webhook-signature",
            "webhook-timestamp",
        ]
        assert got.headers["user-agent"] == "Heed-Webhooks/1"
        assert got.headers["content-type"] == "application/json"

    @pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
    def test_every_2xx_is_a_success(self, receiver, status):
        (tried,) = post(receiver.url(f"/{status}"))
        assert tried.is_delivered and tried.status == status

    @pytest.mark.parametrize("status", [300, 304, 400, 404, 410, 418, 429, 500, 503, 999])
    def test_everything_else_is_none(self, receiver, status):
        (tried,) = post(receiver.url(f"/{status}?text=no"))
        assert (tried.status, tried.failure) == (status, Failure.STATUS)

    def test_over_tls_with_a_certificate_that_the_system_trusts(
        self, receiver, authority, monkeypatch
    ):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        assert post(receiver.tls_url(GOOD))[0].is_delivered

    def test_a_big_message(self, receiver):
        payload = Payload(b"x" * 500_000, "application/json")

        async def work(poster: Poster) -> None:
            assert (await post_with(poster, receiver.url(), payload)).is_delivered

        run(work)
        assert len(receiver.got()[0].body) == 500_000


class TestFailures:
    def test_nobody_listens(self, receiver):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        assert post(f"http://127.0.0.1:{port}/")[0].failure == Failure.REFUSED

    @pytest.mark.parametrize("name", [SELF_SIGNED, EXPIRED, OTHER_NAME])
    def test_a_certificate_is_not_right(self, receiver, authority, monkeypatch, name):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        assert post(receiver.tls_url(name))[0].failure == Failure.TLS
        assert receiver.got() == []

    def test_a_certificate_of_an_authority_that_the_system_does_not_know(self, receiver):
        assert post(receiver.tls_url(GOOD))[0].failure == Failure.TLS

    def test_no_tls_where_there_should_be(self, receiver):
        url = receiver.url().replace("http://", "https://")
        assert post(url)[0].failure == Failure.TLS

    def test_the_name_is_not_known(self, receiver, monkeypatch):
        def refuse(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(names, "getaddrinfo", refuse)
        first, again = post("http://crm.example.com/", "http://crm.example.com/")
        assert first.failure == again.failure == Failure.NAME
        assert first.status is None and first.answer == ""

    @pytest.mark.parametrize("path", ["/hang", "/drip-headers"])
    def test_no_answer_in_time(self, receiver, path):
        (tried,) = post(receiver.url(path), timeout=SHORT)
        assert (tried.status, tried.failure) == (None, Failure.TIMEOUT)

    def test_no_end_of_the_answer_in_time(self, receiver):
        (tried,) = post(receiver.url("/drip"), timeout=4 * SHORT)
        assert (tried.status, tried.failure) == (200, Failure.TIMEOUT)

    @pytest.mark.parametrize("path", ["/close", "/reset", "/garbage"])
    def test_no_answer_or_none_in_http(self, receiver, path):
        (tried,) = post(receiver.url(path))
        assert (tried.status, tried.failure) == (None, Failure.BROKEN)
        assert len(receiver.got()) == 1

    def test_half_an_answer(self, receiver):
        (tried,) = post(receiver.url("/half"))
        assert (tried.status, tried.failure, tried.answer) == (200, Failure.BROKEN, "only this")

    def test_an_answer_that_breaks_the_reader_breaks_nothing_else(self, receiver, monkeypatch):
        def fail(*_: object) -> None:
            raise AssertionError("in the parser")

        monkeypatch.setattr(ResponseHandler, "data_received", fail)
        assert post(receiver.url(), timeout=SHORT)[0].failure == Failure.BROKEN

    def test_whoever_calls_off_is_not_held_up(self, receiver):
        async def work(poster: Poster) -> None:
            task = asyncio.create_task(post_with(poster, receiver.url("/hang")))
            await asyncio.to_thread(receiver.wait_for, 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        run(work)


class TestBounds:
    """However much comes, little is read, and it is over long before the time is."""

    @pytest.mark.parametrize("path", ["/big?size=10000000", "/endless"])
    def test_of_a_long_answer_the_beginning_counts(self, receiver, path):
        (tried,) = post(receiver.url(path))
        assert tried.is_delivered and tried.answer == "x" * MAX_KEPT

    @pytest.mark.parametrize(
        "path", ["/endless-headers", "/endless-line", "/endless-continue", "/endless-chunks"]
    )
    def test_what_never_comes_to_an_end_is_broken_off(self, receiver, path):
        (tried,) = post(receiver.url(path))
        assert tried.failure == Failure.BROKEN

    def test_nothing_is_unpacked_nor_shown_packed(self, receiver):
        (tried,) = post(receiver.url("/bomb"))
        assert tried.is_delivered and tried.answer == ""

    def test_memory_stays_small(self, receiver):
        paths = ("/big", "/endless", "/endless-headers", "/endless-line", "/endless-continue")
        urls = [receiver.url(path) for path in (*paths, "/endless-chunks", "/bomb")]
        post(*urls)  # what is loaded once
        tracemalloc.start()
        try:
            post(*urls * 3)
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 5_000_000

    def test_others_are_served_meanwhile(self, receiver):
        async def work(poster: Poster) -> None:
            hostile = [
                asyncio.create_task(post_with(poster, receiver.url(path)))
                for path in ("/hang", "/drip", "/drip-headers") * 8
            ]
            await asyncio.to_thread(receiver.wait_for, len(hostile))
            assert (await post_with(poster, receiver.url())).is_delivered
            assert not any(task.done() for task in hostile)
            for task in hostile:
                task.cancel()
            await asyncio.gather(*hostile, return_exceptions=True)

        run(work)


class TestAnswers:
    def test_the_log_keeps_the_first_characters(self, receiver):
        (tried,) = post(receiver.url("/500?text=" + "%C3%A4" * 1500))
        assert tried.answer == "ä" * MAX_KEPT

    def test_which_fit_the_column(self):
        assert WebhookDelivery._meta.get_field("answer").max_length == MAX_KEPT

    def test_what_is_no_text_does_no_harm(self, receiver):
        (tried,) = post(receiver.url("/500?text=a%00b%1b%ff%0ac%ed%a0%80"))
        assert "\x00" not in tried.answer and "\x1b" not in tried.answer
        assert tried.answer.startswith("a\N{REPLACEMENT CHARACTER}b")
        tried.answer.encode()  # no surrogate is left

    @pytest.mark.parametrize(
        "hidden", ["\x85", "\x9b", "\u202e", "\u2066", "\u200f", "\u061c", "\u2028"]
    )
    def test_what_turns_the_text_round_or_is_a_control_is_shown_as_such(self, hidden):
        answer = posting._Answer(status=500, body=f"a{hidden}b\tc\nd é".encode())
        assert posting._text(answer) == "a\N{REPLACEMENT CHARACTER}b\tc\nd é"

    @pytest.mark.parametrize("status", [429, 503])
    @pytest.mark.parametrize(
        ("after", "seconds"),
        [
            ("7", 7),
            ("0", 0),
            ("0" * 20 + "7", 7),
            ("86400", 86400),
            ("100000", 86400),
            ("99999999999", 86400),
            ("9" * 5000, 86400),
        ],
    )
    def test_retry_after_in_seconds(self, receiver, status, after, seconds):
        (tried,) = post(receiver.url(f"/{status}?after={after}"))
        assert tried.retry_after == timedelta(seconds=seconds)

    @pytest.mark.parametrize(
        ("after", "seconds"),
        [
            ("Wed, 04 Mar 2026 12:01:30 GMT", 90),
            ("Wednesday, 04-Mar-26 12:01:30 GMT", 90),
            ("Wed, 04 Mar 2026 11:00:00 GMT", 0),
            ("Wed, 04 Mar 2036 12:00:00 GMT", 86400),
            ("Wed, 04 Mar 2026 12:01:30 -0000", 90),
        ],
    )
    def test_retry_after_a_date(self, after, seconds):
        answer = posting._Answer(status=503, retry_after=after)
        with time_machine.travel(datetime(2026, 3, 4, 12, 0, tzinfo=UTC), tick=False):
            assert posting._retry_after(answer) == timedelta(seconds=seconds)

    @pytest.mark.parametrize(
        "after", ["", "soon", "-5", "1.5", "٣", "Wed, 99 Foo 2026 12:00:00 GMT"]
    )
    def test_one_that_cannot_be_read_says_nothing(self, after):
        assert posting._retry_after(posting._Answer(status=429, retry_after=after)) is None

    @pytest.mark.parametrize("status", [200, 500])
    def test_elsewhere_it_says_nothing(self, receiver, status):
        assert post(receiver.url(f"/{status}?after=7"))[0].retry_after is None


class TestConnections:
    def test_one_is_used_again(self, receiver):
        post(*[receiver.url()] * 5)
        assert receiver.counts() == {"requests": 5, "connections": 1, "inner": 0}

    @pytest.mark.parametrize("path", ["/500", "/410", "/204", "/redirect", "/bomb"])
    def test_also_after_a_failure(self, receiver, path):
        post(receiver.url(path), receiver.url())
        assert receiver.counts()["connections"] == 1

    @pytest.mark.parametrize(
        "path",
        ["/big", "/endless", "/endless-chunks", "/half", "/garbage", "/hang", "/drip", "/extra"],
    )
    def test_not_where_something_of_the_answer_is_left(self, receiver, path):
        timeout = SHORT if path in {"/hang", "/drip"} else LONG

        async def work(poster: Poster) -> None:
            await post_with(poster, receiver.url(path))
            poster._timeout = LONG
            for _ in range(3):
                tried = await post_with(poster, receiver.url())
                assert (tried.status, tried.answer) == (200, "ok")

        run(work, timeout)
        assert receiver.counts()["connections"] == 2

    def test_not_where_something_came_that_nobody_asked_for(self, receiver):
        async def work(poster: Poster) -> None:
            await post_with(poster, receiver.url())
            connector = poster._session.connector
            assert connector is not None
            ((kept, _since),) = next(iter(connector._conns.values()))
            kept.data_received(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
            assert (await post_with(poster, receiver.url())).is_delivered

        run(work)
        assert receiver.counts()["connections"] == 2

    @pytest.mark.parametrize("path", ["/answer-and-close", "/answer-and-reset"])
    def test_one_that_the_receiver_closed_meanwhile_is_no_failure(self, receiver, path):
        assert all(tried.is_delivered for tried in post(*[receiver.url(path)] * 10))

    def test_a_message_is_sent_anew_only_where_the_connection_was_kept(self, receiver):
        first, second = post(receiver.url("/ok"), receiver.url("/close"))
        assert first.is_delivered and second.failure == Failure.BROKEN
        assert [got.path for got in receiver.got()] == ["/ok", "/close", "/close"]

    def test_cookies_are_not_kept(self, receiver, resolves):
        resolves([HOST])  # of a bare address nobody keeps one
        post(*[f"http://crm.example.com:{receiver.port}/cookie"] * 2)
        assert len(receiver.got()) == 2
        assert all("cookie" not in got.headers for got in receiver.got())


class TestTheEnvironment:
    def test_proxies_are_not_used(self, receiver, monkeypatch):
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, receiver.inner_url())
            monkeypatch.setenv(name.upper(), receiver.inner_url())
        assert post(receiver.url())[0].is_delivered
        assert receiver.got()[0].path == "/ok"
        assert receiver.counts()["inner"] == 0

    def test_passwords_are_not_read(self, receiver, monkeypatch, tmp_path: Path):
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login jane password secret\n")
        monkeypatch.setenv("NETRC", str(netrc))
        post(receiver.url())
        assert "authorization" not in receiver.got()[0].headers


def test_a_try_takes_15_seconds_at_most():
    assert posting.TIMEOUT == Poster()._timeout == 15.0
