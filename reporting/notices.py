"""What an owner is told once: found in the state by the worker, shown on the list's pages, and mailed (S0.12, AT-01).

Nothing is enqueued where it happens: a request that is refused costs no more than one that is not.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from lists.choices import Role
from lists.mail import ENGLISH
from lists.models import List, User
from lists.networks import UNKNOWN_NETWORK
from lists.prepared import fetch_prepared
from optout.choices import RefusalCause, Verdict
from optout.limits import PROTECTED_FOR
from reporting.mailing import Letter, mail_each
from reporting.models.notices import Notice, NoticeKind
from reporting.patience import Patience, in_turn

MOST_OPEN = (
    50  # notices of one kind on one list: an attack from everywhere is one message, not a thousand
)
MOST_SHOWN = 20  # networks named in one mail
MAILED_EVERY = timedelta(hours=1)  # the first at once, what follows together
QUIET = timedelta(
    days=7
)  # how long a settled notice without a network stays settled, though its cause goes on
OVER = timedelta(days=1)  # how long after its cause has ended a notice settles by itself

# The network of an IP address as `networks.network_of` writes it.
_NETWORK = f"""
CASE WHEN q.ip IS NULL THEN '{UNKNOWN_NETWORK}' WHEN family(q.ip) = 4 THEN host(q.ip) || '/32'
    ELSE host(network(set_masklen(q.ip, 64))) || '/64' END
"""

# Each: the causes there are, as (list, subject, when). A cause that is older than the settling of its notice is settled too.
_BLOCKED = f"""
SELECT c.optout_list_id, c.network, max(c.blocked_at) FROM optout_limitcounter c
WHERE c.blocked_until IS NOT NULL
  AND c.blocked_at > coalesce((
      SELECT max(n.settled_at) FROM reporting_notice n
      WHERE n.optout_list_id = c.optout_list_id AND n.kind = '{NoticeKind.BLOCKED_IP}' AND n.subject = c.network
  ), '-infinity')
GROUP BY 1, 2
"""  # noqa: S608 -- made of constants
_UNLISTED = f"""
SELECT q.optout_list_id, q.network, q.at FROM (
    SELECT q.optout_list_id, {_NETWORK} AS network, max(q.last_refused_at) AS at
    FROM optout_quarantinedoptout q
    WHERE q.cause = {RefusalCause.UNLISTED_SERVER:d} AND q.verdict = {Verdict.WAITING:d}
    GROUP BY 1, 2
) q
WHERE q.at > coalesce((
    SELECT max(n.settled_at) FROM reporting_notice n
    WHERE n.optout_list_id = q.optout_list_id AND n.kind = '{NoticeKind.UNLISTED_SERVER}' AND n.subject = q.network
), '-infinity')
"""  # noqa: S608
_PROTECTED = f"""
SELECT l.id, '', l.protected_until - %(protected_for)s::interval FROM lists_list l
WHERE l.protected_until > %(now)s AND NOT EXISTS (
    SELECT FROM reporting_notice n
    WHERE n.optout_list_id = l.id AND n.kind = '{NoticeKind.PROTECTED_MODE}'
      AND n.settled_at > l.protected_until - %(quiet)s::interval
)
"""  # noqa: S608
_PIXEL = f"""
SELECT l.id, '', l.pixel_in_mail_at FROM lists_list l
WHERE l.pixel_in_mail_at > %(now)s - %(quiet)s::interval AND NOT EXISTS (
    SELECT FROM reporting_notice n
    WHERE n.optout_list_id = l.id AND n.kind = '{NoticeKind.PIXEL_IN_MAIL}'
      AND n.settled_at > l.pixel_in_mail_at - %(quiet)s::interval
)
"""  # noqa: S608
_UNCLEAR = f"""
SELECT q.optout_list_id, '', max(q.last_refused_at) FROM optout_quarantinedoptout q
WHERE q.cause = {RefusalCause.UNCLEAR_TEXT:d} AND q.verdict = {Verdict.WAITING:d}
  AND q.last_refused_at > coalesce((
      SELECT max(n.settled_at) FROM reporting_notice n
      WHERE n.optout_list_id = q.optout_list_id AND n.kind = '{NoticeKind.UNCLEAR_TEXT}'
  ), '-infinity')
