from collections.abc import Callable
from hashlib import md5
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from lists.choices import DirectLinkMode
from lists.models import List, Realm
from optout.models import OptOut, Suppression
from tests import make
from tests.browser.conftest import OpenWindow
from tests.browser.origins import Origin, html, redirect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADDRESS = "jane+news@example.com"


@pytest.fixture
def last(open_origin: Callable[..., Origin]) -> Origin:
    """Where the reader shall end."""
    return open_origin(lambda _path: html("<title>Bye</title><h1>Goodbye from Acme</h1>"))


@pytest.fixture
def first(open_origin: Callable[..., Origin], last: Origin) -> Origin:
    """Counts clicks and passes on, as marketing tools do; another site than ours and the last one."""
    return open_origin(lambda path: redirect(f"{last.url}{path}"), host="localhost")


@pytest.fixture
def leaving_list(realm: Realm, first: Origin) -> List:
    template = (
        f"{first.url}/left?who={{md5}}&item={{item}}&list={{list}}&lang={{lang}}&s={{status}}"
    )
    return make.make_list(realm, redirect_url=template)


def check_arrival(last: Origin, optout_list: List) -> None:
    values = parse_qs(urlsplit(last.paths[-1]).query)
    assert values == {
        "who": [md5(ADDRESS.encode(), usedforsecurity=False).hexdigest()],
        "item": [ADDRESS],
        "list": [optout_list.public_id],
        "lang": ["en"],
        "s": ["unsubscribed"],
    }


class TestRedirectUrl:
    def test_after_the_form_the_reader_ends_on_the_owners_site_through_two_hops(
        self, page: Page, leaving_list: List, first: Origin, last: Origin
    ) -> None:
        page.goto(f"/u/{leaving_list.public_id}")
        page.get_by_label("Email address").fill(ADDRESS)
        page.get_by_role("button", name="Unsubscribe").click()

        expect(page.get_by_role("heading", name="Goodbye from Acme")).to_be_visible()
        assert page.url.startswith(f"{last.url}/left?")
        check_arrival(last, leaving_list)
        assert len(first.paths) == len(last.paths) == 1
        assert Suppression.objects.get().address == ADDRESS

    def test_after_an_instant_link_too(self, page: Page, leaving_list: List, last: Origin) -> None:
        leaving_list.direct_link_mode = DirectLinkMode.INSTANT
        leaving_list.save(update_fields=["direct_link_mode"])

        page.goto(f"/u/{leaving_list.public_id}?item={ADDRESS}", wait_until="commit")

        expect(page.get_by_role("heading", name="Goodbye from Acme")).to_be_visible()
        check_arrival(last, leaving_list)
        assert OptOut.objects.count() == 1

    def test_without_javascript_too(
        self, open_window: OpenWindow, leaving_list: List, last: Origin
    ) -> None:
        page = open_window(java_script_enabled=False)
        page.goto(f"/u/{leaving_list.public_id}?item={ADDRESS}")
        page.get_by_role("button", name="Yes, unsubscribe").click()

        expect(page.get_by_role("heading", name="Goodbye from Acme")).to_be_visible()
        check_arrival(last, leaving_list)

    def test_no_site_on_the_way_learns_where_the_reader_came_from(
        self, page: Page, leaving_list: List, first: Origin, last: Origin
    ) -> None:
        """AT-13: the address of the page holds the recipient's."""
        page.goto(f"/u/{leaving_list.public_id}?item={ADDRESS}")
        page.get_by_role("button", name="Yes, unsubscribe").click()
        expect(page.get_by_role("heading", name="Goodbye from Acme")).to_be_visible()

        for headers in [*first.headers, *last.headers]:
            assert "referer" not in headers
            assert "cookie" not in headers
