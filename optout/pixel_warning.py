"""The note that a list's pixel was put inside a mail, where it would opt out everyone who opens it (security.md §3.4)."""

from datetime import datetime

from lists.models import List


def warn_of_pixel_in_mail(list_id: int, now: datetime) -> None:
    """Note when it was seen first; the worker tells the owner."""
    List.objects.filter(pk=list_id, pixel_in_mail_at=None).update(pixel_in_mail_at=now)
