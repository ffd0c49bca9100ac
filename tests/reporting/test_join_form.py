import csv
import re
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.test import Client

from lists.choices import Accepts, Role
from lists.lookup import snapshot
from lists.models import AuditEntry, List, Realm, User
from optout.addresses import digest_of
from optout.choices import Channel, MailKind, MailState
from optout.links import ask_url, join_url
from optout.mail_requests import mailbox_digest
from optout.models import Consent, RecipientMail
from reporting.snippets_join import join_html
from tests import make
from tests.lists.screens import Screen, look_at, open_screen
from tests.pages import PublicClient
from tests.reporting.portal import signed_in

OFFERED = {"join_is_open": "on", "frequency": "About once a week"}


def url(optout_list: List, rest: str = "") -> str:
    return f"/manage/lists/{optout_list.public_id}/join/{rest}"


def open_join(user: User, optout_list: List, query: str = "") -> Screen:
    return open_screen(signed_in(user), url(optout_list, query))


def ask(
    optout_list: List,
    *,
    state: MailState = MailState.SENT,
    days_ago: int = 0,
    kind: MailKind = MailKind.JOIN,
) -> None:
    at = make.NOW - timedelta(days=days_ago)
    RecipientMail.objects.create(
        optout_list=optout_list,
        kind=kind,
        digest=digest_of("jane@example.com"),
        mailbox=mailbox_digest("jane@example.com"),
        address="jane@example.com",
        language="en",
        asked_at=at,
        state=state,
        due_at=at,
    )


def confirm(optout_list: List, *, days_ago: int = 0, channel: Channel = Channel.JOIN) -> None:
    at = make.NOW - timedelta(days=days_ago)
    Consent.objects.create(
        optout_list=optout_list,
        digest=digest_of("jane@example.com"),
        channel=channel,
        language="en",
        asked_at=at,
        confirmed_at=at,
    )


@pytest.fixture
def viewer(realm: Realm) -> User:
    user = make.make_user("viewer@acme.example")
    make.make_member(user, realm, Role.VIEWER)
    return user


@pytest.mark.django_db
class TestSwitches:
    def test_the_screen_has_the_name_that_people_look_for(
        self, bob: User, optout_list: List
    ) -> None:
        client = signed_in(bob)
        contacts = open_screen(client, f"/manage/lists/{optout_list.public_id}/contacts")
        assert "Join My Mailing List" in contacts.text and url(optout_list) in contacts.links

        screen = open_screen(client, url(optout_list))

        assert screen.heading == "Join My Mailing List of the list Garden letters"
        assert "frequency" in screen.fields

    def test_saving_changes_the_list_and_is_audited(self, bob: User, optout_list: List) -> None:
        response = signed_in(bob).post(url(optout_list), OFFERED)

        assert response.status_code == 302
        optout_list.refresh_from_db()
        assert optout_list.join_is_open
        assert not optout_list.shown_in_preferences
        assert optout_list.frequency == "About once a week"
        entry = AuditEntry.objects.get()
        assert entry.action == "change_list"
        assert set(entry.detail["changes"]) == {
            *("join_is_open", "shown_in_preferences", "frequency")
        }

    def test_what_is_wrong_is_said_and_kept(self, bob: User, optout_list: List) -> None:
        response = signed_in(bob).post(url(optout_list), OFFERED | {"frequency": "x" * 61})

        assert response.status_code == 422
        assert look_at(response).fields["frequency"] == ["x" * 61]
        optout_list.refresh_from_db()
        assert not optout_list.join_is_open

    def test_own_words_are_changed_rather_than_written(self, bob: User, optout_list: List) -> None:
        assert "Write your own" in open_join(bob, optout_list).text
        List.objects.filter(pk=optout_list.pk).update(own_texts={"consent": {"de": "Ja, gern"}})
        screen = open_join(bob, optout_list)

        assert "In your own words in: Deutsch. Change" in screen.text
        assert "Write your own" not in screen.text

    def test_a_viewer_reads_and_changes_nothing(self, viewer: User, optout_list: List) -> None:
        screen = open_join(viewer, optout_list)

        assert "Join form Off" in screen.text and "frequency" not in screen.fields
        assert signed_in(viewer).post(url(optout_list), OFFERED).status_code == 404

    def test_a_list_of_phone_numbers_says_why_it_has_no_form(
        self, bob: User, optout_list: List
    ) -> None:
        List.objects.filter(pk=optout_list.pk).update(accepts=Accepts.PHONE)

        screen = open_join(bob, optout_list)

        assert "No join form for phone numbers" in screen.text
        assert 'name="join_is_open"' not in screen.html and "frequency" in screen.fields
        assert join_url(optout_list.public_id) not in screen.text
        signed_in(bob).post(url(optout_list), OFFERED)
        optout_list.refresh_from_db()
        assert not optout_list.join_is_open and optout_list.frequency

    def test_do_not_mail_says_why_it_has_none(self, alice: User, realm: Realm) -> None:
        do_not_mail = make.do_not_mail(realm)

        screen = open_join(alice, do_not_mail)

        assert "Nobody joins Do Not Mail" in screen.text
        assert "frequency" not in screen.fields
        assert ask_url(do_not_mail.public_id) in screen.text
        assert signed_in(alice).post(url(do_not_mail), OFFERED).status_code == 200
        do_not_mail.refresh_from_db()
        assert not do_not_mail.join_is_open


