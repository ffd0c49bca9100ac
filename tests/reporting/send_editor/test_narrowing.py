"""STOP to a number is made to end one list alone only when nobody answers other lists' messages from there any more."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from lists.models import List, Realm, SmsNumber
from reporting.models.messages import TextState
from reporting.send_editor.narrowing import why_not_give, why_not_narrow
from tests import make

pytestmark = pytest.mark.django_db

NUMBER = "+18005550199"


@pytest.fixture
def offers(realm: Realm) -> List:
    return make.make_list(realm, 5, "Offers")


@pytest.fixture
def number(realm: Realm, optout_list: List) -> SmsNumber:
    return make.make_sms_number(realm, NUMBER, optout_list)


def send(target: List | Realm, days: int = 0, **fields: Any) -> None:
    """A message whose last recipient got it so many days ago."""
    values = {"sender": NUMBER, "state": TextState.DONE, **fields}
    ended = make.NOW - timedelta(days=days)
    make.make_text_message(target, **{"finished_at": ended, **values})


class TestNarrowing:
    def test_a_message_to_another_list_lately(
        self, number: SmsNumber, optout_list: List, offers: List
    ) -> None:
        send(offers, 20)
        send(offers, 3)
        said = why_not_narrow(optout_list, make.NOW)
        assert f"sent from {NUMBER} on 1 March 2026" in said
        assert "Offers" not in said, "who owns this list may not know of that one"

    def test_one_that_is_being_sent(
        self, number: SmsNumber, optout_list: List, offers: List
    ) -> None:
        send(offers, 3)
        send(offers, state=TextState.SENDING, finished_at=None)
        assert f"is being sent from {NUMBER}" in why_not_narrow(optout_list, make.NOW)

    def test_what_is_long_ago_or_of_nobody_else(
        self, number: SmsNumber, optout_list: List, offers: List
    ) -> None:
        send(offers, 31)
        send(offers, sender="+18005550122")
        send(offers, sender="")
        send(optout_list)
        send(optout_list.realm)
        send(make.make_list(make.make_realm("zeta")))
        assert why_not_narrow(optout_list, make.NOW) == ""

    def test_the_default_is_that_number(
        self, number: SmsNumber, optout_list: List, offers: List, settings: Settings
    ) -> None:
        settings.SMS_FROM = "+1 (800) 555-0199"
        send(offers, sender="")
        assert NUMBER in why_not_narrow(optout_list, make.NOW)


class TestGiving:
    @pytest.fixture
    def narrow(self, realm: Realm) -> List:
        return make.make_list(realm, 7, "Deliveries", sms_stop_scope="list")

    def test_to_a_list_that_keeps_stop_to_itself(
        self, realm: Realm, number: SmsNumber, offers: List, narrow: List
    ) -> None:
        send(offers)
        for stored in (None, number):
            assert NUMBER in why_not_give(realm, NUMBER, narrow, make.NOW, stored)

    def test_to_nobody_or_where_stop_ends_everything(
        self, realm: Realm, number: SmsNumber, offers: List
    ) -> None:
        send(offers)
        for to in (None, offers):
            assert why_not_give(realm, NUMBER, to, make.NOW, number) == ""

    def test_to_whom_it_belongs(self, realm: Realm, offers: List, narrow: List) -> None:
        """Its label can be changed."""
        row = make.make_sms_number(realm, NUMBER, narrow)
        send(offers)
        assert why_not_give(realm, NUMBER, narrow, make.NOW, row) == ""
        send(offers, sender="+18005550122")
        assert "0122" in why_not_give(realm, "+18005550122", narrow, make.NOW, row)
