import pytest

from lists.models import List
from optout.models import OptOut
from reporting import changes
from reporting.changes import NotMendedError, find_end, read_changes
from reporting.feed import START
from tests import make

# What the test itself has not committed is not in the feed yet.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]


def test_a_row_just_behind_those_looked_through_is_not_passed_over(
    optout_list: List, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "LOOKED_THROUGH", 3)
    elsewhere = make.make_list(make.make_realm("other"))
    for n in range(3):
        make.make_optout(elsewhere, f"p{n}@example.com")
    recorded = make.make_optout(optout_list)

    first = read_changes(optout_list.realm_id, None, START, 10)
    second = read_changes(optout_list.realm_id, None, first.cursor, 10)

    assert (first.count, first.has_more) == (0, True)
    assert (second.count, second.has_more) == (1, False)
    assert second.cursor.last_id == recorded.optout_id


def test_a_ledger_from_another_server_has_no_end(optout_list: List) -> None:
    """Whoever begins at its end would miss what is recorded before it is mended."""
    make.make_optout(optout_list)
    OptOut.objects.update(xid=2**62)
    with pytest.raises(NotMendedError):
        find_end()
