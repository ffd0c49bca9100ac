"""Readers, scanners, servers and images on one URL, told apart (security.md §3)."""

import time
from typing import Any

import pytest

from optout.callers import Caller, acts_at_once, classify, is_ahead, is_one_click

HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
IMAGES = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)"
WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X)"
CHROME = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KHTML} Chrome/140.0.0.0 Safari/537.36"
BROWSERS = [
    CHROME,
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    f"{IPHONE} {WEBKIT} Version/18.5 Mobile/15E148 Safari/604.1",
    f"{IPHONE} {WEBKIT} GSA/300.0 Mobile/15E Safari/604.1",
    f"{IPHONE} {WEBKIT} Mobile/15E148 [FBAN/FBIOS;FBAV/400.0;FBDV/iPhone14,5;FBMD/iPhone]",
    f"Mozilla/5.0 (Linux; Android 9; CUBOT X19) {KHTML} Chrome/99.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 9; CUBOT_NOTE_S) {KHTML} Chrome/99.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 13; SM-S901B) {KHTML} SamsungBrowser/20.0 Chrome/106.0 Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 14) {KHTML} Chrome/130.0 Mobile Safari/537.36 Telegram-Android/11.3.3",
    f"Mozilla/5.0 (Windows NT 10.0) {KHTML} Chrome/130.0 Safari/537.36 Avast/130.0",
    f"Mozilla/5.0 (X11; Linux x86_64) {KHTML} HeadlessChrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0; .NET CLR 2.0.50727; .NET4.0C)",
    "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119 Version/11.10",
    "Lynx/2.8.9rel.1 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.6.13",
    "w3m/0.5.3+git20230121",
    "AcmeBrowser/2.1",
]
FETCHERS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (Windows NT 6.1) AppleWebKit/534+ (KHTML, like Gecko) BingPreview/1.0b",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Slackbot 1.0 (+https://api.slack.com/robots)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "meta-externalagent/1.1",
    "WhatsApp/2.23.20.0 A",
    "Twitterbot/1.0",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "TelegramBot (like TwitterBot)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    "Mozilla/5.0 (compatible; Barracuda Sentinel (EE))",
    "Mozilla/5.0 (X11; Linux x86_64) Chrome/99.0 Safari/537.36 Proofpoint URL Defense",
    "Mozilla/5.0 (Windows NT 10.0) Mimecast URL Protect",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17126; Pro)",
    "Microsoft Office Existence Discovery",
    "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) (Applebot/0.1)",
]
LIBRARIES = [
    "curl/8.5.0",
    "Wget/1.21.4",
    "python-requests/2.32.3",
    "Python-urllib/3.13",
    "Python/3.12 aiohttp/3.9.5",
    "python-httpx/0.27.0",
    "GuzzleHttp/7",
    "PHP/8.3",
    "Symfony HttpClient (Curl)",
    "Go-http-client/1.1",
    "Java/17.0.1",
    "Java-http-client/21",
    "okhttp/4.12.0",
    "Apache-HttpClient/4.5.14 (Java/11)",
    "axios/1.7.2",
    "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
    "node",
    "undici",
    "got (https://github.com/sindresorhus/got)",
    "Deno/1.44",
    "libwww-perl/6.67",
    "LWP::Simple/6.00",
    "Ruby",
    "Faraday v2.9.0",
    "RestSharp/110.2.0.0",
    "PostmanRuntime/7.39.0",
    "HTTPie/3.2.2",
    "Dart/3.4 (dart:io)",
    "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041",
    "Mozilla/3.0 (compatible; Indy Library)",
    "WordPress/6.5; https://shop.example",
    "reqwest/0.12",
]
MAIL_IMAGES = [
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
    "Mozilla/5.0",
    "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
    "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Thunderbird/115.3.1",
]


def caller(
    agent: str | None = CHROME, accept: str | None = HTML, method: str = "GET", **more: Any
) -> Caller:
    options = {
        name: more.pop(name) for name in ("image_path", "whitelisted", "one_click") if name in more
    }
    meta = {"HTTP_USER_AGENT": agent, "HTTP_ACCEPT": accept, **more}
    return classify(
        method, {name: value for name, value in meta.items() if value is not None}, **options
    )


class TestPeople:
    @pytest.mark.parametrize("agent", BROWSERS)
    def test_are_who_asks_for_html_with_a_browser(self, agent: str) -> None:
        assert caller(agent) is Caller.PERSON

    def test_are_who_navigates(self) -> None:
        assert caller(CHROME, "*/*", HTTP_SEC_FETCH_MODE="navigate") is Caller.PERSON

    @pytest.mark.parametrize("accept", [None, "", "*/*", "application/json"])
    def test_are_not_taken_for_granted_without_html(self, accept: str | None) -> None:
        assert caller(CHROME, accept) is Caller.FETCHER

    def test_act_at_once_only_in_an_instant_list(self) -> None:
        assert acts_at_once(Caller.PERSON, instant=True)
        assert not acts_at_once(Caller.PERSON, instant=False)


