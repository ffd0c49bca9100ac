"""What the forms of a list say beside their fields. In the words of the portal: recipients read none of it."""

from django.utils.translation import gettext_lazy

REDIRECT_HELP = gettext_lazy(
    "Where everybody who unsubscribes is sent afterwards. Empty: they stay on our page, with the thank-you text and "
    "Undo; with an address here both are hardly seen, since readers are sent on at once. After the host name you may "
    "write {item} (the address), {list}, {lang}, {status}, and instead of the address its hash, {md5} or {sha256}."
)
WHITELIST_HELP = gettext_lazy(
    "IP addresses and networks, separated by comma, space or new line, such as 192.0.2.10, 198.51.100.0/24. Servers "
    "that call from there opt people out at once and are never blocked. As soon as there is an entry, this list can be "
    "downloaded from these addresses only. Recipients are never bound by it: they opt out from anywhere."
)
GLOBAL_WHITELIST_HELP = gettext_lazy(
    " It does not concern global requests: their servers stand under "
    "Settings › Global › Unsubscribe."
)
NEW_NUMBER_HELP = gettext_lazy(
    "Old scripts call a list by this number. Leave it empty unless a script has one already."
)
_MODE_HELP = gettext_lazy(
    "What opening a link with the address in it does. Mail scanners open every link: without asking once more they "
    "unsubscribe people who never clicked."
)
LABELS = {
    "name": gettext_lazy("Name"),
    "description": gettext_lazy("Description"),
    "direct_link_mode": gettext_lazy("Direct link"),
    "accepts": gettext_lazy("The form asks for"),
    "sms_stop_scope": gettext_lazy("STOP, and the link in a text message, end"),
    "default_language": gettext_lazy("Default language"),
    "locked_language": gettext_lazy("Always show this language"),
    "effect_hours": gettext_lazy("Hours until the last message stops"),
    "sender_name": gettext_lazy("Sender name"),
    "colour": gettext_lazy("Colour"),
    "contact": gettext_lazy("Contact for questions"),
    "privacy_url": gettext_lazy("Link to the privacy policy"),
    "plain_download": gettext_lazy("Allow downloads with clear addresses"),
    "accepts_quarantined": gettext_lazy("Accept quarantined opt-outs after 7 days"),
    "limit_confirm": gettext_lazy("Ask once more after"),
    "limit_block": gettext_lazy("Block after"),
    "limit_block_day": gettext_lazy("Block after, in a day"),
    "limit_form": gettext_lazy("Form posts"),
    "limit_hour": gettext_lazy("Unsigned requests an hour"),
}
HELP = {
    "name": gettext_lazy("Recipients see it: “Unsubscribe from …”."),
    "description": gettext_lazy(
        "What people get from this list, in a sentence. Recipients see it too."
    ),
    "direct_link_mode": _MODE_HELP,
    "sms_stop_scope": gettext_lazy("How far one goes who wants no more texts of this list."),
    "default_language": gettext_lazy(
        "When the reader's browser asks for a language that Heed does not have."
    ),
    "locked_language": gettext_lazy("Whatever the reader's browser asks for."),
    "effect_hours": gettext_lazy(
        "Told to the reader: messages already on their way can arrive that long."
    ),
    "sender_name": gettext_lazy("Empty: the realm's."),
    "colour": gettext_lazy(
        "Of the button, such as #1d4ed8. Its text is made black or white, whichever reads better."
    ),
    "contact": gettext_lazy(
        "An email address, phone number or web address that recipients see. Empty: the realm's."
    ),
    "plain_download": gettext_lazy(
        "Off: only hashes are handed out. A hash is enough to leave people out of a mailing."
    ),
    "accepts_quarantined": gettext_lazy(
        "What was refused from a blocked address is recorded by itself when nobody looked at it."
    ),
    "limit_confirm": gettext_lazy("Different addresses from one IP in 10 minutes."),
    "limit_block": gettext_lazy(
        "Different addresses from one IP in 10 minutes. The IP is blocked for an hour, then longer."
    ),
    "limit_block_day": gettext_lazy("Different addresses from one IP in a day."),
    "limit_form": gettext_lazy(
        "Different addresses typed into the form from one IP in 10 minutes."
    ),
    "limit_hour": gettext_lazy("For the whole list. Above it, unsigned links ask once more."),
}
