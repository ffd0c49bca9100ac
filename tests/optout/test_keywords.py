import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lists.sms_setup import SmsRules
from optout.choices import Meaning
from optout.keywords import (
    BUILT_IN,
    FIRST_SEVEN,
    MOST_READ,
    Said,
    name_form,
    normal_form,
    read_meaning,
)

RULES = SmsRules()
NOTHING, STOP, START, UNCLEAR = Meaning.NOTHING, Meaning.STOP, Meaning.START, Meaning.UNCLEAR

# What people really send. Whoever changes a line here changes whom Heed takes off a list.
STOPS = """
    STOP|stop|Stop.|STOP!|STOP!!!|"STOP"|'stop'|(stop)|*stop*|stop...|Stop,|¡Stop!|  stop  |\tstop\n|stop stop
    STOP STOP STOP
    s.t.o.p|S T O P|S-T-O-P.|s t o p please|stop.please|stop/please|STOP!please|stop\n\nplease
    stop please|Stop pls|stop plz|please stop|Pls stop!|PLEASE STOP NOW|stop now|Stop it|stop this|stop that!!
    stop all
    STOPALL|stop-all|Stop All Texts|stop everything|Stop immediately|stop asap|stop thanks|Stop, thank you
    Stop. Thank you very much!
    Thanks, stop|ok stop|Hi, stop please|hello stop|stop right now|stop at once|just stop
    stop me|stop texting|Stop texting me|Stop texting me!!|stop texting this number|stop texting my phone
    stop messaging me
    stop sending me texts|please stop sending me messages|Please stop sending these messages to my number
    stop the texts|stop these texts|Stop all messages|stop all sms|stop sms|stop msgs|stop msg|stop mms
    stop sending|stop sending to me
    stop calling me|stop spamming me|stop spam|STOP SPAMMING|stop contacting me|stop bothering me
    stop harassing me
    stop, wrong number|wrong number, stop|Stop you have the wrong number|stop wrong person|stop no more
    STOP no more texts please
    stop fucking texting me|damn stop
    unsubscribe|Unsubscribe me|unsubscribe please|please unsubscribe me from this list|un-subscribe
    UNSUBSCRIBE from your list
    unsubscribe from all|Unsubscribe me from all your lists|i want to unsubscribe
    I would like to unsubscribe please|I wish to unsubscribe
    optout|opt out|opt-out|OPT  OUT|Opt–out|opt_out|opt.out|opt me out|Please opt me out|i want to opt out
    i need to opt out|id like to opt out
    I'd like to opt-out, please.|revoke|revoke my consent|I revoke my consent.|revoke consent
    cancel|Cancel please|cancel this|cancel it|cancel my subscription|cancel subscription|cancel texts|end|END.
    end this|end texts
    end subscription|quit|Quit it|quit texting me|remove|Remove me|remove me please|remove me from your list
    Please remove me from this list
    remove my number|remove my number from your list|Remove this number|kindly remove my number|stop end quit
    stop/unsubscribe
    arret|ARRET|Arrêt|ARRÊT|arrêt svp|arret s'il vous plaît|Arrêt s'il te plait|arrêt merci|stop svp|stop merci
    Bonjour, stop|stop les sms
    stop maintenant|stop les messages|Stop bitte|bitte stop|STOP danke|stop sofort|Stop jetzt|stop alle sms
    stop alle nachrichten von euch
    endlich stop|stop por favor|Por favor STOP|stop gracias|stop ya|stop ahora|hola stop|stop mensajes
    stop los mensajes
    ＳＴＯＰ|ｓｔｏｐ！|ＳＴＯＰ　ＡＬＬ|𝐒𝐓𝐎𝐏|𝓼𝓽𝓸𝓹|ⓢⓣⓞⓟ|🅂🅃🄾🄿|ＵＮＳＵＢＳＣＲＩＢＥ|UNSUBSCRİBE|unsubscrıbe
    🛑 STOP 🛑|STOP 😡😡😡|stop🙏|🖕stop|stop❤️|stop 👍🏽|st\u00adop|\u200bstop\u200b|\ufeffSTOP|st\u200dop|stop\x00
    stop\u2028please
    stop\n\nSent from my iPhone|Stop. Sent from my Galaxy S24|stop Get Outlook for Android
    STOP\nVon meinem iPhone gesendet
"""
UNCLEARS = """
    when does it end|When does the sale end?|does it end on friday|I'll stop by at 5|I’ll stop by tomorrow
    can you stop by|don't stop|don’t stop!
    do not stop|dont stop texting me|never stop|please don't cancel|do not unsubscribe me
    I don't want to unsubscribe|no stop
    I want this to stop|make it stop|how do I stop this|how do i opt out|Can I unsubscribe?|can i cancel
    where can I cancel
    will you ever stop|you should stop|why wont you stop|who is this? stop|what happens if I text stop
    I said stop|i texted stop already
    Reply STOP to opt out|Text STOP to unsubscribe|the end|in the end it was fine|At the end of the day|bus stop
    non stop|non-stop fun|nonstop? no, non stop!
    cancel or not|I need to cancel|the remove button is broken|to quit smoking|week end|start or stop
    yes stop no
"""
TARGETS = {
    "STOP 12345": "12345",
    "stop 5": "5",
    "Stop #5!": "5",
    "stop list 5": "5",
    "stop number 5 please": "5",
    "stop5": "5",
    "STOP12345": "12345",
    "unsubscribe 7": "7",
    "cancel flash sales": "flash sales",
    "Please stop the Flash Sales texts!": "flash sales",
    "unsubscribe from Flash-Sales": "flash sales",
    "opt out of flash sales": "flash sales",
    "unsubscribe me from the garden letters, please": "garden letters",
    "stop alerts": "alerts",
    "cancel my order": "order",
    "cancel my appointment": "appointment",
    "end of sale?": "sale",
    "stop being so mean": "being so mean",
    "stop it or I call the police": "or i call the police",
    "stop start": "start",
    "stop 5 stop": "5 stop",
    "stop 2 end": "2 end",
    "stop ５": "5",
    "arrêt Été": "ete",
}
NOTHINGS = """
    |   |.|...|?!|🙂|🛑|👍|yes|Yes please|no|ok|thanks|who is this|hello|call me|Y|N|1|12345|+14155552671
    https://a.example/b
    weekend|weekends|endless|The weekend is near|cancelled|canceled|cancellation|cancelling|stopped|stopping
    stops|stopp|stoppp|stpo|sotp|sto p|st op
    unsubscribed|unsubscribing|unsubcribe|unsuscribe|quitter|quite|removed|remover|revoked|opt|out|opt in to win
    opts out|stopover|doorstop|pit-stopping
    friend|send|ended|ending|I am pretending|ende|beenden|abmelden|fin|baja|afmelden|arreter|arrêter
    restart|started|starting|when does it start|start 5|start my car|let us start over
    Liked “Reply STOP to opt out”|Loved "Sale ends today. Text STOP to end"|Laughed at “Reply STOP to cancel”
    Removed a heart from “STOP to end”
    Emphasized “STOP to opt out”|Reacted 👍 to “Reply STOP to unsubscribe”
"""
STARTS = """
    start|START|Start.|START!|start please|please start|ｓｔａｒｔ|s.t.a.r.t|unstop|UNSTOP pls|opt in|OPT-IN|optin
    opt me in|Please opt me in
    start texting me|start again|ok start|start now 🙂|Start, thank you
"""


