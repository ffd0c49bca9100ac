"""The hosted page of a list: what is written on it, how it looks, and a preview of every state in every language."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from lists.access import OpenedList, Permission, open_list
from lists.choices import Language
from lists.logos import find_logo, read_logo, to_show
from lists.lookup import ListSnapshot, snapshot
from lists.models import List, Realm, User
from lists.views.context import list_context
from optout.languages import choose_language
from optout.preview import show_state
from reporting.forms_page import contrast_of
from reporting.page_editor import Page, Sent, known_language, previewed, saved_page
from reporting.page_states import known_state, state_groups
from reporting.page_texts import default_language, languages_with_texts

SCHEMES = ("light", "dark")
_SCHEME = re.compile(rb"\(prefers-color-scheme: ?dark\)")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def list_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET `?lang=…&state=…` shows the editor. POST saves; with `to=<language>` it goes on in that language and saves nothing,
    with `mend=<language>` too, and says what is wrong there."""
    opened = open_list(request.user, public_id, Permission.EDIT)
    return answer_editor(
        request,
        opened.optout_list,
        partial(_show, request, opened),
        reverse("list_page", args=[public_id]),
        opened.standing.user,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def list_page_preview(request: HttpRequest, public_id: str) -> HttpResponse:
    """The hosted page in a state and a language: by GET as it is saved, by POST as it would be. Nothing is saved."""
    opened = open_list(request.user, public_id, Permission.EDIT)
    optout_list = opened.optout_list
    shown = snapshot(optout_list)
    if request.method != "POST":
        return show_preview(request, shown, default_language(optout_list))
    sent = Sent(optout_list, request.POST, request.FILES)
    shown = previewed(shown, optout_list, sent.values(), has_own_logo=not sent.removes_logo)
    return show_preview(request, shown, default_language(optout_list), sent)


def answer_editor(
    request: HttpRequest,
    of: List | Realm,
    show: Callable[[Page, int], HttpResponse],
    address: str,
    user: User,
) -> HttpResponse:
    """What the editor of a list or a realm at that address answers: `show` makes a page of it, with that status."""
    if request.method != "POST":
        return show(saved_page(of, known_language(of, request.GET.get("lang", ""))), 200)
    sent = Sent(of, request.POST, request.FILES)
    if "to" in request.POST:
        return show(sent.page(request.POST["to"]), 200)
    if refused := sent.refused(request.POST.get("mend", "")):
        return show(refused, 422)
    if "mend" in request.POST:
        return show(sent.page(request.POST["mend"]), 200)
    _say_saved(request, is_new=sent.save(user))
    return redirect(f"{address}?{_shown_query(request, sent)}")


def show_preview(
    request: HttpRequest, shown: ListSnapshot, default: str, sent: Sent | None = None
) -> HttpResponse:
    """A page that does nothing, in the frame of the editor: in what was chosen there, or in what its address says."""
    asked = request.GET if sent is None else request.POST
    language = sent.texts.language if sent else asked.get("lang", "")
    reading = choose_language(language or default, "")
    logo = to_show(sent.logo) if sent and sent.logo else None
    page = show_state(known_state(asked.get("state", "")), shown, reading, logo)
    policy = page.headers["Content-Security-Policy"]
    page.headers["Content-Security-Policy"] = policy.replace(
        "form-action 'self'", "form-action 'none'"
    )
    _light_or_dark(page, asked.get("scheme", ""))
    return page


def editor_context(
    request: HttpRequest, subject: List | Realm, page: Page, preview: str, *, is_global: bool
) -> dict[str, Any]:
    """What `page_editor.html` shows, of a list or of a realm; `preview` is the address of its preview."""
    asked = request.POST if request.method == "POST" else request.GET
    state, scheme = known_state(asked.get("state", "")), asked.get("scheme", "")
    written, default = languages_with_texts(subject), default_language(subject)
    optout_list = subject if isinstance(subject, List) else None
    realm = subject.realm if isinstance(subject, List) else subject
    own_logo = find_logo(realm, optout_list)
    colour = page.brand["colour"].value() or (realm.colour if optout_list else "")
    return {
        "page": page,
        "problems": [*_problems(page.texts), *_problems(page.brand)],
        "problems_elsewhere": [
            (texts.language, Language(texts.language).label, label, error)
            for texts in page.elsewhere
            for _id, label, error in _problems(texts)
        ],
        "languages": [
            (code, name, code in written, code in page.drafts) for code, name in Language.choices
        ],
        "unsaved": [name for code, name in Language.choices if code in page.drafts],
        "language_name": Language(page.language).label,
        "is_default": page.language == default,
        "default_name": Language(default).label,
        "logo": to_show(page.logo) if page.logo else read_logo(own_logo),
        "has_own_logo": own_logo is not None,
        "realm_logo": read_logo(find_logo(realm, None)) if optout_list else None,
        "colour": colour,
        "contrast": contrast_of(str(colour)),
        "groups": state_groups(is_global=is_global),
        "state": state,
        "scheme": scheme if scheme in SCHEMES else "",
        "preview_url": preview,
        "frame_url": f"{preview}?{urlencode({'state': state, 'lang': page.language, 'scheme': scheme})}",
    }


def _say_saved(request: HttpRequest, *, is_new: bool) -> None:
    """Tell on the next page what became of it."""
    if is_new:
        messages.success(request, _("Saved."))
    else:
        messages.info(request, _("Nothing was changed."))


def _shown_query(request: HttpRequest, sent: Sent) -> str:
    """What the editor's address says, so that it opens where one was."""
    kept = {name: request.POST.get(name, "") for name in ("state", "scheme")}
    return urlencode(
        {"lang": sent.texts.language} | {name: value for name, value in kept.items() if value}
    )


def _show(request: HttpRequest, opened: OpenedList, page: Page, status: int) -> HttpResponse:
    optout_list = opened.optout_list
    preview = reverse("list_page_preview", args=[optout_list.public_id])
    context = list_context(opened, "list_page") | editor_context(
        request, optout_list, page, preview, is_global=optout_list.is_global
    )
    return render(request, "reporting/page_editor.html", context, status=status)


def _problems(form: Any) -> list[tuple[str, str, str]]:
    """(id of the field, its label, what is wrong with it)."""
    return [
        (form[name].auto_id, str(form[name].label), str(error))
        for name, errors in form.errors.items()
        for error in errors
    ]


def _light_or_dark(page: HttpResponse, scheme: str) -> None:
    """Show a page light or dark, whatever the browser prefers."""
    if scheme not in SCHEMES:
        return
    always = b"all" if scheme == "dark" else b"not all"
    css = page.content.replace(b"color-scheme:light dark", b"color-scheme:" + scheme.encode())
    page.content = _SCHEME.sub(always, css)
