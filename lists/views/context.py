"""What every portal page knows: who is signed in, in which realm, and where one can go from here."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from lists.access import OpenedList, Permission, Standing, standings
from lists.choices import DirectLinkMode, Role

SESSION_KEY = "realm"

_EVERYBODY = frozenset(Role)
_NAVIGATION = (
    # label, url name, first part of the path below /manage/, who sees it (an operator counts as realm admin)
    (_("Overview"), "overview", "", _EVERYBODY),
    (_("Lists"), "lists", "lists", _EVERYBODY),
    (_("Reports"), "reports", "reports", _EVERYBODY - {Role.MAILER}),
    (_("Send editor"), "send_editor", "send", {Role.ADMIN, Role.OWNER}),
    (_("Webhooks"), "webhooks", "webhooks", {Role.ADMIN, Role.OWNER}),
    (_("Team"), "team", "team", {Role.ADMIN}),
    (_("Settings"), "settings", "settings", _EVERYBODY),
)
_TABS = (
    (_("Service"), "list_service", Permission.SEE),
    (_("Entries"), "list_entries", Permission.ENTRIES),
    (_("Contacts"), "list_contacts", Permission.ENTRIES),
    (_("Quarantine"), "list_quarantine", Permission.EDIT),
    (_("Access"), "list_access", Permission.EDIT),
    (_("Hosted page"), "list_page", Permission.EDIT),
    (_("Edit"), "list_settings", Permission.EDIT),
)
_NOT_OF_DO_NOT_MAIL = frozenset({"list_contacts"})


@dataclass(frozen=True, slots=True)
class Tab:
    """A place one can go to."""

    label: str | Promise
    href: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Portal:
    """What the header shows. `standing` is None for somebody who is in no realm."""

    standing: Standing | None
    standings: list[Standing]
    navigation: list[Tab]

    @property
    def support_address(self) -> str:
        """Where one gets help with Heed itself (S3.14)."""
        return str(settings.SUPPORT_ADDRESS)

    @property
    def has_choice(self) -> bool:
        """Whether there is more than one realm to choose from."""
        return len(self.standings) > 1


def portal(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `portal`, read with one query when a template first looks at it. Nothing on public pages."""
    if getattr(request, "user", None) is None:
        return {}
    return {"portal": SimpleLazyObject(lambda: _portal(request))}


def current_standing(request: HttpRequest) -> Standing:
    """The person's place in the realm they chose last, or in their first one. Http404 when they are in none.

    Read once per request, together with what the header needs.
    """
    standing = _current(request)
    if standing is None:
        raise Http404
    return standing


def standing_in(request: HttpRequest, realm_id: int) -> Standing:
    """The person's place in that realm, whichever one they chose; Http404 when they have none there."""
    for standing in _all_standings(request):
        if standing.realm.pk == realm_id:
            return standing
    raise Http404


def admin_standing(request: HttpRequest) -> Standing:
    """As `current_standing`, for realm admins and operators only; Http404 for everybody else."""
    standing = current_standing(request)
    if not standing.is_realm_admin:
        raise Http404
    return standing


def list_context(opened: OpenedList, current: str) -> dict[str, Any]:
    """What `components/list_header.html` needs on a page about one list: `optout_list`, `standing`, `tabs`.

    `current` is the url name of the tab that is open; only tabs that exist and that the person may open are shown.
    """
    optout_list = opened.optout_list
    tabs = []
    for label, name, permission in _TABS:
        if optout_list.is_global and name in _NOT_OF_DO_NOT_MAIL:
            continue
        if opened.may(permission):
            try:
                href = reverse(name, args=[optout_list.public_id])
            except NoReverseMatch:  # a screen that is not built yet
                continue
            tabs.append(Tab(label, href, name == current))
    return {
        "optout_list": optout_list,
        "standing": opened.standing,
        "tabs": tabs,
        "is_instant": optout_list.direct_link_mode == DirectLinkMode.INSTANT,
    }


def _all_standings(request: HttpRequest) -> list[Standing]:
    known: list[Standing] | None = getattr(request, "heed_standings", None)
    if known is None:
        known = standings(request.user)
        request.heed_standings = known  # type: ignore[attr-defined]
    return known


def _current(request: HttpRequest) -> Standing | None:
    everywhere = _all_standings(request)
    chosen = request.session.get(SESSION_KEY)
    for standing in everywhere:
        if standing.realm.name == chosen:
            return standing
    return everywhere[0] if everywhere else None


def _portal(request: HttpRequest) -> Portal:
    standing = _current(request)
    return Portal(standing, _all_standings(request), _navigation(request.path_info, standing))


def _navigation(path: str, standing: Standing | None) -> list[Tab]:
    if standing is None:
        return []
    section = path.removeprefix("/manage/").partition("/")[0]
    tabs = []
    for label, name, below, roles in _NAVIGATION:
        if standing.role in roles:
            try:
                tabs.append(Tab(label, reverse(name), section == below))
            except NoReverseMatch:  # a screen that is not built yet
                continue
    return tabs
