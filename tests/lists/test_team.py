import re

import pytest
from django.core import mail
from django.test import Client

from lists.choices import Role
from lists.invitations import MAIL_INVITATION
from lists.models import AuditEntry, DownloadKey, List, ListAccess, Membership, Realm, User
from tests import make
from tests.jobs import do_jobs, waiting_jobs
from tests.lists.screens import look_at, open_screen, sign_in

TEAM = "/manage/team/"
INVITE = "/manage/team/invite"


def member(user: User) -> Membership:
    return Membership.objects.get(user=user)


@pytest.mark.django_db
class TestTeam:
    def test_it_names_the_members_of_this_realm_only(
        self, alice: User, bob: User, charlie: User, django_assert_max_num_queries
    ) -> None:
        client = sign_in(alice)
        with django_assert_max_num_queries(10):
            screen = open_screen(client, TEAM)
        assert "alice@acme.example" in screen.text and "bob@acme.example" in screen.text
        assert "Garden letters" in screen.text
        assert "charlie@other.example" not in screen.text

    def test_only_realm_admins_have_one(self, alice: User, bob: User, charlie: User) -> None:
        theirs = member(alice).pk
        for user in (bob, charlie):
            client = sign_in(user)
            assert client.get(f"{TEAM}{theirs}").status_code == 404
            assert client.post(f"{TEAM}{theirs}", {"role": "viewer"}).status_code == 404
            assert client.post(f"{TEAM}{theirs}/remove").status_code == 404
            assert client.post(f"{TEAM}{theirs}/mail").status_code == 404
        assert (
            sign_in(bob).post(INVITE, {"email": "x@y.example", "role": "admin"}).status_code == 404
        )
        assert member(alice).role == Role.ADMIN
        assert not AuditEntry.objects.exists() and not waiting_jobs(MAIL_INVITATION)


@pytest.mark.django_db
class TestInviting:
    def test_somebody_new_gets_a_place_and_a_link_to_set_a_password(
        self, alice: User, optout_list: List
    ) -> None:
        client = sign_in(alice)
        open_screen(client, INVITE)

        answer = client.post(
            INVITE,
            {"email": "Dora@North.example", "role": "mailer", "lists": optout_list.pk},
            follow=True,
        )

        assert "We are mailing dora@north.example" in look_at(answer).text
        dora = User.objects.get(email="dora@north.example")
        assert not dora.has_usable_password()
        access = ListAccess.objects.get(membership__user=dora)
        assert (access.optout_list, access.may_see_clear) == (optout_list, False)
        assert do_jobs(MAIL_INVITATION) == [True]
        assert mail.outbox[0].to == ["dora@north.example"]
        self.set_password(str(mail.outbox[0].body))
        assert (
            "Garden letters"
            in open_screen(sign_in(dora, "dora's own long password"), "/manage/").text
        )

    def set_password(self, text: str) -> None:
        link = re.search(r"http://\S+?(/manage/account/\S+)", text)
        assert link is not None
        client = Client()
        path = client.get(link.group(1), follow=True).redirect_chain[-1][0]
        password = "dora's own long password"
        client.post(path, {"password1": password, "password2": password})

    def test_somebody_known_gets_just_the_place(
        self, alice: User, charlie: User, realm: Realm
    ) -> None:
        sign_in(alice).post(INVITE, {"email": charlie.email.upper(), "role": "viewer"})

        assert Membership.objects.get(user=charlie, realm=realm).role == Role.VIEWER
        assert User.objects.filter(email__iexact=charlie.email).count() == 1
        assert not waiting_jobs(MAIL_INVITATION)

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"email": "no address", "role": "viewer"}, "valid email"),
            ({"email": "d@north.example", "role": "operator"}, "valid choice"),
            ({"email": "d@north.example", "role": "mailer"}, "Choose the lists"),
            ({"email": "d@north.example", "role": "mailer", "lists": "x"}, "not a valid value"),
        ],
    )
    def test_a_mistake_is_named(self, alice: User, optout_list: List, fields, says: str) -> None:
        answer = sign_in(alice).post(INVITE, fields)
        assert says in look_at(answer).text
        assert User.objects.count() == 1

    def test_a_list_of_another_realm_cannot_be_given(self, alice: User, charlie: User) -> None:
        foreign = List.objects.get(realm__name="other", number=1)
        fields = {"email": "d@north.example", "role": "mailer", "lists": foreign.pk}
        answer = sign_in(alice).post(INVITE, fields)
        assert answer.status_code == 422 and not ListAccess.objects.filter(
            membership__user__email="d@north.example"
        )

    def test_the_mail_can_be_sent_again(self, alice: User, optout_list: List) -> None:
        client = sign_in(alice)
        client.post(INVITE, {"email": "d@north.example", "role": "viewer"})
        dora = Membership.objects.get(user__email="d@north.example")
        client.post(f"{TEAM}{dora.pk}/mail")

        assert do_jobs(MAIL_INVITATION) == [True, True]
        assert [each.to for each in mail.outbox] == [["d@north.example"]] * 2

    def test_no_link_is_mailed_to_somebody_who_has_a_password(self, alice: User, bob: User) -> None:
        sign_in(alice).post(f"{TEAM}{member(bob).pk}/mail")
        assert not waiting_jobs(MAIL_INVITATION)


