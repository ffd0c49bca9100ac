"""What the hosted pages say in each case, and that it is so: nobody reads what did not happen."""

from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from lists.lookup import snapshot
from lists.models import List, Logo, Realm
from optout.choices import Assurance, Channel, Kind
from optout.models import OptOut, QuarantinedOptOut, Suppression
from optout.pages import country_code
from optout.texts import thank_you_text
from tests import make
from tests.pages import (
    BROWSER,
    LARGEST_PAGE,
    SERVER,
    PublicClient,
    form_fields,
    parse,
    signed_path,
)

JANE = "jane@example.com"
NEUTRAL = (
    "If that was your only request to unsubscribe, you will get the messages again. "
    "Any other request stays in force."
)


def text_of(page: Any) -> str:
    return " ".join(parse(page.content.decode()).text.split())


def heading(page: Any) -> str:
    return page.content.decode().partition("<h1>")[2].partition("</h1>")[0]


def opt_out(optout_list: List, query: str = "", **fields: str) -> str:
    """Opt out by the form; the done page's address."""
    client, path = PublicClient(), f"/u/{optout_list.public_id}{query}"
    return client.press(client.get(path), path, item=JANE, **fields).headers["Location"]


def opt_out_signed(optout_list: List, **fields: str) -> str:
    """Opt out by the signed link; the done page's address."""
    client, path = PublicClient(), signed_path(optout_list.pk)
    return client.press(client.get(path), path, **fields).headers["Location"]


def undo(done: str) -> Any:
    """Press Undo; the page that follows."""
    return PublicClient().get(PublicClient().send(done).headers["Location"])


@pytest.mark.django_db
class TestWhichThankYouText:
    """S0.8: the list's in the reader's language, else the realm's, else Heed's own; never one that they cannot read."""

    @pytest.mark.parametrize(
        ("of_list", "of_realm", "expected"),
        [
            ({"de": "Liste"}, {"de": "Reich"}, "Liste"),
            ({"en": "List"}, {"de": "Reich"}, "Reich"),
            ({"en": "List"}, {"en": "Realm"}, "Sie bekommen keine Nachrichten von"),
            ({"de": "  "}, {"en": "Realm"}, "Sie bekommen keine Nachrichten von"),
            ({}, {}, "Sie bekommen keine Nachrichten von"),
        ],
    )
    def test_a_german_reader_reads_german(
        self,
        realm: Realm,
        of_list: dict[str, str],
        of_realm: dict[str, str],
        expected: str,
    ) -> None:
        realm.thank_you_texts = of_realm
        realm.save(update_fields=["thank_you_texts"])
        optout_list = make.make_list(realm, thank_you_texts=of_list)

        text = text_of(PublicClient().get(opt_out(optout_list, "?lang=de")))

        assert expected in text
        assert "List " not in text and "Realm" not in text

    def test_a_list_that_redirects_follows_the_same_rule(self, realm: Realm) -> None:
        optout_list = make.make_list(
            realm, thank_you_texts={"en": "Bye!"}, redirect_url="https://shop.example/bye"
        )

        page = PublicClient().get(opt_out(optout_list, "?lang=de"))

        assert page.headers["Refresh"] == "0; url=https://shop.example/bye"
        assert "Bye!" not in text_of(page)
        assert "Sie bekommen keine Nachrichten von" in text_of(page)

    def test_a_language_that_heed_does_not_speak_gets_the_lists_default(
        self, optout_list: List
    ) -> None:
        List.objects.update(thank_you_texts={"en": "Bye!"}, default_language="en")

        found = thank_you_text(snapshot(optout_list), "ja")

        assert found is not None and found.language == "en"
        assert thank_you_text(snapshot(optout_list), "de") is None


