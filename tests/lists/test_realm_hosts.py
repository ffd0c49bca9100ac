"""Host names: what may be typed, whose they are, and what a second realm changes for the first (S1.3)."""

import pytest

from lists.choices import Role
from lists.global_actions import change_global_unsubscribe
from lists.global_unsubscribe import find_door
from lists.models import AuditEntry, GlobalUnsubscribe, Realm, RealmHost, User
from lists.realm_hosts import (
    FixedHostError,
    HostsError,
    HostTakenError,
    OwnHostError,
    hosts_of,
    parse_hosts,
)
from tests import make

OWN = "optout.example"


@pytest.fixture(autouse=True)
def _installation(settings) -> None:
    settings.BASE_URL = f"https://{OWN}"
    settings.EXTRA_HOSTS = ["links.example", ".heed.example"]
    settings.SMS_LINK_BASE_URL = "https://go.example"


@pytest.fixture
def other(db: None) -> Realm:
    return make.make_realm("other")


class TestReading:
    @pytest.mark.parametrize(
        ("typed", "read"),
        [
            ("", []),
            (" , \n ", []),
            ("unsubscribe.acme.example", ["unsubscribe.acme.example"]),
            (
                "A.Example, b.example\r\nc.example a.example.",
                ["a.example", "b.example", "c.example"],
            ),
            ("bücher.example", ["xn--bcher-kva.example"]),
            ("stop_it.example localhost 192.0.2.1", ["stop_it.example", "localhost", "192.0.2.1"]),
        ],
    )
    def test_names_by_comma_space_or_line(self, typed: str, read: list[str]) -> None:
        assert parse_hosts(typed) == read

    @pytest.mark.parametrize(
        "bad",
        [
            "https://a.example",
            "a.example:8000",
            "a.example/path",
            "jane@a.example",
            "*.a.example",
            "-a.example",
            "a..example",
            "[::1]",
            "a" * 64,
            "a.\u202eexample",
            "<script>",
        ],
    )
    def test_what_is_no_host_name_is_named(self, bad: str) -> None:
        with pytest.raises(HostsError) as caught:
            parse_hosts(f"good.example {bad}")
        assert bad[:60] in str(caught.value) and "good.example" not in str(caught.value)

    def test_there_is_an_end_to_it(self) -> None:
        with pytest.raises(HostsError, match="51 host names"):
            parse_hosts(" ".join(f"h{number}.example" for number in range(51)))
        with pytest.raises(HostsError, match="too long"):
            parse_hosts("a" * 20_001)


@pytest.mark.django_db
class TestTheFirstRealm:
    def test_it_gets_the_installations_own_name(self, realm: Realm, alice: User) -> None:
        make.switch_global_unsubscribe(realm, is_on=True, actor=alice)
        assert hosts_of(realm) == [OWN]

    def test_a_second_one_changes_nothing_for_it(
        self, realm: Realm, other: Realm, alice: User
    ) -> None:
        make.switch_global_unsubscribe(realm, is_on=True, actor=alice)
        make.switch_global_unsubscribe(other, is_on=True, actor=None)

        for name in (OWN, "elsewhere.example", "192.0.2.1:8000", ""):
            door = find_door("", name)
            assert door is not None and door.realm_id == realm.pk, name
        assert hosts_of(other) == []

    def test_where_nobody_has_it_the_only_realm_is_meant(self, realm: Realm, other: Realm) -> None:
        make.make_global_unsubscribe(realm)
        RealmHost.objects.create(host=OWN, realm=other)  # which was never on
        door = find_door("", "elsewhere.example")
        assert door is not None and door.realm_id == realm.pk
        RealmHost.objects.all().delete()
        make.make_global_unsubscribe(other)
        assert find_door("", "elsewhere.example") is None

    def test_it_gets_the_name_also_when_the_second_one_comes(
        self, realm: Realm, other: Realm, alice: User, django_capture_on_commit_callbacks
    ) -> None:
        """It gave the name back when it did not matter: then every request was for the only one."""
        make.switch_global_unsubscribe(realm, is_on=True, actor=alice)
        change_global_unsubscribe(realm, {"hosts": []}, actor=alice)
        with django_capture_on_commit_callbacks(execute=True):
            make.switch_global_unsubscribe(
                other, is_on=True, actor=make.make_user("o@other.example")
            )

        assert hosts_of(realm) == [OWN] and hosts_of(other) == []
        door = find_door("", "elsewhere.example")
        assert door is not None and door.realm_id == realm.pk
        entry = AuditEntry.objects.filter(realm=realm).latest("id")
        assert (entry.actor, entry.detail) == (None, {"changes": {"hosts": [[], [OWN]]}})
        told = AuditEntry.objects.get(realm=other).detail["changes"]
        assert "hosts" not in told

    def test_of_several_that_do_without_it_nobody_gets_it(self, realm: Realm, other: Realm) -> None:
        make.make_global_unsubscribe(realm)
        make.make_global_unsubscribe(other)
        make.switch_global_unsubscribe(make.make_realm("third"), is_on=True, actor=None)
        assert not RealmHost.objects.exists()

    def test_a_name_that_somebody_has_is_not_claimed(
        self, realm: Realm, other: Realm, alice: User
    ) -> None:
        RealmHost.objects.create(host=OWN, realm=other)
        make.switch_global_unsubscribe(realm, is_on=True, actor=alice)
        assert hosts_of(realm) == [] and hosts_of(other) == [OWN]

    def test_it_is_claimed_once_and_can_be_given_back(self, realm: Realm, alice: User) -> None:
        make.switch_global_unsubscribe(realm, is_on=True, actor=alice)
        change_global_unsubscribe(realm, {"hosts": []}, actor=alice)
        for is_on in (False, True):
            make.switch_global_unsubscribe(realm, is_on=is_on, actor=alice)
        assert hosts_of(realm) == []


