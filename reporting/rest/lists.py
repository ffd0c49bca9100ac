"""The lists of a realm with their counts, made for polling (S2.8)."""

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router, Schema

from lists.numbers import LARGEST_NUMBER
from optout.channels.rest.door import find_list, readable_lists, reader_of
from optout.channels.rest.paging import UpTo1000, make_cursor, read_cursor, refuse_cursor
from optout.channels.rest.words import time_text
from optout.links import page_url
from reporting.list_facts import MANY, MOST_COUNTED, ListFacts, read_list_facts
from reporting.rest.parameters import ModifiedSince, answer_unchanged, telling_next_since

_KIND = "lists"

router = Router(tags=["lists"])


class ListOut(Schema):
    """A list."""

    number: int = Field(description="0 is Do Not Mail, which holds for every list.")
    name: str
    description: str
    is_do_not_mail: bool
    is_closed: bool
    url: str = Field(description="The page where recipients opt out.")
    suppressed: int = Field(description="Addresses that it suppresses.")
    contacts: int = Field(
        description=f"Contacts on it, counted up to {MOST_COUNTED:,}; from {MANY:,} on the number may be a minute old."
    )
    created_at: str
    modified_at: str = Field(
        description="When it was made, changed, or last got an opt-out or a lift; not when its contacts changed."
    )


class ListsOut(Schema):
    """A page of lists; `next` is the cursor of the page after it."""

    lists: list[ListOut]
    next: str | None


@router.get("/lists", response=ListsOut)
@telling_next_since
def read_lists(
    request: HttpRequest,
    modified_since: ModifiedSince = None,
    cursor: str | None = None,
    limit: UpTo1000 = 100,
) -> HttpResponse:
    """The lists that the key may read, by number: its own, and Do Not Mail.

    Send the ETag back as If-None-Match: 304 says that nothing changed.
    """
    caller = reader_of(request)
    after = -1
    if cursor:
        (after,) = read_cursor(_KIND, cursor, int)
        if after > LARGEST_NUMBER:
            raise refuse_cursor()
    rows = read_list_facts(
        caller.realm_id, readable_lists(caller), after=after, since=modified_since, limit=limit + 1
    )
    shown = rows[:limit]
    following = make_cursor(_KIND, shown[-1].number) if len(rows) > limit else None
    page = ListsOut(lists=[list_out(each) for each in shown], next=following)
    return answer_unchanged(request, page.model_dump_json())


@router.get("/lists/{int:number}", response=ListOut)
def read_list(request: HttpRequest, number: int) -> HttpResponse:
    """One list; 0 is Do Not Mail. It has an ETag as well."""
    caller = reader_of(request)
    found = find_list(caller, number)
    (facts,) = read_list_facts(caller.realm_id, [found.id])
    return answer_unchanged(request, list_out(facts).model_dump_json())


def list_out(facts: ListFacts) -> ListOut:
    """A list as the API tells it."""
    return ListOut(
        number=facts.number,
        name=facts.name,
        description=facts.description,
        is_do_not_mail=facts.is_do_not_mail,
        is_closed=facts.is_closed,
        url=page_url(facts.public_id),
        suppressed=facts.suppressed,
        contacts=facts.contacts,
        created_at=time_text(facts.created_at),
        modified_at=time_text(facts.modified_at),
    )
