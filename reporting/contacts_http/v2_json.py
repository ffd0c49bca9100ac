"""What v2 answers and reads: the vendor's JSON."""

from collections.abc import Mapping
from typing import Any

from lists.contacts import CUSTOM_PREFIX, known_fields
from lists.models import List
from optout.channels.rest.problems import Kind, ProblemError
from optout.choices import Origin
from reporting.contacts_http.asked import SPECIAL_NAMES
from reporting.contacts_http.members import Member, Status, Summary
from reporting.contacts_http.v1_atom import list_id_of, written_time
from reporting.contacts_http.writing import Sent

STATUSES = {
    "ACTIVE": Status.ACTIVE,
    "OPTOUT": Status.DO_NOT_MAIL,
    "REMOVED": Status.REMOVED,
}
# Those of the old service that nobody has here.
EMPTY_STATUSES = frozenset({"UNCONFIRMED", "NON_SUBSCRIBER", "VISITOR", "TEMP_HOLD"})
ACTIONS_BY = ("ACTION_BY_VISITOR", "ACTION_BY_OWNER")

_NAMES = {each: name for name, each in STATUSES.items()}
_MOST_LISTS = 1_000
_FIELDS = {"first": "first_name", "last": "last_name", "company": "company_name", "fax": "fax"}
_PHONES = ("home_phone", "work_phone", "cell_phone")
_ADDRESS = {
    "address_1": "line1",
    "address_2": "line2",
    "city": "city",
    "state": "state_code",
    "country": "country_code",
    "zip": "postal_code",
}


def list_as_json(of: List | Status, summary: Summary) -> dict[str, Any]:
    """One of the lists. The three special ones are hidden: nobody sends to them."""
    count = {} if summary.count is None else {"contact_count": summary.count}
    return {
        "id": list_id_of(of),
        "name": SPECIAL_NAMES[of] if isinstance(of, Status) else of.name,
        "status": "HIDDEN" if isinstance(of, Status) or of.closed_at else "ACTIVE",
        **count,
        "created_date": written_time(summary.created_at),
        "modified_date": written_time(summary.changed_at),
    }


def contact_as_json(member: Member) -> dict[str, Any]:
    """A contact with one email address."""
    fields = member.fields
    custom = {
        name.removeprefix(CUSTOM_PREFIX): value
        for name, value in fields.items()
        if name.startswith(CUSTOM_PREFIX)
    }
    return {
        "id": member.id,
        "status": _NAMES[member.status],
        "fax": fields.get("fax", ""),
        "addresses": _addresses(fields),
        "notes": [],
        "confirmed": False,
        "lists": _lists(member),
        "source": "",
        "email_addresses": [_email(member)],
        "prefix_name": "",
        "first_name": fields.get("first", ""),
        "middle_name": "",
        "last_name": fields.get("last", ""),
        "job_title": "",
        "company_name": fields.get("company", ""),
        "home_phone": fields.get("phone", ""),
        "work_phone": "",
        "cell_phone": "",
        "custom_fields": [
            {"name": name, "label": name, "value": value} for name, value in custom.items()
        ],
        "created_date": written_time(member.created_at),
        "modified_date": written_time(member.changed_at),
        "source_details": "",
    }


def read_contact(sent: Any, *, is_new: bool) -> Sent:
    """The contact that a client sends. What it knows and we do not is passed over. Raises ProblemError 400."""
    found = _an_object(sent, "The body")
    lists = _objects(found, "lists")
    emails = {_text(each, "email_address") or "" for each in _objects(found, "email_addresses")}
    if len(emails) > 1 or (is_new and emails in (set(), {""})):
        raise ProblemError(Kind.INVALID, "A contact has one email address.")
    if len(lists) > _MOST_LISTS:
        raise ProblemError(Kind.INVALID, "There are too many lists.")
    fields = known_fields(_fields(found))
    if fields is None:
        raise ProblemError(Kind.INVALID, "One of the fields is too long, or there are too many.")
    email = next(iter(emails), "")
    return Sent(email or None, [_list_id(each) for each in lists], fields)


def _addresses(fields: Mapping[str, str]) -> list[dict[str, str]]:
    address = {name: fields.get(field, "") for field, name in _ADDRESS.items()}
    if not any(address.values()):
        return []
    return [{**address, "line3": "", "sub_postal_code": "", "address_type": "PERSONAL"}]


def _lists(member: Member) -> list[dict[str, str]]:
    if member.status is not Status.ACTIVE:
        return []
    return [{"id": str(place.number), "status": "ACTIVE"} for place in member.places]


def _email(member: Member) -> dict[str, str]:
    email = {
        "id": member.id,
        "status": _NAMES[member.status],
        "confirm_status": "NO_CONFIRMATION_REQUIRED",
        "email_address": member.address,
    }
    if member.places:
        since = min(place.subscribed_at for place in member.places)
        email |= {"opt_in_source": "ACTION_BY_OWNER", "opt_in_date": written_time(since)}
    if member.out_since is not None:
        is_own = member.out_since.origin in {None, Origin.RECIPIENT}
        email |= {
            "opt_out_source": "ACTION_BY_VISITOR" if is_own else "ACTION_BY_OWNER",
            "opt_out_date": written_time(member.out_since.at),
        }
    return email


def _fields(sent: Mapping[str, Any]) -> dict[str, str]:
    """The fields that are there, in our names."""
    values = {field: _text(sent, name) for field, name in _FIELDS.items()}
    phones = [_text(sent, name) for name in _PHONES]
    values["phone"] = next(filter(None, phones), "" if any(p is not None for p in phones) else None)
    for address in _objects(sent, "addresses")[:1]:
        values |= {field: _text(address, name) for field, name in _ADDRESS.items()}
    for custom in _objects(sent, "custom_fields"):
        values[f"{CUSTOM_PREFIX}{_text(custom, 'name')}"] = _text(custom, "value")
    return {name: value for name, value in values.items() if value is not None}


def _list_id(sent: Mapping[str, Any]) -> str:
    """As text; old clients send numbers."""
    list_id = sent.get("id")
    if isinstance(list_id, bool) or not isinstance(list_id, str | int):
        raise ProblemError(Kind.INVALID, "lists: the id of each must be a text.")
    return str(list_id) if isinstance(list_id, str) or 0 <= list_id < 10**9 else ""


def _objects(sent: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = sent.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise ProblemError(Kind.INVALID, f"{name} must be an array.")
    return [_an_object(each, f"Each of {name}") for each in found]


def _an_object(sent: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(sent, dict):
        raise ProblemError(Kind.INVALID, f"{what} must be an object.")
    return sent


def _text(sent: Mapping[str, Any], name: str) -> str | None:
    """A text, None where there is none; null empties."""
    if name not in sent:
        return None
    found = sent[name]
    if found is None:
        return ""
    if not isinstance(found, str):
        raise ProblemError(Kind.INVALID, f"{name} must be a text.")
    return found
