import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from lists.models import List, Realm, Subscription
from optout.choices import Assurance, Channel, Kind, RefusalCause, Traffic, Verdict
from optout.guard import AGAIN_FIELD, HONEYPOT_FIELD
from optout.models import LimitCounter, OptOut, QuarantinedOptOut, Suppression
from optout.quarantine import accept_overdue
from optout.tokens import make_form_token
from tests import make
from tests.optout.channels.cases import JANE, ChannelCases, Target, assert_nothing_recorded
from tests.pages import BROWSER, PublicClient, form_fields, language_link, parse, signed_path


def page_path(optout_list: List, query: str = "") -> str:
    return f"/u/{optout_list.public_id}{query}"


def heading(page: Any) -> str:
    return page.content.decode().partition("<h1>")[2].partition("</h1>")[0]


def text_of(page: Any) -> str:
    return " ".join(parse(page.content.decode()).text.split())


def submit(optout_list: List, item: str = JANE, query: str = "", **fields: str) -> Any:
    """Open the page, fill in the form, press the button."""
    client, path = PublicClient(), page_path(optout_list, query)
    return client.press(client.get(path), path, item=item, **fields)


class TestPage(ChannelCases):
    channel = Channel.PAGE
    assurance = Assurance.TYPED
    forged_status = 400

    def send(self, target: Target) -> Any:
        now = datetime.now(UTC)
        token = make_form_token(target.list_id + target.is_forged, now - timedelta(seconds=9))
        return PublicClient().send(f"/u/{target.public_id}", {"item": target.item, "t": token})


class TestSignedLink(ChannelCases):
    channel = Channel.SIGNED_LINK
    assurance = Assurance.SIGNED
    forged_status = 400

    def send(self, target: Target) -> Any:
        token = make_form_token(target.list_id + target.is_forged, datetime.now(UTC))
        return PublicClient().send(signed_path(target.list_id, target.item), {"t": token})


@pytest.mark.django_db
class TestForm:
    @pytest.mark.parametrize("query", ["", "?item=", "?item=%20%20", "?email=&phone="])
    def test_no_address_or_a_blank_one_shows_the_form(self, optout_list: List, query: str) -> None:
        """S0.5."""
        page = PublicClient().get(page_path(optout_list, query))

        assert page.status_code == 200
        assert heading(page) == "Unsubscribe from <bdi>Garden letters</bdi>"
        assert "Acme Garden" in text_of(page)
        assert form_fields(page)["item"] == ""
        assert "Optout-Status" not in page.headers

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_a_slash_at_the_end_does_no_harm(self, optout_list: List, slash: str) -> None:
        assert PublicClient().get(page_path(optout_list) + slash).status_code == 200

    @pytest.mark.parametrize(
        ("accepts", "kind"), [("email", "email"), ("phone", "tel"), ("either", "text")]
    )
    def test_it_asks_for_what_the_list_takes(
        self, optout_list: List, accepts: str, kind: str
    ) -> None:
        List.objects.update(accepts=accepts)

        fields = parse(PublicClient().get(page_path(optout_list)).content.decode()).inputs

        assert next(each["type"] for each in fields if each["name"] == "item") == kind

    def test_showing_it_takes_no_query(
        self, optout_list: List, settings, django_assert_num_queries
    ) -> None:
        settings.LIST_CACHE_SECONDS = 60
        client = PublicClient()
        client.get(page_path(optout_list))

        with django_assert_num_queries(0):
            client.get(page_path(optout_list))
            client.get(page_path(optout_list, f"?item={JANE}"))

    def test_the_button_records_and_leads_to_the_done_page(self, optout_list: List) -> None:
        response = submit(optout_list)

        assert response.status_code == 303
        page = PublicClient().get(response.headers["Location"])
        assert heading(page) == "You are unsubscribed"
        assert JANE in text_of(page)
        assert OptOut.objects.get().assurance == Assurance.TYPED

    def test_it_takes_two_queries(
        self, optout_list: List, settings, django_assert_num_queries
    ) -> None:
        settings.LIST_CACHE_SECONDS = 60
        page = PublicClient().get(page_path(optout_list))

        with django_assert_num_queries(2):
            PublicClient().press(page, page_path(optout_list), item=JANE)

    def test_a_phone_number_is_taken_with_the_realms_country(self, realm: Realm) -> None:
        optout_list = make.make_list(realm, accepts="either")

        submit(optout_list, "(415) 555-2671")

        assert OptOut.objects.get().address == "+14155552671"

    def test_an_address_of_the_link_that_is_sent_back_counts_as_prefilled(
        self, optout_list: List
    ) -> None:
        client, path = PublicClient(), page_path(optout_list, "?item=Jane@example.com")
        fields = form_fields(client.get(path))
        client.send(path, fields)
        client.send(path, {"t": fields["t"], "item": "other@example.com"})

        assurances = OptOut.objects.order_by("id").values_list("assurance", flat=True)
        assert list(assurances) == [Assurance.PREFILLED, Assurance.TYPED]


