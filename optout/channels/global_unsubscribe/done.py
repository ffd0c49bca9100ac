"""What the form leads to: a page that can be reloaded, and its Undo."""

from django.http import HttpRequest, HttpResponse

from optout import screens


def answer(request: HttpRequest, key: str) -> HttpResponse:
    return screens.broken_link(request)
