"""What is done about a text, whatever its gateway's format."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from lists.models import Contact, InboundEndpoint, List, Realm, SmsNumber, SmsSetup, Subscription
from optout.choices import (
    Assurance,
    Channel,
    Confirmation,
    Kind,
    Meaning,
    Medium,
    Origin,
    Reason,
    RefusalCause,
    Verdict,
)
from optout.inbound_messages import forget_messages
from optout.models import InboundMessage, OptOut, QuarantinedOptOut, Suppression
from optout.quarantine import accept_overdue
from optout.retention import empty_ledger
from tests import make
from tests.optout.channels.inbound_sms.calls import JANE, OURS, text_us

pytestmark = pytest.mark.django_db

LIFTED = {"status": "lifted", "suppressed": False}
STILL_OUT = {"status": "ignored", "suppressed": True}
NOT_OUT = {"status": "ignored", "suppressed": False}


def suppressed() -> list[tuple[int, str | None]]:
    """(number of the list, address) of what is suppressed."""
    rows = Suppression.objects.order_by("optout_list__number")
    return list(rows.values_list("optout_list__number", "address"))


def let_start_lift(realm: Realm) -> None:
    SmsSetup.objects.update_or_create(realm=realm, defaults={"start_lifts": True})


def keep_to_itself(optout_list: List, number: SmsNumber) -> None:
    """A number of that list, whose STOP ends that list alone."""
    SmsNumber.objects.filter(pk=number.pk).update(optout_list=optout_list)
    List.objects.filter(pk=optout_list.pk).update(sms_stop_scope="list")


class TestStop:
    @pytest.mark.parametrize(
        "text", ["STOP", "stop please", "Unsubscribe", "opt-out", "arrêt", "ＳＴＯＰ!!!"]
    )
    def test_everything_from_that_sender_ends(
        self, realm: Realm, optout_list: List, endpoint: InboundEndpoint, text: str
    ) -> None:
        make.make_contact(realm, JANE, optout_list)

        response = text_us(endpoint, text)

        assert response.status_code == 200
        assert response.json() == {"status": "recorded"}
        assert response.headers["Optout-Status"] == "recorded"
        assert suppressed() == [(0, JANE)]
        assert not Subscription.objects.exists()

    def test_the_contact_stays_and_who_was_none_becomes_one(
        self, realm: Realm, endpoint: InboundEndpoint
    ) -> None:
        make.make_contact(realm, JANE, first="Jane")

        text_us(endpoint)
        text_us(endpoint, sender="+442079460958")

        contacts = Contact.objects.order_by("pk").values_list("address", "medium", "fields")
        assert list(contacts) == [
            (JANE, Medium.SMS, {"first": "Jane"}),
            ("+442079460958", Medium.SMS, {}),
        ]

    def test_the_ledger_says_how_and_what_was_said(self, endpoint: InboundEndpoint) -> None:
        text_us(endpoint, "Stop!", sender="+1 (415) 555-2671")

        row = OptOut.objects.get()
        assert (row.channel, row.assurance) == (Channel.INBOUND_SMS, Assurance.API_CREDENTIAL)
        assert (row.reason, row.origin, row.medium) == (
            Reason.UNSUBSCRIBED,
            Origin.RECIPIENT,
            Medium.SMS,
        )
        assert row.evidence == {
            "texted": OURS,
            "said": "Stop!",
            "endpoint": endpoint.public_id,
            "raw": "+1 (415) 555-2671",
        }
        assert (row.ip, row.agent) == ("192.0.2.7", "Gateway/1.0")

    def test_of_a_long_text_the_beginning_is_kept(self, endpoint: InboundEndpoint) -> None:
        text_us(endpoint, "stop " + "please " * 200)

        evidence = OptOut.objects.get().evidence
        assert evidence is not None and len(evidence["said"]) <= 160

    def test_every_repeat_has_its_row(self, endpoint: InboundEndpoint) -> None:
        assert text_us(endpoint).content == text_us(endpoint).content
        assert list(OptOut.objects.order_by("id").values_list("is_new", flat=True)) == [True, False]
        assert InboundMessage.objects.count() == 2

    def test_a_message_that_came_before_is_answered_as_before_and_does_nothing(
        self, endpoint: InboundEndpoint
    ) -> None:
        first = text_us(endpoint, id="m-1")
        again = text_us(endpoint, id="m-1")

        assert first.json() == again.json() == {"status": "recorded"}
        assert again.headers["Optout-Status"] == "recorded"
        assert OptOut.objects.count() == InboundMessage.objects.count() == 1

    def test_a_gateway_that_names_all_messages_alike_loses_none(
        self, endpoint: InboundEndpoint
    ) -> None:
        text_us(endpoint, "hello", id="1")
        text_us(endpoint, sender="+442079460958", id="1")
        text_us(endpoint, id="1")

        assert {address for _, address in suppressed()} == {"+442079460958", JANE}

    @pytest.mark.parametrize("name", ["x" * 70_000, "é\u0000\ud800", "  m 1 ", "{}"])
    def test_any_name_of_a_message_will_do(self, endpoint: InboundEndpoint, name: str) -> None:
        for _ in range(2):
            assert text_us(endpoint, id=name).status_code == 200
        assert OptOut.objects.count() == 1


class TestHowFarItReaches:
    def test_a_number_of_a_list_follows_its_list(
        self, realm: Realm, optout_list: List, number: SmsNumber, endpoint: InboundEndpoint
    ) -> None:
        SmsNumber.objects.update(optout_list=optout_list)
        text_us(endpoint)
        assert suppressed() == [(0, JANE)], "the whole realm, unless the list says otherwise"

    def test_a_list_may_want_it_for_itself(
        self, realm: Realm, optout_list: List, number: SmsNumber, endpoint: InboundEndpoint
    ) -> None:
        other = make.make_list(realm, 2)
        make.make_contact(realm, JANE, optout_list, other)
        SmsNumber.objects.update(optout_list=optout_list)
        List.objects.filter(pk=optout_list.pk).update(sms_stop_scope="list")

        text_us(endpoint)

        assert suppressed() == [(1, JANE)]
        assert Subscription.objects.get().optout_list == other

    @pytest.mark.parametrize("to", ["+18005550111", "12345", "ACME", "Acme & Co. 7", "+1 x_y-z"])
    def test_an_unknown_number_is_the_realms_and_kept_as_it_was_sent(
        self, optout_list: List, number: SmsNumber, endpoint: InboundEndpoint, to: str
    ) -> None:
        keep_to_itself(optout_list, number)

        assert text_us(endpoint, to=to).json() == {"status": "recorded"}
        assert suppressed() == [(0, JANE)]
        assert InboundMessage.objects.get().texted == to

    @pytest.mark.parametrize(
        "to", ['<b>"1"', "x" * 16, "x" * 5_000, "jane@example.com", "Äcme", "%0012*", "%"]
    )
    def test_what_nobody_can_text_to_is_not_kept(
        self, optout_list: List, number: SmsNumber, endpoint: InboundEndpoint, to: str
    ) -> None:
        """Webhooks would name it as the number."""
        keep_to_itself(optout_list, number)

        assert text_us(endpoint, to=to).json() == {"status": "recorded"}
        assert suppressed() == [(0, JANE)]
        assert InboundMessage.objects.get().texted == ""
        evidence = OptOut.objects.get().evidence
        assert evidence is not None and "texted" not in evidence

    @pytest.mark.parametrize("to", ["", " ", "\u0000"])
    def test_without_it_the_realms_only_number_was_texted_but_it_ends_everything(
        self, optout_list: List, number: SmsNumber, endpoint: InboundEndpoint, to: str
    ) -> None:
        """It may answer a message of another list, which came from no number of the realm."""
        keep_to_itself(optout_list, number)
        make.make_sms_number(make.make_realm("other"), "+18005550122")

        text_us(endpoint, to=to)

        assert suppressed() == [(0, JANE)]
        row = OptOut.objects.get()
        assert row.evidence is not None and row.evidence["texted"] == OURS

    def test_of_two_numbers_nobody_knows_which(
        self, realm: Realm, optout_list: List, number: SmsNumber, endpoint: InboundEndpoint
    ) -> None:
        keep_to_itself(optout_list, number)
        make.make_sms_number(realm, "+18005550122", optout_list)

        text_us(endpoint, to="")

        assert suppressed() == [(0, JANE)]
        assert InboundMessage.objects.get().texted == ""

    def test_a_number_of_another_realm_is_unknown(
        self, optout_list: List, endpoint: InboundEndpoint
    ) -> None:
        other = make.make_realm("other")
        theirs = make.make_list(other, sms_stop_scope="list")
        make.make_sms_number(other, "+18005550122", theirs)

        text_us(endpoint, to="+18005550122")

        assert Suppression.objects.get().optout_list == make.do_not_mail(optout_list.realm)

    @pytest.mark.parametrize("to", ["18005550199", "001 800 555 0199", "+1 (800) 555-0199"])
    def test_however_the_number_is_written(
        self, optout_list: List, number: SmsNumber, endpoint: InboundEndpoint, to: str
    ) -> None:
        SmsNumber.objects.update(optout_list=optout_list)
        List.objects.update(sms_stop_scope="list")

        text_us(endpoint, to=to)

        assert suppressed() == [(1, JANE)]
        row = OptOut.objects.get()
        assert row.evidence is not None and row.evidence["texted"] == OURS

    def test_a_short_code_may_have_a_list(
        self, realm: Realm, optout_list: List, endpoint: InboundEndpoint
    ) -> None:
        make.make_sms_number(realm, "72345", optout_list)
        List.objects.update(sms_stop_scope="list")

        text_us(endpoint, to="72345")

        assert suppressed() == [(1, JANE)]

    @pytest.mark.parametrize(
        "text", ["STOP 7", "stop Flash Sales", "unsubscribe from flash-sales please"]
    )
    def test_who_names_a_list_leaves_that_one(
        self, realm: Realm, optout_list: List, endpoint: InboundEndpoint, text: str
    ) -> None:
        make.make_list(realm, 7, name="Flash Sales")

        assert text_us(endpoint, text).json() == {"status": "recorded"}
        assert suppressed() == [(7, JANE)]

    def test_a_list_of_another_realm_is_none(self, realm: Realm, endpoint: InboundEndpoint) -> None:
        make.make_list(make.make_realm("other"), 7, name="Flash Sales")

        for text in ("STOP 7", "stop flash sales"):
            assert text_us(endpoint, text).json() == {"status": "review"}
        assert not suppressed()

    def test_a_weak_word_waits_for_that_list_alone(
        self, realm: Realm, endpoint: InboundEndpoint
    ) -> None:
        """Orders are cancelled, too."""
        make.make_list(realm, 7, name="Orders")

        for text in ("cancel orders", "stop orders?"):
            assert text_us(endpoint, text).json() == {"status": "review"}
        assert not suppressed()
        accept_overdue(timezone.now() + timedelta(days=7, minutes=1))
        assert suppressed() == [(7, JANE)]

    def test_what_all_of_them_are_may_be_a_list(
        self, realm: Realm, endpoint: InboundEndpoint
    ) -> None:
        make.make_list(realm, 7, name="Offers")

        assert text_us(endpoint, "stop the offers").json() == {"status": "recorded"}
        assert suppressed() == [(7, JANE)]
        assert text_us(endpoint, "stop ads").json() == {"status": "recorded"}
        assert suppressed() == [(0, JANE), (7, JANE)]

    def test_a_name_of_two_lists_is_unclear(self, realm: Realm, endpoint: InboundEndpoint) -> None:
        make.make_list(realm, 7, name="Sales")
        make.make_list(realm, 8, name="SALES!")

        assert text_us(endpoint, "stop sales").json() == {"status": "review"}


class TestUnclear:
    def test_stop_12345_does_not_stop_everything(
        self, realm: Realm, optout_list: List, number: SmsNumber, endpoint: InboundEndpoint
    ) -> None:
        """Nor when it is accepted: the list of that number, though its STOP would reach further."""
        SmsNumber.objects.update(optout_list=optout_list)

        response = text_us(endpoint, "STOP 12345")

        assert response.json() == {"status": "review"}
        assert response.headers["Optout-Status"] == "quarantined"
        assert not suppressed()
        accept_overdue(timezone.now() + timedelta(days=7, minutes=1))
        assert suppressed() == [(1, JANE)]

    def test_it_waits_with_what_was_said_and_without_its_gateway(
        self, realm: Realm, endpoint: InboundEndpoint
    ) -> None:
        text_us(endpoint, "When does it end?")

        row = QuarantinedOptOut.objects.get()
        assert (row.optout_list, row.cause) == (make.do_not_mail(realm), RefusalCause.UNCLEAR_TEXT)
        assert (row.address, row.channel) == (JANE, Channel.INBOUND_SMS)
        assert (row.ip, row.agent) == (None, "")
        assert row.evidence == {
            "texted": OURS,
            "said": "When does it end?",
            "endpoint": endpoint.public_id,
        }
        assert not Contact.objects.exists()

    def test_after_7_days_it_is_accepted_and_makes_the_contact(
        self, realm: Realm, endpoint: InboundEndpoint
    ) -> None:
        text_us(endpoint, "When does it end?")
        now = timezone.now()

        assert accept_overdue(now + timedelta(days=6, hours=23)) == 0
        assert accept_overdue(now + timedelta(days=7, minutes=1)) == 1

        assert suppressed() == [(0, JANE)]
        assert Contact.objects.get().address == JANE
        assert not InboundMessage.objects.exclude(confirmation=Confirmation.NONE).exists()

    def test_several_wait_in_one_row(self, endpoint: InboundEndpoint) -> None:
        for _ in range(3):
            text_us(endpoint, "I want this to end some day")
        assert QuarantinedOptOut.objects.get().requests == 3

    def test_a_clear_stop_settles_it(self, endpoint: InboundEndpoint) -> None:
        text_us(endpoint, "When does it end?")
        text_us(endpoint)

        assert QuarantinedOptOut.objects.get().verdict == Verdict.ACCEPTED
        assert OptOut.objects.count() == 1


class TestNothing:
    @pytest.mark.parametrize("text", ["", "Thanks, see you on the weekend", "HELP", "yes", "🎉"])
    def test_it_is_written_down_without_its_words(
        self, endpoint: InboundEndpoint, text: str
    ) -> None:
        response = text_us(endpoint, text)

        assert response.json() == {"status": "ignored"}
        assert "Optout-Status" not in response.headers
        row = InboundMessage.objects.get()
        assert (row.meaning, row.sender, row.texted) == (Meaning.NOTHING, JANE, OURS)
        assert not suppressed() and not QuarantinedOptOut.objects.exists()
        assert not Contact.objects.exists()

    @pytest.mark.parametrize("sender", ["Vodafone", "12345", "x" * 3_000, ""])
    def test_also_from_who_has_no_number(self, endpoint: InboundEndpoint, sender: str) -> None:
        assert text_us(endpoint, "Your code is 1234", sender=sender).json() == {"status": "ignored"}
        assert InboundMessage.objects.get().sender == sender[:40]


class TestWhoHasNoNumber:
    @pytest.mark.parametrize(
        "sender",
        [
            *("", "12345", "Vodafone", "+1", "jane@example.com", "\ud800", "٣", "9" * 20, "DHL 24"),
            *("12345 x7", "%2B", "%00", "DHL 24;ext=5", "+1415555267141555526714155552671"),
        ],
    )
    @pytest.mark.parametrize("text", ["STOP", "START", "when does it end"])
    def test_can_be_taken_off_nothing(
        self, endpoint: InboundEndpoint, sender: str, text: str
    ) -> None:
        response = text_us(endpoint, text, sender=sender)

        assert response.status_code == 422
        assert response.headers["Optout-Status"] == "rejected"
        assert not InboundMessage.objects.exists() and not OptOut.objects.exists()
        endpoint.refresh_from_db()
        assert endpoint.last_refusal == "422: Who texted is no phone number."


class TestNumbersAsGatewaysWriteThem:
    @pytest.mark.parametrize(
        ("sender", "key"),
        [
            ("14155552671", JANE),
            ("447911123456", "+447911123456"),
            ("00447911123456", "+447911123456"),
            ("(415) 555-2671", JANE),
            ("whatsapp:+14155552671", JANE),
            (" 14155552671", JANE),
            ("tel:+1-415-555-2671", JANE),
            ("4917612345678", "+4917612345678"),
            ("+999123456789", "+999123456789"),
            ("\u200e+14155552671", JANE),
            ("\u202a+1 415 555 2671\u202c", JANE),
            ("%2B14155552671", JANE),
            ("%2b1%20415%20555%202671", JANE),
            ("+14155552671;ext=5", JANE),
            ("tel:+1-415-555-2671;phone-context=example.com", JANE),
            ("+1 415 555 2671 x5", JANE),
            ("(415) 555-2671 ext. 17", JANE),
            ("14155552671,7", JANE),
            ("14155552671#7", JANE),
        ],
    )
    def test_it_is_the_one_number(self, endpoint: InboundEndpoint, sender: str, key: str) -> None:
        text_us(endpoint, sender=sender)
        assert suppressed() == [(0, key)]

    def test_what_is_a_number_at_home_as_well_has_its_country_code(
        self, realm: Realm, endpoint: InboundEndpoint
    ) -> None:
        """Gateways write it so."""
        Realm.objects.update(default_region="CN")
        text_us(endpoint, sender="13812345678")
        assert len(suppressed()) == 1


class TestOurOwnWords:
    @pytest.mark.parametrize("sender", [OURS, "18005550199", "\u200e+1 800 555 0199", "72345"])
    @pytest.mark.parametrize("text", ["STOP", "START", "when does it end"])
    def test_that_come_back_ask_for_nothing(
        self, realm: Realm, answering: InboundEndpoint, sender: str, text: str
    ) -> None:
        let_start_lift(realm)
        make.make_sms_number(realm, "72345")

        assert text_us(answering, text, sender=sender).json() == {"status": "ignored"}
        assert InboundMessage.objects.get().meaning == Meaning.NOTHING
        assert not OptOut.objects.exists() and not QuarantinedOptOut.objects.exists()
        assert not Contact.objects.exists()

    def test_another_realms_number_may_opt_out(self, endpoint: InboundEndpoint) -> None:
        make.make_sms_number(make.make_realm("other"), "+18005550122")
        text_us(endpoint, sender="+18005550122")
        assert suppressed() == [(0, "+18005550122")]


class TestStart:
    def test_it_lifts_what_stop_set(
        self, realm: Realm, optout_list: List, endpoint: InboundEndpoint
    ) -> None:
        let_start_lift(realm)
        make.make_contact(realm, JANE, optout_list)
        text_us(endpoint)

        response = text_us(endpoint, "Start please")

        assert response.json() == LIFTED
        assert "Optout-Status" not in response.headers
        assert not suppressed()
        assert Subscription.objects.get().optout_list == optout_list
        lift = OptOut.objects.get(kind=Kind.LIFT)
        assert (lift.channel, lift.reason, lift.origin) == (
            Channel.INBOUND_SMS,
            Reason.UNDONE,
            Origin.RECIPIENT,
        )
        assert lift.evidence is not None
        assert (lift.evidence["said"], lift.evidence["texted"]) == ("Start please", OURS)

    def test_only_where_the_owner_allows_it(self, endpoint: InboundEndpoint) -> None:
        text_us(endpoint)

        assert text_us(endpoint, "START").json() == STILL_OUT
        assert suppressed() == [(0, JANE)]

    def test_on_the_list_of_the_number(
        self, realm: Realm, optout_list: List, number: SmsNumber, endpoint: InboundEndpoint
    ) -> None:
        let_start_lift(realm)
        keep_to_itself(optout_list, number)
        make.make_contact(realm, JANE, optout_list)
        text_us(endpoint)

        assert text_us(endpoint, "UNSTOP").json() == LIFTED

        assert not suppressed()
        assert Subscription.objects.get().optout_list == optout_list

    def test_without_a_number_it_reaches_what_such_a_stop_would(
        self, realm: Realm, optout_list: List, number: SmsNumber, endpoint: InboundEndpoint
    ) -> None:
        let_start_lift(realm)
        keep_to_itself(optout_list, number)
        text_us(endpoint)
        assert text_us(endpoint, "START", to="").json()["status"] == "ignored"
        assert suppressed() == [(1, JANE)]

        text_us(endpoint, to="")
        assert text_us(endpoint, "START", to="").json()["status"] == "lifted"
        assert suppressed() == [(1, JANE)]

    @pytest.mark.parametrize("is_forgotten", [False, True])
    def test_of_the_list_only_what_was_texted_to_the_same_number(
        self,
        realm: Realm,
        optout_list: List,
        number: SmsNumber,
        endpoint: InboundEndpoint,
        *,
        is_forgotten: bool,
    ) -> None:
        """Where the number was forgotten, nobody knows of another one."""
        let_start_lift(realm)
        keep_to_itself(optout_list, number)
        elsewhere = "+18005550122"
        make.make_sms_number(realm, elsewhere, make.make_list(realm, 2, sms_stop_scope="list"))
        text_us(endpoint, "STOP 1", to=elsewhere)
        if is_forgotten:
            empty_ledger(timezone.now() + timedelta(days=91))

        answer = text_us(endpoint, "START").json()
        assert answer == (LIFTED if is_forgotten else STILL_OUT)
        assert suppressed() == ([] if is_forgotten else [(1, JANE)])

    @pytest.mark.parametrize(
        "other",
        [
            {"channel": Channel.PAGE},
            {"channel": Channel.SMS_LINK, "assurance": Assurance.SIGNED},
            {"channel": Channel.FILE_IMPORT, "origin": Origin.OWNER},
            {"channel": Channel.PORTAL, "origin": Origin.OWNER, "reason": Reason.LEGAL},
            {"channel": Channel.REST},
        ],
    )
    @pytest.mark.parametrize("is_first", [True, False])
    def test_what_anything_else_asked_for_stays(
        self, realm: Realm, endpoint: InboundEndpoint, other: dict[str, Any], *, is_first: bool
    ) -> None:
        let_start_lift(realm)
        for ask in (0, 1) if is_first else (1, 0):
            if ask == 0:
                make.make_optout(make.do_not_mail(realm), JANE, **other)
            else:
                text_us(endpoint)

        assert text_us(endpoint, "START").json() == STILL_OUT
        assert suppressed() == [(0, JANE)]
        assert not OptOut.objects.filter(kind=Kind.LIFT).exists()

    def test_of_two_lists_only_the_one_that_stop_left(
        self, realm: Realm, optout_list: List, endpoint: InboundEndpoint
    ) -> None:
        let_start_lift(realm)
        make.make_optout(optout_list, JANE)
        text_us(endpoint)

        assert text_us(endpoint, "START").json() == LIFTED
        assert suppressed() == [(1, JANE)]

    def test_it_says_whether_the_number_is_still_out(
        self, realm: Realm, optout_list: List, number: SmsNumber, endpoint: InboundEndpoint
    ) -> None:
        """Of what comes from the number that was texted."""
        let_start_lift(realm)
        SmsNumber.objects.update(optout_list=optout_list)
        make.make_optout(optout_list, JANE)
        text_us(endpoint)

        for status in ("lifted", "ignored"):
            response = text_us(endpoint, "START", id="1" if status == "lifted" else "2")
            assert response.json() == {"status": status, "suppressed": True}
        assert text_us(endpoint, "START", id="1").json() == {"status": "lifted", "suppressed": True}

    def test_what_was_asked_for_before_an_earlier_lift_is_over(
        self, realm: Realm, endpoint: InboundEndpoint
    ) -> None:
        from optout.actions import LiftIntent, lift_suppressions
        from optout.evidence import Evidence

        let_start_lift(realm)
        everything = make.do_not_mail(realm)
        first = make.make_optout(everything, JANE)
        lift_suppressions(
            [
                LiftIntent(
                    everything.pk,
                    first.digest,
                    Medium.SMS,
                    Channel.PORTAL,
                    Assurance.OPERATOR,
                    Reason.MANUAL,
                    Origin.OWNER,
                    make.NOW,
                    Evidence(),
                )
            ]
        )
        text_us(endpoint)

        assert text_us(endpoint, "START").json() == LIFTED
        assert not suppressed()

    def test_of_another_number_or_realm_nothing(
        self, realm: Realm, endpoint: InboundEndpoint
    ) -> None:
        let_start_lift(realm)
        other = make.make_realm("other")
        theirs = make.make_inbound_endpoint(other)
        text_us(endpoint, sender="+442079460958")
        text_us(theirs)

        assert text_us(endpoint, "START").json() == NOT_OUT
        assert Suppression.objects.count() == 2

    def test_delivered_twice_it_does_not_lift_a_later_stop(
        self, realm: Realm, endpoint: InboundEndpoint
    ) -> None:
        let_start_lift(realm)
        text_us(endpoint, id="1")
        assert text_us(endpoint, "START", id="2").json() == LIFTED
        text_us(endpoint, id="3")

        repeat = text_us(endpoint, "START", id="2")
        assert repeat.json() == {"status": "lifted", "suppressed": True}, "as before, and as it is"
        assert suppressed() == [(0, JANE)]

    @pytest.mark.parametrize("sender", ["14155552671", "+1 (415) 555-2671", "tel:+14155552671"])
    def test_nor_written_in_another_way(
        self, realm: Realm, endpoint: InboundEndpoint, sender: str
    ) -> None:
        let_start_lift(realm)
        text_us(endpoint, id="1")
        text_us(endpoint, "START", id="2")
        text_us(endpoint, id="3")

        text_us(endpoint, "START", id="2", sender=sender, to="1-800-555-0199")
        assert suppressed() == [(0, JANE)]

    def test_nor_after_years(self, realm: Realm, endpoint: InboundEndpoint) -> None:
        """A signed one may come again at any time: Twilio's signature says no time."""
        let_start_lift(realm)
        text_us(endpoint, id="1")
        text_us(endpoint, "START", id="2")
        text_us(endpoint, id="3")
        forget_messages(timezone.now() + timedelta(days=3_650))
        assert InboundMessage.objects.count() == 1

        repeat = text_us(endpoint, "START", id="2")
        assert repeat.json() == {"status": "lifted", "suppressed": True}
        assert suppressed() == [(0, JANE)]

    def test_what_waits_for_a_look_is_put_aside(
        self, realm: Realm, optout_list: List, endpoint: InboundEndpoint, alice: Any
    ) -> None:
        let_start_lift(realm)
        text_us(endpoint, "when does it end")

        assert text_us(endpoint, "START").json() == NOT_OUT
        assert QuarantinedOptOut.objects.get().verdict == Verdict.REJECTED
        assert accept_overdue(timezone.now() + timedelta(days=8)) == 0

    def test_nothing_to_lift_is_no_error(self, realm: Realm, endpoint: InboundEndpoint) -> None:
        let_start_lift(realm)
        for _ in range(2):
            assert text_us(endpoint, "START").json() == NOT_OUT
        assert not OptOut.objects.exists()

    def test_a_text_that_says_both_starts_nothing(
        self, realm: Realm, endpoint: InboundEndpoint
    ) -> None:
        let_start_lift(realm)
        text_us(endpoint)
        assert text_us(endpoint, "STOP START").json()["status"] != "lifted"
        assert suppressed() == [(0, JANE)]


