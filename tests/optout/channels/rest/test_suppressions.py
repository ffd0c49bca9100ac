import time
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from lists.models import List, Realm, Subscription
from optout.addresses import digest_of, hex_digests
from optout.choices import Assurance, Channel, HashKind, Origin, Reason
from optout.models import OptOut, Suppression
from tests import make
from tests.optout.channels.cases import JANE, ChannelCases, Target
from tests.optout.channels.rest.calls import call, slug, told
from tests.optout.test_contacts import suppress_hash
from tests.pages import SERVER

JOE = "joe@example.com"


@pytest.fixture
def key(realm: Realm) -> str:
    return make.make_api_key(realm)


@pytest.fixture
def remembered(settings: Any) -> None:
    """The key and the list are read once a second, not once a call."""
    settings.LIST_CACHE_SECONDS = 60


def add(key: str, number: int, *addresses: Any, **more: Any) -> Any:
    sent = {"addresses": list(addresses), **more}
    return call(key, "POST", f"/lists/{number}/suppressions", sent)


def read(key: str, number: int, query: str = "") -> Any:
    return call(key, "GET", f"/lists/{number}/suppressions", query=query)


@pytest.mark.usefixtures("_key")
class TestRest(ChannelCases):
    """What the other channels say in the header Optout-Status, this one says in numbers: so it tells its programs, who prove
    that they are the owner's, whether an address was out already."""

    channel = Channel.REST
    assurance = Assurance.API_CREDENTIAL
    agent = SERVER["user-agent"]
    forged_status = 401

    @pytest.fixture
    def _key(self, realm: Realm) -> None:
        self.key = make.make_api_key(realm)

    def send(self, target: Target) -> Any:
        found = List.objects.filter(pk=target.list_id).first()
        number = found.number if found else target.list_id
        answer = add(f"{self.key}x" if target.is_forged else self.key, number, target.item)
        if answer.status_code == 200 and answer.json()["recorded"] == 1:
            answer.headers["Optout-Status"] = "recorded"
        return answer

    def test_the_answer_does_not_tell_what_we_know_of_the_address(
        self, realm: Realm, optout_list: List
    ) -> None:
        """Here it does: see above. Of who is out of everything it says nothing."""
        make.make_optout(optout_list, "isout@example.com")
        make.make_optout(make.do_not_mail(realm), "isdnm@example.com")

        sent = [f"{name}@example.com" for name in ("isout", "isdnm", "fresh")]
        answer = told(add(self.key, 1, *sent))
        assert answer == {"recorded": 3, "new": 2, "already": 1, "rejected": []}


