"""What each kind of problem means, and what a program does about it: for the documentation page."""

from optout.channels.rest.problems import Kind

# kind → (what happened, what to do)
ADVICE: dict[Kind, tuple[str, str]] = {
    Kind.MALFORMED: (
        "The body is no JSON, names a field twice, or was cut off on the way. Nothing was done.",
        "Mend the program. If the body was cut off, send it again.",
    ),
    Kind.UNAUTHORIZED: (
        "No API key was sent, or one that is unknown, revoked or expired.",
        "Look at the header: Authorization, Bearer, one space, the key. Make a new key if the detail says that it ended.",
    ),
    Kind.FORBIDDEN: (
        (
            "The key is right, but may not do that: it lacks the scope to read or to write; or it is for some lists only, and "
            "this is about the whole realm, or changes Do Not Mail, which any key may read."
        ),
        "Use another key. Do not try again with this one.",
    ),
    Kind.IP_NOT_APPROVED: (
        "The key is right, but the realm lets programs in from some IP addresses only, and yours is not among them.",
        "Add the address under Settings › API, or call from another server.",
    ),
    Kind.NOT_FOUND: (
        "There is no such path, list, contact or endpoint. What your key is not for does not exist for it.",
        "Check the number or the id. Never take it for “not suppressed”.",
    ),
    Kind.NOT_ALLOWED: (
        "There is such a path, but not with this method. The header Allow names those that will do.",
        "Mend the program.",
    ),
    Kind.CONFLICT: (
        "Another request with the same Idempotency-Key is being carried out right now.",
        "Wait a second, and send the same request again.",
    ),
    Kind.OPTED_OUT: (
        "You wanted to put a contact on lists, but the address opted out of one of them, or of everything. Nothing was done.",
        (
            "Leave the address out, and do not try again. Adding a contact never ends an opt-out: that takes a lift of its own, "
            "and only because the person asked for it. It is written down with your reason."
        ),
    ),
    Kind.CURSOR_GONE: (
        "The database was restored on another server, and its changes were numbered anew. This happens about never.",
        "Begin without a cursor, and apply everything once more: twice does no harm.",
    ),
    Kind.TOO_LARGE: (
        "The body is larger than 2.5 MB.",
        "Send fewer addresses at a time. 10,000 fit.",
    ),
    Kind.UNSUPPORTED: (
        "The body is not JSON, or the Content-Type says so.",
        "Send Content-Type: application/json.",
    ),
    Kind.INVALID: (
        "The body or a parameter says something impossible; errors names each place. Nothing was done.",
        "Mend the program. Unknown parameters and fields are refused, so that a slip of the pen changes nothing by accident.",
    ),
    Kind.KEY_REUSED: (
        "This Idempotency-Key was used within 24 hours for a request that said something else.",
        "Give each request a key of its own; keep the key only to repeat the very same request.",
    ),
    Kind.RATE_LIMITED: (
        "This key made more calls in this minute than it may. Nothing was done.",
        "Wait for as many seconds as Retry-After says. Send many addresses in one call instead of many calls.",
    ),
    Kind.INTERNAL: (
        "A mistake of ours. It was logged. Whether something was done is not known.",
        "Send it again later: repeating an opt-out does no harm. Until then treat addresses as suppressed.",
    ),
    Kind.UNAVAILABLE: (
        "The database does not answer, or the service is starting. Nothing was saved or looked up.",
        "Wait for as many seconds as Retry-After says, and send it again. Until then treat addresses as suppressed.",
    ),
}
