"""Who may touch which endpoints, for the portal and the REST API alike.

A realm admin, an operator and a key of the whole realm: all of them. The owner of some lists, and a key for some: those all of
whose lists are theirs. What one may not touch does not exist (AT-31).
"""

from collections.abc import Collection

from django.db.models import QuerySet
from django.http import Http404

from lists.access import Standing
from lists.choices import Role
from lists.models import Realm
from reporting.models import WebhookEndpoint


def reach_of(standing: Standing) -> frozenset[int] | None:
    """The primary keys of the lists whose endpoints are theirs; None: all of the realm. Http404 for viewers and mailers."""
    if standing.is_realm_admin:
        return None
    if standing.role != Role.OWNER:
        raise Http404
    return frozenset(standing.lists().values_list("pk", flat=True))


def is_within(list_ids: Collection[int] | None, reach: Collection[int] | None) -> bool:
    """Whether an endpoint of these lists (None: the whole realm) is for who has that reach, to see or to make."""
    if reach is None:
        return True
    return list_ids is not None and bool(list_ids) and set(list_ids) <= set(reach)


def endpoints_of(
    realm: Realm, reach: Collection[int] | None
) -> QuerySet[WebhookEndpoint, WebhookEndpoint]:
    """The realm's endpoints within that reach, callbacks first, then in the order in which they were made."""
    endpoints = WebhookEndpoint.objects.filter(realm=realm, removed_at=None).select_related("realm")
    return endpoints if reach is None else endpoints.filter(list_ids__contained_by=list(reach))


def find_endpoint(
    realm: Realm, reach: Collection[int] | None, public_id: str
) -> WebhookEndpoint | None:
    """The realm's endpoint of that public id, if it is within that reach."""
    if not public_id.isascii() or not public_id.isprintable():
        return None
    return endpoints_of(realm, reach).filter(public_id=public_id).first()
