"""Programs that take webhooks in, in Python, PHP and Node, and one that checks a kept one in the shell.

Each needs its language's standard library alone. The secret is in WEBHOOK_SECRET, and WEBHOOK_INBOX is a directory. They answer
as soon as a message is written down, and leave the work to another program. The tests run them as they stand here.
"""

from reporting.snippets import program


def receiving() -> dict[str, str]:
    """The programs, by language."""
    return {"curl": _SHELL, "python": _PYTHON, "php": _PHP, "node": _NODE}


# With an empty secret anybody could sign, so each looks at its length.
_PYTHON = program('''
    import base64
    import hmac
    import os
    import time
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    SECRET = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
    INBOX = os.environ["WEBHOOK_INBOX"]
    LARGEST = 1_000_000  # octets
    if len(SECRET) < 24:
        raise SystemExit("WEBHOOK_SECRET is not a whole secret.")


    def is_genuine(headers, body):
        """Whether Heed sent it, in the last five minutes. `body`: the octets as they came."""
        name, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not moment.isdecimal() or abs(time.time() - int(moment)) > 300:
            return False
        said = f"{name}.{moment}.".encode() + body
        right = b"v1," + base64.b64encode(hmac.digest(SECRET, said, "sha256"))
        given = headers.get("webhook-signature", "").encode().split()
        return any(hmac.compare_digest(each, right) for each in given)


    def keep(name, body):
        """A file for each message; sorted by name they are in order."""
        path = f"{INBOX}/{time.time_ns()}-{name}"
        with open(path + ".new", "xb") as file:
            file.write(body)
        os.rename(path + ".new", path)  # whole, or not there


    class Receiver(BaseHTTPRequestHandler):
        timeout = 15  # seconds

        def do_POST(self):
            length = self.headers.get("content-length", "")
            body = self.rfile.read(min(int(length), LARGEST)) if length.isdecimal() else b""
            is_right = is_genuine(self.headers, body)
            if is_right:
                keep(self.headers["webhook-id"], body)  # where this fails, Heed tries again
            self.send_response(204 if is_right else 401)
            self.end_headers()


    address = ("127.0.0.1", int(os.environ.get("PORT", "8080")))  # behind your HTTPS
    server = ThreadingHTTPServer(address, Receiver)
    print(f"Listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
''')

_PHP = program("""
    <?php
    // Behind your HTTPS. To try it: php -S 127.0.0.1:8080 webhook.php
    $secret = base64_decode(substr((string) getenv('WEBHOOK_SECRET'), strlen('whsec_')));
    $inbox = (string) getenv('WEBHOOK_INBOX'); // where no web server hands out files
    if (strlen($secret) < 24 || !is_dir($inbox)) {
        http_response_code(500);
        exit;
    }

    // Whether Heed sent it, in the last five minutes. $body: the octets as they came.
    function is_genuine(string $secret, string $body): bool
    {
        $name = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
        $moment = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
        if (!ctype_digit($moment) || abs(time() - (int) $moment) > 300) {
            return false;
        }
        $digest = hash_hmac('sha256', "$name.$moment.$body", $secret, true);
        $right = 'v1,' . base64_encode($digest);
        foreach (explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '') as $given) {
            if (hash_equals($right, $given)) {
                return true;
            }
        }
        return false;
    }

    // A file for each message; sorted by name they are in order.
    function keep(string $inbox, string $body): bool
    {
        $path = sprintf('%s/%.6F-%s', $inbox, microtime(true), $_SERVER['HTTP_WEBHOOK_ID']);
        return file_put_contents("$path.new", $body) === strlen($body)
            && rename("$path.new", $path); // whole, or not there
    }

    $body = file_get_contents('php://input');
    if (!is_genuine($secret, $body)) {
        http_response_code(401);
    } else {
        http_response_code(keep($inbox, $body) ? 204 : 500); // with 500 Heed tries again
    }
""")

_NODE = program("""
    import { createHmac, timingSafeEqual } from 'node:crypto';
    import { renameSync, writeFileSync } from 'node:fs';
    import { createServer } from 'node:http';

    const { WEBHOOK_SECRET = '', WEBHOOK_INBOX, PORT = '8080' } = process.env;
    const SECRET = Buffer.from(WEBHOOK_SECRET.replace(/^whsec_/, ''), 'base64');
    const LARGEST = 1_000_000; // octets
    if (SECRET.length < 24) throw new Error('WEBHOOK_SECRET is not a whole secret.');

    // Whether Heed sent it, in the last five minutes. `body`: the octets as they came.
    function isGenuine(headers, body) {
      const { 'webhook-id': name, 'webhook-timestamp': moment } = headers;
      if (!(Math.abs(Date.now() / 1_000 - moment) <= 300)) return false;
      const hmac = createHmac('sha256', SECRET).update(`${name}.${moment}.`).update(body);
      const right = Buffer.from(`v1,${hmac.digest('base64')}`);
      return (headers['webhook-signature'] ?? '').split(' ').some((each) => {
        const given = Buffer.from(each);
        return given.length === right.length && timingSafeEqual(given, right);
      });
    }

    // A file for each message; sorted by name they are in order.
    function keep(name, body) {
      const now = (performance.timeOrigin + performance.now()).toFixed(3);
      const path = `${WEBHOOK_INBOX}/${now}-${name}`;
      writeFileSync(`${path}.new`, body);
      renameSync(`${path}.new`, path); // whole, or not there
    }

    async function answer(request) {
      const parts = [];
      let size = 0;
      for await (const part of request) {
        size += part.length;
        if (size > LARGEST) return 413;
        parts.push(part);
      }
      const body = Buffer.concat(parts);
      if (!isGenuine(request.headers, body)) return 401;
      keep(request.headers['webhook-id'], body);
      return 204;
    }

    const server = createServer((request, response) => {
      answer(request).catch(() => 500).then((status) => { // with 500 Heed tries again
        response.writeHead(status, { Connection: 'close' }).end();
      });
    });
    server.listen(Number(PORT), '127.0.0.1', () => { // behind your HTTPS
      console.log(`Listening on http://127.0.0.1:${server.address().port}`);
    });
""")

_SHELL = program("""
    # Looks at a message that was kept in two files: its headers, and its body as it came.
    # openssl has the secret on its command line: only where nobody else looks on.
    header() {
      tr -d '\\r' < headers |
        awk -F ': *' -v name="$1" 'tolower($1) == name { print $2; exit }'
    }

    # Whether Heed sent it, in the last five minutes.
    is_genuine() {
      moment=$(header webhook-timestamp)
      expr "x$moment" : 'x[1-9][0-9]\\{9\\}$' > /dev/null || return 1
      age=$(($(date +%s) - moment))
      [ "$age" -le 300 ] && [ "$age" -ge -300 ] || return 1
      key=$(printf %s "${WEBHOOK_SECRET#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \\n')
      [ "${#key}" -ge 48 ] || return 1
      right=$({ printf %s "$(header webhook-id).$moment."; cat body; } |
        openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)
      [ "${#right}" -eq 44 ] || return 1
      header webhook-signature | tr ' ' '\\n' | grep -qxF "v1,$right"
    }

    if is_genuine; then echo genuine; else echo 'not genuine' >&2; exit 1; fi
""")
