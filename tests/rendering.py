"""Noting what a page was rendered from, for `response.context`: once a page, where Django does it for each template in it."""

from typing import Any

from django.template import Context, Template
from django.test import utils

_noted = utils.instrumented_test_render  # type: ignore[attr-defined]


def note_pages(self: Template, context: Context) -> Any:
    """Instead of django.test.utils.instrumented_test_render, which copies all that is known for each part, and each option of
    each field, of a page.
    """
    if context.template is self:
        return _noted(self, context)
    return self.nodelist.render(context)
