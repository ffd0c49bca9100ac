"""How long processes go on with what they remember, in words: for whoever just changed or revoked it."""

import math

from django.conf import settings


def soon() -> str:
    """By when every process knows of a change to a realm, its passwords, keys and doors: "within a second"."""
    seconds = math.ceil(settings.LIST_CACHE_SECONDS)
    return "within a second" if seconds <= 1 else f"within {seconds} seconds"
