"""Which language a recipient reads (pages.md): what they chose, else the list's lock, else their browser's, else ours."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext_noop as _
from django.utils.translation.trans_real import parse_accept_lang_header

from lists.lookup import ListSnapshot
from optout.decoding import decode_query

_READ = 300  # characters of an Accept-Language header that are looked at
# What some devices still call a language by. Norwegian is not sent to Danish, nor Portuguese to Spanish: whose language is
# not there gets the next one that they say they read.
_OLD_CODES = {"iw": "he"}
# Marked here, so that our names come before Django's own, which have a capital letter in Italian and Portuguese. Dates ask
# for them by DATE_FORMAT (config/formats).
MONTHS = (
    *(_("January"), _("February"), _("March"), _("April"), _("May"), _("June"), _("July")),
    *(_("August"), _("September"), _("October"), _("November"), _("December")),
)


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
    accepted = parse_accept_lang_header(_header(accept_language))
    for code, weight in accepted:
        if code == "*" or weight <= 0:
            break
        if found := _supported(code):
            return Reading(found)
    refused = {_supported(code) for code, weight in accepted if weight <= 0}
    own = _supported(optout_list.default_language) if optout_list is not None else None
    defaults = [code for code in (own, settings.LANGUAGE_CODE, "en") if code]
    return Reading(next((code for code in defaults if code not in refused), defaults[0]))


def reading_of(request: HttpRequest, optout_list: ListSnapshot | None = None) -> Reading:
    """The language to answer a request in, by its `?lang=` and its header; of a form that is read, Visit.reading knows more."""
    query = decode_query(str(request.META.get("QUERY_STRING") or ""))
    accepted = str(request.META.get("HTTP_ACCEPT_LANGUAGE") or "")
    return choose_language(next(iter(query.get("lang", ())), ""), accepted, optout_list)


def _supported(code: str) -> str | None:
    """`code` or what it is a variant of (`de-AT` → `de`) or has as a variant (`pt`, `pt-PT` → `pt-br`), if we have that."""
    if not code or len(code) > 20 or not code.isascii():
        return None
    try:
        code = code.lower()
        return translation.get_supported_language_variant(
            _OLD_CODES.get(code.partition("-")[0], code)
        )
    except (LookupError, ValueError):
        return None


def _header(text: str) -> str:
    """The part of a header that is read: whole entries, ASCII only."""
    if len(text) > _READ:
        text = text[:_READ].rpartition(",")[0]
    return text if text.isascii() else ""