@pytest.mark.django_db
class TestEverything:
    def test_the_box_stops_everything_from_the_sender(
        self, realm: Realm, optout_list: List
    ) -> None:
        elsewhere = make.make_list(realm, 2)
        make.make_subscription(optout_list)
        make.make_subscription(elsewhere)

        response = submit(optout_list, scope="sender")

        rows = OptOut.objects.order_by("id").values_list("optout_list__number", flat=True)
        assert list(rows) == [1, 0]
        assert not Subscription.objects.exists()
        page = PublicClient().get(response.headers["Location"])
        assert "nothing more from Acme Garden" in text_of(page)

    def test_undo_takes_back_both(self, realm: Realm, optout_list: List) -> None:
        make.make_subscription(optout_list)
        response = submit(optout_list, scope="sender")

        PublicClient().send(response.headers["Location"])

        assert not Suppression.objects.exists()
        assert OptOut.objects.filter(kind=Kind.LIFT).count() == 2
        assert Subscription.objects.get().optout_list == optout_list

    def test_undo_keeps_what_was_out_before(self, optout_list: List) -> None:
        make.make_optout(optout_list)
        response = submit(optout_list, scope="sender")

        PublicClient().send(response.headers["Location"])

        assert Suppression.objects.get().optout_list == optout_list

    def test_do_not_mail_has_no_such_box(self, realm: Realm) -> None:
        page = PublicClient().get(page_path(make.do_not_mail(realm)))

        assert heading(page) == "Stop everything from <bdi>Acme Garden</bdi>"
        assert b'name="scope"' not in page.content


@pytest.mark.django_db
class TestInvalid:
    @pytest.mark.parametrize("item", ["jane@example", "nobody", "", "   "])
    def test_what_was_typed_is_kept_and_the_summary_leads_to_the_field(
        self, optout_list: List, item: str
    ) -> None:
        page = submit(optout_list, item)

        assert page.status_code == 400
        assert page.headers["Optout-Status"] == "rejected"
        assert "There is a problem" in text_of(page)
        assert parse(page.content.decode()).links[0] == "#item"
        assert form_fields(page)["item"] == item.strip()
        assert b'aria-invalid="true"' in page.content
        assert_nothing_recorded()

    def test_a_bad_address_in_the_link_is_the_same(self, optout_list: List) -> None:
        """S0.5."""
        page = PublicClient().get(page_path(optout_list, "?item=jane@example"))

        assert page.status_code == 400
        assert form_fields(page)["item"] == "jane@example"
        assert_nothing_recorded()

    def test_two_addresses_in_one_link_change_nothing(self, optout_list: List) -> None:
        """AT-35-43: repeated parameters that differ."""
        List.objects.update(direct_link_mode="instant")

        page = PublicClient().get(page_path(optout_list, "?item=a@example.com&item=b@example.com"))

        assert page.status_code == 400
        assert "more than one address" in text_of(page)
        assert_nothing_recorded()

    def test_the_same_address_twice_is_one(self, optout_list: List) -> None:
        page = PublicClient().get(page_path(optout_list, "?item=A@example.com&email=a@example.com"))

        assert (page.status_code, form_fields(page)["email"]) == (200, "a@example.com")

    def test_the_ticked_box_stays_ticked(self, optout_list: List) -> None:
        assert form_fields(submit(optout_list, "nobody", scope="sender"))["scope"] == "sender"


