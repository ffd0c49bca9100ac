from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from lists.models import List
from optout.choices import Assurance, Channel, RefusalCause
from optout.evidence import Evidence
from optout.models import LimitCounter, OptOut, QuarantinedOptOut, Suppression
from optout.reverting import RevertFilter, revert_optouts
from reporting.models.notices import Notice, NoticeKind
from reporting.notices import raise_notices
from tests import make
from tests.optout.channels.cases import JANE, ChannelCases, Target, assert_nothing_recorded
from tests.optout.channels.test_page import heading, page_path, text_of
from tests.pages import BROWSER, PublicClient, form_fields, signed_path


@pytest.fixture
def instant(optout_list: List) -> List:
    """The list, whose direct link acts when a person opens it."""
    List.objects.update(direct_link_mode="instant")
    return optout_list


@pytest.mark.usefixtures("_everybody_is_instant")
class TestInstantDirectLink(ChannelCases):
    channel = Channel.DIRECT_LINK
    assurance = Assurance.PREFILLED

    @pytest.fixture
    def _everybody_is_instant(self, optout_list: List) -> None:
        List.objects.update(direct_link_mode="instant")

    def send(self, target: Target) -> Any:
        public_id = "forged0forged0" if target.is_forged else target.public_id
        return PublicClient().get(f"/u/{public_id}?item={target.item}")


@pytest.mark.django_db
class TestConfirmMode:
    def test_opening_the_link_shows_the_address_and_one_button(self, optout_list: List) -> None:
        """S0.6, and promise 6: no opt-out by scanner."""
        page = PublicClient().get(page_path(optout_list, "?item=Jane%20Doe%20<Jane@Example.com>"))

        assert page.status_code == 200
        assert page.headers["Optout-Status"] == "confirm-required"
        assert heading(page) == "Unsubscribe from <bdi>Garden letters</bdi>?"
        assert form_fields(page)["email"] == JANE
        assert_nothing_recorded()
        assert not LimitCounter.objects.exists()

    def test_the_button_records_an_opt_out_by_direct_link(self, optout_list: List) -> None:
        client, path = PublicClient(), page_path(optout_list, f"?item={JANE}")

        assert client.press(client.get(path), path).status_code == 303

        row = OptOut.objects.get()
        assert (row.address, row.channel) == (JANE, Channel.DIRECT_LINK)
        assert row.assurance == Assurance.PREFILLED

    def test_another_address_in_its_form_was_typed(self, optout_list: List) -> None:
        client, path = PublicClient(), page_path(optout_list, f"?item={JANE}")

        assert client.press(client.get(path), path, email="joe@example.com").status_code == 303

        row = OptOut.objects.get()
        assert (row.address, row.channel) == ("joe@example.com", Channel.PAGE)
        assert row.assurance == Assurance.TYPED

    @pytest.mark.parametrize(
        ("query", "address"),
        [
            ("?item=john+tag@example.com", "john+tag@example.com"),
            ("?item=john%2Btag@example.com", "john+tag@example.com"),
            ("?email=john+tag@example.com", "john+tag@example.com"),
            ("?phone=+14155552671", "+14155552671"),
            ("?phone=%2B1%20415%20555%202671", "+14155552671"),
        ],
    )
    def test_a_plus_in_the_link_stays_a_plus(
        self, optout_list: List, query: str, address: str
    ) -> None:
        """security.md §1: the commonest broken links."""
        page = PublicClient().get(page_path(optout_list, query))

        assert form_fields(page)[query[1:6].rstrip("=").replace("item", "email")] == address

    def test_the_button_records_a_phone_number_on_an_email_list_too(
        self, optout_list: List
    ) -> None:
        path = page_path(optout_list, "?phone=+14155552671")
        client = PublicClient()
        page = client.get(path)
        fields = form_fields(page)

        assert client.send(path, fields).status_code == 303
        assert OptOut.objects.get().address == "+14155552671"


