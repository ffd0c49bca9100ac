from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lists.choices import SmsStopScope
from lists.models import Contact, List, Realm, Subscription
from optout.addresses import digest_of
from optout.choices import Assurance, Channel, Kind, RefusalCause, Verdict
from optout.guard import AGAIN_FIELD, HONEYPOT_FIELD
from optout.models import OptOut, QuarantinedOptOut, Suppression
from optout.quarantine import accept_overdue
from optout.short_links import short_url
from optout.tokens import make_form_token
from tests import make
from tests.optout.channels.cases import ChannelCases, Target, assert_nothing_recorded
from tests.optout.channels.test_page import heading, text_of
from tests.pages import (
    BROWSER,
    FIREFOX,
    ONE_CLICK,
    PROVIDER,
    SERVER,
    PublicClient,
    form_fields,
    parse,
)

NUMBER = "+14155552671"
ONLY_LIST = "list"  # what the second button sends


def own_path(optout_list: List, number: str = NUMBER) -> str:
    """One recipient's own link."""
    return f"/s/{short_url(optout_list.pk, number).rpartition('/')[2]}"


def open_path(optout_list: List) -> str:
    """The list's link, which asks for the number."""
    return f"/s/{optout_list.public_id}"


def press(path: str, client: PublicClient | None = None, **fields: str) -> Any:
    """Open the page, fill in what it asks for, press the button."""
    client = client or PublicClient()
    return client.press(client.get(path), path, **fields)


def done_page(response: Any) -> Any:
    return PublicClient().get(response.headers["Location"])


def places() -> list[tuple[int, str | None]]:
    """(list number, address) of the suppressions that there are."""
    rows = Suppression.objects.order_by("optout_list__number", "address")
    return list(rows.values_list("optout_list__number", "address"))


@pytest.fixture
def one_list_only(optout_list: List) -> List:
    """A list of whose texts one opts out alone."""
    List.objects.filter(pk=optout_list.pk).update(sms_stop_scope=SmsStopScope.LIST)
    optout_list.refresh_from_db()
    return optout_list


class SmsLinkCases(ChannelCases):
    """What both kinds of link owe, with phone numbers for addresses."""

    channel = Channel.SMS_LINK
    address = NUMBER
    strangers = tuple(f"+1415555260{n}" for n in range(5))

    def test_the_number_becomes_a_contact_and_stays_one(self, optout_list: List) -> None:
        """protocols.md, "Opt-out callback"."""
        self.send_for(optout_list)
        contact = Contact.objects.get()
        self.send_for(optout_list)

        assert contact.realm_id == optout_list.realm_id
        assert (contact.address, bytes(contact.digest)) == (NUMBER, digest_of(NUMBER))
        assert Contact.objects.get() == contact

    def test_a_known_contact_is_written_too(self, optout_list: List) -> None:
        """AT-03: it takes as long as to make one. 400 of each over HTTP, shuffled: medians differ by less than 2 %; by up to
        6 % where known ones were left alone."""
        contact = make.make_contact(optout_list.realm, NUMBER)
        for _ in range(2):
            before = contact.changed_at
            self.send_for(optout_list)
            contact.refresh_from_db()
            assert contact.changed_at > before

    def test_the_ledger_says_of_which_list_the_link_was(self, optout_list: List) -> None:
        self.send_for(optout_list)

        row = OptOut.objects.get()
        elsewhere = row.optout_list_id != optout_list.pk
        assert (row.evidence or {}).get("list") == (optout_list.number if elsewhere else None)


class OfEverything:
    """What a list without a say of its own does: its realm's texts stop."""

    def suppressed_on(self, optout_list: List) -> List:
        return make.do_not_mail(optout_list.realm)


class OfOneList:
    @pytest.fixture(autouse=True)
    def _scope(self, one_list_only: List) -> None:
        pass


