"""What existing clients do all day, in both shapes: lists, members of the three, delete; and who can be added again."""

import json

import pytest
from django.utils import timezone

from lists.models import Contact, List, Realm, Subscription
from optout.choices import Assurance, Channel, Origin, Reason
from optout.models import OptOut, Suppression
from tests import make
from tests.reporting.contacts_http.calls import ATOM, CTCT, V1, V2

JANE, JOHN, LEFT, GONE = (f"{name}@example.com" for name in ("jane", "john", "left", "gone"))


@pytest.fixture
def letters(realm: Realm) -> List:
    return make.make_list(realm, 5, "Garden letters")


@pytest.fixture
def people(realm: Realm, letters: List) -> dict[str, Contact]:
    """Jane and John are on a list, one was removed; and somebody who is no contact opted out of everything."""
    make.make_optout(make.do_not_mail(realm), GONE)
    return {
        JANE: make.make_contact(realm, JANE, letters, first="Jane", last="Doe"),
        JOHN: make.make_contact(realm, JOHN, letters),
        LEFT: make.make_contact(realm, LEFT),
    }


class TestV1:
    @pytest.fixture
    def client1(self, realm: Realm, people: dict[str, Contact]) -> V1:
        return V1("acme", make.make_api_key(realm))

    def test_lists_and_the_members_of_the_three(
        self, client1: V1, people: dict[str, Contact]
    ) -> None:
        entries = client1.entries("lists")
        ids = [each.find(f"{ATOM}id").text.rpartition("/")[2] for each in entries]
        assert ids == ["active", "do-not-mail", "removed", "5"]
        assert [each.find(f"{ATOM}title").text for each in entries][:2] == ["Active", "Do Not Mail"]

        assert set(client1.members("active")) == set(client1.members(5)) == {JANE, JOHN}
        assert set(client1.members("removed")) == {LEFT}
        assert set(client1.members("do-not-mail")) == set(client1.members(0)) == {GONE}
        url = client1.members("active")[JANE]
        assert url == f"http://localhost:8000/ws/customers/acme/contacts/{people[JANE].pk}"
        single = client1.get("lists/do-not-mail")
        assert single.tag == f"{ATOM}entry"

    def test_a_feed_is_paged_by_fifty(self, realm: Realm, letters: List, client1: V1) -> None:
        for number in range(120):
            make.make_contact(realm, f"reader{number}@example.com", letters)
        assert len(client1.entries("lists/5/members")) == 122
        assert len(client1.members("active")) == 122
        assert len(client1.entries("contacts")) == 124

    def test_a_deleted_contact_cannot_be_added_again(
        self, client1: V1, people: dict[str, Contact]
    ) -> None:
        jane = people[JANE].pk
        response = client1.delete(jane)
        assert (response.status_code, response.content) == (204, b"")
        assert client1.delete(jane).status_code == 204

        assert set(client1.members("do-not-mail")) == {GONE, JANE}
        assert set(client1.members("active")) == {JOHN}
        contact = client1.contact(jane)
        assert contact.find(f"{CTCT}Status").text == "Do Not Mail"
        (place,) = contact.findall(f"{CTCT}ContactLists/{CTCT}ContactList")
        assert place.get("id").endswith("/lists/do-not-mail")
        assert place.find(f"{CTCT}OptOutSource").text == "ACTION_BY_CONTACT"
        assert client1.post(5, EmailAddress=JANE).status_code == 409
        assert client1.put(jane, 5, EmailAddress=JANE).status_code == 409
        assert not Subscription.objects.filter(digest=people[JANE].digest).exists()

        first, repeated = OptOut.objects.filter(digest=people[JANE].digest).order_by("id")
        assert (first.is_new, repeated.is_new) == (True, False)
        assert first.channel == Channel.REST and first.assurance == Assurance.API_CREDENTIAL
        assert first.reason == Reason.UNSUBSCRIBED and first.origin == Origin.RECIPIENT
        assert first.ip == "192.0.2.7" and first.agent == "PHP/8.3"
        assert first.evidence and first.evidence["api_key"]
        assert first.left_lists == [people[JANE].realm.lists.get(number=5).pk]

    def test_a_removed_contact_can_be_added_again(
        self, client1: V1, people: dict[str, Contact]
    ) -> None:
        john = people[JOHN].pk
        response = client1.put(john, EmailAddress=JOHN)
        assert (response.status_code, response.content) == (204, b"")

        assert set(client1.members("removed")) == {LEFT, JOHN}
        assert client1.contact(john).find(f"{CTCT}Status").text == "Removed"
        assert not OptOut.objects.filter(digest=people[JOHN].digest).exists()
        assert client1.put(john, 5).status_code == 204
        response = client1.post(5, EmailAddress=LEFT, FirstName="Lee")
        assert response.status_code == 201
        assert response.headers["Location"].endswith(f"/contacts/{people[LEFT].pk}")
        assert set(client1.members("active")) == {JANE, JOHN, LEFT}
        assert client1.contact(people[LEFT].pk).find(f"{CTCT}FirstName").text == "Lee"

    def test_what_a_client_reads_it_may_send_back(
        self, client1: V1, people: dict[str, Contact]
    ) -> None:
        for address in (JANE, LEFT):
            path = f"{client1.root}/contacts/{people[address].pk}"
            document = client1.send("GET", path).content
            assert client1.send("PUT", path, document, "application/atom+xml").status_code == 204
            assert client1.send("GET", path).content == document

    def test_contacts_are_found_by_address_and_by_time(
        self, client1: V1, people: dict[str, Contact]
    ) -> None:
        def found(**query: object) -> list[str]:
            texts = [
                each.find(f"{ATOM}content/{CTCT}Contact/{CTCT}EmailAddress").text
                for each in client1.entries("contacts", **query)
            ]
            return sorted(texts)

        assert found(email="Jane@Example.com") == [JANE]
        assert found(email=[JANE, GONE, "nobody@example.com"]) == [GONE, JANE]
        assert found(email=JANE, listtype="removed") == []
        assert found(listtype="do-not-mail") == [GONE]
        assert found(listid=5) == [JANE, JOHN]
        assert found(updatedsince="2000-01-01T00:00:00.000Z", listtype="active") == [JANE, JOHN]
        assert found(updatedsince="2999-01-01T00:00:00.000Z") == []

    def test_an_address_that_is_no_contact_is_known_by_its_digest(self, client1: V1) -> None:
        url = client1.members("do-not-mail")[GONE]
        contact_id = url.rpartition("/")[2]
        assert len(contact_id) == 32
        assert client1.contact(contact_id).find(f"{CTCT}EmailAddress").text == GONE
        assert client1.delete(contact_id).status_code == 204
        assert client1.put(contact_id, 5, EmailAddress=GONE).status_code == 409
        assert client1.post(5, EmailAddress=GONE).status_code == 409

    def test_a_new_address_takes_the_opt_outs_along(
        self, client1: V1, letters: List, people: dict[str, Contact]
    ) -> None:
        jane = people[JANE].pk
        assert client1.put(jane, 5, EmailAddress=JOHN).status_code == 409
        assert client1.put(jane, 5, EmailAddress="new@example.com").status_code == 204
        assert Contact.objects.get(pk=jane).address == "new@example.com"
        make.make_optout(letters, "new@example.com")
        assert client1.put(jane, 5, EmailAddress="newer@example.com").status_code == 409
        assert Contact.objects.get(pk=jane).address == "new@example.com"
        assert Suppression.objects.filter(optout_list=letters).count() == 1
        assert client1.put(jane, EmailAddress="newer@example.com").status_code == 204
        assert Suppression.objects.filter(optout_list=letters).count() == 2


