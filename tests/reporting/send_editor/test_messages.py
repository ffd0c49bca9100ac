from collections.abc import Callable
from typing import Any

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django.fixtures import Settings

from lists.models import AuditEntry, List, Realm, User
from optout.choices import HashKind
from reporting.models import TextMessage, TextState
from reporting.send_editor.messages import default_sender, stop_message
from reporting.send_editor.texts import LIST_ONLY, NOBODY, TextRefusedError
from tests import make
from tests.reporting.send_editor.making import ANNA, make_text
from tests.reporting.send_editor.test_recipients import suppress_hash

pytestmark = pytest.mark.django_db


def refusal(*args: Any, **kwargs: Any) -> tuple[str, str]:
    """Which field is wrong, and why."""
    with pytest.raises(TextRefusedError) as caught:
        make_text(*args, **kwargs)
    assert not TextMessage.objects.exists()
    assert not AuditEntry.objects.filter(action="send_text_message").exists()
    return caught.value.field, str(caught.value)


class TestMakeMessage:
    def test_to_a_list(self, optout_list: List, alice: User) -> None:
        message = make_text(optout_list, " Sale!\r\n{Optout}", actor=alice)

        assert message.state == TextState.SENDING
        assert (message.optout_list, message.number) == (optout_list, "")
        assert message.text == "Sale!\n{optout}"
        (entry,) = AuditEntry.objects.all()
        assert (entry.action, entry.actor) == ("send_text_message", alice)
        assert entry.optout_list == optout_list
        assert entry.detail == {"message": message.pk}

    def test_to_a_single_number(self, realm: Realm, alice: User) -> None:
        message = make_text(realm, "Your parcel is here.", number=ANNA, actor=alice)

        assert (message.optout_list, message.number) == (None, ANNA)
        assert ANNA not in str(AuditEntry.objects.get().detail)

    def test_a_single_number_gets_no_link(self, realm: Realm) -> None:
        assert refusal(realm, "Hi {optout}", number=ANNA) == ("text", str(LIST_ONLY))

    def test_a_number_on_do_not_mail(self, realm: Realm) -> None:
        make.make_optout(make.do_not_mail(realm), ANNA)
        field, said = refusal(realm, "Hi", number=ANNA)

        assert field == "to"
        assert "Do Not Mail" in said

    @pytest.mark.parametrize("kind", HashKind)
    def test_a_number_that_only_a_hash_tells(self, realm: Realm, kind: HashKind) -> None:
        suppress_hash(make.do_not_mail(realm), kind, ANNA)

        assert refusal(realm, "Hi", number=ANNA)[0] == "to"

    def test_a_number_that_is_out_of_one_list(self, optout_list: List) -> None:
        make.make_optout(optout_list, ANNA)

        assert make_text(optout_list.realm, "Hi", number=ANNA).number == ANNA

    def test_neither_list_nor_number(self, realm: Realm) -> None:
        assert refusal(realm, "Hi")[0] == "to"

    def test_do_not_mail_is_no_list_to_send_to(self, realm: Realm) -> None:
        assert refusal(make.do_not_mail(realm))[0] == "list"

    def test_a_closed_list(self, realm: Realm) -> None:
        closed = make.make_list(realm, closed_at=make.NOW)

        assert refusal(closed) == ("list", "This list is closed: nothing is sent to it.")

    def test_a_list_of_nobody(self, optout_list: List) -> None:
        assert refusal(optout_list, recipients=0) == ("list", str(NOBODY))
        assert make_text(optout_list, recipients=None).recipient_count is None, "not counted"

    def test_a_number_of_somebody_else(self, optout_list: List) -> None:
        make.make_sms_number(make.make_realm("zeta"), "+18005550100")

        assert refusal(optout_list, sender="+18005550100")[0] == "from"

    def test_a_number_whose_stop_ends_another_list_alone(
        self, realm: Realm, optout_list: List
    ) -> None:
        other = make.make_list(realm, 5, "Deliveries", sms_stop_scope="list")
        make.make_sms_number(realm, "+18005550100", other)
        field, said = refusal(optout_list, sender="+18005550100")

        assert field == "from"
        assert "another list alone" in said
        assert make_text(other, sender="+18005550100").sender == "+18005550100"

    def test_where_there_is_no_gateway(self, optout_list: List, settings: Settings) -> None:
        settings.BASE_URL = "https://optout.example.com"

        assert "no SMS gateway" in refusal(optout_list)[1]

    def test_a_form_that_is_sent_twice(self, optout_list: List) -> None:
        first = make_text(optout_list, public_id="a" * 16)
        second = make_text(optout_list, public_id="a" * 16)

        assert first == second
        assert AuditEntry.objects.count() == 1

    def test_a_name_that_another_realm_has(self, optout_list: List) -> None:
        make_text(make.make_list(make.make_realm("zeta")), public_id="a" * 16)

        with pytest.raises(TextRefusedError):
            make_text(optout_list, public_id="a" * 16)
        assert TextMessage.objects.count() == 1

    def test_the_worker_is_woken(
        self, optout_list: List, django_capture_on_commit_callbacks: Callable[..., Any]
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            make_text(optout_list)

        (job,) = ProcrastinateJob.objects.filter(task_name="reporting.send_text_messages")
        assert (job.lock, job.queueing_lock) == ("send_text_messages", "send_text_messages")


class TestDefaultSender:
    def test_the_only_number_of_the_list(self, optout_list: List) -> None:
        make.make_sms_number(optout_list.realm, "+18005550100", optout_list)
        make.make_sms_number(optout_list.realm, "+18005550101")

        assert default_sender(optout_list.realm, optout_list) == "+18005550100"
        assert default_sender(optout_list.realm, None) == ""

    def test_none_where_there_are_two(self, optout_list: List) -> None:
        make.make_sms_number(optout_list.realm, "+18005550100", optout_list)
        make.make_sms_number(optout_list.realm, "+18005550101", optout_list)

        assert default_sender(optout_list.realm, optout_list) == ""


class TestStopMessage:
    def test_once(self, optout_list: List, alice: User) -> None:
        message = make_text(optout_list)

        assert stop_message(message, actor=alice, now=make.NOW)
        assert not stop_message(message, actor=alice, now=make.NOW)
        message.refresh_from_db()
        assert (message.state, message.finished_at) == (TextState.STOPPED, make.NOW)
        (entry,) = AuditEntry.objects.filter(action="stop_text_message")
        assert (entry.actor, entry.detail) == (alice, {"message": message.pk})