def said(text: str, rules: SmsRules = RULES) -> Said:
    return read_meaning(text, rules)


def meaning(text: str, rules: SmsRules = RULES) -> Meaning:
    return said(text, rules).meaning


def each_of(table: str) -> list[str]:
    return [each for line in table.strip("\n").split("\n    ") for each in line.split("|")]


class TestWhatPeopleSend:
    @pytest.mark.parametrize("text", each_of(STOPS))
    def test_stop(self, text: str) -> None:
        assert said(text) == Said(STOP)

    @pytest.mark.parametrize("text", each_of(UNCLEARS))
    def test_perhaps_stop(self, text: str) -> None:
        assert meaning(text) == UNCLEAR
        assert not (said(text).target or "").isdigit()

    @pytest.mark.parametrize(("text", "target"), TARGETS.items())
    def test_stop_something(self, text: str, target: str) -> None:
        """Never everything: the caller looks which list it is, or asks somebody."""
        assert said(text) == Said(UNCLEAR, target)

    @pytest.mark.parametrize("text", each_of(NOTHINGS))
    def test_nothing_of_ours(self, text: str) -> None:
        assert said(text) == Said(NOTHING)

    @pytest.mark.parametrize("text", each_of(STARTS))
    def test_start(self, text: str) -> None:
        assert said(text) == Said(START)

    def test_who_says_both_does_not_start(self) -> None:
        for text in ("stop start", "start stop", "unstop stop", "opt in opt out"):
            assert meaning(text) in {STOP, UNCLEAR}


