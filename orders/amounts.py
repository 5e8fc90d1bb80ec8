"""Writes money as the reader's locale does, with exactly the decimals that the currency has. Pure."""

from __future__ import annotations

import copy
from decimal import Decimal

from babel import Locale

from integrations.nouns import exponent


def amount(minor: int | None, currency: str, locale: Locale) -> str:
    """`1234, "EUR"` is `€12.34` for an American and `12,34 €` for a German; a dash where nothing is known.

    The decimals are ISO 4217's, in which minor units are counted: the locale data would show dinars without their
    thousandths.
    """
    if minor is None or not currency:
        return "–"
    pattern = copy.copy(locale.currency_formats["standard"])
    pattern.frac_prec = (exponent(currency), exponent(currency))
    return str(pattern.apply(decimal(minor, currency), locale, currency=currency, currency_digits=False))


def decimal(minor: int, currency: str) -> Decimal:
    """The amount in whole units of the currency, for files that are calculated with."""
    return Decimal(minor).scaleb(-exponent(currency))
