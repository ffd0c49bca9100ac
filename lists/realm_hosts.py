"""The host names by which requests find their realm: read from a field, claimed, given back (S1.3, S1.8)."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

import idna
from django.conf import settings
from django.utils.translation import gettext as _

from lists.models import GlobalUnsubscribe, Realm, RealmHost, User

MAX_HOSTS = 50
MAX_TEXT = 20_000  # characters; 50 of the longest fit

_SEPARATORS = re.compile(r"[\s,]+")
_HOST = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
_SHOWN = 60  # characters of a bad entry that the message repeats


class HostsError(ValueError):
    """The text of a host name field cannot be used; `str(error)` is one message that names every bad entry."""


class HostTakenError(Exception):
    """The `host` leads to another realm already."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host

    def __str__(self) -> str:
        return _("The host name %(host)s leads to another realm already.") % {"host": self.host}


class OwnHostError(HostTakenError):
    """The `host` is one of this installation's own, and several realms use them: only an operator may give it to one."""

    def __str__(self) -> str:
        said = _(
            "The host name %(host)s is this installation’s own, and several realms use it. Only an operator can give it to one "
            "of them. Your key in the address works there all the same."
        )
        return said % {"host": self.host}


class FixedHostError(HostTakenError):
    """The `host` is one of this installation's own, and several realms use the option: only an operator may take it away."""

    def __str__(self) -> str:
        said = _(
            "The host name %(host)s is this installation’s own, and other realms use the Global Unsubscribe, too: without it, "
            "requests of your websites may reach nobody. Only an operator can take it away."
        )
        return said % {"host": self.host}


def parse_hosts(text: str) -> list[str]:
    """The host names of a field, in lower case and ASCII, in the order given, without repeats. Raises HostsError.

    Separated by commas, spaces or newlines; a final dot is dropped.
    """
    if len(text) > MAX_TEXT:
        raise HostsError(_("This is too long for a list of host names."))
    found: dict[str, None] = {}
    bad: list[str] = []
    for entry in filter(None, _SEPARATORS.split(text)):
        name = _read(entry)
        if name:
            found[name] = None
        else:
            bad.append(entry if len(entry) <= _SHOWN else f"{entry[:_SHOWN]}…")
    if bad:
        said = _(
            "Write the host name alone, such as unsubscribe.example.com, without https://, port and path. Not a host name: "
            "%(entries)s."
        )
        raise HostsError(said % {"entries": ", ".join(bad)})
    if len(found) > MAX_HOSTS:
        said = _("%(count)d host names are too many. At most %(most)d are allowed.")
        raise HostsError(said % {"count": len(found), "most": MAX_HOSTS})
    return list(found)


def hosts_of(realm: Realm) -> list[str]:
    """The realm's host names, by name."""
    return sorted(RealmHost.objects.filter(realm=realm).values_list("host", flat=True))


def own_host() -> str:
    """The host of BASE_URL."""
    return (urlsplit(settings.BASE_URL).hostname or "").rstrip(".")


def may_claim_own_host(realm: Realm) -> bool:
    """Whether this installation's own host name becomes the realm's when it switches on for the first time.

    Then a second realm that switches on later changes nothing for the first, whose websites use that name.
    """
    return _is_alone(realm) and not RealmHost.objects.filter(host=own_host()).exists()


def claim_own_host(realm: Realm) -> Realm | None:
    """For a realm that switches on: give this installation's own host name to somebody, if nobody has it; who got it.

    The realm itself where it is alone. Beside a single other one that gets it, since all requests went there so far, by whatever
    name; beside several an operator must say. Two at once: one of them gets it.
    """
    if RealmHost.objects.filter(host=own_host()).exists():
        return None
    others = Realm.objects.filter(global_unsubscribe__isnull=False).exclude(pk=realm.pk)[:2]
    if len(others) > 1:
        return None
    taker = others[0] if others else realm
    own = RealmHost(host=own_host(), realm=taker)
    RealmHost.objects.bulk_create([own], ignore_conflicts=True)
    return taker if RealmHost.objects.filter(host=own.host, realm=taker).exists() else None


def fixed_hosts(realm: Realm, actor: User | None) -> list[str]:
    """Those of its host names that this person cannot take away: the installation's own, while other realms use the option.

    Whoever has BASE_URL's host gets what is sent to names that nobody has: without it, websites would reach nobody.
    """
    if actor is None or actor.is_superuser or _is_alone(realm):
        return []
    return list(filter(_is_own, hosts_of(realm)))


def set_hosts(realm: Realm, hosts: Sequence[str], *, actor: User | None) -> list[list[str]] | None:
    """Let these host names lead to the realm, and no others: [old, new], or None when nothing changed.

    `hosts` are as `parse_hosts` gives them. Raises HostTakenError, and its kinds about the installation's own names. Call it in a
    transaction that has locked the realm.
    """
    old, new = hosts_of(realm), sorted(set(hosts))
    if old == new:
        return None
    added = [host for host in new if host not in old]
    if actor is not None and not actor.is_superuser and not _is_alone(realm):
        for host in filter(_is_own, added):
            raise OwnHostError(host)
    for host in fixed_hosts(realm, actor):
        if host not in new:
            raise FixedHostError(host)
    RealmHost.objects.filter(realm=realm).exclude(host__in=new).delete()
    RealmHost.objects.bulk_create(
        [RealmHost(host=host, realm=realm) for host in added], ignore_conflicts=True
    )
    taken = RealmHost.objects.filter(host__in=added).exclude(realm=realm).first()
    if taken is not None:
        raise HostTakenError(taken.host)
    return [old, new]


def _read(entry: str) -> str:
    """One host name as browsers send it; empty for what is none."""
    name = entry.lower().rstrip(".")
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode()
        except idna.IDNAError:
            return ""
    return name if _HOST.fullmatch(name) else ""


def _is_alone(realm: Realm) -> bool:
    return not GlobalUnsubscribe.objects.exclude(realm=realm).exists()


def _is_own(host: str) -> bool:
    """Whether the installation answers to it by its settings; `.example.com` there is the domain and all below it."""
    short = (urlsplit(settings.SMS_LINK_BASE_URL).hostname or "").rstrip(".")
    patterns = [own_host(), short, *(each.lower().rstrip(".") for each in settings.EXTRA_HOSTS)]
    return any(
        host == each or (each.startswith(".") and f".{host}".endswith(each)) for each in patterns
    )
