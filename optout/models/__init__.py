from optout.models.answers import GivenAnswer
from optout.models.global_lines import GlobalLine
from optout.models.inbound import InboundMessage
from optout.models.limits import LimitCounter, UnsignedHour
from optout.models.optouts import OptOut
from optout.models.quarantine import QuarantinedOptOut
from optout.models.suppressions import Suppression

__all__ = [
    "GivenAnswer",
    "GlobalLine",
    "InboundMessage",
    "LimitCounter",
    "OptOut",
    "QuarantinedOptOut",
    "Suppression",
    "UnsignedHour",
]
