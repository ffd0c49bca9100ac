"""The report line of a global request: one statement with the suppression and the ledger (S1.19, S1.20)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, transaction
from django.db.models import Q

from lists.models import List, Realm
from optout.actions import record_optout, record_optouts
from optout.addresses import parse_email, parse_phone
from optout.choices import Assurance, Channel, RefusalCause
from optout.global_requests import GlobalRequest
from optout.intents import OptOutIntent
from optout.models import GlobalLine, OptOut, QuarantinedOptOut, Suppression
from optout.quarantine import accept_quarantined, quarantine_optout
from tests import make

JANE = "jane@example.com"


def intent(optout_list: List, address: str = JANE, **report: Any) -> OptOutIntent:
    values = {"realm_id": optout_list.realm_id, "email": address, **report}
    return make.make_intent(
        optout_list,
        address,
        channel=Channel.GLOBAL_API,
        assurance=Assurance.PREFILLED,
        global_request=GlobalRequest(**values),
    )


@pytest.fixture
def dnm(realm: Realm) -> List:
    return make.do_not_mail(realm)


class TestOneStatement:
    def test_a_request_makes_a_line_a_suppression_and_a_ledger_row(
        self, dnm: List, django_assert_num_queries
    ) -> None:
        wanted = intent(dnm, website="shop.example", product_number=7, custom1="DE")

        with django_assert_num_queries(1):
            record_optout(wanted)

        line = GlobalLine.objects.get()
        assert (line.email, line.phone, line.website, line.product_number) == (
            JANE,
            "",
            "shop.example",
            7,
        )
        assert (line.custom1, line.custom2, line.form) == ("DE", "", None)
        assert line.unsubscribe_count == 1
        assert line.first_seen_at == line.last_seen_at == make.NOW
        assert Suppression.objects.get().address == JANE
        assert OptOut.objects.get().channel == Channel.GLOBAL_API

    def test_a_repeat_changes_only_the_counter_and_last_seen(self, dnm: List) -> None:
        record_optout(intent(dnm, custom1="first", publisher="p1"))
        later = make.NOW + timedelta(hours=3)
        again = intent(dnm, custom1="second", publisher="p2")
        record_optout(
            make.make_intent(dnm, JANE, global_request=again.global_request, requested_at=later)
        )

        line = GlobalLine.objects.get()
        assert (line.unsubscribe_count, line.custom1, line.publisher) == (2, "first", "p1")
        assert (line.first_seen_at, line.last_seen_at) == (make.NOW, later)
        assert OptOut.objects.count() == 2

    @pytest.mark.parametrize(
        "other",
        [{"website": "b.example"}, {"product_number": 2}, {"phone": "+12025550123"}],
        ids=["website", "product", "phone"],
    )
    def test_another_combination_is_another_line(self, dnm: List, other: dict[str, Any]) -> None:
        record_optout(intent(dnm))
        record_optout(intent(dnm, **other))

        assert GlobalLine.objects.count() == 2
        assert Suppression.objects.count() == 1

    def test_two_addresses_of_one_request_make_one_line(self, dnm: List) -> None:
        first = intent(dnm, phone="+12025550123")
        second = make.make_intent(dnm, "+12025550123", channel=Channel.GLOBAL_API)

        record_optouts([first, second])

        line = GlobalLine.objects.get()
        assert (line.email, line.phone, line.unsubscribe_count) == (JANE, "+12025550123", 1)
        assert Suppression.objects.count() == OptOut.objects.count() == 2

    def test_many_at_once_are_counted_each(self, dnm: List) -> None:
        record_optouts([intent(dnm), intent(dnm, "joe@example.com"), intent(dnm)])

        counts = dict(GlobalLine.objects.values_list("email", "unsubscribe_count"))
        assert counts == {JANE: 2, "joe@example.com": 1}

    def test_many_at_once_were_first_and_last_seen_when_they_were(self, dnm: List) -> None:
        earlier, later = make.NOW - timedelta(hours=1), make.NOW + timedelta(hours=1)
        wanted = [replace(intent(dnm), requested_at=at) for at in (make.NOW, later, earlier)]

        record_optouts(wanted)

        line = GlobalLine.objects.get()
        assert (line.first_seen_at, line.last_seen_at) == (earlier, later)

    def test_all_of_it_or_none(self, dnm: List) -> None:
        with pytest.raises(DataError), transaction.atomic():
            record_optout(intent(dnm, form="no uuid"))

        assert not Suppression.objects.exists() and not OptOut.objects.exists()

    def test_realms_have_their_own_lines(self, dnm: List) -> None:
        other = make.do_not_mail(make.make_realm("other"))
        record_optout(intent(dnm))
        record_optout(intent(other))

        assert GlobalLine.objects.count() == 2


class TestKey:
    def test_values_cannot_run_into_each_other(self) -> None:
        assert (
            GlobalRequest(1, email="a", website="bc").key
            != GlobalRequest(1, email="ab", website="c").key
        )

    def test_what_a_repeat_does_not_change_is_no_part_of_it(self) -> None:
        assert (
            GlobalRequest(1, email=JANE, custom1="x", publisher="p").key
            == GlobalRequest(1, email=JANE).key
        )

    def test_it_survives_json(self) -> None:
        whole = GlobalRequest(3, JANE, "+12025550123", "a.example", 4, "p", "", "x", "y", "z")
        assert GlobalRequest.from_json(whole.as_json()) == whole


class TestQuarantine:
    def test_a_refused_request_makes_its_line_when_it_is_accepted(self, dnm: List) -> None:
        quarantine_optout(intent(dnm, website="shop.example"), RefusalCause.ADDRESS_LIMIT)
        assert not GlobalLine.objects.exists()

        accept_quarantined(dnm, Q(), actor=None, now=make.NOW)

        line = GlobalLine.objects.get()
        assert (line.email, line.website, line.unsubscribe_count) == (JANE, "shop.example", 1)
        assert Suppression.objects.get().address == JANE
        assert QuarantinedOptOut.objects.get().decided_at is not None

    def test_one_of_two_addresses_carries_the_line(self, dnm: List) -> None:
        first = intent(dnm, phone=parse_phone("+12025550123", "US").key)
        second = make.make_intent(dnm, "+12025550123", channel=Channel.GLOBAL_API)
        for each in (first, second):
            quarantine_optout(each, RefusalCause.ADDRESS_LIMIT)

        accept_quarantined(dnm, Q(), actor=None, now=make.NOW)

        assert GlobalLine.objects.get().unsubscribe_count == 1
        assert Suppression.objects.count() == 2

    def test_emails_are_keys(self) -> None:
        assert parse_email("Jane@EXAMPLE.com").key == JANE
