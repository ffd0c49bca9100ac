"""The Global Unsubscribe over real sockets: one character byte for byte, two realms by host name, nothing told, and kill -9."""

import logging
import os
import signal
import threading
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils.log import AdminEmailHandler

from lists.models import GlobalUnsubscribe, List, Realm, RealmHost
from optout.models import GlobalLine, OptOut, QuarantinedOptOut, Suppression
from tests import make
from tests.system.servers import Web, ask, columns_with, files_with, running_nginx, running_web
from tests.system.test_api_web import chunked, exchange, without_host
from tests.system.test_client_ip import needs_nginx
from tests.system.test_gunicorn import FORM, missing_table

pytestmark = [pytest.mark.system, pytest.mark.django_db(transaction=True)]

PATH = "/unsubscribe/unsubscribe"
JANE, PHONE = "jane@example.com", "+12025550123"


@pytest.fixture
def door(realm: Realm) -> GlobalUnsubscribe:
    """One realm with a product and a whitelisted publisher's server."""
    make.make_product(realm, 3)
    return make.make_global_unsubscribe(realm, server_ips=["127.0.0.2"])


def api(**given: Any) -> str:
    """A request's query, url-encoded."""
    return urlencode({"responseType": "api", **given})


def raw(method: str, target: str, body: str = "", *headers: str) -> bytes:
    """A request as bytes, nothing mended."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers]
    if body:
        lines += [f"Content-Type: {FORM[0][1]}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body]).encode()


def multipart(**given: str) -> bytes:
    """A POST of the API as HTTP clients send forms with files."""
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in {"responseType": "api", **given}.items()
    ]
    body = "".join([*parts, "--b--\r\n"])
    head = raw(
        "POST",
        PATH,
        "",
        "Content-Type: multipart/form-data; boundary=b",
        f"Content-Length: {len(body)}",
    )
    return head + body.encode()


def recorded() -> list[tuple[str, str, str, int, int]]:
    """The lines of the report, as they are when nobody asked twice."""
    lines = GlobalLine.objects.order_by("id")
    return [
        (each.email, each.phone, each.website, each.product_number, each.unsubscribe_count)
        for each in lines
    ]


# ── Byte for byte ─────────────────────────────────────────────────────────────────────────────────────

# What is sent, what it must be answered with, and the line that it makes.
EXCHANGES: dict[str, tuple[bytes, int, bytes, tuple[str, str, str, int] | None]] = {
    "get": (
        raw("GET", f"{PATH}?{api(email=JANE, productId=3, website='https://shop.example/')}"),
        200,
        b"1",
        (JANE, "", "shop.example", 3),
    ),
    "get of a phone": (raw("GET", f"{PATH}?{api(phoneNumber=PHONE)}"), 200, b"1", ("", PHONE, "", 0)),
    "get of both": (
        raw("GET", f"{PATH}?{api(email=JANE, phoneNumber=PHONE)}"),
        200,
        b"1",
        (JANE, PHONE, "", 0),
    ),
    "post": (raw("POST", PATH, api(email=JANE)), 200, b"1", (JANE, "", "", 0)),
    "post in chunks": (chunked(raw("POST", PATH, api(email=JANE))), 200, b"1", (JANE, "", "", 0)),
    "post, half in the url": (
        raw("POST", f"{PATH}?responseType=api", urlencode({"email": JANE})),
        200,
        b"1",
        (JANE, "", "", 0),
    ),
    "two slashes": (
        raw("GET", f"/{PATH}?responseType=api&email={JANE}&website=shop.example /x"),
        200,
        b"1",
        (JANE, "", "shop.example /x", 0),
    ),
    "by HTTP/1.0": (
        without_host(raw("GET", f"{PATH}?{api(email=JANE)}")),
        200,
        b"1",
        (JANE, "", "", 0),
    ),
    "a plus as it is": (
        raw("GET", f"{PATH}?responseType=api&email=jane+news@example.com&phoneNumber=+12025550123"),
        200,
        b"1",
        ("jane+news@example.com", PHONE, "", 0),
    ),
    "spaces as they are": (
        raw("GET", f"{PATH}?responseType=api&email= {JANE} &website=shop.example &customField1=a b"),
        200,
        b"1",
        (JANE, "", "shop.example", 0),
    ),
    "spaces escaped": (
        raw("GET", f"{PATH}?responseType=%20API+&email=%20{quote(JANE)}%20"),
        200,
        b"1",
        (JANE, "", "", 0),
    ),
    "nobody": (raw("GET", f"{PATH}?{api(email='', phoneNumber=' ')}"), 200, b"0", None),
    "NOT DEFINED": (raw("GET", f"{PATH}?{api(email='NOT DEFINED')}"), 200, b"0", None),
    "no address": (raw("POST", PATH, api(email="jane")), 200, b"0", None),
    "two that differ": (raw("GET", f"{PATH}?{api(email=JANE)}&email=joe@example.com"), 200, b"0", None),
    "unknown key": (raw("GET", f"/g/nobodyskey12345{PATH}?{api(email=JANE)}"), 404, b"0", None),
    "too large": (raw("POST", f"{PATH}?{api(email=JANE)}", "x" * 3_000_000), 413, b"0", None),
    "cut off": (raw("POST", PATH, api(email=JANE))[:-1], 400, b"0", None),
    "cut off, in multipart": (multipart(email=JANE)[:-12], 400, b"0", None),
    "multipart": (multipart(email=JANE), 200, b"1", (JANE, "", "", 0)),
    "cut into bad chunks": (
        raw("POST", f"{PATH}?{api(email=JANE)}", "", "Transfer-Encoding: chunked") + b"ZZ\r\nx\r\n0\r\n\r\n",
        400,
        b"0",
        None,
    ),
}  # fmt: skip


class TestBytes:
    def test_the_answer_is_one_character(self, door: GlobalUnsubscribe, tmp_path: Path) -> None:
        """S1.5–S1.8 through real gunicorn: `1` or `0`, its length, no newline, and no connection left hanging."""
        wrong = {}
        with running_web(tmp_path) as web:
            for name, (request, status, body, line) in EXCHANGES.items():
                with connection.cursor() as cursor:
                    cursor.execute("TRUNCATE optout_globalline, optout_suppression")
                found_status, headers, found_body = exchange(web, request)
                got = (found_status, headers.get("content-length"), found_body, recorded())
                if got != (status, "1", body, [(*line, 1)] if line else []):
                    wrong[name] = got
                assert headers["content-type"] == "text/plain; charset=utf-8", name
                assert "set-cookie" not in headers, name

        assert wrong == {}

    def test_a_look_changes_nothing(self, door: GlobalUnsubscribe, tmp_path: Path) -> None:
        """HEAD has the length of an answer and no answer; a browser that fetches ahead gets `0`."""
        target = f"{PATH}?{api(email=JANE)}"
        with running_web(tmp_path) as web:
            head = exchange(web, raw("HEAD", target))
            ahead = exchange(web, raw("GET", target, "", "Sec-Purpose: prefetch"))

        assert (head[0], head[1]["content-length"], head[2]) == (200, "1", b"")
        assert (ahead[0], ahead[2]) == (200, b"0")
        assert not OptOut.objects.exists() and not GlobalLine.objects.exists()


# ── Whose request it is ───────────────────────────────────────────────────────────────────────────────


class TestHosts:
    @pytest.fixture
    def realms(self, realm: Realm) -> list[Realm]:
        other = make.make_realm("other")
        for each, host in ((realm, "stop.acme.example"), (other, "stop.other.example")):
            make.make_global_unsubscribe(each)
            RealmHost.objects.create(host=host, realm=each)
        return [realm, other]

    def test_the_host_name_leads_to_the_realm(self, realms: list[Realm], tmp_path: Path) -> None:
        """S1.3: by the Host header in any spelling; a host that is nobody's, or none at all, leads nowhere once there are two."""
        with running_web(tmp_path) as web:

            def sent(host: str) -> tuple[int, str]:
                query = api(email=f"{len(host)}{host.lower()[:6]}@example.com")
                answer = ask(web.address, "GET", f"{PATH}?{query}", headers=[("Host", host)])
                return answer.status, answer.body

            right = [
                sent("stop.acme.example"),
                sent("Stop.Acme.Example:8000"),
                sent("stop.other.example."),
            ]
            wrong = [
                sent("localhost"),
                sent("acme.example"),
                sent("stop.acme.example.evil.example"),
            ]
            none = exchange(web, without_host(raw("GET", f"{PATH}?{api(email=JANE)}")))
            key = realms[1].global_unsubscribe.key
            by_key = exchange(web, raw("GET", f"/g/{key}{PATH}?{api(email=JANE)}"))

        assert right == [(200, "1")] * 3
        assert wrong == [(404, "0")] * 3
        assert (none[0], none[2]) == (404, b"0")
        assert (by_key[0], by_key[2]) == (200, b"1")
        lines = Counter(GlobalLine.objects.values_list("realm__name", flat=True))
        assert lines == {"acme": 2, "other": 2}
        lists = Counter(Suppression.objects.values_list("optout_list__realm__name", flat=True))
        assert lists == lines

    @needs_nginx
    def test_behind_a_proxy_that_passes_the_host(self, realms: list[Realm], tmp_path: Path) -> None:
        """And whose server it is that asks: only the proxy's own word counts (AT-06)."""
        GlobalUnsubscribe.objects.filter(realm=realms[1]).update(server_ips=["127.0.0.5"])
        headers = [("Host", "stop.other.example:8000"), ("X-Forwarded-For", "127.0.0.5")]
        with (
            running_web(tmp_path, TRUSTED_PROXIES="127.0.0.1") as web,
            running_nginx(tmp_path, web.address) as front,
        ):
            answers = [
                ask(
                    front,
                    "GET",
                    f"{PATH}?{api(email=f'{source}@example.com')}",
                    headers=headers,
                    source=source,
                )
                for source in ("127.0.0.5", "127.0.0.6")
            ]

        assert [(each.status, each.body) for each in answers] == [(200, "1"), (200, "1")]
        assert {each.headers["content-length"] for each in answers} == {"1"}
        rows = OptOut.objects.order_by("id").values_list(
            "ip", "assurance", "optout_list__realm__name"
        )
        assert [(str(ip), realm) for ip, _assurance, realm in rows] == [
            ("127.0.0.5", "other"),
            ("127.0.0.6", "other"),
        ]
        assert rows[0][1] != rows[1][1], "only the first is on the whitelist"


