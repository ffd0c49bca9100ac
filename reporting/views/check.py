"""Check an address: may it be contacted, and what happened to it."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from lists.access import Standing
from lists.choices import Role
from lists.models import List
from lists.views.context import current_standing
from optout.addresses import AddressError
from optout.models import OptOut
from reporting.callers import callers_of
from reporting.entries import Entry, as_entries
from reporting.forms_entries import CheckForm
from reporting.quota import count_use
from reporting.subjects import Subject, read_subject
from reporting.timeline import (
    check_lists,
    find_known,
    happenings,
    lists_to_check,
    stated_reasons,
    timeline,
    with_proof,
)

CHECKS_AN_HOUR = 60  # for mailers, who get a yes or no


@login_required
@require_safe
@never_cache
def check_address(request: HttpRequest) -> HttpResponse:
    """GET ?q=: list by list whether that address is suppressed; for everyone but mailers also its history.

    Fails closed: what cannot be asked is an error page, never "may be contacted" (security.md §7.8).
    """
    standing = current_standing(request)
    form = CheckForm(request.GET if "q" in request.GET else None)
    context: dict[str, Any] = {"form": form, "standing": standing, "checked_at": timezone.now()}
    status = 200
    if form.is_valid():
        wait_until = _over_quota(standing)
        if wait_until is not None:
            context |= {"wait_until": wait_until, "most": CHECKS_AN_HOUR}
            status = 429
        else:
            context |= _look_up(standing, form)
    return render(request, "reporting/check.html", context, status=status)


def _over_quota(standing: Standing) -> Any:
    if standing.role != Role.MAILER:
        return None
    return count_use(f"check:{standing.user.pk}", CHECKS_AN_HOUR, timezone.now())


def _look_up(standing: Standing, form: CheckForm) -> dict[str, Any]:
    lists = lists_to_check(standing)
    try:
        subject = read_subject(
            form.cleaned_data["q"], standing.realm.default_region, [each.pk for each in lists]
        )
    except AddressError as error:
        form.add_error("q", str(error))
        return {}
    answers = check_lists(lists, subject)
    is_told = standing.role != Role.MAILER
    contact, history, happened = None, [], []
    if is_told:
        rows = timeline(lists, subject)
        history = _history(lists, rows, standing)
        answers = with_proof(answers, history)
        contact, agreed = find_known(standing, lists, subject, clear=_sees_clear(standing))
        happened = happenings(history, stated_reasons(rows), agreed)
    return {
        "answers": answers,
        "contact": contact,
        "knows_all_lists": standing.role in {Role.ADMIN, Role.VIEWER},
        "is_suppressed": any(answer.is_suppressed for answer in answers),
        "is_suppressed_everywhere": any(
            answer.is_suppressed and answer.optout_list.is_global for answer in answers
        ),
        "is_certain": subject.is_certain,
        "is_hash": subject.hash_kind is not None,
        "is_told": is_told,
        "shown": _shown(subject, standing),
        "history": history,
        "happenings": happened,
    }


def _sees_clear(standing: Standing) -> bool:
    return standing.role in {Role.ADMIN, Role.OWNER}


def _shown(subject: Subject, standing: Standing) -> str:
    """What was asked about, as the proof says it. A hash stays a hash for those who may not see addresses."""
    if subject.address is None or (subject.hash_kind is not None and not _sees_clear(standing)):
        return subject.given
    return subject.address


def _history(
    lists: list[List], rows: list[OptOut], standing: Standing
) -> list[tuple[Entry, List | None]]:
    names = {each.pk: each for each in lists}
    clear = _sees_clear(standing)
    entries = as_entries(rows, clear=clear, evidence=clear, callers=callers_of(rows, standing))
    return [(entry, names.get(entry.list_id)) for entry in entries]
