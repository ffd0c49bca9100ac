"""Chromium on a running Heed: one browser for the folder, a new window with its own cookies for each test.

Nothing leaves this machine: the browser can resolve no name but localhost, and a test fails when a page asks for more,
breaks its content security policy, or writes an error to the console.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from tests.browser.origins import Origin, serving
from tests.browser.watch import Watch

PATIENCE = 20_000  # milliseconds that Playwright waits for what a test expects; it goes on as soon as it is there
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)

READER = {"locale": "en-GB", "timezone_id": "UTC", "reduced_motion": "reduce"}

type OpenWindow = Callable[..., Page]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Playwright leaves an event loop running in this thread, which other tests need not live with: browser tests come last."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The Chromium that `make test` found, or one that is installed; else Playwright's own."""
    found = os.environ.get("HEED_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    which = {"executable_path": found} if found else {}
    return {**browser_type_launch_args, **which, "args": list(FLAGS)}


@pytest.fixture(scope="session")
def base_url(live_server: LiveServer) -> str:
    """Where Heed runs: what a path given to `page.goto` is relative to."""
    return str(live_server.url)


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    # Playwright's loop makes Django believe that the ORM is called from a coroutine.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    expect.set_options(timeout=PATIENCE)
    return browser_context_args


@pytest.fixture
def site(base_url: str, settings: Settings) -> str:
    """Where Heed runs, and what it believes of it: links and origins must agree."""
    settings.BASE_URL = base_url
    return base_url


@pytest.fixture
def watch() -> Watch:
    """What the pages of the test did wrong; it must be empty in the end."""
    return Watch()


@pytest.fixture
def open_window(
    site: str, new_context: Callable[..., BrowserContext], watch: Watch
) -> Iterator[OpenWindow]:
    """Opens a page in a window of its own; takes Playwright's options, such as `java_script_enabled=False`."""

    def open_one(**options: Any) -> Page:
        context = new_context(**READER | options)
        context.set_default_timeout(PATIENCE)
        watch.over(context)
        return context.new_page()

    yield open_one
    assert watch.problems == []


@pytest.fixture
def page(open_window: OpenWindow) -> Page:
    return open_window()


@pytest.fixture
def open_origin() -> Iterator[Callable[..., Origin]]:
    """Starts another web site on this machine: see `serving`."""
    with serving() as open_one:
        yield open_one
