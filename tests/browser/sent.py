"""Messages of the Send editor, each in a state of its own, for the screens that every test of looks opens."""

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page

from lists.models import List, User
from reporting.models import RecipientState, TextState
from tests import make

SENDING, WAITING, STOPPED = "a" * 16, "b" * 16, "c" * 16
_TEXT = "Räumungsverkauf – 20 % auf Gartenschläuche, Gießkannen und Donaudampfschifffahrtsgesellschaftsmützen! {optout}"


def set_up_messages(letters: List, admin: User) -> None:
    """Phones on the list, one of them out, and four messages."""
    now = timezone.now()
    for number in range(40):
        make.make_contact(letters.realm, f"+1415555{1000 + number}", letters)
    make.make_optout(letters, "+14155551000")
    make.make_subscription(letters, "+14155551000")
    half = b"\x80" + b"\0" * 15
    figures = {"sent": 123_456, "refused": 1_204, "unknown": 1, "made_by": admin, "after": half}
    for public_id, fields in (
        (SENDING, {}),
        (WAITING, {"rests_until": now + timedelta(hours=1)}),
        (STOPPED, {"state": TextState.STOPPED, "finished_at": now}),
    ):
        message = make.make_text_message(
            letters, _TEXT, public_id=public_id, created_at=now, **{**figures, **fields}
        )
        for digest, state in ((b"1", RecipientState.REFUSED), (b"2", RecipientState.UNKNOWN)):
            message.recipients.create(
                digest=digest * 16, number="+14155551001", state=state, at=now
            )
    make.make_text_message(
        letters.realm, "Your parcel is here.", state=TextState.DONE, sent=1, created_at=now
    )


def write(page: Page, letters: List) -> None:
    """A message to the list, as far as the page that asks once more."""
    page.goto("/manage/send/")
    page.get_by_label("Select List").select_option(letters.public_id)
    page.get_by_label("Message", exact=True).fill(_TEXT)
