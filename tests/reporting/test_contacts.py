from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection, transaction

from lists.bounded import TookTooLongError
from lists.choices import Accepts, MessageFormat, Role
from lists.models import AuditEntry, Contact, List, Realm, Subscription, User
from lists.prepared import fetch
from optout.addresses import hex_digests, parse_address
from optout.choices import Assurance, Channel, HashKind, Medium, Origin, Reason
from optout.models import OptOut, Suppression
from reporting import contacts as contacts_query
from reporting.contacts import ContactPage, PageStart, Sought, list_contacts_page, read_sought
from reporting.views import contacts as contacts_view
from tests import make
from tests.lists.screens import Screen, look_at, open_screen
from tests.optout.test_contacts import record, subscribe
from tests.reporting.portal import signed_in
from tests.threads import in_thread


def url(optout_list: List, rest: str = "") -> str:
    return f"/manage/lists/{optout_list.public_id}/contacts{rest}"


def shown(response: Any) -> list[str]:
    return [row.address for row in response.context["contacts"]]


def digest(address: str) -> str:
    return parse_address(address, "either", "US").digest.hex()


def remove_url(optout_list: List, address: str = "jane@example.com") -> str:
    return url(optout_list, f"/{digest(address)}/remove")


def on(optout_list: List) -> set[str]:
    """The addresses on the list."""
    digests = Subscription.objects.filter(optout_list=optout_list).values("digest")
    found = Contact.objects.filter(realm=optout_list.realm, digest__in=digests)
    return set(found.values_list("address", flat=True))


@pytest.fixture
def viewer(realm: Realm) -> User:
    user = make.make_user("viewer@acme.example")
    make.make_member(user, realm, Role.VIEWER)
    return user


