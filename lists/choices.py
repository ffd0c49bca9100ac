"""What an owner can choose, for lists and people."""

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """What a member may do in a realm (pages.md, the table of roles)."""

    ADMIN = "admin", _("Realm admin")
    OWNER = "owner", _("List owner")
    MAILER = "mailer", _("Mailer")
    VIEWER = "viewer", _("Viewer")


class ListKind(TextChoices):
    """An ordinary list, or the realm's Do Not Mail."""

    STANDARD = "standard", _("List")
    GLOBAL = "global", _("Do Not Mail")


class DirectLinkMode(TextChoices):
    """What opening a direct link with an address does (S0.6)."""

    CONFIRM = "confirm", _("Ask once more (recommended)")
    INSTANT = "instant", _("Unsubscribe at once, with an undo")


class Accepts(TextChoices):
    """Which addresses the hosted form asks for."""

    EMAIL = "email", _("Email address")
    PHONE = "phone", _("Phone number")
    EITHER = "either", _("Email address or phone number")


class SmsStopScope(TextChoices):
    """How far a text message's opt-out reaches: STOP, and the link in the message."""

    LIST = "list", _("This list")
    REALM = "realm", _("Everything from this sender")


class MessageFormat(IntegerChoices):
    """How a subscriber wants messages; the numbers are those of api_web."""

    PLAIN_TEXT = 1, _("Plain text")
    HTML = 2, _("HTML")
    MULTIPART = 99, _("Plain text and HTML")


class CallRefusal(IntegerChoices):
    """Why a call of `api_web` was not let in. The caller is never told which."""

    WRONG_PASSWORD = 1, _("Wrong password")
    IP_NOT_APPROVED = 2, _("IP not approved")


class Language(TextChoices):
    """The languages recipients can be served in, each in its own name; by these names, as in the footer of a page."""

    DA = "da", "Dansk"
    DE = "de", "Deutsch"
    EN = "en", "English"
    ES = "es", "Español"
    FR = "fr", "Français"
    IT = "it", "Italiano"
    NL = "nl", "Nederlands"
    PL = "pl", "Polski"
    PT_BR = "pt-br", "Português (Brasil)"
    SV = "sv", "Svenska"
    TR = "tr", "Türkçe"
    AR = "ar", "العربية"
    HE = "he", "עברית"


class TextKind(TextChoices):
    """What an owner can write in each language (S0.8). The first three have a column too, in the default language."""

    NAME = "name", _("Name")
    DESCRIPTION = "description", _("Description")
    FREQUENCY = "frequency", _("How often it comes")
    MESSAGE = "message", _("Your message")
    CONSENT = "consent", _("Consent")
