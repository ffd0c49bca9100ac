"""The address without a path: what this is, and where to sign in. No cookie, no query."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.http import require_safe


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """GET /. In English, as the portal that it leads to."""
    with translation.override("en"):
        return render(request, "lists/front.html")
