"""Which language a recipient reads (pages.md): what they chose, else the list's lock, else their browser's, else ours."""

from dataclasses import dataclass

from django.conf import settings
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

from lists.lookup import ListSnapshot

_READ = 300  # characters of an Accept-Language header that are looked at


@dataclass(frozen=True, slots=True)
class Reading:
    """The language of a page: its code, and whether the reader chose it by `?lang=` (then links and forms carry it on)."""

    code: str
    chosen: bool = False

    @property
    def direction(self) -> str:
        """`rtl` or `ltr`, as HTML's `dir` wants it."""
        return "rtl" if translation.get_language_info(self.code)["bidi"] else "ltr"


def choose_language(
    chosen: str, accept_language: str, optout_list: ListSnapshot | None = None
) -> Reading:
    """The reader's language, always one of `settings.LANGUAGES`.

    `chosen` is the value of `?lang=` or of the form; `accept_language` the header. Neither is trusted to be anything.
    """
    wanted = _supported(chosen)
    if wanted:
        return Reading(wanted, chosen=True)
    if optout_list is not None and (locked := _supported(optout_list.locked_language)):
        return Reading(locked)
    for code, weight in parse_accept_lang_header(_header(accept_language)):
        if code == "*" or weight <= 0:
            break
        if accepted := _supported(code):
            return Reading(accepted)
    default = _supported(optout_list.default_language) if optout_list is not None else None
    return Reading(default or settings.LANGUAGE_CODE)


def _supported(code: str) -> str | None:
    """`code` or the language it is a variant of (`de-AT` → `de`), if we have it."""
    if not code or len(code) > 20 or not code.isascii():
        return None
    try:
        return translation.get_supported_language_variant(code.lower())
    except (LookupError, ValueError):
        return None


def _header(text: str) -> str:
    """The part of a header that is read: whole entries, ASCII only."""
    if len(text) > _READ:
        text = text[:_READ].rpartition(",")[0]
    return text if text.isascii() else ""
