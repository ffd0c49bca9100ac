from optout.models.limits import LimitCounter, UnsignedHour
from optout.models.optouts import OptOut
from optout.models.quarantine import QuarantinedOptOut
from optout.models.suppressions import Suppression

__all__ = ["LimitCounter", "OptOut", "QuarantinedOptOut", "Suppression", "UnsignedHour"]
