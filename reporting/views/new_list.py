"""A new list in three steps. What the earlier steps said travels in the form: no draft is kept anywhere."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from lists.actions import NumberTakenError, make_list, next_number, require_free_number
from lists.models import Realm
from lists.models.lists import new_public_id
from lists.views.context import current_standing
from reporting.forms_lists import AfterwardsForm, BasicsForm, WaysForm
from reporting.list_numbers import ListNumberField, say_taken

_SALT = "reporting.new_list"

type StepForm = BasicsForm | WaysForm | AfterwardsForm

_STEPS: tuple[tuple[Promise, type[StepForm]], ...] = (
    (_("Name"), BasicsForm),
    (_("How people opt out"), WaysForm),
    (_("What they see then"), AfterwardsForm),
)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def list_new(request: HttpRequest) -> HttpResponse:
    """GET: step 1. POST `step=n`: the next step, or the same one with errors; after the last one the list is made.

    `back` goes to the step before, whatever the fields say. Only for those who may make lists, else 404.
    """
    standing = current_standing(request)
    if not standing.may_make_lists:
        raise Http404
    if request.method != "POST":
        return _page(request, 1, QueryDict())
    step = _step(request.POST)
    if "back" in request.POST:
        return _page(request, max(step - 1, 1), request.POST)
    filled = [form(request.POST) for _label, form in _STEPS[:step]]
    for number, form in enumerate(filled, start=1):
        if not form.is_valid():
            return _page(request, number, request.POST, status=422)
    values = _values(filled, standing.realm)
    public_id = _read_draft(request.POST)
    try:
        if step < len(_STEPS):
            if values["number"]:
                require_free_number(standing.realm, values["number"], public_id=public_id)
            return _page(request, step + 1, request.POST)
        made = make_list(standing, values | {"public_id": public_id})
    except NumberTakenError as error:
        taken = say_taken(standing, error.holder)
        return _page(request, 1, request.POST, taken=taken, status=422)
    said = gettext("%(list)s is ready. Here is how mailers connect it.")
    messages.success(request, said % {"list": made.name})
    return redirect("list_service", made.public_id)


def _values(filled: list[StepForm], realm: Realm) -> dict[str, Any]:
    """{field of the list: value} of valid forms."""
    values = {name: value for form in filled for name, value in form.values().items()}
    language = values.get("default_language") or realm.default_language
    for form in filled:
        if isinstance(form, AfterwardsForm):
            values |= form.values_in(language)
    return values


def _step(data: QueryDict) -> int:
    sent = data.get("step", "")
    return int(sent) if sent in {"1", "2", "3"} else 1


def _page(
    request: HttpRequest, step: int, data: QueryDict, *, taken: str = "", status: int = 200
) -> HttpResponse:
    """A step, filled in with what was sent before; `taken`: why the list cannot have the number that was typed."""
    form = _STEPS[step - 1][1](data if _was_sent(step, data) else None)
    if taken:
        form.add_error("number", taken)
    context = {
        "step": step,
        "steps": [label for label, _form in _STEPS],
        "form": form,
        "carried": _carried(step, data),
        "draft": signing.dumps(_read_draft(data), salt=_SALT),
        "list_name": data.get("name", ""),
        "number": (not taken and _typed_number(data))
        or next_number(current_standing(request).realm),
    }
    return render(request, "reporting/list_new.html", context, status=status)


def _carried(step: int, data: QueryDict) -> list[tuple[str, str]]:
    """What the other steps said, to be sent along: (name, value)."""
    return [
        (name, data.get(name, ""))
        for number, (_label, form) in enumerate(_STEPS, start=1)
        if number != step and _was_sent(number, data)
        for name in form().fields
    ]


def _typed_number(data: QueryDict) -> int | None:
    """The number that the list shall have, if one was typed that can be read."""
    try:
        return ListNumberField(required=False).clean(data.get("number", ""))
    except ValidationError:
        return None


def _read_draft(data: QueryDict) -> str:
    """The public id that the list will have: chosen at the first step, so that a form sent twice makes one list."""
    try:
        return str(signing.loads(data.get("draft", ""), salt=_SALT))
    except signing.BadSignature:
        return new_public_id()


def _was_sent(step: int, data: QueryDict) -> bool:
    return any(name in data for name in _STEPS[step - 1][1]().fields)
