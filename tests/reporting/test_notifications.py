"""Settings > Notifications (S3.8): what is chosen, what is said of it, and what is kept."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from lists.choices import Role
from lists.models import AuditEntry, List, Realm, User
from optout.choices import Medium
from reporting.models import UnsubscriptionReport
from tests import make
from tests.lists.screens import Screen, look_at, open_screen
from tests.reporting.portal import signed_in

pytestmark = pytest.mark.django_db

PATH = "/manage/settings/notifications"


def save(user: User, status: int = 200, **fields: str) -> Screen:
    answer = signed_in(user).post(PATH, fields, follow=True)
    assert answer.status_code == status
    return look_at(answer)


def kept(user: User) -> list[Any]:
    rows = UnsubscriptionReport.objects.filter(user=user).order_by("medium")
    return list(rows.values("realm__name", "kind", "medium", "rhythm", "phone"))


class TestTheScreen:
    def test_nothing_is_on_before_it_is_chosen(self, alice: User) -> None:
        screen = open_screen(signed_in(alice), PATH)
        assert screen.heading == "Notifications"
        assert "Receive Unsubscription Reports" in screen.text
        for label in ("Off", "Email", "SMS", "Both", "Immediate", "Daily", "Weekly"):
            assert label in screen.text
        assert screen.fields["reports"] == ["off"]
        assert "alice@acme.example" in screen.text

    @pytest.mark.parametrize(
        ("reports", "rhythm", "said"),
        [
            ("email", "daily", "Saved. Reports of opt-outs come by email, daily at 07:00 UTC."),
            (
                "sms",
                "weekly",
                "Saved. Reports of opt-outs come by SMS to +12025550123, weekly, on Mondays at 07:00 UTC.",
            ),
            (
                "both",
                "immediate",
                "Saved. A report of each opt-out comes by email and SMS to +12025550123, within about a minute.",
            ),
        ],
    )
    def test_a_message_confirms_the_change(
        self, alice: User, reports: str, rhythm: str, said: str
    ) -> None:
        screen = save(alice, reports=reports, rhythm=rhythm, phone="(202) 555-0123")
        assert said in screen.text
        assert (screen.fields["reports"], screen.fields["rhythm"]) == ([reports], [rhythm])
        assert "Nothing yet" in screen.text
        again = save(alice, reports=reports, rhythm=rhythm, phone="+1 202 555 0123")
        assert "Nothing was changed. " in again.text

    def test_off_again(self, alice: User) -> None:
        save(alice, reports="email", rhythm="daily")
        assert (
            "Saved. You get no reports of opt-outs."
            in save(alice, reports="off", rhythm="daily").text
        )
        assert kept(alice) == []

    def test_what_is_kept(self, alice: User, bob: User) -> None:
        save(alice, reports="both", rhythm="weekly", phone="+49 30 901820")
        report = {"realm__name": "acme", "kind": "opt_outs", "rhythm": "weekly"}
        assert kept(alice) == [
            {**report, "medium": Medium.EMAIL, "phone": ""},
            {**report, "medium": Medium.SMS, "phone": "+4930901820"},
        ]
        assert kept(bob) == []

    def test_the_audit_has_it_without_the_number(self, alice: User) -> None:
        save(alice, reports="sms", rhythm="daily", phone="+12025550123")
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor) == ("change_notifications", alice)
        assert entry.detail == {"kind": "opt_outs", "media": ["sms"], "rhythm": "daily"}

    def test_numbers_are_read_as_the_realm_reads_them(self, realm: Realm, alice: User) -> None:
        Realm.objects.update(default_region="DE")
        save(alice, reports="sms", rhythm="daily", phone="030 901820")
        assert kept(alice)[0]["phone"] == "+4930901820"

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"reports": "sms", "rhythm": "daily", "phone": ""}, "Enter a phone number"),
            ({"reports": "both", "rhythm": "daily", "phone": " "}, "Enter a phone number"),
            ({"reports": "sms", "rhythm": "daily", "phone": "nonsense"}, "phone number"),
            ({"reports": "sms", "rhythm": "daily", "phone": "+1234567"}, "no such phone number"),
            ({"reports": "sms", "rhythm": "daily", "phone": "a\x00b"}, "ull characters"),
            ({"reports": "email", "rhythm": ""}, "Choose one."),
            ({"reports": "", "rhythm": "daily"}, "Choose one."),
            ({"reports": "fax", "rhythm": "hourly"}, "valid choice"),
            ({}, "Choose one."),
        ],
    )
    def test_mistakes_are_told_and_nothing_is_kept(
        self, alice: User, fields: dict[str, str], says: str
    ) -> None:
        screen = save(alice, 422, **fields)
        assert "There is a problem" in screen.text and says in screen.text
        assert kept(alice) == []
        assert not AuditEntry.objects.exists()

    def test_without_sms_nobody_needs_a_number(self, alice: User) -> None:
        save(alice, reports="email", rhythm="daily", phone="nonsense")
        assert kept(alice)[0]["phone"] == ""

    def test_takes_few_queries(
        self, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        save(alice, reports="both", rhythm="daily", phone="+12025550123")
        client = signed_in(alice)
        with django_assert_max_num_queries(5):
            client.get(PATH)


class TestWithoutAGateway:
    @pytest.fixture(autouse=True)
    def _elsewhere(self, settings: Settings) -> None:
        settings.BASE_URL = "https://optout.example.com"
        settings.ALLOWED_HOSTS = ["*"]

    def test_sms_is_not_offered_and_the_screen_says_why(self, alice: User) -> None:
        screen = open_screen(signed_in(alice), PATH)
        assert 'value="sms"' not in screen.html and 'value="both"' not in screen.html
        assert "this installation has no SMS gateway" in screen.text
        assert "phone" not in screen.fields

    def test_nor_can_it_be_chosen(self, alice: User) -> None:
        save(alice, 422, reports="sms", rhythm="daily", phone="+12025550123")
        assert kept(alice) == []

    def test_email_can(self, alice: User) -> None:
        save(alice, reports="email", rhythm="daily")
        assert len(kept(alice)) == 1

    def test_with_one_it_is(self, alice: User, settings: Settings) -> None:
        settings.SMS_GATEWAY_URL = "https://sms.example.com/"
        assert 'value="both"' in open_screen(signed_in(alice), PATH).html

    def test_whoever_has_it_keeps_it(self, alice: User, settings: Settings) -> None:
        settings.SMS_GATEWAY_URL = "https://sms.example.com/"
        save(alice, reports="sms", rhythm="daily", phone="+12025550123")
        settings.SMS_GATEWAY_URL = ""
        assert open_screen(signed_in(alice), PATH).fields["reports"] == ["sms"]


class TestWhatBecameOfIt:
    AT = datetime(2026, 3, 4, 7, 0, tzinfo=UTC)

    def test_when_the_last_one_was_sent(self, alice: User) -> None:
        save(alice, reports="email", rhythm="daily")
        UnsubscriptionReport.objects.update(
            sent_at=self.AT, due_at=datetime(2026, 3, 5, 7, tzinfo=UTC)
        )
        text = open_screen(signed_in(alice), PATH).text
        assert "4 Mar 2026, 07:00" in text and "5 Mar 2026, 07:00" in text

    def test_since_when_it_cannot_be(self, alice: User) -> None:
        save(alice, reports="sms", rhythm="daily", phone="+12025550123")
        UnsubscriptionReport.objects.update(failed_at=self.AT)
        text = open_screen(signed_in(alice), PATH).text
        assert "Your reports by SMS cannot be sent since 4 Mar 2026, 07:00 UTC." in text
        assert "Cannot be sent" in text


class TestRoles:
    def test_an_owner_reads_of_their_own_lists(self, bob: User) -> None:
        assert "Of the lists that you own" in open_screen(signed_in(bob), PATH).text

    def test_a_viewer_reads_that_addresses_are_masked(self, realm: Realm) -> None:
        viewer = make.make_user("vera@acme.example")
        make.make_member(viewer, realm, Role.VIEWER)
        screen = open_screen(signed_in(viewer), PATH)
        assert "with addresses masked" in screen.text
        assert "/manage/settings/api" not in screen.links

    def test_a_mailer_has_the_weekly_and_nothing_else(
        self, realm: Realm, optout_list: List
    ) -> None:
        mailer = make.make_user("mo@northmail.example")
        make.make_member(mailer, realm, Role.MAILER, optout_list)
        screen = open_screen(signed_in(mailer), PATH)
        assert "Receive Unsubscription Reports" not in screen.text
        assert screen.fields["weekly"] == ["off"]

        save(mailer, 422, reports="email", rhythm="immediate")
        assert kept(mailer) == []
        saved = save(mailer, weekly="email")
        assert "Saved. You get a weekly email about what you have not downloaded" in saved.text
        assert [each["kind"] for each in kept(mailer)] == ["since_download"]
        assert "Saved. You get no mail" in save(mailer, weekly="off").text

    def test_each_realm_by_itself(self, alice: User, charlie: User) -> None:
        make.make_member(alice, Realm.objects.get(name="other"), Role.VIEWER)
        client = signed_in(alice)
        client.post("/manage/realm", {"realm": "other"})
        client.post(PATH, {"reports": "email", "rhythm": "daily"})
        assert [each["realm__name"] for each in kept(alice)] == ["other"]
        client.post("/manage/realm", {"realm": "acme"})
        assert open_screen(client, PATH).fields["reports"] == ["off"]
