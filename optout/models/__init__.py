from optout.models.global_requests import GlobalRequest
from optout.models.limits import LimitCounter, UnsignedHour
from optout.models.optouts import OptOut
from optout.models.quarantine import QuarantinedOptOut
from optout.models.suppressions import Suppression

__all__ = [
    "GlobalRequest",
    "LimitCounter",
    "OptOut",
    "QuarantinedOptOut",
    "Suppression",
    "UnsignedHour",
]
