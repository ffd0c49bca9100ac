import pytest

from optout.typos import suggest_address

REAL = """
gmail.com gmx.de gmx.net gmx.fr gmx.com ymail.com mail.com email.com love.com five.com web.be web.com me.com live.nl
hotmail.nl yahoo.co.in yahoo.com.ar aol.co.uk example.com small.com tmall.com wp.pl o2.pl qq.com proton.me bt.com
gmail.example.com xn--gml-0la.com
"""


class TestSlips:
    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            ("gmial.com", "gmail.com"),
            ("gmail.co", "gmail.com"),
            ("gmail.con", "gmail.com"),
            ("gnail.com", "gmail.com"),
            ("gmail.de", "gmail.com"),
            ("hotnail.com", "hotmail.com"),
            ("hotmal.co", "hotmail.com"),
            ("hotmial.fr", "hotmail.fr"),
            ("yaho.com", "yahoo.com"),
            ("yahoo.cm", "yahoo.com"),
            ("outlok.com", "outlook.com"),
            ("gmx.d", "gmx.de"),
            ("gmx.nte", "gmx.net"),
            ("web.dee", "web.de"),
            ("t-onlin.de", "t-online.de"),
            ("iclod.com", "icloud.com"),
            ("orange.f", "orange.fr"),
        ],
    )
    def test_what_was_meant_is_found(self, typed: str, meant: str) -> None:
        assert suggest_address(f"jane.o'neil+x@{typed}") == f"jane.o'neil+x@{meant}"

    @pytest.mark.parametrize(
        "real",
        REAL.split(),
    )
    def test_nobody_is_doubted_whose_domain_is_real(self, real: str) -> None:
        assert suggest_address(f"jane@{real}") == ""

    @pytest.mark.parametrize("text", ["", "@", "@gmial.com", "jane", "+14155550123", "jane@com"])
    def test_what_is_no_email_address_has_no_neighbour(self, text: str) -> None:
        assert suggest_address(text) == ""

    def test_a_long_domain_costs_nothing(self) -> None:
        assert suggest_address("jane@" + "gmail" * 48 + ".com") == ""
