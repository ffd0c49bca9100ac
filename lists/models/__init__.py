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
from lists.models.logos import Logo
from lists.models.people import ListAccess, Membership, User
from lists.models.realms import Realm
from lists.models.sms import ConfirmsBy, InboundEndpoint, InboundFormat, SmsNumber, SmsSetup

__all__ = [
    "ApiKey",
    "AuditEntry",
    "CallCount",
    "ConfirmsBy",
    "Contact",
    "DownloadKey",
    "GlobalUnsubscribe",
    "InboundEndpoint",
    "InboundFormat",
    "List",
    "ListAccess",
    "Logo",
    "Membership",
    "PasswordFailure",
    "Product",
    "Publisher",
    "Realm",
    "RealmCredential",
    "RealmHost",
    "SmsNumber",
    "SmsSetup",
    "StoredForm",
    "Subscription",
    "User",
]