class TestHowFarStartReaches:
    """As far as a STOP to the same number, never further."""

    OTHER = "+18005550122"

    @pytest.fixture(autouse=True)
    def two_numbers(
        self, realm: Realm, optout_list: List, number: SmsNumber, endpoint: InboundEndpoint
    ) -> None:
        """OURS of a list, OTHER of another, each for itself."""
        let_start_lift(realm)
        keep_to_itself(optout_list, number)
        club = make.make_list(realm, 2, name="Seed club")
        keep_to_itself(club, make.make_sms_number(realm, self.OTHER, club))

    @pytest.mark.parametrize("to", [OTHER, "", "+18005550111", "72345", "ACME"])
    def test_not_to_what_was_said_to_another_number(
        self, realm: Realm, optout_list: List, endpoint: InboundEndpoint, to: str
    ) -> None:
        make.make_contact(realm, JANE, optout_list)
        text_us(endpoint)

        assert text_us(endpoint, "START", to=to).json() == NOT_OUT
        assert suppressed() == [(1, JANE)]
        assert not Subscription.objects.exists()
        assert not OptOut.objects.filter(kind=Kind.LIFT).exists()

    def test_a_lists_own_number_leaves_everything_as_it_is(
        self, realm: Realm, endpoint: InboundEndpoint
    ) -> None:
        text_us(endpoint, to="")
        text_us(endpoint)

        assert text_us(endpoint, "START").json() == {"status": "lifted", "suppressed": True}
        assert suppressed() == [(0, JANE)]

    @pytest.mark.parametrize("to", [OURS, ""])
    def test_of_everything_what_a_stop_to_any_number_of_everything_ended(
        self, realm: Realm, endpoint: InboundEndpoint, to: str
    ) -> None:
        SmsNumber.objects.filter(number=OURS).update(optout_list=None)
        text_us(endpoint, to="+18005550111")

        assert text_us(endpoint, "START", to=to).json() == LIFTED
        assert not suppressed()

    def test_with_everything_the_lists_that_were_named_to_that_number(
        self, realm: Realm, optout_list: List, endpoint: InboundEndpoint
    ) -> None:
        SmsNumber.objects.filter(number=OURS).update(optout_list=None)
        text_us(endpoint, "STOP 1")
        text_us(endpoint, to=self.OTHER)
        assert suppressed() == [(1, JANE), (2, JANE)]

        assert text_us(endpoint, "START").json() == LIFTED
        assert suppressed() == [(2, JANE)]

    def test_not_those_that_were_named_to_others_as_well(
        self, realm: Realm, endpoint: InboundEndpoint
    ) -> None:
        SmsNumber.objects.filter(number=OURS).update(optout_list=None)
        text_us(endpoint, "STOP 2")
        text_us(endpoint, to=self.OTHER)

        assert text_us(endpoint, "START").json() == NOT_OUT
        assert suppressed() == [(2, JANE)]

    def test_nor_those_of_which_nobody_knows_any_more(
        self, realm: Realm, endpoint: InboundEndpoint
    ) -> None:
        SmsNumber.objects.filter(number=OURS).update(optout_list=None)
        text_us(endpoint, "STOP 1")
        OptOut.objects.update(evidence=None)

        assert text_us(endpoint, "START").json() == NOT_OUT
        assert suppressed() == [(1, JANE)]

    def test_what_waits_for_a_look_after_a_text_to_another_number_goes_on_waiting(
        self, endpoint: InboundEndpoint
    ) -> None:
        text_us(endpoint, "when does it end")

        for to in (self.OTHER, ""):
            text_us(endpoint, "START", to=to)
        assert QuarantinedOptOut.objects.get().verdict == Verdict.WAITING
        text_us(endpoint, "START")
        assert QuarantinedOptOut.objects.get().verdict == Verdict.REJECTED

    def test_what_waits_of_a_list_after_a_text_to_this_number_is_put_aside_with_everything(
        self, optout_list: List, endpoint: InboundEndpoint
    ) -> None:
        List.objects.filter(pk=optout_list.pk).update(sms_stop_scope="realm")
        text_us(endpoint, "STOP 12345")
        text_us(endpoint, "STOP 12345", to=self.OTHER)
        text_us(endpoint, "START")

        rows = QuarantinedOptOut.objects.order_by("optout_list__number")
        assert list(rows.values_list("optout_list__number", "verdict")) == [
            (1, Verdict.REJECTED),
            (2, Verdict.WAITING),
        ]

    def test_a_confirmation_that_waits_is_called_off_only_with_its_stop(
        self, endpoint: InboundEndpoint
    ) -> None:
        text_us(endpoint)
        text_us(endpoint, to=self.OTHER)
        assert text_us(endpoint, "START").json() == LIFTED

        waiting = InboundMessage.objects.get(confirmation=Confirmation.WAITING)
        assert waiting.texted == self.OTHER


