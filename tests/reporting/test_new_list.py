import pytest

from lists.choices import Role
from lists.models import AuditEntry, List, ListAccess, Realm, User
from tests import make
from tests.lists.screens import Screen, look_at, open_screen, sign_in

PATH = "/manage/lists/new"


def press(client, screen: Screen, **fields: str) -> Screen | str:
    """Send the page's form with these fields filled in; the next page, or where it leads."""
    carried = {name: values[0] for name, values in screen.fields.items() if name != "q"}
    answer = client.post(PATH, {**carried, **fields})
    if answer.status_code == 302:
        return str(answer.headers["Location"])
    screen = look_at(answer)
    assert answer.status_code == (422 if "There is a problem" in screen.text else 200)
    return screen


@pytest.mark.django_db
class TestThreeSteps:
    def test_they_lead_to_the_service_page_of_the_new_list(
        self, alice: User, optout_list: List
    ) -> None:
        client = sign_in(alice)
        first = open_screen(client, PATH)
        assert "number 2" in first.text
        second = press(client, first, name="Rose letters", description="All about roses")
        assert isinstance(second, Screen)
        assert second.fields["name"] == ["Rose letters"]
        assert second.fields["direct_link_mode"] == ["confirm"]
        third = press(client, second, accepts="either", locked_language="de")
        assert isinstance(third, Screen)
        ready = press(
            client,
            third,
            thank_you="Good bye.",
            redirect_url="HTTPS://Shop.example/bye?m={md5}",
        )

        made = List.objects.get(name="Rose letters")
        assert ready == f"/manage/lists/{made.public_id}/service"
        assert (made.number, made.accepts, made.direct_link_mode, made.locked_language) == (
            2,
            "either",
            "confirm",
            "de",
        )
        assert made.thank_you_texts == {"en": "Good bye."}
        assert made.redirect_url == "https://shop.example/bye?m={md5}"
        assert AuditEntry.objects.get().action == "make_list"

    def test_the_last_step_says_what_is_shown_when_all_of_it_stays_empty(self, alice: User) -> None:
        client = sign_in(alice)
        second = press(client, open_screen(client, PATH), name="Rose letters")
        assert isinstance(second, Screen)
        third = press(client, second, accepts="email")
        assert isinstance(third, Screen)
        assert "You will get no more messages from Rose letters ." in third.text
        assert "with an address here both are hardly seen" in third.text

    def test_a_last_step_sent_twice_makes_one_list(self, alice: User) -> None:
        client = sign_in(alice)
        second = press(client, open_screen(client, PATH), name="Rose letters")
        assert isinstance(second, Screen)
        third = press(client, second, accepts="email")
        assert isinstance(third, Screen)
        assert press(client, third) == press(client, third)
        assert List.objects.filter(name="Rose letters").count() == 1

    def test_going_back_keeps_what_was_typed(self, alice: User) -> None:
        client = sign_in(alice)
        second = press(client, open_screen(client, PATH), name="Rose letters")
        assert isinstance(second, Screen)

        first = press(client, second, accepts="phone", back="1")

        assert isinstance(first, Screen)
        assert first.fields["name"] == ["Rose letters"] and first.fields["accepts"] == ["phone"]

    def test_the_mode_starts_as_the_installation_says(self, alice: User, settings) -> None:
        settings.DIRECT_LINK_DEFAULT = "instant"
        client = sign_in(alice)
        second = press(client, open_screen(client, PATH), name="Rose letters")
        assert isinstance(second, Screen) and second.fields["direct_link_mode"] == ["instant"]

    def test_a_mistake_stays_on_its_step(self, alice: User) -> None:
        client = sign_in(alice)
        again = press(client, open_screen(client, PATH), name="")
        assert isinstance(again, Screen)
        assert "There is a problem" in again.text and again.fields["step"] == ["1"]

    @pytest.mark.parametrize("name", ["Do Not Mail", "do not  mail", "Ｄｏ Ｎｏｔ Ｍａｉｌ"])
    def test_none_is_named_like_do_not_mail(self, alice: User, name: str) -> None:
        client = sign_in(alice)
        again = press(client, open_screen(client, PATH), name=name)
        assert isinstance(again, Screen) and again.fields["step"] == ["1"]
        assert "Only the list of those who want nothing at all is named Do Not Mail." in again.text

        fields = {"accepts": "email", "direct_link_mode": "confirm", "redirect_url": ""}
        client.post(PATH, {"step": "3", "name": name, **fields})
        assert List.objects.count() == 1

    def test_a_bad_redirect_is_refused_and_kept(self, alice: User) -> None:
        answer = sign_in(alice).post(
            PATH,
            {
                "step": "3",
                "name": "Rose letters",
                "accepts": "email",
                "direct_link_mode": "confirm",
                "redirect_url": "javascript:alert(1)",
            },
        )
        assert "must begin with https://" in look_at(answer).text
        assert not List.objects.filter(name="Rose letters").exists()

    def test_a_forged_last_step_is_held_to_the_first_ones(self, alice: User) -> None:
        answer = sign_in(alice).post(PATH, {"step": "3", "name": "", "redirect_url": ""})
        assert look_at(answer).fields["step"] == ["1"]
        assert List.objects.count() == 1


@pytest.mark.django_db
class TestWhoMakesLists:
    def test_an_owner_owns_what_they_make(self, bob: User) -> None:
        fields = {"name": "Bob's", "accepts": "email", "direct_link_mode": "confirm"}
        sign_in(bob).post(PATH, {"step": "3", "redirect_url": "", **fields})
        access = ListAccess.objects.get(optout_list__name="Bob's")
        assert access.membership.user == bob and access.may_see_clear

    @pytest.mark.parametrize("role", [Role.MAILER, Role.VIEWER])
    def test_mailers_and_viewers_do_not(self, realm: Realm, role: Role) -> None:
        user = make.make_user("dora@acme.example")
        make.make_member(user, realm, role)
        client = sign_in(user)
        assert client.get(PATH).status_code == 404
        assert client.post(PATH, {"step": "3", "name": "x"}).status_code == 404
        assert List.objects.count() == 1
