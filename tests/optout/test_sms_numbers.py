import pytest

from optout.addresses import AddressError
from optout.sms_numbers import read_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+1 800 555-0199", "+18005550199"),
        ("(800) 555-0199", "+18005550199"),
        ("0044 20 7946 0958", "+442079460958"),
        ("12345", "12345"),
        (" 555 ", "555"),
        ("555-01", "55501"),
        ("72345678", "72345678"),
    ],
)
def test_a_phone_number_or_a_short_code(text: str, number: str) -> None:
    assert read_number(text, "US") == number


@pytest.mark.parametrize("text", ["", "12", "ACME", "+1 23", "jane@example.com"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        read_number(text, "US")
