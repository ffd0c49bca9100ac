"""Setting up text messages: what is kept, what is refused, what the audit says (S3.4)."""

from datetime import timedelta
from typing import Any

import pytest

from lists import sms_actions
from lists.models import (
    AuditEntry,
    ConfirmsBy,
    InboundEndpoint,
    InboundFormat,
    List,
    Realm,
    SmsNumber,
    SmsSetup,
    User,
)
from lists.sms_actions import (
    InboundPlan,
    NumberTakenError,
    SmsSetupError,
    change_endpoint,
    change_number,
    change_rules,
    make_endpoint,
    make_number,
    remove_endpoint,
    remove_number,
    rotate_secret,
    set_tokens,
)
from lists.sms_setup import find_endpoint, find_number, rules_of, secret_of, secrets_of, tokens_of
from tests import make

NUMBER = "+18005550199"
TOKEN = "0123456789abcdef0123456789abcdef"
OTHER_TOKEN = "fedcba9876543210fedcba9876543210"


def last_entry() -> AuditEntry:
    return AuditEntry.objects.latest("pk")


@pytest.fixture
def garden(realm: Realm) -> List:
    return make.make_list(realm, 7, "Garden texts")


@pytest.fixture
def number(realm: Realm) -> SmsNumber:
    return make_number(realm, NUMBER, actor=None)


@pytest.fixture
def endpoint(realm: Realm) -> InboundEndpoint:
    return make_endpoint(realm, InboundPlan(), actor=None, now=make.NOW)


@pytest.fixture
def twilio(realm: Realm) -> InboundEndpoint:
    return make_endpoint(realm, InboundPlan(InboundFormat.TWILIO), actor=None, now=make.NOW)


@pytest.mark.django_db
class TestNumbers:
    def test_one_is_made_and_audited_without_the_number(
        self, realm: Realm, garden: List, alice: User
    ) -> None:
        made = make_number(realm, NUMBER, label="Texts", optout_list=garden, actor=alice)

        found = find_number(realm.pk, NUMBER)
        assert found == made
        assert (made.label, made.optout_list) == ("Texts", garden)
        entry = last_entry()
        assert (entry.action, entry.actor, entry.optout_list) == ("make_sms_number", alice, garden)
        assert entry.detail == {"number": made.pk}

    @pytest.mark.parametrize("number", ["+18005550199", "12345", "555"])
    def test_an_e164_number_or_a_short_code_can_be_kept(self, realm: Realm, number: str) -> None:
        assert make_number(realm, number, actor=None).number == number

    @pytest.mark.parametrize("number", ["", "18005550199", "+1 800", "12", "ACME", "+1\n"])
    def test_anything_else_cannot(self, realm: Realm, number: str) -> None:
        with pytest.raises(SmsSetupError) as caught:
            make_number(realm, number, actor=None)
        assert caught.value.field == "number"
        assert not AuditEntry.objects.exists()

    def test_a_second_click_makes_no_second_one(self, realm: Realm, number: SmsNumber) -> None:
        assert make_number(realm, NUMBER, actor=None) == number
        assert AuditEntry.objects.count() == 1

    def test_no_number_is_there_twice(self, realm: Realm, number: SmsNumber) -> None:
        with pytest.raises(NumberTakenError):
            make_number(realm, NUMBER, label="Another", actor=None)

    def test_two_realms_may_share_one(self, number: SmsNumber) -> None:
        make_number(make.make_realm("other"), NUMBER, actor=None)
        assert SmsNumber.objects.count() == 2

    def test_do_not_mail_is_the_whole_realm(self, realm: Realm) -> None:
        made = make_number(realm, NUMBER, optout_list=make.do_not_mail(realm), actor=None)
        assert made.optout_list is None

    def test_a_list_of_another_realm_is_refused(self, realm: Realm) -> None:
        theirs = make.make_list(make.make_realm("other"))
        with pytest.raises(ValueError, match="another realm"):
            make_number(realm, NUMBER, optout_list=theirs, actor=None)

    def test_a_realm_has_no_end_of_them(self, realm: Realm, monkeypatch: Any) -> None:
        monkeypatch.setattr(sms_actions, "MOST_NUMBERS", 1)
        make_number(realm, NUMBER, actor=None)
        with pytest.raises(SmsSetupError):
            make_number(realm, "12345", actor=None)

    def test_label_list_and_number_are_changed(
        self, number: SmsNumber, garden: List, alice: User
    ) -> None:
        values = {"number": "12345", "label": "Fair", "optout_list": garden}

        assert change_number(number, values, actor=alice) == ["number", "label", "optout_list"]

        number.refresh_from_db()
        assert (number.number, number.label, number.optout_list) == ("12345", "Fair", garden)
        told = {"number": None, "label": None, "optout_list": [None, garden.pk]}
        assert last_entry().detail == {"number": number.pk, "changes": told}

    def test_no_change_is_no_entry(self, number: SmsNumber) -> None:
        assert change_number(number, {"label": ""}, actor=None) == []
        assert AuditEntry.objects.count() == 1

    def test_it_cannot_become_another_one(self, realm: Realm, number: SmsNumber) -> None:
        make_number(realm, "12345", actor=None)
        with pytest.raises(NumberTakenError):
            change_number(number, {"number": "12345"}, actor=None)

    def test_it_is_removed_once(self, realm: Realm, number: SmsNumber, alice: User) -> None:
        assert remove_number(number, actor=alice)
        assert find_number(realm.pk, NUMBER) is None
        assert last_entry().action == "remove_sms_number"
        assert AuditEntry.objects.count() == 2

    def test_the_second_time_nothing_happens(self, number: SmsNumber) -> None:
        again = SmsNumber.objects.get()
        remove_number(number, actor=None)
        assert not remove_number(again, actor=None)
        assert AuditEntry.objects.count() == 2


