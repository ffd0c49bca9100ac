"""The Send editor's screens, as somebody uses them who has no JavaScript. With it: tests/browser/test_send_editor.py."""

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from lists.choices import Role
from lists.models import AuditEntry, List, Realm, User
from optout.slots import slots
from reporting.models import RecipientState, TextMessage, TextState
from reporting.send_editor.texts import LIST_ONLY, NOBODY, TOO_LONG
from tests import make
from tests.lists.screens import Screen, look_at
from tests.reporting.portal import signed_in, signed_in_long_ago
from tests.reporting.send_editor.making import ANNA, BERT, CLEO, subscribe
from tests.reporting.test_downloads import leave

pytestmark = pytest.mark.django_db

PAGE = "/manage/send/"
FILE = "/manage/send/recipients"
NOW = "/manage/send/now"


def written(optout_list: List, text: str = "Sale! {optout}", **fields: str) -> dict[str, str]:
    return {"kind": "list", "optout_list": optout_list.public_id, "text": text, **fields}


def to_number(number: str, text: str = "Hello", **fields: str) -> dict[str, str]:
    return {"kind": "number", "number": number, "text": text, **fields}


def press(client: Client, do: str, fields: dict[str, str]) -> Any:
    return client.post(PAGE, {**fields, "do": do})


def link_button(screen: Screen) -> str:
    found = re.search(r"<button[^>]*>Opt-out link</button>", screen.html)
    assert found
    return found[0]


