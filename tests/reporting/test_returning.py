"""What owners and their programs are told of preferences: who left a list there, who came back, and who was kept out."""

import json
from typing import Any

import pytest
from django.utils import timezone

from lists.lookup import snapshot
from lists.models import List, Realm, User
from optout.addresses import parse_address
from optout.choices import Channel
from optout.evidence import Evidence
from optout.returning import join_list
from tests import make
from tests.lists.screens import open_screen
from tests.reporting.portal import signed_in
from tests.reporting.rest.programs import Program
from tests.reporting.test_entries import url
from tests.reporting.unsubscription_reports.test_sending import bodies, choose, run

JANE = "jane@example.com"


def leave(optout_list: List, **fields: Any) -> None:
    make.make_optout(optout_list, channel=Channel.PREFERENCES, **fields)


def come_back(optout_list: List, channel: Channel = Channel.PREFERENCES) -> None:
    join_list(
        snapshot(optout_list),
        parse_address(JANE, "email", ""),
        asked_at=make.NOW,
        channel=channel,
        language="en",
        wording="Garden letters",
        asked_ip=None,
        evidence=Evidence(),
        now=make.NOW,
    )


@pytest.fixture
def kept_out(realm: Realm, optout_list: List) -> List:
    """Of two lists and everything Jane left everything, and came back to the first: the second keeps her out."""
    other = make.make_list(realm, 2, "Flash sales")
    make.make_optout(make.do_not_mail(realm))
    come_back(optout_list)
    return other


@pytest.mark.django_db
class TestScreens:
    def test_the_entries_say_that_somebody_came_back(self, bob: User, optout_list: List) -> None:
        leave(optout_list)
        come_back(optout_list, Channel.JOIN)

        screen = open_screen(signed_in(bob), url(optout_list))
        assert "Came back" in screen.text
        assert "Join form" in screen.text and "Preference page" in screen.text

    @pytest.mark.parametrize("channel", [Channel.JOIN, Channel.PREFERENCES])
    def test_they_can_be_chosen_by_their_way(
        self, bob: User, optout_list: List, channel: Channel
    ) -> None:
        leave(optout_list)
        come_back(optout_list, Channel.JOIN)

        page = signed_in(bob).get(url(optout_list, f"?channel={channel:d}"))
        assert [each.channel for each in page.context["entries"]] == [channel.label]

    def test_so_does_the_check_of_an_address(self, alice: User, kept_out: List) -> None:
        screen = open_screen(signed_in(alice), f"/manage/check/?q={JANE}")

        assert "Came back" in screen.text
        assert "came back to another one alone" in screen.text

    def test_the_chart_has_a_colour_for_it(self, alice: User, optout_list: List) -> None:
        leave(optout_list, requested_at=timezone.now())
        screen = open_screen(signed_in(alice), "/manage/")

        assert "Preference page: 1</title>" in screen.html
        assert 'class="series-12"' in screen.html and "Other ways" not in screen.text


@pytest.mark.alone
@pytest.mark.django_db(transaction=True)
class TestPrograms:
    """What the test itself has not committed is not in the feed yet."""

    def test_the_change_feed(self, realm: Realm, kept_out: List) -> None:
        changes = Program(realm).read("/changes")["changes"]

        told = [(each["type"], each["list"], each["channel"], each["reason"]) for each in changes]
        assert told == [
            ("opt_out", 0, "page", "unsubscribed"),
            ("opt_out", 2, "preferences", "unsubscribed"),
            ("lift", 0, "preferences", "returned"),
        ], "kept out of the others before Do Not Mail lets go"
        assert [each["suppressed"] for each in changes] == [False, True, False]

    def test_the_unsubscription_report(self, optout_list: List, alice: User) -> None:
        choose(alice)
        leave(optout_list)

        assert run()["sent"] == 1
        assert JANE in bodies()[0] and "Preference page" in bodies()[0]


@pytest.mark.django_db
def test_the_description_of_the_api_knows_the_ways(realm: Realm) -> None:
    text = json.dumps(Program(realm).read("/openapi.json"))
    assert '"preferences"' in text and '"join"' in text