@pytest.mark.django_db
class TestRules:
    def test_a_realm_that_said_nothing_has_the_defaults(self, realm: Realm) -> None:
        rules = rules_of(realm.pk)
        assert (rules.own_keywords, rules.start_lifts) == (frozenset(), False)

    def test_they_are_kept_and_audited(self, realm: Realm, alice: User) -> None:
        values = {
            "own_keywords": ["fertig", "basta", "fertig"],
            "dropped_keywords": ["remove"],
            "start_lifts": True,
            "confirmation_texts": {"en": " You are out, {sender}.\r\nBye. ", "de": ""},
        }

        changed = change_rules(realm, values, actor=alice)

        rules = rules_of(realm.pk)
        assert rules.own_keywords == {"basta", "fertig"}
        assert rules.dropped_keywords == {"remove"}
        assert rules.start_lifts
        assert rules.confirmation_texts == {"en": "You are out, {sender}.\nBye."}
        assert changed == list(values)
        entry = last_entry()
        assert (entry.action, entry.actor) == ("change_sms_rules", alice)
        assert entry.detail["changes"] == {
            "own_keywords": [[], ["basta", "fertig"]],
            "dropped_keywords": [[], ["remove"]],
            "start_lifts": [False, True],
            "confirmation_texts": None,
        }

    def test_what_is_not_given_stays(self, realm: Realm) -> None:
        change_rules(realm, {"own_keywords": ["basta"]}, actor=None)
        change_rules(realm, {"start_lifts": True}, actor=None)
        assert rules_of(realm.pk).own_keywords == {"basta"}

    def test_the_defaults_are_not_written_down(self, realm: Realm) -> None:
        values = {"own_keywords": [], "start_lifts": False, "confirmation_texts": {"en": " "}}
        assert change_rules(realm, values, actor=None) == []
        assert not SmsSetup.objects.exists()
        assert not AuditEntry.objects.exists()

    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"own_keywords": ["x" * 41]}, "own_keywords"),
            ({"own_keywords": [""]}, "own_keywords"),
            ({"own_keywords": [f"word {number}" for number in range(51)]}, "own_keywords"),
            ({"confirmation_texts": {"en": "x" * 481}}, "confirmation_en"),
            ({"confirmation_texts": {"en": "{sender}" * 5}}, "confirmation_en"),
            ({"confirmation_texts": {"de": "Bye\x07"}}, "confirmation_de"),
            ({"confirmation_texts": {"de": "{sendr}: Bye"}}, "confirmation_de"),
            ({"confirmation_texts": {"en": "{sender}: Bye, {Name}"}}, "confirmation_en"),
            ({"confirmation_texts": {"en": "{list}: Bye"}}, "confirmation_en"),
            ({"confirmation_texts": {"xx": "Bye"}}, "confirmation_texts"),
        ],
    )
    def test_what_cannot_be_kept_is_refused_whole(
        self, realm: Realm, values: dict[str, Any], field: str
    ) -> None:
        with pytest.raises(SmsSetupError) as caught:
            change_rules(realm, {"start_lifts": True, **values}, actor=None)
        assert caught.value.field == field
        assert not rules_of(realm.pk).start_lifts
        assert not AuditEntry.objects.exists()