class TestTheEditor:
    def test_the_seeds_words(self, alice: User, optout_list: List) -> None:
        screen = look_at(signed_in(alice).get(PAGE))

        for words in ("Send editor", "New Message", "Select List", "Opt-out link"):
            assert words in screen.text
        assert "disabled" not in link_button(screen)

    def test_only_lists_that_are_theirs_and_open(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_list(realm, 2, "Not Bob’s")
        closed = make.make_list(realm, 3, "Closed", closed_at=make.NOW)
        place = bob.memberships.get()
        place.accesses.create(optout_list=closed)
        place.accesses.create(optout_list=make.do_not_mail(realm))
        form = signed_in(bob).get(PAGE).context["form"]

        assert [key for key, _label in form.fields["optout_list"].choices] == [
            "",
            optout_list.public_id,
        ]

    def test_an_owner_without_a_list(self, realm: Realm) -> None:
        user = make.make_user("nell@acme.example")
        make.make_member(user, realm, Role.OWNER)
        client = signed_in(user)

        assert "No list to send to" in look_at(client.get(PAGE)).text
        assert press(client, "send", to_number(ANNA)).status_code == 422
        assert client.post(NOW, to_number(ANNA, name="a" * 16)).status_code == 422
        assert not TextMessage.objects.exists()

    def test_a_list_that_the_link_names(self, alice: User, optout_list: List) -> None:
        screen = look_at(signed_in(alice).get(f"{PAGE}?list={optout_list.public_id}"))

        assert f'value="{optout_list.public_id}" selected' in screen.html

    def test_few_queries(
        self, alice: User, optout_list: List, django_assert_max_num_queries: Any
    ) -> None:
        subscribe(optout_list, [ANNA, BERT])
        for _ in range(5):
            make.make_text_message(optout_list)
        client = signed_in(alice)
        with django_assert_max_num_queries(20):
            press(client, "look", written(optout_list))


class TestOptOutLink:
    def test_is_inserted_at_the_end(self, alice: User, optout_list: List) -> None:
        response = press(signed_in(alice), "link", written(optout_list, "Sale on\r\nSunday"))

        form = response.context["form"]
        assert response.status_code == 200
        assert form["text"].value() == "Sale on\r\nSunday {optout}"
        assert form["optout_list"].value() == optout_list.public_id

    def test_once(self, alice: User, optout_list: List) -> None:
        response = press(signed_in(alice), "link", written(optout_list, "Sale {optout} now"))

        assert response.context["form"]["text"].value() == "Sale {optout} now"

    def test_into_an_empty_message(self, alice: User, optout_list: List) -> None:
        response = press(signed_in(alice), "link", written(optout_list, ""))

        assert response.context["form"]["text"].value() == "{optout}"

    def test_of_a_single_number_it_is_disabled_and_says_why(
        self, alice: User, optout_list: List
    ) -> None:
        response = press(signed_in(alice), "link", to_number(ANNA))
        screen = look_at(response)

        assert "disabled" in link_button(screen)
        assert 'aria-describedby="link-note"' in link_button(screen)
        assert str(LIST_ONLY) in screen.text
        assert response.context["form"]["text"].value() == "Hello"
        assert response.context["form"]["number"].value() == ANNA

    @pytest.mark.parametrize("left_over", [False, True])
    def test_in_the_text_to_a_single_number_it_is_refused(
        self, alice: User, optout_list: List, left_over: bool
    ) -> None:
        fields = to_number(ANNA, "Hello {optout}", name="a" * 16)
        if left_over:  # selected before, and hidden now
            fields["optout_list"] = optout_list.public_id
        client = signed_in(alice)

        for response in (press(client, "send", fields), client.post(NOW, fields)):
            assert response.status_code == 422
            assert response.context["form"].errors["text"] == [str(LIST_ONLY)]
        assert not TextMessage.objects.exists()


class TestPreview:
    def test_counts_and_shows_one_recipient(self, alice: User, optout_list: List) -> None:
        subscribe(optout_list, [ANNA, BERT, CLEO])
        make.make_optout(optout_list, CLEO)
        make.make_subscription(optout_list, CLEO)
        response = press(signed_in(alice), "look", written(optout_list))
        look = response.context["look"]
        screen = look_at(response)

        assert (look.count.recipients, look.count.left_out) == (2, 1)
        assert look.to in (ANNA, BERT)
        assert f"To {look.to}" in screen.text
        assert look.link in screen.text
        assert "they are on the list still, but suppressed" in screen.text
        assert look.measure.segments == 1

    def test_what_is_used_and_left(self, alice: User, optout_list: List) -> None:
        screen = look_at(press(signed_in(alice), "edit", written(optout_list, "x" * 158 + "€")))

        assert "160 used, 0 left" in screen.text
        assert "too long" not in screen.text

    def test_says_that_it_is_too_long(self, alice: User, optout_list: List) -> None:
        screen = look_at(press(signed_in(alice), "edit", written(optout_list, "x" * 1_531)))

        assert "11 segments" in screen.text
        assert str(TOO_LONG) in screen.text

    def test_keeps_what_was_written(self, alice: User, optout_list: List) -> None:
        response = press(signed_in(alice), "look", written(optout_list, "<b>Sale</b>"))

        assert "&lt;b&gt;Sale&lt;/b&gt;" in look_at(response).html

    def test_says_what_is_wrong(self, alice: User, optout_list: List) -> None:
        response = press(signed_in(alice), "look", {"kind": "list", "text": ""})

        assert response.status_code == 422
        assert set(response.context["form"].errors) == {"optout_list", "text"}

    def test_plain_characters(self, alice: User, optout_list: List) -> None:
        client, fields = signed_in(alice), written(optout_list, "“Sale” – now…")
        screen = look_at(press(client, "look", fields))
        assert "Use plain characters" in screen.text
        assert "<b>–</b>" in screen.html
        response = press(client, "plain", fields)

        assert response.context["form"]["text"].value() == '"Sale" - now...'

    def test_a_message_that_does_not_say_how_to_opt_out(
        self, alice: User, optout_list: List
    ) -> None:
        response = press(signed_in(alice), "look", written(optout_list, "Sale!"))

        assert "does not say how to opt out" in look_at(response).text


class TestSend:
    def test_asks_once_more_then_sends_once(self, alice: User, optout_list: List) -> None:
        subscribe(optout_list, [ANNA, BERT])
        client = signed_in(alice)
        asked = press(client, "send", written(optout_list, "Sale!\r\n{optout}"))
        assert "Send to 2 recipients" in look_at(asked).text
        assert not TextMessage.objects.exists()
        name = asked.context["now_form"].initial["name"]
        fields = {**asked.context["given"], "name": name}

        answers = [client.post(NOW, fields) for _ in range(2)]

        message = TextMessage.objects.get()
        assert (message.text, message.optout_list) == ("Sale!\n{optout}", optout_list)
        assert (message.made_by, message.state) == (alice, TextState.SENDING)
        for answer in answers:
            assert answer["Location"] == reverse("text_message", args=[message.public_id])
        assert AuditEntry.objects.filter(action="send_text_message").count() == 1

    def test_back_to_writing(self, alice: User, optout_list: List) -> None:
        response = press(signed_in(alice), "edit", written(optout_list))

        assert response.context["form"]["text"].value() == "Sale! {optout}"

    def test_a_single_number_as_it_is_written_at_home(self, alice: User, realm: Realm) -> None:
        client = signed_in(alice)
        asked = press(client, "send", to_number("(202) 555-0101"))
        assert f"Send to {ANNA}" in look_at(asked).text
        assert "for each recipient" not in look_at(asked).text
        client.post(NOW, to_number("(202) 555-0101", name="a" * 16))

        assert TextMessage.objects.get().number == ANNA

    def test_a_number_on_do_not_mail_is_refused(self, alice: User, realm: Realm) -> None:
        make.make_optout(make.do_not_mail(realm), ANNA)
        client = signed_in(alice)

        for response in (
            press(client, "send", to_number(ANNA)),
            client.post(NOW, to_number(ANNA, name="a" * 16)),
        ):
            assert response.status_code == 422
            assert "Do Not Mail" in str(response.context["form"].errors["number"])
        assert not TextMessage.objects.exists()

    @pytest.mark.parametrize("number", ["", "12", "jane@example.com", "+12345"])
    def test_no_number(self, alice: User, realm: Realm, number: str) -> None:
        response = press(signed_in(alice), "send", to_number(number))

        assert response.status_code == 422
        assert response.context["form"].errors["number"]

    def test_to_nobody(self, alice: User, optout_list: List) -> None:
        client, fields = signed_in(alice), written(optout_list)
        screen = look_at(press(client, "look", fields))

        assert re.search(r'value="send" data-for-somebody hidden', screen.html)
        assert str(NOBODY) in screen.text
        assert reverse("add_list_contacts", args=[optout_list.public_id]) in screen.html
        for response in (
            press(client, "send", fields),
            client.post(NOW, {**fields, "name": "a" * 16}),
        ):
            assert response.status_code == 422
            assert response.context["form"].errors["optout_list"] == [str(NOBODY)]
        assert not TextMessage.objects.exists()
        subscribe(optout_list, [ANNA])
        assert 'value="send" data-for-somebody>' in look_at(press(client, "look", fields)).html

    def test_from_the_number_of_the_list(self, alice: User, optout_list: List) -> None:
        subscribe(optout_list, [ANNA])
        make.make_sms_number(optout_list.realm, "+18005550100", optout_list)
        make.make_sms_number(optout_list.realm, "+18005550101")
        client = signed_in(alice)
        client.post(NOW, written(optout_list, sender="", name="a" * 16))
        client.post(NOW, written(optout_list, sender="+18005550101", name="b" * 16))

        senders = TextMessage.objects.order_by("pk").values_list("sender", flat=True)
        assert list(senders) == ["+18005550100", "+18005550101"]

    def test_a_number_whose_stop_ends_another_list_alone(
        self, alice: User, realm: Realm, optout_list: List
    ) -> None:
        other = make.make_list(realm, 5, "Deliveries", sms_stop_scope="list")
        make.make_sms_number(realm, "+18005550105", other)
        make.make_sms_number(realm, "+18005550106")
        client, fields = signed_in(alice), written(optout_list, sender="+18005550105")

        for response in (
            press(client, "send", fields),
            client.post(NOW, {**fields, "name": "a" * 16}),
        ):
            assert response.status_code == 422
            assert "another list alone" in str(response.context["form"].errors["sender"])
        assert not TextMessage.objects.exists()
        assert "another list alone" in look_at(press(client, "look", fields)).text

    def test_only_numbers_that_end_the_list_are_offered(
        self, alice: User, realm: Realm, optout_list: List
    ) -> None:
        other = make.make_list(realm, 5, "Deliveries", sms_stop_scope="list")
        make.make_sms_number(realm, "+18005550105", other)
        make.make_sms_number(realm, "+18005550106")
        client = signed_in(alice)

        def offered(fields: dict[str, str]) -> set[str]:
            html = look_at(press(client, "edit", fields)).html
            options = re.findall(r'<option value="(\+1800[0-9]*)"([^>]*)>', html)
            return {number for number, rest in options if "disabled" not in rest}

        assert offered(written(optout_list)) == {"+18005550106"}
        assert offered(written(other)) == {"+18005550105", "+18005550106"}
        assert offered(to_number(ANNA)) == {"+18005550105", "+18005550106"}

    def test_a_number_of_another_realm(self, alice: User, optout_list: List) -> None:
        make.make_sms_number(optout_list.realm, "+18005550100")
        make.make_sms_number(make.make_realm("zeta"), "+18005550102")
        response = signed_in(alice).post(
            NOW, written(optout_list, sender="+18005550102", name="a" * 16)
        )

        assert response.status_code == 422

    @pytest.mark.parametrize("name", ["", "x", "../" * 6, "a" * 17])
    def test_a_name_that_we_did_not_give(self, alice: User, optout_list: List, name: str) -> None:
        response = signed_in(alice).post(NOW, written(optout_list, name=name))

        assert "Send this message?" in look_at(response).text
        assert not TextMessage.objects.exists()

    def test_asks_for_the_password_when_that_was_long_ago(
        self, alice: User, optout_list: List
    ) -> None:
        response = signed_in_long_ago(alice).post(NOW, written(optout_list, name="a" * 16))

        assert response.status_code == 302
        assert "/reauthenticate/" in response["Location"]
        assert not TextMessage.objects.exists()

    def test_where_there_is_no_gateway(
        self, alice: User, optout_list: List, settings: Settings
    ) -> None:
        settings.BASE_URL = "https://optout.example.com"
        response = press(signed_in(alice), "send", written(optout_list))

        assert response.status_code == 422
        assert "no SMS gateway" in str(response.context["form"].errors)

    def test_a_list_of_somebody_else(self, bob: User, realm: Realm, optout_list: List) -> None:
        others = make.make_list(realm, 2, "Not Bob’s")
        subscribe(others, [ANNA])
        client = signed_in(bob)

        for response in (
            press(client, "look", written(others)),
            press(client, "send", written(others)),
            client.post(NOW, written(others, name="a" * 16)),
            client.post(FILE, written(others)),
        ):
            assert response.status_code == 422
            assert ANNA not in response.text
        assert not TextMessage.objects.exists()


class TestTheFile:
    def rows(self, response: Any) -> list[dict[str, str]]:
        assert response.status_code == 200
        assert response["Content-Type"] == "text/csv; charset=utf-8"
        whole = b"".join(response.streaming_content).decode()
        leave(response)
        return sorted(csv.DictReader(io.StringIO(whole)), key=lambda row: row["phone"])

    def test_each_number_with_its_link_and_text(self, bob: User, optout_list: List) -> None:
        subscribe(optout_list, [ANNA, BERT, CLEO])
        make.make_optout(make.do_not_mail(optout_list.realm), CLEO)
        response: Any = signed_in(bob).post(FILE, written(optout_list, "A\n{optout}"))
        assert response["Content-Disposition"] == 'attachment; filename="recipients-1.csv"'
        rows = self.rows(response)

        assert [row["phone"] for row in rows] == [ANNA, BERT]
        assert all(row["text"] == f"A\n{row['link']}" for row in rows)
        begun, ended = AuditEntry.objects.order_by("pk")
        assert (begun.action, begun.actor) == ("download_recipients", bob)
        assert ended.action == "finish_recipients_download"
        assert ended.detail == {"rows": 2, "complete": True}

    def test_without_a_message(self, alice: User, optout_list: List) -> None:
        subscribe(optout_list, [ANNA])
        (row,) = self.rows(signed_in(alice).post(FILE, written(optout_list, "")))

        assert set(row) == {"phone", "link"}

    @pytest.mark.parametrize("blank", ["  ", "\n \t", "\u200b", "\u00a0\ufeff"])
    def test_a_message_of_blanks_is_none(self, alice: User, optout_list: List, blank: str) -> None:
        subscribe(optout_list, [ANNA])
        (row,) = self.rows(signed_in(alice).post(FILE, written(optout_list, blank)))

        assert set(row) == {"phone", "link"}

    def test_for_a_spreadsheet_or_a_gateway(self, alice: User, optout_list: List) -> None:
        subscribe(optout_list, [ANNA])
        client = signed_in(alice)
        assert 'name="raw" value="1">Download for a gateway<' in look_at(client.get(PAGE)).html
        fields = written(optout_list, "-50 % today")
        (safe,) = self.rows(client.post(FILE, fields))
        (raw,) = self.rows(client.post(FILE, {**fields, "raw": "1"}))

        assert (safe["text"], raw["text"]) == ("'-50 % today", "-50 % today")
        assert (safe["phone"], safe["link"]) == (raw["phone"], raw["link"])

    def test_that_breaks_off(self, alice: User, optout_list: List) -> None:
        subscribe(optout_list, [ANNA])
        leave(signed_in(alice).post(FILE, written(optout_list)))

        assert AuditEntry.objects.latest("pk").detail == {"rows": 0, "complete": False}

    def test_asks_for_the_password_when_that_was_long_ago(
        self, alice: User, optout_list: List
    ) -> None:
        response = signed_in_long_ago(alice).post(FILE, written(optout_list))

        assert response.status_code == 302
        assert "/reauthenticate/" in response["Location"]
        assert not AuditEntry.objects.exists()

    def test_one_at_a_time_for_each_person(self, alice: User, optout_list: List) -> None:
        client = signed_in(alice)
        slot = slots.take(f"user {alice.pk}")
        assert slot is not None
        busy = client.post(FILE, written(optout_list))
        slot.give_back()

        assert (busy.status_code, busy["Retry-After"]) == (503, "30")
        assert self.rows(client.post(FILE, written(optout_list))) == []

    def test_a_single_number_has_none(self, alice: User, realm: Realm) -> None:
        response = signed_in(alice).post(FILE, to_number(ANNA))

        assert response.status_code == 422
        assert str(LIST_ONLY) in look_at(response).text

    def test_get_leads_to_the_editor(self, alice: User) -> None:
        assert signed_in(alice).get(FILE)["Location"] == PAGE


class TestAMessage:
    def open(self, user: User, message: TextMessage) -> Screen:
        return look_at(signed_in(user).get(reverse("text_message", args=[message.public_id])))

    def test_how_far_it_is(self, alice: User, optout_list: List) -> None:
        message = make.make_text_message(
            optout_list,
            sent=30,
            refused=2,
            unknown=1,
            after=b"\x40" + b"\0" * 15,
            recipient_count=1_233,
        )
        screen = self.open(alice, message)

        assert 'value="25"' in screen.html
        assert "1,200 of 1,233 to come" in screen.text
        assert "Stop sending" in screen.text

    @pytest.mark.parametrize("count", [None, 30])  # not counted; more since than there were
    def test_how_many_are_to_come_is_not_guessed(
        self, alice: User, optout_list: List, count: int | None
    ) -> None:
        message = make.make_text_message(
            optout_list, sent=31, after=b"\x40" + b"\0" * 15, recipient_count=count
        )

        assert "to come" not in self.open(alice, message).text

    def test_who_did_not_get_it(self, alice: User, optout_list: List) -> None:
        message = make.make_text_message(optout_list, state=TextState.DONE, refused=1, unknown=1)
        for digest, number, state in (
            (b"1" * 16, ANNA, RecipientState.REFUSED),
            (b"2" * 16, BERT, RecipientState.UNKNOWN),
            (b"3" * 16, CLEO, RecipientState.CLAIMED),
        ):
            message.recipients.create(digest=digest, number=number, state=state, at=make.NOW)
        screen = self.open(alice, message)

        assert ANNA in screen.text
        assert BERT in screen.text
        assert CLEO not in screen.text
        assert "Stop sending" not in screen.text

    @pytest.mark.parametrize("seconds", [1, 45, 60])
    def test_that_waits_for_the_gateway(self, alice: User, optout_list: List, seconds: int) -> None:
        """Asked again with the worker's next minute."""
        now = make.NOW.replace(second=0, microsecond=0)
        message = make.make_text_message(optout_list, rests_until=now + timedelta(seconds=seconds))
        with time_machine.travel(now, tick=False):
            text = self.open(alice, message).text

        assert f"asked again at {now + timedelta(minutes=1):%H:%M} UTC" in text

    def test_that_the_gateway_refused_to_everybody(self, alice: User, optout_list: List) -> None:
        message = make.make_text_message(optout_list, state=TextState.STOPPED, refused=50)

        assert "refused the message for each of the first 50" in self.open(alice, message).text

    def test_that_the_gateway_left_unclear(self, alice: User, optout_list: List) -> None:
        message = make.make_text_message(
            optout_list, state=TextState.STOPPED, unknown=60, unknown_in_row=50
        )

        assert "Stopped: for 50 recipients, one after the other" in self.open(alice, message).text

    def test_to_a_number_that_opted_out_before_its_turn(self, alice: User, realm: Realm) -> None:
        message = make.make_text_message(realm, "Hello", state=TextState.DONE)

        assert "Not sent: the number is on Do Not Mail" in self.open(alice, message).text

    def test_that_was_stopped_as_nobody_could_answer_it(
        self, alice: User, realm: Realm, optout_list: List
    ) -> None:
        other = make.make_list(realm, 5, "Deliveries", sms_stop_scope="list")
        make.make_sms_number(realm, "+18005550105", other)
        message = make.make_text_message(
            optout_list, state=TextState.STOPPED, sender="+18005550105"
        )

        assert "does not end this list" in self.open(alice, message).text

    def test_stop(self, bob: User, optout_list: List) -> None:
        message = make.make_text_message(optout_list)
        path = reverse("stop_text_message", args=[message.public_id])
        client = signed_in(bob)

        assert "Stopped." in look_at(client.post(path, follow=True)).text
        assert "It was over already." in look_at(client.post(path, follow=True)).text
        message.refresh_from_db()
        assert message.state == TextState.STOPPED
        assert AuditEntry.objects.get().actor == bob

    def test_whose_messages_an_owner_sees(
        self, alice: User, bob: User, realm: Realm, optout_list: List
    ) -> None:
        own = make.make_text_message(optout_list, "Own list")
        single = make.make_text_message(realm, "By Bob", made_by=bob)
        hidden = [
            make.make_text_message(realm, "By Alice", made_by=alice),
            make.make_text_message(make.make_list(realm, 2, "Not Bob’s"), "Other list"),
        ]
        foreign = make.make_text_message(make.make_list(make.make_realm("zeta")), "Foreign")
        client = signed_in(bob)

        shown = [each.row for each in client.get(PAGE).context["messages_sent"]]
        assert shown == [single, own]
        for message in (*hidden, foreign):
            for name, ask in (("text_message", client.get), ("stop_text_message", client.post)):
                path = reverse(name, args=[message.public_id])
                assert ask(path).status_code == 404
        everything = signed_in(alice).get(PAGE).context["messages_sent"]
        assert {each.row for each in everything} == {own, single, *hidden}
        assert not TextMessage.objects.filter(state=TextState.STOPPED).exists()
