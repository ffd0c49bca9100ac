"""Switching a report off by the link in its mail: by one tap in a mail program (RFC 8058), or on a page with one button.

The link holds no address, works as long as there are such mails, and can do nothing but this. It names the report by whose it is,
so that the link in an old mail also ends one that was switched on anew.
"""

from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from lists.access import Standing
from lists.audit import record_audit
from lists.models import Realm, User
from optout.choices import Medium
from reporting.models import UnsubscriptionReport
from reporting.models.reports import ReportKind

_SALT = "reporting.off"


@dataclass(frozen=True, slots=True)
class Mailed:
    """Whose mails a link is about, in which realm, and which of them."""

    user: User
    realm: Realm
    kind: ReportKind

    @property
    def is_on(self) -> bool:
        """Whether they get them still."""
        return self.rows().exists()

    def rows(self) -> QuerySet[UnsubscriptionReport]:
        """What makes them get these mails; text messages are another report's."""
        return UnsubscriptionReport.objects.filter(
            user=self.user, realm=self.realm, kind=self.kind, medium=Medium.EMAIL
        )


def off_url_of(standing: Standing, kind: ReportKind) -> str:
    """Where the mails of that kind that this person gets of the realm are switched off."""
    value = [standing.user.pk, standing.realm.pk, kind.value]
    token = signing.Signer(salt=_SALT).sign_object(value)
    return f"{settings.BASE_URL}{reverse('report_off', args=[token])}"


def read_off_token(token: str) -> Mailed | None:
    """What the token is about; None for anything that we did not make for this."""
    try:
        user_id, realm_id, kind = signing.Signer(salt=_SALT).unsign_object(token)
    except (signing.BadSignature, ValueError):
        return None
    user = User.objects.filter(pk=user_id).first()
    realm = Realm.objects.filter(pk=realm_id).first()
    if user is None or realm is None or kind not in ReportKind:
        return None
    return Mailed(user, realm, ReportKind(kind))


def switch_off(mailed: Mailed) -> None:
    """They get no more of these mails. Done again, it changes nothing."""
    with transaction.atomic():
        deleted, _each = mailed.rows().delete()
        if deleted:
            record_audit(
                "change_notifications",
                actor=None,
                realm=mailed.realm,
                member=mailed.user.pk,
                kind=mailed.kind.value,
                media=[],
                rhythm=None,
                by="the link in the mail",
            )
