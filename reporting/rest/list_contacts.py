"""The contacts on a list (S2.8). What else is known of a contact, such as its other lists, is said of it alone."""

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router, Schema

from optout.channels.rest.door import find_list, reader_of
from optout.channels.rest.paging import UpTo1000, make_cursor, read_cursor, refuse_cursor
from optout.channels.rest.words import time_text, word
from optout.choices import Medium
from reporting.list_contacts import ListContact, page_of_changed_contacts, page_of_contacts
from reporting.paging import LATEST, as_microseconds, from_microseconds
from reporting.rest.parameters import ModifiedSince, json_answer, telling_next_since

router = Router(tags=["lists"])


class ListContactOut(Schema):
    """A contact on a list."""

    id: str
    address: str
    medium: str = Field(description="email or sms.")
    fields: dict[str, str]
    customer_key: str | None
    subscribed_at: str = Field(description="When it came onto the list; RFC 3339, in UTC.")
    changed_at: str = Field(
        description="When a field, the key, the address or a place on a list last changed."
    )


class ListContactsOut(Schema):
    """A page of contacts; `next` is the cursor of the page after it. A page may be short, or empty, before the end."""

    contacts: list[ListContactOut]
    next: str | None


@router.get("/lists/{int:number}/contacts", response=ListContactsOut)
@telling_next_since
def read_list_contacts(
    request: HttpRequest,
    number: int,
    modified_since: ModifiedSince = None,
    cursor: str | None = None,
    limit: UpTo1000 = 500,
) -> HttpResponse:
    """The contacts that may be mailed for a list; with `modified_since` those that changed or came since, oldest change first.

    Who left is not among them: opt-outs are in the changes.
    """
    optout_list = find_list(reader_of(request), number)
    following = None
    if modified_since is None:
        kind = f"contacts {optout_list.id}"
        after = read_cursor(kind, cursor, bytes)[0] if cursor else b""
        found, digest = page_of_contacts(optout_list, after, limit)
        if digest is not None:
            following = make_cursor(kind, digest)
    else:
        kind = f"changed contacts {optout_list.id}"
        position = None
        if cursor:
            microseconds, last_id = read_cursor(kind, cursor, int, int)
            if microseconds > LATEST:
                raise refuse_cursor()
            position = from_microseconds(microseconds), last_id
        found, end = page_of_changed_contacts(optout_list, modified_since, position, limit)
        if end is not None:
            following = make_cursor(kind, as_microseconds(end[0]), end[1])
    page = ListContactsOut(contacts=[_shown(each) for each in found], next=following)
    return json_answer(page.model_dump_json())


def _shown(contact: ListContact) -> ListContactOut:
    return ListContactOut(
        id=str(contact.id),
        address=contact.address,
        medium=word(Medium, contact.medium),
        fields=dict(contact.fields),
        customer_key=contact.customer_key,
        subscribed_at=time_text(contact.subscribed_at),
        changed_at=time_text(contact.changed_at),
    )
