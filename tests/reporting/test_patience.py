from datetime import timedelta
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPServerDisconnected

import pytest
from django.core.mail import EmailMessage

from lists.choices import Role
from lists.models import List, Realm, User
from lists.sms import SmsError, SmsRefusedError
from reporting.models import Notice, OffCause, WebhookEndpoint
from reporting.patience import MOST_FAILURES, Patience, in_turn
from reporting.upkeep import tell_owners
from tests import make

NOW = make.NOW


class TestPatience:
    @pytest.mark.parametrize("error", [TimeoutError(), SmsError(), SMTPServerDisconnected()])
    def test_ends_with_a_server_that_takes_nothing(self, error: Exception) -> None:
        patience = Patience()
        for _ in range(MOST_FAILURES):
            assert not patience.has_ended
            patience.note(error)
        assert patience.has_ended

    @pytest.mark.parametrize(
        "error",
        [
            None,
            SmsRefusedError(),
            SMTPRecipientsRefused({}),
            SMTPDataError(552, b"too big"),
            ValueError("ours"),
        ],
    )
    def test_goes_on_where_the_server_answers(self, error: Exception | None) -> None:
        patience = Patience()
        for _ in range(MOST_FAILURES - 1):
            patience.note(TimeoutError())
        patience.note(error)
        patience.note(TimeoutError())
        assert not patience.has_ended

    def test_ends_with_the_time(self) -> None:
        assert Patience(-1).has_ended


class TestInTurn:
    def test_each_minute_another_one_is_the_first(self) -> None:
        turns = [in_turn("abc", NOW + timedelta(minutes=n)) for n in range(3)]
        assert {turn[0] for turn in turns} == set("abc")
        assert all(sorted(turn) == ["a", "b", "c"] for turn in turns)
        assert in_turn([], NOW) == []


@pytest.mark.django_db
class TestAMailServerThatHangs:
    """Each try takes 20 seconds: what owners are told of by one kind of mail does not wait long for another."""

    def test_is_left_alone_after_some_tries_and_asked_for_others_next(
        self, realm: Realm, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for n in range(2, 8):
            make.make_list(realm, n, f"List {n}")
            make.make_webhook_endpoint(realm, off_at=NOW, off_cause=OffCause.GONE)
        List.objects.update(protected_until=NOW + timedelta(hours=1))
        tried: list[str] = []

        def hang(message: EmailMessage) -> int:
            tried.append(str(message.subject))
            raise TimeoutError

        with monkeypatch.context() as away:
            away.setattr(EmailMessage, "send", hang)
            for minute in (0, 3):
                with pytest.raises(TimeoutError):
                    tell_owners(NOW + timedelta(minutes=minute))
        about_webhooks = [subject for subject in tried if "Webhook" in subject]
        assert len(about_webhooks) == 2 * MOST_FAILURES
        about_lists = [subject for subject in tried if subject not in about_webhooks]
        assert len(about_lists) == 2 * MOST_FAILURES
        assert len(set(about_lists)) > MOST_FAILURES

        tell_owners(NOW + timedelta(minutes=5))
        assert not Notice.objects.filter(mailed_at=None).exists()
        assert not WebhookEndpoint.objects.filter(off_told_at=None).exists()

    def test_many_that_are_told_are_reached_past_one_that_is_not(
        self, realm: Realm, optout_list: List, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Who comes later is not passed over because others of the same list failed."""
        List.objects.update(protected_until=NOW + timedelta(hours=1))
        for n in range(MOST_FAILURES + 1):
            make.make_member(make.make_user(f"p{n}@acme.example"), realm, Role.ADMIN)
        reached: list[str] = []

        def only_ends(message: EmailMessage) -> int:
            if "alice" in message.to[0] or f"p{MOST_FAILURES}@" in message.to[0]:
                reached.extend(message.to)
                return 1
            raise TimeoutError

        monkeypatch.setattr(EmailMessage, "send", only_ends)
        tell_owners(NOW)
        assert set(reached) == {"alice@acme.example", f"p{MOST_FAILURES}@acme.example"}