class OwnLink(SmsLinkCases):
    assurance = Assurance.SIGNED

    def send(self, target: Target) -> Any:
        path = f"/s/{short_url(target.list_id, target.item).rpartition('/')[2]}"
        # what is spoilt here is the token itself
        path = path[:-1] + ("0" if path[-1] != "0" else "1") if target.is_forged else path
        return PublicClient().send(path, {"t": make_form_token(target.list_id, datetime.now(UTC))})

    def test_the_address_is_normalised_and_what_was_sent_is_kept(self, optout_list: List) -> None:
        """The link has the number in E.164 already, and nothing else was sent."""
        self.send_for(optout_list)

        row = OptOut.objects.get()
        assert row.address == NUMBER
        assert "raw" not in (row.evidence or {})

    def test_it_is_never_limited(self, optout_list: List) -> None:
        """S0.12: what is signed is proved."""
        List.objects.update(limit_confirm=0, limit_block=0, limit_block_day=0, limit_form=0)

        for at in range(5):
            answer = self.send_for(optout_list, f"+1415555270{at}")
            assert answer.headers["Optout-Status"] == "recorded"
        assert Suppression.objects.count() == 5


class ByAProgram(OwnLink):
    """A POST that no browser sends (security.md §3.2): by whoever has the link."""

    agent = str(SERVER["user-agent"])
    headers, body = SERVER, ""

    def send(self, target: Target) -> Any:
        path = f"/s/{short_url(target.list_id, target.item).rpartition('/')[2]}"
        path = path[:-1] + ("0" if path[-1] != "0" else "1") if target.is_forged else path
        return PublicClient(self.headers).send(path, self.body)

    def test_it_is_told_in_a_word(self, optout_list: List) -> None:
        answer = self.send_for(optout_list)

        assert (answer.status_code, answer.headers["Content-Type"]) == (
            200,
            "text/plain; charset=utf-8",
        )
        assert answer.content == b"You are unsubscribed."

    def test_it_stops_as_much_as_the_list_says_in_one_row(self, optout_list: List) -> None:
        self.send_for(optout_list)

        row = OptOut.objects.get()
        assert row.optout_list == self.suppressed_on(optout_list)
        assert "form" not in (row.evidence or {})


class OpenLink(SmsLinkCases):
    assurance = Assurance.TYPED
    forged_status = 400
    typed, kept = "(415) 555-2671", NUMBER

    def send(self, target: Target) -> Any:
        shown_at = datetime.now(UTC) - timedelta(seconds=9)
        token = make_form_token(target.list_id + target.is_forged, shown_at)
        return PublicClient().send(f"/s/{target.public_id}", {"item": target.item, "t": token})


class TestOwnLinkOfEverything(OfEverything, OwnLink):
    pass


class TestOwnLinkOfOneList(OfOneList, OwnLink):
    pass


class TestByAProgramOfEverything(OfEverything, ByAProgram):
    pass


class TestByAProgramOfOneList(OfOneList, ByAProgram):
    body = "scope=sender&item=%2B14155552600"  # says nothing


class TestOneClick(OfEverything, ByAProgram):
    """The body of RFC 8058 is one that no page of ours sends, whoever sends it."""

    agent = FIREFOX
    headers, body = BROWSER, ONE_CLICK


class TestOpenLinkOfEverything(OfEverything, OpenLink):
    pass


class TestOpenLinkOfOneList(OfOneList, OpenLink):
    pass


