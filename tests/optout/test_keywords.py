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
    stop please|Stop pls|stop plz|please stop|Pls stop!|PLEASE STOP NOW|stop now|Stop it|stop this
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
    cancel|Cancel please|cancel my subscription|cancel subscription|cancel texts|end|END.
    end texts
    end subscription|quit|quit texting me|remove|Remove me|remove me please|remove me from your list
    Please remove me from this list
    cancel my subscriptions|cancel these texts|cancel all messages|cancel the texts please|cancel my text messages
    quit sending me these texts|I want to cancel my subscription|please end my subscription now|cancel cancel
    end now|cancel immediately|quit thanks|I revoke consent to receive texts|remove my number
    remove my number from your list|Remove this number|remove me from all your lists
    kindly remove my number|please remove my phone number|stop end quit|STOP, END, CANCEL
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
    stop?|STOP???|stop all?|opt-out?|¿Stop?|end?
    stopp|stoppp|Stopp bitte|BITTE STOPPEN|stoooop|sstop|stpo|sotp|stopit|stopsms|stopal|STOPPALL|stoppez svp
    unsub|UNSUB please|unsubcribe|unsuscribe|unsubscibe|Unsubscribed.|unsubscrib me|cancle my subscription
    arretez|Arrêtez svp|arreter|arrêter
    stop receiving|stop receiving these|stop receiving texts|I want you to stop|I want you to stop texting me
    I unsubscribe.|I hereby revoke my consent|cancel, thank you|END right now
    I want to stop|I'd like to stop receiving these|I said stop|I said STOP!!|I opt out
    yes stop|Yes, stop|STOP YES|stop already|stop txting me|Stop sending me this crap
    please opt me out of this
    stop, not interested|not interested, stop|Stop! I never signed up for this.|stop I don't want these
    I don't want any texts. Stop!
    Stop! Don't text me again.|leave me alone. STOP|take me off your list, stop|stop, keine Werbung mehr
    stop grazie|stop obrigado|stopp tack|stop من فضلك
    stop\n\nSent from my iPhone|Stop. Sent from my Galaxy S24|stop Get Outlook for Android
    STOP\nVon meinem iPhone gesendet|Sent from my iPhone\nSTOP|Sent from my iPhone\n\nstop please
    STOPSTOP|STOPSTOPSTOP|stopstop please|ST0P|st0p!|5TOP|5t0p
"""
UNCLEARS = """
    when does it end|When does the sale end?|does it end on friday|I'll stop by at 5|I’ll stop by tomorrow
    can you stop by|don't stop|don’t stop!
    do not stop|dont stop texting me|never stop|please don't cancel|do not unsubscribe me
    I don't want to unsubscribe|no stop
    I want this to stop|make it stop|how do I stop this|how do i opt out|Can I unsubscribe?|can i cancel
    where can I cancel
    will you ever stop|you should stop|why wont you stop|who is this? stop|what happens if I text stop
    i texted stop already|you said stop|who said stop|if i want to stop
    cancel it|cancel this|cancel that|cancel my phone|cancel my number|cancel my message|cancel all
    cancel everything|cancel my mobile subscription|end this|quit it|ok end|okay cancel|just quit|remove it
    remove this|remove the list|remove my message|I quit|i want to cancel|I need to end
    not cancel|cancel or stop|I don't want them, cancel|cancel, not interested|Wrong number. End|I stop|so i stop
    stop please?|stop texting me?|STOP. Wrong number?|Stop! Who are you？|هل stop؟|can i stop?
    cancel?? please|stop all texts?
    take me off your list|Take me off this list please|please take my name off|delete my number
    lose my number|do not text me
    don't text me again|dont text|Do not contact me again|never text me again|don't message me|no more texts
    no more|No more messages please|leave me alone|don't send me any more messages|I already opted out
    Abmelden|bitte abmelden|Wie kann ich mich abmelden|abbestellen|Bitte austragen|keine nachrichten mehr
    Bitte keine SMS mehr|aufhören|Lassen Sie mich in Ruhe
    baja|BAJA por favor|darse de baja|quiero darme de baja|Dar de baja|desuscribir|desuscribirme|no más mensajes
    désabonner|desabonner|me désabonner svp|désinscription|desinscrire|annulla|Cancella|disiscrivi
    إلغاء الاشتراك|الغاء اشتراك|إلغاء|توقف|توقفوا|أوقفوا الرسائل
    Reply STOP to opt out|Text STOP to unsubscribe|the end|in the end it was fine|At the end of the day|bus stop
    non stop|non-stop fun|nonstop? no, non stop!
    cancel or not|I need to cancel|the remove button is broken|to quit smoking|week end|start or stop
    yes stop no|stop that|Stop that!!|please stop that
    This was sent from my son's phone. STOP|Hi, sent from my work phone. STOP|Sent from my iPhone. Stop
    Ich schreibe von meinem neuen Handy. STOP|Nehmt die Nummer von meinem Vater raus. STOP
    Bitte Nummer von meinem Mann löschen, stop|Sent from my phone, take me off your list
    Gefällt mir nicht. "STOP"|No le gustó "STOP"|to "STOP"|to "stop please"|Laughed at "STOP"|Le ha gustado “STOP”
    Hat „STOP“ mit Gefällt mir markiert|N’a pas aimé « STOP »|أعجب بـ “STOP”
    Automatic reply: stop|[Auto-reply] Reply STOP to opt out. Please stop|Auto-reply: unsubscribe me
    Auto-reply: Reply STOP to opt out. Take me off your list
    I do not want any more texts|i dont want these texts|don't want these|I no longer want messages
    please no more|no more please|take this number off your list|delete me from your list|want off this list
    I'm opting out|opting out|optouts|op out|opt oit|I'm no longer interested|no longer interested|0stop
    unsubscription|unsuscribed me|unsubscrube|st op|sto p|stp|sop|STOOP|delete|block|enough|cease and desist
    do not call|I withdraw my consent|go away|stopez|stoppt das|Hört auf|BAJA SMS|Abmeldung|Ich melde mich ab
    bitte Abmeldung|melden Sie mich ab|keine weiteren Nachrichten|Ende|beenden|fin|Kündigung|Nummer löschen
    no quiero más mensajes|no quiero recibir más mensajes|No me escriban más|dejen de escribirme|cancelar|salir
    Ne m'envoyez plus rien|Je ne veux plus de sms|plus de messages svp|laissez-moi tranquille|résilier
