"""The suppression list download: what is asked for, whether it may be had, and the answer with its entry in the access log.

S0.13 (the "GET service"), protocols.md "Suppression list download". A key holder and a person in the portal get the same answer.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import parse_etags

from lists.access import OpenedList, Permission, Standing
from lists.lookup import ListSnapshot, get_list
from lists.models import DownloadKey, List, User
from lists.networks import compile_networks
from lists.prepared import fetch_prepared
from lists.secrets import digest_secret
from optout.client_ip import client_ip
from optout.evidence import short_agent
from optout.slots import slots
from reporting.asked import Asked, RefusedError, single_value
from reporting.exports import Export, Extent, measure_export, stream_export
from reporting.models.downloads import Download, DownloadFormat, DownloadOutcome
from reporting.streaming import LoggedStream

USED_EVERY = timedelta(minutes=1)  # how exactly a key's last use is kept
# Between a request's time, taken by a web host at its arrival, and the start of its transaction: the clocks of two hosts
# differ by a little, and a request may wait for a lock.
SAFETY = timedelta(minutes=2)
LATE = timedelta(minutes=10)  # how much earlier than the newest ledger row a late commit may be
RETRY_AFTER = 30  # seconds
_MADE_IN = "1"  # part of the ETag: raise it when the same rows are written differently


# ── Who asks ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Reader:
    """Who downloads: the holder of a key, a person in the portal, or a program with an API key; whether they may see addresses,
    and whether the list is their own and not given to them."""

    key: DownloadKey | None
    user: User | None
    may_see_clear: bool
    is_owner: bool = False
    api_key_id: int | None = None

    @property
    def holder(self) -> str:
        """Who is served one download at a time."""
        if self.key is not None:
            return f"key {self.key.pk}"
        if self.api_key_id is not None:
            return f"API key {self.api_key_id}"
        return f"user {self.user.pk}" if self.user is not None else "nobody"


def given_key(request: HttpRequest) -> str:
    """The key of a request: the parameter `key`, or `Authorization: Bearer …`; empty where there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return single_value(request.GET, "key").strip() or bearer


def find_list(public_id: str) -> ListSnapshot:
    """The list with that public id. Raises RefusedError 404."""
    optout_list = get_list(public_id)
    if optout_list is None:
        raise RefusedError(404, "There is no such list.")
    return optout_list


def check_whitelist(request: HttpRequest, optout_list: ListSnapshot) -> None:
    """Once a list has a whitelist, it is downloaded from there only (S0.13). Raises RefusedError 403, naming the caller's IP."""
    ip = client_ip(request)
    whitelist = compile_networks(optout_list.whitelist)
    if whitelist and ip not in whitelist:
        caller = f"yours ({ip})" if ip else "yours, which we cannot tell,"
        raise RefusedError(
            403,
            "This list can be downloaded from the IP addresses on its whitelist only; "
            f"{caller} is not among them.",
        )


def find_reader(optout_list: ListSnapshot, text: str, now: datetime) -> Reader:
    """The holder of a key of this list. Raises RefusedError 401 for a key that is wrong, of another list, off or expired.

    A member's key does what the member may do now: it ends with their right to download, and shows what they may see.
    """
    key = (
        DownloadKey.objects.select_related("membership__user", "optout_list__realm")
        .filter(Q(expires_at=None) | Q(expires_at__gt=now), is_active=True)
        .filter(secret_digest=digest_secret(text), optout_list_id=optout_list.id)
        .first()
        if text
        else None
    )
    refused = RefusedError(
        401, "This list can be downloaded with its key only: ?key=… or Authorization: Bearer …"
    )
    if key is None:
        raise refused
    may_see_clear = key.may_see_clear
    if key.membership is not None:
        user = key.membership.user
        standing = Standing(user, key.optout_list.realm, key.membership)
        permissions = standing.permissions(key.optout_list)
        if not user.is_active or Permission.DOWNLOAD not in permissions:
            raise refused
        may_see_clear = may_see_clear and Permission.CLEAR in permissions
    return Reader(key, None, may_see_clear)


def note_use(key: DownloadKey, now: datetime) -> None:
    """Keep when the key was last used, to the minute."""
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USED_EVERY)
    DownloadKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)


def may_export(opened: OpenedList) -> bool:
    """Whether it is their Do Not Mail, which they may have in clear whatever mailers may (S2.5)."""
    needed = (Permission.DOWNLOAD, Permission.CLEAR, Permission.EDIT)
    return opened.optout_list.is_global and all(opened.may(each) for each in needed)


# ── What has changed ─────────────────────────────────────────────────────────────────────────────────────────────────────

_VERSION = """
SELECT newest, (
    SELECT count(*) FROM optout_optout o
    WHERE o.optout_list_id IN (%(own)s, %(do_not_mail)s) AND o.recorded_at > newest - %(late)s::interval
)
FROM (SELECT greatest(
    (SELECT max(recorded_at) FROM optout_optout WHERE optout_list_id = %(own)s),
    (SELECT max(recorded_at) FROM optout_optout WHERE optout_list_id = %(do_not_mail)s)
) AS newest) n
"""

# Transactions that write now: what they record may become visible after this answer and carry an earlier time. Another role's
# are hidden from us; Heed's processes share one.
_OLDEST_WRITER = """
SELECT min(xact_start) FROM pg_stat_activity
WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()
"""


