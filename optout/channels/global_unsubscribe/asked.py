"""A global request, understood: whose door, which addresses, for which product and website. Nothing is decided here (S1.4–S1.19)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from django.http import HttpRequest

from lists.global_unsubscribe import FormSnapshot, GlobalDoor
from lists.lookup import get_list_by_id
from optout.addresses import decode_query
from optout.choices import Assurance, Channel
from optout.evidence import Evidence
from optout.given import Given
from optout.global_requests import Reported
from optout.intents import OptOutIntent, intent_for
from optout.visits import Visit

type ResponseType = Literal["api", "html"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `visit` is about the realm's Do Not Mail, with the door's servers as its whitelist.

    `email` and `phone` are what was given for each. `product_number`, `website`, `publisher` and `form` are what the report
    says: 0, empty or None where there is nothing. `custom` are the values of the three custom fields. `fields` are those that the
    form shows, in order, by the names of their parameters; `labels` has one for each custom field among them.
    """

    door: GlobalDoor
    visit: Visit
    response_type: ResponseType
    email: Given
    phone: Given
    custom: tuple[str, str, str]
    product_number: int
    website: str
    publisher: str
    form: FormSnapshot | None
    fields: tuple[str, ...]
    labels: Mapping[str, str]
    # Two values for one parameter: acting on either might be wrong.
    is_contradictory: bool = False

    @property
    def has_address(self) -> bool:
        """Whether one of the two can be used."""
        return self.email.address is not None or self.phone.address is not None

    def intents(self, channel: Channel, assurance: Assurance, **extra: str) -> list[OptOutIntent]:
        """What to record: one intent for each usable address, the first with the line of the report; `extra` goes into the
        evidence. Never empty when `has_address`."""
        addresses = [each.address for each in (self.email, self.phone) if each.address is not None]
        target = get_list_by_id(self.door.list_of(self.product_number)) or self.visit.optout_list
        agent = self.visit.request.META.get("HTTP_USER_AGENT")
        report = self._report()
        intents = [
            intent_for(
                target,
                address,
                channel=channel,
                assurance=assurance,
                requested_at=self.visit.now,
                evidence=Evidence.of(self.visit.ip, agent, **_sent(report), **extra),
            )
            for address in addresses
        ]
        first, *others = intents
        # `also`: the same request's other address, so that the chart counts requests
        return [
            replace(first, report=report),
            *(replace(each, evidence=each.evidence.adding(also=True)) for each in others),
        ]

    def _report(self) -> Reported:
        custom1, custom2, custom3 = self.custom
        return Reported(
            realm_id=self.door.realm_id,
            email=self.email.address.key if self.email.address else "",
            phone=self.phone.address.key if self.phone.address else "",
            website=self.website,
            product_number=self.product_number,
            publisher=self.publisher,
            form=self.form.uuid if self.form else "",
            custom1=custom1,
            custom2=custom2,
            custom3=custom3,
        )


def wants_api(request: HttpRequest) -> bool:
    """Whether the caller waits for one character and not for a page: told from the URL alone, before anything else is read."""
    query = decode_query(request.META.get("QUERY_STRING", ""))
    return any(value.strip().lower() == "api" for value in query.get("responseType", ()))


def read_asked(visit: Visit, door: GlobalDoor) -> Asked:
    """Read the parameters of a request, in the URL and the body."""
    raise NotImplementedError


def _sent(report: Reported) -> dict[str, str | int]:
    """What the ledger keeps of a request besides its address; the chart reads `product`."""
    values = {
        "product": report.product_number,
        "website": report.website,
        "publisher": report.publisher,
        "uuid": report.form,
        "custom1": report.custom1,
        "custom2": report.custom2,
        "custom3": report.custom3,
    }
    return {name: value for name, value in values.items() if value}
