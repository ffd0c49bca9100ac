"""The lists of a realm with their counts, made for polling (S2.8)."""

from django.http import HttpRequest
from ninja import Router, Schema

from lists.models import List
from optout.channels.rest.door import reader_of

router = Router(tags=["lists"])


class ListOut(Schema):
    """A list."""

    number: int
    name: str


class ListsOut(Schema):
    """A page of lists; `next` is the cursor of the page after it."""

    lists: list[ListOut]
    next: str | None


@router.get("/lists", response=ListsOut)
def read_lists(request: HttpRequest) -> ListsOut:
    """The lists that the key is for, by number."""
    caller = reader_of(request)
    known = List.objects.filter(realm=caller.realm_id).order_by("number")
    rows = [each for each in known if caller.covers(each.pk)]
    return ListsOut(lists=[ListOut(number=each.number, name=each.name) for each in rows], next=None)
