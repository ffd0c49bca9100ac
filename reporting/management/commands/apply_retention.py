from reporting import upkeep
from reporting.upkeep_command import UpkeepCommand


class Command(UpkeepCommand):
    help = upkeep.apply_retention.__doc__ or ""
    work = staticmethod(upkeep.apply_retention)
