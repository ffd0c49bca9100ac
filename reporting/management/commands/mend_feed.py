from reporting import upkeep
from reporting.upkeep_command import UpkeepCommand


class Command(UpkeepCommand):
    help = upkeep.mend_feed.__doc__ or ""
    work = staticmethod(upkeep.mend_feed)