class TestFetchers:
    """Promise 6: no opt-out by a scanner."""

    @pytest.mark.parametrize("accept", [HTML, "*/*", None])
    @pytest.mark.parametrize("agent", [*FETCHERS, *MAIL_IMAGES])
    def test_get_the_confirm_page(self, agent: str, accept: str | None) -> None:
        assert caller(agent, accept) is Caller.FETCHER

    @pytest.mark.parametrize("agent", [None, "", "   "])
    def test_are_the_nameless_who_ask_for_html_or_navigate(self, agent: str | None) -> None:
        assert caller(agent, HTML) is Caller.FETCHER
        assert caller(agent, "*/*", HTTP_SEC_FETCH_MODE="navigate") is Caller.FETCHER

    @pytest.mark.parametrize("agent", ["Mozilla/5.0 (AcmeScan)", "mozilla/4.0 (x)", "Opera/9.80"])
    def test_are_those_named_like_a_browser_who_do_not_ask_for_html(self, agent: str) -> None:
        assert caller(agent, "*/*") is Caller.FETCHER
        assert caller(agent, None) is Caller.FETCHER

    @pytest.mark.parametrize("agent", LIBRARIES)
    def test_are_libraries_that_ask_for_html(self, agent: str) -> None:
        assert caller(agent, HTML) is Caller.FETCHER

    def test_never_act(self) -> None:
        for instant in (True, False):
            assert not acts_at_once(Caller.FETCHER, instant=instant)
            assert not acts_at_once(Caller.PREFETCH, instant=instant)
            assert not acts_at_once(Caller.IMAGE_PROXY, instant=instant)
            assert not acts_at_once(Caller.SERVER, instant=instant)


class TestServers:
    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize("agent", LIBRARIES)
    def test_are_refused_without_the_whitelist(self, agent: str, method: str) -> None:
        assert caller(agent, "*/*", method) is Caller.SERVER
        assert caller(agent, None, method) is Caller.SERVER

    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize("accept", [None, "", "*/*", "application/json"])
    @pytest.mark.parametrize(
        "agent", [None, "", "   ", "AcmeShop/1.0", "AcmeMailer", "Not Mozilla/5.0"]
    )
    def test_are_also_the_unknown_that_show_no_page_to_anybody(
        self, agent: str | None, accept: str | None, method: str
    ) -> None:
        """S0.12: told "200", a mailer's server would take its opt-out for done, and it would be lost. PHP's own
        `file_get_contents` has no agent at all."""
        assert caller(agent, accept, method) is Caller.SERVER

    @pytest.mark.parametrize("agent", [*LIBRARIES, *FETCHERS, CHROME, None])
    def test_act_from_the_whitelist_whatever_their_name(self, agent: str | None) -> None:
        assert caller(agent, "*/*", whitelisted=True) is Caller.WHITELISTED
        assert acts_at_once(Caller.WHITELISTED, instant=False)


class TestImages:
    @pytest.mark.parametrize(
        "agent", [*BROWSERS[:3], "curl/8.5.0", None, "CUBOT NOTE/1.0 Mobile Safari"]
    )
    def test_act_on_the_pixel_path(self, agent: str | None) -> None:
        assert caller(agent, "*/*", image_path=True) is Caller.IMAGE
        assert acts_at_once(Caller.IMAGE, instant=False)

    def test_act_where_a_browser_says_it_wants_an_image(self) -> None:
        assert caller(accept=IMAGES, HTTP_SEC_FETCH_DEST="image") is Caller.IMAGE

    def test_act_where_only_accept_says_so(self) -> None:
        """Browsers send Sec-Fetch-Dest over https only."""
        assert caller(accept=IMAGES) is Caller.IMAGE

    def test_are_not_pages(self) -> None:
        assert caller(accept=IMAGES, HTTP_SEC_FETCH_DEST="document") is Caller.FETCHER

    @pytest.mark.parametrize("agent", [*MAIL_IMAGES, *FETCHERS[:16]])
    def test_write_nothing_for_a_mail_or_a_robot(self, agent: str) -> None:
        assert caller(agent, "*/*", image_path=True) is Caller.IMAGE_PROXY
        assert caller(agent, IMAGES, HTTP_SEC_FETCH_DEST="image") is Caller.IMAGE_PROXY