@pytest.mark.django_db
class TestOwnPage:
    def test_it_asks_for_one_tap_and_shows_no_number(self, optout_list: List) -> None:
        page = PublicClient().get(own_path(optout_list))

        assert page.status_code == 200
        assert page.headers["Optout-Status"] == "confirm-required"
        assert heading(page) == "Stop all texts from <bdi>Acme Garden</bdi>?"
        assert "+1 ••• ••71" in text_of(page)
        assert "4155552671" not in page.content.decode()
        assert "Yes, stop all texts" in text_of(page)
        assert "Only stop “Garden letters”" in text_of(page)

    def test_the_tap_stops_all_texts_once(self, realm: Realm, optout_list: List) -> None:
        """One row, so one webhook, whichever list the message was from."""
        elsewhere = make.make_list(realm, 2)
        for each in (optout_list, elsewhere):
            make.make_subscription(each, NUMBER)

        response = press(own_path(optout_list))

        assert response.status_code == 303
        assert places() == [(0, NUMBER)]
        row = OptOut.objects.get()
        assert (row.channel, row.assurance, row.is_new) == (16, Assurance.SIGNED, True)
        assert row.evidence is not None and row.evidence["list"] == 1
        assert not Subscription.objects.exists()
        assert Contact.objects.get().address == NUMBER

    def test_the_done_page_is_the_lists_own(self, optout_list: List) -> None:
        List.objects.update(thank_you_texts={"en": "Our own goodbye."})

        response = press(own_path(optout_list))

        assert response.headers["Location"].startswith(f"/u/{optout_list.public_id}/done?t=")
        page = done_page(response)
        assert heading(page) == "You are unsubscribed"
        assert "Our own goodbye." in text_of(page)
        assert "You will get nothing more from Acme Garden." in text_of(page)
        assert "+1 ••• ••71" in text_of(page)
        assert "4155552671" not in page.content.decode()

    def test_the_quiet_button_stops_one_list(self, realm: Realm, optout_list: List) -> None:
        elsewhere = make.make_list(realm, 2)
        for each in (optout_list, elsewhere):
            make.make_subscription(each, NUMBER)

        response = press(own_path(optout_list), scope=ONLY_LIST)

        assert places() == [(1, NUMBER)]
        assert Subscription.objects.get().optout_list == elsewhere
        assert "no more messages from Garden letters" in text_of(done_page(response))

    def test_a_list_may_stop_alone(self, one_list_only: List) -> None:
        page = PublicClient().get(own_path(one_list_only))

        assert heading(page) == "Unsubscribe from <bdi>Garden letters</bdi>?"
        press(own_path(one_list_only))
        assert places() == [(1, NUMBER)]

    def test_there_one_can_still_stop_everything(self, one_list_only: List) -> None:
        response = press(own_path(one_list_only), scope="sender")

        assert places() == [(0, NUMBER), (1, NUMBER)]
        assert "nothing more from Acme Garden" in text_of(done_page(response))

    def test_do_not_mail_has_a_link_too(self, realm: Realm) -> None:
        everything = make.do_not_mail(realm)

        assert heading(PublicClient().get(own_path(everything))) == (
            "Stop everything from <bdi>Acme Garden</bdi>?"
        )
        press(own_path(everything))
        assert places() == [(0, NUMBER)]

    def test_who_is_out_already_is_told_since_when(self, optout_list: List) -> None:
        make.make_optout(make.do_not_mail(optout_list.realm), NUMBER)

        page = PublicClient().get(own_path(optout_list))

        assert heading(page) == "You are already unsubscribed"
        assert "to stop everything from Acme Garden" in text_of(page)
        assert b"<button" not in page.content

    def test_who_is_out_of_the_list_alone_can_still_stop_all_texts(self, optout_list: List) -> None:
        make.make_optout(optout_list, NUMBER)

        client, path = PublicClient(), own_path(optout_list)
        for page in (client.get(path), client.send(path, {"t": "too old"})):
            assert heading(page) == "Stop all texts from <bdi>Acme Garden</bdi>?"
            assert "Yes, stop all texts" in text_of(page)
            assert "Only stop" not in text_of(page)
        press(path)

        assert places() == [(0, NUMBER), (1, NUMBER)]

    def test_who_is_out_of_a_list_that_stops_alone_is_told(self, one_list_only: List) -> None:
        make.make_optout(one_list_only, NUMBER)
        page = PublicClient().get(own_path(one_list_only))

        assert heading(page) == "You are already unsubscribed"
        press(own_path(one_list_only))  # its button: everything from this sender
        assert places() == [(0, NUMBER), (1, NUMBER)]

    def test_a_link_for_another_number_leads_to_the_lists(self, optout_list: List) -> None:
        for number in (NUMBER, "+14155552672"):
            links = parse(PublicClient().get(own_path(optout_list)).content.decode()).links
            assert open_path(optout_list) in links
            make.make_optout(make.do_not_mail(optout_list.realm), number)

    @pytest.mark.parametrize("scope", SmsStopScope.values)
    def test_it_speaks_the_readers_language(self, optout_list: List, scope: str) -> None:
        List.objects.update(sms_stop_scope=scope)
        page = PublicClient().get(f"{own_path(optout_list)}?lang=de")

        assert parse(page.content.decode()).lang == "de"
        assert "abbestellen" in text_of(page) or "abmelden" in text_of(page)
        fields = form_fields(page)
        assert fields["lang"] == "de"
        assert "lang=de" in press(f"{own_path(optout_list)}?lang=de").headers["Location"]

    def test_it_fits_into_a_packet_or_five(self, realm: Realm) -> None:
        """pages.md: 6 KB, whatever the list is called. The client looks at every page."""
        name, long = "Ünäß & Söhne " * 7, make.make_list(realm, 9, name="x")
        List.objects.filter(pk=long.pk).update(
            name=name, description=name * 3, contact="help@acme.example", colour="#1d4ed8"
        )
        for path in (own_path(long), open_path(long)):
            for lang in ("en", "de", "ar"):
                assert PublicClient().get(f"{path}?lang={lang}").status_code == 200

    def test_showing_it_takes_one_query(
        self, optout_list: List, settings, django_assert_num_queries
    ) -> None:
        settings.LIST_CACHE_SECONDS = 60
        client, path = PublicClient(), own_path(optout_list)
        client.get(path)

        with django_assert_num_queries(1):
            client.get(path)

    def test_a_slash_at_the_end_does_no_harm(self, optout_list: List) -> None:
        for path in (own_path(optout_list), open_path(optout_list)):
            assert PublicClient().get(f"{path}/").status_code == 200

    @pytest.mark.parametrize(
        "tail", [*".,;:!?)]}>\"'»”’…*_", "。", "%E2%80%8B", ").", '".', "...", "./"]
    )
    def test_what_a_messenger_took_along_does_no_harm(self, optout_list: List, tail: str) -> None:
        tail = tail.replace("?", "%3F")
        for path in (own_path(optout_list), open_path(optout_list)):
            assert PublicClient().get(path + tail).status_code == 200
        assert press(own_path(optout_list) + tail).status_code == 303
        assert places() == [(0, NUMBER)]

    @pytest.mark.parametrize("tail", ["x", "é", ".x", "-" * 9, "/x"])
    def test_what_is_no_punctuation_is_a_broken_link(self, optout_list: List, tail: str) -> None:
        for path in (own_path(optout_list), open_path(optout_list)):
            assert PublicClient().get(path + tail).status_code == 404

    @pytest.mark.parametrize("path", ["/s", "/s/", "/s/x", "/s/" + "z" * 22, "/s/a/b", "/s/é"])
    def test_a_broken_link_says_so(self, db: None, path: str) -> None:
        for method in ("get", "post"):
            page = getattr(PublicClient(), method)(path)
            assert page.status_code == 404
            assert "does not work" in text_of(page)
        assert_nothing_recorded()

    def test_one_list_number_is_another_on_another_list(
        self, realm: Realm, one_list_only: List
    ) -> None:
        """AT-05."""
        other = make.make_list(realm, 2, sms_stop_scope=SmsStopScope.LIST)

        press(own_path(other))

        assert places() == [(2, NUMBER)]
        assert own_path(other) != own_path(one_list_only)


