"""Says when a border asks for a customs declaration, and writes it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.nouns import Address, Customs, CustomsLine, Money
from orders.holds import Problem
from records.orders import OrderLine
from records.stock import Variant

# United States territories and military post are domestic postage with customs forms (EasyPost's customs guide).
_US_WITH_FORMS = frozenset({"PR", "VI", "GU", "AS", "MP", "AA", "AE", "AP"})


def needed(sender: Address, recipient: Address) -> bool:
    if sender.country == recipient.country:
        return sender.country == "US" and recipient.region in _US_WITH_FORMS and sender.region != recipient.region
    # One customs union: goods move freely between its members.
    return not {sender.country, recipient.country} <= _EU


_EU = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "HR",
        "CY",
        "CZ",
        "DK",
        "EE",
        "FI",
        "FR",
        "DE",
        "GR",
        "HU",
        "IE",
        "IT",
        "LV",
        "LT",
        "LU",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SK",
        "SI",
        "ES",
        "SE",
    ]
)


def declare(
    lines: Sequence[tuple[OrderLine, int, Variant | None]],
    *,
    currency: str,
    signer: str,
    assumed_unit_grams: int,
    assumed_origin: str = "",
) -> Customs | Problem:
    """The declaration for units of order lines, or the problem that keeps the signature under it from being true.

    `assumed_origin` is the country that a person has answered for where the store names none.
    """
    declared: list[CustomsLine] = []
    for line, units, variant in lines:
        origin = (variant.origin_country if variant else "") or assumed_origin
        if not origin:
            return Problem(
                kind="customs",
                reason=f"{line.title} ({line.sku or 'no SKU'}) has no country of origin, which customs ask for.",
                remedy="Set it (and the HS code) in the store, have the catalogue read again (packline sync) and "
                "release the hold. Released without it, the goods are declared as made in the country they leave from.",
            )
        grams = line.unit_grams or (variant.unit_grams if variant else 0) or assumed_unit_grams
        declared.append(
            CustomsLine(
                description=line.title[:200],
                units=units,
                total_value=Money(minor=line.unit_price_minor * units, currency=currency),
                total_weight_grams=grams * units,
                origin_country=origin,
                hs_code=variant.hs_code if variant else "",
                sku=line.sku,
            )
        )
    return Customs(lines=tuple(declared), signer=signer)
