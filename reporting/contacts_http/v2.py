"""The v2 shape: JSON below `/v2/`, `Authorization: Bearer` (protocols.md, "Contacts over HTTP")."""

import json
from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse

from lists.models import List
from optout.channels.rest.bodies import StrictParser
from optout.channels.rest.problems import Kind, ProblemError
from reporting.contacts_http import writing
from reporting.contacts_http.asked import (
    AskedMembers,
    Whose,
    get_list,
    read_asked,
    read_since,
    read_size,
    telling_next_since,
)
from reporting.contacts_http.door import Call, answering, done, find_only
from reporting.contacts_http.members import Member, Status
from reporting.contacts_http.v2_json import (
    ACTIONS_BY,
    EMPTY_STATUSES,
    STATUSES,
    contact_as_json,
    list_as_json,
    read_contact,
)

DEFAULT_LIMIT = 50
HIGHEST_LIMIT = 500

_ALWAYS = {"api_key"}  # of the old service; the key that counts here is in the header
_PAGES = {"limit", "modified_since", "next"}
_ERROR_KEYS = {
    Kind.MALFORMED: "json.payload.invalid",
    Kind.UNAUTHORIZED: "http.status.authentication.invalid_token",
    Kind.FORBIDDEN: "http.status.permission.denied",
    Kind.IP_NOT_APPROVED: "http.status.permission.denied",
    Kind.NOT_FOUND: "http.status.resource.not_found",
    Kind.NOT_ALLOWED: "http.status.method.not_allowed",
    Kind.CONFLICT: "http.status.email_address.conflict",
    Kind.OPTED_OUT: "http.status.email_address.opted_out",
    Kind.TOO_LARGE: "http.status.payload.too_large",
    Kind.UNSUPPORTED: "http.status.media_type.unsupported",
    Kind.INVALID: "request.invalid",
    Kind.RATE_LIMITED: "http.status.rate_limited",
    Kind.INTERNAL: "http.status.internal_server_error",
    Kind.UNAVAILABLE: "http.status.service_unavailable",
}


def refuse(status: int, kind: Kind, detail: str) -> HttpResponse:
    """No, as an array of errors."""
    key = _ERROR_KEYS.get(kind, "request.invalid")
    response = _json([{"error_key": key, "error_message": detail}], status=status)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Heed"'
    return response


def _read_lists(call: Call) -> HttpResponse:
    """The realm's lists, and behind them the three special ones; those that changed since."""
    _check_parameters(call, "modified_since")
    since = read_since("modified_since", call.parameter("modified_since"))
    lists: Sequence[List | Status] = (*call.members.lists, *Status)
    summaries = call.members.summaries()
    return _json(
        [
            list_as_json(each, summaries[each])
            for each in lists
            if since is None or summaries[each].changed_at >= since
        ]
    )


def _read_list(call: Call, list_id: str) -> HttpResponse:
    _check_parameters(call)
    found = get_list(call.members, list_id)
    return _json(list_as_json(found, call.members.summaries()[found]))


def _read_members(call: Call, list_id: str) -> HttpResponse:
    _check_parameters(call, *_PAGES)
    found = get_list(call.members, list_id)
    asked = _asked(call, found)
    if asked.of != found:
        raise ProblemError(Kind.INVALID, "This cursor is another list's.")
    return _page(call, asked, f"/v2/lists/{list_id}/contacts")


def _read_contacts(call: Call) -> HttpResponse:
    """All of them, or those of one status, page by page; or the one with an email address."""
    _check_parameters(call, "email", "status", *_PAGES)
    name = (call.parameter("status") or "ALL").upper()
    if name != "ALL" and name not in STATUSES and name not in EMPTY_STATUSES:
        raise ProblemError(Kind.INVALID, "The parameter status is none of ours.")
    of = STATUSES.get(name)
    email = call.parameter("email")
    if email is not None:
        return _results(_with_email(call, email, of) if name not in EMPTY_STATUSES else [])
    asked = _asked(call, of)
    if name in EMPTY_STATUSES and "next" not in call.query:
        return _results([])
    return _page(call, asked, "/v2/contacts")


