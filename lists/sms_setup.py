"""What a realm has set up for text messages, as the ways in read it. The portal's changes: lists/sms_actions.py."""

from dataclasses import dataclass, field
from datetime import datetime

from lists.models import InboundEndpoint, SmsNumber, SmsSetup
from lists.sealed import derive_secret, salts_in_force, unseal

SECRET_PURPOSE = b"inbound secret"
TOKEN_PURPOSE = b"twilio auth token"


@dataclass(frozen=True, slots=True)
class SmsRules:
    """A realm's own words for STOP, whether START takes it back, and what confirms it ({language: text})."""

    own_keywords: frozenset[str] = frozenset()
    dropped_keywords: frozenset[str] = frozenset()
    start_lifts: bool = False
    confirmation_texts: dict[str, str] = field(default_factory=dict)


def rules_of(realm_id: int) -> SmsRules:
    """The realm's rules; the defaults where it has said nothing."""
    setup = SmsSetup.objects.filter(realm=realm_id).first()
    if setup is None:
        return SmsRules()
    return SmsRules(
        frozenset(setup.own_keywords),
        frozenset(setup.dropped_keywords),
        setup.start_lifts,
        dict(setup.confirmation_texts),
    )


def find_endpoint(public_id: str) -> InboundEndpoint | None:
    """The endpoint of that name, if there is one in use."""
    endpoints = InboundEndpoint.objects.select_related("realm")
    return endpoints.filter(public_id=public_id, removed_at=None).first()


def find_number(realm_id: int, *spellings: str) -> SmsNumber | None:
    """The realm's own number, E.164 or a short code, if it has set one of these up."""
    return SmsNumber.objects.filter(realm=realm_id, number__in=spellings).first()


def find_only_number(realm_id: int) -> SmsNumber | None:
    """The number of a realm that has set up just one."""
    numbers = list(SmsNumber.objects.filter(realm=realm_id)[:2])
    return numbers[0] if len(numbers) == 1 else None


def secret_of(endpoint: InboundEndpoint) -> str:
    """The endpoint's secret in force, as its gateway is given it."""
    return derive_secret(SECRET_PURPOSE, endpoint.salt)


def secrets_of(endpoint: InboundEndpoint, now: datetime) -> list[str]:
    """The secrets that open: that in force, and while it is rotated the old one."""
    return [derive_secret(SECRET_PURPOSE, salt) for salt in salts_in_force(endpoint, now)]


def tokens_of(endpoint: InboundEndpoint) -> list[str]:
    """Twilio's auth tokens that sign; none where nobody has entered one."""
    sealed = (endpoint.sealed_token, endpoint.other_sealed_token)
    return list(filter(None, (unseal(each, TOKEN_PURPOSE) for each in sealed)))
