"""Whose inbound endpoints a screen shows: a realm's, to its admins."""

from django.http import Http404, HttpRequest

from lists.access import Standing
from lists.models import InboundEndpoint
from lists.views.context import admin_standing


def open_endpoint(request: HttpRequest, public_id: str) -> tuple[Standing, InboundEndpoint]:
    """The endpoint of that public id in the realm that the person chose, as its admin; else Http404."""
    standing = admin_standing(request)
    if not (public_id.isascii() and public_id.isprintable()):
        raise Http404  # a NUL is nothing to ask the database
    rows = InboundEndpoint.objects.filter(realm=standing.realm, removed_at=None)
    row = rows.select_related("realm").filter(public_id=public_id).first()
    if row is None:
        raise Http404
    return standing, row
