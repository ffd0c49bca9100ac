"""What v1 answers: Atom, with the vendor's elements inside."""

import re
from collections.abc import Iterable
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

from django.conf import settings

from lists.choices import MessageFormat
from lists.models import List
from optout.choices import Origin, Reason
from reporting.contacts_http.asked import SPECIAL_NAMES, Whose
from reporting.contacts_http.members import Member, Place, Status, Summary

CONTENT_TYPE = "application/atom+xml; charset=utf-8"
ATOM = "http://www.w3.org/2005/Atom"
NAMESPACE = "http://ws.constantcontact.com/ns/1.0/"  # clients compare it

# Our fields and the elements they are shown in.
ELEMENTS = {
    "first": "FirstName",
    "last": "LastName",
    "company": "CompanyName",
    "phone": "HomePhone",
    "address_1": "Addr1",
    "address_2": "Addr2",
    "city": "City",
    "state": "StateCode",
    "country": "CountryCode",
    "zip": "PostalCode",
}
CUSTOM_FIELDS = 15
STATUS_IDS = {
    Status.ACTIVE: "active",
    Status.DO_NOT_MAIL: "do-not-mail",
    Status.REMOVED: "removed",
}
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def tag(name: str, text: str = "", **attributes: str) -> str:
    """An element with a text."""
    return block(name, escape(_NO_XML.sub(" ", text)), **attributes)


def block(name: str, *inner: str, **attributes: str) -> str:
    """An element with others in it."""
    written = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    content = "".join(inner)
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def written_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


class Writer:
    """Writes what one user's addresses answer. Ids are whole URLs, links begin at the root, as clients know them."""

    def __init__(self, user: str) -> None:
        self._root = f"/ws/customers/{user}"

    def url(self, path: str) -> str:
        return f"{settings.BASE_URL}{self._root}/{path}"

    def link(self, path: str) -> str:
        return f"{self._root}/{path}"

    def feed(
        self,
        path: str,
        title: str,
        entries: Iterable[tuple[str, datetime]],
        *,
        cursor: str | None = None,
    ) -> str:
        """A feed of entries, each with when it changed; `cursor` leads to its next page."""
        found = list(entries)
        name = path.rpartition("/")[2]
        updated = max((moment for _, moment in found), default=None)
        links = [tag("link", href=name), tag("link", href=name, rel="self")]
        if cursor is not None:
            links.append(tag("link", href=self.link(f"{path}?next={cursor}"), rel="next"))
        return _document(
            block(
                "feed",
                tag("id", self.url(path)),
                tag("title", title, type="text"),
                *links,
                block("author", tag("name", "Heed")),
                tag("updated", written_time(updated) if updated else "1970-01-01T00:00:00.000Z"),
                *(entry for entry, _ in found),
                xmlns=ATOM,
            )
        )

    def entry(
        self, path: str, title: str, updated: datetime, content: str, *, is_alone: bool = False
    ) -> str:
        """An entry of a feed, or a document by itself."""
        written = block(
            "entry",
            tag("link", href=self.link(path), rel="edit"),
            tag("id", self.url(path)),
            tag("title", title, type="text"),
            tag("updated", written_time(updated)),
            block("author", tag("name", "Heed")),
            block("content", content, type="application/vnd.ctct+xml"),
            **({"xmlns": ATOM} if is_alone else {}),
        )
        return _document(written) if is_alone else written

    def list_entry(
        self, of: List | Status, summary: Summary, *, is_alone: bool = False
    ) -> tuple[str, datetime]:
        """One of the lists, and when it changed."""
        list_id, name = list_id_of(of), list_name_of(of)
        path = f"lists/{list_id}"
        order = of.number if isinstance(of, List) else 0
        content = block(
            "ContactList",
            tag("OptInDefault", "false"),
            tag("Name", name),
            tag("ShortName", name),
            tag("DisplayOnSignup", "No"),
            tag("SortOrder", str(order)),
            tag("Members", id=self.url(f"{path}/members")),
            *([] if summary.count is None else [tag("ContactCount", str(summary.count))]),
            xmlns=NAMESPACE,
            id=self.url(path),
        )
        updated = summary.changed_at
        return self.entry(path, name, updated, content, is_alone=is_alone), updated

    def member_entry(self, member: Member) -> tuple[str, datetime]:
        """Somebody on a list, in short."""
        path = f"contacts/{member.id}"
        content = block(
            "ContactListMember",
            tag("EmailAddress", member.address),
            tag("Name", member.name),
            xmlns=NAMESPACE,
            id=self.url(path),
        )
        return self._of_member(member, content), member.changed_at

    def contact_entry(self, member: Member, *, is_alone: bool = False) -> tuple[str, datetime]:
        """All that is known of a contact."""
        content = block(
            "Contact",
            tag("Status", SPECIAL_NAMES[member.status]),
            tag("EmailAddress", member.address),
            tag("EmailType", _email_type(member)),
            tag("Name", member.name),
            *(tag(name, member.fields.get(field, "")) for field, name in ELEMENTS.items()),
            *(
                tag(f"CustomField{number}", member.fields.get(f"custom_CustomField{number}", ""))
                for number in range(1, CUSTOM_FIELDS + 1)
            ),
            block("ContactLists", *self._contact_lists(member)),
            tag("Confirmed", "false"),
            tag("InsertTime", written_time(member.created_at)),
            tag("LastUpdateTime", written_time(member.changed_at)),
            xmlns=NAMESPACE,
            id=self.url(f"contacts/{member.id}"),
        )
        return self._of_member(member, content, is_alone=is_alone), member.changed_at

    def _of_member(self, member: Member, content: str, *, is_alone: bool = False) -> str:
        title = f"Contact: {member.address}"
        path = f"contacts/{member.id}"
        return self.entry(path, title, member.changed_at, content, is_alone=is_alone)

    def _contact_lists(self, member: Member) -> Iterable[str]:
        if member.status is Status.ACTIVE:
            return [self._contact_list(place) for place in member.places]
        how = []
        if member.out_since is not None:
            is_own = member.out_since.origin in {None, Origin.RECIPIENT}
            how = [
                tag("OptOutSource", "ACTION_BY_CONTACT" if is_own else "ACTION_BY_CUSTOMER"),
                tag("OptOutDate", written_time(member.out_since.at)),
                tag("OptOutReason", str(Reason(member.out_since.reason).label)),
            ]
        return [self._on_list(STATUS_IDS[member.status], how)]

    def _contact_list(self, place: Place) -> str:
        how = [
            tag("OptInSource", "ACTION_BY_CUSTOMER"),
            tag("OptInTime", written_time(place.subscribed_at)),
        ]
        return self._on_list(str(place.number), how)

    def _on_list(self, list_id: str, how: Iterable[str]) -> str:
        path = f"lists/{list_id}"
        link = tag("link", xmlns=ATOM, href=self.link(path), rel="self")
        return block("ContactList", link, *how, id=self.url(path))


def list_id_of(of: List | Status) -> str:
    return STATUS_IDS[of] if isinstance(of, Status) else str(of.number)


def list_name_of(of: Whose) -> str:
    return SPECIAL_NAMES[of] if isinstance(of, Status) else of.name if of else ""


def _email_type(member: Member) -> str:
    formats = {place.message_format for place in member.places}
    return "Text" if formats == {MessageFormat.PLAIN_TEXT} else "HTML"


def _document(element: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{element}\n'