GROUP BY 1
"""  # noqa: S608
_CAUSES = {
    NoticeKind.BLOCKED_IP: _BLOCKED,
    NoticeKind.UNLISTED_SERVER: _UNLISTED,
    NoticeKind.PROTECTED_MODE: _PROTECTED,
    NoticeKind.PIXEL_IN_MAIL: _PIXEL,
    NoticeKind.UNCLEAR_TEXT: _UNCLEAR,
}

_RAISE = """
INSERT INTO reporting_notice (optout_list_id, kind, subject, raised_at)
SELECT list_id, %(kind)s, subject, %(now)s FROM (
    SELECT list_id, subject, row_number() OVER (PARTITION BY list_id ORDER BY at) + (
        SELECT count(*) FROM reporting_notice n
        WHERE n.optout_list_id = list_id AND n.kind = %(kind)s AND n.settled_at IS NULL
    ) AS place
    FROM ({causes}) c (list_id, subject, at)
    WHERE NOT EXISTS (
        SELECT FROM reporting_notice n
        WHERE n.optout_list_id = list_id AND n.kind = %(kind)s AND n.subject = c.subject AND n.settled_at IS NULL
    )
) c
WHERE place <= %(most)s
ON CONFLICT (optout_list_id, kind, subject) WHERE settled_at IS NULL DO NOTHING
RETURNING id
"""

# A notice whose cause has been over for a while settles by itself, so that the owner is told when it begins anew.
_SETTLE_OVER = f"""
UPDATE reporting_notice n SET settled_at = %(now)s
WHERE n.settled_at IS NULL AND n.raised_at < %(over)s AND n.mailed_at IS NOT NULL AND CASE n.kind
    WHEN '{NoticeKind.BLOCKED_IP}' THEN NOT EXISTS (
        SELECT FROM optout_limitcounter c
        WHERE c.optout_list_id = n.optout_list_id AND c.network = n.subject AND c.blocked_until > %(over)s
    )
    WHEN '{NoticeKind.UNLISTED_SERVER}' THEN NOT EXISTS (
        SELECT FROM optout_quarantinedoptout q
        WHERE q.optout_list_id = n.optout_list_id AND q.cause = {RefusalCause.UNLISTED_SERVER:d}
          AND q.verdict = {Verdict.WAITING:d} AND {_NETWORK} = n.subject
    )
    WHEN '{NoticeKind.PROTECTED_MODE}' THEN NOT EXISTS (
        SELECT FROM lists_list l WHERE l.id = n.optout_list_id AND l.protected_until > %(over)s
    )
    WHEN '{NoticeKind.PIXEL_IN_MAIL}' THEN NOT EXISTS (
        SELECT FROM lists_list l WHERE l.id = n.optout_list_id AND l.pixel_in_mail_at > %(quiet_since)s
    )
