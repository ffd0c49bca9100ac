"""Reports by SMS, and a gateway that is not well: mails go out in time, and nothing is lost."""

from collections.abc import Iterator
from datetime import timedelta
from threading import Event

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django.fixtures import Settings

from lists import sms
from lists.choices import Role
from lists.models import List, Realm, User
from optout.choices import Medium
from reporting import upkeep
from reporting.models import UnsubscriptionReport
from reporting.patience import MOST_FAILURES
from reporting.unsubscription_reports import sending
from tests import make
from tests.lists.gateways import Gateway, running_gateway
from tests.reporting.unsubscription_reports.test_sending import NUMBER, bodies, choose, run
from tests.threads import in_thread

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]


@pytest.fixture
def gateway(settings: Settings) -> Iterator[Gateway]:
    with running_gateway(settings) as told:
        yield told


def send_texts(**later: int) -> dict[str, int]:
    return upkeep.send_sms_reports(timezone.now() + timedelta(**later))


def want_texts(realm: Realm, people: int) -> None:
    """So many admins want immediate reports by both."""
    for n in range(people):
        user = make.make_user(f"p{n}@acme.example")
        make.make_member(user, realm, Role.ADMIN)
        choose(user, "both", phone=f"+120255501{n:02}")


class TestAGatewayThatIsNotWell:
    @pytest.mark.parametrize(
        ("how", "status"),
        [("answers", 500), ("answers", 302), ("answers", 307), ("hangs", 0), ("drips", 0)],
    )
    def test_is_asked_again_and_told_everything(
        self,
        optout_list: List,
        alice: User,
        gateway: Gateway,
        monkeypatch: pytest.MonkeyPatch,
        *,
        how: str,
        status: int,
    ) -> None:
        monkeypatch.setattr(sms, "PART", 0.2)
        monkeypatch.setattr(sms, "WHOLE", 0.4)
        choose(alice, "sms", phone=NUMBER)
        make.make_optout(optout_list)
        gateway.how, gateway.status = how, status

        assert send_texts() == {"sent": 0, "failed": 1}
        assert send_texts() == {"sent": 0, "failed": 0}
        assert len(gateway.requests) == 1  # no redirect was followed

        gateway.how, gateway.status = "answers", 202
        make.make_optout(optout_list, "joe@example.com")
        assert send_texts(minutes=6) == {"sent": 1, "failed": 0}
        assert b"2 opt-outs" in gateway.requests[-1][2]

    def test_after_some_failures_the_others_wait_for_the_next_run(
        self, realm: Realm, optout_list: List, gateway: Gateway
    ) -> None:
        want_texts(realm, 5)
        make.make_optout(optout_list)
        gateway.status = 503
        assert run() == {"sent": 5, "failed": MOST_FAILURES}
        assert len(mail.outbox) == 5
        failing = UnsubscriptionReport.objects.exclude(failed_at=None)
        assert {each.medium for each in failing} == {Medium.SMS}

        gateway.status = 202
        assert run() == {"sent": 2, "failed": 0}  # who had not had their turn
        assert send_texts(minutes=6) == {"sent": 3, "failed": 0}

    def test_numbers_that_it_refuses_hold_up_nobody_and_are_tried_daily(
        self, realm: Realm, optout_list: List, gateway: Gateway
    ) -> None:
        want_texts(realm, 5)
        make.make_optout(optout_list)
        gateway.status = 400
        assert send_texts() == {"sent": 0, "failed": 5}
        assert send_texts(hours=23) == {"sent": 0, "failed": 0}
        gateway.status = 202
        assert send_texts(hours=25) == {"sent": 5, "failed": 0}

    def test_mails_do_not_wait_for_it(
        self, optout_list: List, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        is_asked, is_over = Event(), Event()

        def hang(*_: str) -> None:
            is_asked.set()
            assert is_over.wait(10)

        monkeypatch.setattr(sms, "send", hang)
        choose(alice, "both", phone=NUMBER)
        make.make_optout(optout_list)
        texting = in_thread(send_texts)
        assert is_asked.wait(10)

        assert upkeep.send_reports(timezone.now()) == {"sent": 1, "failed": 0}
        assert "jane@example.com" in bodies()[0]

        is_over.set()
        assert texting.result(10) == {"sent": 1, "failed": 0}

    def test_a_long_run_ends(
        self, optout_list: List, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        choose(alice, "sms", phone=NUMBER)
        make.make_optout(optout_list)
        monkeypatch.setattr(sending, "LONGEST_RUN", -1)
        assert send_texts() == {"sent": 0, "failed": 0}


class TestAMailServerThatIsNotWell:
    def test_holds_up_no_text_message(
        self, realm: Realm, optout_list: List, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        want_texts(realm, 5)
        make.make_optout(optout_list)
        tried = []

        def hang(message: mail.EmailMessage) -> int:
            tried.append(message.to)
            raise TimeoutError

        monkeypatch.setattr(mail.EmailMessage, "send", hang)
        assert run() == {"sent": 5, "failed": MOST_FAILURES}
        assert len(tried) == MOST_FAILURES
