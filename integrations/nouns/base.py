"""What all nouns stand on: money, addresses, and the rule that a value never changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

# ISO 4217: XXX says that there is no currency, XTS that it is a test of the codes.
_NO_CURRENCIES = frozenset({"XXX", "XTS"})


def _currency(code: str) -> str:
    if code in _NO_CURRENCIES:
        raise ValueError("a code that stands for no currency")
    return code


Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$"), AfterValidator(_currency)]


class Noun(BaseModel):
    """An immutable value; unknown fields are refused because we, not the vendor, fill it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Money(Noun):
    minor: int
    currency: Currency

    def __str__(self) -> str:
        return f"{self.minor / 10 ** exponent(self.currency):.{exponent(self.currency)}f} {self.currency}"


# ISO 4217: the currencies without two decimals that storefronts sell in.
_NO_DECIMALS = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV"}
)
_NO_DECIMALS |= {"XAF", "XOF", "XPF"}
_THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})


def exponent(currency: str) -> int:
    """How many decimals one unit of the currency has (ISO 4217)."""
    if currency in _NO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


class Address(Noun):
    """Where a parcel leaves or goes. `region` is the state or province code, `country` ISO 3166-1 alpha-2."""

    name: str = ""
    company: str = ""
    street1: str = ""
    street2: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""
    phone: str = ""
    email: str = ""
    latitude: float | None = None
    longitude: float | None = None


def utc(moment: datetime) -> datetime:
    """The same moment in UTC; a naive one is refused, because nobody can know what it meant."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone: {moment.isoformat()}")
    return moment.astimezone(UTC)
