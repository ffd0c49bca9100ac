"""Endpoints of the realm: one that delivers, fails, is off, is new; and a log with every kind of line."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from lists.models import List, Realm, User
from optout.choices import Channel, Medium
from reporting.models import DeliveryState, FeedCursor, WebhookDelivery, WebhookFormat
from tests import make

FAILING, OFF, NEW, DEFAULT = "wh_failing", "wh_off", "wh_new", "wh_default"
_LONG = "https://a-very-long-host-name.of-a-partner.with-many-parts.example.co.uk/in/"
_PAGE = "<html><script>alert(1)</script><h1>502 Bad Gateway</h1></html>" + "y" * 700


def set_up_webhooks(realm: Realm, letters: List, offers: List, admin: User) -> None:
    """Callbacks of the realm and of a list, and three endpoints; a sender runs."""
    now = timezone.now()
    FeedCursor.objects.create(name="webhooks", xid=0, last_id=0, moved_at=now + timedelta(hours=1))
    common: dict[str, Any] = {"made_by": admin, "created_at": now - timedelta(days=20)}
    sms = {"is_callback": True, "succeeded_at": now - timedelta(minutes=5), **common}
    default = make.make_webhook_endpoint(
        realm, public_id=DEFAULT, format=WebhookFormat.SMS_JSON, **sms
    )
    make.make_webhook_endpoint(
        realm, offers, url=f"{_LONG}callback?customer=4711", format=WebhookFormat.SMS_FORM, **sms
    )
    failing = make.make_webhook_endpoint(
        realm,
        letters,
        offers,
        public_id=FAILING,
        url=_LONG + "x" * 120,
        label="Versandhandel „Rasen & Rosen“, Donaudampfschifffahrtsgesellschaft",
        channels=[Channel.PAGE, Channel.ONE_CLICK, Channel.INBOUND_SMS],
        medium=Medium.EMAIL,
        gets_lifts=False,
        failing_since=now - timedelta(hours=30),
        succeeded_at=now - timedelta(days=2),
        **common,
    )
    make.make_webhook_endpoint(
        realm, public_id=OFF, off_at=now, off_cause="gone", label="CRM", **common
    )
    make.make_webhook_endpoint(
        realm, public_id=NEW, old_salt=b"x" * 16, old_salt_until=now + timedelta(hours=5), **common
    )
    for number in range(30):
        _deliver(default, number)
        _deliver(failing, number)
    _deliver(failing, 30, is_test=True, state=DeliveryState.FAILED, asked_by=admin.email)


def _deliver(endpoint: Any, number: int, **fields: Any) -> None:
    at = timezone.now() - timedelta(hours=5 * (30 - number))
    change = {
        "id": number,
        "type": "lift" if number % 5 == 4 else "opt_out",
        "list": 1,
        "address": f"reader.{number}.of.a.long.name+and-a-tag@subdomain.some-provider.example",
        "digest": uuid4().hex,
        "medium": "email",
        "channel": "one_click",
        "reason": "unsubscribed",
        "origin": "recipient",
        "is_new": True,
        "suppressed": True,
        "recorded_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
    }
    ends: tuple[dict[str, Any], ...] = (
        {"state": DeliveryState.DELIVERED, "status": 200, "answer": '{"ok":true}', "took_ms": 42},
        {"state": DeliveryState.DELIVERED, "status": 204, "took_ms": 12_345},
        {
            "state": DeliveryState.WAITING,
            "status": 502,
            "failure": "status",
            "answer": _PAGE,
            "due_at": at + timedelta(days=3),
            "tries": 4,
        },
        {"state": DeliveryState.WAITING, "tries": 0, "tried_at": None},
        {"state": DeliveryState.FAILED, "failure": "timeout", "took_ms": 15_000, "tries": 10},
    )
    values = {"tries": 1, "tried_at": at, "due_at": at, **ends[number % 5], **fields}
    WebhookDelivery.objects.create(
        endpoint=endpoint,
        message=uuid4(),
        changes=[change] * (34 if number % 7 == 3 else 1),
        recorded_at=at,
        created_at=at,
        **values,
    )
