"""What hostile requests get: never a 500."""

import json

import pytest

from lists.models import Contact, List, Realm
from tests import make
from tests.reporting.contacts_http.calls import V1, V2, Caller, entry, error_key

JANE = "jane@example.com"
ROOT = "/ws/customers/acme"


@pytest.fixture
def jane(realm: Realm, optout_list: List) -> Contact:
    return make.make_contact(realm, JANE, optout_list)


class TestHostileInput:
    @pytest.mark.parametrize(
        "body",
        [
            b" ",
            b"\0",
            b"\xff\xfe<",
            b"<entry>",
            b"<Contact/><Contact/>",
            b"<entry/>",
            b"<entry><Contact/><Contact/></entry>",
            b"<Contact><EmailAddress>a@b.example</EmailAddress><EmailAddress>c@d.example</EmailAddress></Contact>",
            b'<?xml version="1.0" encoding="x-none"?><Contact/>',
            b'<?xml version="1.0" encoding="undefined"?><Contact/>',
            b"<!DOCTYPE Contact><Contact/>",
            b'<!DOCTYPE Contact [<!ENTITY x SYSTEM "file:///etc/passwd">]><Contact><FirstName>&x;</FirstName></Contact>',
            b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><Contact><FirstName>&b;</FirstName></Contact>',
            b"<Contact><FirstName>&undeclared;</FirstName></Contact>",
            b"<a>" * 100_000,
            b"<Contact>" + b"<a/>" * 20_000 + b"</Contact>",
            b"<Contact><FirstName>" + b"x" * 2_000 + b"</FirstName></Contact>",
            entry("nonsense", EmailAddress=JANE).encode(),
            entry("5555555555555555555555", EmailAddress=JANE).encode(),
            entry("do-not-mail", EmailAddress=JANE).encode(),
            entry(1, EmailAddress="no address").encode(),
        ],
    )
    def test_v1_reads_one_plain_contact_and_nothing_else(
        self, realm: Realm, jane: Contact, body: bytes
    ) -> None:
        caller = V1("acme", make.make_api_key(realm))
        for method, path in (("PUT", f"{ROOT}/contacts/{jane.pk}"), ("POST", f"{ROOT}/contacts")):
            response = caller.send(method, path, body, "application/atom+xml")
            expected = {400, 413} if method == "PUT" else {400, 409, 413}  # jane is there already
            assert response.status_code in expected
            assert b"passwd" not in response.content and b"a@b" not in response.content
        assert Contact.objects.get().changed_at == jane.changed_at

    def test_v1_refuses_other_kinds_of_bodies_and_large_ones(self, realm: Realm) -> None:
        caller = V1("acme", make.make_api_key(realm))
        path, body = f"{ROOT}/contacts", entry(1, EmailAddress=JANE)
        for kind in ("", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            assert caller.send("POST", path, body, kind).status_code in {400, 415}
        assert caller.send("POST", path, " " * 300_000, "text/xml").status_code == 413
        assert caller.send("POST", path, b" " * 30_000_000, "text/xml").status_code == 413
        assert not Contact.objects.exists()

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b"null",
            b"5",
            b"{",
            b"\xff",
            b'{"lists":[],"lists":[]}',
            b'{"first_name":NaN}',
            b"[" * 100_000,
            b'{"lists":{}}',
            b'{"lists":[5]}',
            b'{"lists":[{}]}',
            b'{"lists":[{"id":true}]}',
            b'{"lists":[{"id":1.5}]}',
            b'{"lists":[{"id":"9"}]}',
            b'{"lists":[{"id":99999999999999999999999}]}',
            b'{"lists":[{"id":"do-not-mail"}]}',
            b'{"email_addresses":"x"}',
            b'{"email_addresses":[{"email_address":5}]}',
            b'{"email_addresses":[{"email_address":"no address"}]}',
            b'{"email_addresses":[{"email_address":"\\u0000@example.com"}]}',
            b'{"email_addresses":[{"email_address":"\\ud800@example.com"}]}',
            b'{"email_addresses":[{"email_address":"a@b.example"},{"email_address":"c@d.example"}]}',
            b'{"first_name":["x"]}',
            b'{"addresses":["x"]}',
            b'{"custom_fields":[{"name":5}]}',
            json.dumps({"first_name": "x" * 2_000}).encode(),
        ],
    )
    def test_v2_reads_what_it_knows(self, realm: Realm, jane: Contact, body: bytes) -> None:
        caller = V2(make.make_api_key(realm))
        for method, path in (("PUT", f"/v2/contacts/{jane.pk}"), ("POST", "/v2/contacts")):
            response = caller.send(method, path, body, "application/json")
            assert response.status_code == 400
            error_key(response)
        assert Contact.objects.get().changed_at == jane.changed_at

    @pytest.mark.parametrize(
        "query",
        [
            "limit=0",
            "limit=501",
            "limit=",
            "limit=1_0",
            "limit=%D9%A3",
            "limit=5&limit=6",
            "modified_sinc=2020-01-01",
            "modified_since=",
            "modified_since=yesterday",
            "modified_since=2020-13-01",
            "modified_since=%00",
            "status=LOST",
            "status=%00",
            "email=",
            "email=no%20address",
            "email=%00@example.com",
            "next=",
            "next=nonsense",
            "next=%D9%A3",
            "next=" + "A" * 5_000,
            "next=bWVtYmVyczoxOjE6MA",
            "action_by=ACTION_BY_OWNER",
            "&".join(f"a{number}=1" for number in range(200)),
        ],
    )
    def test_v2_refuses_a_query_that_it_cannot_follow(self, realm: Realm, query: str) -> None:
        response = V2(make.make_api_key(realm)).send("GET", f"/v2/contacts?{query}")
        assert response.status_code == 400
        assert error_key(response) == "request.invalid"

    @pytest.mark.parametrize(
        "since",
        [
            "0001-01-01",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59.999999-14:00",
            "1969-12-31T23:59:59Z",
            "2020-01-01T00:00:00 00:00",
        ],
    )
    def test_any_time_will_do(self, realm: Realm, jane: Contact, since: str) -> None:
        make.make_contact(realm, "john@example.com")
        caller = V2(make.make_api_key(realm))
        path = f"/v2/contacts?limit=1&modified_since={since.replace(' ', '+')}"
        answer = json.loads(caller.send("GET", path).content)
        assert len(answer["results"]) == (0 if since.startswith("9999") else 1)

    def test_a_cursor_is_for_its_own_list(self, realm: Realm, optout_list: List) -> None:
        for number in range(3):
            make.make_contact(realm, f"reader{number}@example.com", optout_list)
        key = make.make_api_key(realm)
        link = V2(key).get("lists/1/contacts", limit=1)["meta"]["pagination"]["next_link"]
        query = link.partition("?")[2]
        assert V2(key).send("GET", f"/v2/lists/active/contacts?{query}").status_code == 400
        assert (
            V1("acme", key).send("GET", f"{ROOT}/lists/active/members?{query}").status_code == 400
        )
        other = make.make_realm("other")
        assert V2(make.make_api_key(other)).send("GET", f"/v2/contacts?{query}").status_code == 400

    def test_action_by_is_one_of_two(self, realm: Realm, jane: Contact) -> None:
        caller = V2(make.make_api_key(realm))
        response = caller.write("PUT", f"contacts/{jane.pk}", {}, action_by="ACTION_BY_NOBODY")
        assert response.status_code == 400

    def test_v1_asks_for_fifty_addresses_at_most(self, realm: Realm) -> None:
        caller = V1("acme", make.make_api_key(realm))
        query = "&".join(f"email=a{number}@example.com" for number in range(51))
        for refused in (
            query,
            "email=",
            "listtype=x",
            "listid=9",
            "listid=1&listtype=active",
            "next=x",
        ):
            assert caller.send("GET", f"{ROOT}/contacts?{refused}").status_code == 400

    def test_a_key_in_the_path_or_query_is_not_repeated(self, realm: Realm) -> None:
        key = make.make_api_key(realm)
        for path in (f"{ROOT}/lists/{key}", f"/v2/contacts/{key}", f"/v2/contacts?{key}=1"):
            assert key.encode() not in Caller(f"Bearer {key}").send("GET", path).content

    def test_what_a_field_holds_stays_text(self, realm: Realm, optout_list: List) -> None:
        make.make_contact(
            realm, "o'hara+&@example.com", optout_list, first="<b>&\ufffe", last='"\u202e'
        )
        key = make.make_api_key(realm)
        (address,) = V1("acme", key).members(1)
        assert address == "o'hara+&@example.com"
        assert len(V1("acme", key).entries("contacts")) == 1
