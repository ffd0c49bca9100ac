"""Forms of a realm's API settings: the rules of its programs' calls, and a password brought along."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lists.credentials import LONGEST, SHORTEST, UnusablePasswordError, require_usable
from lists.models import Realm
from reporting.forms_lists import WhitelistField

_POST_HELP = _(
    "Recommended. With GET the password stands in the URL, and URLs end up in the logs of every server on the way. (Heed "
    "keeps them out of its own.) Commands by GET are then answered with FAILURE; send the parameters in the body of a POST."
)
_IPS_HELP = _(
    "IP addresses and networks, separated by comma, space or new line, such as 192.0.2.10, 198.51.100.0/24. A command "
    "from anywhere else is answered as if its password were wrong, and a call with an API key is refused with 403. Empty: from "
    "everywhere."
)
_KEY_HELP = _(
    "For realms that number their contacts themselves. Commands about contacts must then give a customer_key beside each "
    "email address: without that field the command fails, and where the two do not belong together, that record fails. "
    "Opt-outs by page and link need none."
)
_OWN_HELP = format_lazy(
    _(
        "{shortest} to {longest} characters, exactly as the scripts send it. Short ones are weak: wrong tries are limited for "
        "each network by itself, so somebody with many networks has many tries, and a short password needs few."
    ),
    shortest=SHORTEST,
    longest=LONGEST,
)


class CallsForm(forms.Form):
    """What holds for every command of a realm. `values()` of a valid one goes to change_realm."""

    refuses_get = forms.BooleanField(
        label=_("Accept commands by POST only"), help_text=_POST_HELP, required=False
    )
    approved_ips = WhitelistField(
        label=_("Approved IPs"),
        help_text=_IPS_HELP,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "mono", "spellcheck": "false"}),
    )
    uses_customer_key = forms.BooleanField(
        label=_("Ask for the customer key"), help_text=_KEY_HELP, required=False
    )

    def __init__(self, *args: Any, realm: Realm, your_ip: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {name: getattr(realm, name) for name in self.fields}
        if your_ip:
            yours = gettext("Your IP as we see it: %(ip)s.") % {"ip": your_ip}
            self.fields["approved_ips"].help_text = f"{_IPS_HELP} {yours}"

    def values(self) -> dict[str, Any]:
        """{field of the realm: value}."""
        return dict(self.cleaned_data)


class OwnPasswordForm(forms.Form):
    """The password that old scripts send. It is never written back into the page.

    Without maxlength, which would cut what is pasted in silence.
    """

    password = forms.CharField(
        label=_("Password"),
        help_text=_OWN_HELP,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Type the password that your scripts send.")},
    )

    def clean_password(self) -> str:
        text = str(self.cleaned_data["password"])
        try:
            require_usable(text)
        except UnusablePasswordError as error:
            raise ValidationError(error.reason) from None
        return text
