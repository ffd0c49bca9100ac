import pytest
from hypothesis import given
from hypothesis import strategies as st

from lists.segments import BASIC, EXTENDED, Measure, measure

GSM = "".join(sorted(BASIC | EXTENDED))


class TestGsm:
    @pytest.mark.parametrize(
        ("length", "segments", "left"),
        [
            (0, 0, 160),
            (1, 1, 159),
            (160, 1, 0),
            (161, 2, 145),
            (306, 2, 0),
            (307, 3, 152),
            (459, 3, 0),
        ],
    )
    def test_160_are_one_and_153_each_of_several(
        self, length: int, segments: int, left: int
    ) -> None:
        assert measure("a" * length) == Measure("GSM-7", length, length, segments, left)

    def test_extended_characters_count_twice(self) -> None:
        assert measure("€" * 80) == Measure("GSM-7", 80, 160, 1, 0)
        assert measure("€" * 80 + "a").segments == 2
        assert {measure(each).units for each in EXTENDED} == {2}

    def test_an_escape_is_not_parted_from_its_character(self) -> None:
        # 152 places, then one that takes two: it moves to the next part, and one place stays empty
        text = "a" * 152 + "€" + "a" * 152
        assert measure(text) == Measure("GSM-7", 305, 306, 3, 152)

    def test_accents_that_gsm_has_change_nothing(self) -> None:
        assert measure("Grüße à Zoë"[:-1] + "e").encoding == "GSM-7"

    def test_a_new_line_is_one_character(self) -> None:
        assert measure("a\nb").units == 3


class TestUcs:
    @pytest.mark.parametrize(
        ("length", "segments", "left"),
        [(1, 1, 69), (70, 1, 0), (71, 2, 63), (134, 2, 0), (135, 3, 66)],
    )
    def test_70_are_one_and_67_each_of_several(self, length: int, segments: int, left: int) -> None:
        assert measure("ç" * length) == Measure("UCS-2", length, length, segments, left)

    def test_one_character_changes_all(self) -> None:
        assert measure("a" * 159 + "–") == Measure("UCS-2", 160, 160, 3, 41)

    def test_an_emoji_takes_two_places_and_is_not_cut(self) -> None:
        assert measure("🙂" * 35) == Measure("UCS-2", 35, 70, 1, 0)
        assert measure("🙂" * 67) == Measure("UCS-2", 67, 134, 3, 65)

    def test_what_gsm_counts_twice_is_one_here(self) -> None:
        assert measure("€ç").units == 2


class TestAnyText:
    @given(st.text())
    def test_the_parts_hold_all_of_it(self, text: str) -> None:
        got = measure(text)
        one, part = (160, 153) if got.encoding == "GSM-7" else (70, 67)
        room = one if got.segments <= 1 else part * got.segments

        assert got.characters == len(text)
        assert got.left >= 0
        # at most one place of each part is lost to what is not cut
        assert room - got.left - got.segments < got.units <= room - got.left or not text

    @given(st.text(GSM, max_size=700), st.sampled_from(GSM))
    def test_one_more_character_never_takes_fewer(self, text: str, more: str) -> None:
        assert measure(text).segments <= measure(text + more).segments

    @given(st.text(GSM, max_size=700))
    def test_gateways_that_pack_part_by_part_come_to_the_same(self, text: str) -> None:
        parts, used = 1 if text else 0, 0
        if sum(2 if each in EXTENDED else 1 for each in text) > 160:
            for each in text:
                width = 2 if each in EXTENDED else 1
                if used + width > 153:
                    parts, used = parts + 1, 0
                used += width
        assert measure(text).segments == parts