@pytest.mark.django_db
class TestGuard:
    """AT-17: no session, no cookie; a token bound to list and time."""

    @pytest.mark.parametrize("token", ["", "x", "1-1:zzz", "0" * 5_000])
    def test_a_forged_token_shows_the_page_again_with_a_fresh_one(
        self, optout_list: List, token: str
    ) -> None:
        client, path = PublicClient(), page_path(optout_list)

        page = client.send(path, {"item": JANE, "t": token, "scope": "sender"})

        assert page.status_code == 400
        assert form_fields(page)["item"] == JANE
        assert form_fields(page)["scope"] == "sender"
        assert_nothing_recorded()
        assert client.press(page, path).status_code == 303
        assert Suppression.objects.count() == 2

    def test_without_any_token_it_is_the_same(self, optout_list: List) -> None:
        page = PublicClient().send(page_path(optout_list), {"item": JANE})

        assert (page.status_code, form_fields(page)["item"]) == (400, JANE)
        assert_nothing_recorded()

    def test_a_token_of_another_list_is_refused(self, realm: Realm, optout_list: List) -> None:
        other = make.make_list(realm, 2)
        page = PublicClient().get(page_path(other))

        assert PublicClient().press(page, page_path(optout_list), item=JANE).status_code == 400
        assert_nothing_recorded()

    def test_a_token_lives_for_a_week(self, optout_list: List) -> None:
        client, path = PublicClient(), page_path(optout_list)
        with time_machine.travel(make.NOW, tick=False) as clock:
            page = client.get(path)
            clock.shift(timedelta(days=7, seconds=1))
            assert client.press(page, path, item=JANE).status_code == 400
            assert_nothing_recorded()
            clock.shift(timedelta(seconds=-1))
            assert client.press(page, path, item=JANE).status_code == 303

    @pytest.mark.parametrize(
        "headers",
        [
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "", "origin": "https://evil.example"},
            {"origin": "http://testserver.evil.example"},
            {"origin": "http://[broken"},
        ],
    )
    def test_another_site_cannot_make_a_browser_send_the_form(
        self, optout_list: List, headers: dict[str, str]
    ) -> None:
        """AT-02."""
        client, path = PublicClient(), page_path(optout_list)
        fields = {**form_fields(client.get(path)), "item": JANE}

        page = client.send(path, fields, headers=headers)

        assert page.status_code == 403
        assert form_fields(page)["item"] == JANE
        assert_nothing_recorded()

    @pytest.mark.parametrize("origin", ["null", "http://testserver"])
    def test_our_own_pages_may(self, optout_list: List, origin: str) -> None:
        client, path = PublicClient(), page_path(optout_list)
        fields = {**form_fields(client.get(path)), "item": JANE}

        response = client.send(
            path,
            fields,
            headers={"sec-fetch-site": "same-origin", "origin": origin, "host": "testserver"},
        )

        assert response.status_code == 303


