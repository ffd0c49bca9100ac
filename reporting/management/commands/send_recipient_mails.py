from reporting import upkeep
from reporting.upkeep_command import UpkeepCommand


class Command(UpkeepCommand):
    help = upkeep.send_recipient_mails.__doc__ or ""
    work = staticmethod(upkeep.send_recipient_mails)
