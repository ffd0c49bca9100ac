"""Made-up recipients: addresses of usual length, and the browsers they use."""

import random

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
AGENTS = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/141.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {_WEBKIT} Version/18.6 Mobile/15E148",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {_WEBKIT} Chrome/141.0.0.0 Mobile Safari/537.36",
)
_DOMAINS = ("gmail.com", "yahoo.com", "outlook.com", "web.de", "example-company.co.uk")


def realistic_address(dice: random.Random, number: int | None = None) -> str:
    """A name and a provider of usual length, with a number behind the name: this one, or any of four digits."""
    name = "".join(dice.choices("abcdefghijklmnopqrstuvwxyz.", k=dice.randint(6, 16))).strip(".")
    domain = dice.choice(_DOMAINS)
    if number is None:
        number = dice.randrange(10_000)
    return f"{name or 'x'}{number}@{domain}".replace("..", ".")
