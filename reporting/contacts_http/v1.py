"""The v1 shape: Atom below `/ws/customers/{user}/`, HTTP Basic (protocols.md, "Contacts over HTTP")."""

from collections.abc import Sequence

from django.http import HttpResponse

from lists.models import List
from optout.channels.rest.problems import Kind, ProblemError
from reporting.contacts_http import writing
from reporting.contacts_http.asked import (
    AskedMembers,
    Whose,
    find_list,
    get_list,
    read_asked,
    read_since,
    telling_next_since,
)
from reporting.contacts_http.door import Call, answering, done, find_only
from reporting.contacts_http.members import Member, Status
from reporting.contacts_http.v1_atom import CONTENT_TYPE, Writer, list_id_of, list_name_of
from reporting.contacts_http.v1_entries import read_entry

PAGE_SIZE = 50
MOST_EMAILS = 50  # that one call may ask for


def refuse(status: int, _kind: Kind, detail: str) -> HttpResponse:
    """No, as a line of text."""
    response = HttpResponse(f"{detail}\n", status=status, content_type="text/plain; charset=utf-8")
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="Heed", charset="UTF-8"'
    return response


def _read_lists(call: Call) -> HttpResponse:
    lists: Sequence[List | Status] = (*Status, *call.members.lists)
    writer = _writer(call)
    summaries = call.members.summaries()
    entries = [writer.list_entry(each, summaries[each]) for each in lists]
    return _atom(writer.feed("lists", f"Contact Lists for customer: {_user(call)}", entries))


def _read_list(call: Call, list_id: str) -> HttpResponse:
    found = get_list(call.members, list_id)
    summary = call.members.summaries()[found]
    return _atom(_writer(call).list_entry(found, summary, is_alone=True)[0])


def _read_members(call: Call, list_id: str) -> HttpResponse:
    found = get_list(call.members, list_id)
    asked = _asked(call, found, "modified_since")
    if asked.of != found:
        raise ProblemError(Kind.INVALID, "This cursor is another list's.")
    page = asked.page(call.members)
    writer = _writer(call)
    return _atom(
        writer.feed(
            f"lists/{list_id_of(found)}/members",
            f"Contacts in contact list: {list_name_of(found)}",
            [writer.member_entry(each) for each in page.members],
            cursor=None if page.after is None else asked.cursor(page.after),
        )
    )


def _read_contacts(call: Call) -> HttpResponse:
    """All of them, page by page; those with these email addresses; or those of a list, changed since."""
    writer = _writer(call)
    cursor = None
    if "email" in call.query:
        members: Sequence[Member] = _with_emails(call)
    else:
        asked = _asked(call, _whose(call), "updatedsince")
        page = asked.page(call.members)
        members = page.members
        cursor = None if page.after is None else asked.cursor(page.after)
    entries = [writer.contact_entry(each) for each in members]
    title = f"Contacts for Customer: {_user(call)}"
    return _atom(writer.feed("contacts", title, entries, cursor=cursor))


def _with_emails(call: Call) -> list[Member]:
    emails = call.query["email"]
    if len(emails) > MOST_EMAILS:
        raise ProblemError(Kind.INVALID, f"Ask for {MOST_EMAILS} email addresses at most.")
    digests = dict.fromkeys(writing.read_email(each).digest for each in emails)
    since = read_since("updatedsince", call.parameter("updatedsince"))
    of = _whose(call)
    found = call.members.describe(list(digests))
    return [each for each in found if each.belongs_to(of) and each.has_changed(since)]


def _whose(call: Call) -> Whose:
    """What `listtype` (one of the three) or `listid` asks for."""
    list_id = call.parameter("listid")
    list_type = call.parameter("listtype")
    if list_id is None and list_type is None:
        return None
    if list_id is not None and list_type is not None:
        raise ProblemError(Kind.INVALID, "Send listid or listtype, not both.")
    found = find_list(call.members, list_id or list_type or "")
    if found is None:
        raise ProblemError(Kind.INVALID, "There is no such list.")
    return found


def _asked(call: Call, of: Whose, since_name: str) -> AskedMembers:
    cursor = call.parameter("next")
    if cursor is not None:
        return read_asked(call.members, cursor, PAGE_SIZE)
    return AskedMembers(of, PAGE_SIZE, read_since(since_name, call.parameter(since_name)))


def _add_contact(call: Call) -> HttpResponse:
    member = writing.add(call, _sent(call))
    writer = _writer(call)
    response = _atom(writer.contact_entry(member, is_alone=True)[0])
    response.status_code = 201
    response.headers["Location"] = writer.url(f"contacts/{member.id}")
    return response


def _read_contact(call: Call, contact_id: str) -> HttpResponse:
    member = find_only(call.members.find(contact_id))
    return _atom(_writer(call).contact_entry(member, is_alone=True)[0])


def _change_contact(call: Call, contact_id: str) -> HttpResponse:
    find_only(call.members.find(contact_id))
    writing.change(call, contact_id, _sent(call))
    return done()


def _opt_out_contact(call: Call, contact_id: str) -> HttpResponse:
    writing.opt_out(call, contact_id)
    return done()


def _sent(call: Call) -> writing.Sent:
    return read_entry(call.body, call.request.content_type or "")


def _user(call: Call) -> str:
    return call.caller.realm_name


def _writer(call: Call) -> Writer:
    return Writer(_user(call))


def _atom(document: str) -> HttpResponse:
    return HttpResponse(document, content_type=CONTENT_TYPE)


lists = answering(refuse, GET=_read_lists)
one_list = answering(refuse, GET=_read_list)
members = answering(refuse, GET=telling_next_since(_read_members))
contacts = answering(refuse, GET=telling_next_since(_read_contacts), POST=_add_contact)
one_contact = answering(refuse, GET=_read_contact, PUT=_change_contact, DELETE=_opt_out_contact)
nothing = answering(refuse)
