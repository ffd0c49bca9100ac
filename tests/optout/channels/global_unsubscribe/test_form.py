"""The built-in form: what it shows, what its button does, what it refuses (S1.9–S1.18)."""

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from lists.models import List, Product, Realm
from optout.choices import Assurance, Channel, Kind, RefusalCause, Traffic, Verdict
from optout.guard import HONEYPOT_FIELD
from optout.models import GlobalLine, LimitCounter, OptOut, QuarantinedOptOut, Suppression
from optout.quarantine import accept_overdue
from optout.tokens import make_form_token
from tests import make
from tests.optout.channels.cases import ChannelCases, Target, assert_nothing_recorded
from tests.optout.channels.global_unsubscribe.calls import PATH
from tests.optout.channels.global_unsubscribe.forms import (
    CUSTOM,
    JANE,
    PHONE,
    form_path,
    heading,
    inputs_of,
    links_of,
    show,
    submit,
    text_of,
)
from tests.pages import LARGEST_PAGE, SERVER, PublicClient, form_fields, language_link, parse

MISSING = "Enter your email address or your phone number."


@pytest.fixture
def dnm(realm: Realm) -> List:
    """The Do Not Mail of a realm with its Global Unsubscribe switched on."""
    make.make_global_unsubscribe(realm)
    return make.do_not_mail(realm)


@pytest.mark.usefixtures("_it_is_on")
class TestGlobalForm(ChannelCases):
    """What every channel owes; a product leads to the list, and none to Do Not Mail."""

    channel = Channel.GLOBAL_FORM
    assurance = Assurance.TYPED
    forged_status = 400

    @pytest.fixture
    def _it_is_on(self, realm: Realm) -> None:
        make.make_global_unsubscribe(realm)

    def send(self, target: Target) -> Any:
        found = List.objects.filter(pk=target.list_id).select_related("realm").first()
        if found is None:
            return show(f"/g/nosuchkey00{PATH}")
        do_not_mail = make.do_not_mail(found.realm)
        number = 0
        if not found.is_global:
            values = {"optout_list": found, "name": found.name}
            number = Product.objects.get_or_create(
                realm=found.realm, number=found.pk, defaults=values
            )[0].number
        shown_at = datetime.now(UTC) - timedelta(seconds=9)
        token = make_form_token(do_not_mail.pk + target.is_forged, shown_at)
        path = form_path(f"/g/{found.realm.global_unsubscribe.key}{PATH}", productId=number)
        return PublicClient().send(path, {"email": target.item, "phoneNumber": "", "t": token})


