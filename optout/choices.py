"""What the columns of the two big tables may say.

Codes are small integers, not words: a ledger row has seven of them and a budget of 350 bytes (architecture.md, "Data").
A code is never given a second meaning; new ones are added at the end.
"""

from django.db.models import IntegerChoices
from django.utils.translation import gettext_lazy as _


class Medium(IntegerChoices):
    """What kind of address it is."""

    EMAIL = 1, _("Email")
    SMS = 2, _("SMS")


class Channel(IntegerChoices):
    """How the opt-out reached us."""

    PAGE = 1, _("Hosted page")
    DIRECT_LINK = 2, _("Direct link")
    SIGNED_LINK = 3, _("Signed link")
    ONE_CLICK = 4, _("One-click")
    PIXEL = 5, _("Pixel")
    S2S = 6, _("Server to server")
    API_WEB = 7, _("api_web")
    GLOBAL_FORM = 8, _("Global Unsubscribe form")
    REST = 9, _("REST API")
    JOIN = 10, _("Join form")
    INBOUND_SMS = 11, _("Inbound SMS")
    INBOUND_EMAIL = 12, _("Inbound email")
    FILE_IMPORT = 13, _("File import")
    PORTAL = 14, _("Portal")
    GLOBAL_API = 15, _("Global Unsubscribe API")
    SMS_LINK = 16, _("Link in a text message")
    PREFERENCES = 17, _("Preference page")

    @classmethod
    def find(cls, code: int) -> "Channel | None":
        """The channel of a row that was read; None for one that a newer release has added.

        During an upgrade, and after going back, this release reads what that one wrote.
        """
        return cls(code) if code in cls else None


class Kind(IntegerChoices):
    """What a ledger row tells: a request not to be contacted, or the end of a suppression."""

    OPT_OUT = 1, _("Opt-out")
    LIFT = 2, _("Lift")


class Reason(IntegerChoices):
    """Why the address opted out, or why the suppression was lifted."""

    UNSUBSCRIBED = 1, _("Unsubscribed")
    COMPLAINED = 2, _("Complained")
    BOUNCED = 3, _("Bounced")
    MANUAL = 4, _("Manual")
    LEGAL = 5, _("Legal")
    UNDONE = 6, _("Undone")
    REVERTED = 7, _("Reverted")
    RETURNED = 8, _("Came back")  # S2.2: the recipient's own confirmation


class Origin(IntegerChoices):
    """Who asked."""

    RECIPIENT = 1, _("Recipient")
    OWNER = 2, _("Owner")
    OPERATOR = 3, _("Operator")


class Assurance(IntegerChoices):
    """How sure we are who asked (security.md §4)."""

    TYPED = 1, _("Typed")
    PREFILLED = 2, _("Prefilled")
    SIGNED = 3, _("Signed")
    WHITELISTED_IP = 4, _("Whitelisted IP")
    API_CREDENTIAL = 5, _("API credential")
    OPERATOR = 6, _("Operator")


class HashKind(IntegerChoices):
    """Which hash a suppression without an address was given as."""

    SHA256 = 1, "SHA-256"
    SHA1 = 2, "SHA-1"
    MD5 = 3, "MD5"


class RefusalCause(IntegerChoices):
    """Why an opt-out was quarantined instead of recorded."""

    ADDRESS_LIMIT = 1, _("Too many addresses from one IP")
    BLOCKED_IP = 2, _("Blocked IP")
    UNLISTED_SERVER = 3, _("Server not on the whitelist")
    PROTECTED_MODE = 4, _("List in protected mode")
    HONEYPOT = 5, _("Filled in by a robot")
    UNCLEAR_TEXT = 6, _("Text message that may mean STOP")

    @classmethod
    def find(cls, code: int) -> "RefusalCause | None":
        """The cause of a row that was read; None for one that a newer release has added, as with `Channel.find`."""
        return cls(code) if code in cls else None


class Verdict(IntegerChoices):
    """What became of a quarantined opt-out."""

    WAITING = 1, _("Waiting")
    ACCEPTED = 2, _("Accepted")
    REJECTED = 3, _("Rejected")


class Traffic(IntegerChoices):
    """Which limit a request counts against (security.md §4)."""

    DIRECT = 1, _("Direct link and pixel")
    FORM = 2, _("Hosted form")
    JOIN = 3, _("Join form")  # and the form that asks for a link: both make us send a mail


class Meaning(IntegerChoices):
    """What a text message that came in asks for."""

    NOTHING = 1, _("Nothing that concerns us")
    STOP = 2, _("Stop")
    START = 3, _("Start")
    UNCLEAR = 4, _("May mean stop")


class Confirmation(IntegerChoices):
    """What became of the one message that confirms a STOP. It is tried again only where the gateway surely has not taken it."""

    NONE = 1, _("None to send")
    WAITING = 2, _("Waiting")
    SENDING = 3, _("Being sent")
    SENT = 4, _("Sent")
    FAILED = 5, _("Could not be sent")
    TOO_LATE = 6, _("Not sent within 5 minutes")
    ANSWERED = 7, _("In the answer to the gateway")


class MailKind(IntegerChoices):
    """Which form of ours somebody typed an address into, so that it is sent a mail (S2.2)."""

    JOIN = 1, _("Join form")
    PREFERENCES = 2, _("See what we send you")


class MailState(IntegerChoices):
    """How far such a mail has got."""

    WAITING = 1, _("Waiting")
    SENT = 2, _("Sent")
    LEFT_OUT = 3, _("Left out")  # the address has had enough of them
    GIVEN_UP = 4, _("Given up")
