"""What is kept to prove an opt-out, in a row of 350 bytes."""

import json
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.evidence import (
    MAX_AGENT,
    MAX_EXTRA,
    MAX_EXTRA_VALUE,
    Evidence,
    bounded_extra,
    short_agent,
)


class TestShortAgent:
    @pytest.mark.parametrize(
        ("agent", "short"),
        [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140 Safari/537.36",
                "(Windows NT 10.0; Win64) Chrome/140 Safari/537.36",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "(X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            ),
            ("curl/8.5.0", "curl/8.5.0"),
            ("Mozilla/5.0", "Mozilla/5.0"),
            ("a\r\nb\x00c\td", "a b c d"),
            ("Käse/1", "K se/1"),
            ("   ", ""),
            ("", ""),
            (None, ""),
        ],
    )
    def test_drops_what_every_browser_says(self, agent: str | None, short: str) -> None:
        assert short_agent(agent) == short

    @given(st.text() | st.text("Mozila/5.0 ()AppleWebKit\x00é", max_size=2_000))
    def test_is_short_printable_ascii(self, agent: str) -> None:
        short = short_agent(agent)
        assert len(short.encode("ascii")) <= MAX_AGENT
        assert short.isprintable()
        assert short == short.strip()

    def test_is_short_for_64_kib(self) -> None:
        assert short_agent("x" * 65_536) == "x" * MAX_AGENT


class TestEvidence:
    def test_keeps_the_caller_and_what_the_channel_knows(self) -> None:
        evidence = Evidence.of(
            ip_address("192.0.2.1"), "Mozilla/5.0 Firefox/140.0", key_id=3, page=""
        )
        assert evidence == Evidence(ip_address("192.0.2.1"), "Firefox/140.0", {"key_id": 3})

    def test_of_an_unknown_caller_is_empty(self) -> None:
        assert Evidence.of(None, None) == Evidence()

    def test_takes_more_without_changing(self) -> None:
        first = Evidence.of(None, "curl/8", key_id=3)
        assert first.adding(raw="Jane <j@x.com>", key_id=4).extra == {
            "raw": "Jane <j@x.com>",
            "key_id": 4,
        }
        assert first.extra == {"key_id": 3}

    def test_drops_the_oldest_entry_when_it_is_full(self) -> None:
        full = Evidence(extra={f"k{number}": number for number in range(MAX_EXTRA)})
        more = full.adding(raw="x")
        assert len(more.extra) == MAX_EXTRA
        assert more.extra["raw"] == "x"

    @given(
        st.dictionaries(
            st.text(),
            st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(),
            max_size=20,
        )
    )
    def test_can_always_be_stored_as_json(self, extra: dict[str, str | int | bool | None]) -> None:
        kept = bounded_extra(extra)
        text = json.dumps(kept, ensure_ascii=False)
        assert "\x00" not in text
        text.encode()
        assert len(kept) <= MAX_EXTRA
        assert all(
            len(value) <= MAX_EXTRA_VALUE for value in kept.values() if isinstance(value, str)
        )
