"""The doors to a download: with a key, for programs; from the portal, for people."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from lists.access import Permission, open_list
from lists.lookup import snapshot
from lists.models import User
from lists.views.recent_sign_in import require_recent_sign_in
from reporting import downloads
from reporting.asked import RefusedError, parse_asked


@csrf_exempt  # a program that POSTs is told which methods there are, not that its page is too old
@require_safe
def download(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """`/d/<public_id>?key=…`: the list's suppressions, for whoever has its key and, if it has a whitelist, is on it (S0.13)."""
    try:
        optout_list = downloads.find_list(public_id)
        now = timezone.now()
        reader = downloads.find_reader(optout_list, downloads.given_key(request), now)
        downloads.check_whitelist(request, optout_list)
        asked = parse_asked(request.GET)
        if reader.key is not None and request.method == "GET":
            downloads.note_use(reader.key, now)
        return downloads.stream_suppressions(request, optout_list, asked, reader)
    except RefusedError as refusal:
        return refuse(refusal)


@login_required
@require_safe
def portal_download(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """The same file from the portal, for people who may download the list and signed in lately (security.md §5)."""
    opened = open_list(request.user, public_id, Permission.DOWNLOAD)
    require_recent_sign_in(request)
    user = request.user if isinstance(request.user, User) else None
    reader = downloads.Reader(
        None, user, opened.may(Permission.CLEAR), is_owner=opened.may(Permission.EDIT)
    )
    try:
        asked = parse_asked(request.GET)
        return downloads.stream_suppressions(request, snapshot(opened.optout_list), asked, reader)
    except RefusedError as refusal:
        return refuse(refusal)


def refuse(refusal: RefusedError) -> HttpResponse:
    """One line of plain text: the reader is a program's log, or the person who set it up."""
    response = HttpResponse(
        f"{refusal}\n", status=refusal.status, content_type="text/plain; charset=utf-8"
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if refusal.status == 503:
        response.headers["Retry-After"] = str(downloads.RETRY_AFTER)
    return response