@pytest.mark.django_db
class TestEverythingStopped:
    @pytest.mark.parametrize("texts", [{}, {"en": "Bye for now!"}])
    def test_the_done_page_says_so_beside_the_owners_text(
        self, optout_list: List, texts: dict[str, str]
    ) -> None:
        List.objects.update(thank_you_texts=texts)

        text = text_of(PublicClient().get(opt_out(optout_list, scope="sender")))

        assert "You will get nothing more from Acme Garden." in text
        assert all(each in text for each in texts.values())

    def test_so_does_do_not_mail(self, realm: Realm) -> None:
        everything = make.do_not_mail(realm)
        List.objects.update(thank_you_texts={"en": "Bye for now!"})

        text = text_of(PublicClient().get(opt_out(everything)))

        assert "Bye for now! You will get nothing more from Acme Garden." in text

    def test_without_the_tick_it_is_not_said(self, optout_list: List) -> None:
        List.objects.update(thank_you_texts={"en": "Bye for now!"})

        assert "nothing more" not in text_of(PublicClient().get(opt_out(optout_list)))


@pytest.mark.django_db
class TestUndone:
    def test_who_typed_an_address_reads_what_holds_in_every_case(self, optout_list: List) -> None:
        page = undo(opt_out(optout_list))

        assert heading(page) == "Your request was taken back"
        assert NEUTRAL in text_of(page)

    def test_by_a_signed_link_one_is_told_to_be_back(self, optout_list: List) -> None:
        page = undo(opt_out_signed(optout_list))

        assert heading(page) == "You are back on the list"
        assert "You will go on getting messages from Garden letters." in text_of(page)

    def test_by_a_signed_link_one_is_told_what_is_still_in_force(
        self, realm: Realm, optout_list: List
    ) -> None:
        done = opt_out_signed(optout_list)
        make.make_optout(make.do_not_mail(realm))

        page = undo(done)

        assert heading(page) == "You are still unsubscribed"
        assert "You asked us on 4 March 2026 to stop everything from Acme Garden." in text_of(page)

    def test_what_was_out_before_is_named(self, optout_list: List) -> None:
        """The page was open already when the address went out."""
        client, path = PublicClient(), signed_path(optout_list.pk)
        page = client.get(path)
        make.make_optout(optout_list)

        page = undo(client.press(page, path, scope="sender").headers["Location"])

        assert heading(page) == "You are still unsubscribed"
        assert "from Garden letters since 4 March 2026." in text_of(page)
        assert Suppression.objects.get().optout_list == optout_list

    def test_do_not_mail_is_no_list_that_one_is_back_on(self, realm: Realm) -> None:
        page = undo(opt_out_signed(make.do_not_mail(realm)))

        assert heading(page) == "Your request was taken back"
        assert "Acme Garden may send you messages again." in text_of(page)

    def test_after_24_hours_the_button_claims_nothing(self, optout_list: List) -> None:
        with time_machine.travel(make.NOW, tick=False) as clock:
            done = opt_out(optout_list)
            clock.shift(timedelta(hours=24, seconds=1))
            page = undo(done)

        assert heading(page) == "You are unsubscribed"
        assert Suppression.objects.count() == 1

    @pytest.mark.parametrize("state", ["undone", "done"])
    def test_a_closed_list_does_not_contradict_it(self, optout_list: List, state: str) -> None:
        List.objects.update(closed_at=timezone.now())
        done = opt_out(optout_list)

        text = text_of(undo(done) if state == "undone" else PublicClient().get(done))

        assert "This list is closed." in text
        assert ("Your request is still saved." in text) == (state == "done")


@pytest.mark.django_db
class TestClosedList:
    @pytest.mark.parametrize("query", ["", f"?item={JANE}"])
    def test_before_sending_one_reads_that_it_still_works(
        self, optout_list: List, query: str
    ) -> None:
        List.objects.update(closed_at=timezone.now())

        page = PublicClient().get(f"/u/{optout_list.public_id}{query}")

        said = "This list is closed. You can still unsubscribe; we will save your request."
        assert said in text_of(page)
        assert "still saved" not in text_of(page)


@pytest.mark.django_db
class TestTooMany:
    def test_who_was_refused_need_not_come_back(self, optout_list: List) -> None:
        List.objects.update(limit_form=1)
        client, path = PublicClient(), f"/u/{optout_list.public_id}"
        with time_machine.travel(make.NOW, tick=False) as clock:
            page = client.get(path)
            clock.shift(timedelta(seconds=5))
            answers = [client.press(page, path, item=f"p{n}@example.com") for n in range(2)]

        text = text_of(answers[1])
        assert answers[1].status_code == 429
        assert heading(answers[1]).startswith("Please try again in ")
        assert "We kept your request; you need not send it again." in text
        assert "You only need to wait if you want to unsubscribe another address." in text
        assert QuarantinedOptOut.objects.get().address == "p1@example.com"


