"""The headers of custom fields. They come from the URL, so anybody can put words there that stand on the realm's own page (S1.13,
AT-14, AT-15): no links, no addresses, and no field that asks for a secret."""

import re
import unicodedata
from functools import lru_cache

from lists.global_unsubscribe import LONGEST_LABEL

_READ = 200
_SPACES = frozenset({"Cc", "Zl", "Zp", "Zs"})
_DROPPED = frozenset({"Cf", "Cs", "Cn", "Co", "Me"})
_MOST_MARKS = 3  # above one letter; more would be drawn over the lines around it
_MOST_DIGITS = 5  # more of them are a phone number to call

# A word with an @, a scheme, a path of a host, or a dot before letters: shop.example, bit.ly/x, mailto:jane, 192.0.2.1
_LIKE_LINK = re.compile(r"@|//|[.\u3002][^\W\d_]{2}|\d\.\d+\.\d|^\w+:\S")

# A host name whose dot is a space, a comma or a word
_ENDINGS = "com|net|org|info|biz|xyz|io|ru|cn|app|link|shop|site|online|top"
_SPELLED_LINK = re.compile(
    rf"\bwww\b(?:\s+\w+){{0,2}}|\b\w+(?:\s*\.\s*|,|\s+(?:dot|punkt|punto|point)\s+)(?:{_ENDINGS})\b",
    re.IGNORECASE,
)

_SPELLED_OUT = re.compile(r"\b(\w)[\W_]+(?=\w\b)")  # P.I.N.
_HIDDEN_LETTER = re.compile(r"[^\W\d_][*#•]+[^\W\d_]")  # passw*rd
_NO_LETTER = re.compile(r"[\W\d_]+")
# What stands for a letter that it looks like
_LOOKALIKES = str.maketrans(
    "авекмнорстухіѕјԁονατιρεκ013457$!l|",
    "abekmhopctyxisjdovatipekoieastsiii",
)
# As words of their own: within longer ones they mean something else (shipping, Botanik)
_WHOLE_WORDS = """
    cc expiry
    pin pins pinnummer pinnumber pincode cvv cvv2 cvc cvc2 iban ssn otp tan mtan pwd pw pass passwd passwort nip pesel bsn cpf
    senha clave parola sifre haslo hasło heslo jelszo passord
    пин парола סיסמה קוד
"""
# Secrets anywhere in it, also where spaces and hyphens stand between the letters
_ANYWHERE = """
    password passwort passphrase passcode kennwort geheimzahl geheimnummer kontonummer kreditkart kartennummer prufnummer
    pruefnummer sicherheitscode sozialversicherung bankverbindung ausweisnummer
    creditcard debitcard cardnumber cardno yourcard idcard bankcard
    bankaccount banklogin onlinebanking accountnumber sortcode routingnumber securitycode securitynumber
    expirydate expirationdate recoveryphrase recoverycode seedphrase backupcode smscode
    socialsecurity verificationcode accesscode onetimecode authenticationcode maidenname passport
    motdepasse codesecret codeconfidentiel cartebancaire cartedecredit numerodecarte securitesociale
    contrasena clavesecreta numerodetarjeta tarjetade cuentabancaria seguridadsocial codigodeseguridad
    palavrapasse cartaodecredito contabancaria codigodeseguranca cartadicredito codicefiscale numerodicarta
    wachtwoord rekeningnummer losenord adgangskode salasana numerkarty kredikart
    пароль номеркарты паспорт κωδικοςπροσβασης κωδικοπροσβασης
    كلمةالمرور كلمةالسر كلمةمرور رقمالبطاقة رمزعبور پسورد पासवर्ड รหัสผ่าน matkhau katasandi katalaluan
    密码 密碼 口令 身份证 身分證 信用卡 银行卡 验证码 驗證碼 パスワード 暗証番号 クレジットカード 비밀번호 신용카드 인증번호
"""


def clean_label(text: str) -> str:
    """A label from the URL as it may be shown, or nothing where its field must not be shown."""
    return _clean(text[:_READ])


def own_label(text: str) -> str:
    """A label that the realm wrote itself: only bounded, and in one line."""
    return _in_one_line(text[:_READ])[:LONGEST_LABEL].rstrip()


@lru_cache(maxsize=1024)
def _clean(text: str) -> str:
    words = _in_one_line(unicodedata.normalize("NFKC", text)).split()
    label = " ".join(word for word in words if not _LIKE_LINK.search(word))
    label = " ".join(_SPELLED_LINK.sub(" ", label).split())
    label = label[:LONGEST_LABEL].rstrip()
    says_something = any(character.isalpha() for character in label)
    has_number = sum(character.isdigit() for character in label) > _MOST_DIGITS
    return label if says_something and not has_number and not asks_for_secret(label) else ""


def asks_for_secret(label: str) -> bool:
    """Whether it has a known word for what no unsubscribe form may ask for: a password, PIN, card, account or identity number.

    Other words for it get through; the sentence above the fields says whose questions they are."""
    folded = _SPELLED_OUT.sub(r"\1", _fold(label))
    is_named = _WORDS.search(folded) or _IDENTITY.search(folded) or _HIDDEN_LETTER.search(label)
    return bool(is_named or _PARTS.search(_NO_LETTER.sub("", folded)))


def _in_one_line(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category == "Mn" else 0
        if category in _SPACES:
            kept.append(" ")
        elif category not in _DROPPED and marks <= _MOST_MARKS:
            kept.append(character)
    return " ".join("".join(kept).split())


def _fold(text: str) -> str:
    """The text in lower case, without accents, and with one letter for all that look alike."""
    bare = unicodedata.normalize("NFKD", text)
    bare = "".join(each for each in bare if unicodedata.category(each) != "Mn")
    return bare.casefold().translate(_LOOKALIKES)


def _any_of(words: str) -> str:
    return "|".join(re.escape(_fold(word)) for word in words.split())


_WORDS = re.compile(rf"\b(?:{_any_of(_WHOLE_WORDS)})\b")
_IDENTITY = re.compile(rf"\bid[\W_]*(?:{_any_of('number no nr card document')})\b")
_PARTS = re.compile("|".join(_NO_LETTER.sub("", _fold(word)) for word in _ANYWHERE.split()))
