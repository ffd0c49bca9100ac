"""The first page after signing in."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from lists.views.context import current_standing


@require_safe
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """GET /manage/: how it stands with the lists that the person may see."""
    standing = current_standing(request)
    return render(request, "reporting/overview.html", {"standing": standing})
