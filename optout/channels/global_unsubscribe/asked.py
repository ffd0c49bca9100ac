"""A global request, understood: whose door, which addresses, for what. Nothing is decided here (S1.4–S1.19)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from lists.global_unsubscribe import (
    CUSTOM_FIELDS,
    EMAIL,
    PHONE,
    FormSnapshot,
    GlobalDoor,
    find_form,
)
from lists.lookup import get_list_by_id
from optout.channels.global_unsubscribe import parameters as names
from optout.channels.global_unsubscribe.parameters import Parameters, read_parameters
from optout.channels.global_unsubscribe.shown import shown_fields
from optout.channels.global_unsubscribe.values import clean_publisher, clean_website
from optout.choices import Assurance, Channel
from optout.evidence import Evidence
from optout.given import NOTHING, Given, contradiction, read_given
from optout.global_requests import GlobalRequest
from optout.intents import OptOutIntent, global_intents
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
        return global_intents(
            target,
            addresses,
            self._global_request(),
            channel=channel,
            assurance=assurance,
            requested_at=self.visit.now,
            evidence=Evidence.of(self.visit.ip, agent, **extra),
        )

    def _global_request(self) -> GlobalRequest:
        custom1, custom2, custom3 = self.custom
        return GlobalRequest(
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


def read_asked(visit: Visit, door: GlobalDoor) -> Asked:
    """Read the parameters of a request, in the URL and the body."""
    parameters = read_parameters(visit)
    uuid = parameters.text(names.FORM)
    form = find_form(door.realm_id, uuid) if uuid else None
    shown = shown_fields(parameters, form)
    # the API has no form: what the list of fields leaves out was given all the same (S1.5)
    read = (EMAIL, PHONE) if parameters.is_api else tuple(shown)
    email = _given(visit, parameters, "email", EMAIL) if EMAIL in read else NOTHING
    phone = _given(visit, parameters, "phone", PHONE) if PHONE in read else NOTHING
    custom1, custom2, custom3 = (parameters.text(name) for name in CUSTOM_FIELDS)
    return Asked(
        door=door,
        visit=visit,
        response_type="api" if parameters.is_api else "html",
        email=email,
        phone=phone,
        custom=(custom1, custom2, custom3),
        product_number=_product(parameters, form, door),
        website=parameters.text(names.WEBSITE) or clean_website(form.website if form else ""),
        publisher=(clean_publisher(form.publisher) if form else parameters.text(names.PUBLISHER)),
        form=form,
        fields=tuple(shown),
        labels={name: label for name, label in shown.items() if label},
        is_contradictory=bool(parameters.contradictory)
        or parameters.is_cut
        or _contradicts(email, phone),
    )


def _given(visit: Visit, parameters: Parameters, kind: str, name: str) -> Given:
    """What was sent for the one or the other. An unusable value beside another one: nobody can tell which was meant."""
    given = parameters.sent.get(name, ())
    read = read_given({kind: given}, visit.optout_list)
    if read.error is None or len({each.strip() for each in given}) < 2:
        return read
    return replace(read, error=contradiction())


def _contradicts(*given: Given) -> bool:
    return any(each.error is not None and each.error.code == "repeated" for each in given)


def _product(parameters: Parameters, form: FormSnapshot | None, door: GlobalDoor) -> int:
    """The product that is named, by the URL or else by the stored form; 0 where the realm has no such one (S1.15)."""
    named = parameters.text(names.PRODUCT)
    number = int(named) if named else form.product_number if form else 0
    return number if number in door.products else 0
