"""The Global Unsubscribe report (S1.19–S1.21): who reads what of it, its filters, orders and pages, and its file."""

import csv
import gzip
from datetime import timedelta
from html import unescape
from itertools import chain, pairwise, product
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
from django.db import DataError
from django.test import Client

from lists.bounded import TookTooLongError
from lists.choices import Role
from lists.models import AuditEntry, GlobalUnsubscribe, List, Realm, User
from optout.models import GlobalLine
from optout.slots import slots
from reporting.global_report import lines
from reporting.global_report.report import Sort
from reporting.views import global_unsubscribe as view
from tests import make
from tests.lists.screens import Screen, look_at
from tests.reporting.portal import signed_in, signed_in_long_ago
from tests.reporting.test_downloads import leave

PAGE = "/manage/reports/global-unsubscribe"
CSV = f"{PAGE}.csv"
PER_DAY = "/manage/reports/global-unsubscribe-per-day.csv"
UUID = "0e5a1c3e-6f0b-4b8e-9d6c-2f1d8a7b9c10"


@pytest.fixture(autouse=True)
def _at_noon(realm: Realm):
    make.make_global_unsubscribe(realm)
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def viewer(realm: Realm) -> User:
    user = make.make_user("viewer@acme.example")
    make.make_member(user, realm, Role.VIEWER)
    return user


def open_report(user: User, query: str = "") -> Screen:
    return look_at(signed_in(user).get(f"{PAGE}{query}"))


def found(client: Client, query: str = "") -> list[int]:
    """The ids of the lines of one page."""
    return [line.id for line in client.get(f"{PAGE}{query}").context["lines"]]


def download(client: Client, query: str = "") -> list[dict[str, str]]:
    response: Any = client.get(f"{CSV}{query}")
    assert response.status_code == 200
    text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(text.splitlines()))


def make_many(realm: Realm, count: int) -> list[GlobalLine]:
    """Requests with many equal values, repeated now and then, some without an address of one kind."""
    make.make_product(realm, 7)
    return [
        make.make_global_request(
            realm,
            "" if n % 3 == 0 else f"p{n * 7 % 11}.{n}@example.com",
            f"+1415555{2000 + n * 13 % 500}" if n % 3 != 1 else "",
            website=("", "a.example", "b.example/x")[n % 3],
            product_number=(0, 7)[n % 2],
            publisher=("", "p1", "p2")[n * 5 % 3],
            requested_at=make.NOW - timedelta(hours=n * 37 % 400),
        )
        for n in range(count)
        for _ in range(1 + (n % 10 == 0))
    ]