@pytest.mark.usefixtures("dnm")
class TestWhatItShows:
    @pytest.mark.parametrize("more", [{}, {"responseType": "html"}, {"responseType": "xml"}])
    def test_by_itself_it_asks_for_email_and_phone(self, more: dict[str, str]) -> None:
        """S1.4, S1.11."""
        page = show(**more)

        assert page.status_code == 200
        assert inputs_of(page) == ["email", "phoneNumber"]
        assert heading(page) == "Stop emails and texts from <bdi>Acme Garden</bdi>"
        assert "Enter your email address, your phone number, or both." in text_of(page)
        assert_nothing_recorded()

    @pytest.mark.parametrize(
        ("fields", "shown", "said"),
        [
            ("phoneNumber,email", ["phoneNumber", "email"], "Stop emails and texts from"),
            ("email", ["email"], "Stop emails from"),
            ("phoneNumber", ["phoneNumber"], "Stop texts from"),
            ("email,,nonsense,email", ["email"], "Stop emails from"),
            ("customField1,email", ["customField1", "email"], "Stop emails from"),
            (
                "customField1",
                ["email", "phoneNumber", "customField1"],
                "Stop emails and texts from",
            ),
        ],
    )
    def test_it_shows_the_fields_that_are_asked_for_in_their_order(
        self, fields: str, shown: list[str], said: str
    ) -> None:
        """S1.11."""
        page = show(**CUSTOM | {"fields": fields})

        assert inputs_of(page) == shown
        assert heading(page).startswith(said)

    def test_a_custom_field_has_its_label_and_need_not_be_filled_in(self) -> None:
        """S1.12, S1.13."""
        page = show(
            **{"fields": "email,customField1,customField2", "fieldLabel[customField1]": "Country"}
        )

        assert inputs_of(page) == ["email", "customField1"]
        assert "The website that sent you here asks: Country (optional)" in text_of(page)

    def test_what_the_url_gives_is_filled_in_in_clear(self) -> None:
        page = show(email=JANE, phoneNumber=PHONE, customField1="Peru", **CUSTOM)

        fields = form_fields(page)
        assert page.status_code == 200
        assert (fields["email"], fields["phoneNumber"]) == (JANE, PHONE)
        assert fields["customField1"] == "Peru"

    @pytest.mark.parametrize("tag", ["{email}", "*|EMAIL|*", "NOT DEFINED", ""])
    def test_what_nobody_filled_in_is_nothing(self, tag: str) -> None:
        page = show(email=tag)

        assert page.status_code == 200
        assert form_fields(page)["email"] == ""

    def test_an_unusable_address_in_the_url_is_an_error_at_its_field(self) -> None:
        page = show(email="jane@example", phoneNumber=PHONE)

        assert page.status_code == 400
        assert page.headers["Optout-Status"] == "rejected"
        assert form_fields(page)["email"] == "jane@example"
        assert links_of(page)[0] == "#email"

    def test_the_labels_name_their_fields(self) -> None:
        html = show(**CUSTOM).content.decode()

        for name in ("email", "phoneNumber", "customField1", "customField2", "customField3"):
            assert f'<label for="{name}">' in html and f'<input id="{name}"' in html
        assert 'autocomplete="email"' in html and 'autocomplete="tel"' in html

    def test_a_get_changes_nothing(self) -> None:
        show(email=JANE, phoneNumber=PHONE)
        PublicClient().head(form_path(email=JANE))

        assert_nothing_recorded()

    def test_a_stored_forms_labels_are_the_owners(self, realm: Realm) -> None:
        """S1.16."""
        stored = make.make_form(
            realm,
            make.make_publisher(realm),
            fields=["email", "customField1"],
            labels={"customField1": "Which shop.example branch?"},
        )

        page = show(uuid=stored.uuid)

        assert inputs_of(page) == ["email", "customField1"]
        assert "Which shop.example branch? (optional)" in text_of(page)
        assert "The website that sent you here asks" not in text_of(page)
        foreign = show(uuid=stored.uuid, **{"fieldLabel[customField1]": "City"})
        assert "The website that sent you here asks: City" in text_of(foreign)


@pytest.mark.usefixtures("dnm")
class TestWhoseMessagesStop:
    """The heading may be of the link's making; what stops is said in the realm's own words (AT-15)."""

    @pytest.mark.parametrize(
        ("website", "shown"),
        [
            ("shop.example", "shop.example"),
            ("https://www.Shop.example/garden?x=1", "www.shop.example"),
            ("shop.example:8443/x", "shop.example"),
        ],
    )
    def test_a_website_is_named_by_its_host(self, website: str, shown: str) -> None:
        page = show(website=website)

        assert heading(page) == f"Stop emails and texts from <bdi>{shown}</bdi>"
        assert "This stops everything from Acme Garden." in text_of(page)

    @pytest.mark.parametrize(
        "website",
        [
            "",
            "shop",
            "192.0.2.7",
            "Your account is locked. Call 0800 123",
            "раураl.example",
            "xn--80ak6aa92e.example",
            "a" * 90 + ".example",
            "<b>shop</b>.example",
            "-shop.example",
            "shop..example",
        ],
    )
    def test_whatever_is_no_plain_host_name_is_not_shown(self, website: str) -> None:
        page = show(website=website)

        assert heading(page) == "Stop emails and texts from <bdi>Acme Garden</bdi>"

    @pytest.mark.parametrize("website", ["", "shop.example"])
    def test_a_product_of_a_list_stops_that_list(
        self, realm: Realm, optout_list: List, website: str
    ) -> None:
        make.make_product(realm, 5, optout_list)

        page = show(productId=5, website=website)

        assert "This stops Garden letters only, not other messages from Acme Garden." in text_of(
            page
        )