class Form(HTMLParser):
    """The form of a snippet: its attributes, its fields, and what belongs to which label."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.form: dict[str, str | None] = {}
        self.fields: dict[str, dict[str, str | None]] = {}
        self.labels: set[str | None] = set()
        self.tags: set[str] = set()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        values = dict(attrs)
        if tag == "form":
            self.form = values
        elif tag == "input":
            self.fields[str(values["name"])] = values
        elif tag == "label":
            self.labels.add(values["for"])


@pytest.mark.django_db
class TestHtml:
    def test_it_is_a_plain_form_whose_box_nobody_has_ticked(self, optout_list: List) -> None:
        form = Form(join_html(snapshot(optout_list), "en"))

        assert form.form["action"] == join_url(optout_list.public_id)
        assert form.form["method"] == "post"
        assert form.tags == {"form", "p", "label", "br", "input", "button"}
        assert "checked" not in form.fields["consent"]
        assert {"required"} <= set(form.fields["consent"]) & set(form.fields["item"])
        assert form.fields["lang"]["value"] == "en"
        seen = [each for each in form.fields.values() if each.get("type") != "hidden"]
        assert {each["id"] for each in seen} == form.labels
        assert not any("style" in each for each in seen)

    def test_names_are_escaped(self, realm: Realm) -> None:
        hostile = make.make_list(realm, 7, '"><script>alert(1)</script>{url}')

        html = join_html(snapshot(hostile), "en")

        assert "script" not in Form(html).tags
        assert "&lt;script&gt;" in html and "{url}" in html

    def test_it_comes_in_the_language_that_is_chosen(self, bob: User, optout_list: List) -> None:
        own = {"consent": {"ar": "نعم <b>"}, "name": {"ar": "رسائل"}}
        List.objects.filter(pk=optout_list.pk).update(own_texts=own)

        screen = open_join(bob, optout_list, "?lang=ar")

        html = join_html(snapshot(optout_list), "ar")
        assert "consent" not in screen.fields  # it is shown, and is no part of this page
        assert html in unescape(screen.html)
        assert 'lang="ar" dir="rtl"' in html and "نعم &lt;b&gt;" in html
        assert "In your own words in: العربية." in screen.text
        # an unknown language is the list's own
        assert 'lang="en"' in unescape(open_join(bob, optout_list, "?lang=xx").html)

    def test_the_look_of_it_can_neither_be_pressed_nor_run(
        self, bob: User, optout_list: List
    ) -> None:
        page = open_join(bob, optout_list).html

        frame = re.search(r"<iframe [^>]*>", page)
        assert frame is not None
        assert " sandbox " in frame[0] and " inert " in frame[0] and " src=" not in frame[0]

    def test_pressed_on_a_website_it_asks_for_the_mail(self, optout_list: List) -> None:
        List.objects.filter(pk=optout_list.pk).update(join_is_open=True)
        form = Form(join_html(snapshot(optout_list), "de"))
        sent = {name: str(field.get("value") or "") for name, field in form.fields.items()}
        path = str(form.form["action"]).partition("/j/")[2]

        response = PublicClient().send(
            f"/j/{path}",
            sent | {"item": "jane@example.com"},
            headers={"sec-fetch-site": "cross-site", "origin": "https://shop.example"},
        )

        assert response.status_code == 303
        assert response.headers["Location"].endswith("/sent?lang=de")
        asked = RecipientMail.objects.get()
        assert (asked.address, asked.language) == ("jane@example.com", "de")
        assert asked.wording


@pytest.mark.django_db
class TestFigures:
    @pytest.fixture
    def client(self, alice: User) -> Client:
        with time_machine.travel(make.NOW, tick=False):
            return signed_in(alice)

    def get(self, client: Client, optout_list: List, rest: str = "") -> Any:
        with time_machine.travel(make.NOW, tick=False):
            return client.get(url(optout_list, rest))

    def test_they_are_of_this_lists_join_form(self, client: Client, optout_list: List) -> None:
        ask(optout_list, days_ago=1)
        ask(optout_list, state=MailState.LEFT_OUT)
        ask(optout_list, state=MailState.GIVEN_UP)
        ask(optout_list, state=MailState.WAITING)
        ask(optout_list, kind=MailKind.PREFERENCES)
        ask(make.make_list(optout_list.realm, 2, "Offers"))
        confirm(optout_list, days_ago=20)
        confirm(optout_list, channel=Channel.PREFERENCES)

        response = self.get(client, optout_list)

        figures = response.context["figures"]
        assert (figures.asked, figures.mailed, figures.left_out, figures.confirmed) == (4, 1, 2, 1)
        assert len(figures.days) == 30 and len(figures.rows) == 7
        assert figures.rows[0] == ["4 Mar 2026", 3, 0, 1, 1, 0]
        look_at(response)

    def test_the_file_says_nothing_of_days_whose_rows_are_gone(
        self, client: Client, optout_list: List
    ) -> None:
        ask(optout_list)
        confirm(optout_list, days_ago=20)

        rows = list(
            csv.reader(StringIO(self.get(client, optout_list, "per-day.csv").content.decode()))
        )

        assert len(rows) == 31
        assert rows[0] == ["day", "asked", "mailed", "left_out", "given_up", "confirmed"]
        assert rows[-21] == ["2026-02-12", "", "", "", "", "1"]
        assert rows[-1] == ["2026-03-04", "1", "1", "0", "0", "0"]

    def test_before_anybody_asked_it_says_how_to_try(
        self, client: Client, optout_list: List
    ) -> None:
        assert "Nobody has asked yet" not in look_at(self.get(client, optout_list)).text
        List.objects.filter(pk=optout_list.pk).update(join_is_open=True)

        screen = look_at(self.get(client, optout_list))

        assert "Nobody has asked yet" in screen.text
        assert join_url(optout_list.public_id) in screen.links

    def test_it_takes_few_queries(
        self, client: Client, optout_list: List, django_assert_max_num_queries: Any
    ) -> None:
        ask(optout_list)
        with django_assert_max_num_queries(10):
            self.get(client, optout_list)
