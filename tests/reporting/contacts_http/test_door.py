"""Who is let in, and what everybody else is told."""

from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory
from django.utils import timezone

from config.views import outage
from lists.bounded import TookTooLongError
from lists.models import ApiKey, Contact, List, Realm
from optout.models import OptOut
from reporting.contacts_http.members import Members
from tests import make
from tests.reporting.contacts_http.calls import V1, V2, Caller, basic, entry, error_key

JANE = "jane@example.com"
ROOT = "/ws/customers/acme"
ADDRESSES = {
    f"{ROOT}/lists": {"GET"},
    f"{ROOT}/lists/active": {"GET"},
    f"{ROOT}/lists/1/members": {"GET"},
    f"{ROOT}/contacts": {"GET", "POST"},
    f"{ROOT}/contacts/{{jane}}": {"GET", "PUT", "DELETE"},
    "/v2/lists": {"GET"},
    "/v2/lists/1": {"GET"},
    "/v2/lists/removed/contacts": {"GET"},
    "/v2/contacts": {"GET", "POST"},
    "/v2/contacts/{jane}": {"GET", "PUT", "DELETE"},
    "/v2/contacts/{jane}/lists": {"DELETE"},
    "/v2/contacts/{jane}/lists/1": {"DELETE"},
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")


@pytest.fixture
def jane(realm: Realm, optout_list: List) -> Contact:
    return make.make_contact(realm, JANE, optout_list)


class TestWho:
    @pytest.mark.parametrize(
        "authorization",
        [
            "",
            "Basic",
            "Basic !!!",
            "Basic " + b64encode(b"no colon").decode(),
            "Basic " + b64encode(b"\xff\xfe%acme:x").decode(),
            "Basic " + b64encode(b"%:").decode(),
            "Basic 2🌱",
            basic("hk_wrong%acme"),
            basic("acme", "hk_wrong"),
            basic("acme", "hk_" + "x" * 5_000),
            basic("acme", "hk_\0"),
            "Bearer",
            "Bearer hk_wrong",
            "Digest hk_wrong",
        ],
    )
    @pytest.mark.parametrize("path", [f"{ROOT}/lists", "/v2/lists"])
    def test_without_a_key_of_ours_it_is_401(
        self, realm: Realm, authorization: str, path: str
    ) -> None:
        response = Caller(authorization.encode().decode("latin-1")).send("GET", path)

        assert response.status_code == 401
        scheme = "Basic" if path.startswith("/ws/") else "Bearer"
        assert response.headers["WWW-Authenticate"].startswith(scheme)
        assert b"wrong" not in response.content

    def test_v1_takes_the_key_in_three_places(self, realm: Realm) -> None:
        key = make.make_api_key(realm)
        for right in (
            basic(f"{key}%acme"),
            basic("acme", key),
            basic("0ld-k3y%acme", key),
            basic(f"{key}%ACME", ""),
            f"Bearer {key}",
        ):
            assert Caller(right).send("GET", f"{ROOT}/lists").status_code == 200, right
        for wrong in (basic(key), basic("other", key), basic(f"{key}%other"), basic("", key)):
            assert Caller(wrong).send("GET", f"{ROOT}/lists").status_code == 401, wrong
        assert Caller(basic("acme", key)).send("GET", "/v2/lists").status_code == 401

    def test_another_user_in_the_path_does_not_exist(self, realm: Realm) -> None:
        make.make_list(make.make_realm("other"))
        key = make.make_api_key(realm)
        for user in ("other", "nobody", "acme%20", "%00"):
            path = f"/ws/customers/{user}/lists"
            assert Caller(basic(f"{key}%acme")).send("GET", path).status_code == 404

    @pytest.mark.parametrize("path", list(ADDRESSES))
    def test_a_key_may_do_what_it_is_for(
        self, realm: Realm, optout_list: List, jane: Contact, path: str
    ) -> None:
        path = path.format(jane=jane.pk)
        reads = Caller(f"Bearer {make.make_api_key(realm, may_write=False)}")
        writes = Caller(f"Bearer {make.make_api_key(realm, may_read=False)}")
        some = Caller(f"Bearer {make.make_api_key(realm, optout_list)}")
        allowed = next(each for each in ADDRESSES if each.format(jane=jane.pk) == path)
        for method in ADDRESSES[allowed]:
            shows, changes = method != "DELETE", method != "GET"
            assert not shows or writes.send(method, path).status_code == 403
            assert not changes or reads.send(method, path).status_code == 403
            assert some.send(method, path).status_code == 403
        assert Contact.objects.get().changed_at == jane.changed_at
        assert not OptOut.objects.exists()

    def test_ended_keys_and_ips_that_are_not_approved(self, realm: Realm) -> None:
        key = make.make_api_key(realm, expires_at=timezone.now() - timedelta(days=1))
        assert V2(key).send("GET", "/v2/lists").status_code == 401
        realm.approved_ips = ["198.51.100.0/24"]
        realm.save(update_fields=["approved_ips"])
        response = V2(make.make_api_key(realm)).send("GET", "/v2/lists")
        assert (response.status_code, error_key(response)) == (403, "http.status.permission.denied")

    def test_the_rate_limit_is_told_and_holds(self, realm: Realm, settings: Any) -> None:
        settings.API_CALLS_PER_MINUTE = 2
        caller = V1("acme", make.make_api_key(realm))
        responses = [caller.send("GET", f"{ROOT}/lists") for _ in range(3)]
        assert [each.status_code for each in responses] == [200, 200, 429]
        assert responses[0].headers["RateLimit-Limit"] == "2"
        assert responses[2].headers["RateLimit-Remaining"] == "0"
        assert int(responses[2].headers["Retry-After"]) > 0


class TestWhere:
    @pytest.mark.parametrize("path", list(ADDRESSES))
    def test_other_methods_are_405(self, realm: Realm, path: str) -> None:
        caller = Caller(f"Bearer {make.make_api_key(realm)}")
        for method in set(METHODS) - ADDRESSES[path]:
            response = caller.send(method, path.format(jane=1))
            assert response.status_code == 405
            assert response.headers["Allow"] == ", ".join(sorted(ADDRESSES[path]))

    @pytest.mark.parametrize(
        "path",
        [
            "/ws/",
            "/ws/customers/acme",
            "/ws/customers/acme/campaigns",
            "/ws/customers/acme/contacts/5/lists",
            "/v2/",
            "/v2/campaigns",
            "/v2/contacts/5/notes",
            "/v2/lists/5/members",
        ],
    )
    def test_there_is_nothing_else(self, db: None, path: str) -> None:
        for method in METHODS:
            assert Client().generic(method, path).status_code == 404

    def test_a_slash_at_the_end_does_no_harm(self, realm: Realm, jane: Contact) -> None:
        key = make.make_api_key(realm)
        assert V2(key).get("lists/") == V2(key).get("lists")
        assert V2(key).get(f"contacts/{jane.pk}/")["id"] == str(jane.pk)
        assert V1("acme", key).get("lists/").tag.endswith("feed")

    def test_a_foreign_contact_or_list_does_not_exist(self, realm: Realm) -> None:
        other = make.make_realm("other")
        theirs = make.make_contact(other, JANE, make.make_list(other, 9))
        make.make_optout(make.do_not_mail(other), "gone@example.com")
        key = make.make_api_key(realm)
        before = Contact.objects.get()
        for contact_id in (theirs.pk, bytes(theirs.digest).hex(), 0, "-1", "9" * 30, "٣", "1_0"):
            for method, body in (("GET", b""), ("PUT", entry().encode()), ("DELETE", b"")):
                path = f"{ROOT}/contacts/{contact_id}"
                kind = "application/atom+xml"
                response = V1("acme", key).send(method, path, body, kind)
                assert response.status_code == 404
            path = f"contacts/{contact_id}"
            assert V2(key).send("GET", f"/v2/{path}").status_code == 404
            assert V2(key).write("PUT", path, {"lists": []}).status_code == 404
            assert V2(key).write("DELETE", path).status_code == 404
        for list_id in (9, "9" * 30, "Active", "٣", "-1", "1_0"):
            for path in (f"{ROOT}/lists/{list_id}", f"{ROOT}/lists/{list_id}/members"):
                assert V1("acme", key).send("GET", path).status_code == 404
            assert V2(key).send("GET", f"/v2/lists/{list_id}/contacts").status_code == 404
        assert V2(key).emails("contacts") == {}
        assert Contact.objects.get().changed_at == before.changed_at
        assert OptOut.objects.count() == 1


class TestOutage:
    @pytest.mark.parametrize("path", [f"{ROOT}/lists", "/v2/lists"])
    def test_it_is_503_and_says_to_try_again(
        self, realm: Realm, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        caller = Caller(f"Bearer {make.make_api_key(realm)}")
        for error in (OperationalError, TookTooLongError):

            def fails(*_: Any, error: type[Exception] = error) -> None:
                raise error

            monkeypatch.setattr(Members, "summaries", fails)
            response = caller.send("GET", path)
            assert (response.status_code, response.headers["Retry-After"]) == (503, "30")
            is_v2 = path.startswith("/v2")
            assert response.headers["Content-Type"].startswith(
                "application/json" if is_v2 else "text/plain"
            )
            assert (b"error_key" in response.content) == is_v2

    @pytest.mark.parametrize("path", [f"{ROOT}/lists", "/v2/lists"])
    def test_the_middleware_says_the_same(self, path: str) -> None:
        response = outage(RequestFactory().get(path, headers={"accept": "text/html"}))
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "30"
        assert b"<html" not in response.content

    def test_what_nobody_foresaw_is_logged_and_said_to_be_ours(
        self, realm: Realm, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fails(*_: Any) -> None:
            raise RuntimeError

        monkeypatch.setattr(Members, "summaries", fails)
        response = V2(make.make_api_key(realm)).send("GET", "/v2/lists")
        assert (response.status_code, error_key(response)) == (
            500,
            "http.status.internal_server_error",
        )
        assert "contacts over HTTP failed" in caplog.text


def test_a_call_is_noted_at_its_key(realm: Realm) -> None:
    V1("acme", make.make_api_key(realm)).get("lists")
    assert ApiKey.objects.get().last_used_ip == "192.0.2.7"
