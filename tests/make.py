"""Making things for tests: each takes what matters and fills in the rest."""

from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from django.contrib.auth.hashers import make_password

from lists.choices import ListKind, Role
from lists.global_actions import change_global_unsubscribe
from lists.global_unsubscribe import EMAIL, PHONE, forget_doors
from lists.lookup import ListSnapshot, snapshot
from lists.models import (
    ApiKey,
    Contact,
    DownloadKey,
    GlobalUnsubscribe,
    InboundEndpoint,
    List,
    ListAccess,
    Membership,
    Product,
    Publisher,
    Realm,
    SmsNumber,
    StoredForm,
    Subscription,
    User,
)
from lists.models.lists import new_public_id
from lists.sealed import new_salt
from lists.secrets import make_secret
from optout.actions import Recorded, record_optout, record_optouts
from optout.addresses import Address, parse_address
from optout.choices import Assurance, Channel
from optout.evidence import Evidence
from optout.global_requests import GlobalRequest
from optout.intents import OptOutIntent, global_intents, intent_for
from optout.models import GlobalLine
from reporting.changes import end_of_feed
from reporting.models import TextMessage, WebhookEndpoint, WebhookFormat

PASSWORD = "correct horse battery staple"
_HASHED = make_password(PASSWORD)
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def make_realm(name: str = "acme", **fields: Any) -> Realm:
    """A realm with its Do Not Mail."""
    realm = Realm.objects.create(name=name, **{"sender_name": "Acme Garden", **fields})
    List.objects.create(realm=realm, number=0, kind=ListKind.GLOBAL, name="Do Not Mail")
    return realm


def make_list(realm: Realm, number: int = 1, name: str = "Garden letters", **fields: Any) -> List:
    """A list of the realm."""
    return List.objects.create(realm=realm, number=number, name=name, **fields)


def do_not_mail(realm: Realm) -> List:
    """The realm's Do Not Mail."""
    return List.objects.get(realm=realm, kind=ListKind.GLOBAL)


def make_user(email: str, **fields: Any) -> User:
    """A person who can sign in with PASSWORD."""
    return User.objects.create(email=email, password=_HASHED, **fields)


def make_member(user: User, realm: Realm, role: Role, *lists: List, **access: Any) -> Membership:
    """The person's place in the realm, with these lists owned or given."""
    membership = Membership.objects.create(user=user, realm=realm, role=role)
    for optout_list in lists:
        ListAccess.objects.create(membership=membership, optout_list=optout_list, **access)
    return membership


def make_download_key(optout_list: List, **fields: Any) -> tuple[str, DownloadKey]:
    """A download key: its text, and its row."""
    secret = make_secret("hd")
    key = DownloadKey.objects.create(
        optout_list=optout_list,
        label="a mailer",
        secret_digest=secret.digest,
        hint=secret.hint,
        **fields,
    )
    return secret.text, key


def make_api_key(realm: Realm, *lists: List, may_write: bool = True, **fields: Any) -> str:
    """The text of an API key of the realm, for these lists (none: for all); it may do everything unless said otherwise."""
    secret = make_secret("hk")
    list_ids = [each.pk for each in lists] or None
    ApiKey.objects.create(
        realm=realm,
        label="a program",
        secret_digest=secret.digest,
        hint=secret.hint,
        may_write=may_write,
        list_ids=list_ids,
        **fields,
    )
    return secret.text


def make_intent(
    optout_list: List | ListSnapshot, address: str | Address = "jane@example.com", **fields: Any
) -> OptOutIntent:
    """An intent as a channel would make it: by the hosted page, from 192.0.2.7, unless said otherwise."""
    found = snapshot(optout_list) if isinstance(optout_list, List) else optout_list
    parsed = parse_address(address, "either", "US") if isinstance(address, str) else address
    values = {
        "channel": Channel.PAGE,
        "assurance": Assurance.TYPED,
        "requested_at": NOW,
        "evidence": Evidence(ip=ip_address("192.0.2.7"), agent="Firefox"),
        **fields,
    }
    return intent_for(found, parsed, **values)


def make_optout(
    optout_list: List | ListSnapshot, address: str = "jane@example.com", **fields: Any
) -> Recorded:
    """An opt-out, recorded."""
    return record_optout(make_intent(optout_list, address, **fields))


def make_subscription(optout_list: List, address: str = "jane@example.com") -> Subscription:
    """The address's place on the list."""
    digest = parse_address(address, "either", "US").digest
    return Subscription.objects.create(optout_list=optout_list, digest=digest, subscribed_at=NOW)


def make_contact(
    realm: Realm,
    address: str = "jane@example.com",
    *lists: List,
    customer_key: str | None = None,
    **fields: str,
) -> Contact:
    """A contact of the realm with these fields (`first="Jane"`), subscribed to these lists."""
    parsed = parse_address(address, "either", "US")
    contact = Contact.objects.create(
        realm=realm,
        digest=parsed.digest,
        medium=parsed.medium,
        address=parsed.key,
        customer_key=customer_key,
        fields=fields,
    )
    for optout_list in lists:
        make_subscription(optout_list, address)
    return contact