"""
TARGETS = {
    "STOP 12345": "12345",
    "stop 5": "5",
    "Stop #5!": "5",
    "stop list 5": "5",
    "stop number 5 please": "5",
    "stop5": "5",
    "optout5": "5",
    "stopp5": "5",
    "STOP12345": "12345",
    "unsubscribe 7": "7",
    "I want to unsubscribe from 7": "7",
    "Please stop the Flash Sales texts!": "flash sales",
    "unsubscribe from Flash-Sales": "flash sales",
    "opt out of flash sales": "flash sales",
    "unsubscribe me from the garden letters, please": "garden letters",
    "stop being so mean": "being so mean",
    "stop it or I call the police": "or i call the police",
    "stop here": "here",
    "Stop here please": "here",
    "stop by": "by",
    "stop today": "today",
    "stop start": "start",
    "stop the stop": "stop",
    "stop 5 stop": "5 stop",
    "stop 2 end": "2 end",
    "stop ５": "5",
    "arrêt Été": "ete",
}
WEAK_TARGETS = {
    "cancel flash sales": "flash sales",
    "cancel 5": "5",
    "end5": "5",
    "cancel my order": "order",
    "cancel orders": "orders",
    "cancel my appointment": "appointment",
    "remove me from flash sales": "flash sales",
    "cancel my subscription to Netflix": "netflix",
    "cancel today": "today",
    "end today?": "today",
    "end of sale?": "sale",
    "cancel stop": "stop",
    "cancel my stop": "stop",
    "end the stop": "stop",
    "cancel my unsubscribe": "unsubscribe",
    "stop 5?": "5",
    "Stop flash sales?": "flash sales",
}
# What is sent is a STOP of everything, unless a list is called so.
KINDS = {
    "stop alerts": "alerts",
    "Stop these alerts!": "alerts",
    "stop marketing": "marketing",
    "STOP ADS": "ads",
    "stop the offers please": "offers",
    "stop sending me promos": "promos",
    "stop promotions": "promotions",
    "stop marketing texts": "marketing",
    "STOP PUB": "pub",
    "stop notifications": "notifications",
}
NOTHINGS = """
    |   |.|...|?!|🙂|🛑|👍|yes|Yes please|no|ok|thanks|who is this|hello|call me|Y|N|1|12345|+14155552671
    https://a.example/b
    weekend|weekends|endless|The weekend is near|cancelled|canceled|cancellation|cancelling|stopped|stopping
    stops|stopper|stoppt|sto|the stoop|sweep the stoop today
    I was unsubscribed by mistake|how do I not get unsubscribed|unsubscribing
    quitter|quite|removed|remover|revoked|opt|out|opt in to win
    opts out|stopover|doorstop|pit-stopping
    friend|send|ended|ending|I am pretending|Ende gut, alles gut|afmelden|al fin|Baja el precio
    don't text and drive|no more coffee|not interested|Can I get more texts?
    restart|started|starting|when does it start|start 5|start my car|let us start over
    Liked “Reply STOP to opt out”|Loved "Sale ends today. Text STOP to end"|Laughed at “Reply STOP to cancel”
    Removed a heart from “STOP to end”
    Emphasized “STOP to opt out”|Reacted 👍 to “Reply STOP to unsubscribe”|👍 to “Reply STOP to end”
    Hat „Sale: STOP“ mit Gefällt mir markiert|Hat „Sale. STOP?“ mit „Gefällt mir“ markiert|Hat über „Mit STOP Ende“ gelacht
    Gefällt „Antworten Sie STOP“|Hat mit 👍 auf „Sale: STOP“ reagiert
    A aimé « Répondez STOP »|N’a pas aimé « Répondez STOP »|A mis l’accent sur « STOP pour arrêter »
    A réagi avec 👍 à « Répondez STOP »
    Le gustó “Responda STOP”|Le encantó “STOP para salir”|No le gustó “Responda STOP”|Se rió de “Responda STOP”
    Le ha gustado “Responda STOP”|A Anna le gustó “Responda STOP”|A Anna no le gustó “Responda STOP”|Le gusta “STOP para salir”
    Ha messo Mi piace a “Rispondi STOP”|Ha messo “Mi piace” a “Rispondi STOP”|Ha riso per “Rispondi STOP”
    Curtiu “Responda STOP”|Reagiu com 👍 a “Responda STOP”|أعجب بـ “أرسل STOP”|أعجبه "أرسل STOP"
    [Auto-reply] I am driving. Reply STOP to opt out.|Automatic reply: I'm out. Text STOP to end|AUTO: reply "stop" to cancel
    I'm driving with Do Not Disturb. Send END to stop|Automatische Antwort: Antworten Sie STOP zum Abmelden
    start texting me|start again|ok start|start now|start now 🙂|Start today?|start it?|Start here|start?
    opt in?|unstop？
    start spam|start spamming me again|opt me in|yes start|START START|start 🙂 again
