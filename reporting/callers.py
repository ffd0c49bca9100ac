"""With what programs called that reported opt-outs: which of a realm's API passwords, which API key."""

from collections.abc import Sequence

from django.utils.translation import gettext

from lists.access import Standing
from lists.api_keys import PREFIX
from lists.models import ApiKey, RealmCredential
from optout.models import OptOut

_PASSWORD, _KEY = "credential", "api_key"


def callers_of(rows: Sequence[OptOut], standing: Standing) -> dict[int, str]:
    """By the id of a ledger row, how a realm admin tells the password or key apart; nothing for others. Two queries at most."""
    if not standing.is_realm_admin:
        return {}
    passwords = {row.id: pk for row in rows if (pk := _found(row, _PASSWORD)) is not None}
    keys = {row.id: pk for row in rows if (pk := _found(row, _KEY)) is not None}
    names = _passwords(standing, set(passwords.values()))
    labels = _keys(standing, set(keys.values()))
    found = {row_id: names.get(pk, "") for row_id, pk in passwords.items()}
    return found | {row_id: labels.get(pk, "") for row_id, pk in keys.items()}


def _found(row: OptOut, name: str) -> int | None:
    found = (row.evidence or {}).get(name)
    return found if isinstance(found, int) else None


def _passwords(standing: Standing, wanted: set[int]) -> dict[int, str]:
    if not wanted:
        return {}
    found = RealmCredential.objects.filter(realm=standing.realm, pk__in=wanted)
    return {
        pk: gettext("your own password")
        if is_chosen
        else gettext("password …%(hint)s") % {"hint": hint}
        for pk, hint, is_chosen in found.values_list("pk", "hint", "is_chosen")
    }


def _keys(standing: Standing, wanted: set[int]) -> dict[int, str]:
    if not wanted:
        return {}
    found = ApiKey.objects.filter(realm=standing.realm, pk__in=wanted)
    return {
        pk: gettext("key “%(label)s” %(key)s") % {"label": label, "key": f"{PREFIX}_…{hint}"}
        for pk, label, hint in found.values_list("pk", "label", "hint")
    }
