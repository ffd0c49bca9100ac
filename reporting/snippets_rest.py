"""What a Service page gives out for the REST API: one command each in curl, and a program in Python, PHP and Node.js.

Pure text, as in `reporting/snippets.py`. The tests run all of it as it stands here.
"""

from django.conf import settings

from optout.channels.rest.problems import DOCS
from reporting.snippets import Snippet, fill, program


def api_url() -> str:
    """What every path of the REST API begins with."""
    return f"{settings.BASE_URL}/api/v1"


def docs_url() -> str:
    """Where the REST API is described."""
    return f"{settings.BASE_URL}{DOCS}"


def commands(number: int) -> tuple[Snippet, ...]:
    """One curl each: report opt-outs of the list with that number, look addresses up, follow what changes."""
    values = {"API": api_url(), "NUMBER": str(number), "LISTS": _lists(number)}
    return (
        Snippet("add", "Report opt-outs", fill(_CURL_ADD, **values)),
        Snippet("look-up", "Look addresses up", fill(_CURL_LOOK_UP, **values)),
        Snippet("changes", "Follow what changes", fill(_CURL_CHANGES, **values)),
    )


def programs(number: int) -> tuple[Snippet, ...]:
    """The same three as functions, with the key from the environment variable HEED_KEY."""
    values = {"API": api_url(), "NUMBER": str(number), "LISTS": _lists(number)}
    return (
        Snippet("python", "Python", fill(_PYTHON, **values)),
        Snippet("php", "PHP", fill(_PHP, **values)),
        Snippet("node", "Node.js", fill(_NODE, **values)),
    )


def try_key(*, may_read: bool, number: int) -> str:
    """A line that shows whether the key in HEED_KEY works. One that may only write has nothing harmless to ask for."""
    if may_read:
        return fill(_TRY_READING, API=api_url())
    return fill(_TRY_WRITING, API=api_url(), NUMBER=str(number))


def _lists(number: int) -> str:
    """Whoever mails a list heeds its opt-outs and those of Do Not Mail."""
    return f"list={number}&list=0" if number else "list=0"


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
      curl "@API@/changes?@LISTS@&wait=30${CURSOR:+&cursor=$CURSOR}" -H @-
""")

_PYTHON = program("""
    import json, os
    from urllib.parse import quote
    from urllib.request import Request, urlopen

    def call(path, body=None):
        headers = {"Authorization": "Bearer " + os.environ["HEED_KEY"]}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        # An HTTPError says why in its body. From 500 on, or without an answer: try again later.
        with urlopen(Request("@API@" + path, data, headers), timeout=60) as answer:
            return json.load(answer)

    def opt_out(*addresses):
        return call("/lists/@NUMBER@/suppressions", {"addresses": addresses})

    def may_be_mailed(*addresses):
        # An error is no permission.
        results = call("/lookup", {"list": @NUMBER@, "addresses": addresses})["results"]
        return [each["address"] for each in results if not each["suppressed"]]

    def follow(cursor=None, wait=30):
        # For ever, page by page. Keep a page's cursor once its changes are dealt with.
        while True:
            after = "&cursor=" + quote(cursor) if cursor else ""
            page = call(f"/changes?@LISTS@&wait={wait}{after}")
            yield page
            cursor = page["cursor"]
""")

_PHP = program("""
    <?php
    function call(string $path, ?array $body = null): array
    {
        $context = stream_context_create(['http' => [
            'method' => $body === null ? 'GET' : 'POST',
            'header' => [
                'Authorization: Bearer ' . getenv('HEED_KEY'),
                'Content-Type: application/json',
            ],
            'content' => $body === null ? '' : json_encode($body, JSON_THROW_ON_ERROR),
            'timeout' => 60,
            'ignore_errors' => true,
        ]]);
        $stream = fopen('@API@' . $path, 'r', false, $context);
        $answer = $stream ? stream_get_contents($stream) : '';
        $status = $stream ? explode(' ', stream_get_meta_data($stream)['wrapper_data'][0])[1] : '0';
        if ($status !== '200') { // From 500 on, or 0: try again later.
            throw new RuntimeException("$status $answer");
        }
        return json_decode($answer, true, flags: JSON_THROW_ON_ERROR);
    }

    function opt_out(string ...$addresses): array
    {
        return call('/lists/@NUMBER@/suppressions', ['addresses' => $addresses]);
    }

    function may_be_mailed(string ...$addresses): array
    {
        // An exception is no permission.
        $results = call('/lookup', ['list' => @NUMBER@, 'addresses' => $addresses])['results'];
        return array_column(array_filter($results, fn ($each) => !$each['suppressed']), 'address');
    }

    function follow(?string $cursor = null, int $wait = 30): Generator
    {
        // For ever, page by page. Keep a page's cursor once its changes are dealt with.
        while (true) {
            $after = $cursor ? '&cursor=' . urlencode($cursor) : '';
            $page = call("/changes?@LISTS@&wait=$wait$after");
            yield $page;
            $cursor = $page['cursor'];
        }
    }
""")

_NODE = program("""
    async function call(path, body) {
      const headers = { Authorization: `Bearer ${process.env.HEED_KEY}` };
      if (body) headers['Content-Type'] = 'application/json';
      const answer = await fetch('@API@' + path, {
        method: body ? 'POST' : 'GET',
        headers,
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(60_000),
      });
      // From 500 on, or without an answer: try again later.
      if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
      return answer.json();
    }

    function optOut(...addresses) {
      return call('/lists/@NUMBER@/suppressions', { addresses });
    }

    async function mayBeMailed(...addresses) {
      // An error is no permission.
      const { results } = await call('/lookup', { list: @NUMBER@, addresses });
      return results.filter((each) => !each.suppressed).map((each) => each.address);
    }

    async function* follow(cursor = null, wait = 30) {
      // For ever, page by page. Keep a page's cursor once its changes are dealt with.
      while (true) {
        const after = cursor ? `&cursor=${encodeURIComponent(cursor)}` : '';
        const page = await call(`/changes?@LISTS@&wait=${wait}${after}`);
        yield page;
        cursor = page.cursor;
      }
    }
""")
