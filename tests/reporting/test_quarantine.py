from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from lists.choices import Role
from lists.models import AuditEntry, List, Realm, User
from optout.addresses import digest_of
from optout.choices import Channel, Kind, RefusalCause, Traffic, Verdict
from optout.evidence import Evidence
from optout.models import Consent, LimitCounter, OptOut, QuarantinedOptOut, Suppression
from optout.quarantine import quarantine_optout
from reporting import quarantine_groups
from reporting.models import Notice
from reporting.models.notices import NoticeKind
from tests import make
from tests.reporting.portal import signed_in, signed_in_long_ago

ATTACKER = "203.0.113.5"
SHOWN = "2026-03-04T12:00:00+00:00"


def url(optout_list: List, rest: str = "") -> str:
    return f"/manage/lists/{optout_list.public_id}/quarantine{rest}"


def chosen(client: Client, optout_list: List, network: str, cause: RefusalCause) -> str:
    """What the page sends for that group."""
    groups = client.get(url(optout_list)).context["groups"]
    (group,) = [each for each in groups if (each.network, each.cause) == (network, cause)]
    assert f'value="{group.value}"' in client.get(url(optout_list)).content.decode()
    return str(group.value)


def refuse(
    optout_list: List,
    address: str,
    ip: str | None = ATTACKER,
    cause: RefusalCause = RefusalCause.BLOCKED_IP,
    **more: Any,
) -> None:
    evidence = Evidence(ip=ip_address(ip) if ip else None, agent="curl/8")
    quarantine_optout(make.make_intent(optout_list, address, evidence=evidence, **more), cause)


def block(optout_list: List, network: str = f"{ATTACKER}/32", **more: Any) -> None:
    now = timezone.now()
    values = {
        "traffic": Traffic.DIRECT,
        "digests": [],
        "seen_at": [],
        "refused": 7,
        "strikes": 1,
        "blocked_at": now,
        "blocked_until": now + timedelta(hours=1),
        "last_seen_at": now,
        **more,
    }
    LimitCounter.objects.create(optout_list=optout_list, network=network, **values)


