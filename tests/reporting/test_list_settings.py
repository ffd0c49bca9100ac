import pytest
from django.db.models import ProtectedError

from lists.actions import ReservedNameError, change_list, close_list
from lists.choices import Role, SmsStopScope
from lists.lookup import get_list
from lists.models import AuditEntry, List, Realm, User
from tests import make
from tests.lists.screens import Screen, look_at, open_screen, sign_in
from tests.reporting.portal import signed_in_long_ago


def path(optout_list: List, screen: str = "settings") -> str:
    return f"/manage/lists/{optout_list.public_id}/{screen}"


def fields_of(screen: Screen, **changed: str) -> dict[str, str]:
    """What the form would send, with these fields changed."""
    sent = {name: values[0] for name, values in screen.fields.items() if name != "q"}
    return {**sent, **_others(screen), **changed}


def _others(screen: Screen) -> dict[str, str]:
    return {"whitelist": "", "default_language": "", "locked_language": ""}


@pytest.mark.django_db
class TestSaving:
    def save(self, user: User, optout_list: List, **changed: str):
        client = sign_in(user)
        screen = open_screen(client, path(optout_list))
        return client.post(path(optout_list), fields_of(screen, **changed), follow=True)

    def test_an_owner_changes_everything_about_their_list(
        self, bob: User, optout_list: List
    ) -> None:
        """S0.7: each list has its own set-up."""
        answer = self.save(
            bob,
            optout_list,
            name="Rose letters",
            description="Roses",
            accepts="either",
            direct_link_mode="instant",
            thank_you_ar="شكرا",
            redirect_url="https://shop.example/{item}",
            effect_hours="48",
            whitelist="192.0.2.1,, 198.51.100.9/24\n2001:DB8::1",
            default_language="de",
            locked_language="ar",
            sender_name="Roses Ltd",
            colour="#aa0033",
            contact="roses@acme.example",
            privacy_url="https://acme.example/privacy",
            plain_download="on",
            limit_block="50",
        )

        assert "Saved." in look_at(answer).text
        optout_list.refresh_from_db()
        assert optout_list.name == "Rose letters"
        assert optout_list.whitelist == ["192.0.2.1", "198.51.100.0/24", "2001:db8::1"]
        assert optout_list.thank_you_texts == {"ar": "شكرا"}
        assert (optout_list.direct_link_mode, optout_list.plain_download) == ("instant", True)
        assert (optout_list.limit_block, optout_list.effect_hours) == (50, 48)
        found = get_list(optout_list.public_id)
        assert found is not None and found.name == "Rose letters"

    def test_texts_of_other_languages_stay_and_may_still_be_sent(
        self, bob: User, optout_list: List
    ) -> None:
        """The screen has the default language's; programs from before that send the others, too."""
        List.objects.update(thank_you_texts={"en": "Bye", "de": "Ade", "fr": "Adieu"})
        text = open_screen(sign_in(bob), path(optout_list)).text
        assert "Thank-you text in English" in text and "Thank-you text in Deutsch" not in text
        self.save(bob, optout_list, thank_you_en="Good bye", thank_you_de="", thank_you_ar="شكرا")
        optout_list.refresh_from_db()
        assert optout_list.thank_you_texts == {"en": "Good bye", "fr": "Adieu", "ar": "شكرا"}

    def test_another_default_language_takes_nobodys_words_away(
        self, bob: User, optout_list: List
    ) -> None:
        own_texts = {"name": {"de": "Gartenbriefe", "fr": "Lettres"}}
        List.objects.update(own_texts=own_texts, description="Roses")
        optout_list.refresh_from_db()
        self.save(bob, optout_list, description="Roses", default_language="de", thank_you_en="")
        optout_list.refresh_from_db()
        assert (optout_list.name, optout_list.description) == ("Gartenbriefe", "Roses")
        assert optout_list.own_texts == {
            "name": {"en": "Garden letters", "fr": "Lettres"},
            "description": {"en": "Roses"},
        }

    def test_the_audit_names_old_and_new_but_no_address(self, bob: User, optout_list: List) -> None:
        self.save(bob, optout_list, name="Rose letters", contact="roses@acme.example")

        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor, entry.optout_list) == ("change_list", bob, optout_list)
        assert entry.detail["changes"] == {
            "name": ["Garden letters", "Rose letters"],
            "contact": None,
        }

    def test_saving_nothing_new_writes_nothing(self, bob: User, optout_list: List) -> None:
        answer = self.save(bob, optout_list)
        assert "Nothing was changed." in look_at(answer).text
        assert not AuditEntry.objects.exists()

    def test_what_somebody_else_writes_meanwhile_stays(self, bob: User, optout_list: List) -> None:
        client = sign_in(bob)
        screen = open_screen(client, path(optout_list))
        List.objects.filter(pk=optout_list.pk).update(usual_hour=77)
        client.post(path(optout_list), fields_of(screen, description="New"))
        optout_list.refresh_from_db()
        assert (optout_list.usual_hour, optout_list.description) == (77, "New")

    @pytest.mark.parametrize(
        ("field", "value", "says"),
        [
            (
                "whitelist",
                "10.0.0.1,,333.333.333.333,host.example",
                "333.333.333.333, host.example",
            ),
            ("whitelist", "0.0.0.0/0", "Too wide"),
            ("redirect_url", "javascript:alert(1)", "must begin with https://"),
            ("redirect_url", "https://{item}.example/", "Placeholders can stand only after"),
            ("redirect_url", "https://shop.example/{email}", "Unknown placeholder"),
            ("colour", "red", "colour like"),
            ("name", "", "Enter a name."),
            ("name", "a\r\nb", "one line"),
            ("name", "x" * 101, "100 characters"),
            ("effect_hours", "0", "greater than or equal to 1"),
            ("effect_hours", "٣٣٣٣", "less than or equal to 240"),
            ("privacy_url", "ftp://acme.example/", "begin with https://"),
            ("accepts", "fax", "valid choice"),
            ("limit_confirm", "21", "Blocking must not come before"),
            ("limit_hour", "12345678901234567890", "less than or equal to"),
            ("thank_you_de", "\x00", "ull characters"),
        ],
    )
    def test_a_mistake_is_named_and_nothing_is_saved(
        self, bob: User, optout_list: List, field: str, value: str, says: str
    ) -> None:
        answer = self.save(bob, optout_list, **{"description": "Kept", field: value})

        screen = look_at(answer)
        assert answer.status_code == 422
        assert says in screen.text and "Kept" in screen.html
        assert any(link.startswith("#id_") for link in screen.links)
        optout_list.refresh_from_db()
        assert (optout_list.description, optout_list.name) == ("", "Garden letters")

    def test_the_help_says_what_the_whitelist_binds_and_who_is_asking(
        self, bob: User, optout_list: List
    ) -> None:
        text = open_screen(sign_in(bob), path(optout_list)).text
        assert "downloaded from these addresses only" in text
        assert "Recipients are never bound by it" in text
        assert "Your IP as we see it: 127.0.0.1." in text

    def test_no_other_list_gets_the_name_of_do_not_mail(self, bob: User, optout_list: List) -> None:
        answer = self.save(bob, optout_list, name="DO NOT MAIL")
        assert answer.status_code == 422
        assert "named Do Not Mail. Take a name that nobody mixes up" in look_at(answer).text
        with pytest.raises(ReservedNameError):
            change_list(optout_list, {"name": "Do-not-mail"}, actor=bob)
        optout_list.refresh_from_db()
        assert optout_list.name == "Garden letters"

    def test_do_not_mail_keeps_its_name(self, alice: User, realm: Realm) -> None:
        do_not_mail = make.do_not_mail(realm)
        screen = open_screen(sign_in(alice), path(do_not_mail))
        assert "name" not in screen.fields and "Close this list" not in screen.text
        self.save(alice, do_not_mail, name="Renamed", description="Everybody")
        do_not_mail.refresh_from_db()
        assert (do_not_mail.name, do_not_mail.description) == ("Do Not Mail", "Everybody")

    def test_how_far_stop_reaches_is_the_lists_own(self, bob: User, optout_list: List) -> None:
        """S3.4: everything, unless the owner says otherwise."""
        assert optout_list.sms_stop_scope == SmsStopScope.REALM
        self.save(bob, optout_list, sms_stop_scope="list")
        found = get_list(optout_list.public_id)
        assert found is not None and found.sms_stop_scope == SmsStopScope.LIST
        self.save(bob, optout_list, name="Rose letters", sms_stop_scope="")
        optout_list.refresh_from_db()
        assert (optout_list.name, optout_list.sms_stop_scope) == ("Rose letters", "list")

    def test_stop_keeps_ending_what_was_sent_from_the_lists_number(
        self, bob: User, optout_list: List
    ) -> None:
        """Whoever answers another list's message must be out of that list."""
        make.make_sms_number(optout_list.realm, "+18005550199", optout_list)
        other = make.make_list(optout_list.realm, 5)
        make.make_text_message(other, sender="+18005550199")

        answer = self.save(bob, optout_list, sms_stop_scope="list")

        assert answer.status_code == 422
        assert "is being sent from +18005550199" in look_at(answer).text
        optout_list.refresh_from_db()
        assert optout_list.sms_stop_scope == SmsStopScope.REALM
        assert "Saved." in look_at(self.save(bob, optout_list, name="Rose letters")).text

    def test_of_do_not_mail_it_is_not_asked(self, alice: User, realm: Realm) -> None:
        screen = open_screen(sign_in(alice), path(make.do_not_mail(realm)))
        assert "sms_stop_scope" not in screen.fields

    def test_it_takes_at_most_ten_queries(
        self, bob: User, optout_list: List, django_assert_max_num_queries
    ) -> None:
        client = sign_in(bob)
        with django_assert_max_num_queries(10):
            assert open_screen(client, path(optout_list)).heading.startswith("Edit")


