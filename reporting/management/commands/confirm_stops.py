from reporting import upkeep
from reporting.upkeep_command import UpkeepCommand


class Command(UpkeepCommand):
    help = upkeep.confirm_stops.__doc__ or ""
    work = staticmethod(upkeep.confirm_stops)
