"""What the Service page and the settings give out for the Global Unsubscribe: requests with answers, and programs (seed 001).

Pure text, as in `reporting/snippets.py`. The tests open the addresses and run the programs as they stand here.
"""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from django.utils.translation import gettext as _

from optout.channels.global_unsubscribe.api import DENIED, DONE
from reporting.snippets import Snippet, fill, program

WEBSITE = "shop.example"  # a placeholder: the website that sends the request
_LABELS = {"customField1": "Country", "customField2": "City", "customField3": "Reason"}
_VALUES = {"customField1": "Germany", "customField2": "Berlin", "customField3": "Too many"}


@dataclass(frozen=True, slots=True)
class Example:
    """A request as it is sent, ready to copy, and what comes: the API's one character, or a page in words."""

    title: str
    code: str
    answer: str

    @property
    def is_exact(self) -> bool:
        """Whether `answer` is the whole answer, byte for byte."""
        return self.answer in {DONE, DENIED}


def examples(url: str, product_number: int = 0, uuid: str = "") -> list[Example]:
    """The requests of seed 001 with these values: two to the API, a link to the form, and one to the stored form of that UUID."""
    both = "email,phoneNumber"
    api = {"responseType": "api", **_about(product_number), "fields": both}
    jane = {"email": "jane@example.com", "phoneNumber": "+12025550123"}
    nobody = dict.fromkeys(jane, "")
    found = [
        Example(_("API request"), f"{url}?{_query(**api, **jane, **_VALUES)}", DONE),
        Example(
            _("API request without email and phone number: denied"),
            f"{url}?{_query(**api, **nobody)}",
            DENIED,
        ),
        Example(
            _("Link to the form"),
            f"{url}?{form_query(product_number)}",
            _(
                "A form that asks for email, phone number, %(labels)s. Then: You successfully unsubscribed"
            )
            % {"labels": ", ".join(_LABELS.values())},
        ),
    ]
    if uuid:
        says = _(
            "The form as it is stored, counted for its publisher. Then: You successfully unsubscribed"
        )
        found.append(Example(_("Link to a stored form"), f"{url}?{_query(uuid=uuid)}", says))
    return found


def form_query(product_number: int) -> str:
    """What follows the `?` in a link to the form with three custom fields."""
    labels = {f"fieldLabel[{name}]": label for name, label in _LABELS.items()}
    fields = ",".join(("email", "phoneNumber", *_LABELS))
    return _query(**_about(product_number), fields=fields, **labels)


def programs(url: str, product_number: int = 0) -> tuple[Snippet, ...]:
    """Programs that pass on a request by POST; either address may be left empty."""
    values = {"URL": url, "PRODUCT": str(product_number), "WEBSITE": WEBSITE}
    return (
        Snippet("curl", "curl", fill(_CURL, **values)),
        Snippet("php", "PHP", fill(_PHP, **values)),
        Snippet("python", "Python", fill(_PYTHON, **values)),
        Snippet("node", "Node.js", fill(_NODE, **values)),
    )


def _about(product_number: int) -> dict[str, str]:
    return {"productId": str(product_number), "website": WEBSITE}


def _query(**parameters: str) -> str:
    """Parameters as seed 001 writes them: commas, square brackets and the @ may stand as they are."""
    return urlencode(parameters, safe=",@[]", quote_via=quote)


_CURL = program("""
    curl '@URL@' \\
      --data 'responseType=api&productId=@PRODUCT@' --data-urlencode 'website=@WEBSITE@' \\
      --data-urlencode 'email=jane@example.com' --data-urlencode 'phoneNumber=+12025550123'
""")

_PHP = program("""
    <?php
    function unsubscribe(string $email = '', string $phone = ''): bool
    {
        $context = stream_context_create(['http' => [
            'method' => 'POST',
            'header' => 'Content-Type: application/x-www-form-urlencoded',
            'content' => http_build_query([
                'responseType' => 'api',
                'productId' => '@PRODUCT@',
                'website' => '@WEBSITE@',
                'email' => $email,
                'phoneNumber' => $phone,
            ], '', '&', PHP_QUERY_RFC3986),
            'timeout' => 10,
        ]]);
        $answer = file_get_contents('@URL@', false, $context);
        if ($answer === false) {
            throw new RuntimeException('Try again later');
        }
        return $answer === '1'; // '0': neither can be used
    }
""")

_PYTHON = program("""
    from urllib.parse import urlencode
    from urllib.request import urlopen

    def unsubscribe(email: str = "", phone: str = "") -> bool:
        request = {
            "responseType": "api",
            "productId": "@PRODUCT@",
            "website": "@WEBSITE@",
            "email": email,
            "phoneNumber": phone,
        }
        body = urlencode(request).encode()
        # An error: try again later.
        with urlopen("@URL@", body, timeout=10) as answer:
            return answer.read() == b"1"  # b"0": neither can be used
""")

_NODE = program("""
    async function unsubscribe(email = '', phoneNumber = '') {
      const body = new URLSearchParams({
        responseType: 'api',
        productId: '@PRODUCT@',
        website: '@WEBSITE@',
        email,
        phoneNumber,
      });
      const answer = await fetch('@URL@', { method: 'POST', body });
      if (!answer.ok) throw new Error('Try again later');
      return (await answer.text()) === '1'; // '0': neither can be used
    }
""")