@pytest.mark.django_db
class TestEndpoints:
    def test_one_is_made_with_a_secret_that_no_row_holds(self, realm: Realm, alice: User) -> None:
        plan = InboundPlan(
            label="Gateway", confirms_by=ConfirmsBy.ANSWER, allow_list=["192.0.2.0/24"]
        )

        made = make_endpoint(realm, plan, actor=alice, now=make.NOW)

        assert find_endpoint(made.public_id) == made
        assert secret_of(made).startswith("whsec_")
        assert (made.format, made.confirms_by) == ("generic", "answer")
        entry = last_entry()
        assert (entry.action, entry.actor) == ("make_inbound_endpoint", alice)
        assert entry.detail == {
            "endpoint": made.public_id,
            "format": "generic",
            "confirms_by": "answer",
            "allow_list": ["192.0.2.0/24"],
        }

    def test_two_have_two_secrets(self, realm: Realm, endpoint: InboundEndpoint) -> None:
        other = make_endpoint(realm, InboundPlan(), actor=None, now=make.NOW)
        assert secret_of(other) != secret_of(endpoint)

    def test_a_realm_has_no_end_of_them(
        self, realm: Realm, endpoint: InboundEndpoint, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(sms_actions, "MOST_ENDPOINTS", 1)
        with pytest.raises(SmsSetupError):
            make_endpoint(realm, InboundPlan(), actor=None, now=make.NOW)
        remove_endpoint(endpoint, actor=None, now=make.NOW)
        make_endpoint(realm, InboundPlan(), actor=None, now=make.NOW)

    def test_what_may_change_is_changed(self, endpoint: InboundEndpoint, alice: User) -> None:
        values = {"label": "Main", "confirms_by": "nobody", "allow_list": ("192.0.2.1",)}

        assert change_endpoint(endpoint, values, actor=alice) == list(values)

        endpoint.refresh_from_db()
        assert (endpoint.label, endpoint.confirms_by) == ("Main", "nobody")
        assert endpoint.allow_list == ["192.0.2.1"]
        assert last_entry().detail["changes"]["label"] is None
        assert change_endpoint(endpoint, values, actor=alice) == []

    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"label": "x" * 101}, "label"),
            ({"label": "two\nlines"}, "label"),
            ({"confirms_by": "pigeon"}, "confirms_by"),
            ({"allow_list": [f"192.0.2.{each}" for each in range(201)]}, "allow_list"),
        ],
    )
    def test_what_cannot_be_kept_is_refused(
        self, endpoint: InboundEndpoint, values: dict[str, Any], field: str
    ) -> None:
        with pytest.raises(SmsSetupError) as caught:
            change_endpoint(endpoint, values, actor=None)
        assert caught.value.field == field

    def test_it_is_removed_once_and_never_deleted(
        self, endpoint: InboundEndpoint, alice: User
    ) -> None:
        assert remove_endpoint(endpoint, actor=alice, now=make.NOW)
        assert find_endpoint(endpoint.public_id) is None
        assert not remove_endpoint(endpoint, actor=alice, now=make.NOW)
        assert last_entry().action == "remove_inbound_endpoint"
        assert AuditEntry.objects.count() == 2

    def test_what_is_removed_is_not_changed(self, endpoint: InboundEndpoint) -> None:
        remove_endpoint(endpoint, actor=None, now=make.NOW)
        with pytest.raises(InboundEndpoint.DoesNotExist):
            change_endpoint(endpoint, {"label": "Main"}, actor=None)
        with pytest.raises(InboundEndpoint.DoesNotExist):
            rotate_secret(endpoint, timedelta(0), actor=None, now=make.NOW)


