from reporting import upkeep
from reporting.upkeep_command import UpkeepCommand


class Command(UpkeepCommand):
    help = upkeep.send_sms_reports.__doc__ or ""
    work = staticmethod(upkeep.send_sms_reports)