# ── Nothing is told ───────────────────────────────────────────────────────────────────────────────────

# Looked for one by one; the number is one that no other text has.
CANARY_EMAIL, CANARY_PHONE = "canary-3d81", "2025550187"
CANARIES = (CANARY_EMAIL, CANARY_PHONE)
# Where they belong once they were recorded or kept.
ADDRESS_COLUMNS = {
    "optout_globalline.email",
    "optout_globalline.phone",
    "optout_optout.address",
    "optout_suppression.address",
    "optout_quarantinedoptout.address",
    "optout_quarantinedoptout.global_requests",
}


def canary(**given: Any) -> str:
    """A request's query with both canaries, url-encoded."""
    return api(email=f"{CANARY_EMAIL}@example.com", phoneNumber=f"+1{CANARY_PHONE}", **given)


def try_everything(web: Web, key: str) -> dict[str, int]:
    """Send the canaries to each door in each shape; the status of each answer."""
    query = canary()
    leaking = [("Referer", f"http://localhost/?{query}"), ("User-Agent", "PHP/8.3")]
    as_page = query.replace("responseType=api", "responseType=html")

    def asked(method: str, target: str, body: str = "") -> int:
        headers = [*leaking, *(FORM if body else [])]
        return ask(web.address, method, target, headers=headers, body=body.encode()).status

    return {
        "get": asked("GET", f"{PATH}?{query}"),
        "post": asked("POST", PATH, query),
        "by key": asked("GET", f"/g/{key}{PATH}?{query}"),
        "form": asked("GET", f"{PATH}?{as_page}"),
        "form by post": asked("POST", PATH, as_page),
        "preview": asked("GET", f"/g/{key}/unsubscribe/preview?{as_page}"),
        "head": asked("HEAD", f"{PATH}?{query}"),
        "unknown key": asked("GET", f"/g/nobodyskey12345{PATH}?{query}"),
        "done with no token": asked("GET", f"/unsubscribe/done?t={query}"),
        "below the path": asked("GET", f"{PATH}/x?{query}"),
        "beside the path": asked("GET", f"/unsubscribe/x?{query}"),
        "no question mark": asked("GET", f"{PATH}&{query}"),
        "no question mark, in short": asked("GET", f"/g/{key}/unsubscribe&{query}"),
        "two slashes": asked("GET", f"//unsubscribe//unsubscribe&{query}"),
        "encoded twice": asked("GET", f"{PATH}/{quote(quote(f'{CANARY_EMAIL}@example.com'))}"),
        "digits": asked("GET", f"{PATH}/{CANARY_PHONE}"),
        "digits for a key": asked("GET", f"/g/{CANARY_PHONE}"),
        "put": asked("PUT", f"{PATH}?{query}", query),
        "too large": asked("POST", f"{PATH}?{query}", query + "x" * 3_000_000),
        "a space": exchange(web, raw("GET", f"{PATH}?{query} &website=a b"))[0],
        "a line too long": exchange(web, raw("GET", f"{PATH}?{query}&x={'x' * 9000}"))[0],
        "a header that is none": exchange(web, raw("GET", f"{PATH}?{query}", "", f"e mail: {query}"))[0],
        "bad chunks": exchange(
            web, raw("POST", f"{PATH}?{query}", "", "Transfer-Encoding: chunked") + b"ZZ\r\nx"
        )[0],
    }  # fmt: skip


