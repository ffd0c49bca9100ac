import gzip
from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Response, expect

from lists.models import List, Realm
from optout.links import make_token
from optout.models import OptOut, QuarantinedOptOut, Suppression
from optout.preview import STATES
from optout.short_links import TOKEN_LENGTH, short_url
from optout.tokens import make_form_token
from tests import make
from tests.browser.origins import Origin, html
from tests.browser.watch import Watch

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADDRESS = "jane@example.com"
RAW, GZIPPED = 6 * 1024, 3 * 1024


def check_cost(response: Response | None) -> None:
    """At most 6 KB raw and 3 KB gzipped, and no cookie."""
    assert response is not None
    body = response.body()
    assert 0 < len(body) <= RAW, (response.url, len(body))
    assert len(gzip.compress(body)) <= GZIPPED, (response.url, len(gzip.compress(body)))
    assert "set-cookie" not in response.headers


class TestOneRequest:
    def test_every_state_is_one_small_document_and_nothing_else(
        self, page: Page, watch: Watch, optout_list: List
    ) -> None:
        for state in STATES:
            check_cost(page.goto(f"/u/{optout_list.public_id}/preview?state={state}"))
        for path in (
            f"/u/{optout_list.public_id}",
            f"/u/{optout_list.public_id}?item={ADDRESS}",
            f"/o/{make_token(optout_list.pk, ADDRESS)}",
            f"/s/{short_url(optout_list.pk, '+14155550123')[-TOKEN_LENGTH:]}",
            f"/s/{optout_list.public_id}",
            "/o/broken",
        ):
            check_cost(page.goto(path))

        asked = [each.resource_type for each in watch.requests]
        assert asked == ["document"] * (len(STATES) + 6)
        assert page.context.cookies() == []

    def test_the_way_to_the_done_page_is_two_requests_and_leaves_nothing_in_the_browser(
        self, page: Page, watch: Watch, optout_list: List
    ) -> None:
        page.goto(f"/u/{optout_list.public_id}?item={ADDRESS}")
        with page.expect_response("**/done?*") as done:
            page.get_by_role("button", name="Yes, unsubscribe").click()
        expect(page.get_by_role("button", name="Undo")).to_be_visible()

        check_cost(done.value)
        assert [each.method for each in watch.requests] == ["GET", "POST", "GET"]
        kept = page.context.storage_state(indexed_db=True)
        assert kept["cookies"] == [] and kept["origins"] == []


class TestOtherSites:
    """AT-02, AT-13, AT-17."""

    @pytest.fixture
    def attack(self, site: str, open_origin: Callable[..., Origin]) -> Callable[..., str]:
        """Puts up a page on another site that sends a form to a path of ours as soon as it is opened; gives its address."""

        def put_up(path: str, **fields: str) -> str:
            inputs = "".join(f'<input name="{name}" value="{fields[name]}">' for name in fields)
            form = f'<form method="post" action="{site}{path}">{inputs}</form>'
            script = "<script>document.forms[0].submit()</script>"
            return open_origin(lambda _path: html(form + script)).url

        return put_up

    @pytest.mark.parametrize("mode", ["confirm", "instant"])
    def test_a_page_that_sends_the_form_by_itself_records_nothing(
        self, page: Page, realm: Realm, attack: Callable[..., str], mode: str
    ) -> None:
        optout_list = make.make_list(realm, direct_link_mode=mode)

        with page.expect_response("**/u/*") as answer:
            page.goto(attack(f"/u/{optout_list.public_id}", item=ADDRESS), wait_until="commit")

        expect(page.get_by_role("alert")).to_contain_text("Another website sent you here")
        assert answer.value.status == 403
        assert not OptOut.objects.exists()
        assert not QuarantinedOptOut.objects.exists()

    def test_a_token_that_the_attacker_fetched_from_our_page_does_not_help(
        self, page: Page, optout_list: List, attack: Callable[..., str]
    ) -> None:
        token = make_form_token(optout_list.pk, timezone.now())

        with page.expect_response("**/u/*") as answer:
            page.goto(
                attack(f"/u/{optout_list.public_id}", item=ADDRESS, t=token), wait_until="commit"
            )

        assert answer.value.status == 403
        assert not OptOut.objects.exists()

    def test_the_reader_whom_another_site_sent_can_still_press_the_button(
        self, page: Page, optout_list: List, attack: Callable[..., str]
    ) -> None:
        page.goto(attack(f"/u/{optout_list.public_id}", item=ADDRESS), wait_until="commit")

        page.get_by_role("button", name="Unsubscribe").click()

        expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
        assert Suppression.objects.get().address == ADDRESS

    def test_a_signed_link_cannot_be_pressed_by_another_site(
        self, page: Page, optout_list: List, attack: Callable[..., str]
    ) -> None:
        with page.expect_response("**/o/*") as answer:
            page.goto(attack(f"/o/{make_token(optout_list.pk, ADDRESS)}"), wait_until="commit")

        assert answer.value.status == 403
        assert not OptOut.objects.exists()

    def test_no_other_site_can_frame_the_page(
        self,
        page: Page,
        watch: Watch,
        optout_list: List,
        site: str,
        open_origin: Callable[..., Origin],
    ) -> None:
        inside = f"{site}/u/{optout_list.public_id}?item={ADDRESS}"
        attack = open_origin(lambda _path: html(f'<iframe src="{inside}" title="x"></iframe>'))
        page.goto(attack.url)

        assert page.frames[1].get_by_role("button").count() == 0
        assert "frame-ancestors" in "".join(watch.problems)
        watch.problems.clear()

    def test_a_link_away_does_not_tell_the_address(
        self, page: Page, realm: Realm, open_origin: Callable[..., Origin]
    ) -> None:
        policy = open_origin(lambda _path: html("<h1>Privacy</h1>"))
        optout_list = make.make_list(realm, privacy_url=f"{policy.url}/privacy")
        page.goto(f"/u/{optout_list.public_id}?item={ADDRESS}")

        page.get_by_role("link", name="Privacy policy").click()

        expect(page.get_by_role("heading", name="Privacy")).to_be_visible()
        assert policy.paths == ["/privacy"]
        assert "referer" not in policy.headers[0]
        assert page.evaluate("document.referrer") == ""
