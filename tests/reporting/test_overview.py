import csv
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from lists.choices import Role
from lists.models import List, Realm, User
from optout.choices import Assurance, Channel, Medium, RefusalCause
from optout.models import QuarantinedOptOut
from reporting.counters import advance_counts
from reporting.models import Download, Notice
from tests import make
from tests.lists.screens import Screen, look_at, open_screen, sign_in

NOW = make.NOW


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


def opt_out(optout_list: List, count: int, days_ago: int, channel: Channel = Channel.PAGE) -> None:
    for n in range(count):
        make.make_optout(
            optout_list,
            f"{channel}-{days_ago}-{n}@example.com",
            requested_at=NOW - timedelta(days=days_ago),
            channel=channel,
        )


def quarantine(optout_list: List, address: str = "q@example.com", **fields: Any) -> None:
    values = {
        "digest": address.encode()[:16],
        "address": address,
        "medium": Medium.EMAIL,
        "channel": Channel.DIRECT_LINK,
        "assurance": Assurance.PREFILLED,
        "cause": RefusalCause.BLOCKED_IP,
        "agent": "",
        "refused_at": NOW,
        "last_refused_at": NOW,
        **fields,
    }
    QuarantinedOptOut.objects.create(optout_list=optout_list, **values)


def overview(user: User) -> Screen:
    return open_screen(sign_in(user), "/manage/")