@pytest.mark.django_db
class TestAdding:
    def test_it_says_which_key_asked(self, realm: Realm, optout_list: List, key: str) -> None:
        told(add(key, 1, JANE))

        row = OptOut.objects.get()
        assert row.evidence == {"api_key": realm.api_keys.get().pk}
        assert (row.reason, row.origin) == (Reason.UNSUBSCRIBED, Origin.RECIPIENT)

    @pytest.mark.parametrize("reason", ["unsubscribed", "complained", "bounced", "manual", "legal"])
    @pytest.mark.parametrize("origin", ["recipient", "owner"])
    def test_why_and_who_asked(self, optout_list: List, key: str, reason: str, origin: str) -> None:
        told(add(key, 1, JANE, reason=reason, origin=origin))

        row = OptOut.objects.get()
        assert (row.get_reason_display().lower(), row.get_origin_display().lower()) == (
            reason,
            origin,
        )
        assert Suppression.objects.get().reason == row.reason

    def test_the_usable_ones_are_recorded_though_others_are_not(
        self, optout_list: List, key: str
    ) -> None:
        answer = told(
            add(key, 1, "nonsense", JANE, "", "+41 44 668 18 00", "x" * 1_001, "a\ud800@x.com")
        )

        assert (answer["recorded"], answer["new"]) == (2, 2)
        assert [each["index"] for each in answer["rejected"]] == [0, 2, 4, 5]
        assert all(each["detail"].endswith(".") for each in answer["rejected"])
        assert set(Suppression.objects.values_list("address", flat=True)) == {
            JANE,
            "+41446681800",
        }

    def test_none_usable_records_nothing_and_repeats_no_address(
        self, optout_list: List, key: str
    ) -> None:
        answer = add(key, 1, "jane@", "joe at example.com")

        said = told(answer, 422)
        assert [each["pointer"] for each in said["errors"]] == ["#/addresses/0", "#/addresses/1"]
        assert b"jane" not in answer.content and b"joe" not in answer.content
        assert not OptOut.objects.exists()

    def test_each_is_recorded_and_the_first_is_new(self, optout_list: List, key: str) -> None:
        answer = told(add(key, 1, JANE, "JANE@example.com", JOE))

        assert (answer["recorded"], answer["new"], answer["already"]) == (3, 2, 1)
        assert OptOut.objects.count() == 3

    def test_a_phone_number_is_read_as_in_the_country_of_the_realm(self, key: str) -> None:
        realm = Realm.objects.get()
        Realm.objects.update(default_region="CH")
        make.make_list(realm)

        told(add(key, 1, "044 668 18 00"))

        assert Suppression.objects.get().address == "+41446681800"

    @pytest.mark.parametrize(
        "sent",
        [
            {},
            {"addresses": []},
            {"addresses": JANE},
            {"addresses": [None]},
            {"addresses": [JANE, 5]},
            {"addresses": [JANE], "reason": "undone"},
            {"addresses": [JANE], "reason": None},
            {"addresses": [JANE], "origin": "operator"},
            {"addresses": [JANE], "adresses": []},
            {"addresses": [JANE] * 10_001},
            [JANE],
            None,
            5,
        ],
    )
    def test_what_says_something_else_records_nothing(
        self, optout_list: List, key: str, sent: Any
    ) -> None:
        answer = call(key, "POST", "/lists/1/suppressions", sent)

        assert answer.status_code in {400, 422}
        told(answer, answer.status_code)
        assert JANE.encode() not in answer.content
        assert not OptOut.objects.exists()

    def test_a_key_that_may_read_only(self, realm: Realm, optout_list: List) -> None:
        key = make.make_api_key(realm, may_write=False)

        assert slug(add(key, 1, JANE), 403) == "forbidden"
        assert not OptOut.objects.exists()

    def test_a_key_of_one_list_knows_of_no_other(self, realm: Realm, optout_list: List) -> None:
        make.make_list(realm, 2)
        key = make.make_api_key(realm, optout_list)

        for number in (2, 3, 2**31, 10**30):
            assert slug(add(key, number, JANE), 404) == "not-found"
        assert slug(add(key, 0, JANE), 403) == "forbidden"
        assert not OptOut.objects.exists()
        assert told(add(key, 1, JANE))["new"] == 1

    def test_no_limit_by_ip(self, optout_list: List, key: str) -> None:
        List.objects.update(limit_confirm=1, limit_block=1, limit_block_day=1, limit_hour=1)

        for number in range(5):
            assert told(add(key, 1, f"person{number}@example.com"))["new"] == 1

    def test_one_address_is_one_statement(
        self, remembered: None, optout_list: List, key: str, django_assert_num_queries: Any
    ) -> None:
        told(add(key, 1, JANE))

        with django_assert_num_queries(1):
            told(add(key, 1, JOE))

    def test_ten_thousand_are_one_statement_and_quick(
        self, remembered: None, optout_list: List, key: str
    ) -> None:
        told(add(key, 1, JANE))
        addresses = [f"person{number}@example.com" for number in range(10_000)]

        started = time.process_time()
        with CaptureQueriesContext(connection) as queries:
            answer = told(add(key, 1, *addresses))
        seconds = time.process_time() - started

        assert answer == {"recorded": 10_000, "new": 10_000, "already": 0, "rejected": []}
        assert len(queries) == 1
        assert seconds < 2  # ours alone, and a tenth of that


