"""The two ways into the Global Unsubscribe in the Service page's test: as a website's script and as a reader of its form."""

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from lists.choices import ListKind
from lists.models import List
from optout.addresses import Address
from optout.choices import Channel, Medium
from optout.global_requests import GlobalRequest
from optout.limits import unblock_network
from optout.reverting import forget_lines_of
from reporting.global_setup.for_list import GlobalForList
from reporting.rehearsal_calls import BROWSER, SCRIPT, TEST_IP, Answer, call, submit


class GlobalRehearsal:
    """Requests for a list through its realm's door; `run` makes the website that they name, and so their lines in the report,
    this test's own."""

    def __init__(self, door: GlobalForList, run: str) -> None:
        self._door = door
        self._website = f"test-{run}.heed.invalid"
        self._do_not_mail = List.objects.get(realm=door.realm_id, kind=ListKind.GLOBAL)

    def try_api(self, address: Address) -> tuple[str | Promise, str, str]:
        """A website's script sends the address."""
        request = {"responseType": "api", **self._about, _parameter(address): address.key}
        body = urlencode(request, quote_via=quote).encode()
        answer = call("POST", self._door.url, SCRIPT, body=body)
        said = answer.body if answer.status == 200 else f"{answer.status}, {answer.body}"
        return Channel.GLOBAL_API.label, f"responseType=api{self._named}", said

    def try_form(self, address: Address) -> tuple[str | Promise, str | Promise, Answer]:
        """Somebody follows a website's link and fills in the form."""
        asked = {**self._about, "fields": _parameter(address)}
        url = f"{self._door.url}?{urlencode(asked)}"
        shown = call("GET", url, BROWSER)
        answer = submit(self._do_not_mail.pk, address.key, url, shown)
        return (
            Channel.GLOBAL_FORM.label,
            format_lazy("{}{}", _("The form, filled in and sent"), self._named),
            answer,
        )

    def clean_up(self, addresses: Sequence[Address]) -> None:
        """Take these addresses' lines out of the report, and the test's network out of the counts, which are Do Not Mail's."""
        forget_lines_of([self._line(address) for address in addresses])
        unblock_network(self._do_not_mail, f"{TEST_IP}/32")

    @property
    def _about(self) -> dict[str, str]:
        product = self._door.product_number
        return {"website": self._website, **({"productId": str(product)} if product else {})}

    @property
    def _named(self) -> str:
        product = self._door.product_number
        return f", productId={product}" if product else ""

    def _line(self, address: Address) -> GlobalRequest:
        is_phone = address.medium == Medium.SMS
        return GlobalRequest(
            self._door.realm_id,
            email="" if is_phone else address.key,
            phone=address.key if is_phone else "",
            website=self._website,
            product_number=self._door.product_number,
        )


def _parameter(address: Address) -> str:
    return "phoneNumber" if address.medium == Medium.SMS else "email"
