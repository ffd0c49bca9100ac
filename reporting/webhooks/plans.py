"""What somebody wants an endpoint to be told of, and where: looked through before it is kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from lists.models import List, Realm
from optout.choices import Channel, Medium
from reporting.models import WebhookEndpoint, WebhookFormat
from reporting.webhooks.targets import UrlRefusedError, check_url

LONGEST_LABEL = 100  # characters


class EndpointRefusedError(ValueError):
    """The endpoint cannot be kept so: `str(error)` is a sentence about the value `field`, as EndpointPlan names it."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True)
class EndpointPlan:
    """What people decide about an endpoint. None: all lists, all channels, both media; later ones as well."""

    url: str
    format: WebhookFormat = WebhookFormat.STANDARD
    label: str = ""
    list_ids: Sequence[int] | None = None  # primary keys
    channels: Sequence[Channel] | None = None
    medium: Medium | None = None
    gets_lifts: bool = True
    batches: bool = True


def plan_of(endpoint: WebhookEndpoint) -> EndpointPlan:
    """What was decided about an endpoint; `dataclasses.replace` it to change a part. Without channels of a newer release."""
    codes = endpoint.channels
    return EndpointPlan(
        url=endpoint.url,
        format=WebhookFormat(endpoint.format),
        label=endpoint.label,
        list_ids=endpoint.list_ids,
        channels=None if codes is None else [Channel(code) for code in codes if Channel.find(code)],
        medium=None if endpoint.medium is None else Medium(endpoint.medium),
        gets_lifts=endpoint.gets_lifts,
        batches=endpoint.batches,
    )


def check_plan(realm: Realm, plan: EndpointPlan, *, kept_url: str | None = None) -> EndpointPlan:
    """The plan as it is kept: its URL normalised, what is listed in order and each once.

    `kept_url`: what an endpoint has already is not asked for anew; the operator may have forbidden its network since.

    Raises EndpointRefusedError, also for lists of another realm. One query where lists are named, else none.
    """
    try:
        url = plan.url if plan.url == kept_url else check_url(plan.url)
    except UrlRefusedError as error:
        raise EndpointRefusedError("url", str(error)) from None
    if plan.format not in WebhookFormat:
        raise EndpointRefusedError("format", _("There is no such format."))
    label = plan.label.strip()
    if len(label) > LONGEST_LABEL or not label.isprintable():
        sentence = _("A label has at most 100 characters, on one line.")
        raise EndpointRefusedError("label", sentence)
    channels = None if plan.channels is None else sorted({Channel(each) for each in plan.channels})
    if channels == []:
        raise EndpointRefusedError("channels", _("Choose one channel at least, or all of them."))
    return replace(
        plan, url=url, label=label, channels=channels, list_ids=_own_lists(realm, plan.list_ids)
    )


def origin_of(url: str) -> str:
    """Where a URL leads, without its path and query: these may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _own_lists(realm: Realm, list_ids: Sequence[int] | None) -> list[int] | None:
    if list_ids is None:
        return None
    own = set(List.objects.filter(realm=realm, pk__in=list_ids).values_list("pk", flat=True))
    if not own or own != set(list_ids):
        raise EndpointRefusedError("list_ids", _("Choose one list of the realm at least."))
    return sorted(own)
