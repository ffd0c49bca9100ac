"""The link in the mail of an unsubscription report, which switches that mail off. Whoever has the link may: nobody signs in."""

import re

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import override
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from lists.mail import ENGLISH
from optout.replies import DONE, text
from reporting.unsubscription_reports.switching_off import read_off_token, switch_off


@override(ENGLISH)  # as all of the portal
@csrf_exempt  # a mail provider has no form of ours (RFC 8058); the link is what may switch it off
@require_http_methods(["GET", "HEAD", "POST"])
def report_off(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a page with one button; POST switches it off. Http404 for a link that is not ours, or was cut off."""
    mailed = read_off_token(re.sub(r"[^\w-]+\Z", "", token))  # the full stop after a link
    if mailed is None:
        raise Http404
    if request.method == "POST":
        switch_off(mailed)
        if "List-Unsubscribe" in request.POST:
            return text(DONE, 200)
        return _kept_to_oneself(HttpResponse(status=303, headers={"Location": request.path}))
    context = {"mailed": mailed, "is_on": mailed.is_on}
    return _kept_to_oneself(render(request, "reporting/report_off.html", context))


def _kept_to_oneself(response: HttpResponse) -> HttpResponse:
    """No cache has it, no search engine, and no other website hears of the link."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
