"""What the Service page and the settings give out for the Global Unsubscribe: requests with answers, and programs (seed 001).

Pure text, as in `reporting/snippets.py`. The tests open the addresses and run the programs as they stand here.
"""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from optout.channels.global_unsubscribe.api import DENIED, DONE
from reporting.snippets import Snippet, fill, program

WEBSITE = "shop.example"  # a placeholder: the website that sends the request
_LABELS = {"customField1": "Country", "customField2": "City", "customField3": "Reason"}
_VALUES = ("Germany", "Berlin", "Too many")


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
    about = {"productId": str(product_number), "website": WEBSITE}
    both = "email,phoneNumber"
    custom = dict(zip(_LABELS, _VALUES, strict=True))
    asked = f"{both},{','.join(_LABELS)}"
    found = [
        Example(
            "API request",
            _with(
                url,
                responseType="api",
                **about,
                fields=both,
                email="jane@example.com",
                phoneNumber="+12025550123",
                **custom,
            ),
            DONE,
        ),
        Example(
            "API request without email and phone number: denied",
            _with(url, responseType="api", **about, fields=both, email="", phoneNumber=""),
            DENIED,
        ),
        Example(
            "Link to the form",
            _with(
                url,
                **about,
                fields=asked,
                **{f"fieldLabel[{name}]": label for name, label in _LABELS.items()},
            ),
            "A form that asks for email, phone number, Country, City and Reason. Then: You successfully unsubscribed",
        ),
    ]
    if uuid:
        found.append(
            Example(
                "Link to a stored form",
                _with(url, uuid=uuid),
                "The form as it is stored, counted for its publisher. Then: You successfully unsubscribed",
            )
        )
    return found


def programs(url: str, product_number: int = 0) -> tuple[Snippet, ...]:
    """Programs that pass on a request by POST; either address may be left empty."""
    values = {"URL": url, "PRODUCT": str(product_number), "WEBSITE": WEBSITE}
    return (
        Snippet("curl", "curl", fill(_CURL, **values)),
        Snippet("php", "PHP", fill(_PHP, **values)),
        Snippet("python", "Python", fill(_PYTHON, **values)),
        Snippet("node", "Node.js", fill(_NODE, **values)),
    )


def _with(url: str, **parameters: str) -> str:
    """The address with these parameters, as seed 001 writes them: commas and square brackets may stand as they are."""
    return f"{url}?{urlencode(parameters, safe=',@[]', quote_via=quote)}"


_CURL = program("""
    curl '@URL@' --data 'responseType=api&productId=@PRODUCT@' --data-urlencode 'website=@WEBSITE@' \\
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
        # An error: try again later.
        with urlopen("@URL@", urlencode(request).encode(), timeout=10) as answer:
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
