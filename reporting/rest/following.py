"""Programs that follow the change feed for ever, in Python, PHP and Node; in curl, one step of it."""

PROGRAMS = {
    "curl": """\
cursor=$(cat heed-cursor 2>/dev/null)
curl --fail "{url}?wait=30&cursor=$cursor" \\
  --header "Authorization: Bearer $HEED_KEY" --output changes.json
# Do what the changes say; then, and only then:
sed 's/.*"cursor": *"\\([^"]*\\)".*/\\1/' changes.json > heed-cursor""",
    "python": """\
import os
import time
from pathlib import Path

import requests

URL = "{url}"
kept = Path("heed-cursor")
session = requests.Session()
session.headers["Authorization"] = f"Bearer {{os.environ['HEED_KEY']}}"
cursor = kept.read_text() if kept.exists() else ""


def apply(change):
    print(change["id"], change["type"], change["list"], change["address"], flush=True)


while True:
    try:
        answer = session.get(URL, params={{"cursor": cursor, "wait": 30}}, timeout=90)
    except (requests.ConnectionError, requests.Timeout):
        time.sleep(10)
        continue
    if answer.status_code in (429, 503):
        time.sleep(int(answer.headers["Retry-After"]))
        continue
    if answer.status_code == 410:  # after a restore: read everything once more
        cursor = ""
        continue
    answer.raise_for_status()
    page = answer.json()
    for change in page["changes"]:
        apply(change)  # twice must do no harm
    cursor = page["cursor"]
    kept.write_text(cursor)  # last: a crash repeats some changes, and skips none""",
    "php": """\
<?php
$file = 'heed-cursor';
$cursor = is_file($file) ? file_get_contents($file) : '';
$context = stream_context_create(['http' => [
    'header' => 'Authorization: Bearer ' . getenv('HEED_KEY'),
    'timeout' => 90,
    'ignore_errors' => true,
]]);

function apply(array $change): void
{{
    echo "$change[id] $change[type] $change[list] $change[address]\\n";
}}

while (true) {{
    $query = http_build_query(['cursor' => $cursor, 'wait' => 30]);
    $answer = @file_get_contents("{url}?$query", false, $context);
    $status = $answer === false ? 0 : (int) explode(' ', $http_response_header[0])[1];
    if (in_array($status, [0, 429, 503], true)) {{
        sleep(30);
        continue;
    }}
    if ($status === 410) {{ // after a restore: read everything once more
        $cursor = '';
        continue;
    }}
    if ($status !== 200) {{
        throw new RuntimeException($answer);
    }}
    $page = json_decode($answer, true);
    foreach ($page['changes'] as $change) {{
        apply($change); // twice must do no harm
    }}
    $cursor = $page['cursor'];
    file_put_contents($file, $cursor); // last: a crash repeats some changes, and skips none
}}""",
    "node": """\
import {{ existsSync, readFileSync, writeFileSync }} from 'node:fs';
import {{ setTimeout as sleep }} from 'node:timers/promises';

const file = 'heed-cursor';
const headers = {{ Authorization: `Bearer ${{process.env.HEED_KEY}}` }};
let cursor = existsSync(file) ? readFileSync(file, 'utf8') : '';

function apply(change) {{
  console.log(change.id, change.type, change.list, change.address);
}}

for (;;) {{
  const query = new URLSearchParams({{ cursor, wait: 30 }});
  let answer;
  try {{
    answer = await fetch(`{url}?${{query}}`, {{ headers, signal: AbortSignal.timeout(90_000) }});
  }} catch {{
    await sleep(10_000);
    continue;
  }}
  if (answer.status === 429 || answer.status === 503) {{
    await sleep(1_000 * Number(answer.headers.get('Retry-After')));
    continue;
  }}
  if (answer.status === 410) {{ // after a restore: read everything once more
    cursor = '';
    continue;
  }}
  if (!answer.ok) throw new Error(await answer.text());
  const page = await answer.json();
  for (const change of page.changes) apply(change); // twice must do no harm
  cursor = page.cursor;
  writeFileSync(file, cursor); // last: a crash repeats some changes, and skips none
}}""",
}


def following(url: str) -> dict[str, str]:
    """The programs, for the feed at that URL."""
    return {language: text.format(url=url) for language, text in PROGRAMS.items()}
