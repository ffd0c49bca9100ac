"""What a global request said, for its line in the Global Unsubscribe report (S1.19, S1.20)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class GlobalRequest:
    """One accepted request, every value normalised; an empty text is "not given". `form` is a UUID as text, or empty.

    `email` and `phone` are keys of addresses; `product_number` is 0 for none; `publisher` is the `pubID`.
    """

    realm_id: int
    email: str = ""
    phone: str = ""
    website: str = ""
    product_number: int = 0
    publisher: str = ""
    form: str = ""
    custom1: str = ""
    custom2: str = ""
    custom3: str = ""

    @property
    def key(self) -> bytes:
        """What makes two requests the same line: 16 bytes of email, phone, website and product (S1.20)."""
        parts = (self.email, self.phone, self.website, str(self.product_number))
        return hashlib.sha256("\0".join(parts).encode()).digest()[:16]

    def about(self, address: str, *, is_email: bool) -> "GlobalRequest":
        """The same about this one address."""
        return replace(self, email=address if is_email else "", phone="" if is_email else address)

    def as_json(self) -> dict[str, Any]:
        """What is not empty, for keeping while the request waits in quarantine."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in values.items() if value}

    def as_evidence(self) -> dict[str, str | int | None]:
        """What the ledger keeps of a request besides its address; the chart reads `product`."""
        return {
            "product": self.product_number or None,
            "website": self.website,
            "publisher": self.publisher,
            "uuid": self.form,
            "custom1": self.custom1,
            "custom2": self.custom2,
            "custom3": self.custom3,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "GlobalRequest":
        """The counterpart of `as_json`; what it does not know is left out."""
        return cls(**{name: kept[name] for name in cls.__dataclass_fields__ if name in kept})

    def values(self, now: datetime) -> tuple[Any, ...]:
        """In the order of the columns of `request` in the statements (optout/statements.py)."""
        return (
            self.realm_id,
            self.key,
            now,
            self.product_number,
            self.email,
            self.phone,
            self.website,
            self.publisher,
            self.custom1,
            self.custom2,
            self.custom3,
            self.form or None,
        )
