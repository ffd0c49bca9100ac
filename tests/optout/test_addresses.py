"""The address key (security.md §1): one mailbox or phone, one key, whatever it was written as."""

import contextlib
import hashlib
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from optout import addresses
from optout.addresses import (
    AddressError,
    digest_of,
    email_key,
    hex_digests,
    lookup_keys,
    mask,
    parse_address,
    parse_email,
    parse_hash,
    parse_phone,
    phone_key,
)
from optout.choices import HashKind, Medium
from optout.decoding import decode_query, restore_plus

LETTERS = "abcXYZ019"
LOCALS = st.text(
    LETTERS + "!#$%&'*+/=?^_`{|}~.-@ <>:;\"üİΣſﬁ＠Ａ\u200b\u00ad", min_size=1, max_size=70
)
DOMAINS = st.text(LETTERS + ".-_ßüⅧ。．İ例\u200d💩xn", min_size=1, max_size=70)
NEARLY_EMAILS = st.builds("{}@{}".format, LOCALS, DOMAINS)
PLAIN_EMAILS = st.from_regex(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@([A-Za-z0-9-]{1,8}\.){1,3}[A-Za-z0-9-]{1,8}",
    fullmatch=True,
)


def code_of(text: str, accepts: addresses.Accepts = "email", region: str = "US") -> str:
    with pytest.raises(AddressError) as caught:
        parse_address(text, accepts, region)
    assert str(caught.value)
    return caught.value.code


class TestEmailKey:
    @pytest.mark.parametrize(
        ("text", "key"),
        [
            ("John.Smith@Example.COM", "john.smith@example.com"),
            ("  jane@example.com\r\n", "jane@example.com"),
            ("Jane Doe <Jane@example.com>", "jane@example.com"),
            ('"Doe, Jane" <jane@example.com>', "jane@example.com"),
            ("<jane@example.com>", "jane@example.com"),
            ("jane@example.com>", "jane@example.com"),
            ("mailto:jane@example.com", "jane@example.com"),
            ("MAILTO:jane@example.com?subject=stop", "jane@example.com"),
            ("<mailto:jane@example.com>", "jane@example.com"),
            ("\ufeffjane@exam\u00adple.com\u200b", "jane@example.com"),
            ("\u202ajane@example.com\u202c", "jane@example.com"),
            ("ｊａｎｅ@example.com", "jane@example.com"),
            ("jane＠example.com", "jane@example.com"),
            ("jane@example.com.", "jane@example.com"),
            ("jane@example.com...", "jane@example.com"),
            ("jane@例え。jp", "jane@xn--r8jz45g.jp"),
            ("jane@BÜCHER.de", "jane@xn--bcher-kva.de"),
            ("jane@faß.de", "jane@xn--fa-hia.de"),
            ("jane@xn--bcher-kva.de", "jane@xn--bcher-kva.de"),
            ("jane@mail_out.example.com", "jane@mail_out.example.com"),
            ("jane@ab--c.example", "jane@ab--c.example"),
            ("jane@💩.la", "jane@xn--ls8h.la"),
            ("jane@192.0.2.1", "jane@192.0.2.1"),
            ("JÖRG@example.com", "jörg@example.com"),
            ("jo\u0308rg@example.com", "jörg@example.com"),
            ("ﬁö@example.com", "ﬁö@example.com"),
            ("a..b.@docomo.example", "a..b.@docomo.example"),
            ("o'brien+tag@example.com", "o'brien+tag@example.com"),
            ("jane@example.com <Jane@Example.com>", "jane@example.com"),
            ("'jane@example.com' <jane@example.com>", "jane@example.com"),
            ("Jane @ Acme, jane@acme <jane@example.com>", "jane@example.com"),
            ("<mailto:jane@example.com?cc=joe@example.com>", "jane@example.com"),
        ],
    )
    def test_writes_a_mailbox_in_one_way(self, text: str, key: str) -> None:
        assert email_key(text) == key

    def test_keeps_plus_tags_and_dots(self) -> None:
        assert email_key("j.ane+news@gmail.com") != email_key("jane@gmail.com")

    def test_refuses_a_lone_surrogate(self) -> None:
        assert code_of("ja\ud800ne@example.com") == "character"

    def test_refuses_no_special_domain(self) -> None:
        for domain in ("localhost.localdomain", "example.test", "mail.invalid", "a.onion"):
            assert email_key(f"jane@{domain}") == f"jane@{domain}"

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("", "empty"),
            (" \t\n\u200b", "empty"),
            ("jane", "email"),
            ("@example.com", "email"),
            ("jane@", "email"),
            ("jane@example", "email"),
            ("jane@.com", "email"),
            ("jane@example..com", "email"),
            ("jane@-example.com", "email"),
            ("jane@exam ple.com", "email"),
            ("jane doe@example.com", "email"),
            ("jane\u3000doe@example.com", "email"),
            ('"jane"@example.com', "email"),
            ("jane,john@example.com", "email"),
            ("jane@example.com, john@example.com", "email"),
            ("jane@[192.0.2.1]", "email"),
            ("a@b@example.com", "email"),
            ("jane@@example.com", "email"),
            ("jane@example.com/joe@example.com", "email"),
            ("jane@example.com|joe@example.com", "email"),
            ("jane@example.com+joe@example.com", "email"),
            ("jane＠example.com/joe@example.com", "email"),
            ("jö＠example.com/joe@example.com", "email"),
            ("mailto:jane@example.com,joe@example.com", "email"),
            ("Jane <jane@example.com>, Joe <joe@example.com>", "email"),
            ("joe@example.com, Jane <jane@example.com>", "email"),
            ("jane@example.com <joe@example.com>", "email"),
            ("jane＠example.com <joe@example.com>", "email"),
            ("jane@" + "a" * 64 + ".com", "email"),
            ("ja\x00ne@example.com", "character"),
            ("ja\nne@example.com", "character"),
            ("ja\ufffdne@example.com", "character"),
            ("ja\uffffne@example.com", "character"),
            ("jane@example.com\x00", "character"),
            ("j" * 65 + "@example.com", "too_long"),
            ("ö" * 33 + "@example.com", "too_long"),
            ("jane@" + "a." * 125 + "com", "too_long"),
            ("j" * 1_001, "too_long"),
            (" " * 990 + "jane@example.com", "too_long"),
        ],
    )
    def test_refuses_what_is_no_address_and_says_why(self, text: str, code: str) -> None:
        assert code_of(text) == code

    @given(NEARLY_EMAILS | st.text(max_size=120))
    @example("Kelvin\u212a@x.com")
    @example("İ@x.com")
    @example("a@xn--a.com")
    def test_is_its_own_key_and_raises_nothing_else(self, text: str) -> None:
        try:
            key = email_key(text)
        except AddressError:
            return
        assert email_key(key) == key
        assert len(key.encode()) <= 254
        assert key == key.strip().lower()

    @given(PLAIN_EMAILS)
    @example("a@b-c.de")
    @example("a@1.2")
    @example("a@" + "b" * 63 + ".c")
    def test_is_the_same_on_the_fast_and_the_careful_path(self, text: str) -> None:
        def outcome(key: object) -> str:
            try:
                return key(text)  # type: ignore[operator]
            except AddressError as error:
                return f"! {error.code}"

        assert outcome(email_key) == outcome(addresses._careful_email_key)

    @pytest.mark.parametrize(
        "hostile",
        [
            "a" * 65_536,
            "@" * 65_536,
            "a@" + "a-" * 32_768,
            "a@" + "a." * 32_768,
            "<" * 65_536 + ">",
            " " * 65_536,
            "é" * 65_536 + "@x.com",
            "a@" + "é." * 499,
            "a@" + "例" * 990,
            "a@" + "💩" * 63 + ".la",
            ("\u0344" * 990) + "@x.com",
        ],
        ids=range(11),
    )
    def test_answers_hostile_input_at_once(self, hostile: str) -> None:
        """AT-35: the worst case is met by its length, before anything looks at it."""
        started = time.perf_counter()
        for read in (email_key, parse_hash, restore_plus, lambda text: phone_key(text, "US")):
            with contextlib.suppress(AddressError):
                read(hostile)
        decode_query("item=" + hostile)
        assert time.perf_counter() - started < 0.05


