import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.channels.rest.paging import make_cursor, read_cursor
from optout.channels.rest.problems import ProblemError


def is_refused(text: str, *types: type[int | bytes], kind: str = "rows") -> bool:
    try:
        read_cursor(kind, text, *types)
    except ProblemError as problem:
        return problem.response().status_code == 422
    return False


class TestCursor:
    @given(st.integers(0, 2**63 - 1), st.binary(max_size=32))
    def test_a_position_comes_back_as_it_was(self, number: int, digest: bytes) -> None:
        text = make_cursor("rows", number, digest)
        assert read_cursor("rows", text, int, bytes) == [number, digest]

    def test_one_of_another_kind_or_shape_is_refused(self) -> None:
        text = make_cursor("rows", 5)
        assert is_refused(text, int, kind="other")
        assert is_refused(text, bytes)
        assert is_refused(text, int, int)

    @pytest.mark.parametrize(
        "text", ["", "0", "now", "a b", "٣", "\0", "=" * 4, "cm93czo1", "A" * 5_000]
    )
    def test_what_is_not_ours_is_refused(self, text: str) -> None:
        assert is_refused(text, int) == (text != "cm93czo1")

    @given(st.text())
    def test_no_text_breaks_it(self, text: str) -> None:
        assert is_refused(text, int) or make_cursor("rows", *read_cursor("rows", text, int)) == text

    @pytest.mark.parametrize("number", [-1, 2**63])
    def test_a_number_that_no_row_has_is_refused(self, number: int) -> None:
        assert is_refused(make_cursor("rows", number), int)
