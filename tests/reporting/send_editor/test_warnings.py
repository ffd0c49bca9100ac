import time

import pytest

from lists.sms_setup import SmsRules
from reporting.send_editor.warnings import placeholder_warnings, tells_word

LINK = "For the opt-out link write {optout}."


class TestPlaceholderWarnings:
    @pytest.mark.parametrize(
        "written",
        [
            "{optot}",
            "{optuot}",
            "{opout}",
            "{optouts}",
            "{unsubscribe}",
            "{OptOutLink}",
            "[optout]",
            "(optout)",
            "<optout>",
            "{optout]",
        ],
    )
    def test_one_that_is_nearly_ours(self, written: str) -> None:
        assert placeholder_warnings(f"Sale! {written} Bye", is_to_list=True) == [
            f"“{written}” goes out as it stands. {LINK}"
        ]

    @pytest.mark.parametrize("written", ["{name}", "{first name}", "{offer}", "{1}"])
    def test_another_one(self, written: str) -> None:
        assert placeholder_warnings(f"Hi {written}!", is_to_list=True) == [
            f"“{written}” goes out as it stands. {{optout}} is the only placeholder."
        ]

    def test_beside_a_right_one_each_once_and_the_first_few(self) -> None:
        text = "{optout} {a} {a} {b} {c} {d}"
        assert [each[1:4] for each in placeholder_warnings(text, is_to_list=True)] == [
            "{a}",
            "{b}",
            "{c}",
        ]

    def test_to_a_single_number_no_link_is_suggested(self) -> None:
        assert placeholder_warnings("Hi {optot}", is_to_list=False) == [
            "“{optot}” goes out as it stands."
        ]

    @pytest.mark.parametrize(
        "text",
        ["Sale! {optout}", "Bye :-} {-:", "{}", "Opt out (optional): x", "Opt out) {optout}"],
    )
    def test_what_is_none(self, text: str) -> None:
        assert placeholder_warnings(text, is_to_list=True) == []


TOLD = (
    "Sale. Reply STOP to opt out",
    "reply stop",
    "Reply with the word stop",
    "Text END to leave",
    "txt stop to 60300",
    "Send “stop” to 12345",
    "Antworten Sie mit STOP",
    "antworte mit stop",
    "Zum Abmelden STOP senden",
    "schreib uns einfach basta",
    "Répondez ARRÊT",
    "Envoyez STOP au 36111",
    "STOP au 36111",
    "Responde BAJA o STOP",
    "Envía la palabra stop al 12345",
    "Basta antworten",
    "أرسل STOP",
    "ارسل stop",
    "To opt out: reply STOP",
    "Reply 'stop'",
    "Stop? Reply: unsubscribe",
    "Reply to this message with cancel",
    "Rispondi STOP",
    "SALE! REPLY STOP TO OPT OUT",
)
NOT_TOLD = (
    "Our bus stop sale. We never stop!",
    "The sale will end today",
    "DON'T STOP THE SALE",
    "Reply to stop worrying",
    "Text remove",
    "Cancel for free",
    "Send flowers without stop",
    "Nonstop fun",
    "Reply YES. Stop by our shop",
    "Reply yes to end the wait",
    "We text you to stop by the shop",
    "We will text you at the end",
    "Respond by the end of May with yes",
    "Text us to cancel your appointment",
    "Basta!",
    "Reply 1 to confirm, 2 to cancel",
    "Text back at the end of the day",
    "Please respond by the end of May",
    "",
)
RULES = SmsRules(own_keywords=frozenset({"basta"}), dropped_keywords=frozenset({"remove"}))


class TestTellsWord:
    @pytest.mark.parametrize("text", TOLD)
    def test_a_word_to_text_back(self, text: str) -> None:
        assert tells_word(text, RULES)

    @pytest.mark.parametrize("text", NOT_TOLD)
    def test_a_word_that_is_not_meant_so(self, text: str) -> None:
        assert not tells_word(text, RULES)

    @pytest.mark.parametrize("words", ["send ", "reply to ", "reply the word ", "to the ", "stop "])
    def test_at_once_whatever_is_written(self, words: str) -> None:
        began = time.process_time()
        tells_word(words * 400, RULES)
        assert time.process_time() - began < 1