@pytest.mark.django_db
class TestTheList:
    def test_an_empty_list_says_how_contacts_come(self, bob: User, optout_list: List) -> None:
        screen = open_screen(signed_in(bob), url(optout_list))

        assert "No contacts yet" in screen.text
        assert "api_web" in screen.text
        assert url(optout_list, "/add") in screen.links
        assert "q" not in screen.fields or len(screen.fields["q"]) == 1  # the header's alone

    def test_it_shows_who_is_on_the_list_and_how_many(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_contact(realm, "jane@example.com", optout_list, first="Jane", last="Doe")
        make.make_contact(realm, "ann@example.com", optout_list)
        make.make_contact(realm, "+14155552671", optout_list)
        make.make_contact(realm, "elsewhere@example.com", make.make_list(realm, 2))
        make.make_contact(realm, "nowhere@example.com")
        Subscription.objects.filter(digest=bytes.fromhex(digest("jane@example.com"))).update(
            message_format=MessageFormat.PLAIN_TEXT,
            subscribed_at=datetime(2024, 2, 29, 23, 1, tzinfo=UTC),
        )

        response = signed_in(bob).get(url(optout_list))
        screen = look_at(response)

        assert shown(response) == ["+14155552671", "ann@example.com", "jane@example.com"]
        assert "3 contacts on this list" in screen.text
        assert "Jane Doe" in screen.text
        assert "29 Feb 2024, 23:01" in screen.text
        formats = [row.message_format for row in response.context["contacts"]]
        assert formats == ["", "Plain text and HTML", "Plain text"]
        assert "Customer key" not in screen.text

    def test_another_realms_contact_of_the_same_address_is_not_shown(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        other = make.make_realm("other")
        make.make_contact(other, "jane@example.com", first="Theirs")
        make.make_contact(realm, "jane@example.com", optout_list, first="Ours")

        screen = open_screen(signed_in(bob), url(optout_list))

        assert "Ours" in screen.text and "Theirs" not in screen.text

    def test_the_customer_key_is_shown_where_the_realm_uses_one(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_contact(realm, "jane@example.com", optout_list, customer_key="K-17")
        client = signed_in(bob)
        assert "K-17" not in open_screen(client, url(optout_list)).text

        Realm.objects.update(uses_customer_key=True)

        assert "K-17" in open_screen(client, url(optout_list)).text

    def test_a_viewer_sees_masked_addresses_and_nothing_else_of_the_person(
        self, viewer: User, realm: Realm, optout_list: List
    ) -> None:
        Realm.objects.update(uses_customer_key=True)
        make.make_contact(realm, "jane@example.com", optout_list, first="Jane", customer_key="K-17")
        make.make_optout(make.do_not_mail(realm), "other@example.com")
        _suppress_by_hash(optout_list, "jane@example.com")

        response = signed_in(viewer).get(url(optout_list))
        page = look_at(response).html

        assert shown(response) == ["ja•••@example.com"]
        assert "Opted out" in page
        for told in ("jane", "Jane", "K-17", "/remove", "/add", digest("jane@example.com")):
            assert told not in page
        assert not set(hex_digests("jane@example.com")) & set(page.replace('"', "=").split("="))

    def test_do_not_mail_has_no_contacts(self, alice: User, realm: Realm) -> None:
        nobody = make.do_not_mail(realm)
        client = signed_in(alice)

        for rest in ("", "/add", f"/{'0' * 32}/remove"):
            assert client.get(url(nobody, rest)).status_code == 404
        links = open_screen(client, f"/manage/lists/{nobody.public_id}/entries").links
        assert not [each for each in links if each.endswith("/contacts")]

    def test_a_list_has_the_tab(self, bob: User, optout_list: List) -> None:
        screen = open_screen(signed_in(bob), f"/manage/lists/{optout_list.public_id}/entries")

        assert url(optout_list) in screen.links

    def test_a_count_has_an_end(
        self, bob: User, realm: Realm, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(contacts_query, "MOST_COUNTED", 2)
        monkeypatch.setattr(contacts_view, "MOST_COUNTED", 2)
        for name in ("a", "b", "c"):
            make.make_contact(realm, f"{name}@example.com", optout_list)

        assert "More than 2 contacts" in open_screen(signed_in(bob), url(optout_list)).text


@pytest.mark.django_db
class TestOptedOut:
    def test_who_opted_out_by_hash_is_marked_with_a_link_to_the_entry(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_contact(realm, "jane@example.com", optout_list)
        _suppress_by_hash(optout_list, "jane@example.com")
        client = signed_in(bob)

        screen = open_screen(client, url(optout_list))

        assert "Opted out since 4 Mar 2026" in screen.text
        (link,) = [each for each in screen.links if "entries?q=" in each]
        assert hex_digests("jane@example.com").md5 in link
        assert "jane" not in link
        assert client.get(link).status_code == 200

    def test_who_is_on_do_not_mail_is_marked_with_a_link_to_the_check(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_optout(make.do_not_mail(realm))
        make.make_contact(realm, "jane@example.com", optout_list)
        client = signed_in(bob)

        screen = open_screen(client, url(optout_list))

        assert "Opted out of every list since 4 Mar 2026" in screen.text
        (link,) = [each for each in screen.links if "check/?q=" in each]
        assert "jane" not in link
        assert "on Do Not Mail" in open_screen(client, unescape(link)).text

    def test_an_opt_out_of_another_list_is_no_mark(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_optout(make.make_list(realm, 2))
        make.make_contact(realm, "jane@example.com", optout_list)

        assert "Opted out" not in open_screen(signed_in(bob), url(optout_list)).text


@pytest.mark.django_db
class TestSearch:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("jane@example.com", ["jane@example.com"]),
            (" JANE@Example.COM ", ["jane@example.com"]),
            ("Jane Doe <jane@example.com>", ["jane@example.com"]),
            ("jane", ["jane@example.com", "jane@example.com.au", "jane_doe@example.com"]),
            ("JANE@", ["jane@example.com", "jane@example.com.au"]),
            ("jane@example.co", ["jane@example.com", "jane@example.com.au"]),
            ("jane_", ["jane_doe@example.com"]),
            ("%", []),
            ("\\", []),
            ("ane", []),
            ("+1 (415) 555-2671", ["+14155552671"]),
            ("415 555 2671", ["+14155552671"]),
            ("+1 415", ["+14155552671"]),
            ("4155552671@", ["4155552671@qq.example"]),
            ("2125552", ["2125552671@qq.example"]),
        ],
    )
    def test_by_whole_address_or_by_how_it_begins(
        self, bob: User, realm: Realm, optout_list: List, text: str, expected: list[str]
    ) -> None:
        for address in (
            "jane@example.com",
            "jane@example.com.au",
            "jane_doe@example.com",
            "4155552671@qq.example",
            "2125552671@qq.example",
            "+14155552671",
        ):
            make.make_contact(realm, address, optout_list)

        response = signed_in(bob).get(url(optout_list), {"q": text})

        assert shown(response) == expected
        look_at(response)

    def test_finding_nobody_says_what_to_do_next(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_contact(realm, "jane@example.com", optout_list)

        screen = open_screen(signed_in(bob), url(optout_list, "?q=nobody@example.com"))

        assert "Nobody found" in screen.text
        assert "1 contact on this list" in screen.text
        assert "Search by the whole address" not in screen.text
        assert screen.fields["q"][-1] == "nobody@example.com"
        assert url(optout_list, "/add") in screen.links
        assert "/manage/check/" in screen.links

    def test_it_says_how_many_were_found(self, bob: User, realm: Realm, optout_list: List) -> None:
        _fill(optout_list, 60)
        make.make_contact(realm, "jane@example.com", optout_list)
        client = signed_in(bob)

        assert "1 of 61 contacts" in open_screen(client, url(optout_list, "?q=jane")).text
        assert "50 shown, 61 contacts" in open_screen(client, url(optout_list, "?q=p")).text
        assert "61 contacts on" in open_screen(client, url(optout_list)).text

    def test_the_beginning_of_an_idn_asks_for_the_whole_address(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_contact(realm, "jane@exämple.com", optout_list)
        client = signed_in(bob)

        assert len(shown(client.get(url(optout_list, "?q=jane@exämple.com")))) == 1
        screen = open_screen(client, url(optout_list, "?q=jane@exämple"))
        assert "Search by the whole address" in screen.text

    def test_a_viewer_must_know_the_whole_address(
        self, viewer: User, realm: Realm, optout_list: List
    ) -> None:
        """Else a masked address could be found out letter by letter."""
        make.make_contact(realm, "jane@example.com", optout_list)
        client = signed_in(viewer)

        assert shown(client.get(url(optout_list, "?q=jane@example.com"))) == ["ja•••@example.com"]
        assert shown(client.get(url(optout_list, "?q=jane@example.co"))) == []
        refused = client.get(url(optout_list, "?q=jane"))
        assert refused.context["form"].errors
        assert shown(refused) == []

    @pytest.mark.parametrize("query", ["?q=%00", "?q=" + "a" * 2000])
    def test_bad_input_is_kept_with_an_error(
        self, bob: User, realm: Realm, optout_list: List, query: str
    ) -> None:
        make.make_contact(realm, "jane@example.com", optout_list)

        response = signed_in(bob).get(url(optout_list, query))

        assert response.status_code == 200
        assert response.context["form"].errors
        assert shown(response) == []

    def test_the_database_is_asked_ten_times_at_most(
        self,
        bob: User,
        viewer: User,
        realm: Realm,
        optout_list: List,
        django_assert_max_num_queries: Any,
    ) -> None:
        _fill(optout_list, 120)
        _suppress_by_hash(optout_list, "p000060@example.com")
        second = Contact.objects.get(address="p000050@example.com").pk
        bobs = signed_in(bob)
        for client in (bobs, signed_in(viewer)):
            for query in (
                "",
                f"?after={second}",
                "?q=p0",
                f"?q=p0&before={second}",
                "?q=p000001@example.com",
            ):
                with django_assert_max_num_queries(10):
                    client.get(url(optout_list, query))
        with django_assert_max_num_queries(10):
            bobs.get(remove_url(optout_list, "p000060@example.com"))


@pytest.mark.django_db(transaction=True)
class TestSlowSearch:
    def test_a_search_that_takes_too_long_is_not_answered_with_nothing(
        self, bob: User, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(contacts_view, "SEARCH_SECONDS", 0.01)
        monkeypatch.setattr(contacts_query, "_HEAD", "SELECT 1, pg_sleep(5)::text")

        screen = open_screen(signed_in(bob), url(optout_list, "?q=jane"))

        assert "took too long" in screen.text
        assert "Nobody found" not in screen.text and "No contacts yet" not in screen.text

    def test_another_error_is_one(
        self, bob: User, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(contacts_query, "_HEAD", "SELECT 1/0, NULL")
        with pytest.raises(Exception, match="division") as caught:
            signed_in(bob).get(url(optout_list))
        assert not isinstance(caught.value, TookTooLongError)


@pytest.mark.django_db
class TestPaging:
    def test_pages_show_every_contact_once_in_both_directions(
        self, bob: User, optout_list: List
    ) -> None:
        _fill(optout_list, 120)
        client = signed_in(bob)

        first = client.get(url(optout_list))
        second = client.get(url(optout_list, first.context["next_url"]))
        third = client.get(url(optout_list, second.context["next_url"]))
        back = client.get(url(optout_list, third.context["previous_url"]))
        start = client.get(url(optout_list, back.context["previous_url"]))

        everything = shown(first) + shown(second) + shown(third)
        assert everything == [f"p{n:06}@example.com" for n in range(120)]
        assert (len(shown(first)), len(shown(third))) == (50, 20)
        assert third.context["next_url"] == "" and first.context["previous_url"] == ""
        assert shown(back) == shown(second)
        assert shown(start) == shown(first)
        assert start.context["previous_url"] == ""

    def test_the_search_stays_in_the_links_and_no_address_comes_into_them(
        self, bob: User, optout_list: List
    ) -> None:
        _fill(optout_list, 120)

        response = signed_in(bob).get(url(optout_list, "?q=p0000"))

        assert "q=p0000&after=" in response.context["next_url"]
        assert "example" not in response.context["next_url"]
        second = signed_in(bob).get(url(optout_list, response.context["next_url"]))
        assert shown(second)[0] == "p000050@example.com"

    @pytest.mark.parametrize("place", ["x", "-1", "9" * 18, "9" * 19, "٣", "", "a@b.example"])
    def test_a_place_that_is_not_there_is_the_beginning(
        self, bob: User, optout_list: List, place: str
    ) -> None:
        _fill(optout_list, 3)
        client = signed_in(bob)
        for direction in ("after", "before"):
            assert len(shown(client.get(url(optout_list), {direction: place}))) == 3

    def test_another_realms_contact_is_no_place(self, bob: User, optout_list: List) -> None:
        _fill(optout_list, 3)
        theirs = make.make_contact(make.make_realm("other"), "p000001@example.com")

        assert len(shown(signed_in(bob).get(url(optout_list, f"?after={theirs.pk}")))) == 3

    def test_a_page_behind_the_last_leads_back(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        last = make.make_contact(realm, "zoe@example.com", optout_list)

        screen = open_screen(signed_in(bob), url(optout_list, f"?after={last.pk}"))

        assert "No more contacts" in screen.text
        assert url(optout_list) in screen.links


@pytest.mark.django_db
class TestManyContacts:
    def test_pages_and_searches_are_read_by_index(
        self, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _fill(optout_list, 100_000)
        plans: list[str] = []
        monkeypatch.setattr(contacts_query, "fetch", _explaining(plans))
        middle = Contact.objects.get(address="p050000@example.com").pk

        list_contacts_page(optout_list)
        list_contacts_page(optout_list, start=PageStart("after", middle))
        list_contacts_page(optout_list, start=PageStart("before", middle))
        for text in ("p0500", "p050000@example.com", "p05000_"):
            list_contacts_page(optout_list, read_sought(text, "US", clear=True))

        assert len(plans) == 6
        exact = plans.pop(4)
        assert "contact_is_unique_in_its_realm" in exact and "Seq Scan" not in exact, exact
        for plan in plans:
            assert "contact_by_address" in plan and "Seq Scan" not in plan, plan
        for plan in plans[:3]:  # walked in order, not sorted
            assert "Sort" not in plan, plan

    def test_of_a_short_list_the_rest_of_the_realm_is_not_walked(
        self, realm: Realm, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The planner would, past everybody: it takes these to be spread over the alphabet."""
        _fill(optout_list, 50_000)
        short = make.make_list(realm, 2)
        _subscribe_from(short, "p048000")
        last = Contact.objects.get(address="p049999@example.com").pk
        plans: list[str] = []
        monkeypatch.setattr(contacts_query, "fetch", _explaining(plans))

        first = list_contacts_page(short)
        searched = list_contacts_page(short, read_sought("p04", "US", clear=True))
        before = list_contacts_page(short, start=PageStart("before", last))
        after = list_contacts_page(short, start=PageStart("after", first.contacts[-1].id))

        def between(begin: int, end: int) -> list[str]:
            return [f"p{n:06}@example.com" for n in range(begin, end)]

        pages = [[each.address for each in page.contacts] for page in (first, after, before)]
        assert pages == [
            between(48_000, 48_050),
            between(48_050, 48_100),
            between(49_949, 49_999),
        ]
        assert searched == first and first.count == 2_000
        assert len(plans) == 4
        for plan in plans:
            assert "contact_by_address" not in plan and "Seq Scan" not in plan, plan

    def test_however_many_there_are_the_pages_are_the_same(
        self, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _fill(optout_list, 120)
        middle = Contact.objects.get(address="p000060@example.com").pk
        questions: list[tuple[Sought | None, PageStart | None]] = [
            (read_sought(text, "US", clear=True) if text else None, start)
            for text in ("", "p0000", "p00011", "nobody", "p000007@example.com")
            for start in (None, PageStart("after", middle), PageStart("before", middle))
        ]

        def pages() -> list[ContactPage]:
            return [list_contacts_page(optout_list, *each) for each in questions]

        gathered = pages()
        monkeypatch.setattr(contacts_query, "FEW", 100)

        assert pages() == gathered
        assert [len(page.contacts) for page in gathered[:3]] == [50, 50, 50]


@pytest.mark.django_db
class TestAdd:
    def post(self, user: User, optout_list: List, text: str) -> Any:
        return signed_in(user).post(url(optout_list, "/add"), {"addresses": text}, follow=True)

    def test_the_form_says_what_it_takes(self, bob: User, optout_list: List) -> None:
        screen = open_screen(signed_in(bob), url(optout_list, "/add"))

        assert "Up to 1,000 lines" in screen.text
        assert "Adding never ends an opt-out" in screen.text

    def test_one_address(self, bob: User, optout_list: List) -> None:
        response = self.post(bob, optout_list, " Jane@Example.com ")

        assert "1 contact added." in look_at(response).text
        assert shown(response) == ["jane@example.com"]
        contact = Contact.objects.get()
        assert (contact.address, contact.fields) == ("jane@example.com", {})
        assert on(optout_list) == {"jane@example.com"}
        audit = AuditEntry.objects.get()
        assert (audit.action, audit.actor, audit.optout_list) == ("add_contacts", bob, optout_list)
        assert audit.detail == {"new": 1, "known": 0, "opted_out": 0, "refused": 0}

    def test_lines_with_names_as_they_are_written_and_copied(self, bob: User, realm: Realm) -> None:
        anything = make.make_list(realm, 2, accepts=Accepts.EITHER)
        bob.memberships.get().accesses.create(optout_list=anything)

        response = self.post(
            bob,
            anything,
            'jane@example.com, Jane, Doe\r\n\r\n"ann@example.com","Ann, the first","O\'Hara"\r\n'
            "tab@example.com\tTab\tCell\nBo <bo@example.com>, Bo\n+1 415 555 2671,,Phone",
        )

        assert "5 contacts added." in look_at(response).text
        fields = dict(Contact.objects.values_list("address", "fields"))
        assert fields == {
            "jane@example.com": {"first": "Jane", "last": "Doe"},
            "ann@example.com": {"first": "Ann, the first", "last": "O'Hara"},
            "tab@example.com": {"first": "Tab", "last": "Cell"},
            "bo@example.com": {"first": "Bo"},
            "+14155552671": {"last": "Phone"},
        }

    @pytest.mark.parametrize(
        ("line", "address", "fields"),
        [
            ("Jo Do <jo@example.com>", "jo@example.com", {"first": "Jo", "last": "Do"}),
            ("Jo van Do <jo@example.com>", "jo@example.com", {"first": "Jo", "last": "van Do"}),
            ('"Do, Jo" <jo@example.com>', "jo@example.com", {"first": "Jo", "last": "Do"}),
            ("Jo Do <jo@example.com>, Joe", "jo@example.com", {"first": "Joe", "last": "Do"}),
            ("jo@example.com <jo@example.com>", "jo@example.com", {}),
            ("<jo@example.com>", "jo@example.com", {}),
            ("jo@example.com;Jo;Do", "jo@example.com", {"first": "Jo", "last": "Do"}),
            ("jo@example.com;Jo;Do, jr.;;", "jo@example.com", {"first": "Jo", "last": "Do, jr."}),
            ('jo@example.com;"Jo;e";', "jo@example.com", {"first": "Jo;e"}),
            ('jo@example.com\t"Jo"\tDo; Do', "jo@example.com", {"first": "Jo", "last": "Do; Do"}),
            ("jo@example.com, Jo; Jo", "jo@example.com", {"first": "Jo; Jo"}),
        ],
    )
    def test_a_line_as_programs_write_it(
        self, bob: User, optout_list: List, line: str, address: str, fields: dict[str, str]
    ) -> None:
        response = self.post(bob, optout_list, line)

        assert "1 contact added." in look_at(response).text
        contact = Contact.objects.get()
        assert (contact.address, contact.fields) == (address, fields)

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ("a@example.com,b@example.com", "One address a line."),
            ("a@example.com;b@example.com;c@example.com;d@example.com", "One address a line."),
            ("a@example.com, Ann, ann@", "One address a line."),
            ("a@example.com, +1 415 555 2671", "One address a line."),
            ("b@example.com <a@example.com>", "One address a line."),
            ("b@example.com/a@example.com", "One address a line."),
            ("Ann, a@example.com", "The address comes first."),
            ("Ann\tDoe\ta@example.com\tBerlin", "The address comes first."),
            ("Doe, Ann <a@example.com>", "The address comes first."),
        ],
    )
    def test_an_address_is_never_taken_for_a_name(
        self, bob: User, optout_list: List, line: str, problem: str
    ) -> None:
        response = self.post(bob, optout_list, line)
        screen = look_at(response)

        assert response.status_code == 422
        assert "Not understood" in screen.text and problem in screen.text
        assert _box(screen) == [line]
        assert not Contact.objects.exists()

    @pytest.mark.parametrize("header", ["email", "E-Mail;Vorname;Nachname", "Address\tName"])
    def test_the_first_row_of_a_spreadsheet_is_skipped(
        self, bob: User, optout_list: List, header: str
    ) -> None:
        screen = look_at(self.post(bob, optout_list, f"{header}\njane@example.com"))

        assert "1 contact added. The first line was skipped: it names the columns." in screen.text
        assert Contact.objects.get().address == "jane@example.com"

    def test_a_header_alone_is_nobody(self, bob: User, optout_list: List) -> None:
        response = self.post(bob, optout_list, "email;first;last")

        assert response.status_code == 422
        assert "Enter at least one address." in look_at(response).text

    def test_a_header_further_down_is_a_line_like_others(
        self, bob: User, optout_list: List
    ) -> None:
        response = self.post(bob, optout_list, "jane@example.com\nemail")

        assert _box(look_at(response)) == ["email"]

    def test_names_that_change_are_counted(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_contact(realm, "same@example.com", optout_list, first="Same")
        make.make_contact(realm, "other@example.com", optout_list, first="Old", last="Name")
        make.make_contact(realm, "elsewhere@example.com", make.make_list(realm, 2), first="Old")
        lines = "same@example.com, Same\nother@example.com, New\nsame@example.com"

        screen = look_at(self.post(bob, optout_list, lines))

        assert (
            "Nobody was added. 2 contacts were on the list already. 1 name changed." in screen.text
        )
        assert Contact.objects.get(address="other@example.com").fields == {
            "first": "New",
            "last": "Name",
        }
        again = look_at(self.post(bob, optout_list, lines + "\nelsewhere@example.com, New, New"))
        assert "1 contact added." in again.text and "1 name changed." in again.text

    def test_a_phone_number_that_cannot_be_dialled_is_kept_and_named(
        self, bob: User, optout_list: List
    ) -> None:
        List.objects.filter(pk=optout_list.pk).update(accepts=Accepts.PHONE)

        response = self.post(bob, optout_list, "+1 415 555 01\n+1 415 555 2671")
        screen = look_at(response)

        assert response.status_code == 200
        assert "2 contacts added." in screen.text
        assert "Kept although it does not look dialable +141555501" in screen.text
        assert on(optout_list) == {"+141555501", "+14155552671"}

    def test_the_browser_cuts_nothing_and_the_server_has_a_bound(
        self, bob: User, optout_list: List
    ) -> None:
        form = open_screen(signed_in(bob), url(optout_list, "/add")).html
        assert "maxlength" not in form.partition("<textarea")[2].partition(">")[0]

        response = self.post(bob, optout_list, "\n".join(["a" * 3_000] * 70))

        assert response.status_code == 422
        assert "too much text" in response.content.decode()
        assert not Contact.objects.exists()

    def test_where_keys_are_used_it_says_that_there_will_be_none(
        self, bob: User, optout_list: List
    ) -> None:
        assert "customer key" not in open_screen(signed_in(bob), url(optout_list, "/add")).text

        Realm.objects.update(uses_customer_key=True)

        assert "customer key" in open_screen(signed_in(bob), url(optout_list, "/add")).text

    def test_who_was_on_the_list_is_told_apart_from_who_is_known_elsewhere(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_contact(realm, "here@example.com", optout_list, first="Here")
        make.make_contact(realm, "elsewhere@example.com", make.make_list(realm, 2))

        response = self.post(
            bob,
            optout_list,
            "here@example.com\nelsewhere@example.com\nnew@example.com\nnew@example.com, New",
        )

        assert "2 contacts added. 1 contact was on the list already." in look_at(response).text
        assert Contact.objects.get(address="here@example.com").fields == {"first": "Here"}
        assert Contact.objects.get(address="new@example.com").fields == {"first": "New"}

    def test_nobody_who_opted_out_is_added_and_each_is_named(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_optout(optout_list, "out@example.com")
        make.make_optout(make.do_not_mail(realm), "everywhere@example.com")
        _suppress_by_hash(optout_list, "hashed@example.com")
        before = list(Suppression.objects.values_list().order_by("digest"))

        response = self.post(
            bob,
            optout_list,
            "out@example.com\neverywhere@example.com, E\nhashed@example.com\nnew@example.com",
        )
        screen = look_at(response)

        assert response.status_code == 200
        assert "1 contact added." in screen.text
        assert "Not added: 3 opted out" in screen.text
        for address in ("out@example.com", "everywhere@example.com", "hashed@example.com"):
            assert address in screen.text
            assert not Contact.objects.filter(address=address).exists()
        assert "new@example.com" not in screen.html
        links = [each for each in screen.links if "?q=" in each]
        assert len(links) == 3
        for link in links:
            assert "Suppressed" in open_screen(signed_in(bob), link).text or "entries" in link
        assert on(optout_list) == {"new@example.com"}
        assert list(Suppression.objects.values_list().order_by("digest")) == before
        assert not OptOut.objects.filter(kind=2).exists()
        assert AuditEntry.objects.get().detail == {
            "new": 1,
            "known": 0,
            "opted_out": 3,
            "refused": 0,
        }

    def test_what_cannot_be_read_stays_in_the_box_and_the_rest_is_added(
        self, bob: User, optout_list: List
    ) -> None:
        bad = ["jane@", "a, b, c, d", "<b>x</b>", "long@example.com, " + "x" * 1_001]

        response = self.post(bob, optout_list, "\n".join(["good@example.com", *bad]))
        screen = look_at(response)

        assert response.status_code == 422
        assert "1 contact added." in screen.text
        assert "4 lines were not added. They are still in the box." in screen.text
        assert "Enter an email address like name@example.com." in screen.text
        assert "A name is too long." in screen.text
        assert _box(screen) == bad
        assert on(optout_list) == {"good@example.com"}

    @pytest.mark.parametrize("text", ["", " \n \t ", "\x00jane@example.com"])
    def test_nothing_is_not_added(self, bob: User, optout_list: List, text: str) -> None:
        response = self.post(bob, optout_list, text)

        assert response.status_code == 422
        look_at(response)
        assert not Contact.objects.exists() and not AuditEntry.objects.exists()

    def test_nothing_but_nonsense_changes_nothing(self, bob: User, optout_list: List) -> None:
        response = self.post(bob, optout_list, "nonsense")

        assert response.status_code == 422
        assert "Nobody was added." in look_at(response).text
        assert not AuditEntry.objects.exists()

    def test_too_many_lines_are_kept_and_none_is_added(self, bob: User, optout_list: List) -> None:
        lines = [f"p{n}@example.com" for n in range(1_001)]

        response = self.post(bob, optout_list, "\n".join(lines))

        assert response.status_code == 422
        assert "1,001 lines" in response.content.decode()
        assert _box(Screen(response.content.decode())) == lines
        assert not Contact.objects.exists()

    def test_a_thousand_lines_are_a_handful_of_queries(
        self, bob: User, optout_list: List, django_assert_max_num_queries: Any
    ) -> None:
        make.make_optout(optout_list, "p7@example.com")
        lines = [f"p{n}@example.com, First{n}" for n in range(1_000)]
        client = signed_in(bob)

        with django_assert_max_num_queries(30):
            response = client.post(url(optout_list, "/add"), {"addresses": "\n".join(lines)})

        assert "999 contacts added." in look_at(response).text
        assert Subscription.objects.count() == 999

    def test_a_thousand_who_opted_out_are_all_named_on_a_light_page(
        self, bob: User, optout_list: List
    ) -> None:
        lines = [f"{n * 7919:x}@{n * 104729:x}.example" for n in range(1, 1_001)]
        for each in lines:
            make.make_optout(optout_list, each)

        screen = look_at(self.post(bob, optout_list, "\n".join(lines)))

        assert all(each in screen.text for each in lines)

    def test_a_list_of_phone_numbers_takes_no_email_address(
        self, bob: User, optout_list: List
    ) -> None:
        List.objects.filter(pk=optout_list.pk).update(accepts=Accepts.PHONE)

        response = self.post(bob, optout_list, "jane@example.com\n(415) 555-2671")

        assert response.status_code == 422
        assert _box(look_at(response)) == ["jane@example.com"]
        assert on(optout_list) == {"+14155552671"}

    def test_a_viewer_cannot(self, viewer: User, optout_list: List) -> None:
        assert self.post(viewer, optout_list, "jane@example.com").status_code == 404
        assert not Contact.objects.exists()


@pytest.mark.django_db
class TestRemove:
    @pytest.fixture(autouse=True)
    def _jane(self, realm: Realm, optout_list: List) -> None:
        make.make_contact(realm, "jane@example.com", optout_list, first="Jane")

    def test_it_makes_the_difference_plain_first(self, bob: User, optout_list: List) -> None:
        client = signed_in(bob)
        assert remove_url(optout_list) in open_screen(client, url(optout_list)).links

        screen = open_screen(client, remove_url(optout_list))

        assert "jane@example.com" in screen.text
        assert "No opt-out is recorded" in screen.text
        assert "cannot be added again" in screen.text
        assert on(optout_list) == {"jane@example.com"}

    def test_it_does_not_promise_that_who_opted_out_can_be_added_again(
        self, bob: User, optout_list: List
    ) -> None:
        _suppress_by_hash(optout_list, "jane@example.com")

        screen = open_screen(signed_in(bob), remove_url(optout_list))

        assert "Opted out since 4 Mar 2026" in screen.text
        assert "the one that there is stays" in screen.text
        assert "can add the address again" not in screen.text

    def test_removing_records_no_opt_out(self, bob: User, optout_list: List) -> None:
        client = signed_in(bob)
        response = client.post(remove_url(optout_list), {"do": "remove"}, follow=True)

        assert (
            "jane@example.com is off the list now. No opt-out was recorded."
            in look_at(response).text
        )
        assert on(optout_list) == set() and Contact.objects.exists()
        assert not OptOut.objects.exists() and not Suppression.objects.exists()
        audit = AuditEntry.objects.get()
        assert (audit.action, audit.actor) == ("remove_contact", bob)
        assert audit.detail == {"contact": Contact.objects.get().pk}

        client.post(url(optout_list, "/add"), {"addresses": "jane@example.com"})
        assert on(optout_list) == {"jane@example.com"}

    def test_opting_out_holds(self, bob: User, realm: Realm, optout_list: List) -> None:
        second = make.make_list(realm, 2)
        make.make_subscription(second)
        client = signed_in(bob)

        response = client.post(remove_url(optout_list), {"do": "opt_out"}, follow=True)

        assert "jane@example.com is opted out." in look_at(response).text
        assert on(optout_list) == set() and on(second) == {"jane@example.com"}
        row = OptOut.objects.get()
        assert (row.address, row.channel, row.assurance, row.reason, row.origin, row.is_new) == (
            "jane@example.com",
            Channel.PORTAL,
            Assurance.OPERATOR,
            Reason.MANUAL,
            Origin.OWNER,
            True,
        )
        assert row.evidence == {"opted_out_by": f"user {bob.pk}"}
        assert row.ip == "127.0.0.1"
        assert Suppression.objects.get().optout_list == optout_list
        audit = AuditEntry.objects.get()
        assert (audit.action, audit.detail) == (
            "opt_out_contact",
            {"optout": row.id, "suppressed": True},
        )

        refused = client.post(url(optout_list, "/add"), {"addresses": "jane@example.com"})
        assert "Not added: 1 opted out" in look_at(refused).text
        assert on(optout_list) == set()

    @pytest.mark.parametrize("do", ["remove", "opt_out"])
    def test_the_way_back_is_to_the_same_search_and_page(
        self, bob: User, realm: Realm, optout_list: List, do: str
    ) -> None:
        first = make.make_contact(realm, "ja@example.com", optout_list)
        place = f"?q=ja&after={first.pk}"
        client = signed_in(bob)
        listed = open_screen(client, url(optout_list, place))
        (link,) = [unescape(each) for each in listed.links if "/remove" in each]
        assert link == remove_url(optout_list) + place

        screen = open_screen(client, link + "&more=1")
        response = client.post(link, {"do": do})

        assert url(optout_list, place) in [unescape(each) for each in screen.links]
        assert response.headers["Location"] == url(optout_list, place)

    def test_opting_out_of_everything_is_for_who_may_edit_do_not_mail(
        self, alice: User, bob: User, realm: Realm, optout_list: List
    ) -> None:
        second = make.make_list(realm, 2)
        make.make_subscription(second)
        assert "opt_out_everywhere" not in open_screen(signed_in(bob), remove_url(optout_list)).html
        refused = signed_in(bob).post(remove_url(optout_list), {"do": "opt_out_everywhere"})
        assert refused.status_code == 422 and not OptOut.objects.exists()
        client = signed_in(alice)
        screen = open_screen(client, remove_url(optout_list))
        assert "Opt out of everything from Acme Garden" in screen.text

        response = client.post(remove_url(optout_list), {"do": "opt_out_everywhere"}, follow=True)

        told = "jane@example.com is opted out of everything from Acme Garden."
        assert told in look_at(response).text
        assert on(optout_list) == set() and on(second) == set()
        assert Suppression.objects.get().optout_list == make.do_not_mail(realm)
        row = OptOut.objects.get()
        assert (row.channel, row.reason, row.origin) == (
            Channel.PORTAL,
            Reason.MANUAL,
            Origin.OWNER,
        )
        audit = AuditEntry.objects.get()
        assert (audit.action, audit.optout_list) == ("opt_out_contact", make.do_not_mail(realm))

    def test_an_operators_opt_out_is_the_operators(self, optout_list: List) -> None:
        operator = make.make_user("root@example.com", is_superuser=True)

        signed_in(operator).post(remove_url(optout_list), {"do": "opt_out"})

        assert OptOut.objects.get().origin == Origin.OPERATOR

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_who_is_gone_is_told_of_and_nothing_is_changed(
        self, bob: User, optout_list: List, method: str
    ) -> None:
        Subscription.objects.all().delete()

        response = getattr(signed_in(bob), method)(
            remove_url(optout_list), {"do": "remove"}, follow=True
        )

        assert "not on the list any more" in look_at(response).text
        assert not AuditEntry.objects.exists() and not OptOut.objects.exists()

    def test_who_left_meanwhile_can_still_be_opted_out(self, bob: User, optout_list: List) -> None:
        Subscription.objects.all().delete()

        signed_in(bob).post(remove_url(optout_list), {"do": "opt_out"})

        assert Suppression.objects.get().address == "jane@example.com"

    def test_who_opted_out_meanwhile_is_not_opted_out_twice(
        self, bob: User, optout_list: List
    ) -> None:
        make.make_optout(optout_list)

        response = signed_in(bob).post(remove_url(optout_list), {"do": "opt_out"}, follow=True)

        assert "opted out already" in look_at(response).text
        assert Suppression.objects.count() == 1

    def test_a_digest_of_nobody_is_nobody(self, bob: User, optout_list: List) -> None:
        client = signed_in(bob)
        for do in ("remove", "opt_out"):
            response = client.post(
                remove_url(optout_list, "nobody@example.com"), {"do": do}, follow=True
            )
            assert "not on the list any more" in look_at(response).text
        assert not AuditEntry.objects.exists() and not OptOut.objects.exists()

    def test_anything_else_asks_again(self, bob: User, optout_list: List) -> None:
        response = signed_in(bob).post(remove_url(optout_list), {"do": "dance"})

        assert response.status_code == 422
        look_at(response)
        assert on(optout_list) == {"jane@example.com"}

    def test_a_viewer_cannot(self, viewer: User, optout_list: List) -> None:
        for do in ("remove", "opt_out"):
            answer = signed_in(viewer).post(remove_url(optout_list), {"do": do})
            assert answer.status_code == 404
        assert on(optout_list) == {"jane@example.com"}
        assert not OptOut.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestMeanwhile:
    @pytest.mark.parametrize("do", ["opt_out", "opt_out_everywhere"])
    def test_who_is_being_added_while_opted_out_is_not_on_the_list(
        self, alice: User, realm: Realm, optout_list: List, do: str
    ) -> None:
        make.make_contact(realm, "jane@example.com")
        client = signed_in(alice)
        with transaction.atomic():
            client.post(remove_url(optout_list), {"do": do})
            in_thread(lambda: subscribe(optout_list, record())).result(timeout=20)
            assert on(optout_list) == {"jane@example.com"}  # neither saw the other

        assert Suppression.objects.count() == 1
        assert not Subscription.objects.exists()


def _suppress_by_hash(optout_list: List, address: str) -> None:
    """An opt-out that came as a bare MD5, as an import would bring it."""
    key = bytes.fromhex(hex_digests(address).md5)
    Suppression.objects.create(
        optout_list=optout_list,
        digest=key,
        hash_kind=HashKind.MD5,
        full_hash=key,
        medium=Medium.EMAIL,
        channel=Channel.FILE_IMPORT,
        reason=Reason.UNSUBSCRIBED,
        suppressed_at=make.NOW,
    )


def _explaining(plans: list[str]) -> Any:
    """`fetch` that also notes the plan of each page."""

    def explain(statement: str, values: Any) -> Any:
        if "message_format" in statement:
            plan = fetch(f"EXPLAIN (ANALYZE, TIMING OFF) {statement}", values)
            plans.append("\n".join(line for (line,) in plan))
        return fetch(statement, values)

    return explain


def _fill(optout_list: List, many: int) -> None:
    """So many contacts on the list, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO lists_contact (realm_id, digest, medium, address, fields, created_at)
            SELECT %s, substring(sha256(convert_to(address, 'UTF8')) FOR 16), 1, address, '{}', %s
            FROM (SELECT 'p' || lpad(n::text, 6, '0') || '@example.com' FROM generate_series(0, %s) n) a (address)
            """,
            [optout_list.realm_id, make.NOW - timedelta(days=1), many - 1],
        )
        cursor.execute(
            """
            INSERT INTO lists_subscription (optout_list_id, digest, subscribed_at)
            SELECT %s, digest, %s FROM lists_contact WHERE realm_id = %s
            """,
            [optout_list.pk, make.NOW, optout_list.realm_id],
        )
        cursor.execute("ANALYZE lists_contact")
        cursor.execute("ANALYZE lists_subscription")


def _subscribe_from(optout_list: List, begin: str) -> None:
    """The realm's contacts from that address on, and the planner knows it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO lists_subscription (optout_list_id, digest, subscribed_at)
            SELECT %s, digest, %s FROM lists_contact WHERE realm_id = %s AND address >= %s
            """,
            [optout_list.pk, make.NOW, optout_list.realm_id, begin],
        )
        cursor.execute("ANALYZE lists_subscription")


def _box(screen: Screen) -> list[str]:
    """What stands in the text box."""
    inner = screen.html.partition("<textarea")[2].partition(">")[2].partition("</textarea>")[0]
    return unescape(inner).strip().splitlines()
