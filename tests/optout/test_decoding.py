"""The fields that somebody sent, and the plus signs of their addresses (security.md §1, "Query strings")."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.addresses import AddressError, email_key, parse_phone, phone_key
from optout.decoding import MAX_FIELDS, decode_form, decode_query
from tests.optout.test_addresses import code_of


class TestDecodeQuery:
    @pytest.mark.parametrize("name", ["email", "item"])
    @pytest.mark.parametrize(
        ("sent", "read"),
        [
            ("+jane%40example.com", "jane@example.com"),
            ("jane@example.com++", "jane@example.com"),
            ("+jane+tag@example.com+", "jane+tag@example.com"),
            ("%2Bjane@example.com%2B", "+jane@example.com+"),
        ],
    )
    def test_reads_a_plus_at_the_edge_of_an_email_as_a_space(
        self, name: str, sent: str, read: str
    ) -> None:
        assert decode_query(f"{name}={sent}") == {name: [read]}

    @pytest.mark.parametrize("name", ["item", "phone", "phoneNumber"])
    def test_but_not_that_of_a_number(self, name: str) -> None:
        assert decode_query(f"{name}=+14155552671") == {name: ["+14155552671"]}

    @pytest.mark.parametrize("name", ["?email", "??email", "amp;amp;email", "%20email", "+email"])
    def test_mends_the_name_before_it_judges_the_plus(self, name: str) -> None:
        assert decode_query(f"{name}=john+tag@x.com") == {"email": ["john+tag@x.com"]}

    @pytest.mark.parametrize("name", ["item", "email", "phone"])
    def test_keeps_the_plus_of_an_address(self, name: str) -> None:
        assert decode_query(f"{name}=john+tag@x.com") == {name: ["john+tag@x.com"]}
        assert decode_query(f"{name}=john%2Btag%40x.com") == {name: ["john+tag@x.com"]}

    def test_reads_a_plus_as_a_space_elsewhere(self) -> None:
        assert decode_query("lang=a+b&x+y=1") == {"lang": ["a b"], "x y": ["1"]}

    def test_keeps_repeats_and_blanks_in_order(self) -> None:
        assert decode_query("item=b&item=a&item=&lang&&=") == {
            "item": ["b", "a", ""],
            "lang": [""],
            "": [""],
        }

    @pytest.mark.parametrize(
        "query", ["item=j%C3%B6rg", b"item=j%C3%B6rg", b"item=j\xc3\xb6rg", "item=j\xc3\xb6rg"]
    )
    def test_reads_utf8_escaped_or_raw(self, query: str | bytes) -> None:
        assert decode_query(query) == {"item": ["jörg"]}

    def test_turns_what_is_not_utf8_into_something_no_address_has(self) -> None:
        value = decode_query("item=jos%E9@example.com")["item"][0]
        assert value == "jos\ufffd@example.com"
        assert code_of(value) == "character"

    def test_leaves_a_broken_escape_alone(self) -> None:
        assert decode_query("item=100%&lang=%zz%4")["lang"] == ["%zz%4"]

    def test_reads_a_bounded_number_of_fields(self) -> None:
        fields = decode_query("&".join(f"f{number}=1" for number in range(MAX_FIELDS + 50)))
        assert len(fields) == MAX_FIELDS

    @given(st.text() | st.binary())
    def test_never_raises(self, query: str | bytes) -> None:
        decode_query(query)
        decode_form(query)


class TestDecodeForm:
    def test_reads_a_plus_as_a_space(self) -> None:
        assert decode_form(b"phone=%2B1+415&note=a+b") == {"phone": ["+1 415"], "note": ["a b"]}

    def test_mends_an_email_whose_plus_was_not_encoded(self) -> None:
        assert decode_form(b"email=john+tag@x.com")["email"] == ["john+tag@x.com"]
        assert decode_form(b"item=john%20tag@x.com")["item"] == ["john+tag@x.com"]

    @pytest.mark.parametrize("value", ["jane@x.com+joe@x.com", "jane@x.com%20joe@x.com"])
    def test_makes_no_address_of_two(self, value: str) -> None:
        assert decode_form(f"email={value}")["email"] == ["jane@x.com joe@x.com"]

    @pytest.mark.parametrize(
        ("sent", "region", "key"),
        [
            ("+442079460958", "US", "+442079460958"),
            ("+491701234567", "GB", "+491701234567"),
            ("+12025550123", "US", "+12025550123"),
            (
                "+12025550123",
                "DE",
                "+12025550123",
            ),  # 1202… would be possible in Germany, but nobody's
            ("+2025550123", "US", "+12025550123"),  # as it would be in Egypt
            ("+4912345678", "US", "+4912345678"),  # nobody's either way
            ("+442079460958", "DE", "+442079460958"),  # at home they begin with a 0
            (
                "+6587654321",
                "US",
                "",
            ),  # one in Singapore and one in Jamaica, which is dialled as at home
            ("%20442079460958", "DE", "+49442079460958"),
            ("++442079460958", "DE", "+49442079460958"),
            ("%2B442079460958", "DE", "+442079460958"),
            ("tel:+442079460958", "DE", "+442079460958"),
            ("tel:2079460958;phone-context=+44", "DE", "+442079460958"),
        ],
    )
    def test_tells_a_lost_plus_by_the_number(self, sent: str, region: str, key: str) -> None:
        (value,) = decode_form(f"phoneNumber={sent}")["phoneNumber"]
        if key:
            assert parse_phone(value, region).key == key
        else:
            assert code_of(value, "phone", region) == "country"

    def test_leaves_alone_what_is_an_address_with_its_space(self) -> None:
        assert decode_form(b"email=Jane+Doe+<jane@x.com>")["email"] == ["Jane Doe <jane@x.com>"]

    def test_leaves_alone_what_a_plus_does_not_mend(self) -> None:
        assert decode_form(b"email=john+tag")["email"] == ["john tag"]

    def test_does_not_mend_what_a_person_typed(self) -> None:
        assert decode_form(b"email=john+tag@x.com", mend_plus=False)["email"] == ["john tag@x.com"]


class TestOldScripts:
    """What mailers' templates and scripts do to an address; a refused valid opt-out would be a breach."""

    @pytest.mark.parametrize(
        "text", ['"jane@x.com"', "'jane@x.com'", '"Jane Doe <jane@x.com>"', "' jane@x.com '"]
    )
    def test_quotes_around_the_whole_are_taken_off(self, text: str) -> None:
        assert email_key(text) == "jane@x.com"

    @pytest.mark.parametrize(
        "query", ["x=1&amp;item=a@x.com", "ITEM=a@x.com", "Item=a@x.com", "amp;item=a@x.com"]
    )
    def test_the_parameter_is_found(self, query: str) -> None:
        assert decode_query(query)["item"] == ["a@x.com"]

    def test_other_parameters_keep_their_case(self) -> None:
        assert decode_query("Lang=de") == {"Lang": ["de"]}

    @pytest.mark.parametrize("name", ["phoneNumber", "PhoneNumber", "phonenumber", "PHONENUMBER"])
    def test_a_phone_number_keeps_its_plus_however_its_name_is_written(self, name: str) -> None:
        assert decode_query(f"{name}=+14155552671") == {"phoneNumber": ["+14155552671"]}

    @pytest.mark.parametrize("region", ["US", "DE", "GB"])
    def test_two_zeros_mean_abroad(self, region: str) -> None:
        assert phone_key("0044 20 7946 0958", region) == "+442079460958"

    @pytest.mark.parametrize("text", ["+(01000000", "+(0)10000001", "+(0000000"])
    def test_zeros_hidden_behind_a_bracket_make_no_second_key(self, text: str) -> None:
        try:
            key = phone_key(text, "US")
        except AddressError:
            return
        assert phone_key(key, "KP") == key
