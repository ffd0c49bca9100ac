"""The mail with which somebody new sets a password."""

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from lists.models import Realm, User


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
    """Mail the link. Raises OSError when the mail server refuses or cannot be reached (smtplib's errors are OSErrors)."""
    text = render_to_string(
        "emails/invitation.txt",
        {
            "realm": realm,
            "invited_by": invited_by.get_full_name(),
            "url": set_password_url(user),
            "days": settings.PASSWORD_RESET_TIMEOUT // 86_400,
            "reset_url": f"{settings.BASE_URL}{reverse('account_reset_password')}",
        },
    )
    subject = f"Your place in {realm.sender_name} on Heed".replace("\n", " ").replace("\r", " ")
    send_mail(subject, text, None, [user.email])