@pytest.mark.django_db
class TestReading:
    def test_one(self, optout_list: List, key: str) -> None:
        make.make_optout(optout_list, JANE, channel=Channel.ONE_CLICK, reason=Reason.COMPLAINED)

        assert told(read(key, 1)) == {
            "suppressions": [
                {
                    "address": JANE,
                    "digest": digest_of(JANE).hex(),
                    "hash": None,
                    "hash_kind": None,
                    "medium": "email",
                    "channel": "one_click",
                    "reason": "complained",
                    "suppressed_at": "2026-03-04T12:00:00Z",
                }
            ],
            "next": None,
        }

    @pytest.mark.parametrize("kind", HashKind)
    def test_one_that_is_known_by_a_hash_alone(
        self, optout_list: List, key: str, kind: HashKind
    ) -> None:
        suppress_hash(optout_list, JANE, kind)

        (found,) = told(read(key, 1))["suppressions"]
        assert found["address"] is None
        assert found["hash_kind"] == kind.name.lower()
        assert found["hash"] == getattr(hex_digests(JANE), kind.name.lower())

    def test_what_a_newer_release_wrote(self, optout_list: List, key: str) -> None:
        make.make_optout(optout_list)
        Suppression.objects.update(channel=99, reason=99)

        (found,) = told(read(key, 1))["suppressions"]
        assert (found["channel"], found["reason"]) == ("other", "other")

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
    def test_the_pages_together_are_all_and_each_once(
        self, realm: Realm, optout_list: List, key: str, limit: int
    ) -> None:
        addresses = {f"person{number}@example.com" for number in range(7)}
        for address in addresses:
            make.make_optout(optout_list, address)
        make.make_optout(make.make_list(realm, 2), JANE)

        read_so_far: list[str] = []
        query = f"limit={limit}"
        while query:
            page = told(read(key, 1, query))
            assert len(page["suppressions"]) <= limit
            read_so_far += [each["address"] for each in page["suppressions"]]
            query = f"limit={limit}&cursor={page['next']}" if page["next"] else ""

        assert sorted(read_so_far) == sorted(addresses)

    def test_do_not_mail(self, realm: Realm, key: str) -> None:
        make.make_optout(make.do_not_mail(realm))

        assert len(told(read(key, 0))["suppressions"]) == 1

    def test_a_cursor_of_another_list_is_refused(
        self, realm: Realm, optout_list: List, key: str
    ) -> None:
        other = make.make_list(realm, 2)
        for address in (JANE, JOE):
            make.make_optout(other, address)
        cursor = told(read(key, 2, "limit=1"))["next"]

        for text in (cursor, "x", "%00"):
            assert slug(read(key, 1, f"cursor={text}"), 422) == "invalid"

    @pytest.mark.parametrize("query", ["limit=0", "limit=10001", "page=2"])
    def test_a_query_that_is_no_good(self, optout_list: List, key: str, query: str) -> None:
        told(read(key, 1, query), 422)

    def test_a_key_that_may_write_only(self, realm: Realm, optout_list: List) -> None:
        key = make.make_api_key(realm, may_read=False)

        assert slug(read(key, 1), 403) == "forbidden"

    def test_a_page_is_one_statement(
        self, remembered: None, optout_list: List, key: str, django_assert_num_queries: Any
    ) -> None:
        told(read(key, 1))

        with django_assert_num_queries(1):
            told(read(key, 1, "limit=10000"))


@pytest.mark.django_db
def test_it_ends_the_subscriptions(realm: Realm, optout_list: List, key: str) -> None:
    make.make_contact(realm, JANE, optout_list, make.make_list(realm, 2))

    told(add(key, 0, JANE))

    assert not Subscription.objects.exists()
