from datetime import timedelta

import pytest
import time_machine

from lists.retry_after import read_retry_after
from tests.make import NOW

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        (" 90 ", 90),
        ("000120", 120),
        ("7200", 3_600),
        ("9" * 10_000, 3_600),
        ("0" * 10_000, 0),
    ],
)
def test_seconds(header: str, seconds: int) -> None:
    assert read_retry_after(header, HOUR) == timedelta(seconds=seconds)


def test_a_date() -> None:
    with time_machine.travel(NOW, tick=False):
        for minutes, expected in ((5, 5), (-5, 0), (600, 60)):
            header = f"{NOW + timedelta(minutes=minutes):%a, %d %b %Y %H:%M:%S} GMT"
            assert read_retry_after(header, HOUR) == timedelta(minutes=expected)


@pytest.mark.parametrize("header", [None, "", "soon", "-5", "1.5", "٣", "Mon, 99 Foo 2026"])
def test_anything_else_is_nothing(header: str | None) -> None:
    assert read_retry_after(header, HOUR) is None