@pytest.mark.django_db
class TestSecrets:
    def test_both_open_while_the_old_one_is_replaced(
        self, endpoint: InboundEndpoint, alice: User
    ) -> None:
        old = secret_of(endpoint)

        row = rotate_secret(endpoint, timedelta(hours=24), actor=alice, now=make.NOW)

        assert secrets_of(row, make.NOW) == [secret_of(row), old]
        assert secrets_of(row, make.NOW + timedelta(hours=24)) == [secret_of(row)]
        entry = last_entry()
        assert (entry.action, entry.actor) == ("rotate_inbound_secret", alice)
        assert entry.detail == {"endpoint": row.public_id, "overlap_hours": 24.0}

    def test_without_overlap_the_old_one_ends_at_once(self, endpoint: InboundEndpoint) -> None:
        row = rotate_secret(endpoint, timedelta(0), actor=None, now=make.NOW)
        assert secrets_of(row, make.NOW) == [secret_of(row)]

    @pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=7, seconds=1)])
    def test_an_overlap_has_an_end(self, endpoint: InboundEndpoint, overlap: timedelta) -> None:
        with pytest.raises(SmsSetupError):
            rotate_secret(endpoint, overlap, actor=None, now=make.NOW)

    def test_twilios_tokens_are_kept_sealed(self, twilio: InboundEndpoint, alice: User) -> None:
        set_tokens(twilio, [TOKEN, OTHER_TOKEN], actor=alice)

        twilio.refresh_from_db()
        assert tokens_of(twilio) == [TOKEN, OTHER_TOKEN]
        assert TOKEN.encode() not in bytes(twilio.sealed_token)
        entry = last_entry()
        assert (entry.action, entry.actor) == ("set_twilio_tokens", alice)
        assert entry.detail == {"endpoint": twilio.public_id, "tokens": 2}

    def test_new_ones_take_the_place_of_the_old_ones(self, twilio: InboundEndpoint) -> None:
        set_tokens(twilio, [TOKEN, OTHER_TOKEN], actor=None)
        set_tokens(twilio, [OTHER_TOKEN], actor=None)
        twilio.refresh_from_db()
        assert tokens_of(twilio) == [OTHER_TOKEN]

    @pytest.mark.parametrize("tokens", [["short"], [TOKEN, "with a space"], [TOKEN] * 3])
    def test_what_is_no_token_is_refused(self, twilio: InboundEndpoint, tokens: list[str]) -> None:
        with pytest.raises(SmsSetupError):
            set_tokens(twilio, tokens, actor=None)

    def test_only_twilio_has_them(self, endpoint: InboundEndpoint) -> None:
        with pytest.raises(SmsSetupError):
            set_tokens(endpoint, [TOKEN], actor=None)

    def test_they_go_with_the_endpoint(self, twilio: InboundEndpoint) -> None:
        set_tokens(twilio, [TOKEN], actor=None)
        remove_endpoint(twilio, actor=None, now=make.NOW)
        twilio.refresh_from_db()
        assert tokens_of(twilio) == []
