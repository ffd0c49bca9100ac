import csv
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.test import Client

from lists.models import List, User
from optout.addresses import digest_of
from optout.models import StatedReason
from optout.reasons import BUILT_IN
from tests import make
from tests.lists.screens import look_at
from tests.reporting.portal import signed_in

TOO_MANY, OTHER = "too_many", "other"


def state(optout_list: List, reason: str, times: int = 1, days_ago: int = 0) -> None:
    for _ in range(times):
        number = StatedReason.objects.count() + 1
        StatedReason.objects.create(
            optout_list=optout_list,
            optout_id=number,
            digest=digest_of(f"reader{number}@example.com"),
            reason=reason,
            stated_at=make.NOW - timedelta(days=days_ago),
        )


@pytest.fixture
def client(alice: User) -> Client:
    with time_machine.travel(make.NOW, tick=False):
        return signed_in(alice)


def read(client: Client, optout_list: List, file: str = "", **query: str) -> Any:
    with time_machine.travel(make.NOW, tick=False):
        return client.get(f"/manage/lists/{optout_list.public_id}/reasons{file}", query)


def told(response: Any) -> list[tuple[str, int, str]]:
    return [(each.text, each.count, each.percent) for each in response.context["report"].counts]


def in_file(response: Any) -> list[list[str]]:
    return list(csv.reader(StringIO(response.content.decode())))


@pytest.mark.django_db
class TestReasons:
    def test_they_stand_in_the_order_in_which_people_are_asked(
        self, client: Client, optout_list: List
    ) -> None:
        state(optout_list, OTHER, 3)
        state(optout_list, TOO_MANY)
        state(make.make_list(optout_list.realm, 2, "Offers"), OTHER)
        make.make_optout(optout_list)

        response = read(client, optout_list)

        screen = look_at(response)
        assert screen.heading == "Reasons of the list Garden letters"
        assert told(response) == [
            (str(BUILT_IN[TOO_MANY]), 1, "25 %"),
            *((str(BUILT_IN[key]), 0, "0 %") for key in list(BUILT_IN)[1:-1]),
            (str(BUILT_IN[OTHER]), 3, "75 %"),
        ]
        assert response.context["report"].requests == 1
        assert "3 Feb 2026 – 4 Mar 2026" in screen.text
        assert "No longer asked" not in screen.text

    def test_the_owners_own_come_in_their_order_and_a_removed_one_stays(
        self, client: Client, optout_list: List
    ) -> None:
        List.objects.filter(pk=optout_list.pk).update(
            reasons={"en": ["Too long", "<b>Dull</b>"], "de": ["Zu lang", "Öde", "Umzug"]}
        )
        state(optout_list, "<b>Dull</b>", 2)
        state(optout_list, "Moved away", 2)

        response = read(client, optout_list)

        assert [(text, count) for text, count, _ in told(response)] == [
            ("Too long", 0),
            ("<b>Dull</b>", 2),
            ("Umzug", 0),
            ("Moved away", 2),
        ]
        screen = look_at(response)
        assert "&lt;b&gt;Dull&lt;/b&gt;" in screen.html
        assert screen.text.count("No longer asked") == 1

    def test_a_list_that_asks_no_more_keeps_what_was_said(
        self, client: Client, optout_list: List
    ) -> None:
        List.objects.filter(pk=optout_list.pk).update(asks_reason=False)
        state(optout_list, TOO_MANY, 2)

        response = read(client, optout_list)

        assert told(response)[0] == (str(BUILT_IN[TOO_MANY]), 2, "100 %")
        assert len(told(response)) == len(BUILT_IN)
        assert "No longer asked" not in look_at(response).text

    def test_the_days_are_those_of_the_url(self, client: Client, optout_list: List) -> None:
        state(optout_list, TOO_MANY, days_ago=0)
        state(optout_list, TOO_MANY, days_ago=40)
        day = (make.NOW - timedelta(days=40)).date().isoformat()

        assert told(read(client, optout_list))[0][1] == 1
        assert told(read(client, optout_list, since=day))[0][1] == 2
        assert told(read(client, optout_list, until=day))[0][1] == 1

    def test_a_day_has_its_first_moment_and_may_be_to_come(
        self, client: Client, optout_list: List
    ) -> None:
        state(optout_list, TOO_MANY)
        midnight = make.NOW.replace(hour=0, minute=0, second=0, microsecond=0)
        StatedReason.objects.update(stated_at=midnight)
        today, tomorrow = midnight.date(), midnight.date() + timedelta(days=1)

        assert told(read(client, optout_list, since=today.isoformat()))[0][1] == 1
        response = read(client, optout_list, since=tomorrow.isoformat())
        assert told(response)[0][1] == 0
        period = response.context["report"].period
        assert (period.first, period.last) == (tomorrow, tomorrow)

    def test_days_that_are_none_are_said_and_kept(self, client: Client, optout_list: List) -> None:
        response = read(client, optout_list, since="2026-02-31", until="x")

        assert response.context["report"] is None
        assert look_at(response).fields["since"] == ["2026-02-31"]
        file = read(client, optout_list, ".csv", since="2026-02-31")
        assert file.status_code == 302
        assert file.url.endswith("/reasons?since=2026-02-31")

    def test_without_any_it_says_how_they_come(self, client: Client, optout_list: List) -> None:
        screen = look_at(read(client, optout_list))

        assert "No reasons yet" in screen.text
        assert any(link.endswith("?state=done") for link in screen.links)

    def test_it_takes_few_queries(
        self, client: Client, optout_list: List, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(12):
            state(optout_list, f"Reason {number}")
        with django_assert_max_num_queries(10):
            read(client, optout_list)

    def test_all_reports_lead_to_it(self, client: Client, optout_list: List) -> None:
        with time_machine.travel(make.NOW, tick=False):
            links = look_at(client.get("/manage/reports/")).links

        assert f"/manage/lists/{optout_list.public_id}/reasons" in links


@pytest.mark.django_db
class TestFile:
    def test_it_has_what_the_screen_shows(self, client: Client, optout_list: List) -> None:
        List.objects.filter(pk=optout_list.pk).update(reasons={"en": ["=1+1", "Dull"]})
        state(optout_list, "Dull", 199)
        state(optout_list, "=1+1")

        rows = in_file(read(client, optout_list, ".csv"))

        assert rows == [
            ["reason", "given", "share_percent", "from", "to"],
            ["'=1+1", "1", "0.5", "2026-02-03", "2026-03-04"],
            ["Dull", "199", "99.5", "2026-02-03", "2026-03-04"],
        ]
        shown = read(client, optout_list)
        assert [row[1] for row in rows[1:]] == [str(count) for _, count, _ in told(shown)]
