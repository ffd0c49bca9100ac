"""The direct link: the page's address with the recipient's address filled in, opened by a person (S0.6, S0.11).

Mail scanners open links too, so the list's mode decides whether opening it is enough.
"""

from django.http import HttpResponse

from lists.choices import DirectLinkMode
from optout import screens
from optout.actions import record_optout
from optout.choices import Assurance, Channel, Traffic
from optout.guard import Tap, admit
from optout.limits import Admission
from optout.visits import Visit


def answer(visit: Visit) -> HttpResponse:
    """A person's GET: the confirm page, or on an instant list the opt-out itself with its Undo."""
    address = visit.linked.address
    if address is None or visit.optout_list.direct_link_mode != DirectLinkMode.INSTANT:
        return screens.ask(visit)
    intent = visit.intent(address, Channel.DIRECT_LINK, Assurance.PREFILLED)

    judgement = admit(visit, Traffic.DIRECT, [intent], Tap.POSSIBLE)
    if judgement.admission is Admission.CONFIRM:
        return screens.ask(visit)
    if judgement.admission is Admission.REFUSE:
        return screens.refuse(visit, judgement)
    recorded = record_optout(intent)
    return screens.see_done(visit, [recorded], Assurance.PREFILLED, address.digest)
