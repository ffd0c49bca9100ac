"""What people and limits left behind in the demo's month: quarantine, a block, notices, downloads, the audit log."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_address
from typing import Any

from django.db.models import Max, Q

from config.demo_scene import Scene
from lists.actions import close_list
from lists.audit import record_audit
from lists.lookup import snapshot
from lists.models import AuditEntry, DownloadKey, List, Membership, User
from lists.networks import IpAddress, network_of
from lists.secrets import make_secret
from optout.actions import record_optouts
from optout.addresses import Address
from optout.choices import Assurance, Channel, RefusalCause, Traffic
from optout.evidence import Evidence
from optout.intents import OptOutIntent, intent_for
from optout.models import LimitCounter
from optout.quarantine import accept_quarantined, quarantine_optout, reject_quarantined
from reporting.access_rights import switch_key
from reporting.models import Download, Notice
from reporting.models.downloads import DownloadFormat, DownloadOutcome
from reporting.models.notices import NoticeKind

_BLOCKED = ip_address("203.0.113.77")
_UNLISTED = ip_address("198.51.100.77")
_ROBOT = ip_address("203.0.113.13")
_MAILER = ip_address("198.51.100.40")
_LIMIT = 20  # addresses that get through before the block


def leave_traces(scene: Scene, *, attacked: int) -> None:
    """Everything of the month that is no opt-out. `attacked`: how many opt-outs the owner reverted."""
    lists, now = scene.lists, scene.now
    owner = scene.people["owner"]
    block_network(lists[2], list(scene.addresses(_LIMIT + 40)), now)
    refuse_unlisted_server(lists[4], list(scene.addresses(7)), now)
    decide_quarantined(lists[1], list(scene.addresses(13)), owner, now)
    tell_owner(lists, now)
    keys = give_keys(lists, owner, scene.people["mailer"], now)
    Download.objects.bulk_create([*nightly_downloads(scene, keys), *portal_downloads(scene)])
    write_audit(lists, owner, now, attacked)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls a direct link, and as what."""

    ip: IpAddress
    agent: str
    channel: Channel

    def intent(self, optout_list: List, address: Address, at: datetime) -> OptOutIntent:
        typed = self.channel == Channel.PAGE
        return intent_for(
            snapshot(optout_list),
            address,
            channel=self.channel,
            assurance=Assurance.TYPED if typed else Assurance.PREFILLED,
            requested_at=at,
            evidence=Evidence.of(self.ip, self.agent),
        )


def block_network(optout_list: List, addresses: list[Address], now: datetime) -> None:
    """One network brings 60 addresses within minutes: 20 recorded, then blocked, 40 in quarantine."""
    caller = Caller(_BLOCKED, "Mozilla/5.0 (Windows NT 10.0; Win64; x64)", Channel.DIRECT_LINK)
    began_at = now - timedelta(minutes=55)
    intents = [
        caller.intent(optout_list, address, began_at + timedelta(seconds=7 * number))
        for number, address in enumerate(addresses)
    ]
    admitted, refused = intents[:_LIMIT], intents[_LIMIT:]
    record_optouts(admitted)
    for number, intent in enumerate(refused):
        first = number == 0
        quarantine_optout(intent, RefusalCause.ADDRESS_LIMIT if first else RefusalCause.BLOCKED_IP)
    LimitCounter.objects.create(
        optout_list=optout_list,
        network=network_of(_BLOCKED),
        traffic=Traffic.DIRECT,
        digests=[intent.digest for intent in admitted],
        seen_at=[intent.requested_at for intent in admitted],
        refused=len(refused),
        strikes=3,
        blocked_at=refused[0].requested_at,
        blocked_until=refused[0].requested_at + timedelta(hours=4),
        last_seen_at=refused[-1].requested_at,
    )


def refuse_unlisted_server(optout_list: List, addresses: list[Address], now: datetime) -> None:
    """A partner's new server, which nobody told us about."""
    caller = Caller(_UNLISTED, "PHP/8.4 curl", Channel.S2S)
    for number, address in enumerate(addresses):
        at = now - timedelta(hours=3 + 9 * number)
        quarantine_optout(caller.intent(optout_list, address, at), RefusalCause.UNLISTED_SERVER)


def decide_quarantined(
    optout_list: List, addresses: list[Address], owner: User, now: datetime
) -> None:
    """What is decided already: an office behind one IP was accepted, a robot in the form rejected."""
    office = Caller(ip_address("192.0.2.200"), "Mozilla/5.0 Firefox/143.0", Channel.PAGE)
    robot = Caller(_ROBOT, "python-urllib3/2.5.0", Channel.PAGE)
    refused_at, decided_at = now - timedelta(days=6, hours=2), now - timedelta(days=5, hours=20)
    for address in addresses[:8]:
        quarantine_optout(
            office.intent(optout_list, address, refused_at), RefusalCause.ADDRESS_LIMIT
        )
    for address in addresses[8:]:
        quarantine_optout(robot.intent(optout_list, address, refused_at), RefusalCause.HONEYPOT)
    with audited_at(decided_at):
        accept_quarantined(
            optout_list, Q(cause=RefusalCause.ADDRESS_LIMIT), actor=owner, now=decided_at
        )
        reject_quarantined(optout_list, Q(cause=RefusalCause.HONEYPOT), actor=owner, now=decided_at)


