from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db.models import ProtectedError
from django.test import Client

from lists.choices import ListKind
from lists.models import AuditEntry, List, Membership, Realm, User
from optout.models import OptOut, Suppression
from tests import make
from tests.lists.screens import sign_in


@pytest.fixture
def operator(db: None) -> User:
    return make.make_user("op@heed.example", is_superuser=True, is_staff=True)


@pytest.mark.django_db
class TestOps:
    def test_it_is_there_for_operators_only(self, operator: User, alice: User, bob: User) -> None:
        assert sign_in(operator).get("/ops/").status_code == 200
        for user in (alice, bob):
            client = sign_in(user)
            asked = client.get("/ops/")
            assert asked.status_code == 302
            assert client.get(asked.headers["Location"]).status_code == 404
            assert client.get("/ops/lists/realm/", follow=True).status_code == 404

    def test_another_default_language_of_a_realm_moves_its_lists_texts(
        self, operator: User, realm: Realm, optout_list: List
    ) -> None:
        List.objects.filter(pk=optout_list.pk).update(own_texts={"name": {"de": "Gartenbriefe"}})
        changed = {
            "sender_name": realm.sender_name,
            "support_address": "",
            "default_language": "de",
            "default_region": "DE",
        }
        sign_in(operator).post(f"/ops/lists/realm/{realm.pk}/change/", changed)
        optout_list.refresh_from_db()
        assert optout_list.name == "Gartenbriefe"
        assert optout_list.own_texts == {"name": {"en": "Garden letters"}}

    def test_it_has_no_sign_in_of_its_own(self, db: None) -> None:
        answer = Client().get("/ops/login/?next=/ops/lists/")
        assert answer.headers["Location"] == "/manage/account/login/?next=/ops/lists/"
        assert Client().post("/ops/login/", {"username": "a", "password": "b"}).status_code == 302

    def test_every_screen_opens(self, operator: User, optout_list: List) -> None:
        client = sign_in(operator)
        for model in admin.site._registry:
            path = f"/ops/{model._meta.app_label}/{model._meta.model_name}/"
            assert client.get(path).status_code == 200, path

    def test_ledger_suppressions_and_second_factors_are_not_there(self) -> None:
        registered = set(admin.site._registry)
        assert not {OptOut, Suppression, apps.get_model("mfa", "Authenticator")} & registered

    def test_the_audit_cannot_be_touched(self, operator: User, realm: Realm) -> None:
        entry = AuditEntry.objects.create(realm=realm, action="x", recorded_at=make.NOW)
        client = sign_in(operator)
        assert client.get(f"/ops/lists/auditentry/{entry.pk}/change/").status_code == 200
        assert (
            client.post(f"/ops/lists/auditentry/{entry.pk}/change/", {"action": "y"}).status_code
            == 403
        )
        assert (
            client.post(f"/ops/lists/auditentry/{entry.pk}/delete/", {"post": "yes"}).status_code
            == 403
        )
        assert AuditEntry.objects.get().action == "x"

    def test_a_new_realm_gets_its_do_not_mail(self, operator: User) -> None:
        answer = sign_in(operator).post(
            "/ops/lists/realm/add/",
            {
                "name": "acme",
                "sender_name": "Acme",
                "support_address": "",
                "default_language": "en",
                "default_region": "US",
            },
        )
        assert answer.status_code == 302
        made = List.objects.get(realm__name="acme")
        assert (made.number, made.kind, made.name) == (0, ListKind.GLOBAL, "Do Not Mail")

    def test_a_membership_is_not_deleted_here_so_that_its_keys_keep_their_member(
        self, operator: User, bob: User, optout_list: List
    ) -> None:
        """A7: a key without its member would be a script's, which may do more."""
        membership = Membership.objects.get(user=bob)
        _text, key = make.make_download_key(optout_list, membership=membership)
        client = sign_in(operator)
        path = "/ops/lists/membership/"

        assert client.get(f"{path}{membership.pk}/change/").status_code == 200
        assert client.post(f"{path}{membership.pk}/delete/", {"post": "yes"}).status_code == 403
        client.post(
            path,
            {"action": "delete_selected", "_selected_action": membership.pk, "post": "yes"},
        )

        key.refresh_from_db()
        assert key.membership == membership and key.is_active

    def test_nor_can_the_database_lose_the_member_of_a_key(
        self, bob: User, optout_list: List
    ) -> None:
        membership = Membership.objects.get(user=bob)
        make.make_download_key(optout_list, membership=membership)

        with pytest.raises(ProtectedError):
            membership.delete()

    def test_a_membership_stays_with_its_person_and_realm(
        self, operator: User, bob: User, charlie: User
    ) -> None:
        membership = Membership.objects.get(user=bob)
        other = Membership.objects.get(user=charlie)

        answer = sign_in(operator).post(
            f"/ops/lists/membership/{membership.pk}/change/",
            {
                "user": charlie.pk,
                "realm": other.realm_id,
                "role": "viewer",
                "accesses-TOTAL_FORMS": "0",
                "accesses-INITIAL_FORMS": "0",
            },
        )

        assert answer.status_code == 302
        changed = Membership.objects.get(pk=membership.pk)
        assert (changed.user, changed.realm_id) == (bob, membership.realm_id)
        assert changed.role == "viewer"

    def test_a_new_person_has_no_password_yet(self, operator: User) -> None:
        sign_in(operator).post(
            "/ops/lists/user/add/", {"email": "New@North.example", "name": "", "is_active": "on"}
        )
        made = User.objects.get(email="new@north.example")
        assert not made.has_usable_password()


@pytest.mark.django_db
class TestNames:
    def test_no_row_tells_an_address_by_its_name(self, optout_list: List, alice: User) -> None:
        make.make_optout(optout_list, "jane@example.com")
        make.make_download_key(optout_list)
        models: list[Any] = [*apps.get_app_config("lists").get_models(), OptOut, Suppression]
        rows = [row for model in models for row in model.objects.all()]
        assert len(rows) > 5
        assert not [row for row in rows if "@" in str(row)]