def _with_email(call: Call, email: str, of: Whose) -> list[Member]:
    asked = _asked(call, of)
    member = call.members.find_digest(writing.read_email(email).digest)
    if member is None or not member.belongs_to(of) or not member.has_changed(asked.since):
        return []
    return [member]


def _asked(call: Call, of: Whose) -> AskedMembers:
    cursor = call.parameter("next")
    if cursor is not None:
        return read_asked(call.members, cursor, HIGHEST_LIMIT)
    limit = call.parameter("limit")
    size = read_size("limit", limit, default=DEFAULT_LIMIT, most=HIGHEST_LIMIT)
    return AskedMembers(of, size, read_since("modified_since", call.parameter("modified_since")))


def _page(call: Call, asked: AskedMembers, path: str) -> HttpResponse:
    page = asked.page(call.members)
    link = None if page.after is None else f"{path}?next={asked.cursor(page.after)}"
    return _results(page.members, link)


def _results(members: Sequence[Member], next_link: str | None = None) -> HttpResponse:
    pagination = {} if next_link is None else {"next_link": next_link}
    results = [contact_as_json(each) for each in members]
    return _json({"meta": {"pagination": pagination}, "results": results})


def _add_contact(call: Call) -> HttpResponse:
    _check_action(call)
    member = writing.add(call, read_contact(_sent(call), is_new=True))
    response = _json(contact_as_json(member), status=201)
    response.headers["Location"] = f"/v2/contacts/{member.id}"
    return response


def _read_contact(call: Call, contact_id: str) -> HttpResponse:
    _check_parameters(call)
    return _json(contact_as_json(find_only(call.members.find(contact_id))))


def _change_contact(call: Call, contact_id: str) -> HttpResponse:
    _check_action(call)
    find_only(call.members.find(contact_id))
    member = writing.change(call, contact_id, read_contact(_sent(call), is_new=False))
    return _json(contact_as_json(member))


def _opt_out_contact(call: Call, contact_id: str) -> HttpResponse:
    writing.opt_out(call, contact_id)
    return done()


def _leave_lists(call: Call, contact_id: str) -> HttpResponse:
    writing.take_off(call, contact_id)
    return done()


def _leave_list(call: Call, contact_id: str, list_id: str) -> HttpResponse:
    writing.take_off(call, contact_id, list_id)
    return done()


def _sent(call: Call) -> Any:
    return StrictParser().parse_body(call.request)


def _check_action(call: Call) -> None:
    """Whoever acts, an opt-out stays: only the recipient's own confirmation could lift it."""
    _check_parameters(call, "action_by")
    if (call.parameter("action_by") or ACTIONS_BY[0]) not in ACTIONS_BY:
        raise ProblemError(Kind.INVALID, f"action_by must be {' or '.join(ACTIONS_BY)}.")


def _check_parameters(call: Call, *known: str) -> None:
    """Raises ProblemError for one that is unknown: a typo must not widen an answer."""
    if not set(call.query) <= _ALWAYS.union(known):
        names = ", ".join(sorted(known)) or "none"
        raise ProblemError(Kind.INVALID, f"One of the parameters is unknown here. Known: {names}.")


def _json(content: Any, status: int = 200) -> HttpResponse:
    text = json.dumps(content, ensure_ascii=False)
    return HttpResponse(text, status=status, content_type="application/json")


lists = answering(refuse, GET=telling_next_since(_read_lists))
one_list = answering(refuse, GET=_read_list)
members = answering(refuse, GET=telling_next_since(_read_members))
contacts = answering(refuse, GET=telling_next_since(_read_contacts), POST=_add_contact)
one_contact = answering(refuse, GET=_read_contact, PUT=_change_contact, DELETE=_opt_out_contact)
contact_lists = answering(refuse, DELETE=_leave_lists)
contact_list = answering(refuse, DELETE=_leave_list)
nothing = answering(refuse)
