from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.choices import Assurance
from optout.tokens import (
    FORM_TOKEN_LIFE,
    DoneToken,
    make_done_token,
    make_form_token,
    read_done_token,
    read_form_token,
)
from tests import make

DONE = DoneToken(7, 123, bytes(range(16)), make.NOW, Assurance.TYPED)


class TestFormToken:
    def test_it_tells_how_long_the_page_was_open(self) -> None:
        token = make_form_token(7, make.NOW)

        later = make.NOW + timedelta(seconds=3, milliseconds=250)
        assert read_form_token(token, 7, later) == timedelta(seconds=3, milliseconds=250)

    def test_it_belongs_to_one_list(self) -> None:
        assert read_form_token(make_form_token(7, make.NOW), 8, make.NOW) is None

    @pytest.mark.parametrize(
        ("age", "is_good"),
        [
            (FORM_TOKEN_LIFE, True),
            (FORM_TOKEN_LIFE + timedelta(seconds=1), False),
            (-timedelta(seconds=59), True),  # clocks of two hosts
            (-timedelta(seconds=61), False),
        ],
    )
    def test_it_lives_for_a_week(self, age: timedelta, is_good: bool) -> None:
        token = make_form_token(7, make.NOW)

        assert (read_form_token(token, 7, make.NOW + age) is not None) == is_good

    @given(st.text(max_size=200))
    def test_anything_else_is_nothing(self, text: str) -> None:
        assert read_form_token(text, 7, make.NOW) is None

    def test_a_done_token_is_no_form_token(self) -> None:
        assert read_form_token(make_done_token(DONE), 7, make.NOW) is None


class TestDoneToken:
    def test_it_says_what_was_recorded(self) -> None:
        assert read_done_token(make_done_token(DONE)) == DONE
        assert DONE.rows == [(7, 123)]

    def test_it_may_name_a_second_row(self) -> None:
        both = DoneToken(7, 123, bytes(16), make.NOW, Assurance.SIGNED, 1, 124)

        assert read_done_token(make_done_token(both)) == both
        assert both.rows == [(7, 123), (1, 124)]

    def test_it_may_be_about_everything_alone(self) -> None:
        """As a link in a text message is: its page is the list's, and its row is not."""
        done = DoneToken(7, 0, bytes(16), make.NOW, Assurance.SIGNED, 1, 124)

        assert read_done_token(make_done_token(done)) == done
        assert done.rows == [(1, 124)]
        assert done.is_elsewhere and not DONE.is_elsewhere

    def test_only_a_signed_link_knows_the_recipient(self) -> None:
        assert not DONE.knows_recipient
        assert DoneToken(7, 1, bytes(16), make.NOW, Assurance.SIGNED).knows_recipient

    def test_it_is_always_of_the_same_length(self) -> None:
        """AT-03: the length tells nothing either."""
        other = DoneToken(2**31, 2**60, b"\xff" * 16, make.NOW, Assurance.SIGNED, 2**31, 2**60)

        assert len(make_done_token(DONE)) == len(make_done_token(other))

    def test_each_other_character_spoils_it(self) -> None:
        """AT-46: only with its own token."""
        token = make_done_token(DONE)
        for at in range(len(token)):
            other = "A" if token[at] != "A" else "B"
            assert read_done_token(token[:at] + other + token[at + 1 :]) is None

    @given(st.text(max_size=200))
    def test_anything_else_is_nothing(self, text: str) -> None:
        assert read_done_token(text) is None

    def test_an_old_secret_key_goes_on_verifying(self, settings) -> None:
        token = make_done_token(DONE)
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another key that is long enough to be one"

        assert read_done_token(token) == DONE