@pytest.mark.django_db
class TestQuarantine:
    def test_nothing_waiting_says_so(self, bob: User, optout_list: List) -> None:
        page = signed_in(bob).get(url(optout_list)).content.decode()

        assert "Nothing is waiting" in page
        assert "No network is blocked" in page

    def test_what_waits_is_grouped_by_network_and_cause(self, bob: User, optout_list: List) -> None:
        for number in range(3):
            refuse(optout_list, f"p{number}@example.com")
        refuse(optout_list, "p0@example.com")
        refuse(optout_list, "q@example.com", cause=RefusalCause.UNLISTED_SERVER)
        refuse(optout_list, "r@example.com", "2001:db8::1")
        refuse(optout_list, "s@example.com", "2001:db8::2")
        refuse(optout_list, "t@example.com", None)

        groups = signed_in(bob).get(url(optout_list)).context["groups"]

        found = {(each.network, each.cause): (each.addresses, each.requests) for each in groups}
        assert found == {
            ("203.0.113.5/32", RefusalCause.BLOCKED_IP): (3, 4),
            ("203.0.113.5/32", RefusalCause.UNLISTED_SERVER): (1, 1),
            ("2001:db8::/64", RefusalCause.BLOCKED_IP): (2, 2),
            ("0.0.0.0/0", RefusalCause.BLOCKED_IP): (1, 1),
        }

    def test_it_says_who_waits_because_they_came_back(
        self, realm: Realm, alice: User, optout_list: List
    ) -> None:
        everything, sentence = make.do_not_mail(realm), "to stop everything waits until you decide"
        refuse(everything, "a@example.com")
        refuse(everything, "b@example.com")
        client = signed_in(alice)
        assert sentence not in client.get(url(everything)).content.decode()
        now = timezone.now()
        Consent.objects.create(
            optout_list=optout_list,
            digest=digest_of("a@example.com"),
            channel=Channel.JOIN,
            language="en",
            asked_at=now,
            confirmed_at=now,
        )

        assert f"1 request {sentence}" in client.get(url(everything)).content.decode()

    def test_what_a_newer_release_keeps_waits_for_it(self, bob: User, optout_list: List) -> None:
        """During an upgrade, and after going back."""
        refuse(optout_list, "a@example.com")
        refuse(optout_list, "b@example.com")
        QuarantinedOptOut.objects.filter(address="b@example.com").update(cause=99)

        (group,) = signed_in(bob).get(url(optout_list)).context["groups"]

        assert (group.cause, group.addresses) == (RefusalCause.BLOCKED_IP, 1)

    def test_accepting_a_group_records_exactly_that(self, bob: User, optout_list: List) -> None:
        refuse(optout_list, "a@example.com")
        refuse(optout_list, "b@example.com", cause=RefusalCause.UNLISTED_SERVER)
        refuse(optout_list, "c@example.com", "203.0.113.6")
        client = signed_in(bob)
        group = chosen(client, optout_list, f"{ATTACKER}/32", RefusalCause.BLOCKED_IP)

        client.post(url(optout_list, "/decide"), {"group": group, "verdict": "accept"})

        assert [each.address for each in Suppression.objects.all()] == ["a@example.com"]
        evidence = OptOut.objects.get().evidence
        assert evidence is not None
        assert evidence["accepted_by"] == f"user {bob.pk}"
        assert QuarantinedOptOut.objects.filter(verdict=Verdict.WAITING).count() == 2
        assert AuditEntry.objects.get().action == "accept_quarantined"

    @pytest.mark.parametrize(
        ("network", "address", "ip"),
        [
            ("2001:db8::/64", "r@example.com", "2001:db8::ffff:1"),
            ("0.0.0.0/0", "t@example.com", None),
        ],
    )
    def test_groups_of_ipv6_and_of_nobody_can_be_chosen(
        self, bob: User, optout_list: List, network: str, address: str, ip: str | None
    ) -> None:
        refuse(optout_list, address, ip)
        refuse(optout_list, "other@example.com", "2001:db8:0:1::1")
        client = signed_in(bob)
        group = chosen(client, optout_list, network, RefusalCause.BLOCKED_IP)

        client.post(url(optout_list, "/decide"), {"group": group, "verdict": "accept"})

        assert [each.address for each in Suppression.objects.all()] == [address]

    def test_rejecting_keeps_them_as_rejected(self, bob: User, optout_list: List) -> None:
        refuse(optout_list, "a@example.com")
        client = signed_in(bob)
        group = chosen(client, optout_list, f"{ATTACKER}/32", RefusalCause.BLOCKED_IP)

        client.post(url(optout_list, "/decide"), {"group": group, "verdict": "reject"})

        assert not Suppression.objects.exists()
        row = QuarantinedOptOut.objects.get()
        assert (row.verdict, row.decided_by) == (Verdict.REJECTED, bob)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"verdict": "accept"},
            {"group": "nonsense", "verdict": "accept"},
            {"group": f"203.0.113.5/32|99|{SHOWN}", "verdict": "accept"},
            {"group": f"203.0.113.5/32|2|{SHOWN}", "verdict": "burn"},
            {"group": f"203.0.113.5/33|2|{SHOWN}", "verdict": "accept"},
            {"group": f"\x00|2|{SHOWN}", "verdict": "accept"},
            {"group": "203.0.113.5/32|2", "verdict": "accept"},
            {"group": "203.0.113.5/32|2|", "verdict": "accept"},
            {"group": "203.0.113.5/32|2|tomorrow", "verdict": "accept"},
            {"group": "203.0.113.5/32|2|2026-03-04T12:00:00", "verdict": "accept"},
            {"group": f"203.0.113.5/32|2|{SHOWN}|", "verdict": "accept"},
        ],
    )
    def test_a_broken_choice_decides_nothing(
        self, bob: User, optout_list: List, body: dict[str, str]
    ) -> None:
        refuse(optout_list, "a@example.com")

        response = signed_in(bob).post(url(optout_list, "/decide"), body, follow=True)

        assert response.status_code == 200
        assert "Choose at least one group" in response.content.decode()
        assert QuarantinedOptOut.objects.get().verdict == Verdict.WAITING

    def test_no_text_chosen_is_said_so(self, bob: User, optout_list: List) -> None:
        body = {"of": "texts", "verdict": "accept"}
        response = signed_in(bob).post(url(optout_list, "/decide"), body, follow=True)

        assert "Choose at least one text, then" in response.content.decode()

    @pytest.mark.parametrize(
        ("verdict", "word"),
        [("accept", Verdict.ACCEPTED), ("reject", Verdict.REJECTED)],
    )
    def test_what_came_after_the_page_was_shown_goes_on_waiting(
        self, bob: User, optout_list: List, verdict: str, word: Verdict
    ) -> None:
        """B4: the owner saw one and decides about one."""
        refuse(optout_list, "seen@example.com")
        client = signed_in(bob)
        group = chosen(client, optout_list, f"{ATTACKER}/32", RefusalCause.BLOCKED_IP)
        soon = make.NOW + timedelta(milliseconds=1)
        for number in range(30):
            refuse(optout_list, f"p{number}@example.com", requested_at=soon)
        refuse(optout_list, "seen@example.com", requested_at=soon)

        client.post(url(optout_list, "/decide"), {"group": group, "verdict": verdict})

        decided = QuarantinedOptOut.objects.filter(verdict=word)
        assert [each.address for each in decided] == ["seen@example.com"]
        assert QuarantinedOptOut.objects.filter(verdict=Verdict.WAITING).count() == 30
        assert Suppression.objects.count() == (1 if verdict == "accept" else 0)

    @pytest.mark.parametrize(
        "moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-04T11:59Z"]
    )
    def test_a_time_that_no_page_showed_is_a_time(
        self, bob: User, optout_list: List, moment: str
    ) -> None:
        refuse(optout_list, "a@example.com")

        response = signed_in(bob).post(
            url(optout_list, "/decide"),
            {"group": f"{ATTACKER}/32|2|{moment}", "verdict": "reject"},
        )

        assert response.status_code == 302
        is_later = moment.startswith("9999")
        assert (QuarantinedOptOut.objects.get().verdict == Verdict.REJECTED) is is_later

    def test_the_number_that_waits_is_all_of_it(
        self, bob: User, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(quarantine_groups, "MOST_GROUPS", 3)
        for number in range(5):
            refuse(optout_list, f"p{number}@example.com", f"203.0.113.{number}")

        response = signed_in(bob).get(url(optout_list))

        assert len(response.context["groups"]) == 3
        assert "5 refused opt-outs" in response.content.decode()
        assert "The latest 3 groups are shown" in response.content.decode()

    def test_deciding_about_a_server_settles_its_notice(self, bob: User, optout_list: List) -> None:
        refuse(optout_list, "a@example.com", cause=RefusalCause.UNLISTED_SERVER)
        Notice.objects.create(
            optout_list=optout_list,
            kind=NoticeKind.UNLISTED_SERVER,
            subject=f"{ATTACKER}/32",
            raised_at=make.NOW,
        )
        client = signed_in(bob)
        group = chosen(client, optout_list, f"{ATTACKER}/32", RefusalCause.UNLISTED_SERVER)

        client.post(url(optout_list, "/decide"), {"group": group, "verdict": "reject"})

        assert Notice.objects.get().settled_at is not None

    def test_the_notice_stays_while_anything_of_the_server_waits(
        self, bob: User, optout_list: List
    ) -> None:
        refuse(optout_list, "a@example.com", cause=RefusalCause.UNLISTED_SERVER)
        Notice.objects.create(
            optout_list=optout_list,
            kind=NoticeKind.UNLISTED_SERVER,
            subject=f"{ATTACKER}/32",
            raised_at=make.NOW,
        )
        client = signed_in(bob)
        group = chosen(client, optout_list, f"{ATTACKER}/32", RefusalCause.UNLISTED_SERVER)
        refuse(
            optout_list,
            "b@example.com",
            cause=RefusalCause.UNLISTED_SERVER,
            requested_at=make.NOW + timedelta(seconds=1),
        )

        client.post(url(optout_list, "/decide"), {"group": group, "verdict": "reject"})

        assert Notice.objects.get().settled_at is None

    def test_another_lists_quarantine_is_left_alone(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        refuse(make.make_list(realm, 2), "a@example.com")

        signed_in(bob).post(
            url(optout_list, "/decide"), {"group": f"{ATTACKER}/32|2|{SHOWN}", "verdict": "accept"}
        )

        assert not Suppression.objects.exists()
        assert QuarantinedOptOut.objects.get().verdict == Verdict.WAITING

    def test_protected_mode_is_shown_with_its_end(self, bob: User, optout_list: List) -> None:
        optout_list.protected_until = timezone.now() + timedelta(hours=1)
        optout_list.save(update_fields=["protected_until"])

        assert "in protected mode" in signed_in(bob).get(url(optout_list)).content.decode()

    def test_it_asks_the_database_ten_times_at_most(
        self, bob: User, optout_list: List, django_assert_max_num_queries
    ) -> None:
        for number in range(20):
            refuse(optout_list, f"p{number}@example.com", f"203.0.113.{number}")
            block(optout_list, f"203.0.113.{number}/32")
        client = signed_in(bob)
        with django_assert_max_num_queries(10):
            client.get(url(optout_list))


@pytest.mark.django_db
class TestBlockedNetworks:
    def test_they_are_shown_until_the_block_ends(self, bob: User, optout_list: List) -> None:
        block(optout_list)
        block(optout_list, "203.0.113.9/32", blocked_until=timezone.now() - timedelta(minutes=1))

        blocked = signed_in(bob).get(url(optout_list)).context["blocked"]

        assert [(each.shown_network, each.refused) for each in blocked] == [(ATTACKER, 7)]

    def test_unblocking_ends_it_and_settles_the_notice(self, bob: User, optout_list: List) -> None:
        block(optout_list)
        refuse(optout_list, "a@example.com")
        Notice.objects.create(
            optout_list=optout_list,
            kind=NoticeKind.BLOCKED_IP,
            subject=f"{ATTACKER}/32",
            raised_at=make.NOW,
        )

        signed_in(bob).post(
            url(optout_list, "/network"), {"network": f"{ATTACKER}/32", "how": "unblock"}
        )

        assert not LimitCounter.objects.exists()
        assert Notice.objects.get().settled_at is not None
        assert QuarantinedOptOut.objects.get().verdict == Verdict.WAITING
        assert AuditEntry.objects.get().action == "unblock_network"

    @pytest.mark.parametrize(
        ("network", "entry", "ip"),
        [
            (f"{ATTACKER}/32", ATTACKER, ATTACKER),
            ("2001:db8::/64", "2001:db8::/64", "2001:db8::77"),
        ],
    )
    def test_allowing_whitelists_unblocks_and_records_what_waits(
        self, bob: User, optout_list: List, network: str, entry: str, ip: str
    ) -> None:
        block(optout_list, network)
        refuse(optout_list, "a@example.com", ip)
        refuse(optout_list, "b@example.com", ip, RefusalCause.UNLISTED_SERVER)
        refuse(optout_list, "c@example.com", "198.51.100.1")
        Notice.objects.create(
            optout_list=optout_list,
            kind=NoticeKind.UNLISTED_SERVER,
            subject=network,
            raised_at=make.NOW,
        )

        signed_in(bob).post(url(optout_list, "/network"), {"network": network, "how": "allow"})

        optout_list.refresh_from_db()
        assert optout_list.whitelist == [entry]
        assert not LimitCounter.objects.exists()
        assert {each.address for each in Suppression.objects.all()} == {
            "a@example.com",
            "b@example.com",
        }
        assert Notice.objects.get().settled_at is not None
        assert {each.action for each in AuditEntry.objects.all()} == {
            "allow_network",
            "accept_quarantined",
        }

    def test_allowing_twice_keeps_one_entry(self, bob: User, optout_list: List) -> None:
        client = signed_in(bob)
        for _ in range(2):
            client.post(url(optout_list, "/network"), {"network": f"{ATTACKER}/32", "how": "allow"})

        optout_list.refresh_from_db()
        assert optout_list.whitelist == [ATTACKER]

    @pytest.mark.parametrize("network", ["", "nonsense", "0.0.0.0/0", "10.0.0.0/4", "1.2.3.4/99"])
    def test_what_is_no_network_is_refused(
        self, bob: User, optout_list: List, network: str
    ) -> None:
        response = signed_in(bob).post(
            url(optout_list, "/network"), {"network": network, "how": "allow"}
        )

        assert response.status_code == 302
        optout_list.refresh_from_db()
        assert optout_list.whitelist == []
        assert not AuditEntry.objects.exists()

    def test_changing_the_whitelist_asks_for_the_password_after_a_while(
        self, bob: User, optout_list: List
    ) -> None:
        response = signed_in_long_ago(bob).post(
            url(optout_list, "/network"), {"network": f"{ATTACKER}/32", "how": "allow"}
        )

        assert "reauthenticate" in response["Location"]
        optout_list.refresh_from_db()
        assert optout_list.whitelist == []


@pytest.mark.django_db
class TestRevert:
    QUERY = "/revert?channel=5&network=203.0.113.5&since=2026-03-04T11:00&until=2026-03-04T13:00"

    @pytest.fixture
    def attacked(self, optout_list: List) -> List:
        evidence = Evidence(ip=ip_address(ATTACKER))
        make.make_optout(
            optout_list, "before@example.com", requested_at=make.NOW - timedelta(days=9)
        )
        for name in ("before", "a", "b"):
            make.make_optout(
                optout_list, f"{name}@example.com", channel=Channel.PIXEL, evidence=evidence
            )
        make.make_optout(optout_list, "page@example.com", evidence=evidence)
        return optout_list

    def test_it_counts_before_it_acts(self, bob: User, attacked: List) -> None:
        response = signed_in(bob).get(url(attacked, self.QUERY))

        assert response.context["count"] == 2
        assert Suppression.objects.count() == 4

    def test_the_lists_name_lifts_exactly_those(self, bob: User, attacked: List) -> None:
        response = signed_in(bob).post(url(attacked, self.QUERY), {"name": "Garden letters"})

        assert response.status_code == 302
        assert {each.address for each in Suppression.objects.all()} == {
            "before@example.com",
            "page@example.com",
        }
        assert OptOut.objects.filter(kind=Kind.LIFT).count() == 2
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.detail["lifted"]) == ("revert_optouts", 2)

    @pytest.mark.parametrize("name", ["", "garden letters", "Offers"])
    def test_another_name_lifts_nothing(self, bob: User, attacked: List, name: str) -> None:
        response = signed_in(bob).post(url(attacked, self.QUERY), {"name": name})

        assert response.status_code == 422
        assert Suppression.objects.count() == 4

    def test_without_a_filter_the_name_lifts_nothing(self, bob: User, attacked: List) -> None:
        response = signed_in(bob).post(url(attacked, "/revert"), {"name": "Garden letters"})

        assert response.status_code == 422
        assert Suppression.objects.count() == 4

    @pytest.mark.parametrize(
        "query",
        [
            "?since=x&until=y",
            "?since=2026-03-04T13:00&until=2026-03-04T11:00",
            "?since=2026-03-04T11:00&until=2026-03-04T13:00&network=333.333.333.333",
            "?since=2026-03-04T11:00&until=2026-03-04T13:00&network=1.1.1.1,2.2.2.2",
            "?since=2026-03-04T11:00&until=2026-03-04T13:00&channel=99",
        ],
    )
    def test_bad_input_is_kept_with_an_error(self, bob: User, attacked: List, query: str) -> None:
        response = signed_in(bob).get(url(attacked, f"/revert{query}"))

        assert response.status_code == 200
        assert response.context["form"].errors

    def test_a_viewer_cannot(self, realm: Realm, attacked: List) -> None:
        viewer = make.make_user("viewer@acme.example")
        make.make_member(viewer, realm, Role.VIEWER)

        response = signed_in(viewer).post(url(attacked, self.QUERY), {"name": "Garden letters"})

        assert response.status_code == 404
        assert Suppression.objects.count() == 4
