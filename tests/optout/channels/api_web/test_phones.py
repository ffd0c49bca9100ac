"""`api_web` knows people by email alone (S4.5): a phone number fails clearly, changes nothing, and is an ordinary field."""

from typing import Any

import pytest

from lists.models import Contact, List, Realm
from optout.choices import Channel
from optout.models import OptOut, Suppression
from tests import make
from tests.optout.channels.api_web.calls import call, line, make_password
from tests.optout.test_phones import BERLIN

pytestmark = pytest.mark.django_db


@pytest.fixture
def realm() -> Realm:
    realm = make.make_realm(default_region="DE")
    make_password(realm)
    return realm


@pytest.fixture(autouse=True)
def phones(realm: Realm) -> List:
    optout_list = make.make_list(realm, accepts="either")
    make.make_contact(realm, BERLIN, optout_list, first="Jo")
    return optout_list


@pytest.mark.parametrize("cmd", ["unsub", "sub", "update", "delete"])
@pytest.mark.parametrize("optout", [0, 1])
def test_a_number_in_the_place_of_the_email_is_a_failed_record(cmd: str, optout: int) -> None:
    answer = line(call("acme", cmd, list_id=1, optout=optout, data=f"email^{BERLIN}"))

    assert answer.startswith("FAILURE: ")
    assert "1" in answer
    assert not OptOut.objects.exists()
    assert Contact.objects.get().address == BERLIN


@pytest.mark.parametrize("cmd", ["unsub", "sub", "update", "delete"])
def test_a_phone_alone_is_refused_with_the_reason(cmd: str) -> None:
    answer = line(call("acme", cmd, list_id=1, optout=1, data=f"phone^{BERLIN}"))

    assert answer == "FAILURE: The data has no email field"


def test_beside_an_email_it_is_a_field_of_the_contact() -> None:
    data = f"email,phone^jane@example.com,{BERLIN}"

    assert line(call("acme", "sub", list_id=1, data=data)).startswith("SUCCESS: ")

    assert Contact.objects.get(address="jane@example.com").fields == {"phone": BERLIN}


def test_unsub_with_both_takes_the_email_off_and_leaves_the_number_alone() -> None:
    """S4.4: extra fields change nothing, and nobody can say that this number is hers."""
    call("acme", "unsub", list_id=1, optout=1, data=f"email,phone^jane@example.com,{BERLIN}")

    assert Suppression.objects.get().address == "jane@example.com"


def test_find_by_a_number_says_that_it_is_no_email() -> None:
    answer = line(call("acme", "find", email=BERLIN))

    assert answer.startswith("FAILURE: ") and "email" in answer


def test_find_by_name_shows_one_known_by_phone_without_an_email(realm: Realm) -> None:
    contact = Contact.objects.get()

    answer = line(call("acme", "find", first="Jo", output_format="csv"))

    assert answer == f"{contact.pk},,Jo,,1"


@pytest.mark.parametrize(("cmd", "more"), [("show_opt", {"list_id": 1}), ("show_optglobal", {})])
def test_lists_of_opt_outs_have_emails_alone(
    realm: Realm, phones: List, cmd: str, more: Any
) -> None:
    for optout_list in (phones, make.do_not_mail(realm)):
        make.make_optout(optout_list, BERLIN, channel=Channel.INBOUND_SMS)
        make.make_optout(optout_list, "jane@example.com")

    response = call("acme", cmd, **more)

    assert b"".join(response).decode().strip() == "jane@example.com"
