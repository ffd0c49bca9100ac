"""The code that a Service page gives out, ready to copy (S0.1, S0.3, S0.15).

Pure text: addresses of the list go in, code comes out. The programs are run by the tests, as they stand here.
"""

from dataclasses import dataclass
from textwrap import dedent

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from optout import links
from reporting.mail_tools import MailTool


@dataclass(frozen=True, slots=True)
class Snippet:
    """One piece of code: an id within its page, the name of the language, the code."""

    slug: str
    label: str | Promise
    code: str


def prefilled_url(public_id: str, tool: MailTool) -> str:
    """The direct link with the tool's merge tag where the address goes (S0.6)."""
    return links.direct_url(public_id).replace("{item}", tool.tag)


def pixel_html(public_id: str, tag: str) -> str:
    """The pixel in exactly the form that seed 000 shows (S0.15); `tag` is what the mailer's page writes the address with."""
    url = links.pixel_url(public_id).replace("{item}", tag)
    return f'<img src="{url}" width="1" height="1" />'


def footer_html(url: str) -> str:
    """A footer line for HTML mails."""
    return (
        f'<p>You get this email because you signed up for it.\n<a href="{url}">Unsubscribe</a></p>'
    )


def footer_text(url: str) -> str:
    """The same for plain text; the link stands alone on its line, so that mail programs find it."""
    return f"You get this email because you signed up for it. To unsubscribe:\n{url}"


def choices_html(public_id: str) -> str:
    """A footer line for HTML mails that leads to the preference page, by way of the form that mails the link (S2.2)."""
    return f'<p><a href="{links.ask_url(public_id)}">See what we send you</a></p>'


def choices_text(public_id: str) -> str:
    """The same for plain text."""
    return f"See what we send you:\n{links.ask_url(public_id)}"


def one_click_headers(url: str) -> str:
    """Both headers of RFC 8058 for one recipient's signed link."""
    return f"List-Unsubscribe: <{url}>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click"


def server_to_server(public_id: str) -> tuple[Snippet, ...]:
    """How a mailer's server reports an opt-out made on its own site (S0.3, S0.11)."""
    page = links.page_url(public_id)
    return (
        Snippet("curl", "curl", fill(_CURL, PAGE=page)),
        Snippet("php", "PHP", fill(_PHP, PAGE=page)),
        Snippet("python", "Python", fill(_PYTHON, PAGE=page)),
        Snippet("node", "Node.js", fill(_NODE, PAGE=page)),
    )


def signed_links(list_id: int) -> tuple[Snippet, ...]:
    """How a mailer makes signed links itself, with the list's key in the environment (optout/links.py has the layout)."""
    values = {
        "HEADER": links.list_header(list_id).hex(),
        "PREFIX": links.signed_url(list_id, "a").rpartition("/")[0],
    }
    return (
        Snippet("php", "PHP", fill(_SIGNED_PHP, **values)),
        Snippet("python", "Python", fill(_SIGNED_PYTHON, **values)),
        Snippet("node", "Node.js", fill(_SIGNED_NODE, **values)),
    )


def download_commands(public_id: str) -> tuple[Snippet, ...]:
    """How a mailer fetches the suppressions: all of them, then only what is new."""
    url = links.download_url(public_id)
    return (
        Snippet("all", _("Everything"), fill(_DOWNLOAD_ALL, URL=url)),
        Snippet("since", _("Only what was added since yesterday"), fill(_DOWNLOAD_SINCE, URL=url)),
        Snippet("changed", _("Only if something changed"), fill(_DOWNLOAD_CHANGED, URL=url)),
    )


def fill(code: str, **values: str) -> str:
    """A program with its values where `@NAME@` stands."""
    for name, value in values.items():
        code = code.replace(f"@{name}@", value)
    return code


def program(text: str) -> str:
    """A program written indented in one of our modules."""
    return dedent(text).strip()


_CURL = program("""
    curl --get '@PAGE@' --data-urlencode 'item=jane@example.com'
""")

_PHP = program("""
    <?php
    function report_optout(string $address): bool
    {
        $query = http_build_query(['item' => $address], '', '&', PHP_QUERY_RFC3986);
        $answer = file_get_contents('@PAGE@?' . $query);
        return $answer !== false && trim($answer) === 'OK'; // otherwise: try again later
    }
""")

_PYTHON = program("""
    from urllib.parse import quote
    from urllib.request import urlopen

    def report_optout(address: str) -> bool:
        url = "@PAGE@?item=" + quote(address, safe="")
        with urlopen(url, timeout=10) as answer:  # an HTTPError: try again later
            return answer.read().strip() == b"OK"
""")

_NODE = program("""
    async function reportOptout(address) {
      const url = '@PAGE@?item=' + encodeURIComponent(address);
      const answer = await fetch(url);
      return answer.ok && (await answer.text()).trim() === 'OK'; // otherwise: try again later
    }
""")

_SIGNED_PHP = program("""
    <?php
    function unsubscribe_link(string $address): string
    {
        $key = base64_decode(strtr(getenv('HEED_LINK_KEY'), '-_', '+/'));
        $header = hex2bin('@HEADER@');
        $plain = strtolower(trim($address));
        $nonce = substr(hash_hmac('sha256', $header . $plain, $key, true), 0, 12);
        $tag = '';
        $sealed = openssl_encrypt($plain, 'aes-256-gcm', $key, OPENSSL_RAW_DATA, $nonce, $tag, $header, 16);
        $token = strtr(base64_encode($header . $nonce . $sealed . $tag), '+/', '-_');
        return '@PREFIX@/' . rtrim($token, '=');
    }
""")

_SIGNED_PYTHON = program("""
    import base64, hashlib, hmac, os
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    def unsubscribe_link(address: str) -> str:
        key = base64.urlsafe_b64decode(os.environ["HEED_LINK_KEY"] + "=")
        header = bytes.fromhex("@HEADER@")
        plain = address.strip().lower().encode()
        nonce = hmac.digest(key, header + plain, hashlib.sha256)[:12]
        sealed = AESGCM(key).encrypt(nonce, plain, header)
        token = base64.urlsafe_b64encode(header + nonce + sealed).rstrip(b"=")
        return "@PREFIX@/" + token.decode()
""")

_SIGNED_NODE = program("""
    const crypto = require('node:crypto');

    function unsubscribeLink(address) {
      const key = Buffer.from(process.env.HEED_LINK_KEY, 'base64url');
      const header = Buffer.from('@HEADER@', 'hex');
      const plain = Buffer.from(address.trim().toLowerCase());
      const nonce = crypto.createHmac('sha256', key).update(header).update(plain).digest().subarray(0, 12);
      const cipher = crypto.createCipheriv('aes-256-gcm', key, nonce).setAAD(header);
      const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
      return '@PREFIX@/' + Buffer.concat([header, nonce, sealed]).toString('base64url');
    }
""")

_DOWNLOAD_ALL = program("""
    curl --fail --compressed --output suppressions.txt '@URL@?key=YOUR-KEY&format=md5'
""")

_DOWNLOAD_SINCE = program("""
    curl --fail --compressed --output new.txt "@URL@?key=YOUR-KEY&format=md5&since=$(date -u -d yesterday +%Y-%m-%d)"
""")

_DOWNLOAD_CHANGED = program("""
    curl --fail --compressed --etag-save list.etag --etag-compare list.etag \\
      --output suppressions.txt '@URL@?key=YOUR-KEY&format=md5'
""")