class TestBuiltIn:
    @pytest.mark.parametrize("keyword", [*sorted(BUILT_IN), "optout", "opt-out", "arret"])
    def test_each_keyword_stops(self, keyword: str) -> None:
        for text in (keyword, keyword.upper(), f" {keyword}! ", f"{keyword} please"):
            assert said(text) == Said(STOP)

    def test_they_are_written_as_owners_words_are_kept(self) -> None:
        assert {normal_form(each) for each in BUILT_IN} == BUILT_IN
        assert FIRST_SEVEN < BUILT_IN

    def test_the_first_seven_cannot_be_dropped(self) -> None:
        rules = SmsRules(dropped_keywords=BUILT_IN | {"optout", "opt-out", "STOP"})

        for keyword in (*FIRST_SEVEN, "optout", "opt-out", "opt me out"):
            assert meaning(keyword, rules) == STOP

    @pytest.mark.parametrize(
        ("dropped", "texts"),
        [
            ("remove", ["remove", "remove me"]),
            ("arrêt", ["arrêt", "arret"]),
            ("arret", ["arrêt", "arret"]),
            ("stopall", ["stopall"]),
        ],
    )
    def test_the_others_can(self, dropped: str, texts: list[str]) -> None:
        rules = SmsRules(dropped_keywords=frozenset({dropped}))

        assert {meaning(each, rules) for each in texts} == {NOTHING}
        assert meaning("stop", rules) == STOP

    def test_without_stop_all_it_is_still_stop(self) -> None:
        assert meaning("stop all", SmsRules(dropped_keywords=frozenset({"stop all"}))) == STOP


class TestOwnersWords:
    RULES = SmsRules(
        own_keywords=frozenset({"Abmelden", "nein danke", "BAJA", "désabonner", "9", "n", "退订"})
    )

    @pytest.mark.parametrize(
        "text",
        [
            "abmelden",
            "ABMELDEN!",
            "bitte abmelden",
            "Nein, danke.",
            "baja por favor",
            "DESABONNER",
            "Désabonner svp",
            "9",
            "9 please",
            "N",
            "退订",
            "退订！",
            "abmelden stop",
        ],
    )
    def test_they_stop(self, text: str) -> None:
        assert meaning(text) != STOP or "stop" in text
        assert said(text, self.RULES) == Said(STOP)

    @pytest.mark.parametrize(
        "text",
        ["ich will mich nicht abmelden", "wie kann ich abmelden", "我要退订", "请帮我退订吧"],
    )
    def test_in_a_sentence_somebody_looks(self, text: str) -> None:
        assert meaning(text, self.RULES) == UNCLEAR

    @pytest.mark.parametrize("text", ["see you at 9", "9 am", "n or m", "abmeldung", "nein"])
    def test_a_digit_or_a_letter_in_a_sentence_is_nothing(self, text: str) -> None:
        assert said(text, self.RULES) == Said(NOTHING)

    def test_what_cannot_be_a_word_is_none(self) -> None:
        rules = SmsRules(own_keywords=frozenset({"", "!!!", "🛑"}))

        for text in ("", "!!!", "🛑", "hello"):
            assert meaning(text, rules) == NOTHING

    def test_another_realms_words_are_not_ours(self) -> None:
        assert meaning("abmelden", self.RULES) == STOP
        assert meaning("abmelden", RULES) == NOTHING


