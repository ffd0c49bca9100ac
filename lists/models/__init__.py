from lists.models.audit import AuditEntry
from lists.models.contacts import Contact, Subscription
from lists.models.global_unsubscribe import (
    GlobalUnsubscribe,
    Product,
    Publisher,
    RealmHost,
    StoredForm,
)
from lists.models.keys import ApiKey, CallCount, DownloadKey, PasswordFailure, RealmCredential
from lists.models.lists import List
from lists.models.people import ListAccess, Membership, User
from lists.models.realms import Realm

__all__ = [
    "ApiKey",
    "AuditEntry",
    "CallCount",
    "Contact",
    "DownloadKey",
    "GlobalUnsubscribe",
    "List",
    "ListAccess",
    "Membership",
    "PasswordFailure",
    "Product",
    "Publisher",
    "Realm",
    "RealmCredential",
    "RealmHost",
    "StoredForm",
    "Subscription",
    "User",
]
