from reporting import upkeep
from reporting.upkeep_command import UpkeepCommand


class Command(UpkeepCommand):
    help = upkeep.tend_limits.__doc__ or ""
    work = staticmethod(upkeep.tend_limits)
