"""Whose webhooks a screen shows. Who may touch which is decided in reporting/webhooks/reach.py."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest

from lists.access import Standing
from lists.choices import Role
from lists.models import List
from lists.views.context import current_standing, standing_in
from reporting.models import WebhookEndpoint
from reporting.webhooks.reach import endpoints_of, is_within


@dataclass(frozen=True, slots=True)
class OpenedHooks:
    """A person's place in a realm whose webhooks they may touch, and the lists that they may have told about, by number."""

    standing: Standing
    lists: list[List]
    reach: frozenset[int] | None  # None: they may have all of the realm told, later lists as well

    @property
    def may_whole(self) -> bool:
        return self.reach is None

    def endpoints(self) -> list[WebhookEndpoint]:
        """Those they may touch, the default callback first."""
        return list(endpoints_of(self.standing.realm, self.reach))

    def lists_of(self, endpoint: WebhookEndpoint) -> list[List] | None:
        """The lists that it is told of by number; None: the whole realm."""
        if endpoint.list_ids is None:
            return None
        named = set(endpoint.list_ids)
        return [each for each in self.lists if each.pk in named]


def open_hooks(request: HttpRequest) -> OpenedHooks:
    """The webhooks of the realm that the person chose; Http404 for viewers and mailers."""
    return _opened(current_standing(request))


def open_hook(request: HttpRequest, public_id: str) -> tuple[OpenedHooks, WebhookEndpoint]:
    """The endpoint of that public id, in whichever realm of theirs: a mail may have led there. Else Http404."""
    if not (
        public_id.isascii() and public_id.isprintable()
    ):  # a NUL is nothing to ask the database
        raise Http404
    known = WebhookEndpoint.objects.select_related("realm", "made_by", "made_by_key")
    endpoint = known.filter(public_id=public_id, removed_at=None).first()
    if endpoint is None:
        raise Http404
    opened = _opened(standing_in(request, endpoint.realm_id))
    if not is_within(endpoint.list_ids, opened.reach):
        raise Http404
    return opened, endpoint


def _opened(standing: Standing) -> OpenedHooks:
    if standing.role not in {Role.ADMIN, Role.OWNER}:
        raise Http404
    lists = list(standing.lists())
    reach = None if standing.is_realm_admin else frozenset(each.pk for each in lists)
    return OpenedHooks(standing, lists, reach)
