"""The one-line answers: exactly one colon, which scripts split at, and no newline (S4.10–S4.16)."""

import re

BAD_CREDENTIALS = (
    "Password doesn't match entry for API user credentials in database"
    " or address isn't an approved IP"
)
NOT_YOUR_LIST = (
    "Error looking up list ids, one or more list ids specified do not belong to your realm"
)
NO_CONTACT = "unable to find subscriber record"

_SHOWN = 100  # characters of what was sent that an answer repeats
_NOT_SHOWN = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff\ufeff:]+")


class CommandError(Exception):
    """The command cannot be carried out, and nothing was changed. `reason` is said to the script: no colon, no newline."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def success(text: str) -> str:
    """The answer to a command that did something."""
    return f"SUCCESS: {text}"


def failure(reason: str) -> str:
    """The answer to a command that did nothing."""
    return f"FAILURE: {reason}"


def counted(*, done: int, text: str) -> str:
    """A counted answer: a failure when nothing was done, else a success (S4.15)."""
    return success(text) if done else failure(text)


def not_an_email(text: str) -> CommandError:
    """The reason that names what was sent, in a form that keeps the answer to one line and one colon."""
    shown = _NOT_SHOWN.sub(" ", text[:_SHOWN]).strip()
    return CommandError(f"{shown} does not appear to be a valid email address")
