import pytest

from lists.segments import measure
from reporting.send_editor.texts import (
    LIST_ONLY,
    PLACEHOLDER,
    TextRefusedError,
    check_text,
    fill,
    measure_text,
    plain_text,
    sample_link,
)

LIST = 7


def refusal(text: str, list_id: int | None = LIST) -> str:
    with pytest.raises(TextRefusedError) as caught:
        check_text(text, list_id)
    assert caught.value.field == "text"
    return str(caught.value)


class TestCheckText:
    @pytest.mark.parametrize(
        ("written", "kept"),
        [
            ("Sale! {optout}", "Sale! {optout}"),
            ("One\r\ntwo\rthree\n", "One\ntwo\nthree"),
            ("  Sale!  ", "Sale!"),
            ("Sale!\tNow", "Sale! Now"),
            ("Sale {Optout} {OPT-OUT} { opt out } {opt_out}", "Sale" + " {optout}" * 4),
            ("Sale {name}", "Sale {name}"),
        ],
    )
    def test_as_it_is_kept(self, written: str, kept: str) -> None:
        assert check_text(written, LIST) == kept

    @pytest.mark.parametrize("text", ["", "  ", "\r\n", "\u200b \ufeff", "\u00a0"])
    def test_empty(self, text: str) -> None:
        assert refusal(text) == "Write the message."

    @pytest.mark.parametrize("text", ["a\0b", "a\x1bb", "a\x85b", "a\ud800b"])
    def test_characters_that_no_message_has(self, text: str) -> None:
        assert "no message can have" in refusal(text)

    @pytest.mark.parametrize("text", ["Hi {optout}", "Hi {OptOut}"])
    def test_a_single_number_gets_no_link(self, text: str) -> None:
        assert refusal(text, None) == str(LIST_ONLY)
        assert str(LIST_ONLY) == "The opt-out link is only available when sending to a list."

    def test_ten_segments_as_they_arrive(self) -> None:
        room = 1530 - len(sample_link(LIST))
        assert check_text("x" * room + PLACEHOLDER, LIST)
        assert "too long" in refusal("x" * (room + 1) + PLACEHOLDER)
        assert "too long" in refusal("я" * 671)
        assert "too long" in refusal("x" * 100_000)


class TestMeasureText:
    def test_the_placeholder_is_as_long_as_its_link(self) -> None:
        link = sample_link(LIST)
        assert measure_text("Sale! {optout}", LIST) == measure(f"Sale! {link}")
        assert measure_text("Sale! {optout}", 0) == measure(f"Sale! {link}"), "of any list"

    def test_of_a_single_number_it_is_text(self) -> None:
        assert measure_text("{optout}", None).units == 10  # braces take two places


class TestFill:
    def test_everywhere(self) -> None:
        assert fill("{optout} and {optout}", "https://x") == "https://x and https://x"


class TestPlainText:
    def test_what_editors_make_by_themselves(self) -> None:
        written = "„Sale“ – it’s on…\u00a020\u202f% off\u200b"
        assert plain_text(written) == '"Sale" - it\'s on... 20 % off'
        assert measure(plain_text(written)).encoding == "GSM-7"

    def test_what_is_a_letter_stays(self) -> None:
        assert plain_text("Привет, ç à {optout}") == "Привет, ç à {optout}"
