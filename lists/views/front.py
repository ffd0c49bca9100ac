"""The address without a path: what this is, and where to sign in. No cookie, no query."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """GET /. Recipients come here with half a link: it speaks their browser's language, in the portal's frame."""
    code = translation.get_language_from_request(request)
    direction = "rtl" if translation.get_language_info(code)["bidi"] else "ltr"
    with translation.override("en"):
        page = render(request, "lists/front.html", {"code": code, "direction": direction})
    patch_vary_headers(page, ["Accept-Language"])
    return page
