"""Send editor: writing a text message to a list or a number, and the file of a list's recipients (S3.6)."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from lists import sms
from lists.access import Standing
from lists.choices import Role
from lists.models import List
from lists.models.lists import new_public_id
from lists.views.context import current_standing
from lists.views.recent_sign_in import require_recent_sign_in
from reporting.asked import RefusedError
from reporting.downloads import RETRY_AFTER
from reporting.forms_send import SendForm, SendNowForm
from reporting.send_editor.drafts import Look, look_at
from reporting.send_editor.files import answer_with_recipients
from reporting.send_editor.messages import check_target
from reporting.send_editor.senders import check_sender
from reporting.send_editor.sent import MOST_SHOWN, SentMessage, messages_of, sendable_lists
from reporting.send_editor.texts import (
    LIST_ONLY,
    MOST_SEGMENTS,
    NOBODY,
    TOO_LONG,
    TextRefusedError,
)
from reporting.views.download import refuse


@dataclass(frozen=True, slots=True)
class Editor:
    """A person who may send, and the lists that they may send to, closed ones too."""

    standing: Standing
    lists: list[List]

    @property
    def open_lists(self) -> list[List]:
        return [each for each in self.lists if each.closed_at is None]

    def form(self, *args: Any, **options: Any) -> SendForm:
        may_number = self.standing.is_realm_admin or bool(self.lists)
        return SendForm(
            self.standing.realm, self.open_lists, *args, may_number=may_number, **options
        )


def open_editor(request: HttpRequest) -> Editor:
    """The Send editor of the realm that the person chose; Http404 for viewers and mailers."""
    return editor_of(current_standing(request))


def editor_of(standing: Standing) -> Editor:
    """The same of that standing."""
    if standing.role not in {Role.ADMIN, Role.OWNER}:
        raise Http404
    return Editor(standing, sendable_lists(standing))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def send_editor(request: HttpRequest) -> HttpResponse:
    """GET: New Message, and those before it. POST `do`: `link` inserts the opt-out link, `plain` plain characters, `look` counts
    and shows what one recipient would read, `send` leads to the page that asks once more, `edit` comes back from there."""
    editor = open_editor(request)
    if request.method != "POST":
        chosen = request.GET.get("list", "")
        return show_editor(request, editor, editor.form(initial={"optout_list": chosen}))
    form, do = editor.form(request.POST), request.POST.get("do", "")
    if do == "send" and form.is_valid():
        look = look_at(form.draft())
        refused = _refusal(form, look)
        if refused is None:
            now_form = SendNowForm(initial={"name": new_public_id()})
            return show_confirm(request, form, now_form, look)
        form.add_refusal(refused)
    if do in {"look", "send"}:
        return show_editor(request, editor, form)
    given = form.given()
    if do == "link" and form.is_to_list:
        given = form.with_link()
    elif do == "plain":
        given = form.with_plain_characters()
    return show_editor(request, editor, editor.form(initial=given))


@login_required
@require_POST
def send_recipients(request: HttpRequest) -> HttpResponseBase:
    """POST: the list's recipients with a link each, and with the message as each would get it, streamed as .csv.

    For a spreadsheet; with `raw=1` for a gateway (AT-23). It holds numbers in clear: for people who signed in lately
    (security.md §5), one at a time, and audited.
    """
    editor = open_editor(request)
    form = editor.form(request.POST, needs_text=False)
    draft = form.draft()
    if not form.is_to_list:
        form.add_error("kind", str(LIST_ONLY))
    if not form.is_valid() or draft.optout_list is None:
        return show_editor(request, editor, form)
    require_recent_sign_in(request)
    response = answer_with_recipients(
        request,
        draft.optout_list,
        form.cleaned_data["text"],
        is_raw=request.POST.get("raw") == "1",
        actor=editor.standing.user,
    )
    if response is None:
        busy = _("Too many downloads at once. Please come back in %(seconds)d seconds.")
        return refuse(RefusedError(503, busy % {"seconds": RETRY_AFTER}))
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def show_editor(request: HttpRequest, editor: Editor, form: SendForm) -> HttpResponse:
    """The page with this form, and what its message would become."""
    draft = form.draft()
    sent = messages_of(editor.standing, editor.lists)[:MOST_SHOWN]
    context = {
        "standing": editor.standing,
        "form": form,
        "may_send": bool(editor.open_lists) or editor.standing.is_realm_admin,
        "draft": draft,
        "look": look_at(draft),
        "is_to_list": form.is_to_list,
        "list_only": LIST_ONLY,
        "nobody": NOBODY,
        "too_long": TOO_LONG,
        "most_segments": MOST_SEGMENTS,
        "can_send": sms.can_send(),
        "messages_sent": [SentMessage(each) for each in sent],
    }
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "reporting/send_editor.html", context, status=status)


def show_confirm(
    request: HttpRequest, form: SendForm, now_form: SendNowForm, look: Look | None = None
) -> HttpResponse:
    """The page that asks once more: a message that is out cannot be taken back."""
    draft = form.draft()
    context = {
        "draft": draft,
        "look": look or look_at(draft),
        "given": form.given(),
        "now_form": now_form,
        "sender": draft.sender or settings.SMS_FROM,
    }
    return render(request, "reporting/send_confirm.html", context)


def _refusal(form: SendForm, look: Look) -> TextRefusedError | None:
    """Why a valid form cannot be sent all the same."""
    draft = form.draft()
    try:
        check_target(draft.realm, draft.optout_list, draft.number)
        check_sender(draft.optout_list, draft.sender)
    except TextRefusedError as error:
        return error
    if not sms.can_send():
        return TextRefusedError(_("This installation has no SMS gateway."), "list")
    if look.is_for_nobody:
        return TextRefusedError(NOBODY, "list")
    return None
