"""One call of the REST API as a program in curl, Python, PHP and Node, ready to be copied."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

LANGUAGES = {"curl": "curl", "python": "Python", "php": "PHP", "node": "Node"}


@dataclass(frozen=True, slots=True)
class Call:
    """What is sent: `path` as it stands in the URL, `query` as names and values, `body` as what JSON is made of.

    `is_named`: with an Idempotency-Key that is made anew for each call.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None
    is_named: bool = False

    def url(self, base: str) -> str:
        """Where it goes; what needs no escape in a query is left readable."""
        query = "&".join(f"{name}={quote(value, safe='@:,+-._~')}" for name, value in self.query)
        return f"{base}{self.path}?{query}" if query else f"{base}{self.path}"

    @property
    def is_file(self) -> bool:
        """Whether the answer is a file, not JSON."""
        return self.path.endswith((".csv", ".txt"))


def programs_of(call: Call, base: str) -> dict[str, str]:
    """The call in each of LANGUAGES, with the key in the environment variable HEED_KEY. A refusal ends it, and says why."""
    url = call.url(base)
    return {
        "curl": _curl(call, url),
        "python": _python(call, url),
        "php": _php(call, url),
        "node": _node(call, url),
    }


def _curl(call: Call, url: str) -> str:
    parts = ["curl --fail-with-body"]
    if _is_named_method(call):
        parts[0] += f" --request {call.method}"
    parts[0] += f" '{url}'"
    parts.append('--header "Authorization: Bearer $HEED_KEY"')
    if call.is_named:
        parts.append('--header "Idempotency-Key: $name"')
    if call.body is not None:
        parts.append("--header 'Content-Type: application/json'")
        parts.append(f"--data '{json.dumps(call.body, ensure_ascii=False)}'")
    return ("name=$(openssl rand -hex 16)\n" if call.is_named else "") + " \\\n  ".join(parts)


def _python(call: Call, url: str) -> str:
    headers = ['"Authorization": f"Bearer {os.environ[\'HEED_KEY\']}"']
    if call.is_named:
        headers.append('"Idempotency-Key": name')
    if call.body is not None:
        headers.append('"Content-Type": "application/json"')
    return "\n".join(
        [
            *(["import json"] if call.body is not None or _is_json(call) else []),
            "import os",
            *(["import uuid"] if call.is_named else []),
            "from urllib.error import HTTPError",
            "from urllib.request import Request, urlopen",
            "",
            *(["name = str(uuid.uuid4())"] if call.is_named else []),
            "request = Request(",
            f'    "{url}",',
            *(
                [f"    json.dumps({_literal(call.body)}).encode(),"]
                if call.body is not None
                else []
            ),
            *_bracketed("headers=", headers),
            *([f'    method="{call.method}",'] if _is_named_method(call) else []),
            ")",
            "try:",
            "    with urlopen(request, timeout=60) as answer:",
            f"        {_shown(call, 'print(json.load(answer))', 'print(answer.read().decode())', 'pass')}",
            "except HTTPError as problem:",
            "    raise SystemExit(problem.read().decode())",
        ]
    )


def _bracketed(before: str, headers: list[str]) -> list[str]:
    if len(headers) == 1:
        return [f"    {before}{{{headers[0]}}},"]
    return [f"    {before}{{", *(f"        {each}," for each in headers), "    },"]


def _php(call: Call, url: str) -> str:
    headers = ["'Authorization: Bearer ' . getenv('HEED_KEY')"]
    if call.is_named:
        headers.append('"Idempotency-Key: $name"')
    if call.body is not None:
        headers.append("'Content-Type: application/json'")
    lines = [
        "<?php",
        *(["$name = bin2hex(random_bytes(16));"] if call.is_named else []),
        "$context = stream_context_create(['http' => [",
        f"    'method' => '{call.method}',",
        "    'header' => [",
        *(f"        {each}," for each in headers),
        "    ],",
    ]
    if call.body is not None:
        lines.append(f"    'content' => json_encode({_php_value(call.body)}),")
    lines += [
        "    'timeout' => 60,",
        "    'ignore_errors' => true, // so that a problem can be read",
        "]]);",
        f"$answer = file_get_contents('{url}', false, $context);",
        "if ($answer === false || !preg_match('/ 2\\d\\d /', $http_response_header[0])) {",
        "    throw new RuntimeException($answer ?: 'There is no answer.');",
        "}",
        _shown(call, "print_r(json_decode($answer, true));", "echo $answer;"),
    ]
    return "\n".join(filter(None, lines))


def _node(call: Call, url: str) -> str:
    headers = ["Authorization: `Bearer ${process.env.HEED_KEY}`"]
    if call.is_named:
        headers.append("'Idempotency-Key': name")
    if call.body is not None:
        headers.append("'Content-Type': 'application/json'")
    lines = ["const name = crypto.randomUUID();"] if call.is_named else []
    lines.append(f"const answer = await fetch('{url}', {{")
    if call.method != "GET":
        lines.append(f"  method: '{call.method}',")
    if len(headers) == 1:
        lines.append(f"  headers: {{ {headers[0]} }},")
    else:
        lines += ["  headers: {", *(f"    {each}," for each in headers), "  },"]
    if call.body is not None:
        lines.append(f"  body: JSON.stringify({_literal(call.body)}),")
    lines += [
        "  signal: AbortSignal.timeout(60_000),",
        "});",
        "if (!answer.ok) throw new Error(await answer.text());",
        _shown(call, "console.log(await answer.json());", "console.log(await answer.text());"),
    ]
    return "\n".join(filter(None, lines))


def _is_named_method(call: Call) -> bool:
    """Whether curl and urllib must be told it: without a body they GET, with one they POST."""
    return call.method != ("GET" if call.body is None else "POST")


def _is_json(call: Call) -> bool:
    return call.method != "DELETE" and not call.is_file


def _shown(call: Call, as_json: str, as_text: str, as_nothing: str = "") -> str:
    """The line that prints the answer, if there is one to print."""
    if call.method == "DELETE":
        return as_nothing
    return as_text if call.is_file else as_json


def _literal(value: Any) -> str:
    """Python and JavaScript write these alike, for there is no None, True or False in our examples."""
    return json.dumps(value, ensure_ascii=False)


def _php_value(value: Any) -> str:
    if isinstance(value, dict):
        pairs = (f"'{name}' => {_php_value(each)}" for name, each in value.items())
        return f"[{', '.join(pairs)}]"
    if isinstance(value, list):
        return f"[{', '.join(map(_php_value, value))}]"
    return f"'{value}'" if isinstance(value, str) else json.dumps(value)