@pytest.mark.django_db
class TestNobodyElseActs:
    """AT-17, promise 6: no opt-out by a scanner, a preview or another site."""

    AHEAD = (
        {**BROWSER, "sec-purpose": "prefetch;prerender"},
        {**BROWSER, "user-agent": "WhatsApp/2.23.20.0"},
        {**BROWSER, "user-agent": "facebookexternalhit/1.1"},
        {"user-agent": "Mozilla/5.0", "accept": "image/*"},
        {"user-agent": "curl/8.5", "accept": "*/*"},
        {"user-agent": ""},
        BROWSER,
    )

    @pytest.mark.parametrize("headers", AHEAD)
    @pytest.mark.parametrize("method", ["get", "head"])
    def test_opening_records_nothing(
        self, optout_list: List, headers: dict[str, str], method: str
    ) -> None:
        for path in (own_path(optout_list), open_path(optout_list) + f"?phone={NUMBER}"):
            response = getattr(PublicClient(headers), method)(path)
            assert response.status_code == 200
        assert_nothing_recorded()
        assert not Contact.objects.exists()

    @pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
    def test_other_methods_are_refused(self, optout_list: List, method: str) -> None:
        assert getattr(PublicClient(), method)(own_path(optout_list)).status_code == 405
        assert_nothing_recorded()

    BODIES = ("", ONE_CLICK, f"item={NUMBER}", {"t": "forged", "item": NUMBER})

    def test_a_post_without_our_form_records_nothing(self, optout_list: List) -> None:
        own, the_lists = own_path(optout_list), open_path(optout_list)
        calls = [(PublicClient(), own, body) for body in self.BODIES if body != ONE_CLICK]
        calls += [(PublicClient(PROVIDER), own, self.BODIES[-1])]
        for client in (PublicClient(), PublicClient(PROVIDER), PublicClient(SERVER)):
            calls += [(client, the_lists, body) for body in self.BODIES]
        for client, path, body in calls:
            answer = client.send(path, body)
            assert (answer.status_code, b"<form" in answer.content) == (400, True)
        assert_nothing_recorded()

    @pytest.mark.parametrize(
        "headers",
        [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}],
    )
    def test_another_sites_script_is_no_program(
        self, optout_list: List, headers: dict[str, str]
    ) -> None:
        client = PublicClient({"user-agent": FIREFOX, "accept": "*/*", **headers})
        for body in self.BODIES:
            assert client.send(own_path(optout_list), body).status_code == 403
        assert_nothing_recorded()

    def test_another_site_cannot_press_the_button(self, optout_list: List) -> None:
        client, path = PublicClient(), own_path(optout_list)
        fields = form_fields(client.get(path))

        page = client.send(path, fields, headers={"sec-fetch-site": "cross-site"})

        assert page.status_code == 403
        assert_nothing_recorded()

    def test_a_form_that_was_open_for_too_long_is_shown_again(self, optout_list: List) -> None:
        client, path = PublicClient(), own_path(optout_list)
        old = make_form_token(optout_list.pk, datetime.now(UTC) - timedelta(days=8))

        page = client.send(path, {"t": old})

        assert page.status_code == 400
        assert heading(page) == "Stop all texts from <bdi>Acme Garden</bdi>?"
        assert client.press(page, path).status_code == 303

    def test_a_body_that_is_too_big_or_cut_off_is_refused(self, optout_list: List) -> None:
        path = own_path(optout_list)

        assert PublicClient().send(path, "t=" + "x" * 3_000_000).status_code == 413
        assert PublicClient().send(path, "t=x", CONTENT_LENGTH="99").status_code == 400
        assert_nothing_recorded()