@pytest.mark.django_db
class TestChangingAMember:
    def test_role_and_lists_are_replaced_and_audited(
        self, alice: User, bob: User, realm: Realm, optout_list: List
    ) -> None:
        second = make.make_list(realm, 2, "Second")
        client = sign_in(alice)
        screen = open_screen(client, f"{TEAM}{member(bob).pk}")
        assert screen.fields["role"] == ["owner"] and screen.fields["lists"] == [
            str(optout_list.pk)
        ]

        client.post(f"{TEAM}{member(bob).pk}", {"role": "mailer", "lists": second.pk})

        assert member(bob).role == Role.MAILER
        assert list(member(bob).lists.all()) == [second]
        entry = AuditEntry.objects.get()
        assert entry.detail["role"] == ["owner", "mailer"] and "bob@" not in str(entry.detail)

    def test_an_owner_who_becomes_a_mailer_loses_the_clear_addresses(
        self, alice: User, bob: User, optout_list: List
    ) -> None:
        ListAccess.objects.update(may_see_clear=True)
        sign_in(alice).post(f"{TEAM}{member(bob).pk}", {"role": "mailer", "lists": optout_list.pk})
        assert not ListAccess.objects.get(membership__user=bob).may_see_clear

    def test_the_last_admin_stays(self, alice: User) -> None:
        client = sign_in(alice)
        answer = client.post(f"{TEAM}{member(alice).pk}", {"role": "viewer"})
        assert "only admin" in look_at(answer).text
        answer = client.post(f"{TEAM}{member(alice).pk}/remove", follow=True)
        assert "only admin" in look_at(answer).text
        assert member(alice).role == Role.ADMIN

    def test_an_admin_may_step_down_when_there_is_another(self, alice: User, realm: Realm) -> None:
        make.make_member(make.make_user("eve@acme.example"), realm, Role.ADMIN)
        answer = sign_in(alice).post(f"{TEAM}{member(alice).pk}", {"role": "viewer"})
        assert answer.headers["Location"] == "/manage/"
        assert member(alice).role == Role.VIEWER

    def test_removing_ends_access_and_keys(self, alice: User, bob: User, optout_list: List) -> None:
        _text, key = make.make_download_key(optout_list, membership=member(bob))
        theirs = sign_in(bob)

        sign_in(alice).post(f"{TEAM}{member(bob).pk}/remove")

        assert not Membership.objects.filter(user=bob).exists()
        assert not DownloadKey.objects.get(pk=key.pk).is_active
        assert User.objects.filter(pk=bob.pk).exists()
        assert theirs.get("/manage/lists/").status_code == 404