@pytest.mark.django_db
class TestRobots:
    def test_a_filled_honeypot_is_quarantined_and_asked_for_one_more_tap(
        self, optout_list: List
    ) -> None:
        """A robot is told of no success that there was not; a person whose password manager filled it in is not lost."""
        page = submit(optout_list, scope="sender", lang="de", **{HONEYPOT_FIELD: "x"})

        assert page.status_code == 200
        assert page.headers["Optout-Status"] == "confirm-required"
        assert JANE in text_of(page)
        fields = form_fields(page)
        assert (fields["email"], fields["scope"], fields["lang"]) == (JANE, "sender", "de")
        assert HONEYPOT_FIELD not in fields
        causes = QuarantinedOptOut.objects.values_list("cause", flat=True)
        assert list(causes) == [RefusalCause.HONEYPOT] * 2
        assert not Suppression.objects.exists() and not OptOut.objects.exists()

    @pytest.mark.parametrize("again", [{}, {HONEYPOT_FIELD: "x"}])
    def test_the_second_tap_records(self, optout_list: List, again: dict[str, str]) -> None:
        """Whatever fills in fields by itself: the confirm page has no trap, and its form is not looked at for one."""
        path = page_path(optout_list)
        page = submit(optout_list, **{HONEYPOT_FIELD: "Acme Ltd"})

        assert PublicClient().press(page, path, **again).status_code == 303

        row = OptOut.objects.get()
        assert (row.address, row.channel, row.assurance) == (JANE, Channel.PAGE, Assurance.TYPED)

    def test_an_undo_of_the_second_tap_holds(self, optout_list: List) -> None:
        """AT-46: what waits since the first tap is settled by the second; a week later it suppresses nobody."""
        client, path = PublicClient(), page_path(optout_list)
        page = submit(optout_list, scope="sender", **{HONEYPOT_FIELD: "Acme Ltd"})

        client.send(client.press(page, path).headers["Location"])

        settled = QuarantinedOptOut.objects.filter(
            verdict=Verdict.ACCEPTED, decided_at__isnull=False
        )
        assert settled.count() == QuarantinedOptOut.objects.count() == 2
        assert OptOut.objects.filter(kind=Kind.OPT_OUT).count() == 2
        assert accept_overdue(datetime.now(UTC) + timedelta(days=8)) == 0
        assert not Suppression.objects.exists()

    def test_what_waits_is_locked_before_what_it_suppresses(self, optout_list: List) -> None:
        """As whoever accepts it does: two that lock in different orders wait for each other for ever."""
        page = submit(optout_list, **{HONEYPOT_FIELD: "x"})

        with CaptureQueriesContext(connection) as queries:
            PublicClient().press(page, page_path(optout_list))

        said = [each["sql"] for each in queries.captured_queries]
        settled = next(n for n, sql in enumerate(said) if 'UPDATE "optout_quarantined' in sql)
        recorded = next(n for n, sql in enumerate(said) if "INSERT INTO optout_optout" in sql)
        assert settled < recorded

    def test_a_double_click_into_the_trap_is_one_tap(self, optout_list: List) -> None:
        client, path = PublicClient(), page_path(optout_list)
        empty = client.get(path)
        for _ in range(2):
            page = client.press(empty, path, item=JANE, **{HONEYPOT_FIELD: "x"})
        assert QuarantinedOptOut.objects.get().requests == 1

        client.send(client.press(page, path).headers["Location"])

        assert accept_overdue(datetime.now(UTC) + timedelta(days=8)) == 0
        assert not Suppression.objects.exists()

    @pytest.mark.parametrize("spoilt", ["", "x", "0" * 16, "f" * 5_000, "'\x00"])
    def test_only_the_second_tap_of_that_page_settles(self, optout_list: List, spoilt: str) -> None:
        page = submit(optout_list, **{HONEYPOT_FIELD: "x"})

        response = PublicClient().press(page, page_path(optout_list), **{AGAIN_FIELD: spoilt})

        assert response.status_code == 303
        assert QuarantinedOptOut.objects.get().verdict == Verdict.WAITING

    @pytest.mark.parametrize("is_first", [True, False])
    def test_nobody_settles_what_another_one_asked_for(
        self, optout_list: List, is_first: bool
    ) -> None:
        """Otherwise whoever knows an address could take back, by an Undo, what its owner waits for."""
        client, path = PublicClient(), page_path(optout_list)
        pages = [submit(optout_list, **{HONEYPOT_FIELD: "x"}) for _ in range(2)]

        client.send(client.press(pages[not is_first], path).headers["Location"])

        assert not Suppression.objects.exists()
        assert accept_overdue(datetime.now(UTC) + timedelta(days=8)) == 1
        assert Suppression.objects.get().address == JANE

    def test_the_mark_outlives_a_page_that_was_open_for_too_long(self, optout_list: List) -> None:
        client, path = PublicClient(), page_path(optout_list)
        page = submit(optout_list, **{HONEYPOT_FIELD: "x"})
        page = client.press(page, path, t="old", email="")
        assert page.status_code == 400

        client.press(page, path, item=JANE)

        assert QuarantinedOptOut.objects.get().verdict == Verdict.ACCEPTED

    def test_the_honeypot_is_nothing_that_a_browser_fills_in_or_reads_out(
        self, optout_list: List
    ) -> None:
        html = PublicClient().get(page_path(optout_list)).content.decode()

        (field,) = [each for each in parse(html).inputs if each.get("name") == HONEYPOT_FIELD]
        assert (field["autocomplete"], field["tabindex"]) == ("off", "-1")
        assert '<div class="hp" aria-hidden="true">' in html
        trap = parse(
            "<!doctype html>"
            + html[html.index('<div class="hp"') :].partition("</div>")[0]
            + "</div>"
        )
        # what browsers and password managers look for
        known = r"web|site|url|name|mail|phone|tel|company|organi|address|city|zip|user|pass|login|code|card"
        assert not re.search(known, f"{field['name']} {field.get('id')} {trap.text}".lower())

    def test_a_quick_person_is_served_but_counted_more_strictly(self, optout_list: List) -> None:
        client, path = PublicClient(), page_path(optout_list)
        with time_machine.travel(make.NOW, tick=False) as clock:
            quick = client.get(path)
            clock.shift(timedelta(milliseconds=900))
            assert client.press(quick, path, item=JANE).status_code == 303
            slow = client.get(path)
            clock.shift(timedelta(seconds=1))
            assert client.press(slow, path, item="slow@example.com").status_code == 303

        traffics = LimitCounter.objects.order_by("traffic").values_list("traffic", flat=True)
        assert list(traffics) == [Traffic.DIRECT, Traffic.FORM]
        assert Suppression.objects.count() == 2

    def test_quick_robots_run_into_the_limit(self, optout_list: List) -> None:
        with time_machine.travel(make.NOW, tick=False):
            answers = [submit(optout_list, f"p{n}@example.com").status_code for n in range(25)]

        assert answers == [303] * 20 + [429] * 5
        assert QuarantinedOptOut.objects.count() == 5

    def test_a_whitelisted_office_is_not_counted(self, optout_list: List) -> None:
        """S0.12."""
        List.objects.update(whitelist=["192.0.2.0/24"])

        submit(optout_list)

        assert OptOut.objects.get().channel == Channel.PAGE
        assert not LimitCounter.objects.exists()

    def test_over_60_addresses_the_form_says_when_to_come_back(self, optout_list: List) -> None:
        List.objects.update(limit_form=2)
        with time_machine.travel(make.NOW, tick=False) as clock:
            for n in range(3):
                page = PublicClient().get(page_path(optout_list))
                clock.shift(timedelta(seconds=5))
                page = PublicClient().press(page, page_path(optout_list), item=f"p{n}@example.com")

        assert page.status_code == 429
        assert page.headers["Retry-After"] == "600"
        assert page.headers["Optout-Status"] == "quarantined"
        assert heading(page) == "Please try again in 10 minutes"
        assert "We kept your request; you need not send it again." in text_of(page)
        assert QuarantinedOptOut.objects.get().cause == RefusalCause.ADDRESS_LIMIT
        assert Suppression.objects.count() == 2


