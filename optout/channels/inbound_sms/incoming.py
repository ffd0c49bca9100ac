"""What a gateway passed on, whatever its format; and why a call is refused."""

from dataclasses import dataclass

from optout.choices import Meaning


class RefusedError(Exception):
    """Nothing was done: `status` is the answer, and `str(error)` says why, with nothing of what was sent."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Incoming:
    """One text message, as its gateway wrote it: any text at all may stand in it.

    `name`: what the gateway calls it, empty where it says nothing. `meaning`: what the gateway itself has made of it, if that is
    something we know. `is_answered`: it has made something of it, and so answered the person.
    """

    sender: str
    texted: str
    text: str
    name: str = ""
    meaning: Meaning | None = None
    is_answered: bool = False
