"""The redirect template and what it becomes (S0.9, S0.10, AT-11/12)."""

import random
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.redirects import MAX_TEMPLATE, RedirectError, build_redirect, validate_template

EVERYTHING = "https://shop.example:8443/bye/{item}/{list}?l={lang}&s={status}&m={md5}#{sha256}"


def refusal(text: str) -> str:
    with pytest.raises(RedirectError) as caught:
        validate_template(text)
    assert str(caught.value)
    return caught.value.code


def built(template: str = EVERYTHING, **values: str | None) -> str:
    filled = {"list_ref": "5", "lang": "en", "status": "done", "item": "jane@example.com", **values}
    return build_redirect(template, **filled)  # type: ignore[arg-type]


class TestValidateTemplate:
    @pytest.mark.parametrize(
        ("text", "template"),
        [
            (EVERYTHING, EVERYTHING),
            (" https://shop.example \n", "https://shop.example"),
            ("HTTPS://Shop.Example/Bye", "https://shop.example/Bye"),
            ("http://localhost:8000/?e={item}", "http://localhost:8000/?e={item}"),
            ("http://192.0.2.1/", "http://192.0.2.1/"),
            ("http://[2001:DB8::1]:80/", "http://[2001:db8::1]:80/"),
            ("https://bücher.example/ö?ü", "https://xn--bcher-kva.example/%C3%B6?%C3%BC"),
            ("https://shop.example/a%20b?x=%40", "https://shop.example/a%20b?x=%40"),
            ("https://shop.example?e={item}", "https://shop.example?e={item}"),
            (
                "https://shop.example/?to=https://a@b.example/",
                "https://shop.example/?to=https://a@b.example/",
            ),
        ],
    )
    def test_gives_the_stored_form(self, text: str, template: str) -> None:
        assert validate_template(text) == template
        assert validate_template(template) == template

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("", "scheme"),
            ("shop.example/bye", "scheme"),
            ("//shop.example/", "scheme"),
            ("/bye", "scheme"),
            ("https:shop.example", "scheme"),
            ("https:/shop.example", "scheme"),
            ("javascript:alert(1)//https://x.example", "scheme"),
            ("data:text/html,hi", "scheme"),
            ("ftp://shop.example/", "scheme"),
            ("{item}://shop.example/", "scheme"),
            ("https{item}://shop.example/", "scheme"),
            ("https://", "host"),
            ("https:///bye", "host"),
            ("https://?x", "host"),
            ("https://:80/", "host"),
            ("https://.../", "host"),
            ("https://a..b/", "host"),
            ("https://user@shop.example/", "host"),
            ("https://user:secret@shop.example/", "host"),
            ("https://shop.example%2f@evil.example/", "host"),
            ("https://shop.example:/", "host"),
            ("https://shop.example:0/", "host"),
            ("https://shop.example:65536/", "host"),
            ("https://shop.example:٣/", "host"),
            ("https://shop.example:80:80/", "host"),
            ("https://[::1/", "host"),
            ("https://[::1]x/", "host"),
            ("https://[fe80::1%25eth0]/", "host"),
            ("https://☃☃\u2048.example/", "host"),
            ("https://{item}/", "placeholder"),
            ("https://{item}.shop.example/", "placeholder"),
            ("https://shop.example{item}", "placeholder"),
            ("https://shop.example:{item}/", "placeholder"),
            ("https://{item}@shop.example/", "placeholder"),
            ("https://shop.example/{email}", "placeholder"),
            ("https://shop.example/{ITEM}", "placeholder"),
            ("https://shop.example/{}", "placeholder"),
            ("https://shop.example/{item", "placeholder"),
            ("https://shop.example/item}", "placeholder"),
            ("https://shop.example/{{item}}", "placeholder"),
            ("https://shop.example/\r\nSet-Cookie: a=b", "character"),
            ("https://shop.example/\x00", "character"),
            ("https://shop.example/a b", "character"),
            ("https://shop.example\t.evil.example/", "character"),
            ("https://shop.example\\@evil.example/", "character"),
            ("https:\\\\shop.example/", "character"),
            ("https://shop.example/\u2028x", "character"),
            ("https://shop.example/\u202ex", "character"),
            ("https://shop.example/" + "a" * MAX_TEMPLATE, "too_long"),
            ("https://shop.example/" + "ö" * 1_000, "too_long"),
        ],
    )
    def test_refuses_what_could_lead_elsewhere_and_says_why(self, text: str, code: str) -> None:
        assert refusal(text) == code

    def test_refuses_a_lone_surrogate(self) -> None:
        assert refusal("https://shop.example/\ud800") == "character"

    @given(st.text(max_size=60).map("https://".__add__) | st.text(max_size=60))
    def test_raises_nothing_else_and_fixes_the_host(self, text: str) -> None:
        try:
            template = validate_template(text)
        except RedirectError:
            return
        assert template.isascii()
        assert urlsplit(template).hostname
        assert urlsplit(built(template)).netloc == urlsplit(template).netloc


class TestBuildRedirect:
    def test_fills_in_every_placeholder(self) -> None:
        assert built(item="jane+tag@example.com", md5="aa", sha256="bb") == (
            "https://shop.example:8443/bye/jane%2Btag%40example.com/5?l=en&s=done&m=aa#bb"
        )

    def test_leaves_a_missing_item_empty(self) -> None:
        assert built("https://shop.example/?e={item}", item=None) == "https://shop.example/?e="

    def test_does_not_fill_in_what_a_value_says(self) -> None:
        assert built("https://shop.example/?e={item}", item="{md5}", md5="aa").endswith(
            "?e=%7Bmd5%7D"
        )

    def test_encodes_the_name_of_a_list(self) -> None:
        assert built("https://shop.example/{list}", list_ref="Ñandú & co/").endswith(
            "/%C3%91and%C3%BA%20%26%20co%2F"
        )

    def test_keeps_the_host_whatever_the_address(self) -> None:
        """AT-12: 20,000 addresses made of what could break out of a URL or a header."""
        source = random.Random(12)
        alphabet = "aZ0@.:/\\?#&=%+{}[]'\"<> \r\n\t\x00;,|^`~é例💩\u202e\u2028\ud800"
        template = validate_template(EVERYTHING)
        start = "https://shop.example:8443/bye/"
        for _number in range(20_000):
            item = "".join(source.choices(alphabet, k=source.randrange(1, 24)))
            url = built(template, item=item)
            assert url.startswith(start)
            assert url.isascii()
            assert url.isprintable()
            assert url.count("/") == start.count("/") + 1

    @given(st.text(), st.text(), st.text())
    def test_gives_the_values_back_to_the_receiver(self, item: str, lang: str, status: str) -> None:
        url = build_redirect(
            "https://shop.example/{item}?l={lang}&s={status}",
            item=item,
            list_ref=1,
            lang=lang,
            status=status,
        )
        parts = urlsplit(url)
        assert parts.netloc == "shop.example"
        assert unquote(parts.path) == "/" + item
        assert parse_qs(parts.query, keep_blank_values=True) == {"l": [lang], "s": [status]}
