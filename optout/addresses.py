"""Who an address is: one key per mailbox or phone, and the digests by which we keep and exchange it.

Pure functions, no database (security.md §1). A change of what `email_key` or `phone_key` answers for an address they
already accept needs a new `ADDRESS_KEY_VERSION` and a re-keying of what is stored.
"""

import hashlib
import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, NamedTuple, NoReturn

import idna
import phonenumbers
from django.utils.functional import Promise, lazy
from django.utils.translation import gettext_lazy as _

from optout.choices import HashKind, Medium

ADDRESS_KEY_VERSION = 1

MAX_TEXT = 1_000  # characters of anything a person or script sends as an address
MAX_LOCAL = 64  # octets (RFC 5321 §4.5.3.1.1)
MAX_EMAIL = 254  # octets (RFC 5321 §4.5.3.1.3, less the angle brackets)
DIGEST_BYTES = 16

type Accepts = Literal["email", "phone", "either"]

# Whatever this accepts, the slow path would answer in lower case and unchanged. A domain of at most 63 characters has
# no label that is too long; two hyphens in a row (xn--, reserved labels) are left to the slow path.
_PLAIN_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-]{1,64}@(?=.{1,63}\Z)(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+"
    r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"
)
_HOST = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
)
# An @ there would be legal in quotes only; without them it is two addresses that ran together (`jane@x.com|joe@y.com`).
_NOT_IN_LOCAL = frozenset('<>(),;:"\\[]@\uff20\ufe6b')
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Cn"})  # control, surrogate, unassigned
_DOTS = {0x3002: ".", 0xFF0E: ".", 0xFF61: "."}  # what UTS-46 reads as the dot between labels
_LIKE_EMAIL = re.compile(r"[^\s@<>(),;:\"']+@[^\s@<>(),;:\"'+/|]+")
_WIDE_AT = re.compile("[\uff20\ufe6b]")  # what a Japanese or Chinese keyboard may put for @
_HASHES = {32: HashKind.MD5, 40: HashKind.SHA1, 64: HashKind.SHA256}
_HEX = re.compile(r"[0-9a-fA-F]+")
_INTERNATIONAL = re.compile(r"\+[0-9]{7,15}")
_PHONE_SEPARATORS = re.compile(r"[\s().\-/\u2010-\u2015]+")
# Between digits, and nothing that the library can read: the narrow spaces of French numbers, and dots in the middle of the line.
_SPACES = re.compile(r"[\s\u00b7\u2022\u2027\u2219\u22c5]")
_SCHEME = re.compile(r"^[A-Za-z]{2,10}:(?://)?")  # tel:, sms:, whatsapp:
_EXTENSION = re.compile(
    r"(?:[;,\s](?:ext(?:ension)?|x)|[x#;,])[.:=\s]*[0-9]{1,7}#?$", re.IGNORECASE
)
_MOST_SHORT = 6  # digits of a short code, such as the one that a text message comes from
_INNER_PLUS = re.compile(
    r"(?:(?<=[\d)])|(?<=\bext)|(?<=\bext\.)|(?<=[\d\s+]x))[+\uff0b]", re.IGNORECASE
)
_PLUS_ZEROS = re.compile(r"^[\s(]*[+\uff0b][0\s().\-]*")  # (+0048…: no country code begins with 0
_REGION_UNKNOWN = "ZZ"  # phonenumbers' own word for it


_EXAMPLES = {
    1: "+1 202 555 0123",
    33: "+33 1 99 00 12 34",
    44: "+44 20 7946 0958",
    49: "+49 30 23125 000",
}


class AddressError(ValueError):
    """This text is no usable address.

    `code` is stable: `empty`, `too_long`, `character`, `email`, `phone`, `country`, `short`. `message` is a
    translatable sentence for the person who typed it; it never repeats the text, so it may go to a log.
    """

    def __init__(self, code: str, message: str | Promise) -> None:
        super().__init__(code)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


@dataclass(frozen=True, slots=True)
class Address:
    """A usable address: `key` is what it is known by, `raw` what was given (trimmed), `digest` the 16-byte look-up
    key. `flagged` marks a phone number that is stored although it cannot be dialled."""

    key: str
    medium: Medium
    digest: bytes
    raw: str
    flagged: bool = False


class PlusOrSpace(str):
    """A phone number with a space in front that was a literal `+` in an urlencoded body: a space to whoever reads forms, and a
    lost plus where a script encoded nothing. `parse_phone` tells by the number."""

    __slots__ = ()


