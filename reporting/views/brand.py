"""The brand of a realm: what the pages of its lists show where a list says nothing else (S2.2). Realm admins only."""

from functools import partial

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from lists.access import Standing
from lists.lookup import snapshot
from lists.models import List
from lists.views.context import admin_standing
from lists.views.realm_settings import settings_tabs
from reporting.page_editor import Page, Sent, previewed_realm
from reporting.views.page_editor import answer_editor, editor_context, show_preview


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def brand(request: HttpRequest) -> HttpResponse:
    """As `list_page`, of a realm."""
    standing = admin_standing(request)
    show = partial(_show, request, standing)
    return answer_editor(request, standing.realm, show, reverse("brand"), standing.user)


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


def _show(request: HttpRequest, standing: Standing, page: Page, status: int) -> HttpResponse:
    sample = _sample(standing)
    context = editor_context(
        request, standing.realm, page, reverse("brand_preview"), is_global=sample.is_global
    ) | {"realm": standing.realm, "sample": sample, "tabs": settings_tabs("brand", standing)}
    return render(request, "reporting/page_editor.html", context, status=status)
