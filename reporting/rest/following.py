"""Programs that run for ever, in curl, Python, PHP and Node: one follows the change feed, one keeps a copy of what is suppressed.

Both are made of the same parts: `call` asks once, `ask` until there is a whole answer, `follow` goes from cursor to cursor. The
Service page gives out those parts, too. Whatever a proxy answers instead of us, a cursor is only given up for the next one.

HEED_PAUSE is how many seconds a program waits at least before it asks again; the tests set it to 0.
"""

from reporting.rest import following_curl, following_node, following_php, following_python
from reporting.snippets import fill

_PARTS = {
    "curl": following_curl,
    "python": following_python,
    "php": following_php,
    "node": following_node,
}


def following(api: str) -> dict[str, str]:
    """The programs that follow all changes, for the API at that URL."""
    return {
        language: fill(_joined(language, parts.CALLING, parts.FOLLOWING), API=api, FILTER="")
        for language, parts in _PARTS.items()
    }


def copying(api: str, number: int) -> dict[str, str]:
    """Those that keep a copy of what is suppressed for the list of that number."""
    return calling_with({name: each.COPYING for name, each in _PARTS.items()}, api, number)


def asking_copy(number: int) -> dict[str, str]:
    """Those that ask the copy whether an address may be mailed."""
    return {
        language: fill(parts.ASKING_COPY, NUMBER=str(number)) for language, parts in _PARTS.items()
    }


def calling_with(endings: dict[str, str], api: str, number: int) -> dict[str, str]:
    """Programs of other functions that `call`, for the list of that number; they can `follow` as well."""
    return {
        language: fill(
            _joined(language, _PARTS[language].CALLING, ending),
            API=api,
            NUMBER=str(number),
            FILTER=filter_of(number),
        )
        for language, ending in endings.items()
    }


def filter_of(number: int) -> str:
    """Parameters of the feed: whoever mails a list heeds its opt-outs and those of Do Not Mail."""
    return f"list={number}&list=0&" if number else "list=0&"


def _joined(language: str, *parts: str) -> str:
    """One program, with the space between its functions that is usual in its language."""
    return ("\n\n\n" if language == "python" else "\n\n").join(parts)
