from reporting import upkeep
from reporting.upkeep_command import UpkeepCommand


class Command(UpkeepCommand):
    help = upkeep.accept_quarantined.__doc__ or ""
    work = staticmethod(upkeep.accept_quarantined)