class HexDigests(NamedTuple):
    """The hashes by which an address is exchanged, as lower-case hex."""

    md5: str
    sha1: str
    sha256: str


def parse_address(text: str, accepts: Accepts, region: str) -> Address:
    """Read what a person or script gave as an address.

    `accepts` is what the list takes; for `either`, an @ makes it an email. `region` is the list's two-letter default
    region for phone numbers without a country code. Raises AddressError.
    """
    if accepts == "email":
        return parse_email(text)
    if accepts == "phone":
        return parse_phone(text, region)
    if "@" in text or _WIDE_AT.search(text[:MAX_TEXT]):
        return parse_email(text)
    try:
        return parse_phone(text, region)
    except AddressError as error:
        if error.code not in {"empty", "phone"}:
            raise
        either = _("Enter an email address like name@example.com, or a phone number.")
        raise AddressError(error.code, either) from None


def parse_email(text: str) -> Address:
    """Email address to `Address`. Raises AddressError."""
    key = email_key(text)
    return Address(key, Medium.EMAIL, digest_of(key), text.strip())


def parse_phone(text: str, region: str) -> Address:
    """Phone number to `Address`, in E.164; `region` as in `parse_address`. Raises AddressError."""
    key = _plus_or_space_key(text, region) if isinstance(text, PlusOrSpace) else None
    key, flagged = (key, False) if key else _phone_key(text, region)
    return Address(key, Medium.SMS, digest_of(key), text.strip(), flagged)


def email_key(text: str) -> str:
    """The one key of a mailbox: lower case, the domain in A-labels; plus tags and dots stay (security.md §1).

    Idempotent, and total: every string gives a key or an AddressError. An @ within the local part (`a@b@example.com`) was
    accepted once: keys that were stored so stay as they are, and nothing gets one any more.
    """
    if len(text) > MAX_TEXT:
        raise AddressError("too_long", _("This is too long to be an email address."))
    text = text.strip()
    if _PLAIN_EMAIL.fullmatch(text):
        return text.lower()
    return _careful_email_key(text)


def phone_key(text: str, region: str) -> str:
    """The one key of a phone: E.164 without an extension. Raises AddressError."""
    return _phone_key(text, region)[0]


def digest_of(key: str) -> bytes:
    """The 16 bytes a suppression is kept under: the start of the SHA-256 of the UTF-8 key."""
    return hashlib.sha256(key.encode()).digest()[:DIGEST_BYTES]


def hex_digests(key: str) -> HexDigests:
    """All three exchange hashes of a key, over its UTF-8 bytes."""
    octets = key.encode()
    md5 = hashlib.md5(octets, usedforsecurity=False).hexdigest()
    sha1 = hashlib.sha1(octets, usedforsecurity=False).hexdigest()
    return HexDigests(md5, sha1, hashlib.sha256(octets).hexdigest())


def lookup_keys(key: str) -> tuple[bytes, bytes, bytes]:
    """The three 16-byte keys a suppression of this address may stand under: by SHA-256, MD5, SHA-1."""
    return _lookup_keys(key, digest_of(key))


def stored_under(address: Address) -> tuple[bytes, bytes, bytes]:
    """The same of an address that was read: its SHA-256 is known."""
    return _lookup_keys(address.key, address.digest)


def _lookup_keys(key: str, digest: bytes) -> tuple[bytes, bytes, bytes]:
    octets = key.encode()
    return (
        digest,
        hashlib.md5(octets, usedforsecurity=False).digest(),
        hashlib.sha1(octets, usedforsecurity=False).digest()[:DIGEST_BYTES],
    )


def parse_hash(text: str) -> tuple[HashKind, bytes] | None:
    """A hex digest, told by its length of 32, 40 or 64 in either case: its kind and its full bytes; None if it is no
    digest. Its look-up key is the first 16 bytes."""
    text = text[:MAX_TEXT].strip()
    kind = _HASHES.get(len(text))
    return (kind, bytes.fromhex(text)) if kind and _HEX.fullmatch(text) else None


def mask(key: str) -> str:
    """A key as it may be shown to someone who holds only a link: `ja•••@example.com`, `+1 ••• ••67`."""
    local, at, domain = key.rpartition("@")
    if at:
        shown = local[: min(2, len(local) - 1)]
        return f"{shown}•••@{domain}"
    if _INTERNATIONAL.fullmatch(key):
        try:
            country = f"+{phonenumbers.parse(key).country_code}"
        except phonenumbers.NumberParseException:
            country = "+"
        return f"{country} ••• ••{key[-2:]}"
    return "•••"


