"""To come."""

from ninja import Router

router = Router(tags=["opt_outs"])
