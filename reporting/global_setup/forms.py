"""Forms of Project Settings › Global: the switch and who may use it, products, publishers."""

import re
from collections.abc import Collection
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lists.forms import ask_kindly, keep_to_one_line
from lists.global_unsubscribe import LARGEST_PRODUCT
from lists.models import GlobalUnsubscribe, List, Product, Publisher
from lists.realm_hosts import FixedHostError, HostsError, parse_hosts
from optout.channels.global_unsubscribe.values import clean_publisher
from reporting.forms_lists import WhitelistField
from reporting.global_setup.state import say_requests

OPTION = "Unsubscribe API & Reporting"  # exactly so (S1.3)

_ON_HELP = _(
    "On: your websites can send requests, each one opts the person out and stands in the report. Off: every request is answered "
    "with 404, and the report is hidden. Nothing that was recorded is lost."
)
_HOSTS_HELP = _(
    "Host names that lead to this realm, one a line or separated by commas, such as unsubscribe.example.com. Point each of "
    "them to this server first. A host name belongs to one realm."
)
_SERVERS_HELP = _(
    "IP addresses and networks of publishers’ servers that send requests by API, separated by comma, space or new line, such as "
    "192.0.2.10, 198.51.100.0/24. They are never blocked, however many people they opt out. Everybody else may send requests "
    "too, within the limits of Do Not Mail."
)
_NUMBER_HELP = _(
    "Websites send it as productId. It cannot be changed later: it stands in the report."
)
_REFERENCE_HELP = _(
    "What this publisher’s scripts send as pubID, exactly as they write it. It cannot be changed later."
)
_LIST_HELP = _(
    "Requests for this product opt people out of this list alone. Do Not Mail: out of everything from this realm."
)
_ACTIVE_HELP = _("Off: requests that name it count as product 0 and go to Do Not Mail.")
_DIGITS = re.compile(r"0*([1-9][0-9]{0,9})")  # ASCII: what the door reads


class HostsField(forms.CharField):
    """Host names, shown one a line; its value is the list of them, in lower case."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        try:
            return parse_hosts(super().clean(value))
        except HostsError as error:
            raise ValidationError(str(error)) from error


class GlobalSettingsForm(forms.Form):
    """The Unsubscribe tab. Before it was ever on there is the option alone. `values()` goes to change_global_unsubscribe.

    Switching off what is in use, or taking a host name from it, is asked for twice: `requests` is how many came in the last seven
    days. `fixed_hosts` cannot be taken away.
    """

    is_on = forms.BooleanField(label=OPTION, help_text=_ON_HELP, required=False)
    confirm_off = forms.BooleanField(label=_("Switch it off all the same"), required=False)
    confirm_hosts = forms.BooleanField(label=_("Take away all the same"), required=False)
    hosts = HostsField(
        label=_("Host names"),
        help_text=_HOSTS_HELP,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"}),
    )
    server_ips = WhitelistField(
        label=_("Publishers’ servers"),
        help_text=_SERVERS_HELP,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "mono", "spellcheck": "false"}),
    )

    def __init__(
        self,
        *args: Any,
        door: GlobalUnsubscribe | None,
        hosts: list[str],
        requests: int,
        your_ip: str,
        fixed_hosts: Collection[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._requests = requests
        self._was_on = door is not None and door.is_on
        self._had, self._fixed = hosts, fixed_hosts
        if door is None:
            for name in ("confirm_off", "confirm_hosts", "hosts", "server_ips"):
                del self.fields[name]
            return
        self.initial = {"is_on": door.is_on, "hosts": hosts, "server_ips": door.server_ips}
        if your_ip:
            yours = gettext("Your IP as we see it: %(ip)s.") % {"ip": your_ip}
            self.fields["server_ips"].help_text = f"{_SERVERS_HELP} {yours}"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        is_asked = self._was_on and not cleaned.get("is_on") and self._requests > 0
        if is_asked and not cleaned.get("confirm_off"):
            self.add_error(
                "confirm_off",
                gettext(
                    "%(requests)s. Once it is off, the next ones are answered with 404: people press Unsubscribe, and nothing "
                    "happens. Tick the box if that is what you want."
                )
                % {"requests": say_requests(self._requests)},
            )
        if "hosts" in cleaned:
            self._check_taken_away([each for each in self._had if each not in cleaned["hosts"]])
        return cleaned

    def _check_taken_away(self, gone: list[str]) -> None:
        fixed = next((host for host in gone if host in self._fixed), None)
        if fixed is not None:
            self.add_error("hosts", str(FixedHostError(fixed)))
        elif gone and self._requests > 0 and not self.cleaned_data.get("confirm_hosts"):
            self.add_error(
                "confirm_hosts",
                gettext(
                    "%(requests)s, by whatever name. What is sent to %(hosts)s may then reach another realm, or none. Tick the "
                    "box if no website uses that any more."
                )
                % {"requests": say_requests(self._requests), "hosts": ", ".join(gone)},
            )

    @property
    def asks_twice(self) -> bool:
        """Whether to show the box beside the option."""
        return "confirm_off" in self.errors

    @property
    def asks_twice_for_hosts(self) -> bool:
        """Whether to show the box beside the host names."""
        return "confirm_hosts" in self.errors

    def values(self) -> dict[str, Any]:
        """{field: value} of a valid form."""
        names = ("is_on", "hosts", "server_ips")
        return {name: self.cleaned_data[name] for name in names if name in self.cleaned_data}


class ProductNumberField(forms.CharField):
    """A productId; its value is an int. Not an IntegerField, which takes `٣` and `1_000`; without maxlength, which would cut."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"inputmode": "numeric", "autocomplete": "off", "class": "short"}
        super().__init__(widget=forms.TextInput(attrs=attrs), **kwargs)

    def clean(self, value: Any) -> int:
        digits = _DIGITS.fullmatch(str(super().clean(value)))
        if digits is None or int(digits[1]) > LARGEST_PRODUCT:
            raise ValidationError(
                gettext("Write a whole number from 1 to %(largest)d, in digits alone.")
                % {"largest": LARGEST_PRODUCT}
            )
        return int(digits[1])


class ListChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A list of the realm, by its number and name; closed ones say so."""

    def label_from_instance(self, obj: List) -> str:
        if obj.is_global:
            return obj.name
        named = f"{obj.number} – {obj.name}"
        return gettext("%(list)s (closed)") % {"list": named} if obj.closed_at else named


class ProductForm(forms.Form):
    """A product; its number only while it is new. `values()` goes to make_product or change_product."""

    number = ProductNumberField(
        label=_("Product ID"),
        help_text=_NUMBER_HELP,
        error_messages={"required": _("Enter the product ID.")},
    )
    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("For you and your colleagues, in the report.")
    )
    optout_list = ListChoice(queryset=List.objects.none(), label=_("List"), help_text=_LIST_HELP)
    is_active = forms.BooleanField(label=_("Active"), help_text=_ACTIVE_HELP, required=False)

    def __init__(
        self,
        *args: Any,
        lists: QuerySet[List],
        product: Product | None = None,
        next_number: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["optout_list"]
        choice.queryset, choice.empty_label = lists, None  # type: ignore[attr-defined]
        if product is None:
            del self.fields["is_active"]
            self.initial = {"number": next_number}
        else:
            del self.fields["number"]
            self.initial = {
                name: getattr(product, name) for name in ("name", "optout_list", "is_active")
            }
        keep_to_one_line(self)
        ask_kindly(self)

    def values(self) -> dict[str, Any]:
        """{field of the product: value} of a valid form."""
        return dict(self.cleaned_data)


class PublisherForm(forms.Form):
    """A publisher; its reference only while it is new. `values()` goes to make_publisher or change_publisher."""

    reference = forms.CharField(
        label=_("Publisher ID"),
        max_length=60,
        help_text=_REFERENCE_HELP,
        widget=forms.TextInput(
            attrs={"class": "mono", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("The report shows it beside the ID.")
    )

    def __init__(self, *args: Any, publisher: Publisher | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if publisher is not None:
            del self.fields["reference"]
            self.initial = {"name": publisher.name}
        keep_to_one_line(self)
        ask_kindly(self)

    def clean_reference(self) -> str:
        """As the door reads it, so that the report finds the name."""
        reference = clean_publisher(str(self.cleaned_data["reference"]))
        if not reference:
            raise ValidationError(self.fields["reference"].error_messages["required"])
        return reference

    def values(self) -> dict[str, Any]:
        """{field of the publisher: value} of a valid form."""
        return dict(self.cleaned_data)
