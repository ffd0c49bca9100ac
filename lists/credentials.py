"""A realm's passwords for `api_web`: made here, brought along from another system, revoked (security.md §5).

By a realm admin in the portal, or by an operator in a shell: the actor is None then. Their texts are in the results and
arguments of these actions and nowhere else. Whether one is right: lists/api_auth.py.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Max, Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from lists.api_auth import digest_password
from lists.audit import record_audit
from lists.lookup import forget_all_lists
from lists.models import Realm, RealmCredential, User
from lists.secrets import make_secret

MOST_ACTIVE = 2  # the old one and the new one, while scripts change over
SHOWN_REVOKED = timedelta(days=90)
MOST_REVOKED = 50  # on one page
SHORTEST, LONGEST = 6, 200  # characters of a password brought along


class TooManyPasswordsError(Exception):
    """MOST_ACTIVE passwords are active already."""


class SamePasswordError(Exception):
    """The realm has this password already, and it is active."""


class RevokedPasswordError(Exception):
    """The realm had this password and revoked it, at `revoked_at` for the last time."""

    def __init__(self, revoked_at: datetime) -> None:
        super().__init__(revoked_at)
        self.revoked_at = revoked_at

    def __str__(self) -> str:
        said = _("This password was revoked on %(day)s. Choose another, or make a new one.")
        return said % {"day": date_format(self.revoked_at, "j F Y")}


class UnusablePasswordError(Exception):
    """No script could send this password, or it is too short; `reason` says why and does not repeat it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password just made: its text, which nobody can read again, and its row."""

    text: str
    row: RealmCredential


@dataclass(frozen=True, slots=True)
class Passwords:
    """A realm's passwords: the active ones, newest first, and those revoked lately, the last one first."""

    active: list[RealmCredential]
    revoked: list[RealmCredential]

    @property
    def may_add(self) -> bool:
        """Whether there may be one more."""
        return len(self.active) < MOST_ACTIVE


def passwords_of(realm: Realm, now: datetime) -> Passwords:
    """The realm's active passwords, and the last ones that were revoked within SHOWN_REVOKED."""
    known = RealmCredential.objects.filter(realm=realm).defer("secret_digest")
    lately = Q(revoked_at=None) | Q(revoked_at__gt=now - SHOWN_REVOKED)
    order = (F("revoked_at").desc(nulls_first=True), "-created_at", "-pk")
    rows = list(known.filter(lately).order_by(*order)[: MOST_ACTIVE + MOST_REVOKED])
    return Passwords(
        [row for row in rows if row.revoked_at is None],
        [row for row in rows if row.revoked_at is not None][:MOST_REVOKED],
    )


def find_password(realm: Realm, credential_id: int) -> RealmCredential | None:
    """One of the realm's passwords, revoked or not."""
    known = RealmCredential.objects.filter(realm=realm, pk=credential_id)
    return known.defer("secret_digest").first()


def require_usable(password: str) -> None:
    """Raise UnusablePasswordError for a password that is not to be brought along.

    Characters that cannot be seen are refused, line breaks above all: the digest has one between the realm's name and it.
    """
    if not password.isprintable():
        raise UnusablePasswordError(
            _("It has a character that cannot be seen, such as a line break.")
        )
    if password != password.strip():
        raise UnusablePasswordError(
            _("It begins or ends with a space, which scripts lose on the way.")
        )
    if not SHORTEST <= len(password) <= LONGEST:
        said = _("It has %(length)d characters. It must have %(shortest)d to %(longest)d.")
        raise UnusablePasswordError(
            said % {"length": len(password), "shortest": SHORTEST, "longest": LONGEST}
        )


@transaction.atomic
def make_password(realm: Realm, *, actor: User | None) -> NewPassword:
    """Make a password that nobody can guess. Raises TooManyPasswordsError."""
    secret = make_secret("hr")
    row = _add(realm, secret.text, hint=secret.hint, is_chosen=False)
    record_audit("make_api_password", actor=actor, realm=realm, credential=row.pk)
    return NewPassword(secret.text, row)


@transaction.atomic
def bring_password(realm: Realm, password: str, *, actor: User | None) -> RealmCredential:
    """Let scripts go on with the password they have.

    Raises UnusablePasswordError, TooManyPasswordsError, SamePasswordError, RevokedPasswordError: one that leaked and was revoked
    does not come back. No hint is kept: of a password that somebody chose, four characters are half of the guess.
    """
    require_usable(password)
    row = _add(realm, password, hint="", is_chosen=True)
    record_audit("bring_api_password", actor=actor, realm=realm, credential=row.pk)
    return row


@transaction.atomic
def revoke_password(realm: Realm, credential_id: int, *, actor: User | None, now: datetime) -> bool:
    """End one of the realm's passwords for good; False when there is none such, or it was ended before.

    It is refused everywhere within `LIST_CACHE_SECONDS`; a request that was just being let in may remember it for as long.
    """
    active = RealmCredential.objects.filter(pk=credential_id, realm=realm, revoked_at=None)
    if not active.update(revoked_at=now):
        return False
    record_audit("revoke_api_password", actor=actor, realm=realm, credential=credential_id)
    transaction.on_commit(forget_all_lists)
    return True


def _add(realm: Realm, password: str, *, hint: str, is_chosen: bool) -> RealmCredential:
    """The realm's row is locked, so that two admins at once do not make three. NO KEY: what is written below it goes on."""
    Realm.objects.select_for_update(no_key=True).get(pk=realm.pk)
    digest = digest_password(realm.name, password)
    known = RealmCredential.objects.filter(realm=realm)
    active = known.filter(revoked_at=None).values_list("secret_digest", flat=True)
    kept = [bytes(each) for each in active]
    if len(kept) >= MOST_ACTIVE:
        raise TooManyPasswordsError
    if digest in kept:
        raise SamePasswordError
    revoked = known.filter(secret_digest=digest).aggregate(last=Max("revoked_at"))["last"]
    if revoked:
        raise RevokedPasswordError(revoked)
    return RealmCredential.objects.create(
        realm=realm, secret_digest=digest, hint=hint, is_chosen=is_chosen
    )
