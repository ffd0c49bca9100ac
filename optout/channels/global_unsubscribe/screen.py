"""What the built-in form shows: its fields, whose messages stop, and links that keep what the request was about (S1.9–S1.13)."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lists.global_unsubscribe import CUSTOM_FIELDS, EMAIL, PHONE
from lists.lookup import ListSnapshot, get_list_by_id
from optout import replies, screens
from optout.addresses import AddressError, parse_email, parse_phone
from optout.channels.global_unsubscribe.asked import Asked
from optout.channels.global_unsubscribe.labels import own_label
from optout.guard import form_token, trapped_form
from optout.languages import reading_of
from optout.limits import Judgement
from optout.own_texts import in_language
from optout.pages import render_page
from optout.visits import Visit, takes_html

type Errors = Mapping[str, AddressError | Promise]  # by the names of the fields

_KEPT = 80  # characters of an unusable address that the links to the other languages keep

# A website's name that can be told from another one by its looks: neither an IP address nor letters beyond ASCII.
_HOST = re.compile(r"(?=.{4,80}\Z)(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")

# What the links to the other languages never leave out: which messages stop, and what the report says of it
_REPORTED = ("productId", "website", "uuid", "pubID")

_KINDS: dict[str, tuple[str, str, Promise | str]] = {  # accepts, type and autocomplete, label
    EMAIL: ("email", "email", _("Email address")),
    PHONE: ("phone", "tel", _("Phone number")),
}


@dataclass(frozen=True, slots=True)
class Field:
    """An input that asks for an address, or a custom field. `accepts` is email or phone, and empty for the latter.

    `type` is also what browsers know it by."""

    name: str
    label: Promise | str
    value: str
    accepts: str = ""
    type: str = ""
    error: AddressError | Promise | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Fields of a kind that stand together. `is_foreign`: their labels came with the link and are not the owner's."""

    is_custom: bool
    is_foreign: bool
    fields: list[Field]


def show_form(
    asked: Asked,
    *,
    errors: Errors | None = None,
    problem: Promise | str = "",
    status: int = 200,
    optout_status: str = "",
    trapped: str = "",
    preview: str = "",
) -> HttpResponse:
    """The form with what the request gave filled in; with a summary of what is wrong.

    `trapped` is the form that fell into the trap: this one has none. `preview` is the state that is shown.
    """
    return _render(
        "global",
        asked,
        preview,
        status=status,
        optout_status=optout_status,
        token="" if preview else form_token(asked.visit),
        trapped=trapped or trapped_form(asked.visit),
        **_form_context(asked, errors or {}, problem),
    )


def refuse(asked: Asked, judgement: Judgement) -> HttpResponse:
    """429: nothing is lost, and when to try again."""
    page = show_too_many(asked, judgement.wait, status=429, optout_status=replies.QUARANTINED)
    return replies.retry_after(page, judgement.wait)


def show_too_many(
    asked: Asked, wait: timedelta, *, preview: str = "", **answer: Any
) -> HttpResponse:
    """The page that says so; `answer` is its `status` and `optout_status`."""
    return _render("too_many", asked, preview, heading=screens.wait_text_lazy(wait), **answer)


def no_form(request: HttpRequest) -> HttpResponse:
    """404: the address is nobody's, or the form is switched off. There was no message, and no link was cut off."""
    if not takes_html(request):
        return replies.text("This unsubscribe form does not work.", 404, replies.REJECTED)
    return render_page(
        "global_broken", None, reading_of(request), status=404, optout_status=replies.REJECTED
    )


def scope_of(asked: Asked) -> ListSnapshot:
    """The list that the request is about: its product's, or Do Not Mail."""
    return get_list_by_id(asked.door.list_of(asked.product_number)) or asked.visit.optout_list


def shown_host(website: str) -> str:
    """The host of a website as the heading may show it, or nothing: whoever made the link chose it (AT-15)."""
    host = website.partition("/")[0].partition(":")[0]
    return host if _HOST.fullmatch(host) and "xn--" not in host else ""


