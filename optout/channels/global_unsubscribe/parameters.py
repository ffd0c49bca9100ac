"""What a global request sends, in the URL and in the body, by the names of its parameters in any case (S1.4, S1.8)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.http import HttpRequest

from lists.global_unsubscribe import CUSTOM_FIELDS, EMAIL, FIELDS, PHONE
from optout.channels.global_unsubscribe import values
from optout.decoding import MANGLED, decode_query, has_too_many_fields
from optout.given import Fields
from optout.guard import TOKEN_FIELD
from optout.visits import (
    BodyError,
    Visit,
    form_fields,
    has_too_many_form_fields,
    read_body,
)

API = "api"
RESPONSE_TYPE, PRODUCT, WEBSITE, FORM, PUBLISHER = (
    "responseType",
    "productId",
    "website",
    "uuid",
    "pubID",
)
SHOWN = "fields"
LABELS = {name: f"fieldLabel[{name}]" for name in CUSTOM_FIELDS}

# What makes one text of each value that is recorded; addresses are read elsewhere
_CLEAN: Mapping[str, Callable[[str], str]] = {
    RESPONSE_TYPE: values.clean_response_type,
    PRODUCT: values.clean_product,
    WEBSITE: values.clean_website,
    FORM: values.clean_uuid,
    PUBLISHER: values.clean_publisher,
    **dict.fromkeys(CUSTOM_FIELDS, values.clean_custom),
}
MOST_VALUES = 10  # of one parameter; more are a contradiction, whatever they say
_NAMES = {name.lower(): name for name in (*_CLEAN, *FIELDS, SHOWN, *LABELS.values())}
_DOCUMENTS = (b"{", b"[", b"<")  # JSON and XML begin so


@dataclass(frozen=True, slots=True)
class Parameters:
    """One request's. `sent` has the values that mean something, under each parameter's own name; `texts` the one clean text of
    each that is recorded, but for the addresses.

    `contradictory`: those that were given several values, which then have no text.
    """

    sent: Fields
    texts: Mapping[str, str]
    contradictory: Sequence[str]
    # There are more fields than are read: what the rest says may be something else
    is_cut: bool = False

    @property
    def is_api(self) -> bool:
        return self.texts.get(RESPONSE_TYPE) == API

    def text(self, name: str) -> str:
        return self.texts.get(name, "")


def read_parameters(visit: Visit) -> Parameters:
    """The parameters of URL and body together. In our own form's POST the body wins."""
    return _read(visit.request, visit.query, visit.body)


def wants_api(request: HttpRequest) -> bool:
    """Whether the caller waits for one character and not for a page; where nothing else is known of the request."""
    query = decode_query(request.META.get("QUERY_STRING", ""))
    try:
        body = read_body(request) if request.method == "POST" else b""
    except BodyError as error:
        body = error.begun
    return _read(request, query, body).is_api


def _read(request: HttpRequest, query: Fields, body: bytes) -> Parameters:
    url = _known(query)
    is_long = has_too_many_fields(request.META.get("QUERY_STRING", ""))
    if not body or _is_document(request, body):
        return replace(_of_program(url, {}), is_cut=is_long)
    is_long_body = has_too_many_form_fields(request, body)
    posted = form_fields(request, body, mend_plus=True)
    parameters = _of_program(url, _known(posted))
    if parameters.is_api or TOKEN_FIELD not in posted:
        return replace(parameters, is_cut=is_long or is_long_body)
    typed = form_fields(request, body, mend_plus=False)
    return replace(_of_own_form(url, _known(typed)), is_cut=is_long_body)


def _of_program(url: Fields, posted: Fields) -> Parameters:
    names = {**url, **posted}
    return _cleaned({name: (*url.get(name, ()), *posted.get(name, ())) for name in names})


def _of_own_form(url: Fields, posted: Fields) -> Parameters:
    """What was typed counts, also where it is nothing; and the rest of the link that led to the form, where it is clear.

    Nobody who stands before a form can mend the link.
    """
    rest = {name: given for name, given in url.items() if name not in {*posted, EMAIL, PHONE}}
    linked, typed = _cleaned(rest), _cleaned(posted)
    return Parameters(
        {**linked.sent, **typed.sent},
        {**linked.texts, **typed.texts},
        typed.contradictory,
    )


def _cleaned(fields: Fields) -> Parameters:
    sent = {
        name: [each for each in given if not values.is_missing(name, each)]
        for name, given in fields.items()
    }
    texts: dict[str, str] = {}
    contradictory = []
    for name in _CLEAN.keys() & sent.keys():
        if len(sent[name]) > MOST_VALUES:
            contradictory.append(name)
            continue
        found = {_CLEAN[name](each) for each in sent[name]} - {""}
        if len(found) == 1:
            (texts[name],) = found
        elif found:
            contradictory.append(name)
    return Parameters(sent, texts, contradictory)


def _known(fields: Fields) -> Fields:
    """The parameters that mean something here, by their own names."""
    known: dict[str, list[str]] = {}
    for spelled, given in fields.items():
        name = _NAMES.get(MANGLED.sub("", spelled.strip().lower()))
        if name is not None:
            known.setdefault(name, []).extend(given)
    return known


def _is_document(request: HttpRequest, body: bytes) -> bool:
    """Whether the body is JSON or XML, whatever stands between ampersands in it: then only the URL counts."""
    content_type = request.content_type or ""
    is_fields = "json" not in content_type and "xml" not in content_type
    return not is_fields or body[:100].lstrip()[:1] in _DOCUMENTS
