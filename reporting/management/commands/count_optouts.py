from reporting import upkeep
from reporting.upkeep_command import UpkeepCommand


class Command(UpkeepCommand):
    help = upkeep.count_optouts.__doc__ or ""
    work = staticmethod(upkeep.count_optouts)