@pytest.mark.django_db
class TestClaiming:
    def test_another_realms_name_is_refused_and_nothing_is_kept(
        self, realm: Realm, other: Realm, alice: User
    ) -> None:
        make.make_global_unsubscribe(realm)
        RealmHost.objects.create(host="taken.example", realm=other)

        with pytest.raises(HostTakenError, match=r"taken\.example leads to another realm"):
            change_global_unsubscribe(
                realm,
                {"is_on": False, "hosts": ["free.example", "taken.example"]},
                actor=alice,
            )

        assert hosts_of(realm) == [] and hosts_of(other) == ["taken.example"]
        assert GlobalUnsubscribe.objects.get(realm=realm).is_on

    @pytest.mark.parametrize(
        "host", [OWN, "links.example", "go.example", "heed.example", "a.heed.example"]
    )
    def test_the_installations_own_names_are_for_operators_to_give_when_there_are_several(
        self, realm: Realm, other: Realm, alice: User, host: str
    ) -> None:
        make.make_global_unsubscribe(realm)
        make.make_global_unsubscribe(other, is_on=False)

        with pytest.raises(OwnHostError) as caught:
            change_global_unsubscribe(realm, {"hosts": [host]}, actor=alice)
        assert host in str(caught.value) and hosts_of(realm) == []

        operator = make.make_user("op@heed.example", is_superuser=True)
        change_global_unsubscribe(realm, {"hosts": [host]}, actor=operator)
        assert hosts_of(realm) == [host]
        # who has it keeps it
        change_global_unsubscribe(realm, {"hosts": [host, "more.example"]}, actor=alice)
        assert hosts_of(realm) == sorted([host, "more.example"])

    @pytest.mark.parametrize("host", [OWN, "links.example", "a.heed.example"])
    def test_nor_can_they_be_taken_away_by_others(
        self, realm: Realm, other: Realm, alice: User, host: str
    ) -> None:
        make.make_global_unsubscribe(realm)
        make.make_global_unsubscribe(other, is_on=False)
        for each in (host, "stop.acme.example"):
            RealmHost.objects.create(host=each, realm=realm)

        with pytest.raises(FixedHostError) as caught:
            change_global_unsubscribe(realm, {"hosts": ["new.example"]}, actor=alice)
        assert host in str(caught.value) and hosts_of(realm) == sorted([host, "stop.acme.example"])

        change_global_unsubscribe(realm, {"hosts": [host]}, actor=alice)
        assert hosts_of(realm) == [host]
        change_global_unsubscribe(realm, {"hosts": []}, actor=None)
        assert hosts_of(realm) == []

    def test_while_it_is_alone_a_realm_takes_them_itself(self, realm: Realm, alice: User) -> None:
        make.make_global_unsubscribe(realm)
        change_global_unsubscribe(realm, {"hosts": ["links.example"]}, actor=alice)
        assert hosts_of(realm) == ["links.example"]

    def test_a_command_may_give_them(self, realm: Realm, other: Realm) -> None:
        make.make_global_unsubscribe(realm)
        make.make_global_unsubscribe(other)
        change_global_unsubscribe(realm, {"hosts": [OWN]}, actor=None)
        assert hosts_of(realm) == [OWN]

    def test_a_name_that_only_looks_like_it_is_not_the_installations(
        self, realm: Realm, other: Realm
    ) -> None:
        make.make_global_unsubscribe(realm)
        make.make_global_unsubscribe(other)
        admin = make.make_user("ann@acme.example")
        make.make_member(admin, realm, Role.ADMIN)
        hosts = ["notheed.example", f"a.{OWN}"]
        change_global_unsubscribe(realm, {"hosts": hosts}, actor=admin)
        assert hosts_of(realm) == sorted(hosts)

    def test_a_name_leads_to_its_realm_at_once_and_no_longer_when_it_is_given_back(
        self, realm: Realm, other: Realm, alice: User, django_capture_on_commit_callbacks
    ) -> None:
        make.make_global_unsubscribe(realm)
        make.make_global_unsubscribe(other)
        for hosts in (["stop.acme.example"], []):
            with django_capture_on_commit_callbacks(execute=True):
                change_global_unsubscribe(realm, {"hosts": hosts}, actor=alice)
            assert (find_door("", "Stop.Acme.Example:443") is not None) == bool(hosts)
