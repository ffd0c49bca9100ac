"""An eye on everything that the pages of a test do."""

from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response, WebError

HERE = {"localhost", "127.0.0.1"}
# Chromium writes this for each answer from 400 up; pages that answer so are opened on purpose, and the rest is looked at below.
_STATUS = "Failed to load resource: the server responded with a status of"


class Watch:
    """Collects what no page may do: foreign requests, console errors (CSP violations among them), broken resources."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.requests: list[Request] = []  # in their order

    def over(self, context: BrowserContext) -> None:
        """Look at all pages of this window."""
        context.on("request", self._look_at_request)
        context.on("requestfailed", self._look_at_failure)
        context.on("response", self._look_at_response)
        context.on("console", self._look_at_console)
        context.on("weberror", self._look_at_error)

    def _look_at_request(self, request: Request) -> None:
        self.requests.append(request)
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname not in HERE:
            self.problems.append(f"asked for {request.url}")

    def _look_at_failure(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the page was left, or it became a download
            self.problems.append(f"{request.failure}: {request.url}")

    def _look_at_response(self, response: Response) -> None:
        if response.status >= 400 and not response.request.is_navigation_request():
            self.problems.append(f"{response.status}: {response.url}")
        if response.status >= 500:
            self.problems.append(f"{response.status}: {response.url}")

    def _look_at_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_STATUS):
            self.problems.append(f"console: {message.text}")

    def _look_at_error(self, error: WebError) -> None:
        self.problems.append(f"script: {error.error}")