@pytest.mark.django_db
class TestOldSignIn:
    def test_a_new_whitelist_asks_for_the_password_and_then_saves(
        self, bob: User, optout_list: List
    ) -> None:
        client = signed_in_long_ago(bob)
        fields = fields_of(open_screen(client, path(optout_list)), whitelist="192.0.2.1")

        asked = client.post(path(optout_list), fields)
        assert asked.headers["Location"].startswith("/manage/account/reauthenticate/")
        optout_list.refresh_from_db()
        assert optout_list.whitelist == []

        client.post(asked.headers["Location"], {"password": make.PASSWORD})
        optout_list.refresh_from_db()
        assert optout_list.whitelist == ["192.0.2.1"]

    def test_so_does_switching_clear_addresses_on(self, bob: User, optout_list: List) -> None:
        client = signed_in_long_ago(bob)
        fields = fields_of(open_screen(client, path(optout_list)), plain_download="on")

        asked = client.post(path(optout_list), fields)
        assert asked.headers["Location"].startswith("/manage/account/reauthenticate/")
        optout_list.refresh_from_db()
        assert not optout_list.plain_download

        client.post(asked.headers["Location"], {"password": make.PASSWORD})
        optout_list.refresh_from_db()
        assert optout_list.plain_download

    def test_switching_them_off_does_not(self, bob: User, optout_list: List) -> None:
        List.objects.filter(pk=optout_list.pk).update(plain_download=True)
        client = signed_in_long_ago(bob)
        fields = fields_of(open_screen(client, path(optout_list)))
        del fields["plain_download"]

        assert client.post(path(optout_list), fields).headers["Location"] == path(optout_list)
        optout_list.refresh_from_db()
        assert not optout_list.plain_download

    def test_anything_else_does_not(self, bob: User, optout_list: List) -> None:
        client = signed_in_long_ago(bob)
        fields = fields_of(open_screen(client, path(optout_list)), description="New")
        assert client.post(path(optout_list), fields).headers["Location"] == path(optout_list)