class TestPhoneKey:
    @pytest.mark.parametrize(
        ("text", "region", "key"),
        [
            ("+1 (415) 555-2671", "", "+14155552671"),
            ("(415) 555-2671", "US", "+14155552671"),
            ("415.555.2671 ext. 12", "US", "+14155552671"),
            ("0170 1234567", "DE", "+491701234567"),
            ("0170 1234567", "de", "+491701234567"),
            ("0049 170 1234567", "GB", "+491701234567"),
            ("+49 (0)170 1234567", "US", "+491701234567"),
            ("tel:+14155552671", "US", "+14155552671"),
            ("\u202d+14155552671\u202c", "US", "+14155552671"),
            ("＋１４１５５５５２６７１", "US", "+14155552671"),
            ("٠١٠٠ ١٢٣ ٤٥٦٧", "EG", "+201001234567"),
            ("+0049 170 1234567", "US", "+491701234567"),
            ("415+555+2671", "US", "+14155552671"),
            ("(415)+555-2671", "US", "+14155552671"),
        ],
    )
    def test_is_e164(self, text: str, region: str, key: str) -> None:
        address = parse_phone(text, region)
        assert (address.key, address.medium, address.flagged) == (key, Medium.SMS, False)

    def test_stores_an_impossible_international_number_and_flags_it(self) -> None:
        address = parse_phone("+999 123-456-78", "US")
        assert (address.key, address.flagged) == ("+99912345678", True)

    @pytest.mark.parametrize(
        ("text", "region", "code"),
        [
            ("", "US", "empty"),
            ("12345", "US", "short"),
            ("+123456", "US", "phone"),
            ("+1234567890123456", "US", "phone"),
            ("call me", "US", "phone"),
            ("0170 1234567", "", "country"),
            ("0170 1234567", "XX", "country"),
            ("+1\x004155552671", "US", "character"),
            (" 491701234567", "GB", "country"),
            ("1" * 1_001, "US", "too_long"),
        ],
    )
    def test_refuses_what_is_no_number_and_says_why(
        self, text: str, region: str, code: str
    ) -> None:
        assert code_of(text, "phone", region) == code

    @given(
        st.from_regex(r"[+ (]{0,2}[0-9]{3,16}(x[0-9]{1,3})?", fullmatch=True),
        st.sampled_from(["US", "DE", "AR", "IT", "KP", ""]),
    )
    def test_is_its_own_key_in_every_region(self, text: str, region: str) -> None:
        try:
            key = phone_key(text, region)
        except AddressError:
            return
        assert phone_key(key, "KP") == key
        assert phone_key(key, "") == key