def _careful_email_key(text: str) -> str:
    """`email_key` for everything that is not plain ASCII `local@domain`; `text` is trimmed and at most MAX_TEXT."""
    text = _without_format_characters(text)
    if not text:
        raise AddressError("empty", _("Enter your email address."))
    if (
        len(text) > 2 and text[0] == text[-1] and text[0] in "\"'"
    ):  # a script's quotes around the whole
        text = text[1:-1].strip()
    name = ""
    if text.endswith(">"):  # Jane Doe <jane@example.com>
        name, _angle, text = text[:-1].rpartition("<")
        text = text.strip()
    if text[:7].lower() == "mailto:":
        text = text[7:].partition("?")[0].strip()  # mailto:jane@example.com?subject=…
    if "@" not in text:
        text = _WIDE_AT.sub("@", text)
    local, at_sign, domain = text.rpartition("@")
    if not at_sign or not local or not domain:
        _refuse_email()
    key = f"{_local_key(local)}@{_domain_key(domain)}"
    if len(key.encode()) > MAX_EMAIL:
        raise AddressError("too_long", _("This is too long to be an email address."))
    if "<" in name or _names_another(name, key):
        _refuse_email()
    return key


def _names_another(name: str, key: str) -> bool:
    """Whether the name before `<jane@example.com>` has an address that is not this one: which was meant, nobody can tell."""
    for found in _LIKE_EMAIL.findall(_WIDE_AT.sub("@", name)):
        with suppress(AddressError):
            if email_key(found) != key:
                return True
    return False


def _without_format_characters(text: str) -> str:
    """`text` without zero-width, bidi and other format characters, trimmed; AddressError if it holds what no address
    can hold."""
    kept = []
    for character in text:
        category = unicodedata.category(character)
        if category in _REFUSED_CATEGORIES or character == "\ufffd":
            raise AddressError(
                "character",
                _("The address has a character that no address can have. Please type it again."),
            )
        if category != "Cf":
            kept.append(character)
    return "".join(kept).strip()


def _local_key(local: str) -> str:
    """The part before the @ in its one form. NFKC only where that makes it ASCII (full-width letters): elsewhere it
    would merge mailboxes that differ."""
    for _attempt in range(4):  # lower-casing can undo a normal form: go on until nothing changes
        folded = unicodedata.normalize("NFKC", local)
        if not folded.isascii():
            folded = unicodedata.normalize("NFC", local)
        folded = folded.lower()
        if folded == local:
            break
        local = folded
    else:
        _refuse_email()
    if any(character in _NOT_IN_LOCAL or character.isspace() for character in local):
        _refuse_email()
    if len(local.encode()) > MAX_LOCAL:
        raise AddressError("too_long", _("This is too long to be an email address."))
    return local


def _domain_key(domain: str) -> str:
    """The part after the @ as lower-case A-labels with at least one dot."""
    domain = domain.translate(_DOTS).rstrip(".")
    try:
        host = idna.encode(domain, uts46=True, std3_rules=True).decode("ascii")
    except ValueError:  # IDNAError is one; an unassigned character raises the plain one
        host = _lenient_host(domain)
    if not _HOST.fullmatch(host):
        _refuse_email()
    return host


def _lenient_host(domain: str) -> str:
    """What IDNA 2008 refuses but mail is sent to: `_` in a name, labels such as `ab--c`, emoji domains (which UTS-46
    maps though IDNA 2008 does not have them). The caller checks the result against the host name pattern."""
    try:
        mapped = idna.uts46_remap(domain, std3_rules=False)
    except ValueError:
        mapped = domain.lower()
    labels = []
    for label in mapped.split("."):
        if len(label) > 63:
            _refuse_email()
        labels.append(
            label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
        )
    return ".".join(labels)


def _refuse_email() -> NoReturn:
    raise AddressError("email", _("Enter an email address like name@example.com."))


