import pytest
from playwright.sync_api import Page, expect

from lists.models import Realm, User
from reporting.models import DeliveryState, WebhookDelivery
from tests import make
from tests.browser.world import enter

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class TestSendTest:
    def test_what_becomes_of_it_is_shown_without_a_reload(
        self, page: Page, realm: Realm, alice: User, site: str
    ) -> None:
        endpoint = make.make_webhook_endpoint(realm)
        enter(page, alice, site)
        page.goto(f"/manage/webhooks/{endpoint.public_id}")
        page.get_by_role("button", name="Send test").click()
        line = page.locator(".log > li")
        expect(line).to_contain_text("Queued")
        line.locator("summary").click()

        WebhookDelivery.objects.update(state=DeliveryState.DELIVERED, status=200, tries=1)

        expect(line).to_contain_text("Delivered")
        expect(line.get_by_text("HTTP 200 OK")).to_be_visible()  # it is still open
        expect(page.get_by_role("status").last).to_contain_text("Delivered")
