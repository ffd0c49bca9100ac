"""What a Service page and an inbound endpoint give out about text messages, ready to copy."""

import json

from reporting.snippets import Snippet, fill, program

SECRET = "YOUR-SECRET"  # noqa: S105
_SENDER = "+12025550123"


def inbound_commands(url: str, texted: str) -> tuple[Snippet, ...]:
    """How a gateway, or who tries it, passes on that somebody texted STOP."""
    said = {"from": _SENDER, "to": texted, "text": "STOP", "secret": SECRET}
    values = {"URL": url, "TO": texted, "JSON": json.dumps(said), "FROM": _SENDER, "SECRET": SECRET}
    return (
        Snippet("json", "JSON", fill(_JSON, **values)),
        Snippet("form", "Form", fill(_FORM, **values)),
    )


def link_command(api_url: str, number: int, phone: str) -> str:
    """How a program gets recipients' own links of a list by the REST API."""
    said = json.dumps({"list": number, "phones": [phone]})
    return fill(_LINKS, URL=api_url, JSON=said)


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

_LINKS = program("""
    curl '@URL@/opt-out-links' \\
      --header "Authorization: Bearer $HEED_API_KEY" \\
      --json '@JSON@'
""")
