"""A realm's password or API key for one call of our own: nobody else ever sees it, and nothing stays of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from lists.api_auth import digest_password
from lists.api_keys import PREFIX
from lists.lookup import forget_all_lists
from lists.models import ApiKey, List, Realm, RealmCredential
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


@contextmanager
def throwaway_key(optout_list: List) -> Iterator[str]:
    """The text of an API key that may write to the list, under the same conditions as `throwaway_password`."""
    secret = make_secret(PREFIX)
    try:
        with transaction.atomic():
            row = ApiKey.objects.create(
                realm=optout_list.realm,
                label="A test of the portal",
                hint=secret.hint,
                secret_digest=secret.digest,
                may_read=False,
                may_write=True,
                list_ids=[optout_list.pk],
            )
            yield secret.text
            row.delete()
    finally:
        forget_all_lists()
