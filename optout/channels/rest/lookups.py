"""Is this address suppressed? Whatever happens, the answer is never a "no" that we do not know (promise 8)."""

from ninja import Router

router = Router(tags=["look-up"])
