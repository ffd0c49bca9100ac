"""What a Service page gives out for the REST API: one command each in curl, and a program in Python, PHP and Node.js.

Pure text, as in `reporting/snippets.py`. The tests run all of it as it stands here.
"""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from optout.channels.rest.problems import DOCS
from reporting.rest.following import calling_with, filter_of
from reporting.snippets import Snippet, fill, program


def api_url() -> str:
    """What every path of the REST API begins with."""
    return f"{settings.BASE_URL}/api/v1"


def docs_url() -> str:
    """Where the REST API is described."""
    return f"{settings.BASE_URL}{DOCS}"


def webhooks_url() -> str:
    """Where it is described how to take webhooks in."""
    return f"{docs_url()}/webhooks"


def commands(number: int) -> tuple[Snippet, ...]:
    """One curl each: report opt-outs of the list with that number, look addresses up, follow what changes, make opt-out links."""
    values = {"API": api_url(), "NUMBER": str(number), "FILTER": filter_of(number)}
    return (
        Snippet("add", _("Report opt-outs"), fill(_CURL_ADD, **values)),
        Snippet("look-up", _("Look addresses up"), fill(_CURL_LOOK_UP, **values)),
        Snippet("changes", _("Follow what changes"), fill(_CURL_CHANGES, **values)),
        Snippet("links", _("Make opt-out links for text messages"), fill(_CURL_LINKS, **values)),
    )


def programs(number: int) -> tuple[Snippet, ...]:
    """The same three as functions, with the key from the environment variable HEED_KEY."""
    found = calling_with({"python": _PYTHON, "php": _PHP, "node": _NODE}, api_url(), number)
    return (
        Snippet("python", "Python", found["python"]),
        Snippet("php", "PHP", found["php"]),
        Snippet("node", "Node.js", found["node"]),
    )


def try_key(*, may_read: bool, number: int) -> str:
    """A line that shows whether the key in HEED_KEY works. One that may only write has nothing harmless to ask for."""
    if may_read:
        return fill(_TRY_READING, API=api_url())
    return fill(_TRY_WRITING, API=api_url(), NUMBER=str(number))


# Neither who looks on nor the shell's history sees the key.
TAKE_KEY = "read -rs HEED_KEY && export HEED_KEY"

_TRY_READING = program("""
    printf 'Authorization: Bearer %s' "$HEED_KEY" |
      curl '@API@/lists' -H @-
""")

_TRY_WRITING = program("""
    printf 'Authorization: Bearer %s' "$HEED_KEY" |
      curl '@API@/lists/@NUMBER@/suppressions' -H @- -H 'Content-Type: application/json' \\
      --data '{"addresses": ["nobody@example.com"]}'
""")

# Everybody on the machine can read command lines, so the key comes in by the pipe.
_CURL_ADD = program("""
    printf 'Authorization: Bearer %s' "$HEED_KEY" |
      curl '@API@/lists/@NUMBER@/suppressions' -H @- -H 'Content-Type: application/json' \\
      --data '{"addresses": ["jane@example.com", "joe@example.com"]}'
""")

_CURL_LOOK_UP = program("""
    printf 'Authorization: Bearer %s' "$HEED_KEY" |
      curl '@API@/lookup' -H @- -H 'Content-Type: application/json' \\
      --data '{"list": @NUMBER@, "addresses": ["jane@example.com", "joe@example.com"]}'
""")

_CURL_CHANGES = program("""
    printf 'Authorization: Bearer %s' "$HEED_KEY" |
      curl "@API@/changes?@FILTER@wait=30${CURSOR:+&cursor=$CURSOR}" -H @-
""")

_CURL_LINKS = program("""
    printf 'Authorization: Bearer %s' "$HEED_KEY" |
      curl '@API@/opt-out-links' -H @- -H 'Content-Type: application/json' \\
      --data '{"list": @NUMBER@, "phones": ["+14155550101", "+14155550102"]}'
""")

_PYTHON = program("""
    def opt_out(*addresses):
        answer, _ = call("/lists/@NUMBER@/suppressions", {"addresses": addresses})
        return answer


    def may_be_mailed(*addresses):
        # An exception is no permission.
        answer, _ = call("/lookup", {"list": @NUMBER@, "addresses": addresses})
        return [each["address"] for each in answer["results"] if not each["suppressed"]]
""")

_PHP = program("""
    function opt_out(string ...$addresses): array
    {
        return call('/lists/@NUMBER@/suppressions', ['addresses' => $addresses])[0];
    }

    function may_be_mailed(string ...$addresses): array
    {
        // An exception is no permission.
        [$answer] = call('/lookup', ['list' => @NUMBER@, 'addresses' => $addresses]);
        $free = array_filter($answer['results'], fn ($each) => !$each['suppressed']);
        return array_column($free, 'address');
    }
""")

_NODE = program("""
    async function optOut(...addresses) {
      return (await call('/lists/@NUMBER@/suppressions', { addresses })).answer;
    }

    async function mayBeMailed(...addresses) {
      // An exception is no permission.
      const { answer } = await call('/lookup', { list: @NUMBER@, addresses });
      return answer.results.filter((each) => !each.suppressed).map((each) => each.address);
    }
""")
