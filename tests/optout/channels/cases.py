"""What every channel owes. A new channel inherits, names itself and writes `send`."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from django.utils import timezone

from lists.models import List, Realm, Subscription
from optout.addresses import digest_of
from optout.choices import Assurance, Channel, Kind, Origin, Reason, RefusalCause
from optout.models import OptOut, QuarantinedOptOut, Suppression
from tests import make
from tests.pages import FIREFOX

JANE = "jane@example.com"


@dataclass(frozen=True)
class Target:
    """What a test wants to send: the list's two names, the address, and whether its token shall be spoilt."""

    public_id: str
    list_id: int
    item: str = JANE
    is_forged: bool = False


@pytest.mark.django_db
class ChannelCases:
    """The cases. `send` is a good request from 192.0.2.7 as this channel's callers make it."""

    channel: Channel
    assurance: Assurance
    agent = FIREFOX
    unknown_status = 404
    forged_status = 404
    protected_status = 200
    # An address as its callers send it and as it is kept, and five of the same length that the answers must not tell apart.
    address = JANE
    typed, kept = "Jane+Tag@EXAMPLE.com", "jane+tag@example.com"
    strangers = tuple(
        f"{name}@example.com" for name in ("fresh", "known", "isout", "isdnm", "block")
    )

    def send(self, target: Target) -> Any:
        raise NotImplementedError

    def suppressed_on(self, optout_list: List) -> List:
        """The list that a request by this one's link is about."""
        return optout_list

    def send_for(self, optout_list: List, item: str = "") -> Any:
        return self.send(Target(optout_list.public_id, optout_list.pk, item or self.address))

    def test_it_suppresses_the_address(self, optout_list: List) -> None:
        response = self.send_for(optout_list)

        assert response.status_code in {200, 303}
        assert response.headers["Optout-Status"] == "recorded"
        suppression = Suppression.objects.get()
        expected = (self.suppressed_on(optout_list).pk, self.address)
        assert (suppression.optout_list_id, suppression.address) == expected
        assert bytes(suppression.digest) == digest_of(self.address)

    def test_it_names_its_channel_and_its_assurance(self, optout_list: List) -> None:
        self.send_for(optout_list)

        row = OptOut.objects.get()
        assert (row.channel, row.assurance) == (self.channel, self.assurance)
        assert Suppression.objects.get().channel == self.channel

    def test_repeating_is_harmless(self, optout_list: List) -> None:
        first, second = self.send_for(optout_list), self.send_for(optout_list)

        assert first.status_code == second.status_code
        assert Suppression.objects.count() == 1
        assert list(OptOut.objects.order_by("id").values_list("is_new", flat=True)) == [True, False]

    def test_an_unknown_list_is_told_and_nothing_recorded(self, db: None) -> None:
        response = self.send(Target("nosuchlist00", 4_000_000, self.address))

        assert response.status_code == self.unknown_status
        assert_nothing_recorded()

    def test_a_forged_token_records_nothing(self, optout_list: List) -> None:
        response = self.send(
            Target(optout_list.public_id, optout_list.pk, self.address, is_forged=True)
        )

        assert response.status_code == self.forged_status
        assert_nothing_recorded()

    def test_the_address_is_normalised_and_what_was_sent_is_kept(self, optout_list: List) -> None:
        self.send_for(optout_list, self.typed)

        row = OptOut.objects.get()
        assert row.address == self.kept
        assert row.evidence is not None
        assert row.evidence["raw"] == self.typed

    def test_evidence_is_kept(self, optout_list: List) -> None:
        self.send_for(optout_list)

        row = OptOut.objects.get()
        assert row.ip == "192.0.2.7"
        assert row.agent == self.agent.removeprefix("Mozilla/5.0").strip()

    def test_there_is_a_ledger_row_even_when_the_address_is_out_already(
        self, optout_list: List
    ) -> None:
        make.make_optout(self.suppressed_on(optout_list), self.address, channel=Channel.PORTAL)

        self.send_for(optout_list)

        row = OptOut.objects.exclude(channel=Channel.PORTAL).get()
        assert (row.kind, row.channel, row.is_new) == (Kind.OPT_OUT, self.channel, False)
        assert Suppression.objects.get().channel == Channel.PORTAL

    def test_it_ends_the_subscription(self, optout_list: List) -> None:
        make.make_subscription(optout_list, self.address)

        self.send_for(optout_list)

        assert not Subscription.objects.exists()

    def test_a_closed_list_records_too(self, optout_list: List) -> None:
        List.objects.filter(pk=optout_list.pk).update(closed_at=make.NOW)

        assert self.send_for(optout_list).headers["Optout-Status"] == "recorded"
        assert Suppression.objects.count() == 1

    def test_do_not_mail_is_a_list_like_any(self, realm: Realm, optout_list: List) -> None:
        make.make_subscription(optout_list, self.address)

        self.send_for(make.do_not_mail(realm))

        assert not Subscription.objects.exists()
        assert Suppression.objects.get().optout_list.is_global

    def test_protected_mode_is_respected(self, optout_list: List) -> None:
        """AT-02: what anybody could have sent needs one more tap or, where nobody can tap, waits in quarantine. A typed form
        is that tap; what is proved goes on."""
        List.objects.update(protected_until=timezone.now() + timedelta(hours=1))

        response = self.send_for(optout_list)

        if self.assurance != Assurance.PREFILLED:
            assert response.headers["Optout-Status"] == "recorded"
            return
        assert response.status_code == self.protected_status
        assert not OptOut.objects.exists() and not Suppression.objects.exists()
        kept = list(QuarantinedOptOut.objects.values_list("address", "channel", "cause"))
        if response.headers["Optout-Status"] == "quarantined":
            assert kept == [(self.address, self.channel, RefusalCause.PROTECTED_MODE)]
        else:
            assert response.headers["Optout-Status"] == "confirm-required"
            assert kept == [] and b"<form" in response.content

    def test_the_answer_does_not_tell_what_we_know_of_the_address(
        self, realm: Realm, optout_list: List
    ) -> None:
        """AT-03: never seen, on the list, out, out by Do Not Mail, blocked by the owner: the same bytes."""
        unknown, known, is_out, is_out_of_all, is_blocked = self.strangers
        make.make_subscription(optout_list, known)
        make.make_optout(optout_list, is_out)
        make.make_optout(make.do_not_mail(realm), is_out_of_all)
        blocked = {"channel": Channel.PORTAL, "origin": Origin.OWNER, "reason": Reason.LEGAL}
        make.make_optout(optout_list, is_blocked, **blocked)
        fresh = self.send_for(optout_list, unknown)

        for address in (known, is_out, is_out_of_all, is_blocked):
            answer = self.send_for(optout_list, address)
            assert answer.status_code == fresh.status_code
            assert comparable_headers(answer) == comparable_headers(fresh)
            assert comparable(answer, address) == comparable(fresh, unknown)


def assert_nothing_recorded() -> None:
    assert not Suppression.objects.exists()
    assert not OptOut.objects.exists()
    assert not QuarantinedOptOut.objects.exists()


def comparable(response: Any, address: str) -> bytes:
    """A body without what differs by chance, and without the address that was asked about."""
    body = re.sub(rb'nonce="[^"]+"', b"", response.content)
    for written in (address, quote(address), quote_plus(address)):
        body = body.replace(written.encode(), b"ADDRESS")
    return body


def comparable_headers(response: Any) -> dict[str, str]:
    headers = {name: re.sub(r"nonce-[\w-]+", "", value) for name, value in response.headers.items()}
    if "Location" in headers:  # holds the done token, always of the same length
        headers["Location"] = re.sub(r"t=.*", f"t={len(headers['Location'])}", headers["Location"])
    return headers
