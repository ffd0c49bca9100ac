"""AT-35-43: whatever a stranger sends, on every public URL: an answer below 500, and nothing recorded by accident."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from django.conf import settings

from lists.models import List
from optout.choices import Assurance
from optout.links import JOIN, PREFERENCES, make_token
from optout.models import OptOut
from optout.tokens import DoneToken, make_done_token, make_form_token
from tests import make
from tests.pages import BROWSER, PROVIDER, SERVER, URLENCODED, PublicClient, signed_path

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")

VALUES = [
    "%00",
    "jane%00@example.com",
    "%ED%A0%80@example.com",  # a lone surrogate in UTF-8
    "%FF%FE",
    "%E2%80%AEmoc.elpmaxe@enaj",  # bidi override
    "%E2%80%8Bjane@example.com",
    "٣@example.com",
    "1_000",
    "99999999999999999999",
    "%",
    "%zz%2",
    "a@" + "b." * 500,
    "%2B" * 300,
    "'; DROP TABLE optout_optout; --",
    "{{7*7}}${7*7}",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "\\..\\..\\etc",
    "x" * 65_536,
    "a@b." * 16_384,
    "@" * 65_536,
    "+" * 65_536,
    "%F0%9F%92%A9" * 8_192,
    "%CC%81" * 20_000,
]


BAD_BASE64 = b"""--b\r
Content-Transfer-Encoding: base64\r
Content-Disposition: form-data; name="item"\r
\r
%%%\r
--b--\r
"""


@pytest.fixture(autouse=True)
def _pages_may_be_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody typed is given back, and 254 quotation marks take more than a letter each."""
    monkeypatch.setattr("tests.pages.LARGEST_PAGE", 8 * 1024)


@pytest.fixture
def urls(optout_list: List) -> list[str]:
    """Every public URL of this app, each with a place for a value."""
    List.objects.update(direct_link_mode="instant", join_is_open=True)
    recorded = make.make_optout(optout_list, "first@example.com")
    done = DoneToken(optout_list.pk, recorded.optout_id, recorded.digest, make.NOW, Assurance.TYPED)
    page = f"/u/{optout_list.public_id}"
    door = make.make_global_unsubscribe(optout_list.realm)
    make.make_product(optout_list.realm, 1, optout_list)
    ours = "/unsubscribe/unsubscribe"
    return [
        page + "?item={}",
        page + "?phone={}&lang={}",
        page + "/?email={}",
        page + ".gif?item={}",
        page + f"/done?t={make_done_token(done)}&lang={{}}",
        page + "/done?t={}",
        page + "/preview?state={}&lang={}",
        signed_path(optout_list.pk) + "?lang={}",
        f"/p/{make_token(optout_list.pk, 'jane@example.com', PREFERENCES)}?lang={{}}&saved={{}}",
        "/o/nonsense?x={}",
        f"/j/{optout_list.public_id}?email={{}}&lang={{}}",
        f"/j/{optout_list.public_id}/sent?lang={{}}",
        f"/j/{make_token(optout_list.pk, '1', JOIN)}?t={{}}",
        f"/j/{make_token(optout_list.pk, '1', JOIN)}/done?lang={{}}",
        f"/p/{optout_list.public_id}?item={{}}&lang={{}}",
        f"/p/{optout_list.public_id}/sent?lang={{}}",
        "/u/nosuchlist00?item={}",
        "/u/?{}={}",
        *(
            f"{ours}?responseType=api&{name}={{}}"
            for name in ("email", "phoneNumber", "email=jane@example.com&productId")
        ),
        f"/g/{door.key}{ours}?responseType=api&email=jane@example.com&website={{}}&uuid={{}}&pubID={{}}",
        f"{ours}?responseType={{}}&email={{}}&customField1={{}}&customField2={{}}&lang={{}}",
        f"{ours}?fields={{}}&phoneNumber={{}}&website={{}}",
        f"{ours}?fields=email,customField1&fieldLabel[customField1]={{}}&customField1={{}}",
        f"{ours}?{{}}={{}}&fieldLabel[{{}}]={{}}",
        "/unsubscribe/done?t={}&t={}&lang={}",
        f"/g/{door.key}/unsubscribe/preview?website={{}}&fields={{}}",
        "/g/nosuchkey00/unsubscribe/unsubscribe?email={}",
        "/unsubscribe/nonsense?email={}",
    ]


