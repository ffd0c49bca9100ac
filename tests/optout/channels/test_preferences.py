"""The preference page over HTTP. What it offers and what Save changes, row by row: tests/optout/test_preference_choices.py."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine

from lists.choices import Accepts
from lists.models import Contact, List, Realm, Subscription
from optout.choices import Assurance, Channel, Kind, Reason
from optout.links import JOIN, OPT_OUT, PREFERENCES, make_token, signed_url
from optout.models import Consent, OptOut, Suppression
from optout.tokens import make_form_token
from tests import make
from tests.optout.channels.cases import JANE, ChannelCases, Target, assert_nothing_recorded
from tests.optout.test_pages import heading, text_of
from tests.pages import BROWSER, ONE_CLICK, PROVIDER, SERVER, PublicClient, parse

PHONE = "+14155552671"
_BOX = re.compile(r'<input type="checkbox" name="l" value="(\d+)"( checked)?>.*?<bdi>(.*?)</bdi>')


def path_of(optout_list: List | int, address: str = JANE) -> str:
    list_id = optout_list if isinstance(optout_list, int) else optout_list.pk
    return f"/p/{make_token(list_id, address, PREFERENCES)}"


def open_page(optout_list: List, address: str = JANE, client: PublicClient | None = None) -> Any:
    return (client or PublicClient()).get(path_of(optout_list, address))


def ticks(page: Any) -> dict[str, bool]:
    """The boxes of a page by the names of their lists, in their order."""
    found = _BOX.findall(page.content.decode())
    return {unescape(name): bool(checked) for _id, checked, name in found}


def form_of(page: Any, **ticked: bool) -> str:
    """What a browser sends after these boxes (`Garden_letters=True`) were ticked or unticked."""
    html = page.content.decode()
    changed = {name.replace("_", " "): is_ticked for name, is_ticked in ticked.items()}
    assert changed.keys() <= ticks(page).keys()
    form = html.partition("<form")[2].partition("</form>")[0]
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
    boxes = [
        ("l", list_id)
        for list_id, checked, name in _BOX.findall(form)
        if changed.get(unescape(name), bool(checked))
    ]
    return "&".join(f"{name}={value.replace(' ', '+')}" for name, value in [*hidden, *boxes])


def save(optout_list: List, address: str = JANE, **ticked: bool) -> Any:
    """Open the page, tick and untick, press Save; the page after it."""
    client, path = PublicClient(), path_of(optout_list, address)
    answer = client.send(path, form_of(client.get(path), **ticked), headers=SAME_ORIGIN)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(path)
    return client.get(answer.headers["Location"])


def everything_form(page: Any) -> str:
    html = page.content.decode()
    form = html.rpartition("<form")[2].partition("</form>")[0]
    return "&".join(
        f"{name}={value}"
        for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
    )


SAME_ORIGIN = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def flash(realm: Realm) -> List:
    return make.make_list(realm, 2, "Flash sales")


class TestUnsubscribingFromEverything(ChannelCases):
    """What every channel owes, by the quiet button."""

    channel = Channel.PREFERENCES
    assurance = Assurance.SIGNED

    def send(self, target: Target) -> Any:
        path = path_of(target.list_id, target.item)
        path = path[:-3] + "AAA" if target.is_forged else path
        token = make_form_token(target.list_id, datetime.now(UTC))
        return PublicClient().send(path, {"t": token, "scope": "sender"})

    def suppressed_on(self, optout_list: List) -> List:
        return make.do_not_mail(optout_list.realm)

    def test_it_leads_to_the_done_page_of_the_links_own_list_with_undo(
        self, realm: Realm, optout_list: List, flash: List
    ) -> None:
        List.objects.filter(pk=optout_list.pk).update(
            colour="#b45309", thank_you_texts={"en": "Farewell."}
        )
        make.make_contact(realm, JANE, optout_list, flash)
        client, path = PublicClient(), path_of(optout_list)
        answer = client.send(path, everything_form(client.get(path)), headers=SAME_ORIGIN)

        done = client.get(answer.headers["Location"])
        assert heading(done) == "You are unsubscribed"
        assert "You will get nothing more from Acme Garden." in text_of(done)
        assert "ja•••@example.com" in text_of(done)
        assert "Farewell." in text_of(done) and "#b45309" in done.content.decode()
        assert not Subscription.objects.exists()
        row = OptOut.objects.get()
        assert (row.evidence or {})["list"] == optout_list.number

        undone = client.send(answer.headers["Location"])
        assert heading(client.get(undone.headers["Location"])) == "Your request was taken back"
        assert not Suppression.objects.exists()
        assert Subscription.objects.count() == 2
        page = client.get(undone.headers["Location"])
        assert "Acme Garden may send you messages again." in text_of(page)
        again = str(
            re.findall(r'href="[^"]*(/p/[^"]+)">Unsubscribe again', page.content.decode())[0]
        )
        assert "Unsubscribe from everything" in text_of(client.get(again))

    def test_undone_after_coming_back_to_one_list_it_promises_nothing_of_the_others(
        self, realm: Realm, optout_list: List, flash: List
    ) -> None:
        make.make_contact(realm, JANE, optout_list, flash)
        client, path = PublicClient(), path_of(flash)
        answer = client.send(path, everything_form(client.get(path)), headers=SAME_ORIGIN)
        save(optout_list, Flash_sales=True)
        undone = client.send(answer.headers["Location"])

        page = client.get(undone.headers["Location"])
        assert heading(page) == "Your request was taken back"
        assert "Any other request stays in force." in text_of(page)
        assert "may send you messages again" not in text_of(page)
        assert Suppression.objects.get().optout_list == optout_list


@pytest.mark.django_db
class TestThePage:
    def test_it_shows_the_lists_with_what_they_are_and_how_often(
        self, realm: Realm, optout_list: List, flash: List
    ) -> None:
        List.objects.filter(pk=flash.pk).update(
            description="Last pieces at half the price.",
            frequency="Once a week",
            own_texts={"name": {"de": "Blitzangebote"}, "frequency": {"de": "Jede Woche"}},
        )
        page = open_page(optout_list)

        assert page.status_code == 200
        assert heading(page).endswith("<bdi>Acme Garden</bdi>")
        assert ticks(page) == {"Garden letters": True, "Flash sales": True}
        text = text_of(page)
        assert "Emails from Acme Garden" in text
        assert "ja•••@example.com" in text and JANE not in text
        assert "Last pieces at half the price." in text and "Once a week" in text
        assert "Save choices" in text and "Unsubscribe from everything" in text
        german = PublicClient().get(path_of(optout_list) + "?lang=de")
        assert list(ticks(german)) == ["Garden letters", "Blitzangebote"]
        assert "Jede Woche" in text_of(german)

    def test_it_has_the_owners_message(self, optout_list: List) -> None:
        own_texts = {"message": {"en": "We write on Fridays.", "de": "Wir schreiben freitags."}}
        List.objects.update(own_texts=own_texts)

        said = text_of(open_page(optout_list))
        assert said.index("ja•••@example.com") < said.index("We write on Fridays.")

    def test_to_a_phone_it_is_about_texts(self, realm: Realm, optout_list: List) -> None:
        make.make_list(realm, 2, "Flash texts", accepts=Accepts.PHONE)
        page = open_page(optout_list, PHONE)

        assert "Texts from Acme Garden" in text_of(page)
        assert "+1 ••• ••71" in text_of(page)
        assert list(ticks(page)) == ["Garden letters", "Flash texts"]

    def test_an_address_that_nobody_knows_gets_the_same_kind_of_page(
        self, realm: Realm, optout_list: List
    ) -> None:
        make.make_contact(realm, JANE, optout_list)

        pages = [open_page(optout_list, each) for each in (JANE, "jade@example.com")]
        assert ticks(pages[0]) == ticks(pages[1])

    def test_who_stopped_everything_is_told_since_when(
        self, realm: Realm, optout_list: List, flash: List
    ) -> None:
        make.make_optout(make.do_not_mail(realm))
        page = open_page(optout_list)

        assert ticks(page) == {"Garden letters": False, "Flash sales": False}
        since = re.search(
            r"You asked us on (.*) to stop everything from Acme Garden\.", text_of(page)
        )
        assert since is not None and "March" in since[1]
        assert "Unsubscribe from everything" not in text_of(page), "nothing more can be stopped"

    def test_whom_a_legal_reason_keeps_out_gets_no_boxes(
        self, realm: Realm, optout_list: List, flash: List
    ) -> None:
        make.make_optout(make.do_not_mail(realm), reason=Reason.LEGAL)
        page = open_page(optout_list)

        assert ticks(page) == {}
        assert "to stop everything from Acme Garden." in text_of(page)
        assert b"<button" not in page.content

    def test_by_way_of_do_not_mail_it_shows_the_lists(
        self, realm: Realm, optout_list: List
    ) -> None:
        assert ticks(open_page(make.do_not_mail(realm))) == {"Garden letters": True}

    def test_where_no_list_is_shown_everything_can_be_stopped(
        self, realm: Realm, optout_list: List
    ) -> None:
        List.objects.update(shown_in_preferences=False)
        page = open_page(make.do_not_mail(realm))

        assert ticks(page) == {}
        assert "Save choices" not in text_of(page)
        assert "Unsubscribe from everything" in text_of(page)

    def test_of_a_closed_list_it_says_nothing(self, optout_list: List, flash: List) -> None:
        List.objects.filter(pk=optout_list.pk).update(closed_at=make.NOW)
        page = open_page(optout_list)

        assert ticks(page) == {"Flash sales": True}
        assert "closed" not in text_of(page)

    def test_it_takes_one_query(
        self, settings: Any, realm: Realm, optout_list: List, django_assert_num_queries: Any
    ) -> None:
        settings.LIST_CACHE_SECONDS = 60
        for number in range(2, 40):
            make.make_list(realm, number, f"List {number}", shown_in_preferences=number < 9)
        open_page(optout_list)

        with django_assert_num_queries(1):
            open_page(optout_list)

    def test_opening_it_writes_nothing(self, realm: Realm, optout_list: List) -> None:
        """Whoever opens it, and whatever for: scanners, previews, HEAD."""
        make.make_optout(make.do_not_mail(realm))
        path = path_of(optout_list)
        for headers in (
            BROWSER,
            SERVER,
            {**BROWSER, "sec-purpose": "prefetch"},
            {**BROWSER, "user-agent": "BarracudaCentral/1.0"},
        ):
            client = PublicClient(headers)
            for query in ("", "?saved=1", "?l=1&was=2&scope=sender"):
                assert client.get(path + query).status_code == 200
                assert client.head(path + query).status_code == 200

        assert (OptOut.objects.count(), Suppression.objects.count()) == (1, 1)
        assert not Contact.objects.exists() and not Consent.objects.exists()


@pytest.mark.django_db
class TestSaving:
    def test_unticking_opts_out_of_that_list(
        self, realm: Realm, optout_list: List, flash: List
    ) -> None:
        make.make_contact(realm, JANE, optout_list, flash)
        page = save(optout_list, Flash_sales=False)

        assert "Your choices are saved." in text_of(page)
        assert ticks(page) == {"Garden letters": True, "Flash sales": False}
        row = OptOut.objects.get()
        assert (row.optout_list, row.kind, row.channel) == (
            flash,
            Kind.OPT_OUT,
            Channel.PREFERENCES,
        )
        assert (row.assurance, row.reason) == (Assurance.SIGNED, Reason.UNSUBSCRIBED)
        assert (row.address, row.ip) == (JANE, "192.0.2.7")
        assert row.left_lists == [flash.pk]
        assert not Consent.objects.exists()

    def test_ticking_brings_back(self, realm: Realm, optout_list: List, flash: List) -> None:
        make.make_contact(realm, JANE, optout_list)
        make.make_contact(realm, "other@example.com", flash)
        make.make_optout(flash)
        List.objects.filter(pk=flash.pk).update(description="Short offers.", frequency="Weekly")
        page = save(optout_list, Flash_sales=True)

        assert ticks(page) == {"Garden letters": True, "Flash sales": True}
        lift = OptOut.objects.get(kind=Kind.LIFT)
        assert (lift.channel, lift.reason) == (Channel.PREFERENCES, Reason.RETURNED)
        assert Subscription.objects.filter(optout_list=flash).count() == 2
        consent = Consent.objects.get()
        assert consent.optout_list == flash
        assert consent.wording == "Flash sales · Short offers. · Weekly · Save choices"
        assert (consent.language, consent.confirmed_ip) == ("en", "192.0.2.7")

    def test_unchanged_it_writes_nothing(
        self, realm: Realm, optout_list: List, flash: List, django_assert_num_queries: Any
    ) -> None:
        make.make_contact(realm, JANE, optout_list)
        make.make_optout(flash)
        client, path = PublicClient(), path_of(optout_list)
        form = form_of(client.get(path))

        with django_assert_num_queries(2):  # the list, as tests read it anew, and the choices
            client.send(path, form, headers=SAME_ORIGIN)
        assert OptOut.objects.count() == 1
        assert not Consent.objects.exists()

    def test_a_double_click_is_one(self, realm: Realm, optout_list: List, flash: List) -> None:
        make.make_contact(realm, JANE, optout_list)
        make.make_optout(flash)
        client, path = PublicClient(), path_of(optout_list)
        form = form_of(client.get(path), Garden_letters=False, Flash_sales=True)
        answers = [client.send(path, form, headers=SAME_ORIGIN) for _ in range(2)]

        assert {each.status_code for each in answers} == {303}
        assert ticks(client.get(path)) == {"Garden letters": False, "Flash sales": True}
        assert Suppression.objects.get().optout_list == optout_list
        lifts = OptOut.objects.filter(kind=Kind.LIFT)
        assert lifts.count() == Consent.objects.count() == 1

    def test_what_was_left_in_another_tab_stays_left(
        self, realm: Realm, optout_list: List, flash: List
    ) -> None:
        make.make_contact(realm, JANE, optout_list, flash)
        client, path = PublicClient(), path_of(optout_list)
        form = form_of(client.get(path), Garden_letters=False)
        make.make_optout(flash)
        client.send(path, form, headers=SAME_ORIGIN)

        assert Suppression.objects.count() == 2

    @pytest.mark.parametrize("everything", [False, True])
    def test_a_form_that_is_older_than_an_opt_out_lifts_nothing(
        self, realm: Realm, optout_list: List, flash: List, everything: bool
    ) -> None:
        """The Back button, a stale tab, the same bytes again: what it ticks is not brought back, what it unticks is left."""
        make.make_contact(realm, JANE, optout_list)
        make.make_contact(realm, "other@example.com", flash)
        make.make_optout(flash)
        client, path = PublicClient(), path_of(optout_list)
        form = form_of(client.get(path), Flash_sales=True)
        client.send(path, form, headers=SAME_ORIGIN)
        stale = form_of(client.get(path), Garden_letters=False)
        if everything:
            client.send(path, everything_form(client.get(path)), headers=SAME_ORIGIN)
        else:
            make.make_optout(flash, requested_at=datetime.now(UTC))

        for body, left in ((form, 0), (stale, 1)):
            answer = client.send(path, body, headers=SAME_ORIGIN)
            assert answer.headers["Location"] == f"{path}?changed=1"
            page = client.get(answer.headers["Location"])
            assert "You unsubscribed in the meantime" in text_of(page)
            assert "saved" not in text_of(page)
            assert ticks(page)["Flash sales"] is False
            own = Suppression.objects.filter(optout_list=optout_list)
            assert own.count() == left
        assert OptOut.objects.filter(kind=Kind.LIFT).count() == 1
        assert Subscription.objects.filter(optout_list=flash).count() == 1

        again = save(optout_list, Flash_sales=True)
        assert ticks(again)["Flash sales"] is True, "asked for anew"
        assert "Your choices are saved." in text_of(again)

    def test_of_an_address_that_nobody_knows_it_says_so_and_unticks_nothing(
        self, realm: Realm, optout_list: List, flash: List
    ) -> None:
        """A stranger who joins a list that its owner keeps elsewhere opts nobody out who saves without looking."""
        make.make_contact(realm, "stranger@example.com", flash)
        assert "We do not know which of these you get." in text_of(open_page(optout_list))
        page = save(optout_list)

        assert ticks(page) == {"Garden letters": True, "Flash sales": True}
        assert not OptOut.objects.exists()
        make.make_contact(realm, JANE, optout_list)
        page = open_page(optout_list)
        assert "We do not know" not in text_of(page)
        assert ticks(page) == {"Garden letters": True, "Flash sales": False}

    def test_the_language_is_kept(self, optout_list: List) -> None:
        client, path = PublicClient(), path_of(optout_list)
        form = form_of(client.get(f"{path}?lang=de"), Garden_letters=False)
        answer = client.send(path, form, headers=SAME_ORIGIN)

        assert answer.headers["Location"] == f"{path}?saved=1&lang=de"

    def test_it_is_never_limited(self, optout_list: List) -> None:
        """S0.12: what is signed is proved."""
        List.objects.update(limit_confirm=0, limit_block=0, limit_block_day=0, limit_form=0)
        for number in range(4):
            save(optout_list, f"jane{number}@example.com", Garden_letters=False)
        assert Suppression.objects.count() == 4


@pytest.mark.django_db
class TestRefusing:
    """A form that is not ours changes nothing, and the page is shown again."""

    @pytest.fixture
    def out_of_one(self, realm: Realm, optout_list: List, flash: List) -> List:
        make.make_contact(realm, JANE, optout_list)
        make.make_optout(flash)
        return optout_list

    def assert_refused(self, answer: Any, status: int) -> None:
        assert answer.status_code == status
        assert answer.headers["Optout-Status"] == "rejected"
        assert heading(answer).endswith("<bdi>Acme Garden</bdi>")
        assert "There is a problem" in text_of(answer)
        assert OptOut.objects.count() == 1
        assert Subscription.objects.count() == 1
        assert not Consent.objects.exists()

    @pytest.mark.parametrize("headers", [PROVIDER, SERVER, BROWSER])
    @pytest.mark.parametrize("body", [ONE_CLICK, "", "l=1&was=1", "scope=sender", "was="])
    def test_a_programs_post_never_saves(
        self, out_of_one: List, headers: dict[str, str], body: str
    ) -> None:
        """RFC 8058 is for links that unsubscribe."""
        self.assert_refused(PublicClient(headers).send(path_of(out_of_one), body), 400)

    @pytest.mark.parametrize("which", [form_of, everything_form])
    def test_another_site_cannot_press_the_button(self, out_of_one: List, which: Any) -> None:
        """AT-02. And what it ticked is not shown as if the reader had."""
        client, path = PublicClient(), path_of(out_of_one)
        form = which(client.get(path)).replace("l=", "x=")
        answer = client.send(path, form, headers={"sec-fetch-site": "cross-site"})

        self.assert_refused(answer, 403)
        assert ticks(answer) == {"Garden letters": True, "Flash sales": False}

    def test_after_a_week_it_is_shown_again_as_it_was_left(self, out_of_one: List) -> None:
        client, path = PublicClient(), path_of(out_of_one)
        now = datetime.now(UTC)
        with time_machine.travel(now - timedelta(days=8), tick=False):
            form = form_of(client.get(path), Garden_letters=False, Flash_sales=True)
        answer = client.send(path, form, headers=SAME_ORIGIN)

        self.assert_refused(answer, 400)
        assert ticks(answer) == {"Garden letters": False, "Flash sales": True}
        assert re.search(r'name="was" value="\d+"', answer.content.decode())
        again = client.send(path, form_of(answer), headers=SAME_ORIGIN)
        assert again.status_code == 303
        assert ticks(client.get(path)) == {"Garden letters": False, "Flash sales": True}

    def test_and_without_a_tick_that_has_become_wrong_since(
        self, realm: Realm, out_of_one: List
    ) -> None:
        """Pressed once more it would bring back what was left in the meantime."""
        client, path = PublicClient(), path_of(out_of_one)
        with time_machine.travel(datetime.now(UTC) - timedelta(days=8), tick=False):
            form = form_of(client.get(path))
        make.make_optout(out_of_one)
        answer = client.send(path, form, headers=SAME_ORIGIN)

        assert answer.status_code == 400
        assert ticks(answer) == {"Garden letters": False, "Flash sales": False}

    def test_a_token_of_another_list(self, realm: Realm, out_of_one: List, flash: List) -> None:
        form = form_of(open_page(flash))
        self.assert_refused(PublicClient().send(path_of(out_of_one), form), 400)

    @pytest.mark.parametrize("more", ["&was=1", "&t=x", "&scope=a&scope=b"])
    def test_what_says_two_things(self, out_of_one: List, more: str) -> None:
        """AT-35-43."""
        form = form_of(open_page(out_of_one), Garden_letters=False)
        self.assert_refused(PublicClient().send(path_of(out_of_one), form + more), 400)

    def test_more_fields_than_are_read(self, out_of_one: List) -> None:
        """Of which the last ones are perhaps ticked boxes."""
        form = form_of(open_page(out_of_one), Garden_letters=False)
        for body in ("&" * 100 + form, form + "&x=1" * 100):
            self.assert_refused(PublicClient().send(path_of(out_of_one), body), 400)

    def test_without_what_was_on(self, out_of_one: List) -> None:
        form = re.sub(r"&was=[^&]*", "", form_of(open_page(out_of_one)))
        self.assert_refused(PublicClient().send(path_of(out_of_one), form), 400)

    def test_lists_that_are_not_offered(self, out_of_one: List, realm: Realm) -> None:
        """Of another realm nothing happens; nobody puts oneself on a private or closed list, but may leave it."""
        make.make_list(realm, 3, "Private", shown_in_preferences=False)
        make.make_list(realm, 4, "Closed", closed_at=make.NOW)
        other = make.make_list(make.make_realm("other"), 9, "Other")
        ids = dict(List.objects.values_list("name", "pk"))
        form = form_of(open_page(out_of_one))
        client, path = PublicClient(), path_of(out_of_one)

        for name in ("Private", "Closed", "Other", "Do Not Mail"):
            client.send(path, f"{form}&l={ids[name]}")
        make.make_optout(List.objects.get(name="Private"))
        client.send(path, f"{form}&l={ids['Private']}")
        assert Suppression.objects.filter(optout_list__name="Private").exists()
        OptOut.objects.filter(optout_list__name="Private").delete()
        Suppression.objects.filter(optout_list__name="Private").delete()
        client.send(path, f"{form}&l=0&l=-1&l=%D9%A3&l=1_0&l=99999999999&l=x&l=")
        assert OptOut.objects.count() == 1 and not Consent.objects.exists()

        was = re.search(r"was=([^&]*)", form)
        assert was is not None
        more = f"{was[0]}+{ids['Private']}+{ids['Closed']}+{other.pk}+{ids['Do Not Mail']}"
        client.send(path, form.replace(was[0], more))
        left = Suppression.objects.exclude(optout_list__name="Flash sales")
        assert sorted(left.values_list("optout_list__name", flat=True)) == ["Closed", "Private"]


@pytest.mark.django_db
class TestTokens:
    @pytest.mark.parametrize("purpose", [OPT_OUT, JOIN])
    def test_a_link_for_another_purpose_opens_nothing(
        self, optout_list: List, purpose: bytes
    ) -> None:
        path = f"/p/{make_token(optout_list.pk, JANE, purpose)}"

        assert PublicClient().get(path).status_code == 404
        token = make_form_token(optout_list.pk, datetime.now(UTC))
        answer = PublicClient().send(path, {"t": token, "was": "", "scope": "sender"})
        assert answer.status_code == 404
        assert_nothing_recorded()

    def test_nor_does_this_one_elsewhere(self, optout_list: List) -> None:
        token = path_of(optout_list).removeprefix("/p/")
        assert signed_url(optout_list.pk, JANE).endswith(make_token(optout_list.pk, JANE))
        for door in ("o", "s", "j"):
            assert PublicClient().get(f"/{door}/{token}").status_code == 404
            assert PublicClient(PROVIDER).send(f"/{door}/{token}", ONE_CLICK).status_code == 404
        assert_nothing_recorded()

    def test_no_byte_of_it_can_be_changed(self, optout_list: List) -> None:
        """AT-04, AT-05."""
        path = path_of(optout_list)
        client = PublicClient()
        for at in range(len("/p/"), len(path)):
            other = "A" if path[at] != "A" else "B"
            assert client.get(path[:at] + other + path[at + 1 :]).status_code == 404

    def test_what_a_messenger_took_with_it_does_no_harm(self, optout_list: List) -> None:
        assert PublicClient().get(path_of(optout_list) + ").").status_code == 200


@pytest.mark.django_db
class TestWeight:
    """6 KB; descriptions give way, names never."""

    def fill(self, realm: Realm, lists: int, length: int) -> None:
        words = "Pruning & planting, <b>new</b> tools and what grows now. " * 40
        for number in range(2, lists + 2):
            make.make_list(
                realm,
                number,
                f"Letters of garden {number}",
                description=words[:length],
                frequency="Every week",
            )

    def test_ten_lists_with_long_descriptions(self, realm: Realm, optout_list: List) -> None:
        make.make_contact(realm, JANE, optout_list)
        self.fill(realm, 9, 300)
        for lang in ("en", "ar"):
            page = PublicClient().get(f"{path_of(optout_list)}?lang={lang}")
            assert len(ticks(page)) == 10
            assert "…" in text_of(page) and text_of(page).count("Every week") == 9
            assert len(page.content) > 5_500, "the room is used"

    def test_fifty_lists_may_weigh_more_and_have_their_names(
        self, realm: Realm, optout_list: List
    ) -> None:
        self.fill(realm, 60, 300)
        client = PublicClient()
        client.largest_page = 14 * 1024
        page = open_page(optout_list, client=client)

        assert len(ticks(page)) == 50
        assert "Pruning" not in text_of(page)
        assert parse(page.content.decode()).headings == ["h1"]