@pytest.mark.django_db
class TestInstantMode:
    def test_it_acts_and_offers_undo(self, instant: List) -> None:
        """S0.6."""
        client = PublicClient()

        response = client.get(page_path(instant, f"?item={JANE}"))

        assert response.status_code == 303
        done = client.get(response.headers["Location"])
        assert heading(done) == "You are unsubscribed" and "Undo" in text_of(done)

    def test_it_takes_two_queries(self, instant: List, settings, django_assert_num_queries) -> None:
        settings.LIST_CACHE_SECONDS = 60
        client = PublicClient()
        client.get(page_path(instant, f"?item={JANE}"))

        with django_assert_num_queries(2):
            client.get(page_path(instant, f"?item={JANE}"))

    @pytest.mark.parametrize(
        "headers",
        [
            {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
            {"user-agent": "Barracuda Sentinel (EE)"},
            {"user-agent": ""},
            {"accept": "*/*", "sec-fetch-mode": ""},
            {"sec-purpose": "prefetch;prerender"},
            {"purpose": "prefetch"},
            {"x-moz": "prefetch"},
            {"user-agent": "curl/8.5"},  # with a browser's Accept: a scanner that pretends
        ],
    )
    def test_whoever_is_no_person_sees_the_confirm_page(
        self, instant: List, headers: dict[str, str]
    ) -> None:
        """security.md §3.6."""
        page = PublicClient({**BROWSER, **headers}).get(page_path(instant, f"?item={JANE}"))

        assert page.status_code == 200
        assert page.headers["Optout-Status"] == "confirm-required"
        assert_nothing_recorded()

    def test_head_changes_nothing(self, instant: List) -> None:
        response = PublicClient().head(page_path(instant, f"?item={JANE}"))

        assert (response.status_code, response.content) == (200, b"")
        assert_nothing_recorded()

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"])
    def test_other_methods_are_not_allowed(self, instant: List, method: str) -> None:
        response = PublicClient().generic(method, page_path(instant, f"?item={JANE}"))

        assert response.status_code == 405
        assert response.headers["Allow"] == "GET, HEAD, POST"
        assert_nothing_recorded()


@pytest.mark.django_db
class TestLimits:
    def open(self, optout_list: List, count: int, ip: str = "192.0.2.7") -> list[Any]:
        client = PublicClient(ip=ip)
        return [client.get(page_path(optout_list, f"?item=p{n}@example.com")) for n in range(count)]

    def test_over_5_addresses_ask_for_the_button_over_20_block(self, instant: List) -> None:
        """AT-01, security.md §4."""
        answers = self.open(instant, 30)

        assert [each.status_code for each in answers] == [303] * 5 + [200] * 15 + [429] * 10
        assert Suppression.objects.count() == 5
        assert QuarantinedOptOut.objects.count() == 10
        page = answers[-1]
        assert page.headers["Retry-After"] in {"3600", "3599"}
        assert heading(page) == "Please try again in 60 minutes"
        assert page.headers["Optout-Status"] == "quarantined"

    def test_somebody_else_is_not_touched(self, instant: List) -> None:
        self.open(instant, 25)

        (answer,) = self.open(instant, 1, ip="192.0.2.8")
        assert answer.status_code == 303

    def test_the_same_address_again_is_no_attack(self, instant: List) -> None:
        client = PublicClient()
        for _ in range(30):
            assert client.get(page_path(instant, f"?item={JANE}")).status_code == 303

    def test_a_thousand_addresses_and_the_way_back(self, instant: List, alice: Any) -> None:
        """AT-01: at most 20 recorded, the rest kept, the owner told once; who has a signed link is served meanwhile; a revert
        restores exactly those."""
        make.make_optout(instant, "earlier@example.com")
        before = timezone.now()
        self.open(instant, 1_000)

        recorded = Suppression.objects.exclude(address="earlier@example.com").count()
        kept = QuarantinedOptOut.objects.count()
        assert recorded <= 20
        shown_the_confirm_page = 15
        assert recorded + kept + shown_the_confirm_page == 1_000

        assert raise_notices(timezone.now()) == 1
        self.open(instant, 1)
        assert raise_notices(timezone.now()) == 0
        notice = Notice.objects.get()
        assert (notice.kind, notice.subject) == (NoticeKind.BLOCKED_IP, "192.0.2.7/32")

        client, path = PublicClient(), signed_path(instant.pk, JANE)
        assert client.press(client.get(path), path).status_code == 303
        assert Suppression.objects.filter(address=JANE).exists()

        chosen = RevertFilter(before, timezone.now(), Channel.DIRECT_LINK, "192.0.2.7/32")
        lifted = revert_optouts(
            instant, chosen, actor=alice, now=timezone.now(), evidence=Evidence()
        )
        assert lifted == recorded
        left = Suppression.objects.order_by("address").values_list("address", flat=True)
        assert list(left) == ["earlier@example.com", JANE]

    def test_in_protected_mode_everybody_is_asked(self, instant: List) -> None:
        """AT-02."""
        List.objects.update(protected_until=timezone.now() + timedelta(hours=1))

        (page,) = self.open(instant, 1)

        assert page.headers["Optout-Status"] == "confirm-required"
        client, path = PublicClient(), page_path(instant, "?item=p0@example.com")
        assert client.press(page, path).status_code == 303

    def test_too_much_for_the_whole_list_trips_protected_mode(self, instant: List) -> None:
        """AT-02: distributed, one address from each network."""
        List.objects.update(limit_hour=10)
        for n in range(11):
            self.open(instant, 1, ip=f"198.51.100.{n}")

        (page,) = self.open(instant, 1, ip="198.51.100.200")

        assert page.headers["Optout-Status"] == "confirm-required"
        instant.refresh_from_db()
        assert instant.protected_until is not None
        assert not QuarantinedOptOut.objects.filter(cause=RefusalCause.BLOCKED_IP).exists()
