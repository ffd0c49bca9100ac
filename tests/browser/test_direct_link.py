import pytest
from playwright.sync_api import Page, expect

from lists.choices import DirectLinkMode
from lists.models import List, Realm
from optout.choices import Assurance, Channel, Kind
from optout.links import make_token
from optout.models import OptOut, Suppression
from tests import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADDRESS = "jane+news@example.com"


class TestConfirm:
    def test_opening_the_link_writes_nothing_and_the_one_button_acts(
        self, page: Page, optout_list: List
    ) -> None:
        page.goto(f"/u/{optout_list.public_id}?item={ADDRESS}")
        expect(page.get_by_text(ADDRESS)).to_be_visible()
        expect(page.get_by_role("main").get_by_role("button")).to_have_count(1)
        assert not OptOut.objects.exists()

        page.get_by_role("button", name="Yes, unsubscribe").click()

        expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
        assert Suppression.objects.get().address == ADDRESS
        assert OptOut.objects.get().assurance == Assurance.PREFILLED

    def test_a_different_address_can_be_used_instead(self, page: Page, optout_list: List) -> None:
        page.goto(f"/u/{optout_list.public_id}?item={ADDRESS}")

        page.get_by_role("link", name="Use a different address").click()

        expect(page.get_by_label("Email address")).to_have_value("")
        assert not OptOut.objects.exists()


class TestInstant:
    @pytest.fixture
    def instant_list(self, realm: Realm) -> List:
        return make.make_list(realm, direct_link_mode=DirectLinkMode.INSTANT)

    def test_opening_the_link_is_enough_and_undo_takes_it_back(
        self, page: Page, instant_list: List
    ) -> None:
        page.goto(f"/u/{instant_list.public_id}?item={ADDRESS}")

        expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
        assert Suppression.objects.get().address == ADDRESS
        assert OptOut.objects.get().channel == Channel.DIRECT_LINK

        page.get_by_role("button", name="Undo").click()

        expect(page.get_by_role("heading", name="Your request was taken back")).to_be_visible()
        assert not Suppression.objects.exists()
        assert list(OptOut.objects.order_by("id").values_list("kind", flat=True)) == [
            Kind.OPT_OUT,
            Kind.LIFT,
        ]

    def test_a_browser_that_loads_the_link_ahead_records_nothing(
        self, page: Page, instant_list: List
    ) -> None:
        page.goto("/health/live")

        status = page.evaluate(
            """async (path) => {
                const link = document.createElement("link");
                Object.assign(link, {rel: "prefetch", href: path});
                const loaded = new Promise((done) => { link.onload = link.onerror = done; });
                document.head.append(link);
                return (await loaded).type;
            }""",
            f"/u/{instant_list.public_id}?item={ADDRESS}",
        )

        assert status == "load"
        assert not OptOut.objects.exists()


class TestSignedLink:
    def test_it_masks_the_address_acts_by_its_button_and_later_tells_since_when(
        self, page: Page, optout_list: List
    ) -> None:
        path = f"/o/{make_token(optout_list.pk, ADDRESS)}"
        page.goto(path)
        assert ADDRESS not in page.content()
        assert not OptOut.objects.exists()

        page.get_by_role("button", name="Yes, unsubscribe").click()
        expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
        assert Suppression.objects.get().address == ADDRESS

        page.goto(path)
        expect(page.get_by_role("heading", name="You are already unsubscribed")).to_be_visible()
