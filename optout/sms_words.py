"""The words that people text around STOP, as keywords.py compares them: in lower case, without accents, apart by one space.

Words of several languages stand together: nobody says in which one they write.
"""

import re


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _any(*each: str) -> str:
    return f"(?:{'|'.join(each)})"


def _pattern(*each: str) -> re.Pattern[str]:
    """Whole words only; digits may follow: stopp5."""
    return re.compile(rf"(?<!\w){_any(*each)}(?![^\W\d_])")


# Words that people use for much else: "end today?", "cancel it". Alone they are a STOP, with one of `POLITE` …
WEAK = frozenset({"end", "cancel", "quit", "remove", "revoke"})
POLITE = _set("please pls plz plse plase kindly thanks thx thnx ty now immediately immediatly asap")
# … and with what only texts have. What may follow is as after any keyword: remove me [from your list].
_DETERMINERS = r"(?:(?:my|the|this|that|these|those|all|any|your|of) )*"
_TEXTS = r"(?:text messages|texts|txts|messages|msgs|sms|mms)"
OBJECTS = {
    "cancel": _pattern(rf"{_DETERMINERS}(?:subscriptions?|{_TEXTS})"),
    "end": _pattern(rf"{_DETERMINERS}(?:subscriptions?|{_TEXTS})"),
    "quit": _pattern(
        rf"{_DETERMINERS}(?:subscriptions?|{_TEXTS})",
        r"(?:texting|messaging|contacting|spamming|bothering|harassing) me",
        rf"sending (?:me )?{_DETERMINERS}{_TEXTS}",
    ),
    "remove": _pattern("me", rf"{_DETERMINERS}(?:(?:phone|cell|mobile) )?number"),
    "revoke": _pattern(rf"{_DETERMINERS}(?:consent|permission)"),
}

# Before any other keyword these change nothing of what it says …
BEFORE = POLITE | _set(
    """just ok okay so and hi hello hey yo dear sir madam guys yes yep yeah fuck fucking fck damn bloody
    bitte danke hallo jetzt sofort endlich hola gracias ya ahora bonjour merci svp stp maintenant
    grazie prego obrigado tack takk aub alstublieft"""
)
# … and these after it.
AFTER = BEFORE | _set(
    """me us my mine it this that these those the all any every everything to of from for your you u ur
    texting txting texing sending messaging receiving receive getting contacting calling spamming bothering harassing
    texts text txts txt sms mms message messages msg msgs number phone cell mobile list lists subscription subscriptions
    spam crap shit bs junk garbage forever completely further more again already anymore
    mich mir alle alles nachrichten nachricht von euch ihnen dir die mit
    mensajes mensaje los les vos tous"""
)
# The same, but some list may be called so: "stop offers" is about that one where there is one, else about all.
KINDS = _set(
    """alerts notifications marketing ads advert adverts advertising advertisement advertisements
    offers promo promos promotion promotions promotional deals pub publicite werbung"""
)
# A keyword after one of these is a thing that is talked about: "stop the stop".
ARTICLES = _set("the my a an your our")
# Said to a child, or to somebody who pays compliments.
STOP_THAT = ["stop", "that"]
# What stands before a keyword in a whole sentence.
ASKING = re.compile(
    r"(?:(?:i )?(?:want|need|wish|demand|would like)|id like|i said|i ask)(?: you)?(?: to)?"
)

# As people spell them who are in a hurry, or angry. None is a word of English, German, French or Spanish that says
# something else: "stoop", "stopped", "stops", "stopper" and "stoppt" are not here.
SPELLINGS = (
    (
        "stop",
        _pattern(r"s+top{2,}", r"s{2,}top", "sto{3,}p+", "stpo", "sotp", "stoppen", "stoppez"),
    ),
    ("stop", _pattern("(?:stop){2,}", "st0p", "5t[o0]p")),
    ("stop", _pattern("stopit", "stopme", "stopsms", "stoptexting")),
    ("stopall", _pattern("stop{2,}all", "stopal+")),
    (
        "unsubscribe",
        _pattern(
            *(
                "unsub",
                "unsubs",
                "un subscribe",
                "un sub",
                "unsubcribe",
                "unsuscribe",
                "unsubscibe",
            ),
            *(
                "unsubscrib",
                "unsubscrbe",
                "unsubscirbe",
                "unsubscripe",
                "unsubscride",
                "unsubsribe",
            ),
            *("unsubsrcibe", "unsubsribe", "unsubscrive", "unsubribe", "unsbscribe", "unsbuscribe"),
            *("unsusbcribe", "usubscribe", "unsubscribeme", "^unsubscribed$"),
        ),
    ),
    ("opt out ", _pattern(r"opt ?out(?=\d)")),
    ("opt out", _pattern("optout", "opt (?:me|us) out", "optme out")),
    ("arret", _pattern("arrete", "arretez", "arreter", "aret", "arett")),
    ("cancel", _pattern("cancle", "cancell")),
    # what one does by saying so
    ("opt out", _pattern("i opt out")),
    ("unsubscribe", _pattern("i unsubscribe")),
    ("revoke", _pattern("i (?:hereby )?revoke")),
)