class TestNoForm:
    """Who comes from a website got no message, and holds no link that was cut off."""

    @pytest.mark.parametrize("path", [PATH, f"/g/nosuchkey00{PATH}"])
    @pytest.mark.parametrize(
        ("lang", "said"),
        [
            ("en", "This unsubscribe form does not work"),
            ("de", "Dieses Abmeldeformular funktioniert nicht"),
            ("ar", "نموذج إلغاء الاشتراك هذا لا يعمل"),
        ],
    )
    def test_it_says_where_to_ask(self, realm: Realm, path: str, lang: str, said: str) -> None:
        make.make_global_unsubscribe(realm, is_on=False)

        page = show(path, lang=lang)

        assert page.status_code == 404
        assert heading(page) == said
        assert not links_of(page)
        if lang == "en":
            assert "Go back to the website that sent you here" in text_of(page)
            assert "message" not in text_of(page) and "cut off" not in text_of(page)

    def test_a_program_is_told_in_a_line(self, db: None) -> None:
        answer = PublicClient(SERVER).get(PATH)

        assert answer.content == b"This unsubscribe form does not work."


@pytest.mark.usefixtures("dnm")
class TestItActs:
    @pytest.mark.parametrize("prefix", ["", "key"])
    def test_one_press_takes_both_addresses_and_all_that_the_link_said(
        self, realm: Realm, dnm: List, prefix: str
    ) -> None:
        """S1.1, S1.10, S1.15–S1.20."""
        make.make_product(realm, 7)
        make.make_publisher(realm, "p9")
        path = f"/g/{realm.global_unsubscribe.key}{PATH}" if prefix else PATH
        said = {"productId": "7", "pubID": "p9", "website": "https://Shop.example/", **CUSTOM}

        response = submit(
            {"email": JANE, "phoneNumber": "(415) 555-2671", "customField2": " Lima "},
            path,
            customField3="too often",
            **said,
        )

        assert response.status_code == 303
        assert response.headers["Optout-Status"] == "recorded"
        assert response.headers["Location"].startswith(
            path.replace("unsubscribe/unsubscribe", "unsubscribe/done?t=")
        )
        line = GlobalLine.objects.get()
        assert (line.email, line.phone, line.website) == (JANE, PHONE, "shop.example")
        assert (line.product_number, line.publisher, line.unsubscribe_count) == (7, "p9", 1)
        assert (line.custom1, line.custom2, line.custom3) == ("", "Lima", "too often")
        assert {each.address for each in Suppression.objects.filter(optout_list=dnm)} == {
            JANE,
            PHONE,
        }
        rows = OptOut.objects.order_by("id")
        assert {each.channel for each in rows} == {Channel.GLOBAL_FORM}
        assert [(each.evidence or {}).get("also") for each in rows] == [None, True]

    def test_pressing_again_counts_up(self) -> None:
        """S1.20."""
        for _ in range(2):
            submit({"email": JANE})

        assert GlobalLine.objects.get().unsubscribe_count == 2
        assert Suppression.objects.count() == 1

    @pytest.mark.parametrize("typed", [{"email": JANE}, {"phoneNumber": PHONE}])
    def test_one_of_the_two_is_enough(self, typed: dict[str, str]) -> None:
        """S1.14, S1.19: the other one is not given, and never an address."""
        assert submit(typed).status_code == 303

        line = GlobalLine.objects.get()
        assert [line.email, line.phone] == [typed.get("email", ""), typed.get("phoneNumber", "")]
        assert OptOut.objects.count() == 1

    @pytest.mark.parametrize(
        ("typed", "assurance"),
        [
            ({}, Assurance.PREFILLED),
            ({"email": "JANE@example.com "}, Assurance.PREFILLED),
            ({"email": "joan@example.com"}, Assurance.TYPED),
            ({"phoneNumber": PHONE}, Assurance.TYPED),
        ],
    )
    def test_it_is_sure_who_filled_it_in(self, typed: dict[str, str], assurance: Assurance) -> None:
        submit(typed, Email=JANE)

        assert set(OptOut.objects.values_list("assurance", flat=True)) == {assurance}

    def test_what_was_deleted_from_the_form_is_not_taken_from_the_url(self) -> None:
        submit(
            {"email": "", "phoneNumber": PHONE, "customField1": ""},
            email=JANE,
            customField1="Peru",
            **CUSTOM,
        )

        assert [each.address for each in OptOut.objects.all()] == [PHONE]
        assert GlobalLine.objects.get().custom1 == ""

    def test_an_address_that_the_form_does_not_show_does_not_count(self) -> None:
        response = submit({"phoneNumber": PHONE}, fields="phoneNumber", email=JANE)

        assert response.status_code == 303
        assert [each.address for each in OptOut.objects.all()] == [PHONE]

    def test_a_custom_value_of_the_url_that_is_not_shown_is_recorded(self) -> None:
        submit({"email": JANE}, customField1="Peru")

        assert GlobalLine.objects.get().custom1 == "Peru"

    def test_a_stored_form_says_the_rest(self, realm: Realm) -> None:
        """S1.16, S1.17: a known uuid wins over pubID."""
        stored = make.make_form(
            realm,
            make.make_publisher(realm, "p1"),
            product=make.make_product(realm, 3),
            website="shop.example",
        )

        submit({"email": JANE}, uuid=stored.uuid, pubID="p2")

        line = GlobalLine.objects.get()
        assert (line.publisher, line.product_number) == ("p1", 3)
        assert (line.website, line.form) == ("shop.example", stored.uuid)

    def test_a_phone_number_is_read_in_the_realms_country(self, realm: Realm) -> None:
        realm.default_region = "DE"
        realm.save(update_fields=["default_region"])

        submit({"phoneNumber": "030 23125 000"})

        assert OptOut.objects.get().address == "+493023125000"

    def test_a_whitelisted_server_gets_a_form_all_the_same(self, realm: Realm) -> None:
        realm.global_unsubscribe.server_ips = ["192.0.2.0/24"]
        realm.global_unsubscribe.save(update_fields=["server_ips"])

        assert PublicClient(SERVER).get(form_path(email=JANE)).status_code == 200
        assert PublicClient(SERVER).send(PATH, {"email": JANE}).status_code == 400
        assert_nothing_recorded()


