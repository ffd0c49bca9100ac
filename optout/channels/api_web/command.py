"""A command whose caller has proved who it is: what the handlers are given."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from lists.api_auth import ApiCaller
from lists.lookup import ListSnapshot, get_list_by_number
from lists.networks import IpAddress
from optout.channels.api_web.lines import NOT_YOUR_LIST, CommandError
from optout.evidence import Evidence

# What a handler gives back: the whole answer, or the pieces of one that may be long.
type Answer = str | Iterator[bytes]

_NUMBER = re.compile(
    r"[0-9]{1,9}"
)  # ASCII, and what the column can hold; `٣` and 20 digits are no list


@dataclass(frozen=True, slots=True)
class Command:
    """What was asked, by whom, from where. `parameters` have the names of `parameters.Sent.all`."""

    name: str
    parameters: Mapping[str, str]
    caller: ApiCaller
    ip: IpAddress | None
    agent: str
    now: datetime

    def text(self, name: str) -> str:
        """A parameter without the spaces around it; empty when it was not given."""
        return self.parameters.get(name, "").strip()

    def required(self, name: str) -> str:
        """The same for one that must be given. Raises CommandError."""
        text = self.text(name)
        if not text:
            raise CommandError(f"The parameter {name} is required")
        return text

    def flag(self, name: str) -> bool:
        """A switch: `1` or `0`, and `0` when it was not given. Raises CommandError."""
        text = self.text(name)
        if text not in {"", "0", "1"}:
            raise CommandError(f"The parameter {name} must be 0 or 1")
        return text == "1"

    def optout_list(self) -> ListSnapshot:
        """The realm's list with the number `list_id`; 0 is Do Not Mail. Raises CommandError."""
        text = self.required("list_id")
        found = (
            get_list_by_number(self.caller.realm_id, int(text)) if _NUMBER.fullmatch(text) else None
        )
        if found is None:
            raise CommandError(NOT_YOUR_LIST)
        return found

    def evidence(self) -> Evidence:
        """What proves it: the caller's IP and program, and which of the realm's passwords it knew."""
        return Evidence.of(self.ip, self.agent, credential=self.caller.credential_id)