@pytest.mark.django_db
class TestSignedLinkPage:
    def test_it_shows_the_masked_address_and_changes_nothing(self, optout_list: List) -> None:
        page = PublicClient().get(signed_path(optout_list.pk))

        assert page.status_code == 200
        assert page.headers["Optout-Status"] == "confirm-required"
        assert "ja•••@example.com" in text_of(page)
        assert JANE.encode() not in page.content
        assert f"/u/{optout_list.public_id}" in parse(page.content.decode()).links
        assert_nothing_recorded()

    def test_its_button_records_and_the_done_page_masks(self, optout_list: List) -> None:
        client, path = PublicClient(), signed_path(optout_list.pk)

        done = client.press(client.get(path), path)

        page = client.get(done.headers["Location"])
        assert "ja•••@example.com" in text_of(page) and JANE not in text_of(page)
        assert OptOut.objects.get().channel == Channel.SIGNED_LINK

    @pytest.mark.parametrize(
        "tail", [*".,;:!)]}>\"'»”’…*", "%3F", "%E2%80%8B", ").", "/", "%3D%3D"]
    )
    def test_what_a_messenger_took_along_does_no_harm(self, optout_list: List, tail: str) -> None:
        """Whatever the token itself ends with: a hyphen and an underscore are part of it."""
        paths = [signed_path(optout_list.pk, f"{at}@example.com") for at in range(200)]
        paths = list({path[-1]: path for path in paths}.values())
        client = PublicClient()
        for path in paths:
            page = client.get(path + tail)
            assert page.status_code == 200, path[-1]

        assert client.press(page, path + tail).status_code == 303
        assert OptOut.objects.get().channel == Channel.SIGNED_LINK

    @pytest.mark.parametrize("tail", ["x", "-", "_", "é", ".x", "/x"])
    def test_what_is_no_punctuation_is_a_broken_link(self, optout_list: List, tail: str) -> None:
        assert PublicClient().get(signed_path(optout_list.pk) + tail).status_code == 404

    def test_somebody_already_out_is_told_since_when(self, optout_list: List) -> None:
        make.make_optout(optout_list)

        page = PublicClient().get(signed_path(optout_list.pk))

        assert heading(page) == "You are already unsubscribed"
        assert "since 4 March 2026" in text_of(page)

    def test_an_opt_out_from_everything_is_told_as_such(
        self, realm: Realm, optout_list: List
    ) -> None:
        make.make_optout(make.do_not_mail(realm))

        page = PublicClient().get(signed_path(optout_list.pk))

        assert "You asked us on 4 March 2026 to stop everything from Acme Garden." in text_of(page)

    def test_a_person_is_served_while_their_network_is_blocked(self, optout_list: List) -> None:
        """AT-01."""
        List.objects.update(direct_link_mode="instant")
        client = PublicClient()
        for n in range(25):
            client.get(page_path(optout_list, f"?item=p{n}@example.com"))
        path = signed_path(optout_list.pk)

        assert client.press(client.get(path), path).status_code == 303
        assert Suppression.objects.filter(address=JANE).exists()

    def test_a_browser_without_the_pages_token_is_asked_again(self, optout_list: List) -> None:
        page = PublicClient().send(signed_path(optout_list.pk), {"other": "field"})

        assert page.status_code == 400
        assert "ja•••@example.com" in text_of(page)
        assert_nothing_recorded()

    @pytest.mark.parametrize(
        "path", ["/o/", "/o/x", "/o/%00", "/o/a/b", "/u/", "/u/short", "/u/a/b/c"]
    )
    def test_a_broken_link_says_what_to_do(self, db: None, path: str) -> None:
        page = PublicClient().get(path)

        assert page.status_code == 404
        assert heading(page) == "This unsubscribe link does not work"
        assert "Nothing was changed." in text_of(page)


