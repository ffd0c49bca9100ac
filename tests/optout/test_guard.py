"""optout/guard.py: a request about two addresses is one request."""

from collections.abc import Mapping

import pytest

from lists.lookup import forget_all_lists
from lists.models import List, Realm
from optout.models import GlobalLine, OptOut, QuarantinedOptOut, Suppression
from tests import make
from tests.optout.channels.global_unsubscribe.calls import call
from tests.optout.channels.global_unsubscribe.forms import JANE, PHONE, submit

BY_EMAIL, BY_PHONE = {"email": JANE}, {"phoneNumber": PHONE}
BOTH = {**BY_EMAIL, **BY_PHONE}

known = pytest.mark.parametrize("known", [BY_EMAIL, BY_PHONE], ids=["email", "phone"])


@pytest.fixture
def dnm(realm: Realm) -> List:
    """A Do Not Mail for which one network may bring a single address."""
    make.make_global_unsubscribe(realm)
    List.objects.filter(realm=realm).update(limit_form=1, limit_block=1)
    forget_all_lists()
    return make.do_not_mail(realm)


@pytest.mark.usefixtures("dnm")
class TestTwoAddresses:
    """The network may bring one of them, which it brought before, and not the other: the strictest judgement holds for both."""

    @known
    def test_of_the_form_both_wait(self, known: Mapping[str, str]) -> None:
        assert submit(dict(known), **known).status_code == 303

        refused = submit(BOTH, **BOTH)

        assert refused.status_code == 429
        self.check_both_wait()

    @known
    def test_of_the_api_both_wait(self, known: Mapping[str, str]) -> None:
        assert call(**known).content == b"1"

        refused = call(**BOTH)

        assert (refused.status_code, refused.content) == (429, b"0")
        self.check_both_wait()

    def check_both_wait(self) -> None:
        assert OptOut.objects.count() == Suppression.objects.count() == 1
        assert GlobalLine.objects.count() == 1
        waiting = QuarantinedOptOut.objects.order_by("pk").values_list("address", flat=True)
        assert list(waiting) == [JANE, PHONE]

    def test_each_of_them_counts(self) -> None:
        assert call(**BOTH).content == b"0"
        assert not OptOut.objects.exists()