def etag_of(export: Export) -> str:
    """A weak ETag of an export: changes with every ledger row of the two lists, also with one that commits late."""
    ((newest, lately),) = fetch_prepared(
        _VERSION, {"own": export.list_id, "do_not_mail": export.do_not_mail_id, "late": LATE}
    )
    parts = (_MADE_IN, export, newest.isoformat() if newest else "", lately)
    return f'W/"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'


def next_since(now: datetime) -> str:
    """The time to send as `since` next, so that nothing is missed: rather a few lines twice than one never."""
    ((oldest,),) = fetch_prepared(_OLDEST_WRITER)
    moment = min(now, oldest or now) - SAFETY
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


# ── The answer ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def stream_suppressions(
    request: HttpRequest, optout_list: ListSnapshot, asked: Asked, reader: Reader
) -> HttpResponseBase:
    """The list's suppressions with its realm's Do Not Mail, streamed; 304 when nothing has changed. Logged (issue 1, "Download").

    Raises RefusedError: 403 when the file would show addresses and must not, 503 when too many download.
    """
    if asked.is_clear and not _may_be_clear(optout_list, reader):
        raise RefusedError(403, _why_not_clear(optout_list))
    now = timezone.now()
    # Before the data is read: the file may hold more than its ETag and its Next-Since say, never less.
    following = next_since(now)
    export = Export(
        optout_list.id,
        optout_list.do_not_mail_id,
        asked.format,
        asked.since,
        asked.is_raw and asked.format == DownloadFormat.CSV,
    )
    etag = etag_of(export)
    is_known = _is_known(request, etag)
    response: HttpResponseBase
    if is_known:
        response = HttpResponse(status=304)
        del response.headers["Content-Type"]
        if request.method != "HEAD":
            _log(request, export, reader, now)
    elif request.method == "HEAD":
        # Streamed and empty: it must not claim the length 0.
        response = StreamingHttpResponse(())
        response.headers["Left-Out"] = str(measure_export(export).left_out)
        _describe(response, optout_list, asked)
    else:
        response = _stream(request, export, reader, now)
        _describe(response, optout_list, asked)
    response.headers["ETag"] = etag
    response.headers["Next-Since"] = following
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Accept-Encoding, Authorization"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _describe(response: HttpResponseBase, optout_list: ListSnapshot, asked: Asked) -> None:
    """What kind of file it is, and its name."""
    ending = "csv" if asked.format == DownloadFormat.CSV else "txt"
    kind = "csv" if ending == "csv" else "plain"
    name = f"heed-{optout_list.number}-{asked.format}.{ending}"
    if optout_list.is_global and asked.is_clear:
        name = f"do-not-mail.{ending}"
    response.headers["Content-Type"] = f"text/{kind}; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'


def _stream(
    request: HttpRequest, export: Export, reader: Reader, now: datetime
) -> StreamingHttpResponse:
    slot = slots.take(reader.holder)
    if slot is None:
        raise RefusedError(
            503, f"Too many downloads at once. Please come back in {RETRY_AFTER} seconds."
        )
    try:
        extent = measure_export(export)
        download = _log(request, export, reader, now, extent)
        gzip = _takes_gzip(request)
        body = LoggedStream(
            download,
            stream_export(export, extent),
            slot,
            has_header=export.format == DownloadFormat.CSV,
            gzip=gzip,
            client=request.META.get("gunicorn.socket"),
        )
        response = StreamingHttpResponse(body)
    except BaseException:
        slot.give_back()
        raise
    response.headers["Left-Out"] = str(extent.left_out)
    if gzip:
        response.headers["Content-Encoding"] = "gzip"
    return response


def _log(
    request: HttpRequest,
    export: Export,
    reader: Reader,
    now: datetime,
    extent: Extent | None = None,
) -> Download:
    """Write down a download that starts, or, without an extent, that there was nothing new."""
    ip = client_ip(request)
    return Download.objects.create(
        optout_list=List(pk=export.list_id),
        key=reader.key,
        api_key_id=reader.api_key_id,
        user=reader.user,
        format=export.format,
        since=export.since,
        ip=None if ip is None else str(ip),
        agent=short_agent(request.headers.get("User-Agent")),
        outcome=DownloadOutcome.STARTED if extent else DownloadOutcome.UNCHANGED,
        left_out=extent.left_out if extent else 0,
        started_at=now,
        finished_at=None if extent else now,
    )


def _may_be_clear(optout_list: ListSnapshot, reader: Reader) -> bool:
    """The list's switch is about mailers: its owners have their Do Not Mail in clear without it (S2.5)."""
    permitted = optout_list.plain_download or (optout_list.is_global and reader.is_owner)
    return permitted and reader.may_see_clear


def _why_not_clear(optout_list: ListSnapshot) -> str:
    if not optout_list.plain_download:
        return "This list's owner permits no clear addresses. Use format=md5 or format=sha256."
    return "You may not see this list's clear addresses. Use format=md5 or format=sha256."


def _is_known(request: HttpRequest, etag: str) -> bool:
    known = parse_etags(request.headers.get("If-None-Match", ""))
    # Weak comparison (RFC 9110 §13.1.2): the same rows, packed or not.
    return "*" in known or etag in known or etag.removeprefix("W/") in known


_GZIP = re.compile(r"\b(?:x-)?gzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))", re.IGNORECASE)


def _takes_gzip(request: HttpRequest) -> bool:
    return bool(_GZIP.search(request.headers.get("Accept-Encoding", "")[:500]))
