"""What somebody pressed on a done page: one of its buttons, or nothing that it has, which changes nothing (pages.md).

Each button sends one field, and no other: whatever else comes was not sent by our page, and must not be taken for its Undo.
"""

from dataclasses import dataclass

from optout.visits import Visit, has_too_many_form_fields

UNDO = "undo"
REASON = "reason"
LANGUAGE = "lang"


@dataclass(frozen=True, slots=True)
class Pressed:
    """The button by the name of its field, with what it sends; or the status to refuse the POST with."""

    button: str = ""
    value: str = ""
    refuse_status: int = 0


def read_pressed(visit: Visit) -> Pressed:
    """What a POST to a done page asks for. An empty one is Undo, too, whose button had no name once."""
    if visit.is_foreign:
        return Pressed(refuse_status=403)
    if not visit.body:
        return Pressed(UNDO)
    if len(visit.form) != 1 or has_too_many_form_fields(visit.request, visit.body):
        return Pressed(refuse_status=400)
    ((name, values),) = visit.form.items()
    is_ours = name in {REASON, LANGUAGE} or (name == UNDO and not any(values))
    if not is_ours or len(set(values)) > 1:
        return Pressed(refuse_status=400)
    return Pressed(name, values[0])