class TestV2:
    @pytest.fixture
    def client2(self, realm: Realm, people: dict[str, Contact]) -> V2:
        return V2(make.make_api_key(realm))

    def test_lists_and_the_members_of_the_three(
        self, client2: V2, people: dict[str, Contact]
    ) -> None:
        lists = client2.get("lists", api_key="old")
        assert [(each["id"], each["name"], each["status"]) for each in lists] == [
            ("5", "Garden letters", "ACTIVE"),
            ("active", "Active", "HIDDEN"),
            ("do-not-mail", "Do Not Mail", "HIDDEN"),
            ("removed", "Removed", "HIDDEN"),
        ]
        assert [each.get("contact_count") for each in lists] == [2, None, 1, None]
        assert client2.get("lists/5") == lists[0]
        assert client2.get("lists", modified_since="2999-01-01") == []

        active = client2.emails("lists/active/contacts")
        assert (
            active
            == client2.emails("lists/5/contacts")
            == client2.emails("contacts", status="ACTIVE")
        )
        assert active == {each: str(people[each].pk) for each in (JANE, JOHN)}
        assert set(client2.emails("lists/removed/contacts")) == {LEFT}
        assert set(client2.emails("lists/do-not-mail/contacts")) == {GONE}
        assert set(client2.emails("contacts", status="OPTOUT")) == {GONE}
        assert set(client2.emails("contacts")) == {JANE, JOHN, LEFT, GONE}
        assert client2.emails("contacts", status="UNCONFIRMED") == {}

    def test_a_page_has_as_many_as_are_asked_for(
        self, realm: Realm, letters: List, client2: V2
    ) -> None:
        for number in range(21):
            make.make_contact(realm, f"reader{number}@example.com", letters)
        pages = client2.pages("lists/5/contacts", limit=10)
        assert [len(each) for each in pages] == [10, 10, 3]
        pages = client2.pages("contacts", limit=1, status="ACTIVE", modified_since="2001-01-01")
        assert [len(each) for each in pages] == [1] * 23
        assert len(client2.get("lists/5/contacts", limit=500)["results"]) == 23

    def test_a_deleted_contact_cannot_be_added_again(
        self, client2: V2, people: dict[str, Contact]
    ) -> None:
        jane = people[JANE].pk
        response = client2.write("DELETE", f"contacts/{jane}", api_key="old")
        assert (response.status_code, response.content) == (204, b"")
        assert client2.write("DELETE", f"contacts/{jane}").status_code == 204
        assert client2.write("DELETE", "contacts/999999").status_code == 404

        (found,) = client2.get("contacts", email=JANE)["results"]
        assert found["status"] == found["email_addresses"][0]["status"] == "OPTOUT"
        assert found["email_addresses"][0]["opt_out_source"] == "ACTION_BY_VISITOR"
        assert found["lists"] == []
        again = {"email_addresses": [{"email_address": JANE}], "lists": [{"id": "5"}]}
        for action_by in ("ACTION_BY_OWNER", "ACTION_BY_VISITOR"):
            response = client2.write("POST", "contacts", again, action_by=action_by)
            assert response.status_code == 409
            response = client2.write("PUT", f"contacts/{jane}", again, action_by=action_by)
            assert response.status_code == 409
        assert set(client2.emails("lists/do-not-mail/contacts")) == {GONE, JANE}

    def test_a_removed_contact_can_be_added_again(
        self, client2: V2, people: dict[str, Contact]
    ) -> None:
        john = people[JOHN].pk
        contact = client2.get(f"contacts/{john}")
        contact["lists"] = []
        response = client2.write("PUT", f"contacts/{john}", contact, action_by="ACTION_BY_OWNER")
        assert response.status_code == 200
        assert json.loads(response.content)["status"] == "REMOVED"
        again = {
            "email_addresses": [{"email_address": JOHN}],
            "lists": [{"id": "5"}],
            "first_name": "John",
            "addresses": [{"line1": "1 Main St", "city": "Springfield"}],
            "custom_fields": [{"name": "CustomField1", "value": "roses"}],
        }
        response = client2.write("POST", "contacts", again, action_by="ACTION_BY_OWNER")
        assert response.status_code == 201
        added = json.loads(response.content)
        assert (added["id"], added["status"], added["lists"]) == (
            str(john),
            "ACTIVE",
            [{"id": "5", "status": "ACTIVE"}],
        )
        assert added["addresses"][0]["city"] == "Springfield"
        assert Contact.objects.get(pk=john).fields == {
            "first": "John",
            "address_1": "1 Main St",
            "city": "Springfield",
            "custom_CustomField1": "roses",
        }
        assert client2.write("POST", "contacts", again).status_code == 409

    def test_a_contact_leaves_one_list_or_all(
        self, realm: Realm, client2: V2, people: dict[str, Contact]
    ) -> None:
        seeds = make.make_list(realm, 7)
        make.make_subscription(seeds, JANE)
        jane = people[JANE].pk
        assert client2.write("DELETE", f"contacts/{jane}/lists/5").status_code == 204
        assert client2.write("DELETE", f"contacts/{jane}/lists/5").status_code == 404
        assert client2.get(f"contacts/{jane}")["lists"] == [{"id": "7", "status": "ACTIVE"}]
        assert client2.write("DELETE", f"contacts/{jane}/lists").status_code == 204
        assert client2.get(f"contacts/{jane}")["status"] == "REMOVED"
        assert OptOut.objects.count() == 1

    def test_only_what_changed_since(self, client2: V2, people: dict[str, Contact]) -> None:
        Contact.objects.update(changed_at=make.NOW)
        assert client2.emails("contacts", modified_since="2026-03-05T00:00:00.000Z") == {}
        client2.write("DELETE", f"contacts/{people[JANE].pk}")
        client2.write("PUT", f"contacts/{people[JOHN].pk}", {"lists": []})
        since = "2026-03-05T00:00:00+00:00"
        assert set(client2.emails("contacts", modified_since=since)) == {JANE, JOHN}
        assert set(client2.emails("lists/do-not-mail/contacts", modified_since=since)) == {JANE}
        assert set(client2.emails("lists/removed/contacts", modified_since=since)) == {JOHN}
        assert client2.emails("lists/5/contacts", modified_since=since) == {}

    def test_also_on_the_pages_that_follow(self, realm: Realm, client2: V2) -> None:
        for number in range(20):
            make.make_contact(realm, f"reader{number}@example.com")
        Contact.objects.update(changed_at=make.NOW)
        changed = {f"reader{number}@example.com" for number in range(3)}
        Contact.objects.filter(address__in=changed).update(changed_at=timezone.now())

        since = "2026-03-05T00:00:00Z"
        assert set(client2.emails("contacts", limit=1, modified_since=since)) == changed


@pytest.mark.django_db
@pytest.mark.parametrize("suppressed", [False, True])
def test_what_the_shapes_do_not_show_they_do_not_delete(
    realm: Realm, optout_list: List, *, suppressed: bool
) -> None:
    """They know email addresses alone."""
    contact = make.make_contact(realm, "+14155550123", optout_list)
    if suppressed:
        make.make_optout(make.do_not_mail(realm), "+14155550123")
    before = OptOut.objects.count()
    key = make.make_api_key(realm)
    for client, path in (
        (V1("acme", key), f"/ws/customers/acme/contacts/{contact.pk}"),
        (V2(key), f"/v2/contacts/{contact.pk}"),
    ):
        for method in ("GET", "DELETE"):
            assert client.send(method, path).status_code == 404
    assert OptOut.objects.count() == before