@pytest.mark.django_db
class TestAlready:
    def test_who_still_gets_mail_can_stop_everything(self, realm: Realm, optout_list: List) -> None:
        make.make_optout(optout_list)
        client, path = PublicClient(), signed_path(optout_list.pk)

        page = client.get(path)
        assert "Stop everything from Acme Garden" in text_of(page)
        done = client.get(client.press(page, path).headers["Location"])

        assert "You will get nothing more from Acme Garden." in text_of(done)
        row = OptOut.objects.get(optout_list=make.do_not_mail(realm))
        assert (row.kind, row.channel) == (Kind.OPT_OUT, Channel.SIGNED_LINK)
        assert row.assurance == Assurance.SIGNED

    def test_another_site_cannot_press_that_button(self, optout_list: List) -> None:
        """AT-02."""
        make.make_optout(optout_list)
        client, path = PublicClient(), signed_path(optout_list.pk)
        fields = form_fields(client.get(path))

        assert client.send(path, {**fields, "t": "x"}).status_code == 400
        page = client.send(path, fields, headers={"sec-fetch-site": "cross-site"})

        assert page.status_code == 403
        assert form_fields(page)["scope"] == "sender"
        assert OptOut.objects.count() == 1

    def test_where_everything_is_stopped_there_is_nothing_to_offer(self, realm: Realm) -> None:
        everything = make.do_not_mail(realm)
        make.make_optout(everything)

        page = PublicClient().get(signed_path(everything.pk))

        assert b"<form" not in page.content
        assert "There is nothing more to do." in text_of(page)


@pytest.mark.django_db
class TestUnfilledMergeTag:
    TAGS = (
        "{item}",
        "{{ email }}",
        "{{contact.email}}",
        "*|EMAIL|*",
        "[[email]]",
        "[email]",
        "%EMAIL%",
        "%%emailaddr%%",
        "%recipient.email%",
        "${email}",
        "{$email}",
        "<%= email %>",
        "#email#",
        "*|HTML:EMAIL|*",
    )

    @pytest.mark.parametrize("tag", TAGS)
    @pytest.mark.parametrize("mode", ["confirm", "instant"])
    def test_the_reader_gets_the_empty_form(self, optout_list: List, tag: str, mode: str) -> None:
        """It is the sender's mistake: the reader has nothing to mend (S0.5)."""
        List.objects.update(direct_link_mode=mode)

        page = PublicClient().get(f"/u/{optout_list.public_id}", query_params={"item": tag})

        assert page.status_code == 200
        assert heading(page) == "Unsubscribe from <bdi>Garden letters</bdi>"
        assert form_fields(page)["item"] == ""
        assert "problem" not in text_of(page)
        assert not [link for link in parse(page.content.decode()).links if "item=" in link]
        assert "Optout-Status" not in page.headers

    def test_the_form_works_from_there(self, optout_list: List) -> None:
        opt_out(optout_list, "?item=%7Bitem%7D")

        assert OptOut.objects.get().assurance == Assurance.TYPED

    @pytest.mark.parametrize(
        "item", ["jane@example", "jane", "{item}@example", "{", "{}", "#12#", "[1]", "x{item}"]
    )
    def test_what_somebody_may_have_typed_is_still_an_error(
        self, optout_list: List, item: str
    ) -> None:
        page = PublicClient().get(f"/u/{optout_list.public_id}", query_params={"item": item})

        assert page.status_code == 400
        assert form_fields(page)["item"] == item

    def test_a_server_is_told_its_mistake(self, optout_list: List) -> None:
        path = f"/u/{optout_list.public_id}?item=%7Bitem%7D"

        assert PublicClient(SERVER).get(path).status_code == 400
        List.objects.update(whitelist=["192.0.2.0/24"])
        assert PublicClient(SERVER).get(path).status_code == 400


