import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.links import (
    LinkTarget,
    direct_url,
    download_url,
    list_header,
    list_key,
    make_token,
    page_url,
    parse_secrets,
    pixel_url,
    read_token,
    signed_url,
)

OLD, NEW = "an older link secret", "the newest link secret"


@pytest.fixture(autouse=True)
def _known_secrets(settings) -> None:
    settings.LINK_SECRETS = f"2:{NEW},1:{OLD}"
    settings.BASE_URL = "https://optout.example"


class TestToken:
    def test_it_names_list_and_address(self) -> None:
        assert read_token(make_token(7, "jane@example.com")) == LinkTarget(7, "jane@example.com", 2)

    def test_it_shows_no_address(self) -> None:
        token = make_token(7, "jane@example.com")
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))

        assert b"jane" not in raw and b"example" not in raw

    def test_the_same_recipient_has_the_same_link(self) -> None:
        assert make_token(7, "jane@example.com") == make_token(7, "jane@example.com")
        assert make_token(7, "jane@example.com") != make_token(8, "jane@example.com")

    def test_it_fits_into_a_url_as_it_is(self) -> None:
        assert set(make_token(7, "jane@example.com")) <= set(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        )

    def test_each_flipped_bit_spoils_it(self) -> None:
        """AT-04."""
        token = make_token(7, "jane@example.com")
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        for at in range(len(raw) * 8):
            spoilt = bytearray(raw)
            spoilt[at // 8] ^= 1 << at % 8
            text = base64.urlsafe_b64encode(spoilt).rstrip(b"=").decode()
            assert read_token(text) is None

    def test_each_other_character_spoils_it(self) -> None:
        """AT-04, by characters: the last one has bits that decode to nothing."""
        token = make_token(7, "jane@example.com")
        for at in range(len(token)):
            for other in "AQgw-_+/=.":
                if token[at] != other:
                    assert read_token(token[:at] + other + token[at + 1 :]) is None

    def test_a_token_moved_to_another_list_is_nothing(self) -> None:
        """AT-05."""
        token = make_token(7, "jane@example.com")
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        moved = raw[:2] + (8).to_bytes(4) + raw[6:]

        assert read_token(base64.urlsafe_b64encode(moved).rstrip(b"=").decode()) is None

    def test_old_keys_go_on_verifying(self, settings) -> None:
        """AT-48: links never expire."""
        settings.LINK_SECRETS = f"1:{OLD}"
        old = make_token(7, "jane@example.com")
        settings.LINK_SECRETS = f"2:{NEW},1:{OLD}"

        assert read_token(old) == LinkTarget(7, "jane@example.com", 1)
        settings.LINK_SECRETS = f"2:{NEW}"
        assert read_token(old) is None

    def test_a_mailer_with_the_lists_key_makes_the_same_links(self) -> None:
        import hashlib
        import hmac

        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key, header, plain = list_key(7), list_header(7), b"jane@example.com"
        nonce = hmac.digest(key, header + plain, hashlib.sha256)[:12]
        made = header + nonce + AESGCM(key).encrypt(nonce, plain, header)

        token = base64.urlsafe_b64encode(made).rstrip(b"=").decode()
        assert token == make_token(7, "jane@example.com")

    @given(st.text(max_size=600))
    def test_anything_else_is_nothing(self, text: str) -> None:
        assert read_token(text) is None

    @given(
        st.integers(0, 2**31 - 1),
        st.text(min_size=1, max_size=60).filter(lambda t: t.isprintable()),
    )
    def test_any_address_comes_back(self, list_id: int, address: str) -> None:
        target = read_token(make_token(list_id, address))

        assert target is not None
        assert (target.list_id, target.address) == (list_id, address)

    def test_the_longest_address_fits(self) -> None:
        longest = "a" * 64 + "@" + "b" * 185 + ".com"
        assert len(longest) == 254
        assert read_token(make_token(7, longest)) is not None


class TestUrls:
    def test_they_begin_with_the_base_url(self) -> None:
        assert page_url("abc") == "https://optout.example/u/abc"
        assert direct_url("abc") == "https://optout.example/u/abc?item={item}"
        assert pixel_url("abc") == "https://optout.example/u/abc.gif?item={item}"
        assert download_url("abc") == "https://optout.example/d/abc"
        assert signed_url(7, "a@b.example").startswith("https://optout.example/o/")

    def test_an_address_is_escaped_as_our_reader_expects_it(self) -> None:
        from optout.decoding import decode_query

        url = direct_url("abc", "jane+tag&x=1@example.com")

        assert url.endswith("?item=jane%2Btag%26x%3D1@example.com")
        assert decode_query(url.partition("?")[2])["item"] == ["jane+tag&x=1@example.com"]


class TestSecrets:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            ",",
            "1",
            "1:short",
            "0:long enough secret",
            "256:long enough secret",
            "x:long enough secret",
            "٣:long enough secret",
            "1:long enough secret,1:another long secret",
        ],
    )
    def test_what_cannot_be_used_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="LINK_SECRETS"):
            parse_secrets(text)

    def test_a_secret_may_hold_colons(self) -> None:
        assert parse_secrets(" 3:one:two:three:four , ") == ((3, "one:two:three:four"),)
