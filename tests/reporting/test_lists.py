import pytest
from django.test import Client

from lists.choices import Role
from lists.models import List, Realm, User
from tests import make
from tests.lists.screens import open_screen, sign_in

PATH = "/manage/lists/"


@pytest.mark.django_db
class TestLists:
    def test_each_row_has_a_service_and_an_edit_button(self, bob: User, optout_list: List) -> None:
        """S0.1."""
        make.make_optout(optout_list)

        screen = open_screen(sign_in(bob), PATH)

        assert f"{PATH}{optout_list.public_id}/service" in screen.links
        assert f"{PATH}{optout_list.public_id}/settings" in screen.links
        assert ">Service</a>" in screen.html and ">Edit</a>" in screen.html
        assert '<td class="figure" data-label="Suppressed">1</td>' in screen.html

    def test_do_not_mail_is_first_and_closed_lists_are_last(
        self, alice: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_list(realm, 2, "Open one")
        List.objects.filter(pk=optout_list.pk).update(closed_at=make.NOW)

        text = open_screen(sign_in(alice), PATH).text

        assert text.index("Do Not Mail") < text.index("Open one") < text.index("Garden letters")
        assert "Whole realm" in text and "Closed" in text

    def test_a_viewer_sees_all_and_edits_none(self, optout_list: List) -> None:
        viewer = make.make_user("viewer@acme.example")
        make.make_member(viewer, optout_list.realm, Role.VIEWER)
        screen = open_screen(sign_in(viewer), PATH)
        assert "Garden letters" in screen.text
        assert not any(link.endswith(("/settings", "/new")) for link in screen.links)

    def test_a_mailer_sees_given_lists_with_their_service(
        self, realm: Realm, optout_list: List
    ) -> None:
        make.make_list(realm, 2, "Not given")
        mailer = make.make_user("mailer@north.example")
        make.make_member(mailer, realm, Role.MAILER, optout_list, make.do_not_mail(realm))
        screen = open_screen(sign_in(mailer), PATH)
        assert f"{PATH}{optout_list.public_id}/service" in screen.links
        assert "Not given" not in screen.text and "Do Not Mail" not in screen.text
        assert "never" in screen.text

    def test_lists_of_another_realm_are_not_there(self, charlie: User, optout_list: List) -> None:
        List.objects.filter(pk=optout_list.pk).update(name="Only Acme's")
        assert "Only Acme" not in open_screen(sign_in(charlie), PATH).text

    def test_with_no_list_yet_it_says_how_to_make_one(self, alice: User) -> None:
        screen = open_screen(sign_in(alice), PATH)
        assert "No lists of your own yet" in screen.text and f"{PATH}new" in screen.links

    def test_names_are_text(self, alice: User, realm: Realm) -> None:
        make.make_list(realm, 2, "<script>alert(1)</script>", description='"><img src=x>')
        screen = open_screen(sign_in(alice), PATH)
        assert "<script>alert(1)</script>" in screen.text

    def test_it_takes_at_most_ten_queries(
        self, alice: User, realm: Realm, django_assert_max_num_queries
    ) -> None:
        for number in range(1, 30):
            make.make_list(realm, number, f"List {number}")
        client = sign_in(alice)
        with django_assert_max_num_queries(10):
            open_screen(client, PATH)

    def test_strangers_are_asked_to_sign_in(self, db: None) -> None:
        assert Client().get(PATH).headers["Location"].startswith("/manage/account/login/")