@pytest.mark.django_db
class TestClosing:
    def test_it_asks_for_the_lists_name(self, bob: User, optout_list: List) -> None:
        client = sign_in(bob)
        answer = client.post(path(optout_list, "close"), {"confirm_name": "Garden"})
        assert answer.status_code == 422
        assert "not the list's name" in look_at(answer).text
        optout_list.refresh_from_db()
        assert optout_list.closed_at is None

        answer = client.post(
            path(optout_list, "close"), {"confirm_name": "Garden letters"}, follow=True
        )
        screen = look_at(answer)
        assert "is closed" in screen.text and "Open this list again" in screen.text
        found = get_list(optout_list.public_id)
        assert found is not None and found.closed_at is not None

    def test_it_can_be_opened_again(self, bob: User, optout_list: List) -> None:
        client = sign_in(bob)
        client.post(path(optout_list, "close"), {"confirm_name": "Garden letters"})
        client.post(path(optout_list, "reopen"))
        optout_list.refresh_from_db()
        assert optout_list.closed_at is None
        actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
        assert list(actions) == ["close_list", "reopen_list"]

    def test_do_not_mail_is_never_closed(self, alice: User, realm: Realm) -> None:
        do_not_mail = make.do_not_mail(realm)
        client = sign_in(alice)
        screen = open_screen(client, path(do_not_mail))
        assert path(do_not_mail, "close") not in screen.html
        client.post(path(do_not_mail, "close"), {"confirm_name": "Do Not Mail"})
        assert make.do_not_mail(realm).closed_at is None
        with pytest.raises(ValueError, match="cannot be closed"):
            close_list(do_not_mail, actor=alice, now=make.NOW)

    def test_no_list_can_be_deleted(self, alice: User, realm: Realm, optout_list: List) -> None:
        """Least of all Do Not Mail (S2.4): no address of the portal does it, nor the operators' admin, nor the database."""
        operator = make.make_user("olga@example.com", is_staff=True, is_superuser=True)
        client = sign_in(operator)
        for each in (make.do_not_mail(realm), optout_list):
            make.make_optout(each)
            assert client.delete(path(each)).status_code == 405
            page = f"/ops/lists/list/{each.pk}/delete/"
            assert client.post(page, {"post": "yes"}).status_code == 403
            with pytest.raises(ProtectedError):
                each.delete()
        assert List.objects.filter(realm=realm).count() == 2


@pytest.mark.django_db
class TestWhoEdits:
    @pytest.mark.parametrize("screen", ["settings", "close", "reopen"])
    def test_for_a_stranger_the_list_does_not_exist(
        self, charlie: User, optout_list: List, screen: str
    ) -> None:
        client = sign_in(charlie)
        if screen == "settings":
            assert client.get(path(optout_list)).status_code == 404
        answer = client.post(path(optout_list, screen), {"confirm_name": optout_list.name})
        assert answer.status_code == 404
        assert client.post(f"/manage/lists/{'x' * 16}/{screen}").status_code == 404
        optout_list.refresh_from_db()
        assert optout_list.closed_at is None and not AuditEntry.objects.exists()

    @pytest.mark.parametrize("role", [Role.MAILER, Role.VIEWER, Role.OWNER])
    def test_nor_does_it_for_members_who_do_not_own_it(
        self, realm: Realm, optout_list: List, role: Role
    ) -> None:
        user = make.make_user("dora@acme.example")
        given = [optout_list] if role == Role.MAILER else []
        make.make_member(user, realm, role, *given)
        assert sign_in(user).get(path(optout_list)).status_code == 404
