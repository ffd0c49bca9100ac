from datetime import timedelta

import pytest
from django.utils import timezone

from lists.models import List, Realm, SmsSetup
from optout import inbound_messages
from optout.inbound_messages import (
    find_named_list,
    forget_messages,
    name_of_message,
)
from optout.keywords import name_form
from optout.models import InboundMessage, Suppression
from reporting import upkeep
from tests import make
from tests.optout.channels.inbound_sms.calls import text_us


@pytest.mark.django_db
class TestForgetting:
    def test_after_90_days_and_not_what_they_asked_for(
        self, realm: Realm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """AT-50."""
        monkeypatch.setattr(inbound_messages, "BATCH", 2)
        first, second = make.make_inbound_endpoint(realm), make.make_inbound_endpoint(realm)
        for endpoint in (first, first, first, second):
            text_us(endpoint)
        now = timezone.now()
        InboundMessage.objects.update(received_at=now - timedelta(days=90, seconds=1))
        text_us(first)
        InboundMessage.objects.filter(endpoint=second).update(
            received_at=now - timedelta(days=89, hours=23)
        )

        assert forget_messages(now) == 3
        assert InboundMessage.objects.count() == 2
        assert Suppression.objects.count() == 1
        assert forget_messages(now) == 0

    def test_of_a_start_its_name_stays_and_no_number(self, realm: Realm) -> None:
        SmsSetup.objects.create(realm=realm, start_lifts=True)
        endpoint = make.make_inbound_endpoint(realm)
        text_us(endpoint, "START", id="m1")
        text_us(endpoint, "START")
        later = timezone.now() + timedelta(days=91)

        assert forget_messages(later) == 2
        row = InboundMessage.objects.get()
        assert (row.sender, row.texted, row.confirmation_text) == ("", "", "")
        assert row.message_id is not None and row.message_id.startswith("m1 ")
        assert forget_messages(later) == 0

    def test_it_is_part_of_the_night(self, realm: Realm) -> None:
        text_us(make.make_inbound_endpoint(realm))
        assert upkeep.apply_retention(timezone.now())["inbound_messages"] == 0
        night = upkeep.apply_retention(timezone.now() + timedelta(days=91))
        assert night["inbound_messages"] == 1


class TestNames:
    def test_without_one_there_is_none(self) -> None:
        assert name_of_message(" ", "from") is None

    def test_the_same_message_has_the_same(self) -> None:
        assert name_of_message("m1", "a", "b") == name_of_message(" m1 ", "a", "b")

    def test_another_one_has_another(self) -> None:
        names = {
            name_of_message(name, *said)
            for name, said in [
                ("m1", ("a", "b")),
                ("m1", ("ab", "")),
                ("m1", ("a", "c")),
                ("m2", ("a", "b")),
                ("é", ("a", "b")),
                ("e", ("a", "b")),
            ]
        }
        assert len(names) == 6

    @pytest.mark.parametrize("given", ["x" * 100_000, "\x00", "\ud800", "👋" * 200, "a\nb"])
    def test_any_one_can_be_kept(self, given: str) -> None:
        name = name_of_message(given, given)
        assert name is not None
        assert len(name) <= 100 and name.isascii() and name.isprintable()


@pytest.mark.django_db
class TestNamedLists:
    @pytest.fixture
    def sales(self, realm: Realm) -> List:
        return make.make_list(realm, 7, name="Flash-Sales & More")

    def test_by_number(self, realm: Realm, sales: List) -> None:
        assert find_named_list(realm.pk, "7") == sales.pk

    def test_by_name(self, realm: Realm, sales: List) -> None:
        assert find_named_list(realm.pk, "flash sales") == sales.pk

    @pytest.mark.parametrize(
        "title",
        [
            "Grüße & Küsse",
            "GRUSSE KUSSE",
            "Grusse / kusse!",
            "The G.R.U.S.S.E. (kusse)",
            "gru'sse kusse",
            "Ｇrusse Kusse",
        ],
    )
    def test_however_its_name_is_written(self, realm: Realm, title: str) -> None:
        made = make.make_list(realm, 8, name=title)
        assert find_named_list(realm.pk, name_form(title)) == made.pk

    @pytest.mark.parametrize("title", ["Unsub news", "Stopp it", "Opt-outs", "100 %", "عروض"])
    def test_also_one_with_our_own_words_in_it(self, realm: Realm, title: str) -> None:
        made = make.make_list(realm, 8, name=title)
        assert find_named_list(realm.pk, name_form(title)) == made.pk

    def test_a_number_that_is_a_name_as_well_is_nobodys(self, realm: Realm, sales: List) -> None:
        make.make_list(realm, 8, name="7")
        assert find_named_list(realm.pk, "7") is None

    def test_not_every_list_is_read_for_it(
        self, realm: Realm, sales: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A realm may have ten thousand."""
        read: list[str] = []

        def form_of(name: str) -> str:
            read.append(name)
            return name_form(name)

        monkeypatch.setattr(inbound_messages, "_form_of", form_of)
        for n in range(20, 40):
            make.make_list(realm, n, name=f"Letters no {n}, to all")

        assert find_named_list(realm.pk, name_form(sales.name)) == sales.pk
        assert find_named_list(realm.pk, "25") is not None
        assert find_named_list(realm.pk, "") is None
        assert read == [sales.name]

    @pytest.mark.parametrize("name", ["", "0", "do not mail", "8", "flash", "٧", "7" * 5_000])
    def test_nothing_else(self, realm: Realm, sales: List, name: str) -> None:
        assert find_named_list(realm.pk, name) is None
