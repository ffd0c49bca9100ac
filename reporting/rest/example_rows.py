"""Rows of the ledger that examples tell of: in the change feed, and in webhooks."""

DIGEST = "8c87b489ce35cf2e2f39f80e282cb2e8"  # of jane@example.com

OPTED_OUT = {
    "id": 104,
    "type": "opt_out",
    "list": 1,
    "address": "jane@example.com",
    "digest": DIGEST,
    "medium": "email",
    "channel": "one_click",
    "reason": "unsubscribed",
    "origin": "recipient",
    "is_new": True,
    "suppressed": True,
    "recorded_at": "2026-11-22T09:30:00Z",
}
LIFTED = {
    **OPTED_OUT,
    "id": 106,
    "type": "lift",
    "channel": "portal",
    "reason": "manual",
    "origin": "owner",
    "suppressed": False,
    "recorded_at": "2026-11-22T09:42:10Z",
}
TEXTED = {
    **OPTED_OUT,
    "id": 105,
    "address": "+14155550123",
    "digest": "36a2cef4ff9bf7a1abd2a93359136b87",
    "medium": "sms",
    "channel": "page",
    "recorded_at": "2026-11-22T09:31:00Z",
}
