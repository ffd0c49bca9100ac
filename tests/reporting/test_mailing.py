"""One mail to each of several people: whom it must have reached, and when it gives up."""

from unittest import mock

import pytest
from django.core import mail

from lists.models import List, User
from reporting.mailing import Letter, mail_each
from reporting.patience import Patience

LETTER = Letter("Subject", "notice", {"optout_list": List(name="Garden letters", number=1)})
PEOPLE = [User(email="alice@example.com"), User(email="bob@example.com")]


def send(patience: Patience) -> None:
    mail_each(PEOPLE, LETTER, patience, what="A notice")


class TestMailEach:
    def test_each_gets_a_mail_of_their_own(self) -> None:
        send(Patience())

        assert [each.to for each in mail.outbox] == [["alice@example.com"], ["bob@example.com"]]

    def test_one_who_cannot_be_reached_holds_up_nobody(self) -> None:
        with mock.patch("lists.mail.Mail.send", side_effect=[OSError("gone"), 1]) as sent:
            send(Patience())

        assert sent.call_count == 2

    def test_reaching_nobody_is_an_error(self) -> None:
        with (
            mock.patch("lists.mail.Mail.send", side_effect=OSError("gone")),
            pytest.raises(OSError, match="gone"),
        ):
            send(Patience())

    def test_patience_that_ended_before_the_first_one_is_an_error_too(self) -> None:
        """Else whoever asked would write down that it was mailed."""
        with pytest.raises(TimeoutError):
            send(Patience(seconds=-1))

        assert mail.outbox == []

    def test_there_may_be_nobody(self) -> None:
        mail_each([], LETTER, Patience(seconds=-1), what="A notice")
