"""A realm that sends text messages: its numbers, its gateways, and what came in by them."""

from datetime import timedelta

from django.utils import timezone

from lists.choices import Accepts, SmsStopScope
from lists.models import InboundEndpoint, List, Realm, User
from lists.sms_actions import (
    InboundPlan,
    change_rules,
    make_endpoint,
    make_number,
    rotate_secret,
)
from optout.addresses import digest_of
from optout.choices import Confirmation, Meaning
from optout.models import InboundMessage

MAIN, TWILIO = "mainGatewayOfAcm", "twilioOfAcmeInUs"
_ALLOWED = ["198.51.100.0/24", "2001:db8:1234:5678::/64"]


def set_up_texts(realm: Realm, actor: User) -> None:
    """Two numbers and a short code, two gateways, one of which lets nothing in yet, and a log with one of each kind."""
    now = timezone.now()
    phones = List.objects.get(realm=realm, accepts=Accepts.PHONE)
    offers = List.objects.get(realm=realm, number=2)
    List.objects.filter(pk=offers.pk).update(sms_stop_scope=SmsStopScope.LIST)
    make_number(realm, "+18005550199", label="Deliveries", optout_list=phones, actor=actor)
    make_number(realm, "+498001234567", label="Angebote", optout_list=offers, actor=actor)
    make_number(realm, "12345", actor=actor)
    values = {
        "own_keywords": ["basta", "lass mich in ruhe", "كفى"],
        "dropped_keywords": ["remove"],
        "start_lifts": True,
        "confirmation_texts": {"de": "Sie sind von {sender} abgemeldet. Grüße, Ihr Team 🌱"},
    }
    change_rules(realm, values, actor=actor)
    main = make_endpoint(
        realm,
        InboundPlan(label="Rasen & Rosen Gateway", allow_list=_ALLOWED),
        actor=actor,
        now=now,
    )
    twilio = make_endpoint(realm, InboundPlan(format="twilio"), actor=actor, now=now)  # type: ignore[arg-type]
    rotate_secret(main, timedelta(days=7), actor=actor, now=now)
    for row, public_id in ((main, MAIN), (twilio, TWILIO)):
        InboundEndpoint.objects.filter(pk=row.pk).update(
            public_id=public_id,
            last_used_at=now,
            last_refused_at=now,
            last_refusal="401: The secret is missing or wrong.",
        )
    everything = List.objects.get(realm=realm, number=0)
    meant = (
        (Meaning.STOP, everything, Confirmation.SENT),
        (Meaning.STOP, offers, Confirmation.SENDING),
        (Meaning.UNCLEAR, everything, Confirmation.NONE),
        (Meaning.START, everything, Confirmation.NONE),
        (Meaning.NOTHING, None, Confirmation.NONE),
        (Meaning.STOP, everything, Confirmation.TOO_LATE),
    )
    for number, (meaning, optout_list, confirmation) in enumerate(meant):
        sender = f"+1202555010{number}"
        InboundMessage.objects.create(
            endpoint=main,
            sender=sender,
            digest=digest_of(sender),
            texted="+18005550199" if number % 2 else "12345",
            meaning=meaning,
            optout_list=optout_list,
            confirmation=confirmation,
            received_at=now - timedelta(hours=5 * number),
        )
