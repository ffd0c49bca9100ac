"""How long processes go on with what they remember, in words: for whoever just changed or revoked it."""

import math

from django.conf import settings
from django.utils.translation import ngettext


def soon() -> str:
    """By when every process knows of a change to a realm, its passwords, keys and doors: "within a second"."""
    seconds = max(1, math.ceil(settings.LIST_CACHE_SECONDS))
    return ngettext("within a second", "within %(seconds)d seconds", seconds) % {"seconds": seconds}