class TestWhoReads:
    @pytest.mark.parametrize("url", [PAGE, CSV, PER_DAY])
    def test_while_it_is_off_there_is_none(self, alice: User, realm: Realm, url: str) -> None:
        GlobalUnsubscribe.objects.filter(realm=realm).update(is_on=False)
        assert signed_in(alice).get(url).status_code == 404
        GlobalUnsubscribe.objects.filter(realm=realm).delete()
        assert signed_in(alice).get(url).status_code == 404

    def test_another_realms_lines_are_not_shown(self, alice: User) -> None:
        make.make_global_request(make.make_realm("other"), "elsewhere@example.com")
        screen = open_report(alice)
        assert "elsewhere" not in screen.html and "No requests yet" in screen.text

    def test_an_owner_sees_what_goes_to_their_lists(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_product(realm, 1, optout_list)
        make.make_product(realm, 2, make.make_list(realm, 2), name="Not Bob's")
        make.make_product(realm, 3, name="To Do Not Mail")
        for number in (0, 1, 2, 3, 9):
            make.make_global_request(realm, f"p{number}@example.com", product_number=number)

        screen = open_report(bob)
        assert "p1@example.com" in screen.text and "In total 1" in screen.text
        for secret in ("p0@", "p2@", "p3@", "p9@", "Not Bob", "To Do Not Mail"):
            assert secret not in screen.html
        assert [line["email"] for line in download(signed_in(bob))] == ["p1@example.com"]
        per_day = signed_in(bob).get(PER_DAY).content.decode().splitlines()
        assert per_day[-1] == "2026-03-04,0,1,1"

    def test_an_owner_of_do_not_mail_sees_what_has_no_list(self, realm: Realm) -> None:
        owner = make.make_user("olga@acme.example")
        make.make_member(owner, realm, Role.OWNER, make.do_not_mail(realm))
        make.make_product(realm, 2, make.make_list(realm, 2))
        make.make_product(realm, 3)
        for number in (0, 2, 3):
            make.make_global_request(realm, f"p{number}@example.com", product_number=number)

        emails = {line["email"] for line in download(signed_in(owner))}
        assert emails == {"p0@example.com", "p3@example.com"}

    @pytest.mark.parametrize("query", ["?product=2", "?product=0"])
    def test_an_owner_cannot_ask_for_another_product(
        self, bob: User, realm: Realm, optout_list: List, query: str
    ) -> None:
        make.make_product(realm, 1, optout_list)
        make.make_product(realm, 2)
        make.make_global_request(realm, product_number=2)
        assert found(signed_in(bob), query) == []
        assert signed_in(bob).get(f"{CSV}{query}").status_code == 302

    def test_a_line_that_one_may_not_see_is_no_place_to_go_on_from(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        """Else its place among one's own lines would tell its address, letter by letter."""
        make.make_product(realm, 1, optout_list)
        own = [
            make.make_global_request(realm, f"{name}@example.com", product_number=1).id
            for name in ("a", "z")
        ]
        foreign = make.make_global_request(realm, "m@example.com").id
        client = signed_in(bob)
        assert found(client, f"?sort=email&after={own[0]}") == own[1:]
        assert found(client, f"?sort=email&after={foreign}") == own
        assert found(client, f"?sort=email&before={foreign}") == own

    def test_a_viewer_sees_masked_addresses_and_gets_no_file(
        self, viewer: User, realm: Realm
    ) -> None:
        make.make_global_request(realm, "jane@example.com", "+14155552671")

        screen = open_report(viewer)

        assert "ja•••@example.com +1 ••• ••71" in screen.text
        assert "jane@" not in screen.html and "4155552671" not in screen.html
        assert not [link for link in screen.links if CSV in link]
        assert signed_in(viewer).get(CSV).status_code == 404
        assert signed_in(viewer).get(PER_DAY).status_code == 200

    def test_a_viewer_sees_no_address_in_what_websites_sent(
        self, viewer: User, alice: User, realm: Realm
    ) -> None:
        make.make_global_request(
            realm,
            website="shop.example/out/jane.doe@mail.example/de",
            publisher="p-jane.doe@mail.example",
            custom1="Write to jane.doe@mail.example, please",
            custom2="Call +1 (415) 555-2671 or 0415/5552671!",
            custom3="12 mails in 2026",
        )
        screen = open_report(viewer)
        assert "shop.example/out/•••/de" in screen.text
        assert "1 Write to ••• please 2 Call ••• or •••! 3 12 mails in 2026" in screen.text
        assert "jane.doe" not in screen.html and "555" not in screen.html
        assert "jane.doe@mail.example, please" in open_report(alice).text

    @pytest.mark.parametrize("sort", ["email", "-email", "phone", "-phone"])
    def test_a_viewer_cannot_order_by_addresses(
        self, viewer: User, realm: Realm, sort: str
    ) -> None:
        lines = make_many(realm, 60)
        client = signed_in(viewer)
        response = client.get(f"{PAGE}?sort={sort}")
        assert [line.id for line in response.context["lines"]] == found(client)
        headings = [each for column in response.context["columns"] for each in column.headings]
        assert {each.label: bool(each.href) for each in headings}["Email"] is False
        assert {each.label: bool(each.href) for each in headings}["Phone"] is False
        assert found(client, f"?sort={sort}&after={lines[30].id}") == found(client)


class TestLines:
    def test_a_line_shows_everything(self, alice: User, realm: Realm) -> None:
        make.make_product(realm, 7, name="Garden letters")
        make.make_publisher(realm, "p1", "Green Thumb")
        values: dict[str, Any] = {
            "publisher": "p1",
            "form": UUID,
            "custom1": "DE",
            "custom3": "Too many",
        }
        line = make.make_global_request(
            realm,
            "jane@example.com",
            "+14155552671",
            website="shop.example/a",
            product_number=7,
            **values,
        )
        again = make.NOW + timedelta(hours=1)
        make.make_global_request(
            realm,
            "jane@example.com",
            "+14155552671",
            website="shop.example/a",
            product_number=7,
            requested_at=again,
        )

        text = open_report(alice).text

        assert (
            f"{line.id} 4 Mar 2026, 13:00 4 Mar 2026, 12:00 jane@example.com +14155552671 1 DE 2 NOT DEFINED 3 Too many "
            f"shop.example/a 7 Garden letters p1 Green Thumb {UUID} 2"
        ) in text

    def test_what_was_not_given_is_not_defined(self, alice: User, realm: Realm) -> None:
        line = make.make_global_request(realm, "", "+14155552671", publisher="nobody")
        assert (
            f"{line.id} 4 Mar 2026, 12:00 4 Mar 2026, 12:00 NOT DEFINED +14155552671 1–3 NOT DEFINED "
            "NOT DEFINED 0 none nobody NOT DEFINED 1"
        ) in open_report(alice).text

    def test_a_product_of_another_realm_lends_no_name(self, alice: User, realm: Realm) -> None:
        other = make.make_realm("other")
        make.make_product(other, 7, name="Theirs")
        make.make_publisher(other, "p1", "Their shop")
        make.make_global_request(realm, product_number=7, publisher="p1")
        assert "Their" not in open_report(alice).html

    @pytest.mark.parametrize(
        "hostile",
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "{{7*7}}",
            "&lt;b&gt;",
            "\u202eevil",
        ],
    )
    def test_what_websites_send_stays_text(self, alice: User, realm: Realm, hostile: str) -> None:
        make.make_product(realm, 7, name=hostile)
        make.make_publisher(realm, hostile, hostile)
        make.make_global_request(
            realm,
            website=hostile,
            publisher=hostile,
            product_number=7,
            custom1=hostile,
            custom2=hostile,
            custom3=hostile,
        )
        screen = open_report(alice, "?product=7")  # well-formed, no handlers, no script
        assert screen.text.count(hostile) >= 8
        assert "<img" not in screen.html

    def test_before_the_first_request_it_says_what_to_do(self, alice: User, viewer: User) -> None:
        screen = open_report(alice)
        assert "No requests yet" in screen.text
        assert "/manage/settings/global/unsubscribe" in screen.links
        assert "/manage/settings/global/unsubscribe" not in open_report(viewer).links

    def test_where_it_stands(self, alice: User) -> None:
        screen = open_report(alice)
        assert screen.heading == "Global Unsubscribe"
        assert "All Reports › Extras Global Unsubscribe" in screen.text
        assert "/manage/reports/" in screen.links


class TestFilters:
    @pytest.fixture
    def names(self, realm: Realm) -> dict[int, str]:
        """Three lines: `a` by email, `b` by phone, `c` by both."""
        make.make_product(realm, 7)
        day = timedelta(days=1)
        a = make.make_global_request(realm, "a@example.com", requested_at=make.NOW - 9 * day)
        make.make_global_request(realm, "a@example.com", requested_at=make.NOW)
        b = make.make_global_request(
            realm, "", "+14155552671", website="shop.example/x", requested_at=make.NOW - 2 * day
        )
        c = make.make_global_request(
            realm,
            "c@example.com",
            "+14155552672",
            website="shop.example",
            product_number=7,
            publisher="p1",
            requested_at=make.NOW - day,
        )
        return {a.id: "a", b.id: "b", c.id: "c"}

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", "acb"),
            ("?product=7", "c"),
            ("?product=0", "ab"),
            ("?publisher=p1", "c"),
            ("?publisher=P1", ""),
            ("?publisher=not+defined", "ab"),
            ("?website=shop.example", "c"),
            ("?website=https://u@SHOP.example/x/?y%23z", "b"),
            ("?website=NOT+DEFINED", "a"),
            ("?email=C@Example.com", "c"),
            ("?email=nobody@example.com", ""),
            ("?email=NOT+DEFINED", "b"),
            ("?phone=(415)+555-2671", "b"),
            ("?phone=NOT+DEFINED", "a"),
            ("?since=2026-03-03", "ac"),
            ("?until=2026-03-03", "cb"),
            ("?since=2026-03-03&until=2026-03-03", "c"),
            ("?seen=first&since=2026-03-02", "cb"),
            ("?seen=first&until=2026-03-02", "ba"),
            ("?seen=first", "cba"),
            ("?product=7&email=a@example.com", ""),
            ("?phone=%2B14155552672&website=shop.example&publisher=p1", "c"),
            ("?unknown=1&sort=nonsense&after=nonsense&before=1", "acb"),
        ],
    )
    def test_page_and_file_find_the_same(
        self, alice: User, names: dict[int, str], query: str, expected: str
    ) -> None:
        client = signed_in(alice)
        assert "".join(names[each] for each in found(client, query)) == expected
        assert "".join(names[int(each["id"])] for each in download(client, query)) == expected

    @pytest.mark.parametrize(
        "query",
        [
            "?product=8",
            "?product=x",
            "?product=%D9%A3",
            "?product=99999999999999999999",
            "?seen=middle",
            "?since=yesterday",
            "?until=9999-12-31",
            "?since=2026-03-05&until=2026-03-04",
            "?email=nobody",
            "?email=%00",
            "?email=" + "a" * 2000,
            "?phone=12",
            "?website=https://",
            "?website=%00",
            "?publisher=" + "p" * 61,
            "?sort=%00",
        ],
    )
    def test_what_is_not_understood_finds_nothing_and_makes_no_file(
        self, alice: User, names: dict[int, str], query: str
    ) -> None:
        client = signed_in(alice)
        response = client.get(f"{PAGE}{query}")
        assert response.status_code == 200
        assert response.context["form"].errors and not response.context["lines"]
        answer = client.get(f"{CSV}{query}")
        assert answer.status_code == 302
        assert client.get(answer["Location"]).context["form"].errors
        assert not AuditEntry.objects.exists()

    def test_what_was_asked_stays_in_every_link(self, alice: User, realm: Realm) -> None:
        make_many(realm, 60)
        screen = open_report(alice, "?product=0&website=NOT+DEFINED&since=2026-01-01&sort=count")
        inside = [link for link in screen.links if link.startswith(("?", CSV))]
        assert len(inside) >= 10
        for link in inside:
            for part in ("product=0", "website=NOT+DEFINED", "since=2026-01-01", "sort="):
                assert part in link

    def test_nothing_found_is_said(self, alice: User, realm: Realm) -> None:
        make.make_global_request(realm)
        for query in (
            "email=nobody@example.com",
            "website=example.com",
            "publisher=p1",
            "phone=%2B14155550000",
        ):
            text = open_report(alice, f"?{query}").text
            assert "Nothing found" in text and "Texts are looked for as a whole" in text
        text = open_report(alice, "?since=2026-03-05").text
        assert "No request fits. Try other filters." in text and "as a whole, not in part" in text

    @pytest.mark.django_db(transaction=True)  # a stopped search ends its transaction
    @pytest.mark.parametrize(
        ("query", "is_open"),
        [("", False), ("?sort=email", False), ("?product=0", True), ("?since=nonsense", True)],
    )
    def test_on_a_phone_the_filters_are_folded_unless_one_is_used(
        self, alice: User, realm: Realm, query: str, is_open: bool
    ) -> None:
        make.make_global_request(realm)
        html = open_report(alice, query).html
        assert ('<details class="folded" open><summary>' in html) is is_open
        assert ('<details class="folded"><summary>' in html) is not is_open

    @pytest.mark.django_db(transaction=True)  # a stopped search ends its transaction
    def test_a_search_that_takes_too_long_is_not_an_empty_one(
        self, alice: User, realm: Realm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def never(*_args: object, **_kwargs: object) -> None:
            raise TookTooLongError

        make.make_global_request(realm)
        monkeypatch.setattr(view, "read_page", never)
        screen = open_report(alice, "?product=0")
        assert "took too long" in screen.text and "Nothing found" not in screen.text
        assert "Requests today 1" in screen.text

    @pytest.mark.django_db(transaction=True)
    def test_a_slow_way_is_left_for_another_that_finds_the_same(
        self, alice: User, realm: Realm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The database reads all lines in their order until it has enough of the wanted ones, or collects those first."""
        make_many(realm, 80)
        client, query = signed_in(alice), "?website=a.example&sort=publisher"
        pages, turns = [found(client, query)], []

        def only_collected(report: Any, query: Any, *, collects: bool) -> Any:
            turns.append(collects)
            if not collects:
                raise TookTooLongError
            return lines.read_page(report, query, collects=True)

        monkeypatch.setattr(view, "read_page", only_collected)
        pages.append(found(client, query))

        assert turns == [False, True]
        assert len(pages[0]) > 20 and pages[0] == pages[1]
        turns.clear()
        assert "took too long" in open_report(alice).text, "there is no other way to all lines"
        assert turns == [False]

    def test_a_line_has_one_address_at_least(self, alice: User, realm: Realm) -> None:
        """Who looks for one without any is told so at once."""
        make_many(realm, 12)
        assert found(signed_in(alice), "?email=NOT+DEFINED") != []
        assert found(signed_in(alice), "?email=NOT+DEFINED&phone=NOT+DEFINED") == []


def _by(sort: Sort) -> Any:
    def key(line: GlobalLine) -> Any:
        return tuple(
            each.encode() if isinstance(each, str) else each
            for each in (getattr(line, column) for column in sort.columns)
        )

    return key


class TestOrder:
    def test_all_pages_there_and_back_are_what_the_file_has(
        self, alice: User, realm: Realm
    ) -> None:
        make_many(realm, 120)
        client = signed_in(alice)
        for sort, is_descending in product(Sort, (False, True)):
            query = f"?sort={'-' if is_descending else ''}{sort}"
            ordered = sorted(GlobalLine.objects.all(), key=_by(sort), reverse=is_descending)
            expected = [line.id for line in ordered]

            pages = [client.get(f"{PAGE}{query}").context]
            while following := pages[-1]["following_url"]:
                pages.append(client.get(f"{PAGE}{following}").context)
            ids = [[line.id for line in page["lines"]] for page in pages]

            assert [len(each) for each in ids] == [50, 50, 20], query
            assert list(chain.from_iterable(ids)) == expected, query
            assert [int(line["id"]) for line in download(client, query)] == expected, query
            assert not pages[0]["preceding_url"]
            for (earlier, _), (_, later) in pairwise(zip(ids, pages, strict=True)):
                back = client.get(f"{PAGE}{later['preceding_url']}").context
                assert [line.id for line in back["lines"]] == earlier, query

    def test_the_headings_say_the_order_and_turn_it_round(self, alice: User, realm: Realm) -> None:
        make.make_global_request(realm)
        html = unescape(open_report(alice, "?product=0").html)
        assert html.count("aria-sort") == 1
        assert '<th scope="col" aria-sort="descending"><a href="?product=0&sort=last_seen#' in html
        for sort in Sort:
            wanted = "-" if sort in {"id", "first_seen", "count"} else ""
            assert f'<a href="?product=0&sort={wanted}{sort}#requests"' in html
        html = unescape(open_report(alice, "?sort=email").html)
        assert '<th scope="col" aria-sort="ascending"><a href="?sort=-email#requests"' in html

    def test_a_place_is_an_id_never_an_address(self, alice: User, realm: Realm) -> None:
        make_many(realm, 60)
        client = signed_in(alice)
        for sort in ("email", "phone"):
            url = client.get(f"{PAGE}?sort={sort}").context["following_url"]
            assert url.removeprefix(f"?sort={sort}&after=").isdigit()

    @pytest.mark.parametrize(
        "place",
        [
            "",
            "0",
            "-",
            "1-",
            "-1",
            "1-1-1",
            "1-1-1-1",
            "9223372036854775807",
            "9223372036854775808",
            "9223372036854775807-9223372036854775807",
            "253000000001000000-1",
            "0-0",
            "9" * 5000,
            "٣",
            "1_0",
            "+1",
            "1e3",
            "%00",
            "jane@example.com",
            "%F0%9F%92%A9",
            "%ED%A0%80",
            "2026-03-04",
            "'; DROP TABLE optout_globalline; --",
        ],
    )
    def test_a_strangers_place_is_no_error(self, alice: User, realm: Realm, place: str) -> None:
        """In every order, in one direction or the other: what a place is depends on the order alone."""
        make.make_global_request(realm)
        client = signed_in(alice)
        for number, sort in enumerate(("", *Sort), start=len(place)):
            direction = ("after", "before")[number % 2]
            query = f"?sort={sort}&{direction}={quote(place, safe='%')}"
            assert len(found(client, query)) == 1, query

    def test_a_line_that_is_repeated_meanwhile_moves_no_other(
        self, alice: User, realm: Realm
    ) -> None:
        lines = make_many(realm, 60)
        client = signed_in(alice)
        older = client.get(PAGE).context["following_url"]
        before = found(client, older)
        last = GlobalLine.objects.get(id=found(client)[-1])
        make.make_global_request(
            realm,
            last.email,
            last.phone,
            website=last.website,
            product_number=last.product_number,
            requested_at=make.NOW + timedelta(days=1),
        )
        assert lines and found(client)[0] == last.id
        assert found(client, older) == before


class TestCost:
    @pytest.mark.parametrize("who", ["alice", "bob", "viewer"])
    def test_ten_queries_at_most(
        self,
        who: str,
        request: pytest.FixtureRequest,
        realm: Realm,
        optout_list: List,
        django_assert_max_num_queries,
    ) -> None:
        make_many(realm, 60)
        for number in range(20, 40):
            make.make_product(realm, number, optout_list)
            make.make_publisher(realm, f"p{number}")
        client = signed_in(request.getfixturevalue(who))
        for query in ("", "?product=20&since=2026-01-01", "?sort=website&after=1", "?website=x.de"):
            with django_assert_max_num_queries(10):
                client.get(f"{PAGE}{query}")

    def test_a_full_page_is_light_and_stays_out_of_caches(self, alice: User, realm: Realm) -> None:
        publisher = make.make_publisher(realm, "SHOP-0042", "Rasen & Rosen Versandhandel")
        for n in range(1, 51):
            make.make_global_request(
                realm,
                f"{n * 7919:x}.{n * 104729:x}@{n * 15485863:x}.example",
                f"+4915{n * 1299709:09}"[:15],
                website=f"{n * 32452843:x}.example/{n * 49979687:x}",
                form=str(make.make_form(realm, publisher).uuid),
                publisher="SHOP-0042",
                custom1=f"{n * 67867967:x}",
                custom2=f"{n * 86028121:x}",
                custom3=f"{n * 104395301:x} {n * 122949823:x}",
            )
        response = signed_in(alice).get(f"{PAGE}?since=2025-12-01")
        assert len(response.context["lines"]) == 50
        assert len(gzip.compress(response.content)) <= 30 * 1024
        assert "no-store" in response["Cache-Control"]


class TestFile:
    def test_it_has_the_columns_of_the_page(self, alice: User, realm: Realm) -> None:
        make.make_product(realm, 7, name="Garden, letters")
        make.make_publisher(realm, "p1", "Green Thumb")
        full = make.make_global_request(
            realm,
            "jane@example.com",
            "+14155552671",
            website="shop.example",
            product_number=7,
            publisher="p1",
            form=UUID,
            custom1='Say "no"',
            custom2="مصر",
        )
        bare = make.make_global_request(
            realm, "joe@example.com", requested_at=make.NOW - timedelta(microseconds=1)
        )

        assert download(signed_in(alice)) == [
            {
                "id": str(full.id),
                "firstSeen": "2026-03-04T12:00:00Z",
                "lastSeen": "2026-03-04T12:00:00Z",
                "email": "jane@example.com",
                "phoneNumber": "+14155552671",
                "customField1": 'Say "no"',
                "customField2": "مصر",
                "customField3": "NOT DEFINED",
                "productId": "7",
                "product": "Garden, letters",
                "website": "shop.example",
                "pubID": "p1",
                "publisher": "Green Thumb",
                "uuid": UUID,
                "unsubscribeCount": "1",
            },
            {
                "id": str(bare.id),
                "firstSeen": "2026-03-04T11:59:59Z",
                "lastSeen": "2026-03-04T11:59:59Z",
                "email": "joe@example.com",
                **dict.fromkeys(("phoneNumber", "customField1", "customField2"), "NOT DEFINED"),
                **dict.fromkeys(("customField3", "website", "pubID", "uuid"), "NOT DEFINED"),
                "productId": "0",
                "product": "",
                "publisher": "",
                "unsubscribeCount": "1",
            },
        ]

    @pytest.mark.parametrize(
        "text", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2", "'quoted", "＝1"]
    )
    def test_a_formula_is_disarmed_and_can_be_had_as_it_is(
        self, alice: User, realm: Realm, text: str
    ) -> None:
        """AT-23: both round-trip."""
        make.make_product(realm, 7, name=text)
        make.make_publisher(realm, text, text)
        customs: dict[str, Any] = {f"custom{n}": text for n in (1, 2, 3)}
        make.make_global_request(
            realm, f"{text[0]}jane@x.example" if text[0] in "=+-'" else "j@x.example", product_number=7,
            website=text, publisher=text, **customs
        )  # fmt: skip
        client = signed_in(alice)
        (safe,), (raw,) = download(client), download(client, "?raw=1")
        names = [f"customField{n}" for n in (1, 2, 3)]
        for name in (*names, "product", "website", "pubID", "publisher"):
            assert (raw[name], safe[name]) == (text, f"'{text}")
        is_armed = raw["email"][0] != "j"
        assert safe["email"] == "'" * is_armed + raw["email"]

    def test_a_phone_number_is_left_alone(self, alice: User, realm: Realm) -> None:
        make.make_global_request(realm, "", "+14155552671")
        assert download(signed_in(alice))[0]["phoneNumber"] == "+14155552671"

    def test_nothing_is_a_file_with_its_headings(self, alice: User) -> None:
        response: Any = signed_in(alice).get(CSV)
        body = b"".join(response.streaming_content)
        assert body.startswith(b"id,firstSeen,lastSeen,email,") and body.count(b"\n") == 1
        assert response["Content-Disposition"] == 'attachment; filename="global-unsubscribe.csv"'
        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert response["Cache-Control"] == "no-store"

    def test_it_is_audited_without_an_address(self, alice: User, realm: Realm) -> None:
        make.make_global_request(realm)
        download(signed_in(alice), "?email=jane@example.com&product=0&sort=-count&raw=1")
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor, entry.realm) == (
            "export_global_unsubscribe",
            alice,
            realm,
        )
        assert entry.detail == {"filters": ["product", "email"], "order": "-count", "raw": True}

    def test_head_gives_no_line_and_is_not_audited(self, alice: User, realm: Realm) -> None:
        make.make_global_request(realm)
        response: Any = signed_in(alice).head(CSV)
        assert response.status_code == 200
        assert b"".join(response.streaming_content) == b""
        assert not AuditEntry.objects.exists()

    def test_it_asks_for_the_password_when_that_was_long_ago(self, alice: User) -> None:
        response = signed_in_long_ago(alice).get(f"{CSV}?product=0")
        assert response.status_code == 302
        assert "/reauthenticate/" in response["Location"] and "product" in response["Location"]
        assert not AuditEntry.objects.exists()

    def test_one_at_a_time_for_each_person(self, alice: User, realm: Realm) -> None:
        make.make_global_request(realm)
        client = signed_in(alice)
        running: Any = client.get(CSV)

        busy = client.get(CSV)
        assert (busy.status_code, busy["Retry-After"]) == (503, "30")
        assert AuditEntry.objects.count() == 1
        leave(running)
        assert len(download(client)) == 1

    def test_what_breaks_off_is_not_taken_for_the_whole(
        self, alice: User, realm: Realm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make.make_global_request(realm)
        broken = "SELECT 1000 / (50000 - n) FROM generate_series(1, 100000) n"
        monkeypatch.setattr(lines, "_LINES", broken)
        client = signed_in(alice)
        response: Any = client.get(CSV)
        with pytest.raises(DataError, match="division by zero"):
            b"".join(response.streaming_content)
        leave(response)
        slot = slots.take(f"user {alice.pk}")
        assert slot is not None
        slot.give_back()
