"""Setting up the Global Unsubscribe from nothing to a form that readers see, in a browser."""

import pytest
from playwright.sync_api import Page, expect

from lists.models import List, StoredForm, User
from tests.browser.conftest import OpenWindow
from tests.browser.looks import DESK, PHONE, SMALL, axe_violations, layout_faults, take_picture
from tests.browser.world import enter

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

GLOBAL = "/manage/settings/global"


def assert_in_order(page: Page, name: str) -> None:
    """In both colour schemes, and down to the smallest phone."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert axe_violations(page) == []
        take_picture(page, f"portal-{name}-{scheme}", DESK, PHONE)
    for size in (PHONE, SMALL, DESK):
        page.set_viewport_size(size)
        assert layout_faults(page) == []


@pytest.mark.parametrize("has_scripts", [True, False])
def test_from_nothing_to_a_form_that_readers_see(
    open_window: OpenWindow, alice: User, optout_list: List, site: str, has_scripts: bool
) -> None:
    page = open_window(java_script_enabled=has_scripts, viewport=DESK)
    enter(page, alice, site)
    page.goto("/manage/settings/")
    page.get_by_role("link", name="Global", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Global Unsubscribe")
    if has_scripts:
        assert_in_order(page, "global-never-on")
    page.get_by_label("Unsubscribe API & Reporting").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Unsubscribe API & Reporting is on.")).to_be_visible()
    expect(page.get_by_text(f"{site}/unsubscribe/unsubscribe", exact=True)).to_be_visible()

    page.get_by_role("link", name="Products", exact=True).first.click()
    page.get_by_role("link", name="New product").click()
    page.get_by_label("Name", exact=True).fill("Letters")
    page.get_by_label("List", exact=True).select_option(label="1 – Garden letters")
    page.get_by_role("button", name="Add the product").click()
    expect(page.get_by_role("row", name="1 Letters Garden letters Active")).to_be_visible()

    page.get_by_role("link", name="Forms", exact=True).click()
    page.get_by_role("link", name="New publisher").click()
    page.get_by_label("Publisher ID").fill("SHOP-0042")
    page.get_by_label("Name", exact=True).fill("The shop")
    page.get_by_role("button", name="Add the publisher").click()

    page.get_by_role("link", name="Forms", exact=True).click()
    page.get_by_role("link", name="New form").click()
    page.get_by_label("Name", exact=True).fill("Footer")
    page.get_by_label("Publisher", exact=True).select_option(label="The shop (SHOP-0042)")
    page.get_by_label("Website").fill("https://shop.example/")
    page.get_by_label("Custom field 1", exact=True).select_option(label="3rd")
    page.get_by_label("Label of custom field 1").fill("Country")
    page.get_by_role("button", name="Show preview").click()

    preview = page.frame_locator("iframe.preview")
    expect(preview.get_by_role("heading", level=1)).to_contain_text("shop.example")
    expect(preview.get_by_label("Country")).to_be_visible()
    assert not StoredForm.objects.exists()

    page.get_by_role("button", name="Add the form").click()
    expect(page.get_by_text("The form “Footer” is there.")).to_be_visible()
    expect(page.frame_locator("iframe.preview").get_by_label("Country")).to_be_visible()
    form = StoredForm.objects.get()
    link = f"{site}/unsubscribe/unsubscribe?uuid={form.uuid}"
    expect(page.get_by_text(link, exact=True)).to_be_visible()
    if has_scripts:
        assert_in_order(page, "global-form-made")

    page.goto(link)
    expect(page.get_by_label("Country")).to_be_visible()
