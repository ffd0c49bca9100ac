"""What holds for every list of a realm (S0.8, S3.14)."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from lists.access import Standing
from lists.actions import change_realm
from lists.choices import Role
from lists.forms import RealmForm
from lists.models import Realm
from lists.views.context import Tab, current_standing

_ADMINS = frozenset({Role.ADMIN})
_SCREENS = (
    # label, url name, who may open it (an operator counts as realm admin)
    (_("Realm"), "settings", _ADMINS),
    (_("Brand"), "brand", _ADMINS),
    ("API", "api_settings", _ADMINS),
    (_("API keys"), "api_keys", _ADMINS),
    (_("Global"), "global_settings", _ADMINS),
    (_("Text messages"), "sms_settings", _ADMINS),
    (_("Webhook Management"), "webhooks", _ADMINS | {Role.OWNER}),
    (_("Notifications"), "notifications", frozenset(Role)),
)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def settings(request: HttpRequest) -> HttpResponse:
    """GET shows the form; POST saves it, or shows it again with what is wrong. Realm admins only.

    Settings is in everybody's navigation and leads here: whoever may not is led on to the first screen that they may open.
    """
    standing = current_standing(request)
    if not standing.is_realm_admin:
        tabs = settings_tabs("settings", standing)
        if request.method == "POST" or not tabs:
            raise Http404
        return redirect(tabs[0].href)
    realm = Realm.objects.get(pk=standing.realm.pk)  # the form changes the one it is given
    form = RealmForm(request.POST if request.method == "POST" else None, instance=realm)
    if request.method == "POST" and form.is_valid():
        if change_realm(standing.realm, form.values(), actor=standing.user):
            messages.success(
                request, gettext("Saved. It holds for every list that does not say otherwise.")
            )
        else:
            messages.info(request, gettext("Nothing was changed."))
        return redirect("settings")
    context = {"form": form, "realm": standing.realm, "tabs": settings_tabs("settings", standing)}
    return render(request, "lists/settings.html", context, status=422 if form.errors else 200)


def settings_tabs(current: str, standing: Standing) -> list[Tab]:
    """The screens below Settings that this person may open; `current` is the url name of the one that is open."""
    tabs = []
    for label, name, roles in _SCREENS:
        if standing.role in roles:
            try:
                tabs.append(Tab(label, reverse(name), name == current))
            except NoReverseMatch:  # a screen that is not built yet
                continue
    return tabs