class TestLoadingAhead:
    @pytest.mark.parametrize(
        "header",
        [
            {"HTTP_SEC_PURPOSE": "prefetch"},
            {"HTTP_SEC_PURPOSE": "prefetch;prerender"},
            {"HTTP_SEC_PURPOSE": "prefetch;anonymous-client-ip"},
            {"HTTP_PURPOSE": "prefetch"},
            {"HTTP_X_PURPOSE": "preview"},
            {"HTTP_X_MOZ": "Prefetch"},
        ],
    )
    def test_never_writes(self, header: dict[str, str]) -> None:
        assert is_ahead(header)
        assert caller(**header) is Caller.PREFETCH
        assert caller(whitelisted=True, image_path=True, **header) is Caller.PREFETCH

    def test_is_not_assumed(self) -> None:
        assert not is_ahead({"HTTP_SEC_PURPOSE": "", "HTTP_PURPOSE": "other"})

    def test_is_what_head_counts_as(self) -> None:
        assert caller(method="HEAD", whitelisted=True) is Caller.PREFETCH
        assert caller(method="HEAD", one_click=True) is Caller.PREFETCH


class TestOneClick:
    def test_acts_by_post_whoever_sends_it(self) -> None:
        for agent in (None, "", "Go-http-client/2.0", "Googlebot/2.1", CHROME):
            assert caller(agent, None, "POST", one_click=True) is Caller.ONE_CLICK
        assert acts_at_once(Caller.ONE_CLICK, instant=False)

    def test_does_nothing_by_get(self) -> None:
        assert caller(one_click=True) is Caller.PERSON

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [
            ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click"),
            ("application/x-www-form-urlencoded; charset=UTF-8", b"List-Unsubscribe=One-Click\r\n"),
            ("application/x-www-form-urlencoded", b"a=b&List-Unsubscribe=One-Click&c=d"),
            ("application/x-www-form-urlencoded", b"List%2DUnsubscribe=One%2DClick"),
            ("", b"List-Unsubscribe=One-Click"),
            ("text/plain", b"list-unsubscribe=one-click\n"),
            ("application/json", b" List-Unsubscribe=One-Click "),
            (
                "multipart/form-data; boundary=x",
                b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
            ),
            (
                "multipart/form-data; boundary=x",
                (
                    b"--x\r\ncontent-disposition: form-data; name=List-Unsubscribe\r\n"
                    b"Content-Type: text/plain; charset=UTF-8\r\n\r\nOne-Click\r\n--x--"
                ),
            ),
            (
                "",
                b'--x\nContent-Disposition: form-data; name="List-Unsubscribe"\n\nOne-Click\n--x--\n',
            ),
            (
                "application/x-www-form-urlencoded",
                b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
            ),
        ],
    )
    def test_is_known_by_its_body_alone(self, content_type: str, body: bytes) -> None:
        assert is_one_click(content_type, body)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"List-Unsubscribe",
            b"List-Unsubscribe=",
            b"List-Unsubscribe=Two-Clicks",
            b"List-Unsubscribe=One-Clicks",
            b"email=List-Unsubscribe=One-Click",
            b"email=x%26List-Unsubscribe=One-Click",
            b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\nOne-Click\r\n--x--',
            b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nno\r\n--x--',
            b"\xff\xfe\x00" * 100,
            b"a" * 10_000 + b"&List-Unsubscribe=One-Click",
        ],
    )
    def test_is_nothing_else(self, body: bytes) -> None:
        for content_type in (
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "",
        ):
            assert not is_one_click(content_type, body)


class TestHostileHeaders:
    @pytest.mark.parametrize("unit", ["a", "bot-", "mail.ru", "link-", " ", "(", "curl"])
    def test_are_read_at_once(self, unit: str) -> None:
        hostile = unit * (65_536 // len(unit))
        body = b'name="list-unsubscribe"\r\n' * 3_000
        started = time.perf_counter()
        caller(hostile, hostile, HTTP_SEC_PURPOSE=hostile, HTTP_SEC_FETCH_DEST=hostile)
        caller(hostile, hostile, image_path=True)
        is_one_click(hostile, body)
        is_one_click("", b"name=list-unsubscribe" + b"x\r\n" * 4_000)
        assert time.perf_counter() - started < 0.05


class TestJava:
    def test_its_own_accept_header_does_not_make_it_a_reader(self) -> None:
        """An unlisted Java server must be refused and its request kept, not shown a page that nobody reads."""
        meta = {
            "HTTP_USER_AGENT": "Java/17.0.1",
            "HTTP_ACCEPT": "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
        }

        assert classify("GET", meta) is Caller.SERVER


class TestOldInternetExplorer:
    def test_opening_a_page_is_not_loading_an_image(self) -> None:
        """Its Accept begins with image types: on a confirm list it must not opt anybody out (promise 6)."""
        meta = {
            "HTTP_USER_AGENT": "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)",
            "HTTP_ACCEPT": "image/jpeg, application/x-ms-application, image/gif, image/pjpeg, */*",
        }

        assert classify("GET", meta) is not Caller.IMAGE
        assert classify("GET", meta, image_path=True) is Caller.IMAGE