"""
STARTS = """
    start|START|Start.|START!|start please|please start|start pls|ｓｔａｒｔ|s.t.a.r.t|unstop|UNSTOP pls|opt in|OPT-IN|optin
    start 🙂|Start, thank you|Thanks, start|please opt in|start\n\nSent from my iPhone
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
        assert said(text) == Said(UNCLEAR, target, is_sure=True)

    @pytest.mark.parametrize(("text", "target"), WEAK_TARGETS.items())
    def test_perhaps_stop_something(self, text: str, target: str) -> None:
        """Not at once, even if there is such a list: people cancel much else, and ask."""
        assert said(text) == Said(UNCLEAR, target)

    @pytest.mark.parametrize(("text", "target"), KINDS.items())
    def test_stop_what_all_of_them_are(self, text: str, target: str) -> None:
        assert said(text) == Said(STOP, target, is_sure=True)

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
        own_keywords=frozenset(
            {"Abmelden", "nein danke", "BAJA", "désabonner", "genug", "9", "n", "退订"}
        )
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

    @pytest.mark.parametrize("text", ["see you at 9", "9 am", "n or m", "genugtuung", "nein"])
    def test_a_digit_or_a_letter_in_a_sentence_is_nothing(self, text: str) -> None:
        assert said(text, self.RULES) == Said(NOTHING)

    def test_what_cannot_be_a_word_is_none(self) -> None:
        rules = SmsRules(own_keywords=frozenset({"", "!!!", "🛑"}))

        for text in ("", "!!!", "🛑", "hello"):
            assert meaning(text, rules) == NOTHING

    @pytest.mark.parametrize(
        "word", ["abmelden", "leave me alone", "no more", "wrong number", "thank you"]
    )
    def test_one_that_is_a_phrase_to_others(self, word: str) -> None:
        """What is said besides STOP is read as a "please" or an "ok": an owner's word must not make those."""
        rules = SmsRules(own_keywords=frozenset({word}))

        assert {meaning(each, rules) for each in (word, f"{word}!", f"please {word}")} == {STOP}
        assert {
            meaning(each, rules) for each in ("please", "ok", "right now", "Not interested")
        } == {NOTHING}
        assert meaning("start please", rules) == START

    def test_another_realms_words_are_not_ours(self) -> None:
        assert meaning("genug", self.RULES) == STOP
        assert meaning("genug", RULES) == NOTHING


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
            ("stop thank you club", "Thank you club"),
            ("stop the unsub alarm", "Unsub alarm"),
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

        assert found.target is None or found.meaning in {STOP, UNCLEAR}
        assert found.target != ""
        assert found.target or not found.is_sure

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
            "cancel my ",
            "take me off ",
            "dont text me ",
            "i want you to ",
            "hat ",
            '" hat ',
            "sssstop",
            "stopstop",
            "sent from my a\n",
            "auto reply stop to ",
            'a le gusto "',
            "please ",
            "dont want any ",
            "sto",
            "o" * 9 + " ",
        ],
    )
    def test_no_text_takes_long(self, piece: str) -> None:
        """64 KiB of the worst that we thought of: 35 ms at most, measured; here with room for a busy machine."""
        text = (piece * 65_536)[:65_536]
        began = time.process_time()
        said(text)
        assert time.process_time() - began < 0.5