@pytest.mark.django_db
class TestNumbers:
    def test_they_count_today_and_the_week_against_the_week_before(
        self, alice: User, optout_list: List
    ) -> None:
        opt_out(optout_list, 2, 0)
        opt_out(optout_list, 4, 6)
        opt_out(optout_list, 3, 7)

        text = overview(alice).text

        assert "Opt-outs today 2" in text
        assert "Last 7 days 6 100 % more than in the 7 days before" in text
        assert "Suppressed in total 9" in text
        assert "Waiting in quarantine 0 nothing to do" in text

    def test_counted_and_not_yet_counted_opt_outs_make_the_same_numbers(
        self, alice: User, optout_list: List
    ) -> None:
        opt_out(optout_list, 3, 1)
        before = overview(alice).text
        advance_counts(NOW)
        assert overview(alice).text == before

    def test_what_waits_leads_to_the_quarantine(self, alice: User, optout_list: List) -> None:
        quarantine(optout_list)
        screen = overview(alice)
        assert "Waiting in quarantine 1" in screen.text
        assert f"/manage/lists/{optout_list.public_id}/quarantine" in screen.links

    def test_when_several_lists_wait_it_leads_to_the_table_of_lists(
        self, alice: User, realm: Realm, optout_list: List
    ) -> None:
        second = make.make_list(realm, 2, "Offers")
        quarantine(optout_list)
        quarantine(second)
        screen = overview(alice)
        assert "Waiting in quarantine 2" in screen.text
        assert '<a class="number-value" href="#lists">' in screen.html
        for each in (optout_list, second):
            assert f"/manage/lists/{each.public_id}/quarantine" in screen.links

    def test_they_say_what_they_count(self, alice: User, optout_list: List) -> None:
        opt_out(optout_list, 2, 0)
        opt_out(optout_list, 2, 0)
        text = overview(alice).text
        assert "Opt-outs today 4 requests since midnight UTC, repeats included" in text
        assert "Suppressed in total 2 entries on all lists" in text

    def test_another_realm_counts_for_nothing(self, alice: User, charlie: User) -> None:
        foreign = List.objects.get(realm__name="other", number=1)
        opt_out(foreign, 5, 0)
        quarantine(foreign)
        text = overview(alice).text
        assert "Suppressed in total 0" in text and "Waiting in quarantine 0" in text

    def test_an_owner_sees_their_own_lists_only(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        opt_out(make.make_list(realm, 2, "Not Bob's"), 5, 0)
        opt_out(optout_list, 1, 0)
        text = overview(bob).text
        assert "Opt-outs today 1" in text and "Not Bob" not in text


@pytest.mark.django_db
class TestChart:
    def test_each_mark_says_what_it_is_and_the_table_says_it_again(
        self, alice: User, optout_list: List
    ) -> None:
        opt_out(optout_list, 3, 2, Channel.PIXEL)
        screen = overview(alice)
        assert "<title>2 Mar 2026, Pixel: 3</title>" in screen.html
        assert "Show as table" in screen.text and "Day (UTC)" in screen.text
        assert screen.html.count('scope="row"') >= 30

    def test_both_ways_into_the_global_unsubscribe_are_one_colour(
        self, alice: User, optout_list: List
    ) -> None:
        opt_out(optout_list, 3, 2, Channel.GLOBAL_API)
        opt_out(optout_list, 1, 2, Channel.GLOBAL_FORM)
        opt_out(optout_list, 1, 2, Channel.PORTAL)
        screen = overview(alice)
        assert "<title>2 Mar 2026, Global Unsubscribe: 4</title>" in screen.html
        assert "<title>2 Mar 2026, Other ways: 1</title>" in screen.html
        assert 'class="series-8"' in screen.html and 'class="series-9"' in screen.html

    def test_without_any_opt_out_it_says_what_to_do(self, alice: User, optout_list: List) -> None:
        screen = overview(alice)
        assert "No opt-outs yet" in screen.text
        assert f"/manage/lists/{optout_list.public_id}/service" in screen.links

    def test_its_figures_are_had_as_csv(self, alice: User, optout_list: List) -> None:
        opt_out(optout_list, 3, 2, Channel.PIXEL)
        opt_out(optout_list, 1, 0)

        response = sign_in(alice).get("/manage/opt-outs-per-day.csv")

        assert response.headers["Content-Type"].startswith("text/csv")
        rows = list(csv.DictReader(response.content.decode().splitlines()))
        assert len(rows) == 30
        assert rows[-1] == {"day": "2026-03-04", "Hosted page": "1", "Pixel": "0", "total": "1"}
        assert rows[-3]["Pixel"] == "3"

    def test_the_csv_has_the_same_columns_in_every_language(
        self,
        alice: User,
        optout_list: List,
        in_german: Callable[..., None],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        opt_out(optout_list, 1, 0, Channel.PIXEL)
        in_german(Pixel="Zählpixel")
        monkeypatch.setattr("config.middleware.PORTAL_LANGUAGE", "de")
        client = sign_in(alice)

        response = client.get("/manage/opt-outs-per-day.csv")

        assert "Zählpixel" in client.get("/manage/").content.decode()
        assert response.content.splitlines()[0] == b"day,Pixel,total"

    def test_it_is_for_those_who_may_see_it(self, optout_list: List) -> None:
        assert Client().get("/manage/opt-outs-per-day.csv").status_code == 302
        mailer = make.make_user("mailer@north.example")
        make.make_member(mailer, optout_list.realm, Role.MAILER, optout_list)
        assert sign_in(mailer).get("/manage/opt-outs-per-day.csv").status_code == 404


@pytest.mark.django_db
class TestNotices:
    def test_a_blocked_ip_is_named_with_the_next_thing_to_do(
        self, bob: User, optout_list: List
    ) -> None:
        Notice.objects.create(
            optout_list=optout_list, kind="blocked_ip", subject="10.0.0.1/32", raised_at=NOW
        )
        screen = overview(bob)
        assert "10.0.0.1 was blocked on Garden letters." in screen.text
        assert f"/manage/lists/{optout_list.public_id}/quarantine" in screen.links

    def test_a_block_of_global_requests_leads_to_where_they_can_be_let_in(
        self, alice: User, realm: Realm, optout_list: List
    ) -> None:
        """Y1: they wait on the list of their product, the block stands on Do Not Mail."""
        dnm = make.do_not_mail(realm)
        for subject in ("10.0.0.1/32", "10.0.0.2/32"):
            Notice.objects.create(
                optout_list=dnm, kind="blocked_ip", subject=subject, raised_at=NOW
            )
        where = f"/manage/lists/{dnm.public_id}/quarantine"
        assert where in overview(alice).links, "nothing is global yet"

        quarantine(optout_list, channel=Channel.GLOBAL_API, ip="10.0.0.1")
        screen = overview(alice)
        assert "their global requests wait in quarantine" in screen.text
        assert f"{where}#global-requests" in screen.links

        Notice.objects.filter(subject="10.0.0.2/32").update(settled_at=NOW)
        assert "It sent global requests about many different addresses" in overview(alice).text

        QuarantinedOptOut.objects.update(ip="10.0.0.2")
        assert f"{where}#global-requests" not in overview(alice).links

    @pytest.mark.parametrize("kind", ["unlisted_server", "protected_mode", "pixel_in_mail"])
    def test_every_kind_has_words(self, bob: User, optout_list: List, kind: str) -> None:
        Notice.objects.create(optout_list=optout_list, kind=kind, subject="", raised_at=NOW)
        assert '<div class="notice notice-warning">' in overview(bob).html

    def test_those_of_one_list_and_kind_are_one_and_blocks_come_first(
        self, bob: User, optout_list: List
    ) -> None:
        def raise_notice(kind: str, subject: str, minutes: int) -> None:
            Notice.objects.create(
                optout_list=optout_list,
                kind=kind,
                subject=subject,
                raised_at=NOW - timedelta(minutes=minutes),
            )

        for n in range(9):
            raise_notice("unlisted_server", f"10.0.1.{n}/32", n)
        for n in range(2):
            raise_notice("blocked_ip", f"10.0.0.{n}/32", 60 + n)
        raise_notice("protected_mode", "", 90)

        text = overview(bob).text

        told = [
            "Garden letters is in protected mode",
            "2 IPs were blocked on Garden letters.",
            "9 servers called Garden letters that are not on its whitelist.",
        ]
        places = [text.index(each) for each in told]
        assert places == sorted(places)
        assert text.count("whitelist") == 1

    def test_how_many_more_there_are_is_said(
        self, alice: User, realm: Realm, optout_list: List
    ) -> None:
        for number in range(2, 14):
            each = make.make_list(realm, number, f"List {number}")
            Notice.objects.create(
                optout_list=each, kind="blocked_ip", subject="10.0.0.1/32", raised_at=NOW
            )
        screen = overview(alice)
        assert screen.html.count('class="notice notice-warning"') == 10
        assert "And 2 more" in screen.text

    def test_a_settled_one_is_gone_and_a_foreign_one_never_came(
        self, bob: User, charlie: User, optout_list: List
    ) -> None:
        foreign = List.objects.get(realm__name="other", number=1)
        for each, settled in ((optout_list, NOW), (foreign, None)):
            Notice.objects.create(
                optout_list=each, kind="blocked_ip", subject="a", raised_at=NOW, settled_at=settled
            )
        assert "was blocked" not in overview(bob).text

    def test_a_viewer_reads_it_but_is_not_sent_where_they_may_not_go(
        self, optout_list: List
    ) -> None:
        viewer = make.make_user("viewer@acme.example")
        make.make_member(viewer, optout_list.realm, Role.VIEWER)
        Notice.objects.create(
            optout_list=optout_list, kind="blocked_ip", subject="10.0.0.1/32", raised_at=NOW
        )
        quarantine(optout_list)
        screen = overview(viewer)
        assert "was blocked" in screen.text
        assert not any("quarantine" in link for link in screen.links)


@pytest.mark.django_db
class TestCost:
    def test_it_takes_at_most_ten_queries_however_many_lists(
        self, alice: User, realm: Realm, django_assert_max_num_queries
    ) -> None:
        for number in range(1, 30):
            opt_out(make.make_list(realm, number, f"List {number}"), 1, number % 20)
        Notice.objects.create(
            optout_list=make.do_not_mail(realm), kind="blocked_ip", subject="a", raised_at=NOW
        )
        Notice.objects.create(
            optout_list=make.do_not_mail(realm), kind="blocked_ip", subject="b", raised_at=NOW
        )
        client = sign_in(alice)
        with django_assert_max_num_queries(10):
            open_screen(client, "/manage/")


@pytest.mark.django_db
class TestMailer:
    def test_they_see_their_own_lists_and_downloads_and_no_figures(
        self, realm: Realm, optout_list: List
    ) -> None:
        mailer = make.make_user("mailer@north.example")
        membership = make.make_member(mailer, realm, Role.MAILER, optout_list)
        make.make_list(realm, 2, "Not theirs")
        opt_out(optout_list, 5, 0)
        _text, key = make.make_download_key(optout_list, membership=membership)
        fields = {"optout_list": optout_list, "format": "md5", "agent": "", "outcome": "complete"}
        Download.objects.create(key=key, started_at=NOW - timedelta(hours=3), **fields)
        Download.objects.create(started_at=NOW, **fields)  # somebody else's

        screen = overview(mailer)

        assert "Garden letters" in screen.text and "Not theirs" not in screen.text
        assert "3 hours ago" in screen.text.replace("\xa0", " ")
        assert "Suppressed" not in screen.text
        assert look_at(sign_in(mailer).get("/manage/lists/")).heading == "Lists"
