"""The values of a global request in the one form in which they are kept and compared (S1.15–S1.20). Pure; never fails."""

import re
import unicodedata
from functools import cache

from lists.global_unsubscribe import EMAIL, LARGEST_PRODUCT, PHONE

MAX_VALUE = 200  # characters of a website or a custom value
MAX_PUBLISHER = 60

_READ = 1_000  # characters that are looked at
_SPACES = frozenset({"Cc", "Zl", "Zp", "Zs"})
_DROPPED = frozenset({"Cf", "Cs", "Cn"})  # format and bidi characters, surrogates, unassigned
_JOINERS = "\u200c\u200d"  # within words of Persian and Hindi, and within emoji

_NOT_DEFINED = re.compile(r"not[\s+]+defined", re.IGNORECASE)
_SCHEME = re.compile(r"(?:[a-z][a-z0-9+.-]{0,30}:)?//", re.IGNORECASE)
_BEHIND_PATH = re.compile(r"[?#]")
_NUMBER = re.compile(r"0*([1-9][0-9]{0,9})")


def is_missing(name: str, text: str) -> bool:
    """Whether this value of the parameter says that there is none: blank, NOT DEFINED (S1.19), or a placeholder that the script
    did not fill in: `(email)`, `{{email}}` or `*|EMAIL|*` as the email. A plus alone is no address: `+${phone}`."""
    if len(text) > _READ:
        return not text.strip()
    text = text.strip().strip("+" if name in (EMAIL, PHONE) else "").strip()
    return not text or bool(_NOT_DEFINED.fullmatch(text) or _placeholder(name).fullmatch(text))


def clean_custom(text: str) -> str:
    """A custom field's value: in one line."""
    return _tidy(text, kept=_JOINERS)[:MAX_VALUE].rstrip()


def clean_publisher(text: str) -> str:
    """A `pubID`."""
    return _tidy(text)[:MAX_PUBLISHER].rstrip()


def clean_website(text: str) -> str:
    """Host and path of a website: `https://me@Shop.example/garden/?utm=1` is `shop.example/garden`."""
    text = _SCHEME.sub("", _tidy(text), count=1)
    host, slash, path = _BEHIND_PATH.split(text, maxsplit=1)[0].partition("/")
    host = host.rpartition("@")[2].lower()
    text = unicodedata.normalize("NFC", f"{host}{slash}{path}")
    return text[:MAX_VALUE].strip().rstrip("/ ")


def clean_uuid(text: str) -> str:
    """A `uuid` as `find_form` takes it; what is none stays what it is."""
    return clean_publisher(text).strip("{}").lower()


def clean_product(text: str) -> str:
    """A `productId` in its shortest form, and 0 for what is none (S1.15)."""
    number = _NUMBER.fullmatch(text.strip())
    return number[1] if number and int(number[1]) <= LARGEST_PRODUCT else "0"


def clean_response_type(text: str) -> str:
    """`api` or, whatever else it is, `html` (S1.4)."""
    return "api" if text.strip().lower() == "api" else "html"


def _tidy(text: str, kept: str = "") -> str:
    """The text in NFC and in one line, without what cannot be seen; `kept` are characters that stay nevertheless."""
    text = text[:_READ]
    if not (text.isascii() and text.isprintable()):
        seen = (_seen(character, kept) for character in text)
        text = unicodedata.normalize("NFC", "".join(seen))
    return " ".join(text.split())


def _seen(character: str, kept: str) -> str:
    category = unicodedata.category(character)
    if category in _SPACES:
        return " "
    return "" if category in _DROPPED and character not in kept else character


@cache
def _placeholder(name: str) -> re.Pattern[str]:
    return re.compile(rf"[(\[{{<%$#*|= ]{{1,6}}{name}[)\]}}>%#*| ]{{1,6}}", re.IGNORECASE)
