import gzip
from datetime import timedelta
from html import unescape
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.db.models import Q
from django.utils import timezone
from django.utils.html import escape

from lists.bounded import TookTooLongError
from lists.choices import Role
from lists.models import ApiKey, AuditEntry, List, Realm, User
from optout.actions import record_optouts
from optout.addresses import hex_digests
from optout.choices import Assurance, Channel, Kind, Reason
from optout.evidence import Evidence
from optout.models import OptOut, Suppression
from reporting import subjects
from reporting.entries import ledger_of
from reporting.views import entries as entries_view
from tests import make
from tests.lists.screens import look_at
from tests.reporting.portal import signed_in


def url(optout_list: List, rest: str = "") -> str:
    return f"/manage/lists/{optout_list.public_id}/entries{rest}"


def shown(response) -> list[str]:
    return [entry.address for entry in response.context["entries"]]


@pytest.mark.django_db
class TestEntries:
    def test_an_empty_list_says_how_to_send_a_test(self, bob: User, optout_list: List) -> None:
        response = signed_in(bob).get(url(optout_list))

        assert "No opt-outs yet" in unescape(response.content.decode())
        assert f"/manage/lists/{optout_list.public_id}/service?tab=test" in unescape(
            response.content.decode()
        )

    def test_the_newest_comes_first(self, bob: User, optout_list: List) -> None:
        make.make_optout(optout_list, "old@example.com")
        make.make_optout(optout_list, "new@example.com", requested_at=make.NOW + timedelta(hours=1))

        response = signed_in(bob).get(url(optout_list))

        assert shown(response) == ["new@example.com", "old@example.com"]

    def test_another_lists_entries_are_not_shown(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_optout(make.make_list(realm, 2), "elsewhere@example.com")

        assert shown(signed_in(bob).get(url(optout_list))) == []

    def test_a_viewer_sees_masked_addresses_and_no_ip(
        self, realm: Realm, optout_list: List
    ) -> None:
        viewer = make.make_user("viewer@acme.example")
        make.make_member(viewer, realm, Role.VIEWER)
        make.make_optout(optout_list, "jane@example.com")

        response = signed_in(viewer).get(url(optout_list))

        assert shown(response) == ["ja•••@example.com"]
        assert b"jane@" not in response.content
        assert b"192.0.2.7" not in response.content
        assert b"/lift" not in response.content

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("?channel=5", ["pixel@example.com"]),
            ("?medium=2", ["+14155552671"]),
            ("?kind=2", []),
            ("?new_only=on", ["+14155552671", "pixel@example.com", "jane@example.com"]),
            ("?since=2026-03-05", ["+14155552671"]),
            ("?until=2026-03-03", []),
            (
                "?since=2026-03-04&until=2026-03-04&new_only=on",
                ["pixel@example.com", "jane@example.com"],
            ),
            ("?q=JANE@example.com", ["jane@example.com", "jane@example.com"]),
            ("?q=nobody@example.com", []),
        ],
    )
    def test_filters_are_in_the_url(
        self, bob: User, optout_list: List, query: str, expected: list[str]
    ) -> None:
        make.make_optout(optout_list, "jane@example.com")
        make.make_optout(optout_list, "jane@example.com")
        make.make_optout(optout_list, "pixel@example.com", channel=Channel.PIXEL)
        make.make_optout(optout_list, "+14155552671", requested_at=make.NOW + timedelta(days=1))

        assert shown(signed_in(bob).get(url(optout_list, query))) == expected

    def test_what_a_program_reported_names_its_key_to_realm_admins(
        self, alice: User, bob: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_api_key(realm)
        key = ApiKey.objects.get()
        make.make_optout(
            optout_list,
            channel=Channel.REST,
            assurance=Assurance.API_CREDENTIAL,
            evidence=Evidence.of(None, "Python/3.13", api_key=key.pk),
        )
        admin = look_at(signed_in(alice).get(url(optout_list))).text
        assert f"REST API key “a program” hk_…{key.hint}" in admin
        owner = look_at(signed_in(bob).get(url(optout_list))).text
        assert "REST API reported by a program" in owner and key.hint not in owner

    def test_only_ways_in_that_there_are_can_be_chosen(self, bob: User, optout_list: List) -> None:
        page = signed_in(bob).get(url(optout_list)).content.decode()
        for label in (
            *("Hosted page", "One-click", "Server to server", "api_web", "REST API", "Portal"),
            *("Global Unsubscribe form", "Global Unsubscribe API"),
            *("Inbound SMS", "Link in a text message", "Join form", "Preference page"),
        ):
            assert f">{label}</option>" in page
        for label in ("File import", "Inbound email"):
            assert f">{label}</option>" not in page

    @pytest.mark.parametrize("kind", ["md5", "sha256"])
    def test_a_hash_finds_its_address(self, bob: User, optout_list: List, kind: str) -> None:
        make.make_optout(optout_list, "jane@example.com")
        make.make_optout(optout_list, "other@example.com")
        digest = getattr(hex_digests("jane@example.com"), kind)

        assert shown(signed_in(bob).get(url(optout_list, f"?q={digest.upper()}"))) == [
            "jane@example.com"
        ]

    @pytest.mark.parametrize(
        "query",
        [
            "?q=nonsense",
            "?q=%00",
            "?channel=99",
            "?since=yesterday",
            "?until=9999-12-31",
            "?since=2026-03-05&until=2026-03-04",
            "?q=" + "a" * 2000,
        ],
    )
    def test_bad_input_is_kept_with_an_error(
        self, bob: User, optout_list: List, query: str
    ) -> None:
        make.make_optout(optout_list)

        response = signed_in(bob).get(url(optout_list, query))

        assert response.status_code == 200
        assert response.context["form"].errors
        assert shown(response) == []

    @pytest.mark.parametrize("role", [Role.ADMIN, Role.OWNER, Role.VIEWER])
    @pytest.mark.parametrize("filters", ["", "&channel=5&since=2026-03-05"])
    def test_whom_do_not_mail_has_is_suppressed_here_too(
        self, realm: Realm, optout_list: List, role: Role, filters: str
    ) -> None:
        reader = make.make_user("reader@acme.example")
        make.make_member(reader, realm, role, optout_list)
        make.make_optout(make.do_not_mail(realm), "+14155552671")

        for asked in ("+1 415 555 2671", hex_digests("+14155552671").sha256):
            query = urlencode({"q": asked})
            page = look_at(signed_in(reader).get(url(optout_list, f"?{query}{filters}")))
            assert "Not in this list, but in Do Not Mail" in page.text
            (check,) = [each for each in page.links if each.startswith("/manage/check/?")]
            assert signed_in(reader).get(check).context["is_suppressed_everywhere"]

    @pytest.mark.parametrize("query", ["?q=nobody@example.com", "?channel=5", "?q=x", ""])
    def test_of_anybody_else_do_not_mail_says_nothing(
        self, bob: User, realm: Realm, optout_list: List, query: str
    ) -> None:
        make.make_optout(make.do_not_mail(realm), "jane@example.com")
        make.make_optout(make.do_not_mail(make.make_realm("other")), "nobody@example.com")

        page = look_at(signed_in(bob).get(url(optout_list, query)))
        assert "but in Do Not Mail" not in page.text

    def test_it_asks_the_database_ten_times_at_most(
        self, bob: User, optout_list: List, django_assert_max_num_queries
    ) -> None:
        make.make_optout(make.do_not_mail(optout_list.realm), "elsewhere@example.com")
        record_optouts([make.make_intent(optout_list, f"p{n}@example.com") for n in range(60)])
        digest = hex_digests("p1@example.com").md5
        client = signed_in(bob)
        elsewhere = "?q=elsewhere@example.com"
        for query in ("", "?channel=1", f"?q={digest}", "?q=p1@example.com", elsewhere):
            with django_assert_max_num_queries(10):
                client.get(url(optout_list, query))


@pytest.mark.django_db
class TestWeight:
    def test_a_full_page_is_light_and_stays_out_of_caches(
        self, bob: User, optout_list: List
    ) -> None:
        names = [f"{n * 7919:x}.{n * 104729:x}" for n in range(1, 61)]
        record_optouts(
            [make.make_intent(optout_list, f"{name}@{name[::-1]}.example") for name in names]
        )

        response = signed_in(bob).get(url(optout_list))

        assert len(gzip.compress(response.content)) <= 30 * 1024
        assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
class TestPaging:
    def test_pages_of_one_moment_show_every_row_once_in_both_directions(
        self, bob: User, optout_list: List
    ) -> None:
        record_optouts([make.make_intent(optout_list, f"p{n:03}@example.com") for n in range(120)])
        client = signed_in(bob)

        first = client.get(url(optout_list))
        second = client.get(url(optout_list, first.context["older_url"]))
        third = client.get(url(optout_list, second.context["older_url"]))
        back = client.get(url(optout_list, third.context["newer_url"]))
        start = client.get(url(optout_list, back.context["newer_url"]))

        everything = shown(first) + shown(second) + shown(third)
        assert everything == [f"p{n:03}@example.com" for n in reversed(range(120))]
        assert (len(shown(first)), len(shown(third))) == (50, 20)
        assert third.context["older_url"] == "" and first.context["newer_url"] == ""
        assert shown(back) == shown(second)
        assert shown(start) == shown(first)
        assert start.context["newer_url"] == ""

    def test_a_link_stays_where_it_was_when_rows_are_added(
        self, bob: User, optout_list: List
    ) -> None:
        record_optouts([make.make_intent(optout_list, f"p{n:03}@example.com") for n in range(60)])
        client = signed_in(bob)
        older = client.get(url(optout_list)).context["older_url"]
        before = shown(client.get(url(optout_list, older)))

        make.make_optout(optout_list, "late@example.com", requested_at=timezone.now())

        assert shown(client.get(url(optout_list, older))) == before

    def test_the_filters_stay_in_the_links(self, bob: User, optout_list: List) -> None:
        record_optouts([make.make_intent(optout_list, f"p{n:03}@example.com") for n in range(60)])

        response = signed_in(bob).get(url(optout_list, "?channel=1&since=2026-01-01"))

        assert "channel=1&since=2026-01-01" in response.context["older_url"]

    @pytest.mark.parametrize(
        "position",
        ["x", "-", "1-", "-1", "9" * 50 + "-1", "1-" + "9" * 30, "٣-1", "253000000000000000-1"],
    )
    def test_a_broken_position_is_no_error(
        self, bob: User, optout_list: List, position: str
    ) -> None:
        client = signed_in(bob)
        for parameter in ("after", "before"):
            assert client.get(url(optout_list, f"?{parameter}={position}")).status_code == 200

    def test_a_page_is_read_by_the_index_of_the_list(self, optout_list: List) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO optout_optout (recorded_at, optout_list_id, kind, channel, medium, reason, origin,
                    assurance, is_new, digest, agent)
                SELECT %s - n * interval '1 minute', %s, 1, 1, 1, 1, 1, 1, true, int4send(n)||int8send(n)||int4send(n), ''
                FROM generate_series(1, 20000) n
                """,
                [make.NOW, optout_list.pk],
            )
            cursor.execute("ANALYZE optout_optout")
        rows = ledger_of(optout_list, {}, None)
        after = make.NOW - timedelta(days=7)
        page = rows.filter(Q(recorded_at__lte=after) & (Q(recorded_at__lt=after) | Q(id__lt=5)))
        plan = page.order_by("-recorded_at", "-id")[:51].explain()

        assert "optout_of_list" in plan
        assert "Seq Scan" not in plan


@pytest.mark.django_db
class TestLift:
    def lift_url(self, optout_list: List, address: str = "jane@example.com") -> str:
        digest = hex_digests(address).sha256[:32]
        return url(optout_list, f"/{digest}/lift")

    def test_it_shows_what_it_is_about_first(self, bob: User, optout_list: List) -> None:
        make.make_optout(optout_list)

        response = signed_in(bob).get(self.lift_url(optout_list))

        assert "jane@example.com" in response.content.decode()
        assert Suppression.objects.exists()

    def test_it_ends_the_suppression_and_is_written_down(
        self, bob: User, optout_list: List
    ) -> None:
        make.make_optout(optout_list)

        response = signed_in(bob).post(self.lift_url(optout_list), {"note": "She called us."})

        assert response.status_code == 302
        assert not Suppression.objects.exists()
        lift = OptOut.objects.get(kind=Kind.LIFT)
        assert (lift.channel, lift.reason, lift.is_new) == (Channel.PORTAL, Reason.MANUAL, True)
        assert lift.evidence == {"note": "She called us.", "lifted_by": f"user {bob.pk}"}
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor, entry.optout_list) == (
            "lift_suppression",
            bob,
            optout_list,
        )
        assert "jane" not in str(entry.detail)

    def test_without_a_reason_nothing_happens(self, bob: User, optout_list: List) -> None:
        make.make_optout(optout_list)

        response = signed_in(bob).post(self.lift_url(optout_list), {"note": "  "})

        assert response.status_code == 422
        assert Suppression.objects.exists()

    def test_an_address_that_is_not_suppressed_has_no_such_page(
        self, bob: User, optout_list: List
    ) -> None:
        assert signed_in(bob).get(self.lift_url(optout_list)).status_code == 404

    def test_a_viewer_cannot(self, realm: Realm, optout_list: List) -> None:
        viewer = make.make_user("viewer@acme.example")
        make.make_member(viewer, realm, Role.VIEWER)
        make.make_optout(optout_list)

        response = signed_in(viewer).post(self.lift_url(optout_list), {"note": "Because."})

        assert response.status_code == 404
        assert Suppression.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestSubjects:
    def test_a_search_by_md5_is_stopped_after_a_while(
        self, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(subjects, "SEARCH_SECONDS", 0.01)
        monkeypatch.setattr(subjects, "_BY_MD5", "SELECT pg_sleep(5)::text, %s::int[], %s::text")

        subject = subjects.read_subject("0" * 32, "US", [optout_list.pk])

        assert subject.address is None
        assert not subject.is_certain


@pytest.mark.django_db(transaction=True)
class TestSlowSearch:
    def test_a_search_that_takes_too_long_is_not_answered_with_nothing(
        self, bob: User, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def never(*_args: object, **_kwargs: object) -> None:
            raise TookTooLongError

        monkeypatch.setattr(entries_view, "keyset_page", never)
        response = signed_in(bob).get(url(optout_list, "?channel=5"))

        assert "took too long" in response.content.decode()
        assert "Nothing found" not in response.content.decode()


@pytest.mark.django_db
class TestGlobalRequest:
    """What a website said besides the address; what people typed for it is for those who see evidence."""

    @pytest.fixture
    def request_for(self, realm: Realm, optout_list: List) -> List:
        make.make_product(realm, 2, optout_list)
        make.make_global_request(
            realm,
            website="shop.example",
            product_number=2,
            publisher="p1",
            custom1="Germany",
            custom3="Too <many>",
        )
        return optout_list

    def remarks(self, user: User, optout_list: List) -> list[str]:
        response = signed_in(user).get(url(optout_list))
        remark = response.context["entries"][0].remark
        assert f">{escape(remark)}<" in response.content.decode()
        return [entry.remark for entry in response.context["entries"]]

    def test_an_owner_reads_all_of_it(self, bob: User, request_for: List) -> None:
        assert self.remarks(bob, request_for) == [
            "For product 2, on shop.example, publisher p1, custom fields: Germany · Too <many>"
        ]

    def test_a_viewer_reads_what_is_about_no_person(self, realm: Realm, request_for: List) -> None:
        viewer = make.make_user("viewer@acme.example")
        make.make_member(viewer, realm, Role.VIEWER)

        assert self.remarks(viewer, request_for) == ["For product 2, on shop.example, publisher p1"]

    def test_what_said_nothing_more_has_no_remark(self, alice: User, realm: Realm) -> None:
        make.make_global_request(realm)

        response = signed_in(alice).get(url(make.do_not_mail(realm)))

        assert [entry.remark for entry in response.context["entries"]] == [""]
