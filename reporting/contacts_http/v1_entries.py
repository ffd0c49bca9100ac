"""Reading the entries that v1 clients send: XML without document types, and so without entities, of a bounded size."""

from collections.abc import Mapping
from xml.parsers.expat import ExpatError, ParserCreate

from lists.contacts import known_fields
from optout.channels.rest.problems import Kind, ProblemError
from reporting.contacts_http.v1_atom import CUSTOM_FIELDS, ELEMENTS
from reporting.contacts_http.writing import Sent

LARGEST = 256 * 1024  # bytes of a body: a contact with every field full is a tenth of it
DEEPEST = 32
MOST_ELEMENTS = 5_000

# Only for what has no such element of its own
_STAND_INS = {"StateName": "state", "WorkPhone": "phone"}
_FIELDS = {name: field for field, name in ELEMENTS.items()} | {
    f"CustomField{number}": f"custom_CustomField{number}" for number in range(1, CUSTOM_FIELDS + 1)
}


def read_entry(body: bytes, content_type: str) -> Sent:
    """The contact in an Atom entry. Raises ProblemError 400, 413, 415."""
    kind = content_type.lower()
    if not (kind.endswith("+xml") or kind in {"application/xml", "text/xml"}):
        raise ProblemError(Kind.UNSUPPORTED, "Send an Atom entry, as application/atom+xml.")
    if len(body) > LARGEST:
        raise ProblemError(Kind.TOO_LARGE, "The entry is too large.")
    reader = _Reader()
    try:
        reader.read(body)
    except (ExpatError, ValueError, LookupError):
        raise ProblemError(Kind.MALFORMED, "The entry cannot be read.") from None
    if reader.contacts != 1:
        raise ProblemError(Kind.MALFORMED, "The entry must hold one Contact.")
    fields = known_fields(_named(reader.texts))
    if fields is None:
        raise ProblemError(Kind.INVALID, "One of the fields is too long.")
    email = reader.texts.get("EmailAddress", "").strip()
    return Sent(email or None, reader.list_ids, fields)


def _named(texts: Mapping[str, str]) -> dict[str, str]:
    values = {_FIELDS[name]: text for name, text in texts.items() if name in _FIELDS}
    for name, field in _STAND_INS.items():
        if text := texts.get(name, "").strip():
            values[field] = values.get(field, "").strip() or text
    return values


class _Reader:
    """Collects the texts right below `Contact`, and the ids of the lists below its `ContactLists`."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.list_ids: list[str] = []
        self.contacts = 0
        self._path: list[str] = []
        self._elements = 0

    def read(self, body: bytes) -> None:
        """Raises ValueError and what expat raises."""
        parser = ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = _refuse  # without it there are no entities either
        parser.EntityDeclHandler = _refuse
        parser.Parse(body, True)

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name.rpartition(" ")[2])
        self._elements += 1
        if len(self._path) > DEEPEST or self._elements > MOST_ELEMENTS:
            raise ValueError("more than a contact has")
        if self._path[-1] == "Contact":
            self.contacts += 1
        elif self._path[-3:] == ["Contact", "ContactLists", "ContactList"]:
            self.list_ids.append(attributes.get("id", "").rstrip("/").rpartition("/")[2])
        elif self._path[-2:-1] == ["Contact"]:
            if self._path[-1] in self.texts:
                raise ValueError("said twice")
            self.texts[self._path[-1]] = ""

    def _end(self, _name: str) -> None:
        self._path.pop()

    def _text(self, text: str) -> None:
        if self._path[-2:-1] == ["Contact"]:
            self.texts[self._path[-1]] += text


def _refuse(*_: object) -> None:
    raise ValueError("a document type")
