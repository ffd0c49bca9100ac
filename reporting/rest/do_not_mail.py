"""Do Not Mail, whom nobody in the realm may write to: page by page, and as a file (S2.5, S2.6)."""

from datetime import timedelta
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Field, Router, Schema

from lists.numbers import DO_NOT_MAIL_NUMBER
from lists.prepared import fetch
from optout.channels.rest.door import caller_of, find_list, reader_of
from optout.channels.rest.paging import UpTo10000, make_cursor, read_cursor, refuse_cursor
from optout.channels.rest.problems import Kind, ProblemError
from optout.choices import Channel, HashKind, Medium, Reason
from reporting.asked import Asked, RefusedError
from reporting.changes import TIME, words
from reporting.downloads import RETRY_AFTER, Reader, stream_suppressions
from reporting.models.downloads import DownloadFormat
from reporting.paging import LATEST, as_microseconds, from_microseconds
from reporting.rest.parameters import ModifiedSince, json_answer, telling_next_since

router = Router(tags=["do-not-mail"])


class SuppressedOut(Schema):
    """An address that nobody in the realm may write to."""

    id: str = Field(
        description="The contact's id; of an address that is no contact its digest. `DELETE /contacts/{id}` knows both."
    )
    address: str | None = Field(description="Null where only a hash is known.")
    digest: str = Field(description="What it is kept under: 16 bytes of a hash, in hex.")
    hash: str | None = Field(description="The hash, where nothing else is known.")
    hash_kind: str | None = Field(description="Of that hash: sha256, sha1 or md5.")
    medium: Literal["email", "sms", "other"]
    suppressed_at: str
    channel: str
    reason: str


class DoNotMailOut(Schema):
    """A page of addresses; `next` is the cursor of the page after it."""

    do_not_mail: list[SuppressedOut]
    next: str | None


_ENTRY = f"""
'{{"id":"' || coalesce(c.id::text, encode(f.digest, 'hex'))
|| '","address":' || coalesce(to_json(f.address)::text, 'null')
|| ',"digest":"' || encode(f.digest, 'hex')
|| '",' || CASE WHEN f.address IS NULL
    THEN '"hash":"' || encode(f.full_hash, 'hex') || '","hash_kind":"' || {words(HashKind, "f.hash_kind")} || '"'
    ELSE '"hash":null,"hash_kind":null' END
|| ',"medium":"' || {words(Medium, "f.medium")}
|| '","suppressed_at":"' || {TIME.format("f.suppressed_at")}
|| '","channel":"' || {words(Channel, "f.channel")}
|| '","reason":"' || {words(Reason, "f.reason")} || '"}}'
"""
_SHOW = f"""
SELECT
    (SELECT string_agg({_ENTRY}, ',' ORDER BY f.place, f.id) FROM found f LEFT JOIN LATERAL (
        SELECT id FROM lists_contact WHERE realm_id = %(realm)s AND digest = f.digest OFFSET 0
    ) c ON true),
    (SELECT count(*) FROM found), last.place, last.id
FROM (SELECT place, id FROM found ORDER BY place DESC, id DESC LIMIT 1) last
"""  # noqa: S608 -- made of constants