@pytest.mark.django_db
class TestOpenPage:
    def test_it_asks_for_a_number_whatever_the_list_takes(self, optout_list: List) -> None:
        for at, accepts in enumerate(("email", "phone", "either")):
            List.objects.update(accepts=accepts)
            page = PublicClient().get(open_path(optout_list))

            assert page.status_code == 200
            assert heading(page) == "Stop all texts from <bdi>Acme Garden</bdi>"
            field = next(
                each for each in parse(page.content.decode()).inputs if each.get("name") == "item"
            )
            assert (field["type"], field["autocomplete"]) == ("tel", "tel")
            assert "Phone number" in text_of(page)
            press(open_path(optout_list), item=f"+1415555260{at}")
        assert len(places()) == 3

    def test_nothing_in_the_link_fills_it_in(self, optout_list: List) -> None:
        for query in (f"?item={NUMBER}", f"?phone={NUMBER}", "?email=jane@example.com"):
            page = PublicClient().get(open_path(optout_list) + query)
            assert form_fields(page)["item"] == ""

    @pytest.mark.parametrize("item", ["jane@example.com", "123", "", "  ", "12345678901234567890"])
    def test_what_is_no_number_is_kept_and_told(self, optout_list: List, item: str) -> None:
        page = press(open_path(optout_list), item=item)

        assert (page.status_code, page.headers["Optout-Status"]) == (400, "rejected")
        assert "There is a problem" in text_of(page)
        assert heading(page) == "Stop all texts from <bdi>Acme Garden</bdi>"
        assert form_fields(page)["item"] == item.strip()
        assert_nothing_recorded()

    def test_an_email_address_is_none_under_any_name(self, optout_list: List) -> None:
        page = press(open_path(optout_list), email="jane@example.com")

        assert page.status_code == 400
        assert_nothing_recorded()

    def test_the_quiet_button_stops_one_list(self, optout_list: List) -> None:
        press(open_path(optout_list), item=NUMBER, scope=ONLY_LIST)

        assert places() == [(1, NUMBER)]

    def test_the_done_page_shows_what_was_typed(self, optout_list: List) -> None:
        page = done_page(press(open_path(optout_list), item="415 555 2671"))

        assert NUMBER in text_of(page)

    def test_a_robot_that_fills_in_the_trap_is_asked_once_more(self, optout_list: List) -> None:
        client, path = PublicClient(), open_path(optout_list)
        page = press(path, client, item=NUMBER, **{HONEYPOT_FIELD: "x"})

        assert page.status_code == 200
        assert heading(page) == "Stop all texts from <bdi>Acme Garden</bdi>?"
        assert not Suppression.objects.exists() and not Contact.objects.exists()
        waiting = QuarantinedOptOut.objects.get()
        assert (waiting.cause, waiting.optout_list.is_global) == (RefusalCause.HONEYPOT, True)
        assert AGAIN_FIELD in form_fields(page)

        answer = client.press(page, path)
        assert answer.status_code == 303
        assert places() == [(0, NUMBER)]
        assert Contact.objects.get().address == NUMBER
        waiting.refresh_from_db()
        assert waiting.verdict == Verdict.ACCEPTED

    def test_too_many_from_one_place_wait_in_quarantine(self, optout_list: List) -> None:
        """S0.12; what waits is accepted by itself, and then the contact is made too."""
        List.objects.update(limit_form=2)
        path = open_path(optout_list)
        # nobody types a number within a second, and who does is met by the other limits
        token = make_form_token(optout_list.pk, datetime.now(UTC) - timedelta(seconds=9))
        for at in range(2):
            answer = PublicClient().send(path, {"t": token, "item": f"+1415555260{at}"})
            assert answer.status_code == 303

        page = PublicClient().send(path, {"t": token, "item": NUMBER})

        assert (page.status_code, page.headers["Optout-Status"]) == (429, "quarantined")
        waiting = QuarantinedOptOut.objects.get()
        assert (waiting.address, waiting.cause) == (NUMBER, RefusalCause.ADDRESS_LIMIT)
        assert not Contact.objects.filter(address=NUMBER).exists()

        assert accept_overdue(datetime.now(UTC) + timedelta(days=8)) == 1

        assert (0, NUMBER) in places()
        assert Contact.objects.get(address=NUMBER).realm == optout_list.realm
        row = OptOut.objects.get(address=NUMBER)
        assert (row.channel, row.optout_list.is_global) == (Channel.SMS_LINK, True)
        assert row.evidence is not None and row.evidence["list"] == 1

    def test_what_is_accepted_of_other_channels_makes_no_contact(self, optout_list: List) -> None:
        from optout.quarantine import quarantine_optout

        intent = make.make_intent(optout_list, NUMBER, requested_at=datetime.now(UTC))
        quarantine_optout(intent, RefusalCause.ADDRESS_LIMIT)

        assert accept_overdue(datetime.now(UTC) + timedelta(days=8)) == 1
        assert Suppression.objects.exists() and not Contact.objects.exists()