class TestParseAddress:
    def test_takes_an_at_sign_for_an_email(self) -> None:
        assert parse_address("Jane@Example.com", "either", "US").medium is Medium.EMAIL
        assert parse_address("jane＠example.com", "either", "US").medium is Medium.EMAIL

    def test_takes_anything_else_for_a_phone(self) -> None:
        assert parse_address("+14155552671", "either", "US").medium is Medium.SMS

    @pytest.mark.parametrize(
        ("text", "code"),
        [("", "empty"), ("hello", "phone"), ("a@b", "email"), ("0170 1234567", "country")],
    )
    def test_says_what_is_wrong_when_both_are_accepted(self, text: str, code: str) -> None:
        assert code_of(text, "either", "") == code

    def test_asks_for_both_when_it_cannot_tell(self) -> None:
        with pytest.raises(AddressError, match=r"email address .* or a phone number"):
            parse_address("hello", "either", "US")

    def test_refuses_the_other_medium(self) -> None:
        assert code_of("+14155552671", "email") == "email"
        assert code_of("jane@example.com", "phone") == "phone"

    def test_keeps_what_was_given(self) -> None:
        address = parse_email(" Jane <Jane@Example.com> ")
        assert address.raw == "Jane <Jane@Example.com>"
        assert address.key == "jane@example.com"
        assert address.digest == digest_of("jane@example.com")


class TestDigests:
    def test_are_the_hashes_of_the_utf8_key(self) -> None:
        key = "jörg@example.com"
        assert hex_digests(key) == (
            hashlib.md5(key.encode()).hexdigest(),
            hashlib.sha1(key.encode()).hexdigest(),
            hashlib.sha256(key.encode()).hexdigest(),
        )

    def test_of_a_known_address_never_change(self) -> None:
        """Stored keys depend on it: a change needs a new ADDRESS_KEY_VERSION."""
        assert hex_digests("jane@example.com").md5 == "9e26471d35a78862c17e467d87cddedf"
        assert digest_of("jane@example.com").hex() == "8c87b489ce35cf2e2f39f80e282cb2e8"
        assert addresses.ADDRESS_KEY_VERSION == 1

    def test_look_up_finds_rows_that_were_given_as_any_hash(self) -> None:
        key = "jane@example.com"
        for text in hex_digests(key):
            read = parse_hash(text.upper())
            assert read is not None
            assert read[1][:16] in lookup_keys(key)
        assert lookup_keys(key)[0] == digest_of(key)
        assert all(len(lookup) == 16 for lookup in lookup_keys(key))

    @pytest.mark.parametrize(
        ("length", "kind"), [(32, HashKind.MD5), (40, HashKind.SHA1), (64, HashKind.SHA256)]
    )
    def test_are_told_apart_by_length_in_either_case(self, length: int, kind: HashKind) -> None:
        expected = (kind, bytes.fromhex("aB" * (length // 2)))
        assert parse_hash("aB" * (length // 2)) == expected
        assert parse_hash(" " + "Ab" * (length // 2) + "\n") == expected

    @pytest.mark.parametrize(
        "text",
        ["", "ab" * 17, "g" * 32, "٣" * 32, "a" * 31 + " b", "+" + "a" * 31, "0x" + "a" * 30],
    )
    def test_are_nothing_else(self, text: str) -> None:
        assert parse_hash(text) is None


class TestMask:
    @pytest.mark.parametrize(
        ("key", "shown"),
        [
            ("jane@example.com", "ja•••@example.com"),
            ("ja@example.com", "j•••@example.com"),
            ("j@example.com", "•••@example.com"),
            ("+14155552667", "+1 ••• ••67"),
            ("+491701234567", "+49 ••• ••67"),
            ("+99912345678", "+ ••• ••78"),
            ("", "•••"),
            ("something", "•••"),
        ],
    )
    def test_shows_just_enough_to_recognise_it(self, key: str, shown: str) -> None:
        assert mask(key) == shown
