"""The mail to those who look after an endpoint that we switched off."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.core import mail
from django.core.mail import EmailMessage
from django.urls import reverse

from lists.choices import Role
from lists.models import List, Realm, User
from reporting.models import OffCause, WebhookEndpoint
from reporting.upkeep import tell_owners
from reporting.webhooks.endpoints import switch_on
from tests import make
from tests.reporting.webhooks.deliveries import make_delivery

pytestmark = pytest.mark.django_db

NOW = make.NOW
URL = "https://crm.example.com/hooks/secret-path?token=secret-token"


def make_off(realm: Realm, *lists: List, cause=OffCause.GONE, **fields) -> WebhookEndpoint:
    return make.make_webhook_endpoint(realm, *lists, url=URL, off_at=NOW, off_cause=cause, **fields)


def told() -> int:
    return tell_owners(NOW + timedelta(minutes=1))["webhooks_off"]


def whom() -> list[str]:
    return sorted(address for message in mail.outbox for address in message.to)


class TestWhoIsTold:
    def test_admins_and_the_owners_of_all_its_lists_once(
        self, realm: Realm, optout_list: List, alice: User, bob: User, charlie: User
    ) -> None:
        make_off(realm, optout_list)

        assert (told(), told()) == (1, 0)

        assert whom() == [alice.email, bob.email]
        assert WebhookEndpoint.objects.get().off_told_at == NOW + timedelta(minutes=1)

    def test_not_who_owns_only_some_of_its_lists(
        self, realm: Realm, optout_list: List, alice: User, bob: User
    ) -> None:
        make_off(realm, optout_list, make.make_list(realm, 2))
        make_off(realm)
        told()
        assert whom() == [alice.email, alice.email]

    def test_not_who_may_not_touch_webhooks(
        self, realm: Realm, optout_list: List, alice: User
    ) -> None:
        for role in (Role.VIEWER, Role.MAILER):
            make.make_member(make.make_user(f"{role}@acme.example"), realm, role, optout_list)
        make.make_member(make.make_user("left@acme.example", is_active=False), realm, Role.ADMIN)
        make_off(realm, optout_list)
        told()
        assert whom() == [alice.email]

    def test_an_operator_who_made_it(self, realm: Realm, alice: User, charlie: User) -> None:
        operator = make.make_user("operator@heed.example", is_superuser=True)
        make.make_user("another@heed.example", is_superuser=True)
        make_off(realm, made_by=operator)
        make_off(realm, made_by=charlie)
        told()
        assert whom() == [alice.email, alice.email, operator.email]


class TestWhatItSays:
    def test_which_endpoint_why_and_what_to_do(self, realm: Realm, alice: User) -> None:
        endpoint = make_off(realm, label="CRM")
        for _ in range(3):
            make_delivery(endpoint)

        told()

        (message,) = mail.outbox
        assert message.subject == "Acme Garden: Webhook switched off: CRM"
        link = settings.BASE_URL + reverse("webhook_endpoint", args=[endpoint.public_id])
        text = " ".join(str(message.body).split())
        assert link in text
        assert "CRM, https://crm.example.com It was" in text
        assert "on 4 March 2026, 12:00 UTC, when its receiver answered 410 Gone" in text
        assert "Nothing is lost. 3 messages wait for it. When" in text
        assert "secret" not in message.subject + text

    def test_that_it_failed_for_too_long(self, realm: Realm, alice: User) -> None:
        endpoint = make_off(realm, cause=OffCause.FAILING, failing_since=NOW - timedelta(hours=75))
        make_delivery(endpoint)
        make_delivery(endpoint, state=4)
        make.make_optout(make.do_not_mail(realm))

        told()

        (message,) = mail.outbox
        assert message.subject == "Acme Garden: Webhook switched off: https://crm.example.com"
        text = " ".join(str(message.body).split())
        assert "it has failed since 1 March 2026, 09:00 UTC." in text
        assert "Nothing is lost. 2 messages wait for it. Of 1 message every try has failed." in text
        assert "with what has failed since it last took anything, unless you choose" in text

    def test_a_callback_by_what_it_is_for(
        self, realm: Realm, optout_list: List, alice: User
    ) -> None:
        make_off(realm, is_callback=True)
        make_off(realm, optout_list, is_callback=True)

        told()

        subjects = [message.subject for message in mail.outbox]
        assert set(subjects) == {
            "Acme Garden: Webhook switched off: Default Optout Callback",
            "Acme Garden: Webhook switched off: Callback of Garden letters",
        }
        for message, name in zip(mail.outbox, subjects, strict=True):
            called = name.rpartition(": ")[2]
            assert f"\n  {called}, https://crm.example.com\n" in message.body

    def test_no_line_ends_within_a_sentence(self, realm: Realm, alice: User) -> None:
        for cause in (OffCause.GONE, OffCause.FAILING):
            endpoint = make_off(realm, cause=cause, label="CRM")
            make_delivery(endpoint, state=4)
        told()
        for message in mail.outbox:
            for line in filter(None, message.body.splitlines()):
                assert line.startswith(("  ", "http")) or line[-1] in ".:", line


class TestWhenItIsSent:
    def test_not_where_somebody_switched_it_off_or_removed_it(
        self, realm: Realm, alice: User
    ) -> None:
        make_off(realm, cause=OffCause.OWNER)
        make_off(realm, removed_at=NOW)
        make.make_webhook_endpoint(realm)
        assert told() == 0

    def test_again_when_it_is_switched_off_again(self, realm: Realm, alice: User) -> None:
        endpoint = make_off(realm)
        told()
        switch_on(endpoint, skips_missed=False, actor=alice, now=NOW)
        WebhookEndpoint.objects.update(off_at=NOW, off_cause=OffCause.FAILING)
        assert told() == 1

    def test_what_cannot_be_sent_is_tried_again_and_holds_up_no_other_realm(
        self, realm: Realm, alice: User, charlie: User, monkeypatch
    ) -> None:
        make_off(realm)
        theirs = make_off(charlie.memberships.get().realm)
        send = EmailMessage.send

        def refuse_alice(message: EmailMessage, *args, **kwargs) -> int:
            if message.to == [alice.email]:
                raise OSError("no route")
            return send(message, *args, **kwargs)

        with monkeypatch.context() as away:
            away.setattr(EmailMessage, "send", refuse_alice)
            with pytest.raises(OSError, match="no route"):
                told()
        assert whom() == [charlie.email]
        theirs.refresh_from_db()
        assert theirs.off_told_at is not None

        assert told() == 1
        assert whom() == [alice.email, charlie.email]

    def test_a_realm_with_nobody_in_it_is_not_tried_for_ever(self, realm: Realm) -> None:
        make_off(realm)
        assert (told(), told()) == (1, 0)
