"""The next changes, read on real transactions, as the feed is read in their order."""

import pytest

from lists.models import List, Realm
from reporting.feed import START
from reporting.webhooks import windows
from reporting.webhooks.windows import read_window
from tests import make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]


class TestAWindow:
    def test_it_has_an_end_and_says_that_there_is_more(
        self, realm: Realm, optout_list: List
    ) -> None:
        for n in range(5):
            make.make_optout(optout_list, f"p{n}@example.com")
        first = read_window([realm.pk], START, None, limit=3)
        rest = read_window([realm.pk], first.cursor, None, limit=3)
        assert (len(first.changes), first.has_more) == (3, True)
        assert (len(rest.changes), rest.has_more) == (2, False)
        whole = read_window([realm.pk], START, None, limit=5)
        assert (len(whole.changes), whole.has_more) == (5, False)
        until = read_window([realm.pk], START, first.cursor, limit=5)
        assert (len(until.changes), until.cursor, until.has_more) == (3, first.cursor, False)

    def test_others_changes_are_passed_over(
        self, realm: Realm, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(windows, "LOOKED_THROUGH", 2)
        other = make.make_list(make.make_realm("other"))
        for n in range(3):
            make.make_optout(other, f"p{n}@example.com")
        make.make_optout(optout_list, "mine@example.com")
        first = read_window([realm.pk], START, None)
        assert (first.changes, first.has_more) == ([], True)
        rest = read_window([realm.pk], first.cursor, None)
        assert (len(rest.changes), rest.has_more) == (1, False)
