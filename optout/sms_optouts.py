"""What the ways out of text messages have in common: how far they reach, and that whoever uses them is a contact (S3.4, S3.7)."""

from collections.abc import Iterable, Sequence

from django.db import transaction

from lists.choices import SmsStopScope
from lists.lookup import ListSnapshot, get_list_by_id
from lists.prepared import fetch
from optout.actions import Recorded, record_optouts
from optout.choices import Channel
from optout.contact_locks import lock_contacts
from optout.intents import OptOutIntent

CHANNELS = frozenset({Channel.SMS_LINK, Channel.INBOUND_SMS})

# Who is a contact already is written anew as well, with a time that is indexed: it costs what an insert costs, so that the open
# link answers everybody after the same time (AT-03).
_ADD_CONTACTS = """
INSERT INTO lists_contact (realm_id, digest, medium, address, created_at)
SELECT DISTINCT ON (digest) %(realm)s, digest, medium, address, %(now)s
FROM unnest(%(digests)s::bytea[], %(media)s::smallint[], %(addresses)s::text[]) AS r (digest, medium, address)
ORDER BY digest
ON CONFLICT (realm_id, digest) DO UPDATE SET changed_at = EXCLUDED.changed_at
RETURNING id
"""


def stop_target(optout_list: ListSnapshot) -> ListSnapshot:
    """The list that an opt-out from this list's text messages is about: its realm's Do Not Mail, unless it says otherwise."""
    if optout_list.is_global or optout_list.sms_stop_scope == SmsStopScope.LIST:
        return optout_list
    return get_list_by_id(optout_list.do_not_mail_id) or optout_list


def record_sms_optouts(intents: Sequence[OptOutIntent]) -> list[Recorded]:
    """As `record_optouts`; and who is no contact of the realm becomes one, which stays (protocols.md, "Opt-out callback")."""
    with transaction.atomic():
        add_contacts(intents)
        return record_optouts(intents)


def add_contacts(intents: Iterable[OptOutIntent]) -> None:
    """Make contacts of those who opted out of text messages and are none; the others have changed now. In a transaction, and
    before anything is recorded in it: contacts are locked first."""
    by_realm: dict[int, list[OptOutIntent]] = {}
    for intent in intents:
        if intent.channel in CHANNELS and intent.address is not None:
            by_realm.setdefault(intent.realm_id, []).append(intent)
    for realm_id, of_realm in sorted(by_realm.items()):
        lock_contacts(realm_id, [each.digest for each in of_realm])
        fetch(
            _ADD_CONTACTS,
            {
                "realm": realm_id,
                "now": of_realm[0].requested_at,
                "digests": [each.digest for each in of_realm],
                "media": [int(each.medium) for each in of_realm],
                "addresses": [each.address for each in of_realm],
            },
        )
