"""The mail that tells people that we switched an endpoint off.

As in notices.py it is found in the state by the worker: whoever is told, and that they were, does not hang on the sender.
"""

from datetime import datetime

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from lists.choices import Role
from lists.mail import ENGLISH
from lists.models import List, Membership, User
from reporting.mailing import Letter, mail_each
from reporting.models import OffCause, WebhookEndpoint
from reporting.patience import Patience, in_turn
from reporting.webhooks.endpoints import SWITCHED_OFF_BY_US
from reporting.webhooks.health import health_of
from reporting.webhooks.plans import origin_of


def mail_switched_off(now: datetime) -> int:
    """Mail of each endpoint that we switched off and nobody was told of; how many. Run by the worker every minute.

    Raises OSError when nobody could be mailed of one: that is tried again the next time, and no other one is held up. With a mail
    server that takes nothing, the rest waits for the next run, which begins with others.
    """
    untold = WebhookEndpoint.objects.filter(
        off_cause__in=SWITCHED_OFF_BY_US, off_told_at=None, removed_at=None
    ).select_related("realm")
    told = 0
    failure: OSError | None = None
    patience = Patience()
    for endpoint in in_turn(list(untold.order_by("off_at", "pk")), now):
        if patience.has_ended:
            break
        try:
            with translation.override(ENGLISH):
                letter = _compose(endpoint, now)
            what = f"That {endpoint} was switched off"
            mail_each(who_is_told(endpoint), letter, patience, what=what)
        except OSError as error:
            failure = error
            continue
        # Not one that was switched on meanwhile.
        WebhookEndpoint.objects.filter(pk=endpoint.pk, off_at=endpoint.off_at).update(
            off_told_at=now
        )
        told += 1
    if failure is not None:
        raise failure
    return told


def who_is_told(endpoint: WebhookEndpoint) -> QuerySet[User]:
    """Who can switch it on again: the realm's admins, the owners of all its lists, and an operator who made it."""
    members = Membership.objects.filter(realm=endpoint.realm_id)
    chosen = Q(memberships__in=members.filter(role=Role.ADMIN))
    chosen |= Q(is_superuser=True, pk=endpoint.made_by_id)
    if endpoint.list_ids is not None:
        own = Count("accesses", filter=Q(accesses__optout_list__in=endpoint.list_ids))
        owners = members.filter(role=Role.OWNER).annotate(own=own)
        chosen |= Q(memberships__in=owners.filter(own=len(endpoint.list_ids)).values("pk"))
    return User.objects.filter(chosen, is_active=True).distinct().order_by("pk")


def _compose(endpoint: WebhookEndpoint, now: datetime) -> Letter:
    """The mail about it; of the URL no more than where it leads."""
    (health,) = health_of([endpoint], now)
    name = _name(endpoint)
    about = name or origin_of(endpoint.url)
    return Letter(
        _("%(sender)s: Webhook switched off: %(webhook)s")
        % {"sender": endpoint.realm.sender_name, "webhook": about},
        "webhook_off",
        {
            "endpoint": endpoint,
            "realm": endpoint.realm,
            "name": name,
            "origin": origin_of(endpoint.url),
            "is_gone": endpoint.off_cause == OffCause.GONE,
            "waiting": health.waiting_in_words if health.waiting else "",
            "waiting_count": health.waiting,
            "is_more": health.waiting_is_more,
            "failed": health.failed,
            "url": f"{settings.BASE_URL}{reverse('webhook_endpoint', args=[endpoint.public_id])}",
        },
    )


def _name(endpoint: WebhookEndpoint) -> str:
    """What its owners call it, in one line; nothing where that is only its URL."""
    if not endpoint.is_callback:
        return endpoint.label
    if endpoint.list_ids is None:
        return _("Default Optout Callback")
    names = List.objects.filter(pk__in=endpoint.list_ids).values_list("name", flat=True)
    return " ".join((_("Callback of %(lists)s") % {"lists": ", ".join(names)}).split())