def send_each(urls: list[str], value: str, **headers: str) -> Iterator[Any]:
    for url in urls:
        path, _, query = url.partition("?")
        for caller in (BROWSER, SERVER):
            client = PublicClient({**caller, **headers})
            yield client.generic("GET", path, QUERY_STRING=_wsgi(query.replace("{}", value)))


def _wsgi(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


@pytest.mark.django_db
class TestQueries:
    @pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{value[:20]}x{len(value)}")
    def test_any_value_is_answered(self, urls: list[str], value: str) -> None:
        """And the worst 64 KiB take less than 50 ms."""
        started = time.process_time()
        answers = list(send_each(urls, value))
        assert (time.process_time() - started) / len(answers) < 0.05
        assert all(response.status_code < 500 for response in answers)

    def test_a_thousand_parameters_are_a_contradiction(self, optout_list: List) -> None:
        query = "&".join(f"item=p{n}@example.com" for n in range(1_000))

        response = PublicClient().get(f"/u/{optout_list.public_id}?{query}")

        assert response.status_code == 400
        assert not OptOut.objects.exists()


@pytest.mark.django_db
class TestMethods:
    @pytest.mark.parametrize("method", METHODS)
    def test_nine_methods_on_every_url(self, urls: list[str], method: str) -> None:
        for url in urls:
            path, _, query = url.partition("?")
            response = PublicClient().generic(method, path, QUERY_STRING=query.replace("{}", "x"))
            assert response.status_code < 500
            if method not in {"GET", "HEAD", "POST"}:
                assert response.status_code == 405
                assert response.headers["Allow"] == "GET, HEAD, POST"


@pytest.mark.django_db
class TestHeaders:
    @pytest.mark.parametrize(
        "headers",
        [
            {"host": "x" * 3_000},
            {"host": "evil.example:99999999"},
            {"host": "[::1"},
            {"accept-language": "\udcff\udcfe"},
            {"accept-language": "de;q=" + "9" * 4_000},
            {"accept-language": ",;q=,," * 2_000},
            {"accept": "text/html;" * 5_000},
            {"accept": "\x80\xff"},
            {"user-agent": "\x80" * 10_000},
            {"user-agent": "Mozilla/5.0 " + "(" * 20_000},
            {"origin": "https://[::"},
            {"cookie": "csrftoken=short; sessionid=../../etc"},
            {"x-forwarded-for": "not, an, address"},
            {"content-type": "text/html; charset=nonsense"},
        ],
    )
    def test_any_header_is_answered_and_sets_no_cookie(
        self, urls: list[str], headers: dict[str, str]
    ) -> None:
        for response in send_each(urls, "jane@example.com", **headers):
            assert response.status_code < 500


@pytest.mark.django_db
class TestBodies:
    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            (b"\x00\xff\xfe", URLENCODED),
            (b"item=%00&t=%00&lang=%00&scope=%00&website=", URLENCODED),
            (b"t=" + b"A" * 200_000, URLENCODED),
            (b"&".join(b"f%d=x" % n for n in range(5_000)), URLENCODED),
            (b"--b\r\nbroken", "multipart/form-data; boundary=b"),
            (b"anything", "multipart/form-data"),
            (b"anything", "multipart/form-data; boundary=" + "x" * 500),
            (
                b'--b\r\nContent-Disposition: form-data; name="t"; filename="x"\r\n\r\n1\r\n--b--\r\n',
                "multipart/form-data; boundary=b",
            ),
            (BAD_BASE64, "multipart/form-data; boundary=b"),
            (BAD_BASE64, "multipart/form-data; boundary=b; charset=utf-16"),
            (
                BAD_BASE64.replace(b"base64", b"quoted-printable"),
                "multipart/form-data; boundary=b; charset=idna",
            ),
            (b"t=1&item=\xff", "application/x-www-form-urlencoded; charset=utf-16"),
            (BAD_BASE64, "multipart/form-data; boundary=b; charset=nonsense"),
            (b'{"item": ["a"]}', "application/json"),
            (b"\xed\xa0\x80=1&item=\xed\xa0\x80", "text/plain"),
        ],
    )
    def test_any_body_is_answered(self, urls: list[str], body: bytes, content_type: str) -> None:
        for url in urls:
            for caller in (BROWSER, PROVIDER):
                path = url.replace("{}", "x")
                path, _, query = path.partition("?")
                client = PublicClient(caller)
                response = client.generic("POST", path, body, content_type, QUERY_STRING=query)
                assert response.status_code < 500

    def test_one_that_is_too_big_is_refused_in_the_callers_own_form(
        self, optout_list: List
    ) -> None:
        body = b"item=" + b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        path = f"/u/{optout_list.public_id}"

        page = PublicClient().post(path, body, content_type=URLENCODED)
        line = PublicClient(SERVER).post(path, body, content_type=URLENCODED)

        assert page.status_code == line.status_code == 413
        assert b"<h1>" in page.content
        assert line.headers["Content-Type"].startswith("text/plain")
        assert not OptOut.objects.exists()

    def test_a_chunked_one_is_bounded_too(self, optout_list: List) -> None:
        stream = BytesIO(b"x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 10))
        extra: Any = {"wsgi.input": stream, "wsgi.input_terminated": True}
        response = PublicClient(SERVER).generic(
            "POST",
            f"/u/{optout_list.public_id}",
            **extra,
        )

        assert response.status_code == 413
        assert stream.tell() == settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1

    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            (b"item=jane@example.co", URLENCODED),
            (b"List-Unsubscribe=One-Click", URLENCODED),
            (
                b'--b\r\nContent-Disposition: form-data; name="item"\r\n\r\njane@example.com\r\n--b-',
                "multipart/form-data; boundary=b",
            ),
        ],
    )
    @pytest.mark.parametrize("caller", [BROWSER, SERVER, PROVIDER])
    def test_one_that_was_cut_off_is_not_acted_on(
        self, optout_list: List, body: bytes, content_type: str, caller: dict[str, str]
    ) -> None:
        """What came of it may be another address than the one that was sent."""
        List.objects.update(whitelist=["192.0.2.7"])
        paths = (
            f"/u/{optout_list.public_id}",
            signed_path(optout_list.pk),
            "/unsubscribe/unsubscribe",
        )
        make.make_global_unsubscribe(optout_list.realm)
        cut: Any = {"CONTENT_LENGTH": str(len(body) + 1)}
        for path in paths:
            cut["wsgi.input"] = BytesIO(body)  # the test client's own cannot be read beyond its end
            client = PublicClient(caller)
            response = client.generic("POST", path, body, content_type, **cut)
            assert response.status_code == 400, path

        assert not OptOut.objects.exists()

    @pytest.mark.parametrize("length", ["", "abc", "-1", "99999999999999999999"])
    def test_a_length_that_is_none_is_answered(self, optout_list: List, length: str) -> None:
        """Gunicorn refuses such a request itself; other servers may not."""
        extra: Any = {"CONTENT_LENGTH": length}
        response = PublicClient(SERVER).generic("POST", f"/u/{optout_list.public_id}", **extra)

        assert response.status_code < 500

    def test_an_address_of_64_kib_in_our_own_form_is_an_error(self, optout_list: List) -> None:
        token = make_form_token(optout_list.pk, datetime.now(UTC))
        fields = {"item": "a@b.example" * 6_000, "t": token}

        page = PublicClient().send(f"/u/{optout_list.public_id}", fields)

        assert page.status_code == 400
        assert not OptOut.objects.exists()