def make_global_unsubscribe(realm: Realm, is_on: bool = True, **fields: Any) -> GlobalUnsubscribe:
    """The realm's door for global requests."""
    door = GlobalUnsubscribe.objects.create(realm=realm, is_on=is_on, **fields)
    forget_doors()
    return door


def switch_global_unsubscribe(
    realm: Realm, *, is_on: bool, actor: User | None
) -> GlobalUnsubscribe:
    """Switch it on or off as its settings do. What is off before it was ever on is not saved, and has no key."""
    change_global_unsubscribe(realm, {"is_on": is_on}, actor=actor)
    door = GlobalUnsubscribe.objects.filter(realm=realm).first()
    return door or GlobalUnsubscribe(realm=realm, key="")


def make_product(
    realm: Realm, number: int = 1, optout_list: List | None = None, **fields: Any
) -> Product:
    """A product of the realm, mapped to this list or to Do Not Mail."""
    values = {"name": f"Product {number}", **fields}
    product = Product.objects.create(realm=realm, number=number, optout_list=optout_list, **values)
    forget_doors()
    return product


def make_publisher(
    realm: Realm, reference: str = "p1", name: str = "Shop", **fields: Any
) -> Publisher:
    """A publisher, known by the `pubID` that its scripts send."""
    return Publisher.objects.create(realm=realm, reference=reference, name=name, **fields)


def make_form(realm: Realm, publisher: Publisher, **fields: Any) -> StoredForm:
    """A stored form of the publisher that asks for email and phone, unless said otherwise."""
    values = {"name": "Shop form", "fields": [EMAIL, PHONE], **fields}
    form = StoredForm.objects.create(realm=realm, publisher=publisher, **values)
    forget_doors()
    return form


def make_global_request(
    realm: Realm,
    email: str = "jane@example.com",
    phone: str = "",
    *,
    website: str = "",
    product_number: int = 0,
    requested_at: datetime = NOW,
    channel: Channel = Channel.GLOBAL_API,
    **report_fields: Any,
) -> GlobalLine:
    """A request by API, recorded; its line in the report. `report_fields` are `publisher`, `form`, `custom1` … `custom3`."""
    report = GlobalRequest(realm.pk, email, phone, website, product_number, **report_fields)
    product = realm.products.filter(number=product_number, is_active=True).first()
    target = (product and product.optout_list) or do_not_mail(realm)
    intents = global_intents(
        snapshot(target),
        [parse_address(each, "either", "US") for each in (email, phone) if each],
        report,
        channel=channel,
        assurance=Assurance.PREFILLED,
        requested_at=requested_at,
        evidence=Evidence(ip=ip_address("192.0.2.7"), agent="PHP/8.3"),
    )
    record_optouts(intents)
    return GlobalLine.objects.get(realm=realm, key=report.key)


def make_webhook_endpoint(
    realm: Realm,
    *lists: List,
    url: str = "https://crm.example.com/heed",
    format: WebhookFormat = WebhookFormat.STANDARD,  # noqa: A002 -- as the field is called
    **fields: Any,
) -> WebhookEndpoint:
    """An endpoint of the realm, told of these lists (none: of all), from now on."""
    end = end_of_feed()
    values = {
        "public_id": f"wh_{new_public_id()}",
        "salt": new_salt(),
        "created_at": NOW,
        "xid": end.xid,
        "last_id": end.last_id,
        **fields,
    }
    list_ids = sorted(each.pk for each in lists) or None
    return WebhookEndpoint.objects.create(
        realm=realm, url=url, format=format, list_ids=list_ids, **values
    )


def make_sms_number(
    realm: Realm, number: str = "+18005550199", optout_list: List | None = None, **fields: Any
) -> SmsNumber:
    """A number that people text, of this list or of the whole realm."""
    return SmsNumber.objects.create(realm=realm, number=number, optout_list=optout_list, **fields)


def make_inbound_endpoint(realm: Realm, **fields: Any) -> InboundEndpoint:
    """An address for a gateway of JSON or forms, unless said otherwise. Its secret: `lists.sms_setup.secret_of`."""
    values = {"public_id": new_public_id(), "salt": new_salt(), **fields}
    return InboundEndpoint.objects.create(realm=realm, **values)


def make_text_message(
    target: List | Realm, text: str = "Sale! {optout}", **fields: Any
) -> TextMessage:
    """A message of the Send editor to the list; or, of a realm, to a single number."""
    values = {
        "public_id": new_public_id(),
        "created_at": NOW,
        "number": "" if isinstance(target, List) else "+12025550100",
        **fields,
    }
    return TextMessage.objects.create(
        realm=target.realm if isinstance(target, List) else target,
        optout_list=target if isinstance(target, List) else None,
        text=text,
        **values,
    )
