"""Project Settings › Global › Forms: the forms that websites link to by their UUID alone (S1.16). Realm admins only."""

import uuid
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from lists.access import Standing
from lists.global_actions import TooManyError, UuidTakenError, change_form, make_form
from lists.models import Product, Publisher, StoredForm
from lists.views.context import admin_standing
from reporting.global_setup.state import Door, preview_states, read_door
from reporting.global_setup.stored_form import StoredFormForm
from reporting.views.global_catalogue import page_of
from reporting.views.global_settings import global_context


@require_safe
@login_required
def global_forms(request: HttpRequest) -> HttpResponse:
    """GET: the realm's stored forms by name."""
    standing = admin_standing(request)
    forms = StoredForm.objects.filter(realm=standing.realm).select_related("publisher", "product")
    context = global_context(standing, "global_forms") | {
        "page": page_of(request, forms),
        "has_publishers": _publishers(standing).exists(),
    }
    return render(request, "reporting/global_forms.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def global_form_new(request: HttpRequest) -> HttpResponse:
    """POST: make a form; with `preview` among the fields it is shown as it would be, and nothing is saved."""
    standing = admin_standing(request)
    form = _form(request, standing)
    if _is_to_save(request) and form.is_valid():
        try:
            made = make_form(standing.realm, form.values(), actor=standing.user)
        except UuidTakenError as error:
            form.add_error("own_uuid", str(error))
        except TooManyError as error:
            form.add_error(None, str(error))
        else:
            messages.success(
                request, _("The form “%(name)s” is there. Its link is below.") % {"name": made.name}
            )
            return redirect("global_form", made.uuid)
    return _page(request, standing, form)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def global_form(request: HttpRequest, form_uuid: uuid.UUID) -> HttpResponse:
    """POST: change a form; with `preview` among the fields it is shown as it would be, and nothing is saved. The UUID stays."""
    standing = admin_standing(request)
    stored = (
        StoredForm.objects.filter(realm=standing.realm, uuid=form_uuid)
        .select_related("realm", "publisher", "product")
        .first()
    )
    if stored is None:
        raise Http404
    form = _form(request, standing, stored)
    if _is_to_save(request) and form.is_valid():
        if change_form(stored, form.values(), actor=standing.user):
            messages.success(request, _("Saved."))
        else:
            messages.info(request, _("Nothing was changed."))
        return redirect("global_form", stored.uuid)
    return _page(request, standing, form, stored)


def _page(
    request: HttpRequest,
    standing: Standing,
    form: StoredFormForm,
    stored: StoredForm | None = None,
) -> HttpResponse:
    """The form with its preview: of what is saved where nothing else was typed, else of what was typed."""
    door = read_door(standing.realm)
    is_unsaved = request.method == "POST" or stored is None
    preview_url = _preview_url(door, form, None if is_unsaved else stored)
    is_by_uuid = not is_unsaved and stored is not None and stored.is_active
    context = global_context(standing, "global_forms") | {
        "form": form,
        "stored": stored,
        "door": door,
        "is_unsaved": is_unsaved,
        "preview_url": preview_url,
        "preview_states": preview_states(preview_url),
        "shows_labels_of_a_link": form.has_labels and not is_by_uuid,
        "link": f"{door.url}?{urlencode({'uuid': stored.uuid})}" if stored and door.row else "",
    }
    return render(
        request, "reporting/global_form.html", context, status=422 if form.errors else 200
    )


def _preview_url(door: Door, form: StoredFormForm, stored: StoredForm | None) -> str:
    if stored is not None and stored.is_active:
        return door.preview_url(urlencode({"uuid": stored.uuid}))
    return door.preview_url(form.preview_query())


def _is_to_save(request: HttpRequest) -> bool:
    return request.method == "POST" and "preview" not in request.POST


def _form(
    request: HttpRequest, standing: Standing, stored: StoredForm | None = None
) -> StoredFormForm:
    """What was sent is judged when it is to be saved; a preview shows it as it is."""
    form = StoredFormForm(
        request.POST if _is_to_save(request) else None,
        publishers=_publishers(standing),
        products=Product.objects.filter(realm=standing.realm),
        stored=stored,
    )
    if request.method == "POST" and not form.is_bound:
        form.show_again(request.POST)
    return form


def _publishers(standing: Standing) -> QuerySet[Publisher]:
    return Publisher.objects.filter(realm=standing.realm)
