"""Whether the domain of an address looks like a slip of the fingers: `gmial.com`, `hotnail.com`, `gmx.d` (pages.md, typo help).

Knows nothing but the address: what the done page offers says nothing about whether we know it (AT-03).
"""

from functools import lru_cache

# The domains that people mean, by how many do.
_MEANT_DOMAINS = """
gmail.com hotmail.com yahoo.com outlook.com icloud.com googlemail.com live.com aol.com gmx.de web.de gmx.net t-online.de
hotmail.fr hotmail.de hotmail.it hotmail.es hotmail.co.uk hotmail.se yahoo.fr yahoo.de yahoo.it yahoo.es yahoo.co.uk
yahoo.com.br outlook.de outlook.fr outlook.es outlook.it outlook.com.br orange.fr wanadoo.fr laposte.net libero.it
virgilio.it freenet.de gmx.at gmx.ch bluewin.ch protonmail.com comcast.net verizon.net sbcglobal.net btinternet.com
bol.com.br terra.com.br interia.pl ziggo.nl telia.com
"""
# Neighbours of those that are somebody's real address.
_REAL_DOMAINS = """
mail.com email.com ymail.com gmx.com gmx.org gmx.info gmx.biz gmx.name love.com mail.de email.de web.com
hotmail.net outlook.net live.net aol.net
"""

_MEANT = tuple(_MEANT_DOMAINS.split())
_REAL = frozenset(_REAL_DOMAINS.split())
_MANY_COUNTRIES = frozenset({"hotmail", "outlook", "live", "yahoo", "gmx", "aol", "msn"})
_ONLY_COM = frozenset({"gmail", "googlemail", "icloud"})  # gmail.de has no mailboxes
_SLIPS = frozenset({"co", "cm", "om"})  # countries, and much more often an unfinished .com

_LONGEST_ENDING = 6  # letters: com.br
_LONG, _MIDDLE = 7, 5  # letters: hotmail, gmail


def suggest_address(address: str) -> str:
    """The email address that was probably meant, or nothing."""
    local, _at, domain = address.rpartition("@")
    meant = _suggest_domain(domain.lower()) if local else ""
    return f"{local}@{meant}" if meant else ""


@lru_cache(maxsize=1_000)
def _suggest_domain(domain: str) -> str:
    name, _dot, ending = domain.partition(".")
    if not ending or len(domain) > 30 or domain in _MEANT or domain in _REAL:
        return ""
    if name in _MANY_COUNTRIES and _is_country(ending):
        return ""
    if name in _ONLY_COM and len(ending) <= _LONGEST_ENDING:
        return f"{name}.com"
    near = [(far, meant) for meant in _MEANT if (far := _distance(name, ending, meant)) is not None]
    return min(near, key=lambda each: each[0])[1] if near else ""  # of equal ones the first


def _distance(name: str, ending: str, meant: str) -> int | None:
    """How many slips lie between; None for more than chance allows: short names have real neighbours."""
    its_name, _dot, its_ending = meant.partition(".")
    in_ending = _slips(ending, its_ending)
    if in_ending > 1:
        return None
    in_name = _slips(name, its_name)
    allowed = 2 if len(its_name) >= _LONG else 1 if len(its_name) >= _MIDDLE else 0
    if in_name > allowed:
        return None
    is_short = not allowed
    if is_short and _is_country(ending) and sorted(ending) != sorted(its_ending):
        return None  # web.be is another company
    return in_name + in_ending


def _is_country(ending: str) -> bool:
    last = ending.rpartition(".")[2]
    return len(last) == 2 and ending not in _SLIPS


def _slips(one: str, other: str) -> int:
    """Letters left out, put in, mistaken or swapped with the next, that make the one of the other; from 3 on it is any number."""
    if abs(len(one) - len(other)) > 2:
        return 3
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one):
        above, row_before = row, before
        row = [i + 1]
        for j, its in enumerate(other):
            cost = min(above[j + 1] + 1, row[j] + 1, above[j] + (letter != its))
            is_swap = i and j and letter == other[j - 1] and one[i - 1] == its
            row.append(min(cost, row_before[j - 1] + 1) if is_swap else cost)
        before = above
    return row[-1]
