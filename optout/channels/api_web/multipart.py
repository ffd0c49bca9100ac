"""Reading multipart/form-data by what it looks like, within the limits of `api_web`.

Django's parser takes the boundary from the content type, which scripts get wrong, puts a part with a file name aside, and
reads on when the end is missing: here the half of a batch must not pass for the whole.
"""

import re

from optout.channels.api_web.lines import CommandError

_LONGEST_HEAD = 2_000  # bytes of a part's headers

_FIRST_LINE = re.compile(rb"(--[^\r\n]{1,200}+)(\r?\n)")
_NAME = re.compile(
    rb"^content-disposition:[^\r\n]*?[;\s]name=(?:\"([^\"\r\n]*)\"|([^;\s]*))",
    re.IGNORECASE | re.MULTILINE,
)
_ENCODED = re.compile(
    rb"^content-transfer-encoding:\s*(?:base64|quoted-printable)", re.IGNORECASE | re.MULTILINE
)

_UNREADABLE = "The multipart body cannot be read"
_TOO_MANY = "There are too many parameters"
_CUT_OFF = "The multipart body has no end"


def is_multipart(body: bytes) -> bool:
    """Whether it begins like one; nothing url-encoded begins with two hyphens and has that header."""
    return body.startswith(b"--") and b"content-disposition:" in body[:_LONGEST_HEAD].lower()


def read_multipart(body: bytes, most: int) -> list[tuple[str, bytes]]:
    """Name and content of each part, also of those that curl's `-F data=@file` marks as a file. Raises CommandError."""
    begin = _FIRST_LINE.match(body)
    if begin is None:
        raise CommandError(_UNREADABLE)
    line, newline = begin.groups()  # scripts that write it themselves end lines with \n alone
    boundary = line.rstrip(b" \t")
    _before, *parts, end = (newline + body).split(newline + boundary, most + 1)
    if not end.startswith(b"--") and end.strip():  # some leave out the two hyphens, none the line
        raise CommandError(_TOO_MANY if len(parts) == most else _CUT_OFF)
    return [_read_part(part, newline) for part in parts]


def _read_part(part: bytes, newline: bytes) -> tuple[str, bytes]:
    rest, blank_line, content = part.partition(newline * 2)
    padding, line_end, head = rest.partition(newline)
    if not blank_line or not line_end or padding.strip() or len(head) > _LONGEST_HEAD:
        raise CommandError(_UNREADABLE)
    name = _NAME.search(head)
    if name is None or _ENCODED.search(head):
        raise CommandError(_UNREADABLE)
    return (name[1] or name[2] or b"").decode("latin-1"), content
