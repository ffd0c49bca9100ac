"""What an inbound endpoint gives out, ready to copy: how a gateway passes on what people text."""

import json

from django.utils.translation import gettext_lazy as _

from reporting.snippets import Snippet, fill, program

SECRET = "YOUR-SECRET"  # noqa: S105
_SENDER = "+12025550123"


def inbound_commands(url: str, texted: str) -> tuple[Snippet, ...]:
    """How a gateway, or who tries it, passes on that somebody texted STOP."""
    said = {"from": _SENDER, "to": texted, "text": "STOP", "secret": SECRET}
    values = {"URL": url, "TO": texted, "JSON": json.dumps(said), "FROM": _SENDER, "SECRET": SECRET}
    return (
        Snippet("json", "JSON", fill(_JSON, **values)),
        Snippet("form", _("Form"), fill(_FORM, **values)),
    )


_JSON = program("""
    curl '@URL@' \\
      --json '@JSON@'
""")

_FORM = program("""
    curl '@URL@' \\
      --data-urlencode 'from=@FROM@' \\
      --data-urlencode 'to=@TO@' \\
      --data 'text=STOP' \\
      --data 'secret=@SECRET@'
""")
