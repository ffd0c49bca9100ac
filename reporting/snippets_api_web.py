"""What a Service page gives out for `api_web`: commands with their exact answers, what failures say, programs (S4.1–S4.20).

Pure text, as in `reporting/snippets.py`. The tests send the commands and run the programs as they stand here, and compare
the answers with those that come.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from optout.channels.api_web.lines import BAD_CREDENTIALS, NOT_YOUR_LIST, failure, success
from optout.links import api_web_url
from reporting.snippets import Snippet, fill, program

YOUR_PASSWORD = "YOUR_PASSWORD"  # noqa: S105 -- a placeholder
_PEOPLE = (("jane@example.com", "Jane", "11293"), ("joe@example.com", "Joe", "11294"))
_NOBODY = ("nobody", "Nobody", "11295")  # no address
_UP_TO_A_MARK = re.compile(r"[^&^]*[&^]|[^&^]+")
_BREAK = SafeString("<wbr>")


@dataclass(frozen=True, slots=True)
class Target:
    """Whom commands are about: a realm, one of its lists by number, whether records carry a customer key, and whether the list
    is closed."""

    realm: str
    number: int
    uses_customer_key: bool = False
    is_closed: bool = False

    def fields(self, *more: str) -> str:
        """The field names that `data` begins with."""
        return ",".join([*(["customer_key"] if self.uses_customer_key else []), "email", *more])

    def record(self, person: tuple[str, str, str], *more: str) -> str:
        """One record of `data` with these fields."""
        email, _first, key = person
        return ",".join([*([key] if self.uses_customer_key else []), email, *more])


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that begins with FAILURE, and why one gets it."""

    line: str
    because: str


@dataclass(frozen=True, slots=True)
class Example:
    """A command as it is sent, what it does, the answer, byte for byte, and what comes instead when nothing was done."""

    slug: str
    label: str
    does: str
    command: str
    answer: str
    otherwise: Refusal | None = None


def examples(target: Target) -> Iterator[Example]:
    """The commands about the list, and those about everything. Sent in this order about new addresses, each gets its answer."""
    jane, joe = _PEOPLE
    one = f"{target.fields()}^{target.record(jane)}"
    if target.number:
        yield _subscribing(target)
        yield Example(
            "remove",
            _("Take off the list"),
            _("The contact may be put on the list again later."),
            _command(target, target.number, one),
            success(unsubscribed(target.number, done=1)),
            Refusal(
                failure(unsubscribed(target.number, done=0, failed=1)),
                _("If the address is not on the list"),
            ),
        )
        yield Example(
            "optout",
            _("Opt out of the list"),
            _("The address is suppressed for the list, also if it never was a contact."),
            _command(target, target.number, one, optout=True),
            success(unsubscribed(target.number, done=1)),
        )
    yield Example(
        "global",
        _("Opt out of everything"),
        _("The contact leaves every list of the realm, and the address goes to Do Not Mail."),
        _command(target, 0, one, optout=True),
        success(unsubscribed(0, done=1)),
    )
    people = [target.record(each, each[1]) for each in (jane, joe, _NOBODY)]
    yield Example(
        "several",
        _("Several at once"),
        _up_to_ten_thousand(target),
        _command(target, target.number, "^".join([target.fields("first"), *people]), optout=True),
        success(unsubscribed(target.number, done=2, failed=1)),
    )


def _subscribing(target: Target) -> Example:
    """How contacts are put on the list; nobody is put on Do Not Mail."""
    jane, _joe = _PEOPLE
    data = f"{target.fields('first', 'last')}^{target.record(jane, 'Jane', 'Doe')}"
    said = [_("This list is closed: nobody should be added any more.")] if target.is_closed else []
    said.append(
        _(
            "A contact that is known already counts as Updated. Who opted out is ignored; only force_sub=1 lifts the opt-out, "
            "and the audit log has it."
        )
    )
    return Example(
        "subscribe",
        _("Put on the list"),
        " ".join(said),
        _start(target) + f"&c=sub&list_id={target.number}&data={data}",
        success(_subscribed(added=1)),
        Refusal(failure(_subscribed(ignored=1)), _("If the address opted out before")),
    )


