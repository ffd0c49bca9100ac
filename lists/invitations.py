"""The mails with which people set a password: somebody new, and somebody who forgot theirs.

A job sends them, and comes again while the mail server cannot. The secret link is made when the mail is made: nothing of it is
kept in the queue, and how long a request takes does not tell whether there was somebody to mail.
"""

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app

from lists.mail import ENGLISH, make_mail
from lists.models import Membership, Realm, User

# The worker's tasks (reporting/tasks.py).
MAIL_INVITATION = "mail_invitation"
MAIL_PASSWORD_RESET = "mail_password_reset"  # noqa: S105  a name, no password


def set_password_url(user: User) -> str:
    """A link with which that person sets a password, once, within PASSWORD_RESET_TIMEOUT."""
    path = reverse(
        "account_reset_password_from_key",
        kwargs={
            "uidb36": user_pk_to_url_str(user),
            "key": default_token_generator.make_token(user),
        },
    )
    return f"{settings.BASE_URL}{path}"


def send_invitation(user: User, realm: Realm, *, invited_by: User) -> None:
    """Have the worker mail them a link to set a password. With the transaction: none where it is rolled back."""
    _defer(MAIL_INVITATION, user_id=user.pk, realm_id=realm.pk, invited_by_id=invited_by.pk)


def send_password_reset(user: User) -> None:
    """Have the worker mail them a link to set a new password."""
    _defer(MAIL_PASSWORD_RESET, user_id=user.pk)


def mail_invitation(user_id: int, realm_id: int, invited_by_id: int) -> bool:
    """Mail it; whether there was somebody to mail: not if they have left the realm or set a password meanwhile.

    Raises OSError when the mail server refuses or cannot be reached (smtplib's errors are OSErrors).
    """
    place = Membership.objects.select_related("user", "realm")
    membership = place.filter(user=user_id, realm=realm_id).first()
    if membership is None or not membership.user.is_active or membership.user.has_usable_password():
        return False
    with translation.override(ENGLISH):
        subject, an_admin = _("Your place in %(sender)s on Heed"), _("An admin")
    inviting = User.objects.filter(pk=invited_by_id).first()
    mail = make_mail(
        "emails/invitation",
        {
            "realm": membership.realm,
            "invited_by": (inviting.get_full_name() if inviting else "") or an_admin,
            "url": set_password_url(membership.user),
            "days": _days(),
            "reset_url": f"{settings.BASE_URL}{reverse('account_reset_password')}",
        },
        to=membership.user.email,
        subject=subject % {"sender": membership.realm.sender_name},
    )
    mail.send()
    return True


def mail_password_reset(user_id: int) -> bool:
    """Mail it; whether there was somebody to mail. Raises OSError as `mail_invitation` does."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return False
    with translation.override(ENGLISH):
        subject = _("Set a new password for Heed")
    mail = make_mail(
        "account/email/password_reset_key_message",
        {"url": set_password_url(user), "days": _days()},
        to=user.email,
        subject=subject,
    )
    mail.send()
    return True


def _days() -> int:
    return settings.PASSWORD_RESET_TIMEOUT // 86_400


def _defer(task: str, **whom: int) -> None:
    app.configure_task(f"reporting.{task}").defer(**whom)