@pytest.mark.django_db
class TestLanguage:
    @pytest.mark.parametrize(
        ("lang", "accept", "list_languages", "expected"),
        [
            ("", "de-AT,de;q=0.9,en;q=0.1", ("", ""), "de"),
            ("ar", "de", ("", ""), "ar"),
            ("ar", "de", ("de", ""), "ar"),
            ("", "ar", ("de", ""), "de"),
            ("xx", "ar", ("", ""), "ar"),
            ("", "ja", ("", "ar"), "ar"),
            ("", "", ("", "de"), "de"),
            ("", "ja, de;q=0", ("", ""), "en"),
            ("", "ja, *;q=0.5", ("", ""), "en"),
            ("", "\udcff\udcfe", ("", ""), "en"),
            ("d" * 5_000, "e" * 5_000 + ",de", ("", ""), "en"),
        ],
    )
    def test_chosen_then_locked_then_the_browsers_then_the_lists(
        self,
        optout_list: List,
        lang: str,
        accept: str,
        list_languages: tuple[str, str],
        expected: str,
    ) -> None:
        lock, default = list_languages
        List.objects.update(locked_language=lock, default_language=default)
        client = PublicClient({**BROWSER, "accept-language": accept})

        page = client.get(page_path(optout_list, f"?lang={lang}"))

        document = parse(page.content.decode())
        assert document.lang == page.headers["Content-Language"] == expected
        assert document.direction == ("rtl" if expected == "ar" else "ltr")

    def test_the_choice_travels_to_the_done_page(self, optout_list: List) -> None:
        client, path = PublicClient(), page_path(optout_list, "?lang=de")

        done = client.press(client.get(path), path, item=JANE)

        assert "lang=de" in done.headers["Location"]
        assert heading(client.get(done.headers["Location"])) == "Sie sind abgemeldet"

    def test_the_browsers_language_is_not_written_into_links(self, optout_list: List) -> None:
        page = PublicClient({**BROWSER, "accept-language": "de"}).get(page_path(optout_list))

        assert "lang" not in form_fields(page)

    def test_links_to_the_other_languages_keep_the_address(self, optout_list: List) -> None:
        page = PublicClient().get(page_path(optout_list, "?item=jane%2Bx@example.com"))

        link = language_link(page, "de")
        assert link == "?email=jane%2Bx%40example.com&lang=de"
        assert heading(PublicClient().get(page_path(optout_list, link))).startswith("Von <bdi>")

    def test_errors_are_translated(self, optout_list: List) -> None:
        page = PublicClient().get(page_path(optout_list, "?item=x&lang=de"))

        assert "Geben Sie eine E-Mail-Adresse wie name@example.com ein." in text_of(page)