def refusals(target: Target, *, refuses_get: bool) -> Iterator[Refusal]:
    """Every line that a script should know, the commonest first."""
    yield Refusal(
        failure(unsubscribed(target.number, done=0, failed=1)),
        _why_nothing_was_done(target),
    )
    yield Refusal(
        failure(BAD_CREDENTIALS),
        _(
            "Realm, password and the caller’s IP do not belong together. It never says which of them is wrong."
        ),
    )
    yield Refusal(failure(NOT_YOUR_LIST), _("The realm has no list with this list_id."))
    yield Refusal(
        failure("A global opt out (list_id=0) needs optout=1"),
        _("list_id=0 was sent without optout=1."),
    )
    yield Refusal(
        failure("The parameter data is required"), _("A parameter is missing; it is named.")
    )
    if target.uses_customer_key:
        yield Refusal(
            failure("The field customer_key is required in data"),
            _("This realm names each contact by customer key and email address."),
        )
    if refuses_get:
        yield Refusal(
            failure("This realm accepts commands by POST only"), _("The command came by GET.")
        )
    yield Refusal(
        failure("Too many wrong passwords, try again later"),
        _("20 wrong passwords within 10 minutes from your network. The only one with status 429."),
    )


def unsubscribed(number: int, *, done: int, failed: int = 0) -> str:
    """The counted text of an `unsub` about different addresses (S4.10, S4.11)."""
    return (
        f"{done + failed} record(s) processed. {done} users unsubscribed from list(s) {number}"
        f" ({done} total contacts), Records Failed Other Error {failed}"
    )


def breakable(text: str) -> SafeString:
    """A text as HTML whose lines break behind & and ^, not within words. What is copied has no trace of it."""
    pieces: list[str] = _UP_TO_A_MARK.findall(text)
    return format_html_join(_BREAK, "{}", ((piece,) for piece in pieces))


def programs(target: Target) -> tuple[Snippet, ...]:
    """Programs that pass on opt-outs by POST, with the password from the environment variable API_PASSWORD."""
    keyed = target.uses_customer_key
    values = {
        "URL": api_web_url(),
        "REALM": target.realm,
        "NUMBER": str(target.number),
        "FIELDS": target.fields(),
        "RECORD": target.record(_PEOPLE[0]),
    }
    return tuple(
        Snippet(slug, label, fill(text, **(parts[1] if keyed else parts[0]), **values))
        for slug, label, text, parts in (
            ("curl", "curl", _CURL, ({}, {})),
            ("php", "PHP", _PHP, _PHP_PARTS),
            ("python", "Python", _PYTHON, _PYTHON_PARTS),
            ("node", "Node.js", _NODE, _NODE_PARTS),
        )
    )


def _subscribed(*, added: int = 0, ignored: int = 0) -> str:
    """The counted text of a `sub` (S4.10)."""
    return (
        f"Total Records Processed {added + ignored}, Total Subscriptions {added}, Records Added {added}, Records Updated 0,"
        f" Records Ignored (Optout Error) {ignored}, Records Failed Other Error 0"
    )


def _up_to_ten_thousand(target: Target) -> str:
    """What becomes of several records, of which one cannot be carried out (S4.11, S4.13)."""
    if target.uses_customer_key:
        return _(
            "Up to 10,000 records. One that has no usable address, more values than names, or a customer key that is missing, "
            "somebody else’s or not the contact’s own is counted at the end and not recorded; the others are done."
        )
    return _(
        "Up to 10,000 records. One that has no usable address or more values than names is counted at the end and not recorded; "
        "the others are done."
    )


