"""Project Settings › Global › Unsubscribe: the switch, who may use the door, and what websites send (S1.3). Realm admins only.

Here and not in `lists`, beside the realm's other settings, since it tells the reader their own IP.
"""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from lists.access import Standing
from lists.global_actions import change_global_unsubscribe
from lists.realm_hosts import HostTakenError, fixed_hosts
from lists.views.context import Tab, admin_standing
from lists.views.realm_settings import settings_tabs
from lists.views.recent_sign_in import require_recent_sign_in
from optout.client_ip import client_ip
from reporting.global_setup.forms import OPTION, GlobalSettingsForm
from reporting.global_setup.snippets import examples
from reporting.global_setup.state import (
    Door,
    preview_states,
    read_door,
    read_set_up,
    requests_lately,
)
from reporting.soon import soon

_TABS = (
    (_("Unsubscribe"), "global_settings"),
    (_("Products"), "global_products"),
    (_("Publishers"), "global_publishers"),
    (_("Forms"), "global_forms"),
)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def global_settings(request: HttpRequest) -> HttpResponse:
    """GET shows everything; POST is_on, hosts, server_ips changes it.

    Changing the servers asks for the password first when the sign-in is old (security.md §5); switching off what is in use asks
    once more (`confirm_off`), and so does taking a host name from it (`confirm_hosts`).
    """
    standing = admin_standing(request)
    door = read_door(standing.realm)
    requests = requests_lately(standing.realm, timezone.now()) if door.row else 0
    is_sent = request.method == "POST"
    form = GlobalSettingsForm(
        request.POST if is_sent else None,
        door=door.row,
        hosts=door.hosts,
        requests=requests,
        your_ip=str(client_ip(request) or ""),
        fixed_hosts=fixed_hosts(standing.realm, standing.user) if is_sent else (),
    )
    if is_sent and form.is_valid():
        values = form.values()
        if door.row is not None and values["server_ips"] != door.row.server_ips:
            require_recent_sign_in(request)
        try:
            changed = change_global_unsubscribe(standing.realm, values, actor=standing.user)
        except HostTakenError as error:
            form.add_error("hosts", str(error))
        else:
            _say(request, changed, is_on=values["is_on"])
            return redirect("global_settings")
    return _show(request, standing, door, form, requests)


def global_context(standing: Standing, current: str) -> dict[str, Any]:
    """What `reporting/global_head.html` needs; `current` is the url name of the tab that is open."""
    return {
        "realm": standing.realm,
        "tabs": settings_tabs("global_settings", standing),
        "global_tabs": [Tab(label, reverse(name), name == current) for label, name in _TABS],
        "global_place": next(label for label, name in _TABS if name == current),
    }


def _show(
    request: HttpRequest, standing: Standing, door: Door, form: GlobalSettingsForm, requests: int
) -> HttpResponse:
    set_up = read_set_up(standing.realm)
    url = door.url
    preview_url = door.preview_url(f"uuid={set_up.uuid}" if set_up.uuid else "")
    context = global_context(standing, "global_settings") | {
        "form": form,
        "door": door,
        "url": url,
        "key_url": door.key_url if door.key_url != url else "",
        "set_up": set_up,
        "requests": requests,
        "report_url": reverse("global_unsubscribe_report") if door.is_on else "",
        "global_examples": examples(url, set_up.product_number, set_up.uuid) if url else [],
        "preview_url": preview_url,
        "preview_states": preview_states(preview_url),
    }
    return render(
        request, "reporting/global_settings.html", context, status=422 if form.errors else 200
    )


def _say(request: HttpRequest, changed: list[str], *, is_on: bool) -> None:
    if "is_on" in changed and is_on:
        said = gettext("%(option)s is on. Requests are taken %(soon)s.")
        messages.success(request, said % {"option": OPTION, "soon": soon()})
    elif "is_on" in changed:
        said = gettext(
            "%(option)s is off. Requests are answered with 404 %(soon)s; nothing that was recorded is lost."
        )
        messages.success(request, said % {"option": OPTION, "soon": soon()})
    elif changed:
        messages.success(request, gettext("Saved. It holds %(soon)s.") % {"soon": soon()})
    else:
        messages.info(request, gettext("Nothing was changed."))
