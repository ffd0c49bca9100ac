"""Which members a client asks for, and where its last page ended.

A cursor says all of it: clients follow a link of which some keep the cursor alone.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps

from django.http import HttpResponse

from lists.models import List
from lists.models.lists import DO_NOT_MAIL_NAME
from lists.numbers import DO_NOT_MAIL_NUMBER
from optout.channels.rest.paging import make_cursor, read_cursor, refuse_cursor
from optout.channels.rest.problems import Kind, ProblemError
from reporting.contacts_http.door import Call, Handler
from reporting.contacts_http.members import MemberPage, Members, Status
from reporting.downloads import SAFETY, next_since
from reporting.paging import LATEST, as_microseconds, from_microseconds

# The ids that three lists have in both shapes, and their names.
SPECIAL_LISTS = {
    "active": Status.ACTIVE,
    "do-not-mail": Status.DO_NOT_MAIL,
    "removed": Status.REMOVED,
}
SPECIAL_NAMES = {
    Status.ACTIVE: "Active",
    Status.DO_NOT_MAIL: DO_NOT_MAIL_NAME,
    Status.REMOVED: "Removed",
}

_NUMBER = re.compile(r"[0-9]{1,9}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]{4,20})?(?:Z|[+-][0-9:]{2,6})?")
_LOST_PLUS = re.compile(r"(?<=[T ][0-9]{2}:[0-9]{2}:[0-9]{2}) (?=[0-9:]{2,6}\Z)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EVERYBODY = 0  # in a cursor; then the statuses, then the numbers of lists
_FIRST_LIST = 10

type Whose = List | Status | None


@dataclass(frozen=True)
class AskedMembers:
    """Members of a list, of a status, or all (None); how many a page, since when, behind which digest."""

    of: Whose
    size: int
    since: datetime | None = None
    after: bytes = b""

    def page(self, members: Members) -> MemberPage:
        return members.page(self.of, size=self.size, after=self.after, since=self.since)

    def cursor(self, after: bytes) -> str:
        """What leads to the page behind that digest."""
        since = 0 if self.since is None else as_microseconds(self.since) + 1
        return make_cursor("members", self.size, _scope(self.of), since, after)


def read_asked(members: Members, text: str, most: int) -> AskedMembers:
    """What a cursor says. Raises ProblemError."""
    size, scope, since, after = read_cursor("members", text, int, int, int, bytes)
    of: Whose = None
    if scope >= _FIRST_LIST:
        of = members.find_list(scope - _FIRST_LIST)
    elif scope in {each.value for each in Status}:
        of = Status(scope)
    is_known = (of is not None or scope == _EVERYBODY) and since <= LATEST
    if not is_known or not 1 <= size <= most:
        raise refuse_cursor()
    return AskedMembers(of, size, from_microseconds(since - 1) if since else None, after)


def find_list(members: Members, list_id: str) -> List | Status | None:
    """The list with that id: a number, or one of the three. None if there is none."""
    if list_id in SPECIAL_LISTS:
        return SPECIAL_LISTS[list_id]
    if list_id == str(DO_NOT_MAIL_NUMBER):  # its number elsewhere; here it works too
        return Status.DO_NOT_MAIL
    return members.find_list(int(list_id)) if _NUMBER.fullmatch(list_id) else None


def get_list(members: Members, list_id: str) -> List | Status:
    """The same. Raises ProblemError 404."""
    found = find_list(members, list_id)
    if found is None:
        raise ProblemError(Kind.NOT_FOUND, "There is no such list.")
    return found


def read_since(name: str, text: str | None) -> datetime | None:
    """A time in ISO 8601, in UTC where it names no zone; and somewhat earlier: what was being recorded at a client's last call
    carries a time before it. Raises ProblemError."""
    if text is None:
        return None
    # a plus that was not encoded arrives as a space
    text = _LOST_PLUS.sub("+", text.strip())
    try:
        moment = datetime.fromisoformat(text) if _TIME.fullmatch(text) else None
    except ValueError:
        moment = None
    if moment is None:
        raise ProblemError(Kind.INVALID, f"The parameter {name} must be a time in ISO 8601.")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    earliest, latest = _EPOCH + SAFETY, from_microseconds(LATEST - 1)
    return min(max(moment, earliest), latest).astimezone(UTC) - SAFETY


def telling_next_since(handler: Handler) -> Handler:
    """Have a handler's answers say which time to send next: rather some members twice than one never."""

    @wraps(handler)
    def answer(call: Call, **where: str) -> HttpResponse:
        following = next_since(call.now)  # before the data are read
        response = handler(call, **where)
        response.headers["Next-Since"] = following
        return response

    return answer


def read_size(name: str, text: str | None, *, default: int, most: int) -> int:
    """How many a page shall have. Raises ProblemError."""
    if text is None:
        return default
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        raise ProblemError(Kind.INVALID, f"The parameter {name} must be a number from 1 to {most}.")
    return int(text)


def _scope(of: Whose) -> int:
    if of is None:
        return _EVERYBODY
    return of.value if isinstance(of, Status) else _FIRST_LIST + of.number