def tell_owner(lists: dict[int, List], now: datetime) -> None:
    """Two notices that are open, and one that is settled; all were mailed."""
    blocked_at, unlisted_at = now - timedelta(minutes=52), now - timedelta(hours=57)
    pixel_at = now - timedelta(days=21)
    for number, kind, subject, raised_at, settled_at in (
        (2, NoticeKind.BLOCKED_IP, network_of(_BLOCKED), blocked_at, None),
        (4, NoticeKind.UNLISTED_SERVER, network_of(_UNLISTED), unlisted_at, None),
        (4, NoticeKind.PIXEL_IN_MAIL, "", pixel_at, pixel_at + timedelta(days=1)),
    ):
        Notice.objects.create(
            optout_list=lists[number],
            kind=kind,
            subject=subject,
            raised_at=raised_at,
            mailed_at=raised_at + timedelta(minutes=1),
            settled_at=settled_at,
        )


def give_keys(
    lists: dict[int, List], owner: User, mailer: User, now: datetime
) -> dict[int, DownloadKey]:
    """The mailer's own keys by list number, and one that was switched off. Nobody knows their texts."""
    membership = Membership.objects.get(user=mailer, realm=lists[1].realm)
    keys = {
        number: _key(lists[number], "Blue Heron Mailing", now, membership=membership)
        for number in (1, 3)
    }
    old = _key(lists[1], "Old campaign tool", now, last_used_at=now - timedelta(days=24))
    with audited_at(now - timedelta(days=23)):
        switch_key(lists[1], old.pk, on=False, actor=owner)
    return keys


def _key(optout_list: List, label: str, now: datetime, **fields: Any) -> DownloadKey:
    secret = make_secret("hd")
    key = DownloadKey.objects.create(
        optout_list=optout_list,
        label=label,
        secret_digest=secret.digest,
        hint=secret.hint,
        **fields,
    )
    DownloadKey.objects.filter(pk=key.pk).update(created_at=now - timedelta(days=29))
    return key


def nightly_downloads(scene: Scene, keys: dict[int, DownloadKey]) -> Iterator[Download]:
    """What the mailer's job fetched each night; one of them broke off."""
    midnight = scene.now.replace(hour=0, minute=0, second=0, microsecond=0)
    for number, key in keys.items():
        for days_ago in range(28, -1, -1):
            seconds = scene.rng.randrange(600)
            at = midnight + timedelta(days=-days_ago, hours=5, seconds=seconds)
            if at >= scene.now - timedelta(minutes=10):
                continue
            rows, outcome = scene.suppressed(number, at), DownloadOutcome.COMPLETE
            if (number, days_ago) == (1, 17):
                rows, outcome = rows // 3, DownloadOutcome.BROKEN_OFF
            elif number == 3 and days_ago % 9 == 4:
                rows, outcome = 0, DownloadOutcome.UNCHANGED
            yield Download(
                optout_list=scene.lists[number],
                key=key,
                format=DownloadFormat.MD5,
                ip=str(_MAILER),
                agent="curl/8.15.0",
                outcome=outcome,
                rows=rows,
                started_at=at,
                finished_at=at + timedelta(milliseconds=40 + rows // 100),
            )
            key.last_used_at = at
        key.save(update_fields=["last_used_at"])


def portal_downloads(scene: Scene) -> Iterator[Download]:
    """What people fetched by hand."""
    for number, who, form, days_ago in (
        (1, "owner", DownloadFormat.CSV, 8),
        (2, "list_owner", DownloadFormat.SHA256, 3),
        (1, "mailer", DownloadFormat.SHA256, 1),
    ):
        at = scene.now - timedelta(days=days_ago, hours=2)
        yield Download(
            optout_list=scene.lists[number],
            user=scene.people[who],
            format=form,
            ip="192.0.2.120",
            agent="(X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
            outcome=DownloadOutcome.COMPLETE,
            rows=scene.suppressed(number, at),
            started_at=at,
            finished_at=at + timedelta(milliseconds=90),
        )


def write_audit(lists: dict[int, List], owner: User, now: datetime, attacked: int) -> None:
    """What else the owner did, as the audit log has it."""
    record = partial(record_audit, actor=owner, realm=lists[4].realm, optout_list=lists[4])
    with audited_at(now - timedelta(days=28)):
        record("allow_network", network="127.0.0.2/32", accepted=0)
    with audited_at(now - timedelta(days=15)):
        close_list(lists[6], actor=owner, now=now - timedelta(days=15))
    reverted_at = now - timedelta(days=8, hours=22)
    with audited_at(reverted_at):
        record(
            "revert_optouts",
            since=(reverted_at - timedelta(hours=6)).isoformat(),
            until=reverted_at.isoformat(),
            channel="pixel",
            network="203.0.113.66/32",
            lifted=attacked,
        )


@contextmanager
def audited_at(moment: datetime) -> Iterator[None]:
    """Date back what the block writes to the audit log."""
    last = AuditEntry.objects.aggregate(last=Max("pk"))["last"] or 0
    yield
    AuditEntry.objects.filter(pk__gt=last).update(recorded_at=moment)
