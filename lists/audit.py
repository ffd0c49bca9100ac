"""Writing down who changed what."""

from typing import Any

from django.utils import timezone

from lists.models import AuditEntry, List, Realm, User


def record_audit(
    action: str,
    *,
    actor: User | None,
    realm: Realm,
    optout_list: List | None = None,
    **detail: Any,
) -> AuditEntry:
    """Append one audit entry.

    `action` is verb_noun; `actor` is None for the worker and for commands; `detail` is JSON-able and holds neither addresses
    nor secrets. Call it in the transaction of the change itself, so that neither is kept without the other.
    """
    return AuditEntry.objects.create(
        action=action,
        actor=actor,
        realm=realm,
        optout_list=optout_list,
        detail=detail,
        recorded_at=timezone.now(),
    )