# Who says one of these without a keyword asks for the same in words of their own: somebody looks at it.
_IN_ENGLISH = (
    (
        r"(?:take|get|delete) (?:me|us|my name|my number) (?:off|out of|from)"
        r"(?: (?:of|your|the|this|these|all|any|mailing|text|list|lists))*"
    ),
    r"(?:take|get) (?:this|the|our) number (?:off|out of)(?: (?:your|the|this|list|lists))*",
    r"(?:want )?off (?:of )?(?:this|the|your) list|i want out",
    r"(?:delete|lose|forget) my (?:(?:phone|cell|mobile) )?number|delete this number",
    (
        r"(?:do not|dont|donot|never|no longer)(?: ever)? (?:text|txt|message|msg|contact|sms|spam)"
        r"(?:(?: me| us| this number| again| anymore| any more| ever)+| *$)"
    ),
    r"(?:do not|dont|donot|never) send (?:me |us )?(?:any more|anymore|any|more|these|this|texts|messages|sms)",
    r"no more (?:of (?:this|these) )?(?:texts?|txts?|messages?|msgs?|sms|spam|ads|marketing|promos?|promotions?|offers|alerts)",
    rf"(?:i )?(?:dont|do not|no longer) want (?:(?:any |your |more |these |this |the )*{_TEXTS}|(?:these|this|them)$)",
    r"(?:im |i am )?no longer interested|leave (?:me|us) alone",
    r"i(?:ve| have| had)?(?: already)? opted out|(?:im |i am )?opting out|optouts|op out|opt oit",
    r"unsubscription|unsubscrub\w*|^(?:please )?(?:unsubscribed|unsuscribed) me",
    r"i (?:hereby )?withdraw (?:my )?(?:consent|permission)",
    r"\d+stop",
)
_IN_GERMAN = (
    r"(?:mich )?(?:abmelden|abbestellen|austragen)|aufhoren",
    r"(?:melden?|meldet) (?:ich |sie )?(?:mich|uns) ab|aus dem verteiler",
    r"(?:keine|will keine)(?: weiteren)? (?:sms|nachrichten?|texte?|werbung) mehr",
    r"keine weiteren (?:sms|nachrichten|texte)|(?:lasst?|lassen sie) mich in ruhe",
    r"stoppt (?:das|es|die|eure|den)|hort? auf(?: mir)?|nicht mehr schreiben|nummer loschen",
)
_IN_FRENCH = (
    r"(?:me )?desabonn\w*|(?:me )?desinscri\w*|stopez|stoper",
    r"(?:ne )?m(?:envoyez|envoie|ecrivez|ecris) plus(?: rien| de (?:sms|messages))?",
    r"(?:ne )?veux plus (?:de (?:sms|messages|textos)|recevoir)|ne plus recevoir",
    r"laissez moi tranquille|(?:fichez|foutez) moi la paix|retirez moi|supprimez mon numero",
)
_IN_SPANISH = (
    r"(?:darse|darme|dar|dame|deme|denme) de baja|desuscrib\w*",
    r"no (?:quiero |deseo )?(?:recibir )?mas (?:mensajes|sms|textos)",
    r"no (?:quiero|deseo) (?:recibir )?(?:sus )?(?:mensajes|sms|textos)",
    r"no me (?:escriban?|escribas|manden?|mandes|envien?|envies) (?:mas|nada)",
    r"(?:deje|dejen|deja) de (?:escribir|enviar|mandar|molestar)\w*|(?:eliminen?|borren?)me",
)
_IN_OTHERS = (
    r"annulla|cancella|disiscriv\w*",
    "(?:الغاء|ايقاف|اوقف(?:وا)?) (?:ال)?(?:اشتراكي?|رسايل)|توقف(?:وا)?|^(?:الغاء|ايقاف|اوقف(?:وا)?|قف)$",
)
# These only where nothing else is said but a please: they are words of many other sentences, too.
_POLITELY = "(?:please|pls|plz|bitte|por favor|svp|thanks|thank you|danke|gracias|merci|ya)"
_ALONE = _any(
    "no more|delete(?: me| my data)?|block|i blocked you|dnc|do not call|enough|cease|desist|cease and desist",
    "withdraw|go away|fuck off|piss off|st op|sto p|stp|sop|stoop",
    "abmeldung|ende|beenden|schluss(?: damit)?|loschen|kundigen|kundigung|widerruf|ich widerrufe|ich bestelle ab|bestelle ab",
    "baja(?: (?:sms|mensajes|textos))?|alto|parar|paren?|basta|no mas|cancelar(?: suscripcion)?|anular?|anule|eliminar",
    "salir|detener|detente|fin|annuler|supprimer|resilier|resiliation|ca suffit|plus de (?:sms|messages)",
)
PHRASES = _pattern(
    *_IN_ENGLISH,
    *_IN_GERMAN,
    *_IN_FRENCH,
    *_IN_SPANISH,
    *_IN_OTHERS,
    f"^(?:{_POLITELY} )*{_ALONE}(?: {_POLITELY})*$",
)
# A please in several words …
PLEASE = _pattern(
    r"thank (?:you|u)(?: very much| so much)?|right now|at once|por favor|s?il (?:vous|te) plait",
    "من فضلك|لو سمحت|شكرا",
)
# … and what else is said besides, and asks for nothing.
REMARKS = _pattern(
    "no more",
    r"(?:you have |you got )?(?:the )?wrong (?:number|person)",
    r"(?:im )?not interested|i (?:never|did not|didnt) sign(?:ed)? up(?: for (?:this|these|it))?",
    rf"i (?:dont|do not) want (?:(?:any |your |more |these |this )*{_TEXTS}|these|this|them)",
)

