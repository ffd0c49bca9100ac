import pytest
from pytest_django.fixtures import Settings

from lists.models import List, Realm, SmsSetup
from optout.choices import HashKind
from optout.short_links import short_url
from reporting.send_editor.drafts import Draft, Look, look_at, warnings_of
from reporting.send_editor.recipients import RecipientCount
from reporting.send_editor.texts import NOBODY
from tests import make
from tests.reporting.send_editor.making import ANNA, BERT, numbered, subscribe
from tests.reporting.send_editor.test_recipients import suppress_hash

pytestmark = pytest.mark.django_db


def look(optout_list: List, text: str) -> Look:
    return look_at(Draft(optout_list.realm, optout_list, "", text))


class TestLookAt:
    def test_what_one_recipient_reads(self, optout_list: List) -> None:
        subscribe(optout_list, [ANNA])
        found = look(optout_list, "Sale! {optout} Bye")

        assert found.to == ANNA
        assert found.link == short_url(optout_list.pk, ANNA)
        assert found.parts == ["Sale! ", " Bye"]
        assert found.measure.units == len(f"Sale! {found.link} Bye")

    def test_recipients_and_left_out(self, optout_list: List) -> None:
        subscribe(optout_list, numbered(5))
        suppress_hash(optout_list, HashKind.SHA1, numbered(5)[0])
        found = look(optout_list, "Sale! {optout}")

        assert found.count is not None
        assert (found.count.recipients, found.count.left_out) == (4, 1)
        assert found.segments == 4
        assert found.to != numbered(5)[0]
        assert found.warnings == []

    def test_an_example_past_many_emails(self, optout_list: List) -> None:
        subscribe(optout_list, [f"{n}@example.com" for n in range(120)])
        subscribe(optout_list, [BERT])

        assert look(optout_list, "Sale!").to == BERT

    def test_a_single_number(self, realm: Realm) -> None:
        found = look_at(Draft(realm, None, ANNA, "Hi {optout}", is_to_list=False))

        assert (found.to, found.parts, found.count) == (ANNA, ["Hi {optout}"], None)
        assert found.segments is None

    def test_nothing_selected_yet(self, realm: Realm) -> None:
        found = look_at(Draft(realm, None, "", "Sale! {optout}"))

        assert found.measure.units > 40, "a link is that long whatever the list"
        assert (found.to, found.warnings) == ("", [])

    def test_which_characters_make_it_long(self, optout_list: List) -> None:
        found = look(optout_list, "– “Sale” – ж")

        assert list(found.wide) == ["–", "“", "”", "ж"]
        assert found.has_plain
        assert not look(optout_list, "Sale ж").has_plain


class TestWarnings:
    def warnings(self, optout_list: List, text: str, sender: str = "") -> str:
        draft = Draft(optout_list.realm, optout_list, "", text, sender=sender)
        return " ".join(look_at(draft).warnings)

    @pytest.mark.parametrize("text", ["Sale!", "Our bus stop sale. We never stop!"])
    def test_no_way_out(self, optout_list: List, text: str) -> None:
        assert "does not say how to opt out" in self.warnings(optout_list, text)

    def test_what_is_no_placeholder(self, optout_list: List) -> None:
        assert "“{name}” goes out as it stands" in self.warnings(optout_list, "Hi {name} {optout}")

    def test_stop_that_nobody_hears(self, optout_list: List) -> None:
        number = make.make_sms_number(optout_list.realm).number

        assert "nobody passes answers on" in self.warnings(optout_list, "Sale! Reply STOP", number)

    def test_stop_that_is_heard(self, optout_list: List) -> None:
        make.make_inbound_endpoint(optout_list.realm)
        number = make.make_sms_number(optout_list.realm).number

        assert self.warnings(optout_list, "Sale! Reply STOP", number) == ""

    @pytest.mark.parametrize("sender", ["", "ACME", "+18005550198"])
    def test_stop_to_a_number_that_is_not_the_realm_s(
        self, optout_list: List, settings: Settings, sender: str
    ) -> None:
        settings.SMS_FROM = sender
        make.make_inbound_endpoint(optout_list.realm)
        make.make_sms_number(optout_list.realm)

        assert "nobody hears a STOP" in self.warnings(optout_list, "Sale! Reply STOP")
        settings.SMS_FROM = "+18005550199"
        assert self.warnings(optout_list, "Sale! Reply STOP") == ""

    def test_a_word_of_the_owner(self, optout_list: List) -> None:
        make.make_inbound_endpoint(optout_list.realm)
        number = make.make_sms_number(optout_list.realm).number
        assert "how to opt out" in self.warnings(optout_list, "Sale! Text basta", number)
        SmsSetup.objects.create(realm=optout_list.realm, own_keywords=["basta"])

        assert self.warnings(optout_list, "Sale! Text basta", number) == ""

    def test_nobody_to_send_to(self, optout_list: List) -> None:
        draft = Draft(optout_list.realm, optout_list, "", "{optout}")
        found = look_at(draft)

        assert found.is_for_nobody
        assert warnings_of(draft, found.count) == [str(NOBODY)]
        subscribe(optout_list, [ANNA])
        found = look_at(draft)
        assert not found.is_for_nobody
        assert warnings_of(draft, found.count) == []

    def test_a_single_number_that_is_out_is_no_list(self, realm: Realm) -> None:
        make.make_optout(make.do_not_mail(realm), ANNA)
        draft = Draft(realm, None, ANNA, "Hi", is_to_list=False)

        (said,) = warnings_of(draft, RecipientCount(0, 1))
        assert "Do Not Mail" in said

    def test_no_gateway(self, optout_list: List, settings: Settings) -> None:
        settings.BASE_URL = "https://optout.example.com"

        assert "There is no SMS gateway" in self.warnings(optout_list, "{optout}")

    def test_a_number_on_do_not_mail(self, realm: Realm) -> None:
        make.make_optout(make.do_not_mail(realm), ANNA)
        found = look_at(Draft(realm, None, ANNA, "Hi", is_to_list=False))

        assert "Do Not Mail" in " ".join(found.warnings)