def assert_told_nothing(web: Web, state: Path) -> None:
    """No canary is in a file, which is also where gunicorn prints to, nor where it does not belong in the database."""
    for part in CANARIES:
        assert files_with(part, state) == []
        assert columns_with(part) <= ADDRESS_COLUMNS
        assert part not in web.printed()


class TestNothingIsTold:
    """AT-26: the address stands in the URL. What is printed, mailed or kept elsewhere has none of it."""

    def test_whatever_the_answer(self, door: GlobalUnsubscribe, tmp_path: Path) -> None:
        GlobalUnsubscribe.objects.update(server_ips=[])
        with running_web(tmp_path, LOG_LEVEL="DEBUG") as web:
            statuses = try_everything(web, door.key)
            List.objects.update(limit_confirm=0, limit_block=1, limit_hour=1)
            refused = [ask(web.address, "GET", f"{PATH}?{canary()}") for _ in range(5)]

        assert statuses["get"] == statuses["post"] == statuses["by key"] == statuses["form"] == 200
        assert statuses["unknown key"] == statuses["no question mark"] == 404
        assert statuses["too large"] == 413
        assert set(statuses.values()) == {200, 400, 404, 405, 413, 414}
        assert (refused[-1].status, refused[-1].body) == (429, "0")
        assert QuarantinedOptOut.objects.exists()
        assert {"optout_globalline.email", "optout_optout.address"} <= columns_with(CANARY_EMAIL)
        assert f"GET {PATH} 200" in web.printed(), "the access log itself is on"
        assert_told_nothing(web, tmp_path)

    def test_when_something_breaks(self, door: GlobalUnsubscribe, tmp_path: Path) -> None:
        """A table is missing: 500, and a traceback of the statement that had the addresses in it."""
        statuses = []
        with running_web(tmp_path, LOG_LEVEL="DEBUG") as web:
            for table in ("optout_globalline", "optout_suppression"):
                with missing_table(table):
                    for target in (f"{PATH}?{canary()}", f"/g/{door.key}{PATH}?{canary()}"):
                        headers = [("Referer", f"http://localhost{target}")]
                        answer = ask(
                            web.address, "GET", target, headers=headers, source="127.0.0.2"
                        )
                        statuses.append(answer.status)
                        assert not any(part in answer.body for part in CANARIES)

        assert statuses == [500] * 4
        assert web.printed().count("Traceback") >= len(statuses)
        assert not OptOut.objects.exists(), "all of it or none"
        assert_told_nothing(web, tmp_path)

    def test_in_an_outage(self, door: GlobalUnsubscribe, tmp_path: Path) -> None:
        """503 and `0`: nothing was recorded, and trying again is right."""
        nowhere = "postgresql://nobody@127.0.0.1:9/none"
        with running_web(tmp_path, LOG_LEVEL="DEBUG", DATABASE_URL=nowhere) as web:
            answers = [
                exchange(web, raw("GET", f"{PATH}?{canary()}")),
                exchange(web, raw("POST", PATH, canary())),
                exchange(web, raw("GET", f"/g/{door.key}{PATH}?{canary()}")),
            ]
            page = exchange(web, raw("GET", f"{PATH}?{canary(responseType='html')}"))

        for status, headers, body in answers:
            assert (status, headers["content-length"], body) == (503, "1", b"0")
            assert int(headers["retry-after"]) > 0
        assert page[0] == 503 and not any(part.encode() in page[2] for part in CANARIES)
        assert_told_nothing(web, tmp_path)

    def test_in_the_mail_about_an_error(
        self, door: GlobalUnsubscribe, settings: Any, mailoutbox: list[Any]
    ) -> None:
        """Heed sends none; an operator who adds Django's handler for it gets a report without what was sent."""
        settings.ADMINS = ["operator@example.com"]
        handler, logger = AdminEmailHandler(include_html=True), logging.getLogger("django.request")
        logger.addHandler(handler)
        client = Client(raise_request_exception=False)
        try:
            with missing_table("optout_globalline"):
                statuses = [
                    client.get(f"{PATH}?{canary()}").status_code,
                    client.generic("POST", PATH, canary(), FORM[0][1]).status_code,
                ]
        finally:
            logger.removeHandler(handler)

        assert statuses == [500, 500]
        assert len(mailoutbox) == 2
        for mail in mailoutbox:
            whole = [mail.message().as_string(), *(html for html, _type in mail.alternatives)]
            assert "optout_globalline" in mail.body
            assert not any(part in text for part in CANARIES for text in whole)


