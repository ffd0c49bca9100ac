"""The one recipient's own link: opening it shows, the button acts; never limited, never expired (S0.12, AT-09)."""

from django.http import HttpResponse

from optout import screens
from optout.actions import record_optouts
from optout.addresses import Address, mask
from optout.choices import Assurance, Channel
from optout.guard import check_form
from optout.pages import render_page
from optout.queries import find_suppressions
from optout.visits import Visit


def show(visit: Visit, recipient: Address) -> HttpResponse:
    """The confirm page; or since when the address is out, which only this link may tell."""
    found = find_suppressions(visit.optout_list.id, recipient.key)
    if not found:
        return screens.ask(visit)
    return render_page(
        "already",
        visit.optout_list,
        visit.reading,
        link_query={},
        address=mask(recipient.key),
        since=found[0].suppressed_at,
        all_stopped=any(each.is_global for each in found),
    )


def record_form(visit: Visit, recipient: Address) -> HttpResponse:
    """The confirm page's button."""
    guarded = check_form(visit)
    if guarded.refuse_status:
        return screens.ask_again(visit, guarded.refuse_status)
    intents = screens.form_intents(visit, recipient, Channel.SIGNED_LINK, Assurance.SIGNED)
    return screens.see_done(visit, record_optouts(intents), Assurance.SIGNED, recipient.digest)