class TestConfirmation:
    DEFAULT = "You are unsubscribed from Acme Garden. You will get no more texts from us."

    def test_one_for_a_stop_that_changed_something(self, answering: InboundEndpoint) -> None:
        assert text_us(answering).json() == {"status": "recorded", "reply": self.DEFAULT}
        for _ in range(3):
            assert text_us(answering).json() == {"status": "recorded"}
        states = InboundMessage.objects.order_by("pk").values_list("confirmation", flat=True)
        assert list(states) == [Confirmation.ANSWERED, *[Confirmation.NONE] * 3]

    def test_the_same_message_gets_no_second_one(self, answering: InboundEndpoint) -> None:
        assert "reply" in text_us(answering, id="m1").json()
        assert text_us(answering, id="m1").json() == {"status": "recorded"}

    def test_none_for_who_was_out_already(
        self, realm: Realm, optout_list: List, number: SmsNumber, answering: InboundEndpoint
    ) -> None:
        SmsNumber.objects.update(optout_list=optout_list)
        List.objects.update(sms_stop_scope="list")
        make.make_optout(make.do_not_mail(realm), JANE)

        assert text_us(answering).json() == {"status": "recorded"}
        assert Suppression.objects.count() == 2

    @pytest.mark.parametrize("text", ["when does it end", "hello", "START"])
    def test_none_for_anything_else(self, answering: InboundEndpoint, text: str) -> None:
        assert "reply" not in text_us(answering, text).json()

    def test_of_one_list_it_does_not_claim_more(
        self, optout_list: List, number: SmsNumber, answering: InboundEndpoint
    ) -> None:
        SmsNumber.objects.update(optout_list=optout_list)
        List.objects.update(sms_stop_scope="list")

        reply = text_us(answering).json()["reply"]
        assert reply.startswith("You are unsubscribed from Garden letters by Acme Garden.")

    @pytest.mark.parametrize(
        ("language", "text"), [("de", "Acme Garden abgemeldet"), ("ar", "Acme Garden")]
    )
    def test_in_the_language_of_the_realm(
        self, realm: Realm, answering: InboundEndpoint, language: str, text: str
    ) -> None:
        Realm.objects.update(default_language=language)

        reply = text_us(answering).json()["reply"]
        assert text in reply and reply != self.DEFAULT

    def test_in_the_owners_words(self, realm: Realm, answering: InboundEndpoint) -> None:
        SmsSetup.objects.create(realm=realm, confirmation_texts={"en": "{sender}: bye", "de": "x"})
        assert text_us(answering).json()["reply"] == "Acme Garden: bye"

    def test_of_one_list_it_is_ours_which_names_it(
        self, realm: Realm, optout_list: List, number: SmsNumber, answering: InboundEndpoint
    ) -> None:
        """The owner's would say that there are no more texts, while other lists go on."""
        SmsSetup.objects.create(
            realm=realm, confirmation_texts={"en": "{sender}: you will get no more texts."}
        )
        keep_to_itself(optout_list, number)
        List.objects.filter(pk=optout_list.pk).update(name="{sender}’s letters")

        reply = text_us(answering).json()["reply"]
        assert reply.startswith("You are unsubscribed from {sender}’s letters by Acme Garden.")

    def test_by_the_worker_it_waits(
        self, endpoint: InboundEndpoint, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks() as callbacks:
            assert text_us(endpoint).json() == {"status": "recorded"}
            text_us(endpoint)

        assert len(callbacks) == 1, "the worker is woken"
        row = InboundMessage.objects.earliest("pk")
        assert (row.confirmation, row.confirmation_text) == (Confirmation.WAITING, self.DEFAULT)

    def test_by_nobody(self, realm: Realm, number: SmsNumber) -> None:
        endpoint = make.make_inbound_endpoint(realm, confirms_by="nobody")
        assert text_us(endpoint).json() == {"status": "recorded"}
        assert InboundMessage.objects.get().confirmation == Confirmation.NONE

    def test_start_calls_it_off(self, realm: Realm, endpoint: InboundEndpoint) -> None:
        let_start_lift(realm)
        text_us(endpoint)
        text_us(endpoint, "START")

        assert not InboundMessage.objects.filter(confirmation=Confirmation.WAITING).exists()

    def test_after_start_a_new_stop_is_confirmed_again(
        self, realm: Realm, answering: InboundEndpoint
    ) -> None:
        let_start_lift(realm)
        for text, has_reply in (("STOP", True), ("START", False), ("STOP", True)):
            assert ("reply" in text_us(answering, text).json()) is has_reply


class TestOwnKeywords:
    def test_count_in_their_realm(self, realm: Realm, endpoint: InboundEndpoint) -> None:
        SmsSetup.objects.create(realm=realm, own_keywords=["tulip"])
        other = make.make_inbound_endpoint(make.make_realm("other"))

        assert text_us(other, "Tulip!").json() == {"status": "ignored"}
        assert text_us(endpoint, "Tulip!").json() == {"status": "recorded"}
