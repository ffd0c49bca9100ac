"""To come."""

from ninja import Router

router = Router(tags=["do_not_mail"])
