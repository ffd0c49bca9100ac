"""The built-in form (S1.9–S1.14)."""

from django.http import HttpRequest, HttpResponse

from optout import screens
from optout.channels.global_unsubscribe.asked import Asked


def answer(asked: Asked) -> HttpResponse:
    return screens.show_form(asked.visit, asked.email)


def preview(request: HttpRequest, key: str) -> HttpResponse:
    return screens.broken_link(request)
