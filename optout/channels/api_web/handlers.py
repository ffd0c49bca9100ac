"""Which words are commands, and who carries them out. Whatever is not here is not known (S4.9)."""

from collections.abc import Callable, Mapping

from optout.channels.api_web import removing, showing, subscribing
from optout.channels.api_web.command import Answer, Command

HANDLERS: Mapping[str, Callable[[Command], Answer]] = {
    "unsub": removing.unsubscribe,
    "unsubscribe": removing.unsubscribe,
    "delete": removing.delete,
    "sub": subscribing.subscribe,
    "subscribe": subscribing.subscribe,
    "update": subscribing.update,
    "change": subscribing.change,
    "find": showing.find,
    "findinlist": showing.find_in_list,
    "detail": showing.detail,
    "show_lists": showing.show_lists,
    "show_opt": showing.show_optouts,
    "show_optout": showing.show_optouts,
    "show_optglobal": showing.show_global_optouts,
}


def asks_for_optout(command: Command) -> bool:
    """Whether the answer says in `Optout-Status` what became of an opt-out: leaving a list without a record is none."""
    if command.name in {"unsub", "unsubscribe"}:
        return command.flag("optout")
    return command.name == "delete"