@pytest.mark.usefixtures("dnm")
class TestErrors:
    """S1.9, S1.14: nothing is recorded, everything typed is kept, and each error leads to its field."""

    def test_without_an_address_it_says_which_it_needs(self) -> None:
        page = submit({"customField1": "Peru"}, **CUSTOM)

        assert page.status_code == 400
        assert text_of(page).count(MISSING) == 2
        assert links_of(page)[0] == "#email"
        assert form_fields(page)["customField1"] == "Peru"
        assert_nothing_recorded()

    @pytest.mark.parametrize(
        ("field", "said"),
        [("email", "Enter your email address."), ("phoneNumber", "Enter your phone number.")],
    )
    def test_a_form_with_one_field_asks_for_that(self, field: str, said: str) -> None:
        page = submit({}, fields=field)

        assert page.status_code == 400
        assert text_of(page).count(said) == 2
        assert MISSING not in text_of(page)

    def test_an_unusable_one_is_an_error_although_the_other_is_good(self) -> None:
        page = submit({"email": JANE, "phoneNumber": "12"})

        assert page.status_code == 400
        assert [link for link in links_of(page) if link.startswith("#")] == ["#phoneNumber"]
        assert form_fields(page)["email"] == JANE and form_fields(page)["phoneNumber"] == "12"
        assert_nothing_recorded()

    def test_both_can_be_wrong(self) -> None:
        page = submit({"email": "jane@", "phoneNumber": "12"}, fields="phoneNumber,email")

        assert [link for link in links_of(page) if link.startswith("#")] == [
            "#phoneNumber",
            "#email",
        ]
        html = page.content.decode()
        assert html.count('aria-invalid="true"') == 2
        assert 'aria-describedby="email-hint email-err"' in html
        assert set(re.findall(r'aria-describedby="(\S+) (\S+)"', html)[0]) <= set(parse(html).ids)

    def test_the_second_attempt_is_recorded_with_all_that_the_link_said(self, realm: Realm) -> None:
        make.make_product(realm, 7)
        client, path = PublicClient(), form_path(productId=7, website="shop.example")
        page = client.press(client.get(path), path, email="jane@")

        assert client.press(page, path, email=JANE).status_code == 303

        line = GlobalLine.objects.get()
        assert (line.product_number, line.website) == (7, "shop.example")

    @pytest.mark.parametrize(
        "query",
        [
            "productId=1&productId=2",
            "website=a.example&website=b.example",
            "pubID=a&pubID=b",
            f"uuid={uuid.UUID(int=1)}&uuid={uuid.UUID(int=2)}",
            "customField1=a&customField1=b",
            "responseType=api&responseType=html",
        ],
    )
    def test_a_link_that_contradicts_itself_is_told_and_can_be_used(self, query: str) -> None:
        """AT-35–43; who stands before the form cannot mend the link, and has a right to get out."""
        client, path = PublicClient(), f"{PATH}?{query}"

        page = client.get(path)

        assert page.status_code == 400
        assert "The link says two different things." in text_of(page)
        assert_nothing_recorded()
        assert client.press(page, path, email=JANE).status_code == 303
        line = GlobalLine.objects.get()
        assert (line.product_number, line.website, line.publisher, line.custom1) == (0, "", "", "")

    def test_a_link_with_two_addresses_asks_for_the_readers(self) -> None:
        page = PublicClient().get(f"{PATH}?email=a@example.com&email=b@example.com")

        assert page.status_code == 400
        assert "The link names more than one address. Enter yours." in text_of(page)

    def test_a_body_that_contradicts_itself_records_nothing(self, dnm: List) -> None:
        token = make_form_token(dnm.pk, datetime.now(UTC) - timedelta(seconds=9))

        for body in ("email=a@example.com&email=b@example.com", f"email={JANE}&pubID=1&pubID=2"):
            page = PublicClient().send(PATH, f"{body}&t={token}")
            assert page.status_code == 400
        assert_nothing_recorded()


