"""Amounts as Stripe counts them beside our minor units, which are those of ISO 4217. Pure.

https://docs.stripe.com/currencies#special-cases: Stripe takes ISK and UGX in hundredths, though neither is divided any
more, and MGA in whole ariary, of which ISO 4217 knows two decimals. All others are counted alike.
"""

from __future__ import annotations

from integrations.nouns import Money, exponent
from integrations.ports import Permanent

# Decimals of an amount at Stripe, where they are not those of ISO 4217.
_DECIMALS = {"ISK": 2, "UGX": 2, "MGA": 0}


def minor_units(amount: int, currency: str) -> int:
    """Our minor units of an amount of Stripe's.

    A fraction that no minor unit holds is left out: ISK was charged in fractions until April 2023
    (https://support.stripe.com/questions/deprecation-of-fractional-isk-charges-and-refunds). Every total is cut alike,
    so that what was given back never looks larger than what was taken.
    """
    beyond = _beyond(currency)
    return amount * _power(beyond) if beyond < 0 else amount // _power(beyond)


def money(amount: int, currency: str) -> Money:
    return Money(minor=minor_units(amount, currency), currency=currency)


def at_stripe(amount: Money) -> int:
    """The amount as Stripe wants to be told it. Raises Permanent where Stripe cannot be told it to the last unit."""
    beyond = _beyond(amount.currency)
    if beyond >= 0:
        return amount.minor * _power(beyond)
    whole, rest = divmod(amount.minor, _power(beyond))
    if rest:
        raise Permanent(
            f"Stripe moves {amount.currency} in whole units only, and {amount} is none",
            remedy="Move the nearest whole amount in Stripe's dashboard, then discard this job.",
            code="fraction",
        )
    return whole


def _power(decimals: int) -> int:
    return int(10 ** abs(decimals))


def _beyond(currency: str) -> int:
    """How many decimals Stripe counts beyond ours; negative where it counts fewer."""
    ours = exponent(currency)
    return _DECIMALS.get(currency, ours) - ours
