import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.webhooks.targets import UrlRefusedError, check_url

INNER = "inside a network"
SPELLING = "four numbers"


def refused(url: str) -> str:
    """The sentence with which the URL is refused."""
    with pytest.raises(UrlRefusedError) as told:
        check_url(url)
    return str(told.value)


class TestUsableUrls:
    @pytest.mark.parametrize(
        ("url", "kept"),
        [
            ("https://crm.example.com/heed", "https://crm.example.com/heed"),
            ("  https://crm.example.com/heed\n", "https://crm.example.com/heed"),
            ("HTTPS://CRM.Example.COM/Heed?A=b", "https://crm.example.com/Heed?A=b"),
            ("https://crm.example.com", "https://crm.example.com/"),
            ("https://crm.example.com?to=1", "https://crm.example.com/?to=1"),
            ("https://crm.example.com.", "https://crm.example.com/"),
            ("https://crm.example.com:443/", "https://crm.example.com/"),
            ("http://crm.example.com:80/", "http://crm.example.com/"),
            ("http://crm.example.com:8080/", "http://crm.example.com:8080/"),
            ("https://bücher.example/ä?ö=ü", "https://xn--bcher-kva.example/%C3%A4?%C3%B6=%C3%BC"),
            ("https://my_crm.example.com/a%2Fb", "https://my_crm.example.com/a%2Fb"),
            ("https://crm.example.com/a\\b|c", "https://crm.example.com/a%5Cb%7Cc"),
            (
                "https://hooks.example.com/T0/B0?k=a+b&c={}",
                "https://hooks.example.com/T0/B0?k=a+b&c=%7B%7D",
            ),
            ("http://crm:8080/heed", "http://crm:8080/heed"),
            ("http://93.184.215.14/", "http://93.184.215.14/"),
            ("http://[2606:4700:0::1111]:8080/", "http://[2606:4700::1111]:8080/"),
            ("https://127.example.com/", "https://127.example.com/"),
            ("https://localhost.example.com/", "https://localhost.example.com/"),
            ("https://0xcafe.example.com/", "https://0xcafe.example.com/"),
        ],
    )
    def test_are_kept_in_one_form(self, url, kept):
        assert check_url(url) == kept
        assert check_url(kept) == kept


class TestWhatIsNoUsableUrl:
    @pytest.mark.parametrize(
        ("url", "says"),
        [
            ("", "Enter a URL"),
            ("crm.example.com/heed", "must begin with https://"),
            ("ftp://crm.example.com/", "must begin with https://"),
            ("file:///etc/passwd", "must begin with https://"),
            ("gopher://crm.example.com/", "must begin with https://"),
            ("javascript:alert(1)", "must begin with https://"),
            ("//crm.example.com/", "must begin with https://"),
            ("https:///heed", "not a URL"),
            ("https://?a", "not a URL"),
            ("https://.", "not a URL"),
            ("https://a..example.com/", "not a URL"),
            ("https://crm.example.com:0/", "not a URL"),
            ("https://crm.example.com:65536/", "not a URL"),
            ("https://crm.example.com:x/", "not a URL"),
            ("https://[::1/", "not a URL"),
            ("https://[v1.x]/", "not a URL"),
            ("https://[crm.example.com]/", "not a URL"),
            ("https://crm.example.com\\@127.0.0.1/", "user name"),
            ("https://crm.example.com\\.evil/", "not a URL"),
            ("https://%31%32%37.0.0.1/", "not a URL"),
            ("https://cr m.example.com/", "no spaces"),
            ("https://crm.example.com/a b", "no spaces"),
            ("https://crm.example.com/\r\nX-Evil: 1", "no spaces"),
            ("https://crm.example.com/\x00", "no spaces"),
            ("https://crm.example.com/a\u2028b", "no spaces"),
            ("https://crm.example.com/\ud800", "not a URL"),
            ("https://crm.example.com/?a=\udfff", "not a URL"),
            ("https://crm\ud800.example.com/", "not a URL"),
            ("https://jane:secret@crm.example.com/", "user name"),
            ("https://@crm.example.com/", "user name"),
            ("https://crm.example.com/#part", "#"),
            ("https://crm.example.com/#", "#"),
            (f"https://crm.example.com/{'a' * 2000}", "2000 characters"),
            (f"https://crm.example.com/{'ä' * 400}", "2000 characters"),
            (f"https://{'a' * 64}.example.com/", "not a URL"),
            (f"https://{'a.' * 130}example.com/", "not a URL"),
        ],
    )
    def test_is_told_by_a_sentence(self, url, says):
        assert says in refused(url)

    @given(st.text(max_size=60))
    def test_nothing_that_is_entered_breaks_it(self, text):
        for url in (text, f"https://{text}", f"https://crm.example.com/{text}"):
            try:
                kept = check_url(url)
            except UrlRefusedError:
                continue
            assert kept.isascii() and kept.isprintable() and check_url(kept) == kept


class TestInnerAddresses:
    @pytest.mark.parametrize(
        "host",
        [
            "127.0.0.1",
            "127.0.0.1.",
            "10.0.0.1",
            "100.64.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.168.1.1",
            "224.0.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "127。0。0。1",
            "[::1]",
            "[::]",
            "[fc00::1]",
            "[fe80::1]",
            "[fe80::1%25eth0]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "crm.localhost",
            "localhost.localdomain",
            "localhost6",
            "ip6-localhost",
            "ｌｏｃａｌｈｏｓｔ",
            "１２７.0.0.1",
        ],
    )
    def test_are_refused_where_the_text_says_it(self, host):
        assert INNER in refused(f"http://{host}/heed")
        assert refused(f"http://{host}:8080/heed")

    @pytest.mark.parametrize(
        "host",
        [
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "0X7F.1",
            "017700000001",
            "0177.0.0.1",
            "127.1",
            "127.0.1",
            "0",
            "0x",
            "127.0.0.01",
            "1.2.3.4.5",
            "256.1.1.1",
            "٣",
            "134744072",  # a public one, but who knows that
        ],
    )
    def test_an_address_is_written_in_one_way_only(self, host):
        told = refused(f"http://{host}/")
        assert SPELLING in told or "not a URL" in told

    def test_allowed_ones_may_be_entered_and_no_others(self, settings):
        settings.WEBHOOK_ALLOW_CIDRS = ["127.0.0.0/8", "10.1.0.0/16"]
        assert check_url("http://127.0.0.1:9000/") == "http://127.0.0.1:9000/"
        assert check_url("http://localhost:9000/") == "http://localhost:9000/"
        assert check_url("http://10.1.2.3/") == "http://10.1.2.3/"
        assert INNER in refused("http://10.2.0.1/")
        assert INNER in refused("http://[::1]/")
        assert SPELLING in refused("http://127.1/")