@pytest.mark.usefixtures("dnm")
class TestGuard:
    """AT-02, AT-17: only the page's own button acts."""

    @pytest.mark.parametrize(
        "headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}]
    )
    def test_another_sites_post_records_nothing_and_shows_what_it_sent(
        self, realm: Realm, headers: dict[str, str]
    ) -> None:
        make.make_product(realm, 7)
        client = PublicClient()
        sent = {
            "email": JANE,
            "phoneNumber": PHONE,
            "productId": "7",
            "pubID": "p1",
            "website": "shop.example",
        }

        page = client.send(PATH, sent, headers=headers)

        assert page.status_code == 403
        assert "Another website sent you here." in text_of(page)
        assert form_fields(page)["email"] == JANE
        assert_nothing_recorded()

        assert client.press(page, PATH).status_code == 303
        line = GlobalLine.objects.get()
        assert (line.product_number, line.publisher, line.website) == (7, "p1", "shop.example")

    def test_with_a_token_it_still_records_nothing(self) -> None:
        client = PublicClient()
        fields = form_fields(client.get(PATH))

        page = client.send(
            PATH, {**fields, "email": JANE}, headers={"sec-fetch-site": "cross-site"}
        )

        assert page.status_code == 403
        assert_nothing_recorded()

    @pytest.mark.parametrize("days", [0, 8])
    def test_an_old_or_forged_token_keeps_what_was_typed(self, dnm: List, days: int) -> None:
        token = make_form_token(dnm.pk, datetime.now(UTC) - timedelta(days=days))
        sent = {"email": JANE, "customField1": "Peru", "t": token if days else token[:-1] + "x"}

        page = PublicClient().send(form_path(**CUSTOM), sent)

        assert page.status_code == 400
        assert "This page was open for too long." in text_of(page)
        fields = form_fields(page)
        assert (fields["email"], fields["customField1"]) == (JANE, "Peru")
        assert_nothing_recorded()

    @pytest.mark.parametrize(
        "body", ["email=jane@example.com", "", "x", "{}", "email=%00", "t=&email=%ff", "&&&=", "t"]
    )
    def test_a_script_without_our_token_gets_the_form(self, body: str) -> None:
        page = PublicClient(SERVER).send(PATH, body)

        assert page.status_code == 400
        assert page.headers["Optout-Status"] == "rejected"
        assert "email" in form_fields(page)
        assert_nothing_recorded()

    def test_the_token_of_another_realm_is_none(self, realm: Realm) -> None:
        other = make.make_realm("other")
        make.make_global_unsubscribe(other)
        paths = [f"/g/{each.global_unsubscribe.key}{PATH}" for each in (realm, other)]
        client = PublicClient()

        page = client.press(client.get(paths[0]), paths[1], email=JANE)

        assert page.status_code == 400
        assert_nothing_recorded()


