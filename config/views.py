"""Is it alive; and what is said when it is not."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from optout.channels.global_unsubscribe import api
from optout.channels.global_unsubscribe.parameters import wants_api
from optout.channels.rest import door as rest
from reporting.contacts_http import urls as contacts_http


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
        "Vary": "Accept",
    }.items():
        response.headers.setdefault(name, value)
    return response
