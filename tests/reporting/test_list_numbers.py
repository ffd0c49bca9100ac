"""reporting/list_numbers.py on its two screens: old scripts go on with the list_id that they have."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from lists.choices import Role
from lists.models import AuditEntry, List, ListAccess, Membership, Realm, User
from lists.numbers import LARGEST_NUMBER
from tests import make
from tests.lists.screens import Screen, look_at, open_screen
from tests.optout.channels.api_web.calls import call, line, make_password
from tests.reporting.portal import signed_in

NEW = "/manage/lists/new"
NEW_LIST = {
    "step": "3",
    "name": "Rose letters",
    "accepts": "email",
    "direct_link_mode": "confirm",
    "redirect_url": "",
}
NOT_NUMBERS = (
    *("0", "00", "-1", "+5", "1.0", "5e3", "1,000", "1_000", "1 000", "0x10", "five"),
    *("٣", "５", "1000000000", "9" * 20, "9" * 70_000, "5\x00", "5\n6"),
)


def settings_of(optout_list: List) -> str:
    return f"/manage/lists/{optout_list.public_id}/settings"


def saved_with(client: Client, optout_list: List, number: str, **changed: str):
    """Save the list's settings with this number."""
    path = settings_of(optout_list)
    fields = {name: values[0] for name, values in open_screen(client, path).fields.items()}
    languages = {"default_language": "", "locked_language": "", "whitelist": ""}
    return client.post(path, {**fields, **languages, **changed, "number": number})


def numbers(realm: Realm) -> list[int]:
    return list(List.objects.filter(realm=realm).values_list("number", flat=True))


@pytest.fixture
def offers(realm: Realm, optout_list: List) -> List:
    """A list that Alice sees and Bob does not."""
    return make.make_list(realm, 57, "Secret offers")


@pytest.mark.django_db
class TestChangingIt:
    def test_scripts_call_the_list_by_its_new_number_at_once(
        self,
        bob: User,
        optout_list: List,
        settings,
        django_capture_on_commit_callbacks: Callable,
    ) -> None:
        settings.LIST_CACHE_SECONDS = 60
        make_password(optout_list.realm)
        unsub: dict[str, Any] = {"optout": 1, "data": "email^jane@example.com"}
        assert line(call("acme", "unsub", list_id=1, **unsub)).startswith("SUCCESS")

        with django_capture_on_commit_callbacks(execute=True):
            answer = saved_with(signed_in(bob), optout_list, "57")

        assert answer.status_code == 302
        assert "do not belong to your realm" in line(call("acme", "unsub", list_id=1, **unsub))
        assert line(call("acme", "unsub", list_id=57, **unsub)).startswith("SUCCESS")

    def test_it_is_audited_with_both_numbers_and_said(self, bob: User, optout_list: List) -> None:
        client = signed_in(bob)
        saved_with(client, optout_list, " 057 ")

        screen = open_screen(client, settings_of(optout_list))
        assert "Saved. Scripts call this list by 57 from now on." in screen.text
        assert screen.fields["number"] == ["57"] and "No. 57" in screen.text
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.detail) == ("change_list", {"changes": {"number": [1, 57]}})

    def test_the_screen_says_what_becomes_of_the_old_one(
        self, bob: User, optout_list: List
    ) -> None:
        screen = open_screen(signed_in(bob), settings_of(optout_list))
        assert screen.fields["number"] == ["1"]
        assert "those that still send 1 are told that the list does not exist" in screen.text

    @pytest.mark.parametrize("number", ["", *NOT_NUMBERS], ids=lambda text: text[:12])
    def test_what_is_no_number_is_refused_and_nothing_is_saved(
        self, bob: User, optout_list: List, number: str
    ) -> None:
        answer = saved_with(signed_in(bob), optout_list, number, description="Kept")

        screen = look_at(answer)
        assert answer.status_code == 422 and "#id_number" in screen.links
        assert "Kept" in screen.html
        optout_list.refresh_from_db()
        assert (optout_list.number, optout_list.description) == (1, "")

    @pytest.mark.parametrize("number", ["1", str(LARGEST_NUMBER)])
    def test_the_smallest_and_the_largest_are_taken(
        self, bob: User, optout_list: List, number: str
    ) -> None:
        assert saved_with(signed_in(bob), optout_list, number).status_code == 302
        optout_list.refresh_from_db()
        assert optout_list.number == int(number)

    def test_a_taken_one_is_refused_with_the_name_of_the_list_that_has_it(
        self, alice: User, optout_list: List, offers: List
    ) -> None:
        answer = saved_with(signed_in(alice), optout_list, "57", description="Kept")

        screen = look_at(answer)
        assert answer.status_code == 422 and "#id_number" in screen.links
        assert "The list “Secret offers” has the number 57 already." in screen.text
        assert "No. 1" in screen.text and "Kept" in screen.html
        optout_list.refresh_from_db()
        assert (optout_list.number, optout_list.description) == (1, "")
        assert not AuditEntry.objects.exists()

    def test_who_does_not_know_that_list_is_not_told_its_name(
        self, bob: User, optout_list: List, offers: List
    ) -> None:
        answer = saved_with(signed_in(bob), optout_list, "57")
        text = look_at(answer).text
        assert "Another list has the number 57 already." in text and "Secret" not in text

    def test_another_realms_numbers_are_free(self, bob: User, optout_list: List) -> None:
        make.make_list(make.make_realm("other"), 57)
        assert saved_with(signed_in(bob), optout_list, "57").status_code == 302

    def test_do_not_mail_stays_0(self, alice: User, realm: Realm) -> None:
        do_not_mail = make.do_not_mail(realm)
        client = signed_in(alice)
        screen = open_screen(client, settings_of(do_not_mail))
        assert "number" not in screen.fields and "List number" not in screen.text
        assert saved_with(client, do_not_mail, "57", description="All").status_code == 302
        do_not_mail.refresh_from_db()
        assert (do_not_mail.number, do_not_mail.description) == (0, "All")


