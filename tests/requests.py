"""What Django's test client does for each browser, and for each part of a page, done once: a fifth of what a request costs."""

from typing import Any

from django.core.signals import setting_changed
from django.template import Context, Template
from django.test import client, utils

_noted = utils.instrumented_test_render  # type: ignore[attr-defined]
_load = client.ClientHandler.load_middleware
_loaded: dict[str, Any] = {}


def be_quick() -> None:
    """Put these in the place of Django's own."""
    utils.instrumented_test_render = _note_page  # type: ignore[attr-defined]
    client.ClientHandler.load_middleware = _load_once  # type: ignore[assignment,method-assign]
    setting_changed.connect(_forget)


def _note_page(self: Template, context: Context) -> Any:
    """Note what a page was rendered from, for `response.context`. Django copies all that is known for each part of a page too,
    down to the options of its fields.
    """
    if context.template is self:
        return _noted(self, context)
    return self.nodelist.render(context)


def _load_once(self: client.ClientHandler, is_async: bool = False) -> None:
    """Give a browser the middleware of those before it, unless a setting was changed since."""
    if not _loaded:
        first = client.ClientHandler()
        _load(first, is_async)
        own = {"enforce_csrf_checks"}
        _loaded.update({name: value for name, value in vars(first).items() if name not in own})
    vars(self).update(_loaded)


def _forget(**_: Any) -> None:
    _loaded.clear()
