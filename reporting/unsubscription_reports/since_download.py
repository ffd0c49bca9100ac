"""What a mailer has not downloaded yet: for each list that they may download, how many addresses the next download brings."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from lists.access import Permission, Standing
from lists.choices import ListKind, Role
from lists.models import List
from reporting.exports import Export, count_export
from reporting.models import Download
from reporting.models.downloads import DownloadFormat, DownloadOutcome

# One that broke off brought its mailer nothing that they can rely on.
_WHOLE = (DownloadOutcome.COMPLETE, DownloadOutcome.UNCHANGED)


@dataclass(frozen=True, slots=True)
class NotDownloaded:
    """A list, how many addresses its mailer has not got yet, and since when: None if they never downloaded it."""

    optout_list: List
    count: int
    downloaded_at: datetime | None


def read_not_downloaded(standing: Standing) -> list[NotDownloaded]:
    """For each list that a mailer may download and that has something for them: exactly as many as a download since the moment
    at which their last one began would bring in the same format, Do Not Mail included."""
    if standing.role != Role.MAILER:
        return []
    lists = [each.optout_list for each in standing.open_lists(Permission.DOWNLOAD)]
    if not lists:
        return []
    do_not_mail = List.objects.only("pk").get(realm=standing.realm, kind=ListKind.GLOBAL)
    own = Q(user=standing.user) | Q(key__membership=standing.membership)
    last = {
        each.optout_list_id: each
        for each in Download.objects.filter(
            own, optout_list__in=[each.pk for each in lists], outcome__in=_WHOLE
        )
        .order_by("optout_list_id", "-started_at")
        .distinct("optout_list_id")
    }
    found = []
    for optout_list in lists:
        download = last.get(optout_list.pk)
        since = None if download is None else download.started_at
        asked = DownloadFormat.MD5 if download is None else DownloadFormat(download.format)
        count = count_export(Export(optout_list.pk, do_not_mail.pk, asked, since))
        if count:
            found.append(NotDownloaded(optout_list, count, since))
    return found
