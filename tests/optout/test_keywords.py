import pytest

from lists.sms_setup import SmsRules
from optout.choices import Meaning
from optout.keywords import BUILT_IN, FIRST_SEVEN, Said, read_meaning

RULES = SmsRules()


def meaning(text: str, rules: SmsRules = RULES) -> Meaning:
    return read_meaning(text, rules).meaning


class TestStop:
    @pytest.mark.parametrize("keyword", [*sorted(BUILT_IN), "optout", "opt-out", "arret"])
    def test_each_keyword_stops(self, keyword: str) -> None:
        for text in (keyword, keyword.upper(), f" {keyword}! ", f"{keyword} please"):
            assert read_meaning(text, RULES) == Said(Meaning.STOP)

    def test_the_first_seven_cannot_be_dropped(self) -> None:
        rules = SmsRules(dropped_keywords=BUILT_IN)

        for keyword in (*FIRST_SEVEN, "optout"):
            assert meaning(keyword, rules) == Meaning.STOP
        for keyword in ("remove", "arrêt", "arret", "stopall"):
            assert meaning(keyword, rules) == Meaning.NOTHING


class TestUnclear:
    @pytest.mark.parametrize("text", ["when does it end", "I'll stop by at 5", "don't stop"])
    def test_a_keyword_in_a_sentence_is_looked_at(self, text: str) -> None:
        assert read_meaning(text, RULES) == Said(Meaning.UNCLEAR)

    def test_a_number_behind_it_is_what_shall_stop(self) -> None:
        assert read_meaning("STOP 12345", RULES) == Said(Meaning.UNCLEAR, "12345")
