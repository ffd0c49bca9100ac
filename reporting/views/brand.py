"""The brand of a realm: what the pages of its lists show where a list says nothing else (S2.2). Realm admins only."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from lists.access import Standing
from lists.lookup import snapshot
from lists.models import List
from lists.views.context import admin_standing
from lists.views.realm_settings import settings_tabs
from reporting.page_editor import Page, Sent, known_language, previewed_realm, saved_page
from reporting.views.page_editor import editor_context, say_saved, show_preview, shown_query


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def brand(request: HttpRequest) -> HttpResponse:
    """As `list_page`, of a realm."""
    standing = admin_standing(request)
    realm = standing.realm
    if request.method != "POST":
        language = known_language(realm, request.GET.get("lang", ""))
        return _show(request, standing, saved_page(realm, language))
    sent = Sent(realm, request.POST, request.FILES)
    if "to" in request.POST:
        return _show(request, standing, sent.page(request.POST["to"]))
    if refused := sent.refused(request.POST.get("mend", "")):
        return _show(request, standing, refused, status=422)
    if "mend" in request.POST:
        return _show(request, standing, sent.page(request.POST["mend"]))
    say_saved(request, is_new=sent.save(standing.user))
    return redirect(f"{reverse('brand')}?{shown_query(request, sent)}")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def brand_preview(request: HttpRequest) -> HttpResponse:
    """The page of one of the realm's lists: by GET as the brand is saved, by POST as it would be. Nothing is saved."""
    standing = admin_standing(request)
    realm, shown = standing.realm, snapshot(_sample(standing))
    if request.method != "POST":
        shown = previewed_realm(shown, realm, {}, has_logo=True)
        return show_preview(request, shown, realm.default_language)
    sent = Sent(realm, request.POST, request.FILES)
    shown = previewed_realm(shown, realm, sent.values(), has_logo=not sent.removes_logo)
    return show_preview(request, shown, realm.default_language, sent)


def _sample(standing: Standing) -> List:
    """A list on whose page the brand is shown: the first that is open, else Do Not Mail."""
    lists = standing.lists()
    shown = lists.filter(closed_at=None, number__gt=0).first() or lists.filter(number=0).first()
    if shown is None:
        raise List.DoesNotExist
    return shown


def _show(request: HttpRequest, standing: Standing, page: Page, status: int = 200) -> HttpResponse:
    sample = _sample(standing)
    context = editor_context(
        request, standing.realm, page, reverse("brand_preview"), is_global=sample.is_global
    ) | {"realm": standing.realm, "sample": sample, "tabs": settings_tabs("brand", standing)}
    return render(request, "reporting/page_editor.html", context, status=status)