def _why_nothing_was_done(target: Target) -> str:
    """Why no record of an `unsub` was carried out (S4.11, S4.13)."""
    if target.uses_customer_key:
        each = _(
            "Each record has no usable address, more values than names, or a customer key that is missing, somebody else’s or "
            "not the contact’s own. Such an opt-out is not recorded."
        )
        each_optout = _(
            "Nobody in the data is on the list. With optout=1: each record has no usable address, more values than names, or a "
            "customer key that is missing, somebody else’s or not the contact’s own. Such an opt-out is not recorded."
        )
    else:
        each = _(
            "Each record has no usable address or more values than names. Such an opt-out is not recorded."
        )
        each_optout = _(
            "Nobody in the data is on the list. With optout=1: each record has no usable address or more values than names. "
            "Such an opt-out is not recorded."
        )
    return each_optout if target.number else each


def _start(target: Target) -> str:
    return f"r={target.realm}&p={YOUR_PASSWORD}"


def _command(target: Target, number: int, data: str, *, optout: bool = False) -> str:
    flag = "&optout=1" if optout else ""
    return f"{_start(target)}&c=unsub&list_id={number}{flag}&data={data}"


# Everybody on the machine can read command lines, so the password comes in by the pipe.
_CURL = program("""
    printf %s "$API_PASSWORD" | curl '@URL@' --data 'r=@REALM@' --data-urlencode p@- \\
      --data 'c=unsub&list_id=@NUMBER@&optout=1' --data-urlencode 'data=@FIELDS@^@RECORD@'
""")

# In each of them the values are quoted as JSON does it, so that a comma or a quote in a value does no harm.
_PHP = program("""
    <?php
    function opt_out(@TYPE@ ...$contacts): string
    {
        $quote = fn ($value) => json_encode($value, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
        $records = array_map(@RECORDS@, $contacts);
        $command = http_build_query([
            'r' => '@REALM@',
            'p' => getenv('API_PASSWORD'),
            'c' => 'unsub',
            'list_id' => '@NUMBER@',
            'optout' => '1',
            'data' => implode('^', ['@FIELDS@', ...$records]),
        ]);
        $context = stream_context_create(['http' => [
            'method' => 'POST',
            'header' => 'Content-Type: application/x-www-form-urlencoded',
            'content' => $command,
            'timeout' => 60,
            'ignore_errors' => true,
        ]]);
        // Empty: try again later.
        return (string) file_get_contents('@URL@', false, $context);
    }
""")
_PHP_PARTS = (
    {"TYPE": "string", "RECORDS": "$quote"},
    {"TYPE": "array", "RECORDS": "fn ($contact) => implode(',', array_map($quote, $contact))"},
)

_PYTHON = program("""
    import json, os
    from urllib.parse import urlencode
    from urllib.request import urlopen

    def opt_out(*contacts: @TYPE@) -> str:
        quote = lambda value: json.dumps(value, ensure_ascii=False)
        records = [@RECORD_OF@ for contact in contacts]
        command = {
            "r": "@REALM@",
            "p": os.environ["API_PASSWORD"],
            "c": "unsub",
            "list_id": "@NUMBER@",
            "optout": "1",
            "data": "^".join(["@FIELDS@", *records]),
        }
        body = urlencode(command).encode()
        # An error: try again later.
        with urlopen("@URL@", body, timeout=60) as answer:
            return answer.read().decode()
""")
_PYTHON_PARTS = (
    {"TYPE": "str", "RECORD_OF": "quote(contact)"},
    {"TYPE": "tuple[str, str]", "RECORD_OF": '",".join(map(quote, contact))'},
)

_NODE = program("""
    async function optOut(...contacts) {
      const records = contacts.map(@RECORD_OF@);
      const body = new URLSearchParams({
        r: '@REALM@',
        p: process.env.API_PASSWORD,
        c: 'unsub',
        list_id: '@NUMBER@',
        optout: '1',
        data: ['@FIELDS@', ...records].join('^'),
      });
      // An error: try again later.
      const answer = await fetch('@URL@', { method: 'POST', body });
      return answer.text();
    }
""")
_NODE_PARTS = (
    {"RECORD_OF": "(contact) => JSON.stringify(contact)"},
    {"RECORD_OF": "(contact) => contact.map((value) => JSON.stringify(value)).join(',')"},
)