@pytest.mark.django_db
class TestHint:
    @pytest.mark.parametrize("accepts", ["phone", "either"])
    @pytest.mark.parametrize(("region", "code"), [("DE", "+49"), ("US", "+1"), ("SA", "+966")])
    def test_a_phone_number_is_asked_for_with_its_country_code(
        self, realm: Realm, accepts: str, region: str, code: str
    ) -> None:
        realm.default_region = region
        realm.save(update_fields=["default_region"])
        optout_list = make.make_list(realm, accepts=accepts)

        page = PublicClient().get(f"/u/{optout_list.public_id}")

        assert f"with its country code, like {code}." in text_of(page)

    def test_a_list_of_emails_does_not_speak_of_phones(self, optout_list: List) -> None:
        assert "country code" not in text_of(PublicClient().get(f"/u/{optout_list.public_id}"))

    @pytest.mark.parametrize("region", ["", "ZZ", "XX"])
    def test_a_region_without_numbers_has_no_example(self, region: str) -> None:
        assert country_code(region) == ""


@pytest.mark.django_db
class TestDescription:
    @pytest.mark.parametrize("query", ["", f"?item={JANE}"])
    def test_it_stands_under_the_heading(self, optout_list: List, query: str) -> None:
        List.objects.update(description="Seeds & <b>tools</b>, once a week.")

        html = PublicClient().get(f"/u/{optout_list.public_id}{query}").content.decode()

        after = html.partition("</h1>")[2].lstrip()
        said = "Seeds &amp; &lt;b&gt;tools&lt;/b&gt;, once a week."
        assert after.startswith(f'<p class="soft" dir="auto">{said}</p>')

    def test_without_one_there_is_no_empty_line(self, optout_list: List) -> None:
        page = PublicClient().get(f"/u/{optout_list.public_id}")

        assert b'dir="auto"' not in page.content

    @pytest.mark.parametrize("lang", ["en", "de", "ar"])
    @pytest.mark.parametrize("letters", ["abcd ", "äöüß ", "عربي ", "l'é. "])
    def test_the_longest_one_keeps_the_page_small(
        self, realm: Realm, lang: str, letters: str
    ) -> None:
        optout_list = make.make_list(
            realm,
            name=letters * 16,
            sender_name=letters * 8,
            description=letters * 60,
            accepts="either",
            colour="#1d4ed8",
            contact="help@shop.example",
            privacy_url="https://shop.example/privacy",
            closed_at=timezone.now(),
        )
        for query in ("?", f"?item={JANE}&", f"?item={'x' * 40}&"):
            page = PublicClient().get(f"/u/{optout_list.public_id}{query}lang={lang}")
            assert page.status_code in {200, 400}
            assert len(page.content) <= LARGEST_PAGE

    def test_it_is_cut_only_where_there_is_no_room(self, realm: Realm) -> None:
        long = "Great letters. " * 19 + "The end."
        optout_list = make.make_list(realm, description=long, accepts="either")
        assert long in text_of(PublicClient().get(f"/u/{optout_list.public_id}"))

        List.objects.update(name="'" * 100, sender_name="ä" * 60)
        text = text_of(PublicClient().get(f"/u/{optout_list.public_id}"))

        assert long not in text and "Great letters. Great" in text
        assert "letters.… Email" in text or "Great… Email" in text


