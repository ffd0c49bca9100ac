"""What holds for every list of a realm (S0.8, S3.14)."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from lists.actions import change_realm
from lists.forms import RealmForm
from lists.models import Realm
from lists.views.context import Tab, admin_standing


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def settings(request: HttpRequest) -> HttpResponse:
    """GET shows the form; POST saves it, or shows it again with what is wrong. Realm admins only."""
    standing = admin_standing(request)
    realm = Realm.objects.get(pk=standing.realm.pk)  # the form changes the one it is given
    form = RealmForm(request.POST if request.method == "POST" else None, instance=realm)
    if request.method == "POST" and form.is_valid():
        if change_realm(standing.realm, form.values(), actor=standing.user):
            messages.success(request, "Saved. It holds for every list that does not say otherwise.")
        else:
            messages.info(request, "Nothing was changed.")
        return redirect("settings")
    context = {"form": form, "realm": standing.realm, "tabs": settings_tabs("settings")}
    return render(request, "lists/settings.html", context, status=422 if form.errors else 200)


def settings_tabs(current: str) -> list[Tab]:
    """The screens below Settings; `current` is the url name of the one that is open."""
    screens = (
        ("Realm", "settings"),
        ("API", "api_settings"),
        ("API keys", "api_keys"),
        ("Global", "global_settings"),
    )
    return [Tab(label, reverse(name), name == current) for label, name in screens]
