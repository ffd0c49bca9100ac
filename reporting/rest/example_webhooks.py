"""The examples of the operations about webhooks: what is sent, and what comes back."""

import json
from typing import Any

from reporting.rest.example_rows import OPTED_OUT
from reporting.rest.programs import Call

WEBHOOK_ID = "wh_p3vUvrRNiatMJwjP"
DELIVERY_ID = 9001
SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD5DZmBJVpmGg="  # noqa: S105 -- of nobody
MESSAGE = "0d4f6c1c2b6b4f0e9a53a1f0c5b2d7e4"

_ALL = "/api/v1/webhooks"
_ONE = f"{_ALL}/{WEBHOOK_ID}"

_MADE = {
    "id": WEBHOOK_ID,
    "url": "https://crm.example.com/heed",
    "format": "standard",
    "label": "CRM",
    "is_callback": False,
    "lists": [1],
    "channels": None,
    "medium": None,
    "lifts": True,
    "batches": True,
    "created_at": "2026-11-22T09:00:00Z",
    "state": "new",
    "is_on": True,
    "off_cause": None,
    "off_at": None,
    "waiting": 0,
    "waiting_is_more": False,
    "failed": 0,
    "delay_seconds": 0,
    "succeeded_at": None,
    "failed_at": None,
    "failing_since": None,
    "old_secret_until": None,
}
_WEBHOOK = {
    **_MADE,
    "state": "delivering",
    "failed": 1,
    "succeeded_at": "2026-11-22T09:31:02Z",
    "failed_at": "2026-11-22T09:30:01Z",
}
_BODY = {"type": "opt_out.recorded", "timestamp": OPTED_OUT["recorded_at"], "data": OPTED_OUT}
_DELIVERY = {
    "id": DELIVERY_ID,
    "webhook_id": f"msg_{MESSAGE}",
    "state": "failed",
    "is_test": False,
    "changes": 1,
    "tries": 10,
    "status": 503,
    "failure": "status",
    "answer": "Maintenance",
    "took_ms": 204,
    "recorded_at": "2026-11-22T09:30:00Z",
    "created_at": "2026-11-22T09:30:00Z",
    "tried_at": "2026-11-25T13:02:11Z",
    "due_at": None,
    "request": {
        "url": "https://crm.example.com/heed",
        "headers": {
            "content-type": "application/json",
            "user-agent": "Heed-Webhooks/1",
            "webhook-id": f"msg_{MESSAGE}",
            "webhook-timestamp": "1795611731",
        },
        "body": json.dumps(_BODY, separators=(",", ":")),
    },
}

# name of the operation → its call, and the answer
WEBHOOK_CALLS: dict[str, tuple[Call, Any]] = {
    "make_webhook": (
        Call(
            "POST",
            _ALL,
            body={
                "url": "https://crm.example.com/heed",
                "format": "standard",
                "list": 1,
                "label": "CRM",
            },
        ),
        {**_MADE, "secret": SECRET},
    ),
    "read_webhooks": (Call("GET", _ALL), {"webhooks": [_WEBHOOK]}),
    "read_webhook": (Call("GET", _ONE), _WEBHOOK),
    "change_webhook": (
        Call("PATCH", _ONE, body={"medium": "email"}),
        {**_WEBHOOK, "medium": "email"},
    ),
    "delete_webhook": (Call("DELETE", _ONE), None),
    "read_webhook_deliveries": (
        Call("GET", f"{_ONE}/deliveries", (("state", "failed"),)),
        {"deliveries": [_DELIVERY], "next": None},
    ),
    "send_webhook_test": (Call("POST", f"{_ONE}/test"), {"delivery": 9002}),
    "replay_webhook": (
        Call("POST", f"{_ONE}/replay", body={"delivery": DELIVERY_ID}),
        {"replayed": 1},
    ),
    "rotate_webhook": (
        Call("POST", f"{_ONE}/rotate", body={"overlap_hours": 48}),
        {"secret": SECRET, "old_until": "2026-11-24T09:31:02Z"},
    ),
}
