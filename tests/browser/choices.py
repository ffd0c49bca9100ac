"""What the world's recipients were offered and said: so that its screens have the longest texts, and figures."""

from datetime import timedelta

from django.utils import timezone

from lists.models import List
from optout.addresses import digest_of
from optout.choices import Channel, MailKind, MailState
from optout.mail_requests import mailbox_digest
from optout.models import Consent, OptOut, RecipientMail, StatedReason
from optout.reasons import BUILT_IN

_WORDING = "Yes, send me Garden letters from Acme Garden & Home, twice a month, and news of offers that fit my garden."
_GONE = "Schmetterlingsblütengewächsliebhabervereinsmitgliederversammlungsprotokolle are of no use to me"


def set_up_choices(letters: List) -> None:
    """A join form that people used, and reasons for which others left."""
    letters.join_is_open, letters.frequency = (
        True,
        "Twice a month, on Thursdays, but not in December",
    )
    letters.save(update_fields=["join_is_open", "frequency"])
    now = timezone.now()
    for number in range(12):
        address = f"subscriber.{number:02}@some-provider.example"
        at = now - timedelta(days=2 * number, hours=3)
        Consent.objects.create(
            optout_list=letters,
            digest=digest_of(address),
            channel=Channel.PREFERENCES if number % 4 == 3 else Channel.JOIN,
            language="en",
            wording=_WORDING,
            asked_at=at,
            asked_ip="2001:db8:1234:5678:9abc:def0:1234:5678",
            confirmed_at=at + timedelta(minutes=4),
            confirmed_ip="192.0.2.17",
            confirmed_agent="Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
        )
        RecipientMail.objects.create(
            optout_list=letters,
            kind=MailKind.JOIN,
            digest=digest_of(address),
            mailbox=mailbox_digest(address),
            address=address,
            language="en",
            asked_at=max(at, now - timedelta(days=6)),
            state=MailState.SENT if number % 3 else MailState.LEFT_OUT,
            due_at=at,
        )
    reasons = [*BUILT_IN, _GONE]
    for number, row in enumerate(OptOut.objects.filter(optout_list=letters, is_new=True)):
        StatedReason.objects.create(
            optout_list=letters,
            optout_id=row.id,
            digest=bytes(row.digest),
            reason=reasons[number * number % len(reasons)],
            stated_at=row.recorded_at,
        )
