"""One call of the REST API as a program in curl, Python, PHP and Node, ready to be copied."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

LANGUAGES = {"curl": "curl", "python": "Python", "php": "PHP", "node": "Node"}


@dataclass(frozen=True, slots=True)
class Call:
    """What is sent: `path` as it stands in the URL, `query` as names and values, `body` as what JSON is made of."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None
    idempotency_key: str = ""

    def url(self, base: str) -> str:
        """Where it goes; what needs no escape in a query is left readable."""
        query = "&".join(f"{name}={quote(value, safe='@:,+-._~')}" for name, value in self.query)
        return f"{base}{self.path}?{query}" if query else f"{base}{self.path}"


def programs_of(call: Call, base: str) -> dict[str, str]:
    """The call in each of LANGUAGES, with the key in the environment variable HEED_KEY."""
    url = call.url(base)
    return {
        "curl": _curl(call, url),
        "python": _python(call, url),
        "php": _php(call, url),
        "node": _node(call, url),
    }


def _curl(call: Call, url: str) -> str:
    parts = ["curl"]
    if call.method not in {"GET", "POST"}:
        parts[0] += f" --request {call.method}"
    parts[0] += f" '{url}'"
    parts.append('--header "Authorization: Bearer $HEED_KEY"')
    if call.idempotency_key:
        parts.append(f"--header 'Idempotency-Key: {call.idempotency_key}'")
    if call.body is not None:
        parts.append("--header 'Content-Type: application/json'")
        parts.append(f"--data '{json.dumps(call.body, ensure_ascii=False)}'")
    return " \\\n  ".join(parts)


def _python(call: Call, url: str) -> str:
    headers = """{"Authorization": f"Bearer {os.environ['HEED_KEY']}"}"""
    if call.idempotency_key:
        headers = f'{headers[:-1]}, "Idempotency-Key": "{call.idempotency_key}"}}'
    lines = [
        "import os",
        "import requests",
        "",
        f"answer = requests.{call.method.lower()}(",
        f'    "{url}",',
        f"    headers={headers},",
        *([f"    json={_literal(call.body)},"] if call.body is not None else []),
        "    timeout=60,",
        ")",
        "answer.raise_for_status()",
    ]
    return "\n".join([*lines, *_shown(call, "print(answer.json())", "print(answer.text)")])


def _php(call: Call, url: str) -> str:
    headers = ["'Authorization: Bearer ' . getenv('HEED_KEY')"]
    if call.idempotency_key:
        headers.append(f"'Idempotency-Key: {call.idempotency_key}'")
    if call.body is not None:
        headers.append("'Content-Type: application/json'")
    lines = [
        "<?php",
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
        "]]);",
        f"$answer = file_get_contents('{url}', false, $context);",
        "if ($answer === false) {",
        "    throw new RuntimeException('Not answered, or refused.');",
        "}",
    ]
    return "\n".join(
        [*lines, *_shown(call, "print_r(json_decode($answer, true));", "echo $answer;")]
    )


def _node(call: Call, url: str) -> str:
    headers = ["Authorization: `Bearer ${process.env.HEED_KEY}`"]
    if call.idempotency_key:
        headers.append(f"'Idempotency-Key': '{call.idempotency_key}'")
    if call.body is not None:
        headers.append("'Content-Type': 'application/json'")
    lines = [f"const answer = await fetch('{url}', {{"]
    if call.method != "GET":
        lines.append(f"  method: '{call.method}',")
    if len(headers) == 1:
        lines.append(f"  headers: {{ {headers[0]} }},")
    else:
        lines += ["  headers: {", *(f"    {each}," for each in headers), "  },"]
    if call.body is not None:
        lines.append(f"  body: JSON.stringify({_literal(call.body)}),")
    lines += ["});", "if (!answer.ok) throw new Error(await answer.text());"]
    return "\n".join(
        [
            *lines,
            *_shown(call, "console.log(await answer.json());", "console.log(await answer.text());"),
        ]
    )


def _shown(call: Call, as_json: str, as_text: str) -> list[str]:
    """The line that prints the answer, if there is one to print."""
    if call.method == "DELETE":
        return []
    return [as_text if call.path.endswith((".csv", ".txt")) else as_json]


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
