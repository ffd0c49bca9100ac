"""Settings > Notifications: what a member of a realm wants to be told of (S3.8). Everybody's own."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from lists.access import Standing
from lists.choices import Role
from lists.views.context import current_standing
from lists.views.realm_settings import settings_tabs
from reporting.forms_notifications import ReportsForm, WeeklyForm
from reporting.unsubscription_reports.wishes import (
    Wish,
    reports_of,
    save_wish,
    sms_is_offered,
    wish_of,
)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def notifications(request: HttpRequest) -> HttpResponse:
    """GET shows what the person gets in this realm, and what became of it; POST changes it."""
    standing = current_standing(request)
    reports = reports_of(standing)
    form = _form(request, standing, wish_of(reports))
    if request.method == "POST" and form.is_valid():
        wish = form.wish()
        is_changed = save_wish(standing, wish, timezone.now(), actor=standing.user)
        _confirm(request, standing, wish, is_changed=is_changed)
        return redirect("notifications")
    context = {
        "form": form,
        "reports": reports,
        "realm": standing.realm,
        "tabs": settings_tabs("notifications", standing),
        "email": standing.user.email,
        "is_mailer": standing.role == Role.MAILER,
        "whose": _whose(standing),
    }
    return render(
        request, "reporting/notifications.html", context, status=422 if form.errors else 200
    )


def _form(request: HttpRequest, standing: Standing, wish: Wish) -> ReportsForm | WeeklyForm:
    sent = request.POST if request.method == "POST" else None
    if standing.role == Role.MAILER:
        return WeeklyForm(sent, wish=wish)
    return ReportsForm(
        sent, wish=wish, region=standing.realm.default_region, offers_sms=sms_is_offered(wish)
    )


def _confirm(request: HttpRequest, standing: Standing, wish: Wish, *, is_changed: bool) -> None:
    """S3.8: "A message will appear to confirm the changes"."""
    if standing.role == Role.MAILER:
        said = (
            _("You get a weekly email about what you have not downloaded, on Mondays at 07:00 UTC.")
            if wish.media
            else _("You get no mail about what you have not downloaded.")
        )
    else:
        said = wish.in_words
    if is_changed:
        messages.success(request, f"{_('Saved.')} {said}")
    else:
        messages.info(request, f"{_('Nothing was changed.')} {said}")


def _whose(standing: Standing) -> str:
    """Of which lists they are told, and how addresses look."""
    if standing.role == Role.OWNER:
        return _("Of the lists that you own, with each address.")
    if standing.role == Role.VIEWER:
        return _("Of every list of the realm and its Do Not Mail, with addresses masked.")
    return _("Of every list of the realm and its Do Not Mail, with each address.")
