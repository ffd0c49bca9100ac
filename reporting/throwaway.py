"""A realm's password for one command of our own: nobody else ever sees it, and nothing stays of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from lists.api_auth import digest_password
from lists.lookup import forget_all_lists
from lists.models import Realm, RealmCredential
from lists.secrets import make_secret


@contextmanager
def throwaway_password(realm: Realm) -> Iterator[str]:
    """The text of a password that works within the block, on this thread's database connection, and nowhere else.

    Its row is gone before the transaction ends, so no other process can use it, and neither an error nor a `kill -9` leaves one
    behind. It is none of the realm's two, and is not audited: whoever runs the block is.
    """
    secret = make_secret("hr")
    try:
        with transaction.atomic():
            row = RealmCredential.objects.create(
                realm=realm,
                secret_digest=digest_password(realm.name, secret.text),
                hint=secret.hint,
            )
            yield secret.text
            row.delete()
    finally:
        forget_all_lists()  # callers that proved themselves are remembered