@pytest.mark.usefixtures("dnm")
class TestRobots:
    def test_a_filled_trap_is_quarantined_and_asked_for_one_more_tap(self) -> None:
        client = PublicClient()

        page = submit(
            {"email": JANE, "phoneNumber": PHONE, HONEYPOT_FIELD: "x"}, pubID="p1", lang="de"
        )

        assert page.status_code == 200
        assert page.headers["Optout-Status"] == "confirm-required"
        assert (
            list(QuarantinedOptOut.objects.values_list("cause", flat=True))
            == [RefusalCause.HONEYPOT] * 2
        )
        assert not OptOut.objects.exists()
        fields = form_fields(page)
        assert HONEYPOT_FIELD not in fields and fields["lang"] == "de"
        assert "Bitte drücken Sie die Schaltfläche noch einmal." in text_of(page)

        path = form_path(pubID="p1", lang="de")
        assert client.press(page, path).status_code == 303
        assert GlobalLine.objects.get().publisher == "p1"

    def test_an_undo_of_the_second_tap_holds(self) -> None:
        """AT-46: what waits since the first tap is settled by the second; a week later it suppresses nobody."""
        client = PublicClient()
        page = submit({"email": JANE, "phoneNumber": PHONE, HONEYPOT_FIELD: "x"})

        client.send(client.press(page, PATH).headers["Location"])

        settled = QuarantinedOptOut.objects.filter(
            verdict=Verdict.ACCEPTED, decided_at__isnull=False
        )
        assert settled.count() == QuarantinedOptOut.objects.count() == 2
        assert accept_overdue(datetime.now(UTC) + timedelta(days=8)) == 0
        assert not Suppression.objects.exists()
        assert OptOut.objects.filter(kind=Kind.OPT_OUT).count() == 2
        assert GlobalLine.objects.get().unsubscribe_count == 1

    def test_an_address_that_was_mended_meanwhile_goes_on_waiting(self) -> None:
        client = PublicClient()
        page = submit({"email": "jan@example.com", "phoneNumber": PHONE, HONEYPOT_FIELD: "x"})
        page = client.press(page, PATH, email="jane@")
        assert page.status_code == 400 and HONEYPOT_FIELD not in form_fields(page)

        client.press(page, PATH, email=JANE)

        waiting = QuarantinedOptOut.objects.filter(verdict=Verdict.WAITING)
        assert [each.address for each in waiting] == ["jan@example.com"]

    @pytest.mark.parametrize(("seconds", "traffic"), [(0, Traffic.DIRECT), (5, Traffic.FORM)])
    def test_nobody_types_within_a_second(self, seconds: int, traffic: Traffic) -> None:
        client = PublicClient()
        with time_machine.travel(make.NOW, tick=False) as clock:
            page = client.get(PATH)
            clock.shift(timedelta(seconds=seconds))
            assert client.press(page, PATH, email=JANE).status_code == 303

        assert LimitCounter.objects.get().traffic == traffic

    def test_a_prefilled_form_may_be_quick(self) -> None:
        with time_machine.travel(make.NOW, tick=False):
            submit({}, email=JANE)

        assert LimitCounter.objects.get().traffic == Traffic.FORM

    def test_too_many_are_kept_and_told_when_to_come_back(self) -> None:
        """Both addresses of a request count, and both wait."""
        List.objects.update(limit_form=2)
        client = PublicClient()
        path = form_path(pubID="p1")
        with time_machine.travel(make.NOW, tick=False) as clock:
            page = client.get(path)
            clock.shift(timedelta(seconds=5))
            client.press(page, path, email=JANE, phoneNumber=PHONE)
            page = client.press(page, path, email="b@example.com", phoneNumber="+14155552672")

        assert page.status_code == 429
        assert page.headers["Optout-Status"] == "quarantined"
        assert int(page.headers["Retry-After"]) > 0
        assert "We kept your request; you need not send it again." in text_of(page)
        assert {each.address for each in QuarantinedOptOut.objects.all()} == {
            "b@example.com",
            "+14155552672",
        }
        assert GlobalLine.objects.count() == 1
        assert all("pubID=p1" in link for link in links_of(page) if "lang=" in link)


