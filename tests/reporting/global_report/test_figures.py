"""Figures and chart of the Global Unsubscribe report (S1.21)."""

import csv
from datetime import UTC, datetime, timedelta
from itertools import product as pairs_of
from typing import Any

import pytest
import time_machine

from lists.choices import Role
from lists.models import List, Realm, User
from tests import make
from tests.lists.screens import Screen, open_screen
from tests.reporting.portal import signed_in
from tests.reporting.test_downloads import leave

PAGE = "/manage/reports/global-unsubscribe"
PER_DAY = "/manage/reports/global-unsubscribe-per-day.csv"


@pytest.fixture(autouse=True)
def _at_noon(realm: Realm):
    make.make_global_unsubscribe(realm)
    with time_machine.travel(make.NOW, tick=False):
        yield


def open_report(user: User, query: str = "") -> Screen:
    return open_screen(signed_in(user), f"{PAGE}{query}")


class TestFigures:
    @pytest.fixture(autouse=True)
    def _requests(self, realm: Realm, _at_noon: None) -> None:
        make.make_product(realm, 7, name="Garden letters")
        for days, product in ((0, 0), (0, 7), (3, 7), (8, 7), (29, 0), (30, 0), (100, 7)):
            make.make_global_request(
                realm,
                f"p{days}@example.com",
                "+14155552671",
                product_number=product,
                requested_at=make.NOW - timedelta(days=days),
            )

    def test_they_count_requests_not_lines(self, alice: User, realm: Realm) -> None:
        for _ in range(2):
            make.make_global_request(realm, "p0@example.com", "+14155552671")
        text = open_report(alice).text
        assert "Requests today 4 since midnight UTC, repeats included" in text
        assert "Last 7 days 5 400 % more than in the 7 days before" in text
        assert "Last 30 days 7 as in the chart" in text
        assert "In total 9 since the first request" in text

    def test_they_follow_days_and_product(self, alice: User) -> None:
        text = open_report(alice, "?product=7&since=2026-02-20&until=2026-03-02").text
        assert "Requests today 1" in text and "In total 4" in text
        assert "20 Feb 2026 – 2 Mar 2026 2 as in the chart" in text
        assert "Figures and chart count the requests for product 7, Garden letters." in text
        assert "The chart and its figure follow your days" in text
        assert "The other figures do not." in text and "Without a first day" not in text
        assert "filter the lines below alone" not in text

    def test_they_say_that_they_do_not_follow_the_other_filters(self, alice: User) -> None:
        text = open_report(alice, "?email=p0@example.com").text
        assert "Last 30 days 5" in text and "email and phone filter the lines below alone." in text
        assert "your days" not in text

    def test_the_last_day_alone_is_30_days_of_the_chart(self, alice: User) -> None:
        text = open_report(alice, "?until=2026-03-01").text
        assert "31 Jan 2026 – 1 Mar 2026 4 as in the chart" in text
        assert "Without a first day the chart shows 30 days." in text

    @pytest.mark.parametrize(
        "query",
        [
            "?since=yesterday",
            "?until=9999-12-31",
            "?since=2026-03-04&until=2026-03-01",
            "?product=8&since=2026-03-04",
        ],
    )
    def test_days_or_a_product_that_are_not_understood_have_none(
        self, alice: User, query: str
    ) -> None:
        screen = open_report(alice, query)
        assert "There is a problem" in screen.text
        for each in ("Requests today", "Last 30 days", "Requests per day", "your days", "In total"):
            assert each not in screen.text
        answer = signed_in(alice).get(f"{PER_DAY}{query}")
        assert (answer.status_code, answer["Location"]) == (302, f"{PAGE}{query}")

    def test_any_other_mistake_leaves_them_alone(self, alice: User) -> None:
        text = open_report(alice, "?product=7&email=nobody").text
        assert "There is a problem" in text and "In total 4" in text

    @pytest.mark.parametrize(
        ("query", "first", "last", "count"),
        [
            ("", "2026-02-03", "2026-03-04", 30),
            ("?since=2026-03-04", "2026-03-04", "2026-03-04", 1),
            ("?until=2026-02-28", "2026-01-30", "2026-02-28", 30),
            ("?since=2025-12-01&until=2026-03-02", "2025-12-01", "2026-03-02", 92),
            ("?since=2025-01-01", "2025-12-03", "2026-03-04", 92),
            ("?since=0001-01-01&until=0001-01-02", "0001-01-01", "0001-01-02", 2),
            ("?since=2026-03-01&until=2999-12-31", "2026-03-01", "2026-03-04", 4),
            ("?since=2026-04-01&until=2026-04-09", "2026-04-01", "2026-04-01", 1),
            ("?email=nobody", "2026-02-03", "2026-03-04", 30),
        ],
    )
    def test_its_days(self, alice: User, query: str, first: str, last: str, count: int) -> None:
        client = signed_in(alice)
        rows = list(csv.reader(client.get(f"{PER_DAY}{query}").content.decode().splitlines()))
        assert rows[0] == ["day", "form", "api", "total"]
        assert (rows[1][0], rows[-1][0], len(rows) - 1) == (first, last, count)
        context = client.get(f"{PAGE}{query}").context
        assert sum(int(row[3]) for row in rows[1:]) == context["chart"].total
        assert context["figures"].in_days == context["chart"].total

    def test_more_days_than_it_can_show_are_said(self, alice: User) -> None:
        assert (
            "The chart shows the last 92 of your days."
            in open_report(alice, "?since=2025-01-01").text
        )

    def test_there_is_a_table_and_a_file_of_the_chart(self, alice: User) -> None:
        screen = open_report(alice, "?product=7")
        assert "Show as table" in screen.text and "API 3" in screen.text
        assert f"{PER_DAY}?product=7" in screen.links

    def test_a_day_is_a_day_of_utc(self, alice: User, realm: Realm) -> None:
        moment = datetime(2026, 3, 3, 23, 59, 59, 999_999, UTC)
        make.make_global_request(realm, "late@example.com", requested_at=moment)
        rows = signed_in(alice).get(f"{PER_DAY}?since=2026-03-03").content.decode().split()
        assert rows[1:] == ["2026-03-03,0,1,1", "2026-03-04,0,2,2"]


class TestEdges:
    @pytest.mark.parametrize("who", [Role.ADMIN, Role.OWNER, Role.VIEWER])
    def test_no_day_is_too_early_or_too_late(
        self, realm: Realm, optout_list: List, who: Role
    ) -> None:
        make.make_product(realm, 7, optout_list)
        make.make_global_request(realm, product_number=7)
        user = make.make_user("reader@acme.example")
        make.make_member(user, realm, who, *([optout_list] if who == Role.OWNER else []))
        client = signed_in(user)
        days = ("", "0001-01-01", "2026-03-04", "2999-12-31", "9999-12-31")
        for number, (since, until) in enumerate(pairs_of(days, days)):
            query = f"?since={since}&until={until}{('', '&seen=first')[number % 2]}"
            assert client.get(f"{PAGE}{query}").status_code == 200, query
            assert client.get(f"{PER_DAY}{query}").status_code in {200, 302}, query
            answer: Any = client.get(f"{PAGE}.csv{query}")
            if who == Role.VIEWER:
                assert answer.status_code == 404
            elif answer.status_code == 200:
                assert b"".join(answer.streaming_content).startswith(b"id,"), query
                leave(answer)
            else:
                assert answer.status_code == 302, query
