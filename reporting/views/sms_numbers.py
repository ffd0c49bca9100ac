"""Settings › Text messages: the numbers that people text (S3.4). Realm admins only."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from lists.access import Standing
from lists.models import SmsNumber
from lists.sms_actions import SmsSetupError, change_number, make_number, remove_number
from lists.views.context import admin_standing
from reporting.forms_sms import SmsNumberForm


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def sms_number_new(request: HttpRequest) -> HttpResponse:
    """POST number, label, optout_list: add a number."""
    standing = admin_standing(request)
    form = _form(request, standing)
    if form.is_valid():
        try:
            made = make_number(standing.realm, **form.values(), actor=standing.user)
        except SmsSetupError as error:
            _add_error(form, error)
        else:
            messages.success(
                request, _("The number %(number)s is there.") % {"number": made.number}
            )
            return redirect("sms_settings")
    return _page(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def sms_number(request: HttpRequest, number_id: int) -> HttpResponse:
    """POST number, label, optout_list: change a number."""
    standing, row = _open(request, number_id)
    form = _form(request, standing, row)
    if form.is_valid():
        try:
            changed = change_number(row, form.values(), actor=standing.user)
        except SmsSetupError as error:
            _add_error(form, error)
        except SmsNumber.DoesNotExist:  # removed while this request was on its way
            raise Http404 from None
        else:
            if changed:
                messages.success(request, _("Saved. It holds from the next message on."))
            else:
                messages.info(request, _("Nothing was changed."))
            return redirect("sms_settings")
    return _page(request, form, SmsNumber.objects.get(pk=row.pk))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def sms_number_remove(request: HttpRequest, number_id: int) -> HttpResponse:
    """GET asks; POST removes it."""
    standing, row = _open(request, number_id)
    if request.method == "POST":
        remove_number(row, actor=standing.user)
        messages.success(request, _("The number %(number)s is removed.") % {"number": row.number})
        return redirect("sms_settings")
    return render(request, "reporting/sms_number_remove.html", {"number": row})


def _open(request: HttpRequest, number_id: int) -> tuple[Standing, SmsNumber]:
    standing = admin_standing(request)
    rows = SmsNumber.objects.filter(realm=standing.realm, pk=number_id)
    row = rows.select_related("realm", "optout_list").first()
    if row is None:
        raise Http404
    return standing, row


def _form(
    request: HttpRequest, standing: Standing, stored: SmsNumber | None = None
) -> SmsNumberForm:
    return SmsNumberForm(
        request.POST if request.method == "POST" else None,
        realm=standing.realm,
        stored=stored,
    )


def _add_error(form: SmsNumberForm, error: SmsSetupError) -> None:
    form.add_error(error.field if error.field in form.fields else None, str(error))


def _page(
    request: HttpRequest, form: SmsNumberForm, number: SmsNumber | None = None
) -> HttpResponse:
    context = {"form": form, "number": number}
    status = 422 if form.errors else 200
    return render(request, "reporting/sms_number.html", context, status=status)
