from optout.models.answers import GivenAnswer
from optout.models.consents import Consent
from optout.models.global_lines import GlobalLine
from optout.models.inbound import InboundMessage
from optout.models.limits import LimitCounter, UnsignedHour
from optout.models.optouts import OptOut
from optout.models.quarantine import QuarantinedOptOut
from optout.models.reasons import StatedReason
from optout.models.recipient_mails import RecipientMail
from optout.models.suppressions import Suppression

__all__ = [
    "Consent",
    "GivenAnswer",
    "GlobalLine",
    "InboundMessage",
    "LimitCounter",
    "OptOut",
    "QuarantinedOptOut",
    "RecipientMail",
    "StatedReason",
    "Suppression",
    "UnsignedHour",
]
