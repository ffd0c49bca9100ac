"""Where the demo's month takes place: its lists, people and clock, and an endless supply of made-up addresses."""

import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from lists.models import ApiKey, List, Realm, RealmCredential, User
from optout.addresses import Address, parse_email, parse_phone

SEED = 20_260_304


def _words(*lines: str) -> tuple[str, ...]:
    return tuple(word for line in lines for word in line.split())


FIRST = _words(
    "ada amir anna ben carla chen clara david dora elif emil emma erik eva farid felix fiona georg",
    "grace hana hugo ida ines ivan jan jane jonas julia karim kira lara lena leo lina luis maja",
    "maria max mina nadia nils noah nora olga omar oscar paul petra rosa sara simon sofia tim yara",
)
LAST = _words(
    "adams ahmed bauer becker berg brown carter costa diaz evans fischer fox garcia gray haddad",
    "hansen hill hoffmann hughes jansen jones keller khan klein koch lang lee lopez martin meyer",
    "moore murphy nagy novak owens peters quinn rossi ruiz saleh silva smith stone vogel weber wood",
)
DOMAINS = _words(
    "mail.example inbox.example post.example webmail.example example.com example.net example.org"
)


@dataclass(slots=True)
class Scene:
    """The demo's realm, its lists by number, its people by key, its password and API key for programs, the time to end at, and
    what chance says.

    `new_at` notes when each list (by primary key) got a new suppression, for the downloads that counted them.
    """

    realm: Realm
    lists: dict[int, List]
    people: dict[str, User]
    credential: RealmCredential
    api_key: ApiKey
    now: datetime
    # Not for secrets: the demo shall look the same everywhere.
    rng: random.Random = field(default_factory=lambda: random.Random(SEED))  # noqa: S311
    new_at: dict[int, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    _given: set[str] = field(default_factory=set)

    def suppressed(self, number: int, at: datetime) -> int:
        """How many addresses a download of the list had at that time, those of Do Not Mail included."""
        lists = (self.lists[number].pk, self.lists[0].pk)
        return sum(bisect_right(self.new_at[each], at) for each in lists)

    def address(self) -> Address:
        """An email address that was not given before, of a domain that is reserved for documentation."""
        rng = self.rng
        while True:
            first, last = rng.choice(FIRST), rng.choice(LAST)
            short = f"{first}{rng.randrange(60, 100)}"
            local = rng.choice((f"{first}.{last}", f"{first[0]}.{last}", f"{first}_{last}", short))
            text = f"{local}@{rng.choice(DOMAINS)}"
            if text not in self._given:
                self._given.add(text)
                return parse_email(text)

    def addresses(self, count: int) -> Iterator[Address]:
        """That many email addresses, each new."""
        return (self.address() for _ in range(count))

    def phone(self) -> Address:
        """A phone number of those that are kept for fiction, 555-0100 to 555-0199.

        Of area codes that examples seldom have: whoever tries one out is nobody who has opted out already.
        """
        area = self.rng.choice(("307", "406", "605", "701", "802"))
        return parse_phone(f"+1{area}55501{self.rng.randrange(100):02d}", "US")
