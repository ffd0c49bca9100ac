from reporting import upkeep
from reporting.upkeep_command import UpkeepCommand


class Command(UpkeepCommand):
    help = upkeep.tell_owners.__doc__ or ""
    work = staticmethod(upkeep.tell_owners)
