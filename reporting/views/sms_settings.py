"""Settings › Text messages: numbers, who passes on what people text, and what STOP means (S3.4). Realm admins only."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from lists.models import ConfirmsBy, InboundEndpoint, SmsNumber
from lists.sms import can_send
from lists.sms_actions import SmsSetupError, change_rules
from lists.sms_setup import rules_of
from lists.views.context import admin_standing
from lists.views.realm_settings import settings_tabs
from optout.confirmation_texts import default_texts
from optout.keywords import FIRST_SEVEN
from reporting.forms_sms import SmsRulesForm
from reporting.views.sms_rows import show_endpoint


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def sms_settings(request: HttpRequest) -> HttpResponse:
    """GET shows numbers, endpoints and rules; POST kept_keywords, own_keywords, start_lifts, confirmation_… changes the rules."""
    standing = admin_standing(request)
    realm = standing.realm
    form = SmsRulesForm(
        request.POST if request.method == "POST" else None,
        rules=rules_of(realm.pk),
        sender=realm.sender_name,
        defaults=default_texts(),
    )
    if form.is_valid():
        try:
            changed = change_rules(realm, form.values(), actor=standing.user)
        except SmsSetupError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            if changed:
                messages.success(request, _("Saved. It holds from the next message on."))
            else:
                messages.info(request, _("Nothing was changed."))
            return redirect("sms_settings")
    endpoints = [
        show_endpoint(each)
        for each in InboundEndpoint.objects.filter(realm=realm, removed_at=None).order_by("pk")
    ]
    context: dict[str, Any] = {
        "realm": realm,
        "tabs": settings_tabs("sms_settings", standing),
        "form": form,
        "numbers": SmsNumber.objects.filter(realm=realm).select_related("optout_list"),
        "endpoints": endpoints,
        "lacks_gateway": not can_send()
        and any(each.row.confirms_by == ConfirmsBy.GATEWAY for each in endpoints),
        "always": sorted(FIRST_SEVEN),
    }
    status = 422 if form.errors else 200
    return render(request, "reporting/sms_settings.html", context, status=status)
