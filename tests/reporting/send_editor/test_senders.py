"""Whoever answers a list's message with STOP is out of that list: it comes from no number where they would not be."""

import pytest
from pytest_django.fixtures import Settings

from lists.models import List, Realm
from reporting.send_editor.senders import check_sender, ends_with_stop
from reporting.send_editor.texts import TextRefusedError
from tests import make

pytestmark = pytest.mark.django_db

NUMBER = "+18005550199"


@pytest.fixture
def deliveries(realm: Realm) -> List:
    """A list of its own number, whose STOP ends it alone."""
    found = make.make_list(realm, 5, "Deliveries", sms_stop_scope="list")
    make.make_sms_number(realm, NUMBER, found)
    return found


class TestEndsWithStop:
    def test_a_number_of_that_list(self, deliveries: List) -> None:
        assert ends_with_stop(deliveries, NUMBER)

    def test_a_number_of_another_list(self, deliveries: List, optout_list: List) -> None:
        assert not ends_with_stop(optout_list, NUMBER)

    def test_a_number_of_another_list_where_stop_ends_everything(
        self, deliveries: List, optout_list: List
    ) -> None:
        List.objects.filter(pk=deliveries.pk).update(sms_stop_scope="realm")
        assert ends_with_stop(optout_list, NUMBER)

    def test_a_number_without_a_list(self, optout_list: List) -> None:
        make.make_sms_number(optout_list.realm, NUMBER)
        List.objects.update(sms_stop_scope="list")
        assert ends_with_stop(optout_list, NUMBER)

    @pytest.mark.parametrize("sender", [NUMBER, ""])
    def test_a_number_of_another_realm_alone(
        self, deliveries: List, settings: Settings, sender: str
    ) -> None:
        """Who answers is heard there, and goes on getting messages here."""
        settings.SMS_FROM = "+1 800 555 0199"
        theirs = make.make_list(make.make_realm("zeta"))
        assert not ends_with_stop(theirs, sender)
        with pytest.raises(TextRefusedError, match="nothing in this account"):
            check_sender(theirs, sender)

        make.make_sms_number(theirs.realm, NUMBER)
        assert ends_with_stop(theirs, sender)

    @pytest.mark.parametrize("written", [NUMBER, "+1 (800) 555-0199", "8005550199"])
    def test_the_default_is_one_of_the_realms_numbers(
        self, deliveries: List, optout_list: List, settings: Settings, written: str
    ) -> None:
        settings.SMS_FROM = written
        assert not ends_with_stop(optout_list, "")
        assert ends_with_stop(deliveries, "")

    @pytest.mark.parametrize("written", ["", "ACME"])
    def test_the_default_is_no_number_of_the_realm(
        self, deliveries: List, optout_list: List, settings: Settings, written: str
    ) -> None:
        settings.SMS_FROM = written
        assert ends_with_stop(optout_list, "")


class TestCheckSender:
    def test_says_what_is_wrong(self, deliveries: List, optout_list: List) -> None:
        with pytest.raises(TextRefusedError) as caught:
            check_sender(optout_list, NUMBER)

        assert caught.value.field == "from"
        assert "ends the messages of another list alone" in str(caught.value)

    def test_a_single_number_is_of_no_list(self, deliveries: List) -> None:
        check_sender(None, NUMBER)