START = re.compile(
    r"(?:(?:please|pls|thanks|thank you) )*(?:start|unstop|opt in|optin)(?: (?:please|pls|thanks|thank you))*"
)

# What phones write under a text, up to the end of the line.
SIGNATURE = re.compile(
    r" (?:sent from my|get outlook for|von meinem|enviado desde mi|envoye de mon) \S.*"
)
# How a machine's answer begins …
AUTO_REPLY = re.compile(
    r"(?:auto|autoreply|auto ?(?:reply|response|responder)|automatic (?:reply|response)|automatische antwort"
    r"|respuesta automatica|reponse automatique|im driving with do not disturb)(?!\w)"
)
# … and what it repeats of our own message.
_KEYWORD = "(?:stopall|stop all|stop|end|quit|cancel|unsubscribe|opt out|remove|revoke|arret)"
INSTRUCTION = _pattern(
    rf"(?:reply|respond|answer|text|txt|send)(?: with)? {_KEYWORD}(?: to \d+)? (?:to|2) {_KEYWORD}(?: {_TEXTS})?",
    rf"(?:antworten sie|antworte|antwort)(?: mit)? {_KEYWORD}(?: (?:zum|um sich) \w+)",
    rf"(?:responda|responde|envie|envia) {_KEYWORD} para \w+",
    rf"(?:repondez|envoyez) {_KEYWORD} pour \w+(?: vous)?",
)
# What phones send for a thumb on one of our own messages, around all its words: Liked “… Reply STOP to opt out”.
REACTION = re.compile(
    _any(
        "liked|loved|disliked|laughed at|emphasi[sz]ed|questioned",
        "removed an? [a-z ]{1,30} from|(?:reacted )?(?:with )?to",
        r"hat(?: \w+){0,6} (?:markiert|gelacht|hervorgehoben|gestellt|reagiert|geliebt)",
        "gefallt(?: mir)?(?: nicht)?",
        "n?a (?:pas )?(?:aime|adore|ri de|mis .{1,20}|questionne|reagi(?: avec)? a)",
        r"(?:a (?:\w+ ){1,4})?(?:no )?le (?:gusto|gusta|encanto|encanta|ha gustado|ha encantado)",
        "se rio de|enfatizo|destaco|cuestiono|puso en duda|reacciono(?: con)? a",
        "(?:non )?ha (?:amato|riso (?:per|di)|enfatizzato|evidenziato|messo(?: .{1,20})?|reagito(?: con)? a)",
        "(?:nao )?curtiu|amou|adorou|riu de|enfatizou|questionou|reagiu(?: com)? a",
        r"(?:لم )?ي?اعجب\w*(?: ب\w*)?",
    )
)
