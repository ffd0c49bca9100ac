"""The lists of a realm, each with its Service button (S0.1)."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from lists.views.context import current_standing


@require_safe
@login_required
def lists(request: HttpRequest) -> HttpResponse:
    """GET /manage/lists/: the lists that the person knows of."""
    standing = current_standing(request)
    return render(request, "reporting/lists.html", {"standing": standing})
