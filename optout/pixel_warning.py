"""The note that a list's pixel was put inside a mail, where it would opt out everyone who opens it (security.md §3.4)."""

from datetime import datetime, timedelta

from django.db.models import Q

from lists.models import List

NOTED_ONCE_IN = timedelta(
    days=1
)  # every opened mail asks; a row written that often would hold up the others


def warn_of_pixel_in_mail(list_id: int, now: datetime) -> None:
    """Note when it was seen last, to the day; the worker tells the owner."""
    stale = Q(pixel_in_mail_at=None) | Q(pixel_in_mail_at__lt=now - NOTED_ONCE_IN)
    List.objects.filter(stale, pk=list_id).update(pixel_in_mail_at=now)
