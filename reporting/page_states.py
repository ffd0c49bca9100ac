"""What a hosted page can show, by the names that owners know it by, for the picker of a preview."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from optout.preview import STATES

_GROUPS: tuple[tuple[Promise, dict[str, Promise]], ...] = (
    (
        _("Unsubscribe"),
        {
            "form": _("Form"),
            "confirm": _("Question before unsubscribing"),
            "done": _("Unsubscribed"),
            "typo": _("Unsubscribed, with a likely typo"),
            "thanked": _("Thanks for the reason"),
            "undone": _("Undone"),
            "already": _("Already unsubscribed"),
        },
    ),
    (
        _("Preferences"),
        {
            "preferences": _("Preference page"),
            "ask": _("Ask for a link"),
            "ask-sent": _("Link is on its way"),
        },
    ),
    (
        _("Sign up"),
        {
            "join": _("Sign-up form"),
            "join-sent": _("Confirmation is on its way"),
            "join-confirm": _("Question before signing up"),
            "joined": _("Signed up"),
        },
    ),
    (
        _("Text messages"),
        {"texts": _("Link in a text message"), "texts-form": _("Form for a phone number")},
    ),
    (
        _("When something is wrong"),
        {
            "invalid": _("Mistyped address"),
            "broken": _("Broken link"),
            "closed": _("Closed list"),
            "too-many": _("Too many requests"),
            "outage": _("Outage"),
        },
    ),
)
_NOT_OF_DO_NOT_MAIL = frozenset({"join", "join-sent", "join-confirm", "joined", "closed"})


def state_groups(*, is_global: bool) -> list[tuple[Promise, list[tuple[str, str]]]]:
    """(name of the group, [(state, its name)]) of what the page of a list can show; Do Not Mail is neither joined nor closed."""
    left_out = _NOT_OF_DO_NOT_MAIL if is_global else frozenset()
    groups = [
        (
            group,
            [
                (key, str(name))
                for key, name in names.items()
                if key in STATES and key not in left_out
            ],
        )
        for group, names in _GROUPS
    ]
    named = {key for _group, names in _GROUPS for key in names}
    others = [(key, key.replace("-", " ").capitalize()) for key in STATES if key not in named]
    return [(group, names) for group, names in [*groups, (_("More"), others)] if names]


def known_state(sent: str) -> str:
    """That state, if there is it, else the form."""
    return sent if sent in STATES else "form"
