"""Is it alive; and what is said when it is not, or when there is no such page: in the reader's language."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views import csrf, defaults
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from optout.channels.global_unsubscribe import api
from optout.channels.global_unsubscribe.parameters import wants_api
from optout.channels.rest import door as rest
from optout.languages import reading_of
from reporting.contacts_http import urls as contacts_http


def _language(request: HttpRequest) -> str:
    """The reader's language; the portal's for its paths."""
    # which imports this module
    from config.middleware import PORTAL_LANGUAGE, PORTAL_PATHS

    is_portal = request.path_info.startswith(PORTAL_PATHS)
    return PORTAL_LANGUAGE if is_portal else reading_of(request).code


@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """200 as soon as the web process answers. For load balancers: asks nobody else."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """200 when the database answers too, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("the database does not answer", content_type="text/plain", status=503)
    return HttpResponse("ok", content_type="text/plain")


def outage(request: HttpRequest) -> HttpResponse:
    """503, static: nothing was saved, and trying again is right."""
    path = request.path_info.rstrip("/")
    if path.startswith("/api/"):
        return rest.outage(request)
    if path.startswith(("/ws/", "/v2/")):
        return contacts_http.outage(request)
    is_command = path.endswith("/api_web")
    if path.endswith("/unsubscribe/unsubscribe") and wants_api(request):
        response = api.deny(503)
    elif "text/html" in request.headers.get("Accept", "") and not is_command:
        with translation.override(_language(request)):
            response = HttpResponse(loader.render_to_string("5xx/503.html"), status=503)
    else:
        # Scripts that speak api_web read the answer's first word, not its status.
        verdict = "FAILURE: " if is_command else ""
        response = HttpResponse(
            f"{verdict}We could not save your request. Please send it again.",
            content_type="text/plain",
            status=503,
        )
    for name, value in {
        "Retry-After": "30",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow",
        "Vary": "Accept, Accept-Language",
    }.items():
        response.headers.setdefault(name, value)
    return response


def _in_their_language[**P](
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    @wraps(view)
    def page(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        with translation.override(_language(request)):
            response = view(request, *args, **kwargs)
        patch_vary_headers(response, ["Accept-Language"])
        return response

    return page


# What Django answers by itself (config/urls.py, CSRF_FAILURE_VIEW).
bad_request = _in_their_language(defaults.bad_request)
forbidden = _in_their_language(defaults.permission_denied)
not_found = _in_their_language(defaults.page_not_found)
server_error = _in_their_language(defaults.server_error)
csrf_failure = _in_their_language(csrf.csrf_failure)
