import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from lists.choices import Role
from lists.invitations import MAIL_INVITATION
from lists.models import AuditEntry, DownloadKey, List, ListAccess, Membership, Realm, User
from lists.secrets import digest_secret
from reporting.models import Download
from tests import make
from tests.jobs import do_jobs, waiting_jobs
from tests.reporting.portal import signed_in, signed_in_long_ago


def url(optout_list: List, rest: str = "") -> str:
    return f"/manage/lists/{optout_list.public_id}/access{rest}"


@pytest.fixture
def mailer(realm: Realm) -> Membership:
    return make.make_member(
        make.make_user("mailer@north.example", name="Northmail"), realm, Role.MAILER
    )


def make_download(optout_list: List, **fields: Any) -> Download:
    values = {
        "format": "md5",
        "agent": "curl/8",
        "outcome": "complete",
        "rows": 1234,
        "ip": "203.0.113.5",
        "started_at": make.NOW,
        **fields,
    }
    return Download.objects.create(optout_list=optout_list, **values)


@pytest.mark.django_db
class TestDownloadKeys:
    def test_a_new_key_is_shown_once_and_kept_as_a_digest(
        self, bob: User, optout_list: List
    ) -> None:
        client = signed_in(bob)
        response = client.post(url(optout_list, "/keys"), {"label": "Nightly job"})

        key = DownloadKey.objects.get()
        shown = re.search(r"hd_[\w-]+", response.content.decode())
        assert shown is not None
        assert bytes(key.secret_digest) == digest_secret(shown.group())
        assert (key.label, key.may_see_clear, key.membership) == ("Nightly job", False, None)
        assert response.status_code == 200
        assert "no-store" in response["Cache-Control"]
        assert shown.group() not in client.get(url(optout_list)).content.decode()
        assert AuditEntry.objects.get().action == "make_download_key"
        assert shown.group() not in str(AuditEntry.objects.get().detail)
        assert shown.group() not in str(dict(client.session))

    def test_a_key_may_belong_to_a_mailer_who_has_the_list(
        self, bob: User, optout_list: List, mailer: Membership
    ) -> None:
        client = signed_in(bob)
        body = {"label": "Northmail", "membership": mailer.pk, "may_see_clear": "on"}

        assert client.post(url(optout_list, "/keys"), body).status_code == 422
        ListAccess.objects.create(membership=mailer, optout_list=optout_list)
        assert client.post(url(optout_list, "/keys"), body).status_code == 200
        key = DownloadKey.objects.get()
        assert (key.membership, key.may_see_clear) == (mailer, True)

    def test_without_a_label_none_is_made(self, bob: User, optout_list: List) -> None:
        response = signed_in(bob).post(url(optout_list, "/keys"), {"label": " "})

        assert response.status_code == 422
        assert not DownloadKey.objects.exists()

    def test_making_one_asks_for_the_password_after_a_while(
        self, bob: User, optout_list: List
    ) -> None:
        response = signed_in_long_ago(bob).post(url(optout_list, "/keys"), {"label": "Job"})

        assert "reauthenticate" in response["Location"]
        assert not DownloadKey.objects.exists()

    def test_a_key_is_switched_off_and_on(self, bob: User, optout_list: List) -> None:
        _, key = make.make_download_key(optout_list)
        client = signed_in(bob)

        client.post(url(optout_list, f"/keys/{key.pk}"), {"on": "0"})
        assert not DownloadKey.objects.get().is_active
        client.post(url(optout_list, f"/keys/{key.pk}"), {"on": "1"})
        assert DownloadKey.objects.get().is_active
        assert AuditEntry.objects.count() == 2

    def test_switching_one_on_asks_for_the_password_after_a_while_and_off_does_not(
        self, bob: User, optout_list: List
    ) -> None:
        _, key = make.make_download_key(optout_list)
        client = signed_in_long_ago(bob)

        client.post(url(optout_list, f"/keys/{key.pk}"), {"on": "0"})
        assert not DownloadKey.objects.get().is_active
        response = client.post(url(optout_list, f"/keys/{key.pk}"), {"on": "1"})

        assert "reauthenticate" in response["Location"]
        assert not DownloadKey.objects.get().is_active

    def test_the_key_of_a_member_who_left_never_opens_the_list_again(
        self, alice: User, bob: User, optout_list: List, mailer: Membership
    ) -> None:
        """A7: it would be nobody's, and so a script's, which may do more."""
        ListAccess.objects.create(membership=mailer, optout_list=optout_list)
        text, key = make.make_download_key(optout_list, membership=mailer)
        entry = make_download(optout_list, key=key)
        signed_in(alice).post(f"/manage/team/{mailer.pk}/remove")
        client = signed_in(bob)

        response = client.post(url(optout_list, f"/keys/{key.pk}"), {"on": "1"})

        assert response.status_code == 404
        assert not Membership.objects.filter(pk=mailer.pk).exists()
        assert not DownloadKey.objects.get().is_active
        page = client.get(url(optout_list)).content.decode()
        assert "Expired" in page
        assert "Switch on" not in page
        assert "A script" not in page
        assert Download.objects.get() == entry
        answer = Client().get(f"/d/{optout_list.public_id}", {"key": text})
        assert answer.status_code == 401
        DownloadKey.objects.update(is_active=True)
        answer = Client().get(f"/d/{optout_list.public_id}", {"key": text})
        assert answer.status_code == 401

    def test_another_lists_key_is_not_there(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        _, key = make.make_download_key(make.make_list(realm, 2))

        response = signed_in(bob).post(url(optout_list, f"/keys/{key.pk}"), {"on": "0"})

        assert response.status_code == 404
        key.refresh_from_db()
        assert key.is_active


@pytest.mark.django_db
class TestMailers:
    def test_a_list_is_given_changed_and_taken(
        self, bob: User, optout_list: List, mailer: Membership
    ) -> None:
        client = signed_in(bob)
        client.post(url(optout_list, "/mailers"), {"membership": mailer.pk, "may_download": "on"})
        access = ListAccess.objects.get(membership=mailer)
        assert (access.may_download, access.may_see_clear) == (True, False)

        client.post(
            url(optout_list, f"/mailers/{access.pk}"), {"do": "save", "may_see_clear": "on"}
        )
        access = ListAccess.objects.get(membership=mailer)
        assert (access.may_download, access.may_see_clear) == (False, True)

        _, key = make.make_download_key(optout_list, membership=mailer)
        client.post(url(optout_list, f"/mailers/{access.pk}"), {"do": "remove"})
        assert not ListAccess.objects.filter(membership=mailer).exists()
        key.refresh_from_db()
        assert not key.is_active
        assert [each.action for each in AuditEntry.objects.order_by("pk")] == [
            "give_list",
            "give_list",
            "take_list",
        ]

    def test_giving_it_asks_for_the_password_after_a_while(
        self, bob: User, optout_list: List, mailer: Membership
    ) -> None:
        response = signed_in_long_ago(bob).post(
            url(optout_list, "/mailers"), {"membership": mailer.pk, "may_download": "on"}
        )

        assert "reauthenticate" in response["Location"]
        assert not ListAccess.objects.filter(membership=mailer).exists()

    @pytest.mark.parametrize("right", ["may_download", "may_see_clear"])
    def test_so_does_giving_a_right_and_taking_one_does_not(
        self, bob: User, optout_list: List, mailer: Membership, right: str
    ) -> None:
        access = ListAccess.objects.create(
            membership=mailer, optout_list=optout_list, may_download=False
        )
        client = signed_in_long_ago(bob)
        body = {"do": "save", right: "on"}

        response = client.post(url(optout_list, f"/mailers/{access.pk}"), body)
        access.refresh_from_db()
        assert "reauthenticate" in response["Location"]
        assert (access.may_download, access.may_see_clear) == (False, False)

        ListAccess.objects.filter(pk=access.pk).update(may_download=True, may_see_clear=True)
        client.post(url(optout_list, f"/mailers/{access.pk}"), body)
        access.refresh_from_db()
        assert [access.may_download, access.may_see_clear].count(True) == 1
        client.post(url(optout_list, f"/mailers/{access.pk}"), {"do": "remove"})
        assert not ListAccess.objects.filter(pk=access.pk).exists()

    def test_only_mailers_of_the_realm_can_be_given_it(
        self, bob: User, alice: User, optout_list: List
    ) -> None:
        stranger = make.make_member(
            make.make_user("m@other.example"), make.make_realm("other"), Role.MAILER
        )
        admin = Membership.objects.get(user=alice)
        for member in (stranger.pk, admin.pk, 10**30, "x"):
            response = signed_in(bob).post(url(optout_list, "/mailers"), {"membership": member})
            assert response.status_code == 422
        assert ListAccess.objects.exclude(membership__user=bob).count() == 0

    def test_an_owner_makes_a_login_for_a_mailer(self, bob: User, optout_list: List) -> None:
        signed_in(bob).post(
            url(optout_list, "/invite"), {"email": "New@North.example", "may_see_clear": "on"}
        )

        access = ListAccess.objects.get(membership__user__email="new@north.example")
        assert access.membership.role == Role.MAILER
        assert access.membership.realm == optout_list.realm
        assert (access.may_download, access.may_see_clear) == (False, True)
        assert do_jobs(MAIL_INVITATION) == [True]
        assert [each.to for each in mail.outbox] == [["new@north.example"]]
        assert {each.action for each in AuditEntry.objects.all()} >= {"add_member", "give_list"}

    def test_a_mailer_of_the_realm_keeps_its_other_lists(
        self, bob: User, realm: Realm, optout_list: List, mailer: Membership
    ) -> None:
        ListAccess.objects.create(membership=mailer, optout_list=make.make_list(realm, 2))

        signed_in(bob).post(url(optout_list, "/invite"), {"email": "MAILER@north.example"})

        assert mailer.accesses.count() == 2
        assert waiting_jobs(MAIL_INVITATION) == []

    def test_somebody_with_another_role_keeps_it(
        self, bob: User, alice: User, optout_list: List
    ) -> None:
        response = signed_in(bob).post(url(optout_list, "/invite"), {"email": alice.email})

        assert response.status_code == 422
        assert Membership.objects.get(user=alice).role == Role.ADMIN
        assert not ListAccess.objects.filter(membership__user=alice).exists()

    @pytest.mark.parametrize("email", ["", "nonsense", "a\x00@b.example", "x" * 300 + "@b.example"])
    def test_without_an_address_nobody_is_invited(
        self, bob: User, optout_list: List, email: str
    ) -> None:
        response = signed_in(bob).post(url(optout_list, "/invite"), {"email": email})

        assert response.status_code == 422
        assert waiting_jobs(MAIL_INVITATION) == []

    def test_the_owners_own_place_cannot_be_taken_here(self, bob: User, optout_list: List) -> None:
        own = ListAccess.objects.get(membership__user=bob)

        response = signed_in(bob).post(url(optout_list, f"/mailers/{own.pk}"), {"do": "remove"})

        assert response.status_code == 404
        assert ListAccess.objects.filter(pk=own.pk).exists()


@pytest.mark.django_db
class TestAccessLog:
    def test_it_says_who_when_and_how_much(self, bob: User, optout_list: List) -> None:
        _, key = make.make_download_key(optout_list)
        make_download(optout_list, key=key)
        make_download(optout_list, user=bob, outcome="broken_off")

        page = signed_in(bob).get(url(optout_list)).content.decode()

        assert "1,234" in page
        assert "203.0.113.5" in page
        assert f"…{key.hint}" in page
        assert "Broken off" in page

    def test_it_is_paged_in_both_directions(self, bob: User, optout_list: List) -> None:
        for minute in range(60):
            make_download(optout_list, rows=minute, started_at=make.NOW + timedelta(minutes=minute))
        client = signed_in(bob)

        first = client.get(url(optout_list))
        second = client.get(url(optout_list) + first.context["older_url"])
        back = client.get(url(optout_list) + second.context["newer_url"])

        assert [each.rows for each in first.context["log"]] == list(range(59, 34, -1))
        assert [each.rows for each in second.context["log"]] == list(range(34, 9, -1))
        assert list(back.context["log"]) == list(first.context["log"])

    def test_it_asks_the_database_ten_times_at_most(
        self, bob: User, optout_list: List, mailer: Membership, django_assert_max_num_queries
    ) -> None:
        ListAccess.objects.create(membership=mailer, optout_list=optout_list)
        for _ in range(10):
            _, key = make.make_download_key(optout_list, membership=mailer)
            make_download(optout_list, key=key)
        client = signed_in(bob)
        with django_assert_max_num_queries(10):
            client.get(url(optout_list))