@pytest.mark.django_db
class TestUndo:
    def test_it_takes_back_all_texts(self, realm: Realm, optout_list: List) -> None:
        elsewhere = make.make_list(realm, 2)
        for each in (optout_list, elsewhere):
            make.make_subscription(each, NUMBER)
        address = press(own_path(optout_list)).headers["Location"]

        answer = PublicClient().send(address)

        assert answer.status_code == 303
        assert places() == []
        lift = OptOut.objects.get(kind=Kind.LIFT)
        assert lift.optout_list.is_global and lift.is_new
        assert Subscription.objects.count() == 2
        assert Contact.objects.get().address == NUMBER  # who was made a contact stays one
        page = PublicClient().get(answer.headers["Location"])
        assert heading(page) == "You are back on the list"
        assert parse(page.content.decode()).links[0] == open_path(optout_list)

    def test_it_takes_back_one_list(self, one_list_only: List) -> None:
        address = press(own_path(one_list_only)).headers["Location"]

        PublicClient().send(address)

        assert places() == []

    def test_it_keeps_what_was_out_before(self, optout_list: List) -> None:
        make.make_optout(optout_list, NUMBER)
        address = press(own_path(optout_list)).headers["Location"]

        page = PublicClient().get(PublicClient().send(address).headers["Location"])

        assert places() == [(1, NUMBER)]
        assert heading(page) == "You are still unsubscribed"

    def test_a_second_request_is_not_undone_by_the_first_ones_page(self, optout_list: List) -> None:
        """AT-46."""
        client, path = PublicClient(), own_path(optout_list)
        first, _second = (
            client.send(path, {"t": make_form_token(optout_list.pk, shown)}).headers["Location"]
            for shown in (datetime.now(UTC) - timedelta(seconds=9), datetime.now(UTC))
        )

        client.send(first)

        assert places() == [(0, NUMBER)]
