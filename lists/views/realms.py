"""Which realm one looks at."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from lists.access import get_standing
from lists.views.context import SESSION_KEY


@require_POST
@login_required
def switch_realm(request: HttpRequest) -> HttpResponse:
    """POST realm=<name>: look at that realm from now on; 404 for a realm one is not in."""
    standing = get_standing(request.user, request.POST.get("realm", ""))
    request.session[SESSION_KEY] = standing.realm.name
    return redirect("overview")