END
RETURNING id
"""  # noqa: S608

# That texts wait is over as soon as none does: somebody decided, a plain STOP or START came, or the 7 days are over. Then it is
# not mailed any more either; it counts as mailed when it was raised, so that others of the list are not kept waiting for it.
_SETTLE_READ = f"""
UPDATE reporting_notice n SET settled_at = %(now)s, mailed_at = coalesce(n.mailed_at, n.raised_at)
WHERE n.settled_at IS NULL AND n.kind = '{NoticeKind.UNCLEAR_TEXT}' AND NOT EXISTS (
    SELECT FROM optout_quarantinedoptout q
    WHERE q.optout_list_id = n.optout_list_id AND q.cause = {RefusalCause.UNCLEAR_TEXT:d}
      AND q.verdict = {Verdict.WAITING:d}
)
RETURNING id
"""  # noqa: S608


def raise_notices(now: datetime) -> int:
    """Write down what owners have to be told, and settle what is over; how many are new. Run by the worker every minute."""
    fetch_prepared(_SETTLE_OVER, {"now": now, "over": now - OVER, "quiet_since": now - QUIET})
    settle_read_texts(now)
    parameters = {"now": now, "most": MOST_OPEN, "quiet": QUIET, "protected_for": PROTECTED_FOR}
    return sum(
        len(fetch_prepared(_RAISE.format(causes=causes), {**parameters, "kind": kind}))
        for kind, causes in _CAUSES.items()
    )


def settle_read_texts(now: datetime) -> None:
    """Put aside the notices of texts that may mean STOP where none waits any more."""
    fetch_prepared(_SETTLE_READ, {"now": now})


def settle_notices(optout_list: List, kind: NoticeKind, subject: str | None, now: datetime) -> int:
    """Put aside the open notices of a list and kind, of one network or of all (None); how many. It is raised anew when the
    cause comes back."""
    chosen = Q(optout_list=optout_list, kind=kind, settled_at=None)
    if subject is not None:
        chosen &= Q(subject=subject)
    return Notice.objects.filter(chosen).update(settled_at=now)


def mail_notices(now: datetime) -> int:
    """Mail what has not been mailed, one message a list and hour; how many notices. Run by the worker.

    Raises OSError when nobody could be mailed of a list; its notices stay to be mailed, and other lists are not held up. With a
    mail server that takes nothing, the rest waits for the next run, which begins with others.
    """
    waiting: dict[int, list[Notice]] = {}
    # what a newer release has raised waits for it
    unmailed = Notice.objects.filter(mailed_at=None, kind__in=NoticeKind.values)
    unmailed = unmailed.select_related("optout_list__realm")
    for notice in unmailed.order_by("raised_at", "pk"):
        waiting.setdefault(notice.optout_list_id, []).append(notice)
    lately = set(
        Notice.objects.filter(
            optout_list__in=waiting, mailed_at__gt=now - MAILED_EVERY
        ).values_list("optout_list", flat=True)
    )
    mailed = 0
    failure: OSError | None = None
    patience = Patience()
    for list_id, notices in in_turn(list(waiting.items()), now):
        if list_id in lately:
            continue
        if patience.has_ended:
            break
        try:
            optout_list = notices[0].optout_list
            with translation.override(ENGLISH):
                letter = _compose(optout_list, notices)
            mail_each(who_is_told(optout_list), letter, patience, what="A notice")
        except OSError as error:
            failure = error
            continue
        Notice.objects.filter(pk__in=[each.pk for each in notices]).update(mailed_at=now)
        mailed += len(notices)
    if failure is not None:
        raise failure
    return mailed


def who_is_told(optout_list: List) -> list[User]:
    """The realm's admins and the list's owners."""
    admins = Q(memberships__realm=optout_list.realm_id, memberships__role=Role.ADMIN)
    owners = Q(memberships__role=Role.OWNER, memberships__accesses__optout_list=optout_list)
    return list(User.objects.filter(admins | owners, is_active=True).distinct().order_by("pk"))


def _compose(optout_list: List, notices: Sequence[Notice]) -> Letter:
    """The mail about them; never a recipient's address."""
    kinds = list(dict.fromkeys(NoticeKind(each.kind) for each in notices))
    headline = str(kinds[0].label) if len(kinds) == 1 else _("Please look at this list")
    path = reverse("list_quarantine", args=[optout_list.public_id])
    return Letter(
        f"{optout_list.name}: {headline}",
        "notice",
        {
            "optout_list": optout_list,
            "blocked": _networks(notices, NoticeKind.BLOCKED_IP),
            "unlisted": _networks(notices, NoticeKind.UNLISTED_SERVER),
            "is_protected": NoticeKind.PROTECTED_MODE in kinds,
            "has_pixel": NoticeKind.PIXEL_IN_MAIL in kinds,
            "has_texts": NoticeKind.UNCLEAR_TEXT in kinds,
            "url": f"{settings.BASE_URL}{path}",
        },
    )


def _networks(notices: Iterable[Notice], kind: NoticeKind) -> list[str]:
    named = [_as_read(each.subject) for each in notices if each.kind == kind]
    more = len(named) - MOST_SHOWN
    return [*named[:MOST_SHOWN], _("and %(count)d more") % {"count": more}] if more > 0 else named


def _as_read(network: str) -> str:
    return _("an unknown address") if network == UNKNOWN_NETWORK else network.removesuffix("/32")