@pytest.mark.django_db
class TestANewList:
    def made_with(self, user: User, number: str, **fields: str):
        return signed_in(user).post(NEW, {**NEW_LIST, **fields, "number": number})

    def test_it_gets_the_number_that_its_scripts_have(self, bob: User, realm: Realm) -> None:
        assert self.made_with(bob, "4711").status_code == 302
        made = List.objects.get(name="Rose letters")
        assert made.number == 4711
        assert AuditEntry.objects.get().detail == {"number": 4711}

    def test_without_one_it_gets_the_next(self, alice: User, offers: List) -> None:
        assert self.made_with(alice, "").status_code == 302
        assert List.objects.get(name="Rose letters").number == 58

    def test_after_the_largest_it_gets_the_smallest_that_is_free(
        self, alice: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_list(realm, LARGEST_NUMBER)
        assert "number 2" in open_screen(signed_in(alice), NEW).text
        assert self.made_with(alice, "").status_code == 302
        assert List.objects.get(name="Rose letters").number == 2

    def test_the_number_is_folded_and_travels_with_the_steps(self, alice: User) -> None:
        client = signed_in(alice)
        first = open_screen(client, NEW)
        assert '<details class="more"><summary>A script calls' in first.html
        second = self.step(client, first, name="Rose letters", number="4711")
        assert second.fields["step"] == ["2"] and second.fields["number"] == ["4711"]
        assert "It gets the number 4711." in second.text
        third = self.step(client, second, accepts="email")
        assert third.fields["step"] == ["3"] and third.fields["number"] == ["4711"]
        back = self.step(client, second, back="1")
        assert '<details class="more" open>' in back.html and "4711" in back.fields["number"]

    def step(self, client: Client, screen: Screen, **fields: str) -> Screen:
        sent = {name: values[0] for name, values in screen.fields.items()}
        return look_at(client.post(NEW, {**sent, **fields}))

    @pytest.mark.parametrize("number", NOT_NUMBERS, ids=lambda text: text[:12])
    def test_what_is_no_number_is_refused_at_its_step(self, alice: User, number: str) -> None:
        for step in ("1", "2", "3"):
            answer = self.made_with(alice, number, step=step)
            screen = look_at(answer)
            assert answer.status_code == 422 and screen.fields["step"] == ["1"]
            assert "#id_number" in screen.links
        assert not List.objects.filter(name="Rose letters").exists()

    @pytest.mark.parametrize("step", ["1", "2", "3"])
    def test_a_taken_one_is_refused_at_its_step(self, alice: User, offers: List, step: str) -> None:
        answer = self.made_with(alice, "57", step=step)

        screen = look_at(answer)
        assert answer.status_code == 422
        assert screen.fields["step"] == ["1"] and screen.fields["number"] == ["57"]
        assert "The list “Secret offers” has the number 57 already." in screen.text
        assert "It gets the number 58." in screen.text
        assert not List.objects.filter(name="Rose letters").exists()

    def test_who_does_not_know_that_list_is_not_told_its_name(
        self, bob: User, offers: List
    ) -> None:
        text = look_at(self.made_with(bob, "57")).text
        assert "Another list has the number 57 already." in text and "Secret" not in text

    def test_a_last_step_sent_twice_makes_one_list(self, alice: User) -> None:
        client = signed_in(alice)
        draft = open_screen(client, NEW).fields["draft"][0]
        sent = {**NEW_LIST, "draft": draft, "number": "4711"}
        first, second = (client.post(NEW, sent) for _ in range(2))
        assert first.status_code == second.status_code == 302
        assert first.headers["Location"] == second.headers["Location"]

    def test_a_step_takes_at_most_ten_queries(
        self, bob: User, offers: List, django_assert_max_num_queries
    ) -> None:
        client = signed_in(bob)
        for number in ("", "57", "58"):
            with django_assert_max_num_queries(10):
                client.post(NEW, {**NEW_LIST, "step": "1", "number": number})


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    """Two lists cannot get one number; who comes second reads why, and never meets a 500."""

    def all_at_once(self, sends: list[Callable[[], int]]) -> list[int]:
        start = Barrier(len(sends))

        def run(send: Callable[[], int]) -> int:
            try:
                start.wait(10)
                return send()
            finally:
                connection.close()

        with ThreadPoolExecutor(len(sends)) as pool:
            return sorted(pool.map(run, sends))

    def status(self, client: Client, path: str, sent: dict[str, str]) -> int:
        return client.post(path, sent).status_code

    def test_lists_that_change_to_it_and_new_ones(self, alice: User, realm: Realm) -> None:
        lists = [make.make_list(realm, n, f"List {n}") for n in (1, 2, 3)]
        languages = {"default_language": "", "locked_language": "", "whitelist": ""}
        sends = []
        for each in lists:
            client = signed_in(alice)
            fields = open_screen(client, settings_of(each)).fields
            sent = {name: values[0] for name, values in fields.items()}
            sends.append((client, settings_of(each), {**sent, **languages, "number": "57"}))
        sends += [(signed_in(alice), NEW, {**NEW_LIST, "number": "57"}) for _ in range(3)]

        statuses = self.all_at_once([partial(self.status, *send) for send in sends])

        assert statuses == [302] + [422] * 5
        assert numbers(realm).count(57) == 1

    def test_two_that_trade_places_do_not_wait_for_each_other(
        self, alice: User, realm: Realm
    ) -> None:
        """Each wants the number that the other one has: both are refused, and none hangs."""
        lists = [make.make_list(realm, n, f"List {n}") for n in (1, 2)]
        clients = [signed_in(alice) for _ in lists]
        statuses = self.all_at_once(
            [
                lambda: saved_with(clients[0], lists[0], "2").status_code,
                lambda: saved_with(clients[1], lists[1], "1").status_code,
            ]
        )
        assert statuses == [422, 422]
        assert numbers(realm) == [0, 1, 2]


@pytest.mark.django_db
class TestWhoSetsIt:
    @pytest.mark.parametrize("role", [Role.MAILER, Role.VIEWER])
    def test_for_others_the_screen_does_not_exist(
        self, realm: Realm, optout_list: List, role: Role
    ) -> None:
        user = make.make_user("dora@acme.example")
        make.make_member(user, realm, role)
        if role == Role.MAILER:
            place = Membership.objects.get(user=user)
            ListAccess.objects.create(membership=place, optout_list=optout_list)
        sent = {"number": "57", "name": "x"}
        assert signed_in(user).post(settings_of(optout_list), sent).status_code == 404
        optout_list.refresh_from_db()
        assert optout_list.number == 1
