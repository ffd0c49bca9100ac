"""The mails with which people set a password: sent by a job, which comes again; the link is kept nowhere."""

import re

import pytest
from django.core import mail
from procrastinate.contrib.django import app
from procrastinate.jobs import Job
from pytest_django.fixtures import Settings

from lists.choices import Role
from lists.invitations import (
    MAIL_INVITATION,
    MAIL_PASSWORD_RESET,
    send_invitation,
    send_password_reset,
)
from lists.models import Membership, Realm, User
from tests import make
from tests.jobs import do_jobs, waiting_jobs
from tests.lists.mail_servers import running_mail_server

pytestmark = pytest.mark.django_db


@pytest.fixture
def dora(realm: Realm, alice: User) -> User:
    """Somebody new, who was invited just now."""
    user = make.make_user("dora@north.example")
    user.set_unusable_password()
    user.save(update_fields=("password",))
    make.make_member(user, realm, Role.VIEWER)
    send_invitation(user, realm, invited_by=alice)
    return user


class TestAnInvitation:
    def test_has_its_link_made_when_it_is_mailed(
        self, dora: User, realm: Realm, alice: User
    ) -> None:
        (job,) = waiting_jobs(MAIL_INVITATION)
        assert job.args == {"user_id": dora.pk, "realm_id": realm.pk, "invited_by_id": alice.pk}

        assert do_jobs(MAIL_INVITATION) == [True]
        (sent,) = mail.outbox
        assert sent.subject == "Your place in Acme Garden on Heed"
        for body in (str(sent.body), str(sent.alternatives[0][0])):  # type: ignore[attr-defined]
            assert "Alice has given you a place in Acme Garden" in body
            assert re.search(r"http\S+/password/reset/key/[^\s\"]+", body)
        assert "List-Unsubscribe" not in sent.message()

    def test_is_not_mailed_to_who_has_a_password_or_no_place_any_more(self, dora: User) -> None:
        dora.set_password(make.PASSWORD)
        dora.save(update_fields=("password",))
        assert do_jobs(MAIL_INVITATION) == [False]
        dora.set_unusable_password()
        dora.save(update_fields=("password",))
        Membership.objects.filter(user=dora).delete()
        assert do_jobs(MAIL_INVITATION) == [False]
        assert mail.outbox == []

    @pytest.mark.parametrize(("answer", "comes_again"), [(b"450 later", True), (b"550 no", False)])
    def test_comes_again_where_the_server_may_take_it_later(
        self, dora: User, settings: Settings, answer: bytes, *, comes_again: bool
    ) -> None:
        with running_mail_server(settings) as server:
            server.recipient = answer
            with pytest.raises(OSError) as error:  # noqa: PT011  smtplib's own
                do_jobs(MAIL_INVITATION)
        task = app.tasks[f"reporting.{MAIL_INVITATION}"]
        again = [
            task.get_retry_exception(
                error.value,
                Job(id=1, queue="default", lock=None, queueing_lock=None, task_name="", attempts=n),
            )
            is not None
            for n in range(8)
        ]
        assert again == [comes_again] * 6 + [False] * 2


def test_no_password_is_reset_of_somebody_who_may_not_sign_in(alice: User) -> None:
    send_password_reset(alice)
    User.objects.update(is_active=False)
    assert do_jobs(MAIL_PASSWORD_RESET) == [False]
    assert mail.outbox == []