# Everything, in the order of the key.
_WHOLE = f"""
WITH found AS MATERIALIZED (
    SELECT digest AS place, 0 AS id, digest, hash_kind, full_hash, address, medium, suppressed_at, channel, reason
    FROM optout_suppression
    WHERE optout_list_id = %(list)s AND digest > %(after)s
    ORDER BY digest
    LIMIT %(limit)s
) {_SHOW}
"""  # noqa: S608
# What was suppressed since and still is, in the order of the ledger; of an address that was lifted between, the last time.
_SINCE = f"""
WITH found AS MATERIALIZED (
    SELECT o.recorded_at AS place, o.id, s.digest, s.hash_kind, s.full_hash, s.address, s.medium, s.suppressed_at, s.channel,
        s.reason
    FROM optout_optout o
    JOIN optout_suppression s ON s.optout_list_id = o.optout_list_id AND s.digest = o.digest
    WHERE o.optout_list_id = %(list)s AND o.recorded_at >= %(since)s AND o.kind = 1 AND o.is_new
      AND (%(after)s::timestamptz IS NULL OR (o.recorded_at, o.id) > (%(after)s::timestamptz, %(id)s))
      AND NOT EXISTS (
          SELECT FROM optout_optout n
          WHERE n.digest = o.digest AND n.id > o.id AND n.optout_list_id = o.optout_list_id AND n.kind = 1 AND n.is_new
      )
    ORDER BY o.recorded_at, o.id
    LIMIT %(limit)s
) {_SHOW}
"""  # noqa: S608


@router.get("/do-not-mail", response=DoNotMailOut)
@telling_next_since
def read_do_not_mail(
    request: HttpRequest,
    modified_since: ModifiedSince = None,
    cursor: str | None = None,
    limit: UpTo10000 = 1_000,
) -> HttpResponse:
    """The addresses of Do Not Mail; with `modified_since` those that came in since and are still in it.

    Those that were lifted are in the changes.
    """
    optout_list = find_list(reader_of(request), DO_NOT_MAIL_NUMBER)
    values: dict[str, Any] = {
        "realm": optout_list.realm_id,
        "list": optout_list.id,
        "limit": limit,
    }
    if modified_since is None:
        kind = f"do-not-mail {optout_list.id}"
        after = read_cursor(kind, cursor, bytes)[0] if cursor else b""
        rows = fetch(_WHOLE, values | {"after": after})
    else:
        kind = f"do-not-mail since {optout_list.id}"
        moment, last_id = read_cursor(kind, cursor, int, int) if cursor else (None, 0)
        if moment is not None and moment > LATEST:
            raise refuse_cursor()
        since = modified_since
        if moment is not None:
            moment = from_microseconds(moment)
            since = max(since, moment)  # for the index
        rows = fetch(_SINCE, values | {"since": since, "after": moment, "id": last_id})
    entries, count, place, last_id = rows[0] if rows else ("", 0, None, 0)
    following = "null"
    if count == limit:
        at = (bytes(place),) if modified_since is None else (as_microseconds(place), last_id)
        following = f'"{make_cursor(kind, *at)}"'
    return json_answer(f'{{"do_not_mail":[{entries}],"next":{following}}}')


@router.api_operation(["GET", "HEAD"], "/do-not-mail.csv")
def read_do_not_mail_csv(
    request: HttpRequest, modified_since: ModifiedSince = None, raw: bool = False
) -> HttpResponseBase:
    """Do Not Mail as .csv. With `raw=1` nothing is done for spreadsheets; the header Left-Out counts what has no address."""
    return _stream(request, Asked(DownloadFormat.CSV, modified_since, raw))


@router.api_operation(["GET", "HEAD"], "/do-not-mail.txt")
def read_do_not_mail_txt(
    request: HttpRequest, modified_since: ModifiedSince = None
) -> HttpResponseBase:
    """Do Not Mail as .txt, an address on each line."""
    return _stream(request, Asked(DownloadFormat.TXT, modified_since, is_raw=False))


def _stream(request: HttpRequest, asked: Asked) -> HttpResponseBase:
    """As a download: the key has it like an owner, whatever the list lets mailers see, and stands in the access log."""
    optout_list = find_list(reader_of(request), DO_NOT_MAIL_NUMBER)
    reader = Reader(
        None, None, may_see_clear=True, is_owner=True, api_key_id=caller_of(request).key_id
    )
    try:
        return stream_suppressions(request, optout_list, asked, reader)
    except RefusedError as refusal:
        raise ProblemError(
            Kind.UNAVAILABLE, str(refusal), wait=timedelta(seconds=RETRY_AFTER)
        ) from None