class TestNames:
    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("stop flash sales", "Flash Sales"),
            ("Cancel FLASH-SALES please", "Flash Sales!"),
            ("stop the weekly", "The Weekly"),
            ("unsubscribe me from gartenpost", "Gartenpost"),
            ("stop cafe creme", "Café Crème"),
            ("stop sales texts", "Sales texts"),
            ("stop رسائل الحديقة", "رسائل الحديقة"),
        ],
    )
    def test_a_lists_name_is_known(self, text: str, name: str) -> None:
        assert said(text).target == name_form(name)

    def test_a_list_that_is_called_like_any_message_is_not_meant(self) -> None:
        """Who says "stop texts" means all of them."""
        assert said("stop texts") == Said(STOP)
        assert name_form("Texts") == "texts"

    @pytest.mark.parametrize("name", ["", "!!!", "All", "The"])
    def test_any_name_has_a_form(self, name: str) -> None:
        assert name_form(name) == normal_form(name)


class TestNormalForm:
    @pytest.mark.parametrize(
        ("text", "form"),
        [
            ("  Opt-Out!  ", "opt out"),
            ("opt_out", "opt out"),
            ("don't DON’T don´t", "dont dont dont"),
            ("s.t.o.p", "stop"),
            ("ＳＴＯＰ", "stop"),
            ("arrêt", "arrêt"),
            ("arre\u0302t", "arrêt"),
            ("Straße", "strasse"),
            ("5\ufe0f\u20e3", "5"),
            ("a b", "a b"),
            ("a\u200bb", "ab"),
            ("\ud800stop\udfff", "stop"),
            ("🛑", ""),
            ("", ""),
        ],
    )
    def test_it_is_words_and_nothing_else(self, text: str, form: str) -> None:
        assert normal_form(text) == form

    @given(st.text(max_size=300))
    def test_it_is_its_own_normal_form(self, text: str) -> None:
        form = normal_form(text)

        assert form == " ".join(form.split())
        assert normal_form(form) == form


class TestAnyText:
    @given(st.text(max_size=400))
    def test_it_always_has_a_meaning(self, text: str) -> None:
        found = said(text)

        assert found.target is None or found.meaning == UNCLEAR

    @given(
        st.sampled_from(sorted(BUILT_IN)),
        st.text("!.,;:-*#()\"' \n\t\u200b🛑😡", max_size=12),
        st.text("!.,;:-*#()\"' \n\t\u200b🛑😡", max_size=12),
        st.booleans(),
    )
    def test_signs_around_a_keyword_change_nothing(
        self, keyword: str, before: str, after: str, is_upper: bool
    ) -> None:
        text = keyword.upper() if is_upper else keyword
        assert said(f"{before}{text}{after}") == Said(STOP)

    @given(st.text("abcdefghij ", max_size=30), st.sampled_from(sorted(FIRST_SEVEN)))
    def test_whoever_says_a_keyword_is_never_missed(self, around: str, keyword: str) -> None:
        for text in (f"{around} {keyword}", f"{keyword} {around}", f"{around} {keyword} {around}"):
            assert meaning(text) in {STOP, UNCLEAR}

    def test_what_stands_behind_a_long_text_is_not_read(self) -> None:
        assert meaning("word " * (MOST_READ // 5) + " stop") == NOTHING

    @pytest.mark.parametrize(
        "piece",
        [
            "stop ",
            "a ",
            "\ufdfa",
            "s t o p ",
            'liked "',
            "ß",
            '"',
            "thank you ",
            "you have the ",
            " ",
        ],
    )
    def test_no_text_takes_long(self, piece: str) -> None:
        """64 KiB of the worst that we thought of: 7 ms at most, measured; here with room for a busy machine."""
        text = (piece * 65_536)[:65_536]
        began = time.process_time()
        said(text)
        assert time.process_time() - began < 0.5
