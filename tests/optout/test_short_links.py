import pytest
from hypothesis import given
from hypothesis import strategies as st

from lists.segments import measure
from optout.links import LinkTarget
from optout.short_links import (
    ALPHABET,
    open_short_url,
    read_short_token,
    short_url,
    short_urls,
)

OLD, NEW = "an older link secret", "the newest link secret"
NUMBER = "+14155552671"
numbers = st.from_regex(r"\+[0-9]{7,15}", fullmatch=True).filter(str.isascii)


@pytest.fixture(autouse=True)
def _known_secrets(settings) -> None:
    settings.LINK_SECRETS = f"2:{NEW},1:{OLD}"
    settings.BASE_URL = "https://optout.example"
    settings.SMS_LINK_BASE_URL = ""


def token_of(list_id: int, number: str = NUMBER) -> str:
    return short_url(list_id, number).rpartition("/")[2]


class TestUrl:
    def test_it_is_short(self) -> None:
        """S3.2: at most 30 characters after the host."""
        path = short_url(7, NUMBER).removeprefix("https://optout.example")

        assert path.startswith("/s/")
        assert len(path) == 25

    def test_it_is_the_same_length_for_everybody(self) -> None:
        assert {len(short_url(list_id, NUMBER)) for list_id in (1, 7, 2**32 - 1)} == {47}
        assert len(short_url(1, "+" + "9" * 15)) == len(short_url(1, "+0000000")) == 47

    def test_no_character_of_it_is_written_in_two(self) -> None:
        for at in range(100):
            got = measure(short_url(7, f"+4917612345{at:03d}"))
            assert (got.encoding, got.units) == ("GSM-7", got.characters)

    def test_a_shorter_host_can_be_set(self, settings) -> None:
        settings.SMS_LINK_BASE_URL = "https://go.example"

        assert short_url(7, NUMBER).startswith("https://go.example/s/")
        assert open_short_url("abcdefgh") == "https://go.example/s/abcdefgh"

    def test_without_a_recipient_it_names_the_list(self) -> None:
        assert open_short_url("abcdefgh") == "https://optout.example/s/abcdefgh"

    def test_many_at_once_are_those_of_each(self) -> None:
        many = [f"+4917612345{at:03d}" for at in range(50)]

        assert short_urls(7, many) == [short_url(7, each) for each in many]
        assert short_urls(7, []) == []

    def test_the_same_recipient_has_the_same_link(self) -> None:
        assert short_url(7, NUMBER) == short_url(7, NUMBER)

    @pytest.mark.parametrize(
        "number",
        [
            "",
            "14155552671",
            "jane@example.com",
            "+",
            "+123456",
            "+" + "1" * 16,
            "+1415555267١",
            "+1 415",
        ],
    )
    def test_what_is_no_number_gets_none(self, number: str) -> None:
        with pytest.raises(ValueError, match=r"E\.164"):
            short_url(7, number)


class TestToken:
    def test_it_names_list_and_number(self) -> None:
        assert read_short_token(token_of(7)) == LinkTarget(7, NUMBER, 2)

    @given(st.integers(0, 2**32 - 1), numbers)
    def test_any_number_comes_back(self, list_id: int, number: str) -> None:
        assert read_short_token(token_of(list_id, number)) == LinkTarget(list_id, number, 2)

    def test_each_flipped_bit_spoils_it(self) -> None:
        """AT-04."""
        value = _value(token_of(7))
        for bit in range(128):
            assert read_short_token(_spelled(value ^ 1 << bit)) is None

    def test_each_other_character_spoils_it(self) -> None:
        """AT-04: each of them in each place."""
        token = token_of(7)
        for at in range(len(token)):
            for other in ALPHABET + "-_+/=. é٣":
                if token[at] != other:
                    assert read_short_token(token[:at] + other + token[at + 1 :]) is None

    def test_a_part_or_more_of_it_is_nothing(self) -> None:
        token = token_of(7)
        for other in (token[:-1], token[1:], token + "0", "0" + token, "", token.swapcase()):
            assert read_short_token(other) is None

    def test_it_has_one_spelling(self) -> None:
        """22 characters have room for more than 128 bits: what is above must not be read as what is below."""
        assert read_short_token(_spelled(_value(token_of(7)) + (1 << 128))) is None
        assert read_short_token("z" * 22) is None

    def test_another_lists_token_is_another(self) -> None:
        """AT-05."""
        here, there = token_of(7), token_of(8)

        assert here != there
        assert sum(one == other for one, other in zip(here, there, strict=True)) < 10
        target = read_short_token(there)
        assert target is not None and target.list_id == 8

    def test_neighbours_are_unlike(self) -> None:
        one, other = token_of(7, "+14155552671"), token_of(7, "+14155552672")

        assert sum(a == b for a, b in zip(one, other, strict=True)) < 10

    def test_old_keys_go_on_verifying(self, settings) -> None:
        """AT-48: links never expire."""
        settings.LINK_SECRETS = f"1:{OLD}"
        old = token_of(7)
        settings.LINK_SECRETS = f"2:{NEW},1:{OLD}"

        assert read_short_token(old) == LinkTarget(7, NUMBER, 1)
        assert token_of(7) != old
        settings.LINK_SECRETS = f"2:{NEW}"
        assert read_short_token(old) is None

    @given(st.text(max_size=40) | st.text(ALPHABET, min_size=22, max_size=22))
    def test_anything_else_is_nothing(self, text: str) -> None:
        assert read_short_token(text) is None

    def test_no_block_that_somebody_guesses_is_one(self) -> None:
        found = [each for each in range(20_000) if read_short_token(_spelled(each * 2**100 + each))]

        assert found == []


def _value(token: str) -> int:
    value = 0
    for character in token:
        value = value * 62 + ALPHABET.index(character)
    return value


def _spelled(value: int) -> str:
    characters = []
    for _ in range(22):
        value, digit = divmod(value, 62)
        characters.append(ALPHABET[digit])
    return "".join(reversed(characters))
