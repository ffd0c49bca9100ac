from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPServerDisconnected

import pytest

from lists.sms import SmsError, SmsRefusedError
from reporting.patience import MOST_FAILURES, Patience


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
