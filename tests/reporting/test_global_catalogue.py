"""Project Settings › Global › Products and Publishers (S1.15, S1.17)."""

import gzip

import pytest

from lists.models import AuditEntry, List, Product, Publisher, Realm, User
from tests import make
from tests.lists.screens import LARGEST, look_at, open_screen
from tests.reporting.portal import signed_in

PRODUCTS = "/manage/settings/global/products"
PUBLISHERS = "/manage/settings/global/publishers"
NASTY = "<script>alert(1)</script>\"'>{{ 7|add:1234560 }}\u202e"


@pytest.mark.django_db
class TestProducts:
    def test_without_any_it_says_what_they_are_for(self, alice: User) -> None:
        screen = open_screen(signed_in(alice), PRODUCTS)
        assert "No products yet" in screen.text and f"{PRODUCTS}/new" in screen.links
        assert "Project Settings › Global › Products" in screen.text

    def test_each_is_shown_with_where_it_leads(
        self, realm: Realm, optout_list: List, alice: User
    ) -> None:
        closed = make.make_list(realm, 2, "Spring 2025", closed_at=make.NOW)
        make.make_product(realm, 1, optout_list, name="Letters")
        make.make_product(realm, 2, closed, name="Spring")
        make.make_product(realm, 3, name="All", is_active=False)
        make.make_product(make.make_realm("other"), 4, name="Theirs")
        screen = open_screen(signed_in(alice), PRODUCTS)
        for said in (
            "1 Letters Garden letters Active",
            "2 Spring Spring 2025 Closed Active",
            "3 All Do Not Mail Not active",
        ):
            assert said in screen.text
        assert "Theirs" not in screen.text

    def test_a_new_one_gets_the_next_number_and_a_list(
        self, realm: Realm, optout_list: List, alice: User
    ) -> None:
        make.make_product(realm, 41)
        client = signed_in(alice)
        screen = open_screen(client, f"{PRODUCTS}/new")
        assert screen.fields["number"] == ["42"]
        assert "Do Not Mail" in screen.text and "1 – Garden letters" in screen.text

        sent = {"number": "42", "name": "Letters", "optout_list": optout_list.pk}
        answer = client.post(f"{PRODUCTS}/new", sent, follow=True)

        assert answer.redirect_chain == [(PRODUCTS, 302)]
        assert "The product 42, “Letters”, is there." in look_at(answer).text
        made = Product.objects.get(number=42)
        assert (made.realm, made.optout_list, made.is_active) == (realm, optout_list, True)
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor) == ("make_product", alice)

    def test_sent_twice_it_is_made_once(self, optout_list: List, alice: User) -> None:
        sent = {"number": "7", "name": "Letters", "optout_list": optout_list.pk}
        for _ in range(2):
            assert signed_in(alice).post(f"{PRODUCTS}/new", sent).status_code == 302
        assert Product.objects.count() == AuditEntry.objects.count() == 1

    @pytest.mark.parametrize(
        ("number", "says"),
        [
            ("", "Enter the product ID."),
            ("0", "from 1 to 2147483647"),
            ("2147483648", "from 1 to 2147483647"),
            ("1_000", "in digits alone"),
            ("٣", "in digits alone"),
            ("9" * 30, "from 1 to"),
            ("5", "The product “Offers” has the number 5 already."),
        ],
    )
    def test_a_number_that_cannot_be_is_named(
        self, realm: Realm, alice: User, number: str, says: str
    ) -> None:
        make.make_product(realm, 5, name="Offers")
        sent = {"number": number, "name": "Letters", "optout_list": make.do_not_mail(realm).pk}
        answer = signed_in(alice).post(f"{PRODUCTS}/new", sent)
        assert answer.status_code == 422
        screen = look_at(answer)
        assert says in screen.text and "#id_number" in screen.links
        assert screen.fields["name"] == ["Letters"] and screen.fields["number"] == [number]
        assert Product.objects.count() == 1

    def test_another_realms_list_cannot_be_chosen(self, alice: User) -> None:
        theirs = make.make_list(make.make_realm("other"), 1, "Theirs")
        client = signed_in(alice)
        assert "Theirs" not in open_screen(client, f"{PRODUCTS}/new").text
        sent = {"number": "5", "name": "Letters", "optout_list": theirs.pk}
        assert client.post(f"{PRODUCTS}/new", sent).status_code == 422

    def test_a_change_keeps_the_number(self, realm: Realm, optout_list: List, alice: User) -> None:
        product = make.make_product(realm, 5, optout_list)
        client = signed_in(alice)
        screen = open_screen(client, f"{PRODUCTS}/5")
        assert "number" not in screen.fields and screen.fields["is_active"] == ["on"]
        assert (
            screen.heading == f"Change product 5, {product.name}" and product.name in screen.title
        )

        sent = {"name": "All", "optout_list": make.do_not_mail(realm).pk, "number": "6"}
        assert "Saved." in look_at(client.post(f"{PRODUCTS}/5", sent, follow=True)).text
        product.refresh_from_db()
        assert (product.number, product.name) == (5, "All")
        assert (product.optout_list, product.is_active) == (None, False)
        again = client.post(f"{PRODUCTS}/5", sent, follow=True)
        assert "Nothing was changed." in look_at(again).text

    def test_a_full_realm_says_so(
        self, realm: Realm, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("lists.global_actions.MOST", 1)
        make.make_product(realm, 5)
        sent = {"number": "6", "name": "Letters", "optout_list": make.do_not_mail(realm).pk}
        answer = signed_in(alice).post(f"{PRODUCTS}/new", sent)
        assert answer.status_code == 422
        assert "A realm can have at most 1 products." in look_at(answer).text

    def test_a_thousand_come_in_pages(
        self, realm: Realm, alice: User, django_assert_max_num_queries
    ) -> None:
        products = [
            Product(realm=realm, number=number, name=f"Product {number:04} of the catalogue")
            for number in range(1, 1001)
        ]
        Product.objects.bulk_create(products)
        client = signed_in(alice)
        with django_assert_max_num_queries(10):
            screen = open_screen(client, PRODUCTS)
        assert "1 to 100 of 1000" in screen.text and "?page=2" in screen.links
        screen = open_screen(client, f"{PRODUCTS}?page=10")
        assert "Product 1000 of" in screen.text and "?page=9" in screen.links
        for page in ("0", "11", "x", "9" * 30, "%00"):
            assert client.get(f"{PRODUCTS}?page={page}").status_code == 200


@pytest.mark.django_db
class TestPublishers:
    def test_it_is_made_shown_and_renamed(self, realm: Realm, alice: User) -> None:
        client = signed_in(alice)
        assert "No publishers yet" in open_screen(client, PUBLISHERS).text
        sent = {"reference": " SHOP-0042 ", "name": "The shop"}
        for _ in range(2):
            answer = client.post(f"{PUBLISHERS}/new", sent, follow=True)
        assert "The publisher “The shop” is there." in look_at(answer).text
        made = Publisher.objects.get()
        assert (made.realm, made.reference, made.name) == (realm, "SHOP-0042", "The shop")

        path = f"{PUBLISHERS}/{made.pk}"
        assert path in open_screen(client, PUBLISHERS).links
        screen = open_screen(client, path)
        assert "SHOP-0042" in screen.text and "reference" not in screen.fields
        assert screen.heading == "Change publisher The shop"
        client.post(path, {"name": "The old shop", "reference": "X"})
        made.refresh_from_db()
        assert (made.reference, made.name) == ("SHOP-0042", "The old shop")
        actions = [entry.action for entry in AuditEntry.objects.order_by("pk")]
        assert actions == ["make_publisher", "change_publisher"]

    @pytest.mark.parametrize(
        ("reference", "says"),
        [
            ("", "Enter a publisher ID."),
            ("\u200b", "Enter a publisher ID."),
            ("x" * 61, "at most 60"),
            ("not defined", "what the report says of no ID"),
            ("p1", "The publisher “Shop” has the ID “p1” already."),
            ("a\tb", "one line"),
        ],
    )
    def test_a_mistake_is_named(self, realm: Realm, alice: User, reference: str, says: str) -> None:
        make.make_publisher(realm)
        sent = {"reference": reference, "name": "News"}
        answer = signed_in(alice).post(f"{PUBLISHERS}/new", sent)
        assert answer.status_code == 422
        screen = look_at(answer)
        assert says in screen.text and screen.fields["name"] == ["News"]
        assert Publisher.objects.count() == 1

    def test_the_id_is_kept_as_the_report_has_it(self, alice: User) -> None:
        sent = {"reference": "Cafe\u0301  7\u200b", "name": "News"}
        signed_in(alice).post(f"{PUBLISHERS}/new", sent)
        assert Publisher.objects.get().reference == "Caf\u00e9 7"


@pytest.mark.django_db
class TestNames:
    def test_they_are_text_on_every_screen(self, realm: Realm, alice: User) -> None:
        """AT-14, AT-15: what an owner types is never markup, and turns no other text around."""
        publisher = make.make_publisher(realm, "<b>x</b>", NASTY)
        product = make.make_product(realm, 5, make.make_list(realm, 9, NASTY), name=NASTY)
        form = make.make_form(realm, publisher, product=product, name=NASTY, website=NASTY)
        make.make_global_unsubscribe(realm)
        client = signed_in(alice)
        for path in (
            PRODUCTS,
            f"{PRODUCTS}/5",
            f"{PRODUCTS}/new",
            PUBLISHERS,
            f"{PUBLISHERS}/{publisher.pk}",
            "/manage/settings/global/forms",
            f"/manage/settings/global/forms/{form.uuid}",
            "/manage/settings/global/forms/new",
            "/manage/settings/global/unsubscribe",
        ):
            screen = open_screen(client, path)
            assert "<script>alert" not in screen.html, path
            assert "1234567" not in screen.text, path

    def test_a_thousand_products_to_choose_from_fit_a_page(self, realm: Realm, alice: User) -> None:
        make.make_publisher(realm)
        Product.objects.bulk_create(
            Product(realm=realm, number=number, name=f"Product {number * 7919 % 1009:04}")
            for number in range(1, 1001)
        )
        answer = signed_in(alice).get("/manage/settings/global/forms/new")
        assert len(gzip.compress(answer.content)) <= LARGEST