@pytest.mark.django_db
class TestOwnersWords:
    """S0.8: in the reader's language, where the owner wrote it."""

    TEXTS = {
        "name": {"de": "Gartenbriefe", "ar": "رسائل الحديقة"},
        "description": {"de": "Jede Woche ein Beet."},
        "message": {
            "en": "You can also change how often: https://acme.example/how",
            "de": "Schade!",
        },
    }

    @pytest.mark.parametrize("query", ["", f"&item={JANE}"])
    def test_a_list_has_its_name_and_description_in_each_language(
        self, optout_list: List, query: str
    ) -> None:
        List.objects.update(own_texts=self.TEXTS, description="One bed a week.")
        path = f"/u/{optout_list.public_id}?{query}"

        german = PublicClient().get(f"{path}&lang=de")
        assert "<bdi>Gartenbriefe</bdi>" in heading(german)
        assert parse(german.content.decode()).title.startswith("Abmelden – Gartenbriefe")
        assert "Jede Woche ein Beet." in text_of(german)
        arabic = PublicClient().get(f"{path}&lang=ar")
        assert "<bdi>رسائل الحديقة</bdi>" in heading(arabic)
        assert "One bed a week." in text_of(arabic)
        assert "<bdi>Garden letters</bdi>" in heading(PublicClient().get(f"{path}&lang=fr"))

    def test_so_has_the_done_page(self, optout_list: List) -> None:
        List.objects.update(own_texts=self.TEXTS)

        assert "Gartenbriefe" in text_of(PublicClient().get(opt_out(optout_list, "?lang=de")))

    @pytest.mark.parametrize("query", ["", f"&item={JANE}"])
    def test_the_message_is_read_where_somebody_decides(
        self, optout_list: List, query: str
    ) -> None:
        List.objects.update(own_texts=self.TEXTS)
        path = f"/u/{optout_list.public_id}?{query}"

        english = PublicClient().get(path)
        assert "https://acme.example/how" in parse(english.content.decode()).links
        german = PublicClient().get(f"{path}&lang=de").content.decode()
        assert '<div class="own" lang="de"><p dir="auto">Schade!</p></div>' in german
        french = PublicClient().get(f"{path}&lang=fr").content.decode()
        assert '<div class="own" lang="en">' in french
        assert "change how often" not in text_of(PublicClient().get(opt_out(optout_list)))

    @pytest.mark.parametrize("letters", ["abcd ", "عربي ", "l'é. ", "https://acme.example/a "])
    def test_the_longest_message_keeps_the_page_small(self, realm: Realm, letters: str) -> None:
        message = {"en": (letters * 80)[:300]}
        optout_list = make.make_list(
            realm,
            name="Letters from the garden",
            description="Seeds and tools. " * 17,
            own_texts={"message": message},
            accepts="either",
            colour="#1d4ed8",
            contact="help@shop.example",
            privacy_url="https://shop.example/privacy",
        )
        for lang in ("en", "de", "ar"):
            page = PublicClient().get(f"/u/{optout_list.public_id}?item=x&lang={lang}")
            assert page.status_code == 400
            assert letters.strip() in text_of(page)


@pytest.mark.django_db
class TestLogo:
    PIXELS = b"a picture, for all that the page knows"

    @pytest.mark.parametrize(
        ("width", "header"),
        [
            (240, '<img class="logo" src="{src}" alt="Acme Garden" width="240" height="60">'),
            (
                60,
                '<img class="logo" src="{src}" alt="" width="60" height="60"><bdi>Acme Garden</bdi>',
            ),
        ],
    )
    def test_it_stands_for_the_initial_and_a_broad_one_for_the_name_too(
        self, optout_list: List, width: int, header: str
    ) -> None:
        Logo.objects.create(
            realm=optout_list.realm,
            image=self.PIXELS,
            media_type="image/png",
            width=width,
            height=60,
        )
        src = "data:image/png;base64," + b64encode(self.PIXELS).decode()

        page = PublicClient().get(f"/u/{optout_list.public_id}")

        assert f"<header>{header.format(src=src)}</header>" in page.content.decode()
        assert b".mark{" not in page.content and b".logo{" in page.content
        assert "img-src 'self' data:;" in page.headers["Content-Security-Policy"]

    def test_without_one_nothing_is_sent_for_it(self, optout_list: List) -> None:
        page = PublicClient().get(f"/u/{optout_list.public_id}")

        assert b"<img" not in page.content and b".logo{" not in page.content


@pytest.mark.django_db
class TestFooter:
    def test_a_broken_link_has_none(self) -> None:
        page = PublicClient(BROWSER).get("/u/nothing")

        assert page.status_code == 404
        assert b"<footer" not in page.content

    def test_a_list_has_one(self, optout_list: List) -> None:
        assert b"<footer" in PublicClient().get(f"/u/{optout_list.public_id}").content