def linked_addresses(visit: Visit) -> dict[str, str]:
    """The addresses in the URL by the names of their parameters: keys of usable ones, and what is short enough of others."""
    found = {}
    for name in (EMAIL, PHONE):
        text = next((each.strip() for each in visit.query.get(name, ()) if each.strip()), "")
        if len(text) <= _KEPT:
            found[name] = text
        with suppress(AddressError):
            is_email = name == EMAIL
            address = parse_email(text) if is_email else parse_phone(text, visit.optout_list.region)
            found[name] = address.key
    return found


def link_query(asked: Asked) -> dict[str, str]:
    """What makes the form what it is, for the links to the other languages. Of what was typed nothing gets into a URL."""
    values = {**linked_addresses(asked.visit), **_about(asked)}
    if asked.visit.request.method != "POST":
        values |= dict(zip(CUSTOM_FIELDS, asked.custom, strict=True))
    return {name: value for name, value in values.items() if value}


def _render(name: str, asked: Asked, preview: str = "", **context: Any) -> HttpResponse:
    """The page. Where labels and values are very long, the links to the other languages leave some of them out."""
    state = {"state": preview} if preview else {}
    whole = {**link_query(asked), **state}
    return render_page(
        name,
        asked.visit.optout_list,
        asked.visit.reading,
        link_query=whole,
        least_query={each: whole[each] for each in (*_REPORTED, *state) if each in whole},
        is_preview=bool(preview),
        **context,
    )


def _form_context(asked: Asked, errors: Errors, problem: Promise | str) -> dict[str, Any]:
    addresses = [name for name in asked.fields if name in _KINDS]
    host = shown_host(asked.website)
    scope = scope_of(asked)
    language = asked.visit.reading.code
    return {
        "blocks": _blocks(asked, errors),
        "errors": [(name, errors[name]) for name in asked.fields if name in errors],
        "problem": problem,
        "asks": "either" if len(addresses) > 1 else _KINDS[addresses[0]][0],
        "who": host or asked.visit.optout_list.sender,
        # where the heading does not say what stops
        "scope": in_language(scope, language) if host or not scope.is_global else None,
        "carried": list(_carried(asked)),
    }


def _blocks(asked: Asked, errors: Errors) -> list[Block]:
    are_owners = asked.form is not None and all(
        own_label(asked.form.labels.get(name, "")) == label for name, label in asked.labels.items()
    )
    return [
        Block(
            is_custom, is_custom and not are_owners, [_field(asked, name, errors) for name in names]
        )
        for is_custom, names in groupby(asked.fields, key=CUSTOM_FIELDS.__contains__)
    ]


def _field(asked: Asked, name: str, errors: Errors) -> Field:
    if name in CUSTOM_FIELDS:
        return Field(name, asked.labels[name], asked.custom[CUSTOM_FIELDS.index(name)])
    given = asked.email if name == EMAIL else asked.phone
    accepts, kind, label = _KINDS[name]
    return Field(name, label, given.text, accepts, kind, errors.get(name))


def _about(asked: Asked) -> dict[str, str]:
    """The parameters that made this form, but those that a reader fills in, and what its stored form says anyway."""
    form = asked.form
    labels = {f"fieldLabel[{name}]": label for name, label in asked.labels.items()}
    hidden = {
        name: value
        for name, value in zip(CUSTOM_FIELDS, asked.custom, strict=True)
        if name not in asked.fields
    }
    said = {
        "productId": str(asked.product_number),
        "website": asked.website,
        "uuid": form.uuid if form else "",
        "pubID": asked.publisher,
        "fields": ",".join(asked.fields),
        **labels,
        **hidden,
    }
    known = {"productId": "0", "fields": f"{EMAIL},{PHONE}"}
    if form:
        known = {
            "productId": str(form.product_number),
            "website": form.website,
            "pubID": form.publisher,
            "fields": ",".join(form.fields),
            **{f"fieldLabel[{name}]": own_label(label) for name, label in form.labels.items()},
        }
    return {name: value for name, value in said.items() if value != known.get(name, "")}


def _carried(asked: Asked) -> Iterator[tuple[str, str]]:
    """Hidden inputs: what another site's form sent in its body, which the address of this page does not have."""
    sent = {name.lower() for name in asked.visit.form}
    for name, value in _about(asked).items():
        if name.lower() in sent:
            yield name, value