def _phone_key(text: str, region: str) -> tuple[str, bool]:
    """E.164 and whether it is flagged (stored though it cannot be dialled)."""
    if len(text) > MAX_TEXT:
        raise AddressError("too_long", _("This is too long to be a phone number."))
    text = _SPACES.sub(" ", _without_format_characters(text.strip())).strip()
    if not text:
        raise AddressError("empty", _("Enter your phone number."))
    text = _INNER_PLUS.sub(" ", text)  # 415+555+2671: spaces that a query string was given as +
    text = _PLUS_ZEROS.sub("+", text)
    key = _possible_number(text, region)
    if key is None and text.startswith(
        "00"
    ):  # how most of the world dials abroad, whatever the list's country
        key = _possible_number(f"+{text[2:].strip()}", _REGION_UNKNOWN)
    if key is not None and not _INTERNATIONAL.fullmatch(key):
        key = None  # Germany's plan has room for 15 digits and for 3, E.164 has not
    if key is not None and not _is_short_code(text, key):
        return key, False
    digits = _plain_digits(_EXTENSION.sub("", _SCHEME.sub("", text)))
    if _INTERNATIONAL.fullmatch(digits):
        return digits, True
    if re.fullmatch(r"[0-9]{3,6}", digits):
        raise AddressError(
            "short",
            _such_as(
                _(
                    "This is a short code, or only a part of a phone number. Enter the whole number with its country code, "
                    "such as {example}."
                ),
                region,
            ),
        )
    if re.fullmatch(r"[0-9]{7,15}", digits):
        _refuse_without_country(region)
    raise AddressError("phone", _such_as(_("Enter a phone number, such as {example}."), region))


def _refuse_without_country(region: str) -> NoReturn:
    whole = _("Enter the whole phone number with its country code, such as {example}.")
    raise AddressError("country", _such_as(whole, region))


def example_phone(region: str) -> str:
    """How a number begins in a two-letter region, or one of those that are kept free there for films; elsewhere a British one."""
    code = phonenumbers.country_code_for_region(region.upper())
    return _EXAMPLES.get(code, f"+{code} …" if code else _EXAMPLES[44])


def _such_as(sentence: Promise | str, region: str) -> Promise | str:
    return lazy(lambda: str(sentence).format(example=example_phone(region)), str)()


def _is_short_code(text: str, key: str) -> bool:
    """Whether so few digits are no number of their country: of Niue's four digits make one, of Germany's none."""
    if text[0] in "+\uff0b" or sum(map(str.isdecimal, _EXTENSION.sub("", text))) > _MOST_SHORT:
        return False
    return not phonenumbers.is_valid_number(phonenumbers.parse(key))


def _plus_or_space_key(text: str, region: str) -> str | None:
    """What `_phone_key` makes of a number with a plus or without: the one that is a number in use, with the plus where neither
    is, or where nobody at home writes it so. AddressError if it may be either; None if it cannot be dialled either way."""
    readings = []
    for reading in (f"+{text.strip()}", text.strip()):
        with suppress(AddressError):
            key, flagged = _phone_key(reading, region)
            if not flagged and key not in readings:
                readings.append(key)
    valid = [key for key in readings if phonenumbers.is_valid_number(phonenumbers.parse(key))]
    if len(valid) > 1 and _plain_digits(text) == _dialled_at_home(valid[1]):
        _refuse_without_country(region)
    return next(iter(valid or readings), None)


def _dialled_at_home(key: str) -> str:
    """The digits of a number as it is written at home: in Germany and Britain they begin with a 0, in Chinese mobiles not."""
    style = phonenumbers.PhoneNumberFormat.NATIONAL
    return _plain_digits(phonenumbers.format_number(phonenumbers.parse(key), style))


def _possible_number(text: str, region: str) -> str | None:
    """E.164 of a number that could be dialled from anywhere, or None."""
    known = region.upper()
    if text[0] in "+\uff0b" or known not in phonenumbers.SUPPORTED_REGIONS:
        known = _REGION_UNKNOWN  # with a country code the region has no say
    key = text
    for _attempt in range(20):  # each reading may strip a prefix: until the key is its own key
        try:
            number = phonenumbers.parse(key, known)
        except phonenumbers.NumberParseException:
            return None
        reason = phonenumbers.is_possible_number_with_reason(number)
        if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
            return None
        again = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        if again == key:
            return key
        key = again
    return None


def _plain_digits(text: str) -> str:
    """`text` with its decimal digits in ASCII and without separators; other characters stay and spoil the match."""
    bare = _PHONE_SEPARATORS.sub("", text).replace("\uff0b", "+")
    return "".join(str(unicodedata.decimal(character, character)) for character in bare)
