from lists.models.audit import AuditEntry
from lists.models.contacts import Contact, Subscription
from lists.models.keys import DownloadKey, PasswordFailure, RealmCredential
from lists.models.lists import List
from lists.models.people import ListAccess, Membership, User
from lists.models.realms import Realm

__all__ = [
    "AuditEntry",
    "Contact",
    "DownloadKey",
    "List",
    "ListAccess",
    "Membership",
    "PasswordFailure",
    "Realm",
    "RealmCredential",
    "Subscription",
    "User",
]
