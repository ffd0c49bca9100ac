from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.origins import Origin, html
from tests.browser.watch import Watch

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

POLICY = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src *">'


class TestWatch:
    """Without these, a test that finds nothing wrong would prove nothing."""

    @pytest.mark.parametrize(
        ("body", "problem"),
        [
            ('<img src="http://tracker.example/a.gif">', "asked for http://tracker.example/a.gif"),
            ('<img src="/missing.gif">', "404: "),
            ("<script>alert(1)</script>", "console: "),
            ('<p style="color: red">', "console: "),
        ],
        ids=["another host", "a missing image", "a script", "a style"],
    )
    def test_it_sees_what_a_page_may_not_do(
        self, page: Page, watch: Watch, open_origin: Callable[..., Origin], body: str, problem: str
    ) -> None:
        origin = open_origin(lambda path: html(POLICY + body) if path == "/" else (404, {}, ""))
        page.goto(origin.url)
        page.wait_for_load_state()

        assert any(each.startswith(problem) for each in watch.problems), watch.problems
        watch.problems.clear()