@pytest.mark.usefixtures("dnm")
class TestLanguage:
    def test_the_links_keep_what_makes_the_form_what_it_is(self, realm: Realm) -> None:
        make.make_product(realm, 7)
        said = {
            "productId": "7",
            "website": "shop.example/a b",
            "pubID": "p&1",
            "customField1": "Peru",
        }

        page = show(email="jane+a@example.com", phoneNumber=PHONE, **said, **CUSTOM)

        assert {each: [value] for each, value in {**said, **CUSTOM}.items()}.items() <= query_of(
            page
        ).items()
        german = PublicClient().get(f"{PATH}{language_link(page, 'de')}")
        assert parse(german.content.decode()).lang == "de"
        assert inputs_of(german) == inputs_of(page)
        fields = form_fields(german)
        assert (fields["email"], fields["phoneNumber"]) == ("jane+a@example.com", PHONE)
        assert fields["customField1"] == "Peru"

    def test_they_name_a_stored_form_and_not_what_it_says_anyway(self, realm: Realm) -> None:
        stored = make.make_form(
            realm,
            make.make_publisher(realm),
            product=make.make_product(realm, 3),
            website="shop.example",
            fields=["email", "customField1"],
            labels={"customField1": "City"},
        )

        assert query_of(show(uuid=stored.uuid)) == {"uuid": [str(stored.uuid)], "lang": ["de"]}

    def test_what_was_typed_gets_into_no_link(self) -> None:
        page = submit({"email": "jane@", "customField1": "secret"}, **CUSTOM)

        assert page.status_code == 400
        assert not {"email", "customField1"} & query_of(page).keys()

    def test_the_choice_is_kept_to_the_end(self) -> None:
        page = submit({"email": "jane@"}, lang="ar")
        client = PublicClient()

        response = client.press(page, PATH, email=JANE)

        assert "lang=ar" in response.headers["Location"]
        assert parse(client.get(response.headers["Location"]).content.decode()).lang == "ar"


def query_of(page: Any) -> dict[str, list[str]]:
    return parse_qs(language_link(page, "de").removeprefix("?"))


@pytest.mark.usefixtures("dnm")
class TestWeight:
    """pages.md: 6 KB raw. The client measures each page."""

    LABELS = ("Mmmm " * 8, "äöü " * 10, "موقع " * 8, "電子郵便局" * 8, "l'é& " * 10)

    @pytest.mark.parametrize("lang", ["en", "de", "ar"])
    @pytest.mark.parametrize("label", LABELS)
    def test_five_fields_with_the_longest_labels(self, realm: Realm, lang: str, label: str) -> None:
        List.objects.update(
            colour="#0b6e67",
            contact="help@shop.example",
            privacy_url="https://shop.example/privacy",
            sender_name="Acme Garden & Home",
        )
        given = {**CUSTOM, **{name: label for name in CUSTOM if "Label" in name}}

        page = show(
            lang=lang, email=JANE, phoneNumber=PHONE, website="www.garden-shop.example", **given
        )
        wrong = submit({"email": "jane@", "phoneNumber": "12"}, lang=lang, **given)

        assert len(page.content) <= LARGEST_PAGE and len(wrong.content) <= LARGEST_PAGE
        assert len(inputs_of(page)) == len(inputs_of(wrong)) == 5

    def test_where_there_is_no_room_the_links_keep_what_the_report_needs(
        self, realm: Realm
    ) -> None:
        make.make_product(realm, 7)
        given = {"customField1": "صديق " * 40} | CUSTOM

        page = show(productId=7, pubID="p1", website="shop.example", email=JANE, **given)

        expected = {
            "productId": ["7"],
            "pubID": ["p1"],
            "website": ["shop.example"],
            "lang": ["de"],
        }
        assert query_of(page) == expected


@pytest.mark.usefixtures("dnm")
class TestQueries:
    @pytest.fixture(autouse=True)
    def _cache(self, settings: Settings) -> None:
        settings.LIST_CACHE_SECONDS = 60

    def test_showing_the_form_asks_nothing(
        self, realm: Realm, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        stored = make.make_form(realm, make.make_publisher(realm), labels={"customField1": "City"})
        path = form_path(uuid=stored.uuid, email=JANE)
        PublicClient().get(path)

        with django_assert_num_queries(0):
            PublicClient().get(path)

    def test_its_button_counts_each_address_and_records_once(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        client = PublicClient()
        page = client.get(PATH)

        with django_assert_num_queries(3):  # two addresses are judged, then one statement records
            client.press(page, PATH, email=JANE, phoneNumber=PHONE)

    def test_the_done_page_asks_for_each_address(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        done = submit({"email": JANE, "phoneNumber": PHONE}).headers["Location"]

        with django_assert_num_queries(2):
            PublicClient().get(done)
