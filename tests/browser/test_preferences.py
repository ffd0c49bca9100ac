"""The preference page in a real browser, without JavaScript: what somebody ticks is what they get."""

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from lists.models import List, Realm, Subscription
from optout.choices import Kind
from optout.links import PREFERENCES, make_token
from optout.models import OptOut, Suppression
from tests import make
from tests.browser.conftest import OpenWindow
from tests.browser.looks import axe_violations, layout_faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADDRESS = "jane@example.com"
SMALL = ViewportSize(width=320, height=640)


@pytest.fixture
def page(open_window: OpenWindow) -> Page:
    return open_window(java_script_enabled=False, viewport=SMALL)


@pytest.fixture
def flash(realm: Realm, optout_list: List) -> List:
    flash = make.make_list(realm, 2, "Flash sales", frequency="Mostly on weekends")
    make.make_contact(realm, ADDRESS, optout_list, flash)
    return flash


def test_leaving_a_list_coming_back_and_leaving_all(
    page: Page, optout_list: List, flash: List
) -> None:
    page.goto(f"/p/{make_token(optout_list.pk, ADDRESS, PREFERENCES)}")
    page.get_by_role("checkbox", name="Flash sales").uncheck()
    page.get_by_role("button", name="Save choices").click()
    expect(page.get_by_role("status")).to_have_text("Your choices are saved.")
    expect(page.get_by_role("checkbox", name="Flash sales")).not_to_be_checked()
    assert Suppression.objects.get().optout_list == flash

    page.get_by_role("checkbox", name="Flash sales").check()
    page.get_by_role("button", name="Save choices").click()
    expect(page.get_by_role("checkbox", name="Flash sales")).to_be_checked()
    assert not Suppression.objects.exists()

    page.get_by_role("button", name="Unsubscribe from everything").click()
    expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
    assert Suppression.objects.get().optout_list.is_global
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="Your request was taken back")).to_be_visible()

    assert not Suppression.objects.exists()
    assert Subscription.objects.count() == 2
    assert OptOut.objects.filter(kind=Kind.LIFT).count() == 2


def test_who_stopped_everything_sees_it_on_a_small_screen_too(
    open_window: OpenWindow, realm: Realm, optout_list: List, flash: List
) -> None:
    page = open_window(viewport=SMALL)
    make.make_optout(make.do_not_mail(realm), ADDRESS)
    page.goto(f"/p/{make_token(optout_list.pk, ADDRESS, PREFERENCES)}")

    expect(page.get_by_text("to stop everything from")).to_be_visible()
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(0)
    assert layout_faults(page) + axe_violations(page) == []
