"""What is done to endpoints, as the audit keeps it: without secrets, and with no more of a URL than where it leads."""

from typing import Any

from lists.audit import record_audit
from lists.models import User
from reporting.models import WebhookEndpoint


def record_webhook(
    action: str,
    endpoint: WebhookEndpoint,
    actor: User | None,
    key_id: int | None = None,
    **detail: Any,
) -> None:
    """Write an entry, in the transaction of what it tells of. `key_id`: of the key of the program that did it."""
    if key_id is not None:
        detail["key"] = key_id
    record_audit(action, actor=actor, realm=endpoint.realm, webhook=endpoint.public_id, **detail)
