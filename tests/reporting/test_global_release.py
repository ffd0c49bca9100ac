"""Letting a publisher's server in: it is blocked on Do Not Mail, and what it sent waits on the lists of its products."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from lists.choices import Role
from lists.models import AuditEntry, GlobalUnsubscribe, List, Realm, User
from optout.choices import Assurance, RefusalCause, Verdict
from optout.models import GlobalLine, LimitCounter, OptOut, QuarantinedOptOut, Suppression
from reporting.models import Notice
from reporting.notices import raise_notices
from tests import make
from tests.lists.screens import look_at
from tests.optout.channels.global_unsubscribe.calls import call
from tests.reporting.portal import signed_in, signed_in_long_ago
from tests.reporting.test_quarantine import block, refuse

pytestmark = pytest.mark.django_db

SERVER = "192.0.2.7"  # from which `call` comes
NETWORK = f"{SERVER}/32"
BUTTON = "Allow as a publisher’s server"


@pytest.fixture
def dnm(realm: Realm, optout_list: List) -> List:
    make.make_global_unsubscribe(realm, server_ips=["198.51.100.0/24"])
    make.make_product(realm, 7, optout_list)
    return make.do_not_mail(realm)


@pytest.fixture
def blocked(dnm: List) -> List:
    """Do Not Mail after 23 requests of one server for product 7: 20 recorded, three wait on its list."""
    for n in range(23):
        call(productId=7, website="pub.example", email=f"p{n}@example.com")
    assert QuarantinedOptOut.objects.count() == 3
    raise_notices(timezone.now())
    return dnm


def url(optout_list: List, rest: str = "") -> str:
    return f"/manage/lists/{optout_list.public_id}/quarantine{rest}"


def press(client: Client, optout_list: List, how: str, network: str = NETWORK) -> str:
    """Press a button of the section; what the page says then."""
    target = url(optout_list, "/server")
    response: Any = client.post(target, {"network": network, "how": how}, follow=True)
    assert response.status_code == 200
    return look_at(response).text


class TestThePage:
    def test_of_do_not_mail_says_on_which_lists_they_wait(
        self, alice: User, blocked: List, optout_list: List
    ) -> None:
        screen = look_at(signed_in(alice).get(url(blocked)))

        assert "Garden letters : 3" in screen.text and BUTTON in screen.text
        assert url(optout_list) in screen.links
        assert "It does not concern global requests" in screen.text

    def test_of_the_products_list_says_where_the_block_stands(
        self, alice: User, blocked: List, optout_list: List
    ) -> None:
        screen = look_at(signed_in(alice).get(url(optout_list)))

        assert "this list: 3" in screen.text and BUTTON in screen.text
        assert f"{url(blocked)}#global-requests" in screen.links

    def test_an_owner_is_told_that_an_admin_can_allow_it(
        self, bob: User, blocked: List, optout_list: List
    ) -> None:
        screen = look_at(signed_in(bob).get(url(optout_list)))

        assert "a realm admin can allow it as a publisher’s server" in screen.text
        assert BUTTON not in screen.text and "/server" not in screen.html
        assert url(blocked) not in " ".join(screen.links)

    def test_an_owner_of_do_not_mail_sees_no_list_that_is_not_theirs(
        self, realm: Realm, blocked: List, optout_list: List
    ) -> None:
        owen = make.make_user("owen@acme.example")
        make.make_member(owen, realm, Role.OWNER, blocked)

        screen = look_at(signed_in(owen).get(url(blocked)))

        assert optout_list.name not in screen.text and optout_list.public_id not in screen.html
        assert "allowed by a realm admin, as a publisher’s server" in screen.text

    def test_of_another_list_or_realm_says_nothing(
        self, alice: User, charlie: User, realm: Realm, blocked: List
    ) -> None:
        foreign = List.objects.get(realm__name="other", number=0)
        for who, where in ((alice, make.make_list(realm, 9, "Offers")), (charlie, foreign)):
            assert "Global requests" not in look_at(signed_in(who).get(url(where))).text

    def test_a_block_without_global_requests_offers_nothing(
        self, alice: User, optout_list: List
    ) -> None:
        refuse(optout_list, "a@example.com")
        block(optout_list)

        assert BUTTON not in look_at(signed_in(alice).get(url(optout_list))).text

    def test_who_is_unknown_cannot_be_allowed(self, alice: User, blocked: List) -> None:
        QuarantinedOptOut.objects.update(ip=None)

        screen = look_at(signed_in(alice).get(url(blocked)))

        assert "Unknown IP" in screen.text and 'value="allow">Allow as' not in screen.html
        assert "This is not a network" in press(signed_in(alice), blocked, "allow", "0.0.0.0/0")

    def test_it_asks_the_database_ten_times_at_most(
        self,
        alice: User,
        bob: User,
        blocked: List,
        optout_list: List,
        django_assert_max_num_queries,
    ) -> None:
        for who, where in ((alice, blocked), (alice, optout_list), (bob, optout_list)):
            client = signed_in(who)
            with django_assert_max_num_queries(10):
                client.get(url(where))


class TestAllowing:
    def test_it_is_a_publishers_server_and_what_waits_is_recorded_on_every_list(
        self, alice: User, realm: Realm, blocked: List, optout_list: List
    ) -> None:
        call(email="everything@example.com")
        assert QuarantinedOptOut.objects.filter(optout_list=blocked).count() == 1

        said = press(signed_in(alice), blocked, "allow")

        assert f"{SERVER} is one of the publishers’ servers now" in said
        assert "Recorded what waited: 4 opt-outs." in said
        door = GlobalUnsubscribe.objects.get(realm=realm)
        assert door.server_ips == ["198.51.100.0/24", SERVER]
        assert Suppression.objects.filter(optout_list=optout_list).count() == 23
        assert Suppression.objects.filter(optout_list=blocked).count() == 1
        assert GlobalLine.objects.count() == 24
        assert not LimitCounter.objects.exists()
        assert not Notice.objects.filter(settled_at=None).exists()
        blocked.refresh_from_db()
        assert blocked.whitelist == [], (
            "it binds the download, and does nothing for global requests"
        )

    def test_it_is_not_blocked_again(self, alice: User, blocked: List) -> None:
        press(signed_in(alice), blocked, "allow")

        answers = {call(productId=7, email=f"q{n}@example.com").content for n in range(40)}

        assert answers == {b"1"}
        assert OptOut.objects.latest("id").assurance == Assurance.WHITELISTED_IP

    def test_the_page_of_the_products_list_does_the_same(
        self, alice: User, blocked: List, optout_list: List
    ) -> None:
        assert "Recorded what waited: 3 opt-outs." in press(signed_in(alice), optout_list, "allow")
        assert not LimitCounter.objects.exists()

    def test_each_step_is_in_the_audit(self, alice: User, blocked: List) -> None:
        press(signed_in(alice), blocked, "allow")

        entries = list(AuditEntry.objects.order_by("pk"))
        assert [each.action for each in entries] == [
            "change_global_unsubscribe",
            "allow_server",
            "accept_quarantined",
        ]
        assert {each.actor for each in entries} == {alice}
        assert (entries[1].optout_list, entries[1].detail) == (blocked, {"network": NETWORK})

    def test_other_networks_and_other_channels_go_on_waiting(
        self, alice: User, charlie: User, blocked: List, optout_list: List
    ) -> None:
        refuse(optout_list, "direct@example.com", SERVER)
        QuarantinedOptOut.objects.filter(address="p22@example.com").update(ip="192.0.2.8")
        foreign = List.objects.get(realm__name="other", number=1)
        refuse(foreign, "theirs@example.com", SERVER, channel=15)

        press(signed_in(alice), blocked, "allow")

        waiting = QuarantinedOptOut.objects.filter(verdict=Verdict.WAITING)
        assert {each.address for each in waiting} == {
            "direct@example.com",
            "p22@example.com",
            "theirs@example.com",
        }

    def test_twice_keeps_one_entry(self, alice: User, realm: Realm, blocked: List) -> None:
        for _ in range(2):
            press(signed_in(alice), blocked, "allow")

        door = GlobalUnsubscribe.objects.get(realm=realm)
        assert door.server_ips == ["198.51.100.0/24", SERVER]

    def test_an_ipv6_household_is_allowed_whole(
        self, alice: User, realm: Realm, dnm: List, optout_list: List
    ) -> None:
        refuse(optout_list, "a@example.com", "2001:db8::7", RefusalCause.ADDRESS_LIMIT, channel=15)
        block(dnm, "2001:db8::/64")

        assert "2001:db8::/64" in look_at(signed_in(alice).get(url(optout_list))).text
        press(signed_in(alice), optout_list, "allow", "2001:db8::/64")

        assert "2001:db8::/64" in GlobalUnsubscribe.objects.get(realm=realm).server_ips
        assert Suppression.objects.get().address == "a@example.com"

    def test_200_are_the_most(self, alice: User, realm: Realm, blocked: List) -> None:
        full = [f"10.0.0.{n}" for n in range(200)]
        GlobalUnsubscribe.objects.update(server_ips=full)

        assert "Too many entries" in press(signed_in(alice), blocked, "allow")

        assert GlobalUnsubscribe.objects.get(realm=realm).server_ips == full
        assert QuarantinedOptOut.objects.filter(verdict=Verdict.WAITING).count() == 3
        assert LimitCounter.objects.exists() and not AuditEntry.objects.exists()

    @pytest.mark.parametrize("network", ["", "nonsense", "10.0.0.0/4", "1.2.3.4/99", "1.2.3.4/8"])
    def test_what_is_no_network_is_refused(
        self, alice: User, realm: Realm, blocked: List, network: str
    ) -> None:
        press(signed_in(alice), blocked, "allow", network)

        assert GlobalUnsubscribe.objects.get(realm=realm).server_ips == ["198.51.100.0/24"]
        assert not AuditEntry.objects.exists()

    def test_where_it_was_never_on_that_is_said(self, alice: User, optout_list: List) -> None:
        assert "Switch it on first" in press(signed_in(alice), optout_list, "allow")
        assert not AuditEntry.objects.exists()

    def test_it_asks_for_the_password_after_a_while(
        self, alice: User, realm: Realm, blocked: List
    ) -> None:
        response = signed_in_long_ago(alice).post(
            url(blocked, "/server"), {"network": NETWORK, "how": "allow"}
        )

        assert "reauthenticate" in response["Location"]
        assert GlobalUnsubscribe.objects.get(realm=realm).server_ips == ["198.51.100.0/24"]

    def test_an_owner_cannot(self, bob: User, blocked: List, optout_list: List) -> None:
        for how in ("allow", "unblock", "nonsense"):
            response = signed_in(bob).post(
                url(optout_list, "/server"), {"network": NETWORK, "how": how}
            )
            assert response.status_code == 404
        assert LimitCounter.objects.exists() and not AuditEntry.objects.exists()


class TestUnblocking:
    @pytest.mark.parametrize("is_there", [True, False])
    def test_it_ends_the_block_on_do_not_mail_and_nothing_else(
        self, alice: User, realm: Realm, blocked: List, optout_list: List, is_there: bool
    ) -> None:
        said = press(signed_in(alice), blocked if is_there else optout_list, "unblock")

        assert f"{SERVER} is no longer blocked. What waits of it goes on waiting." in said
        assert not LimitCounter.objects.exists()
        assert QuarantinedOptOut.objects.filter(verdict=Verdict.WAITING).count() == 3
        assert GlobalUnsubscribe.objects.get(realm=realm).server_ips == ["198.51.100.0/24"]
        assert AuditEntry.objects.get().action == "unblock_network"
        assert call(productId=7, email="next@example.com").content == b"1"


class TestThePlainWhitelist:
    def test_says_what_it_did_nothing_for(
        self, alice: User, blocked: List, optout_list: List
    ) -> None:
        client = signed_in(alice)

        response = client.post(
            url(blocked, "/network"), {"network": NETWORK, "how": "allow"}, follow=True
        )

        assert "Its global requests still wait on other lists" in look_at(response).text
        assert QuarantinedOptOut.objects.filter(verdict=Verdict.WAITING).count() == 3
        assert BUTTON in look_at(client.get(url(blocked))).text, "also without a block"

    def test_of_do_not_mail_says_where_the_other_servers_stand(
        self, alice: User, dnm: List, optout_list: List
    ) -> None:
        said = "It does not concern global requests: their servers stand under"
        for each, is_said in ((dnm, True), (optout_list, False)):
            page = signed_in(alice).get(f"/manage/lists/{each.public_id}/settings")
            assert (said in page.content.decode()) is is_said
