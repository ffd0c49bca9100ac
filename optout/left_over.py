"""Taking addresses off lists that they are out of.

An opt-out and a subscription that are written at the same moment do not see each other. What is done to contacts looks once more
after its commit (optout/contacts.py); the recipients' own ways in do not, for nobody shall wait for that. So a subscription may
be left over beside a suppression. It does no harm, as suppressions win wherever one asks, but it is not true.
"""

from django.db import transaction

from lists.choices import ListKind
from lists.models import List
from lists.prepared import fetch
from optout.contact_locks import lock_contacts

BATCH = 1_000  # subscriptions; each batch is a transaction of its own

# By key on both sides, and on from where the last batch ended.
_FIND = """
SELECT s.digest
FROM lists_subscription s JOIN optout_suppression x ON x.digest = s.digest
WHERE s.optout_list_id = %(list)s AND x.optout_list_id = %(out_of)s AND s.digest > %(after)s
ORDER BY s.digest
LIMIT %(batch)s
"""

# Whoever is just lifting the suppression is waited for, and those that follow wait for us: suppressions are locked first, then
# subscriptions (that is what counting is for), both in key order.
_END = """
WITH suppressed AS MATERIALIZED (
    SELECT x.digest FROM unnest(%(digests)s::bytea[]) AS given (digest), LATERAL (
        SELECT digest FROM optout_suppression
        WHERE optout_list_id = %(out_of)s AND digest = given.digest
        FOR KEY SHARE
    ) x
), leaving AS (
    SELECT s.digest FROM suppressed, LATERAL (
        SELECT digest FROM lists_subscription
        WHERE optout_list_id = %(list)s AND digest = suppressed.digest
        FOR UPDATE
    ) s
    WHERE (SELECT count(*) FROM suppressed) > 0
)
DELETE FROM lists_subscription s USING leaving
WHERE s.optout_list_id = %(list)s AND s.digest = leaving.digest
RETURNING 1
"""


def end_left_over_subscriptions() -> int:
    """End each subscription of an address that is suppressed for the list or in its realm's Do Not Mail; how many.

    By the addresses' own digests: under those every way in records an opt-out. One that was brought along as a bare hash is found
    when the address is subscribed.
    """
    do_not_mail = dict(List.objects.filter(kind=ListKind.GLOBAL).values_list("realm_id", "pk"))
    lists = List.objects.filter(kind=ListKind.STANDARD).order_by("pk")
    return sum(
        _end_of_list(realm_id, list_id, out_of)
        for list_id, realm_id in lists.values_list("pk", "realm_id")
        for out_of in (list_id, do_not_mail.get(realm_id))
        if out_of
        is not None  # a realm that was made by hand may lack its Do Not Mail; the night's work goes on
    )


def _end_of_list(realm_id: int, list_id: int, out_of: int) -> int:
    ended, after, is_more = 0, b"", True
    while is_more:
        place = {"list": list_id, "out_of": out_of}
        digests = [row[0] for row in fetch(_FIND, place | {"after": after, "batch": BATCH})]
        if digests:
            after = digests[-1]
            with transaction.atomic():
                lock_contacts(realm_id, digests)
                ended += len(fetch(_END, place | {"digests": digests}))
        is_more = len(digests) == BATCH
    return ended
