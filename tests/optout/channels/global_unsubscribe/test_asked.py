"""What the form is given to show, and what counts when it comes back (S1.9–S1.13)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import RequestFactory

from lists.global_unsubscribe import find_door
from lists.models import List, Realm
from optout.channels.global_unsubscribe.asked import Asked, read_asked
from optout.channels.global_unsubscribe.door import visit_of
from optout.channels.global_unsubscribe.parameters import wants_api
from tests import make
from tests.pages import URLENCODED

PATH = "/unsubscribe/unsubscribe"
JANE, JOE = "jane@example.com", "joe@example.com"
COUNTRY = "fieldLabel[customField1]=Country"


@pytest.fixture(autouse=True)
def dnm(realm: Realm) -> List:
    make.make_global_unsubscribe(realm)
    return make.do_not_mail(realm)


def read(query: str = "", body: Mapping[str, str] | str | None = None) -> Asked:
    """What is understood of a GET, or of a POST with this body."""
    factory: Any = RequestFactory()
    path = f"{PATH}?{query}"
    if body is None:
        request = factory.get(path)
    else:
        encoded = body if isinstance(body, str) else urlencode(body)
        request = factory.post(path, encoded, content_type=URLENCODED)
    door = find_door("", "")
    assert door is not None
    return read_asked(visit_of(request, door), door)


class TestFields:
    """S1.11–S1.13."""

    @pytest.mark.parametrize(
        ("query", "fields"),
        [
            ("", ("email", "phoneNumber")),
            ("fields=", ("email", "phoneNumber")),
            ("fields=(fields)", ("email", "phoneNumber")),
            ("fields=nonsense,,x", ("email", "phoneNumber")),
            ("fields=email", ("email",)),
            ("fields=phoneNumber,email", ("phoneNumber", "email")),
            ("fields=PHONENUMBER, EMAIL ;email,email", ("phoneNumber", "email")),
            ("Fields=email%2CphoneNumber", ("email", "phoneNumber")),
            ("fields=email&fields=phoneNumber", ("email", "phoneNumber")),
            ("fields=password,item,email,responseType", ("email",)),
            (f"fields=customField1,email&{COUNTRY}", ("customField1", "email")),
            (f"fields=customField1&{COUNTRY}", ("email", "phoneNumber", "customField1")),
            (f"fields=customfield1,phonenumber&{COUNTRY.lower()}", ("customField1", "phoneNumber")),
            (f"fields=email,customField1,customField2&{COUNTRY}", ("email", "customField1")),
            ("fields=email,customField1&fieldLabel[customField1]=", ("email",)),
            ("fields=email,customField1&fieldLabel[customField1]=evil.example", ("email",)),
            ("fields=email,customField1&fieldLabel[customField1]=Password", ("email",)),
            (COUNTRY, ("email", "phoneNumber")),
            ("fields=" + "," * 60_000 + "email", ("email", "phoneNumber")),
        ],
    )
    def test_in_the_order_of_the_url(self, query: str, fields: tuple[str, ...]) -> None:
        assert read(query).fields == fields

    def test_only_shown_custom_fields_have_a_label(self) -> None:
        """S1.12."""
        asked = read(
            "fields=email,customField2&fieldLabel%5BcustomField2%5D=City+or+town&fieldLabel[customField1]=x"
            "&fieldLabel[email]=Password&amp;fieldLabel[customField3]=y"
        )

        assert asked.labels == {"customField2": "City or town"}

    def test_a_stored_form_gives_what_the_url_does_not_say(self, realm: Realm) -> None:
        """S1.16."""
        form = make.make_form(
            realm,
            make.make_publisher(realm),
            fields=["customField1", "email", "customField2"],
            labels={"customField1": "Ask www.acme.example", "customField2": "City"},
        )

        asked = read(f"uuid={form.uuid}")
        assert asked.fields == ("customField1", "email", "customField2")
        assert asked.labels == {"customField1": "Ask www.acme.example", "customField2": "City"}

        asked = read(f"uuid={form.uuid}&fields=phoneNumber,customField2,customField1&{COUNTRY}")
        assert asked.fields == ("phoneNumber", "customField2", "customField1")
        assert asked.labels == {"customField1": "Country", "customField2": "City"}

        hidden = read(f"uuid={form.uuid}&fieldLabel[customField1]=PIN")
        assert hidden.fields == ("email", "customField2")

    def test_a_stored_form_without_an_address_asks_for_both(self, realm: Realm) -> None:
        form = make.make_form(realm, make.make_publisher(realm), fields=["customField1", "x"])

        assert read(f"uuid={form.uuid}").fields == ("email", "phoneNumber")


class TestAddresses:
    def test_an_unusable_one_keeps_its_text_and_its_error(self) -> None:
        asked = read("email=jane@&phoneNumber=12")

        assert (asked.email.text, asked.phone.text) == ("jane@", "12")
        assert asked.email.error and asked.phone.error and not asked.has_address
        assert not asked.is_contradictory

    def test_one_that_the_form_does_not_show_was_not_given(self) -> None:
        """Nobody can see it, so nobody agrees to it by pressing the button."""
        asked = read(f"fields=phoneNumber&email={JANE}")
        assert asked.email.text == "" and not asked.has_address

    def test_but_the_api_shows_nothing_and_takes_both(self) -> None:
        assert read(f"responseType=api&fields=phoneNumber&email={JANE}").has_address

    def test_of_an_unfilled_placeholder_nothing_is_left(self) -> None:
        asked = read("email=(email)&phoneNumber={phoneNumber}")
        assert asked.email.error is asked.phone.error is None

    def test_another_merge_tag_is_told_apart(self) -> None:
        assert read("email={{ contact.mail }}").email.is_unfilled

    def test_custom_values_are_kept_whether_or_not_their_fields_are_shown(self) -> None:
        asked = read("customField1=DE&customField3=x")
        assert asked.custom == ("DE", "", "x")


class TestContradictions:
    @pytest.mark.parametrize(
        "query",
        [
            f"email={JANE}&email={JOE}",
            f"email={JANE}&email=nonsense",
            "website=a.example&website=b.example",
            "responseType=api&responsetype=html",
            "customField1=a&CUSTOMFIELD1=b",
            "&".join(f"phoneNumber=%2B1415555{n}" for n in range(2000, 2020)),
        ],
    )
    def test_are_told(self, query: str) -> None:
        asked = read(query)
        assert asked.is_contradictory
        assert asked.response_type == "html"

    def test_an_address_says_it_at_its_field(self) -> None:
        error = read(f"email={JANE}&email=nonsense").email.error
        assert error is not None and error.code == "repeated"

    @pytest.mark.parametrize("query", ["fields=email&fields=x", f"{COUNTRY}&{COUNTRY}2", "x=1&x=2"])
    def test_what_is_not_recorded_contradicts_nothing(self, query: str) -> None:
        assert not read(query).is_contradictory


class TestOurOwnForm:
    """Its POST has a token. What was typed counts."""

    LINK = f"email={JANE}&website=a.example&customField1=x&fields=email,customField1&{COUNTRY}"

    def test_the_body_wins_over_the_url(self) -> None:
        asked = read(self.LINK, {"t": "x", "email": JOE, "customField1": "y"})

        assert asked.email.address is not None and asked.email.address.key == JOE
        assert (asked.custom[0], asked.website) == ("y", "a.example")
        assert not asked.is_contradictory

    def test_also_where_it_was_emptied(self) -> None:
        asked = read(self.LINK, {"t": "x", "email": " ", "customField1": ""})

        assert not asked.has_address and asked.email.error is None
        assert asked.custom[0] == ""

    def test_an_address_in_the_url_is_only_prefilled(self) -> None:
        assert not read(self.LINK, {"t": "x"}).has_address

    def test_a_link_that_contradicts_itself_keeps_nobody_from_it(self) -> None:
        link = f"email={JANE}&email={JOE}&website=a.example&website=b.example&responseType=api&responseType=x"

        asked = read(link, {"t": "x", "email": JANE})

        assert asked.has_address and not asked.is_contradictory
        assert (asked.website, asked.response_type) == ("", "html")

    def test_a_body_that_contradicts_itself_does(self) -> None:
        assert read("", f"t=x&email={JANE}&email={JOE}").is_contradictory

    def test_a_space_that_was_typed_is_no_plus(self) -> None:
        asked = read("", {"t": "x", "email": "jane tag@example.com", "phoneNumber": " 4912345678"})

        assert asked.email.error is not None
        assert asked.phone.address is not None and asked.phone.address.key == "+14912345678"

    def test_another_sites_form_is_none_of_ours(self) -> None:
        asked = read(self.LINK, {"email": JOE})
        assert asked.is_contradictory

    def test_for_the_api_there_is_no_form(self) -> None:
        """`t` may be anything there, such as the time."""
        asked = read(f"responseType=api&t=1&email={JANE}", {"t": "1", "email": JOE})
        assert asked.response_type == "api" and asked.is_contradictory


class TestWantsApi:
    @pytest.mark.parametrize(
        ("query", "body", "wants"),
        [
            ("responseType=api", "", True),
            ("RESPONSETYPE=%20Api", "", True),
            ("x=1&amp;responseType=api&", "", True),
            ("", "responseType=api", True),
            ("responseType=api", "responseType=API", True),
            ("", "", False),
            ("responseType=html", "", False),
            ("responseType=api", "responseType=html", False),
            ("responseType=(responseType)", "", False),
        ],
    )
    def test_from_url_and_body(self, query: str, body: str, wants: bool) -> None:
        factory: Any = RequestFactory()
        path = f"{PATH}?{query}"
        request = factory.post(path, body, content_type=URLENCODED) if body else factory.get(path)

        assert wants_api(request) is wants
