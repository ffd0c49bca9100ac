"""Send editor: sending for good, how far a message is, and stopping it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from lists.lookup import snapshot
from lists.models.lists import new_public_id
from lists.views.context import standing_in
from lists.views.recent_sign_in import require_recent_sign_in
from reporting.forms_send import SendNowForm
from reporting.models import TextMessage
from reporting.send_editor.messages import make_message, stop_message
from reporting.send_editor.recipients import count_readers
from reporting.send_editor.sent import MOST_MISSED, SentMessage, messages_of, missed_of
from reporting.send_editor.texts import TextRefusedError
from reporting.views.send_editor import editor_of, open_editor, show_confirm, show_editor


@login_required
@require_POST
def send_message(request: HttpRequest) -> HttpResponse:
    """POST: hand the message over to the worker. Pressed twice, it goes out once. For people who signed in lately."""
    editor = open_editor(request)
    form, now_form = editor.form(request.POST), SendNowForm(request.POST)
    if not form.is_valid():
        return show_editor(request, editor, form)
    if not now_form.is_valid():
        return show_confirm(request, form, SendNowForm(initial={"name": new_public_id()}))
    require_recent_sign_in(request)
    draft, realm = form.draft(), editor.standing.realm
    try:
        message = make_message(
            realm,
            optout_list=draft.optout_list,
            number=draft.number,
            text=form.cleaned_data["text"],
            sender=draft.sender,
            actor=editor.standing.user,
            now=timezone.now(),
            recipients=None
            if draft.optout_list is None
            else count_readers(snapshot(draft.optout_list)),
            public_id=now_form.cleaned_data["name"],
        )
    except TextRefusedError as error:
        form.add_refusal(error)
        return show_editor(request, editor, form)
    return redirect("text_message", message.public_id)


@login_required
@require_safe
@never_cache
def text_message(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET: how far it is, and who did not get it."""
    message = _open_message(request, public_id)
    missed = missed_of(message)
    context = {
        "shown": SentMessage(message),
        "missed": missed,
        "missed_more": max(0, message.refused + message.unknown - MOST_MISSED),
    }
    return render(request, "reporting/send_message.html", context)


@login_required
@require_POST
def stop_text_message(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST: send nothing more of it."""
    message = _open_message(request, public_id)
    user = editor_of(standing_in(request, message.realm_id)).standing.user
    if stop_message(message, actor=user, now=timezone.now()):
        messages.success(request, _("Stopped. Nobody else gets this message."))
    else:
        messages.info(request, _("It was over already."))
    return redirect("text_message", public_id)


def _open_message(request: HttpRequest, public_id: str) -> TextMessage:
    """The message of that name, in whichever realm of theirs; else Http404."""
    if not (public_id.isascii() and public_id.isalnum()):  # a NUL is nothing to ask the database
        raise Http404
    realm_id = TextMessage.objects.filter(public_id=public_id).values_list("realm_id", flat=True)
    for found in realm_id:
        editor = editor_of(standing_in(request, found))
        message = messages_of(editor.standing, editor.lists).filter(public_id=public_id).first()
        if message is not None:
            return message
    raise Http404
