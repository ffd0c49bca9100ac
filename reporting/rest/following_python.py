"""The programs of `following` in Python, with its standard library."""

from reporting.snippets import program

CALLING = program('''
    import json
    import os
    import sys
    import time
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.parse import quote
    from urllib.request import Request, urlopen

    API = "@API@"
    PAUSE = float(os.environ.get("HEED_PAUSE", "5"))  # seconds


    class Refused(Exception):
        """The call was wrong: its status, and why. Trying again would not help."""


    class Later(Exception):
        """There is no answer yet: try again after so many seconds."""


    def call(path, body=None):
        """Ask once: the answer, and its Retry-After in seconds."""
        headers = {"Authorization": "Bearer " + os.environ["HEED_KEY"]}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        try:
            with urlopen(Request(API + path, data, headers), timeout=90) as answer:
                return json.load(answer), seconds(answer.headers)
        except HTTPError as error:
            if error.code not in (408, 429) and error.code < 500:
                raise Refused(error.code, detail(error)) from None
            raise Later(f"status {error.code}", seconds(error.headers)) from None
        except (OSError, HTTPException, ValueError) as error:  # cut off, or no JSON
            raise Later(repr(error), 0) from None


    def seconds(headers):
        said = headers.get("Retry-After", "")
        return int(said) if said.isdecimal() else 0


    def detail(error):
        try:
            return json.load(error)["detail"]
        except (OSError, HTTPException, ValueError, KeyError, TypeError):
            return error.reason


    def ask(path, field):
        """Ask until there is a whole answer; `field` must be in it."""
        pause = PAUSE
        while True:
            try:
                answer, wait = call(path)
                if isinstance(answer, dict) and field in answer:
                    return answer, wait
                why = "not an answer of Heed"
            except Later as later:
                why, wait = later.args
            print("Trying again:", why, file=sys.stderr)
            time.sleep(max(wait, pause))
            pause = min(2 * pause, 300)


    def follow(cursor=""):
        """Page by page, for ever. Keep the cursor of a page once its changes are dealt with."""
        while True:
            asked_at = time.monotonic()
            page, wait = ask(f"/changes?@FILTER@wait=30&cursor={quote(cursor)}", "cursor")
            yield page
            cursor = page["cursor"]
            is_idle = not page["changes"] and not page["has_more"]
            if is_idle and time.monotonic() - asked_at < 25:  # there was no room to wait
                time.sleep(max(wait, PAUSE))
''')

FOLLOWING = program("""
    def apply(change):
        print(change["id"], change["type"], change["list"], change["address"], flush=True)


    def keep(cursor):
        with open("heed-cursor.new", "w") as file:
            file.write(cursor)
        os.replace("heed-cursor.new", "heed-cursor")  # the new one or the old one, whole


    def kept():
        try:
            with open("heed-cursor") as file:
                return file.read().strip()
        except FileNotFoundError:
            return ""


    while True:
        try:
            for page in follow(kept()):
                for change in page["changes"]:
                    apply(change)  # twice must do no harm
                keep(page["cursor"])  # last: a crash repeats some changes, and skips none
        except Refused as refused:
            status, why = refused.args
            if status != 410:
                sys.exit(f"{status}: {why}")
            keep("")  # after a restore: everything once more
""")

COPYING = program('''
    LIST = @NUMBER@


    def keep(cursor, suppressed):
        """The cursor, and a line for each suppression: the list and the digest."""
        with open("heed-copy.new", "w") as file:
            file.write("\\n".join([cursor, *sorted(suppressed), ""]))
        os.replace("heed-copy.new", "heed-copy")  # the new one or the old one, whole
        return cursor, suppressed


    def kept():
        try:
            with open("heed-copy") as file:
                cursor, *lines = file.read().splitlines()
            return cursor, set(lines)
        except FileNotFoundError:
            return read_all()


    def read_all():
        cursor = ask("/changes?cursor=now", "cursor")[0]["cursor"]  # first of all
        suppressed = set()
        for number in {LIST, 0}:
            path, place = f"/lists/{number}/suppressions?limit=10000", ""
            while place is not None:
                page, _ = ask(path + place, "suppressions")
                suppressed |= {f"{number} {each['digest']}" for each in page["suppressions"]}
                place = page["next"] and "&cursor=" + quote(page["next"])
        return keep(cursor, suppressed)


    def apply(change, suppressed):
        line = f"{change['list']} {change['digest']}"
        if change["suppressed"]:
            suppressed.add(line)
        else:
            suppressed.discard(line)


    while True:
        try:
            cursor, suppressed = kept()
            for page in follow(cursor):
                for change in page["changes"]:
                    apply(change, suppressed)
                keep(page["cursor"], suppressed)
        except Refused as refused:
            status, why = refused.args
            if status != 410:
                sys.exit(f"{status}: {why}")
            read_all()  # after a restore
''')

ASKING_COPY = program('''
    import hashlib
    import sys

    LIST = @NUMBER@


    def may_be_mailed(address, suppressed):
        """`address` as Heed writes it: an email address in lower case, +14155550123."""
        for kind in ("sha256", "sha1", "md5"):
            digest = hashlib.new(kind, address.encode()).hexdigest()[:32]
            if f"{LIST} {digest}" in suppressed or f"0 {digest}" in suppressed:
                return False
        return True


    with open("heed-copy") as file:  # no copy, no mail
        suppressed = set(file.read().splitlines()[1:])
    for address in sys.argv[1:]:
        print(address, "yes" if may_be_mailed(address, suppressed) else "no")
''')