# ── kill -9 ───────────────────────────────────────────────────────────────────────────────────────────

SENDERS, SENT = 4, 150  # requests each
SHARED = 10  # combinations that all of them send again and again


def combination(number: int) -> tuple[str, str]:
    return f"shared{number}@example.com", f"+120255502{number:02}" if number % 2 else ""


class TestKilled:
    def test_what_was_answered_is_there(self, door: GlobalUnsubscribe, tmp_path: Path) -> None:
        """Promise 1: workers are killed in the middle of it, and no answered `1` is missing anywhere.

        Nor is any request half done: as many are counted in the report as there are in the ledger.
        """
        answered: Counter[tuple[str, str]] = Counter()
        lock = threading.Lock()
        with running_web(tmp_path) as web:

            def send(sender: int) -> None:
                for n in range(SENT):
                    email, phone = (
                        combination(n % SHARED) if n % 3 else (f"s{sender}n{n}@example.com", "")
                    )
                    target = f"{PATH}?{api(email=email, phoneNumber=phone)}"
                    try:
                        body = ask(web.address, "GET", target, source="127.0.0.2").body
                    except OSError:
                        continue  # the killed worker's own connections: no answer, no promise
                    with lock:
                        answered[email, phone] += body == "1"

            senders = [threading.Thread(target=send, args=(n,)) for n in range(SENDERS)]
            for each in senders:
                each.start()
            killed = 0
            while any(each.is_alive() for each in senders) and killed < 3:
                workers = web.workers()
                if answered.total() > 100 * (killed + 1) and workers:
                    os.kill(workers[0], signal.SIGKILL)
                    killed += 1
            for each in senders:
                each.join()

        assert killed == 3
        assert answered.total() > SENDERS * SENT / 2
        # one snapshot: a statement that nobody waits for any more may still end
        with transaction.atomic():
            connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            ledger = Counter(OptOut.objects.values_list("address", flat=True))
            suppressed = set(Suppression.objects.values_list("address", flat=True))
            lines = GlobalLine.objects.values_list("email", "phone", "unsubscribe_count")
            report = {(email, phone): count for email, phone, count in lines}
        for (email, phone), times in answered.items():
            assert report[email, phone] >= times
            assert {email, *filter(None, [phone])} <= suppressed
        for (email, phone), count in report.items():
            assert {ledger[each] for each in (email, phone) if each} == {count}
        assert suppressed == set(ledger)
