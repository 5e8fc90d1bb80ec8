"""Chooses the rate to buy: the cheapest that keeps the promise. Pure, and able to say why."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from integrations.nouns import Rate


@dataclass(frozen=True, kw_only=True)
class Choice:
    rate: Rate
    sentence: str
    keeps_promise: bool


def choose(
    rates: Sequence[Rate],
    *,
    ships_at: datetime,
    deliver_by: datetime | None,
    carriers: Collection[str] = (),
    couriers: Sequence[Rate] = (),
) -> Choice | None:
    """None where no allowed carrier offers anything, and no courier of the shop's own (`couriers`) does.

    A rate without transit days keeps no promise, because nobody knows. Where none keeps the promise, the soonest that
    is known is taken, and where no days are known at all, the cheapest. Prices in several currencies cannot be
    compared: the currency that most rates have is the one that is looked at.
    """
    allowed = _beside([rate for rate in rates if not carriers or rate.carrier in carriers], couriers)
    if not allowed:
        return None
    in_time = [rate for rate in allowed if _arrives_by(rate, ships_at, deliver_by)]
    if in_time:
        best = min(in_time, key=_price)
        cheaper = sum(rate.price.minor < best.price.minor for rate in allowed)
        why = f"cheapest of {len(in_time)} that arrive in time" if deliver_by else f"cheapest of {len(allowed)}"
        late = f"; {cheaper} cheaper would be late" if cheaper and deliver_by else ""
        return Choice(rate=best, sentence=f"{_named(best)}: {why}{late}.", keeps_promise=True)
    known = [rate for rate in allowed if rate.transit_days is not None]
    best = min(known, key=lambda rate: (rate.transit_days or 0, *_price(rate))) if known else min(allowed, key=_price)
    why = "the soonest, but later than promised" if known else "the cheapest; no carrier says when it arrives"
    return Choice(rate=best, sentence=f"{_named(best)}: {why}.", keeps_promise=False)


def _beside(rates: Sequence[Rate], couriers: Sequence[Rate]) -> list[Rate]:
    """Carriers' rates with the couriers' that can be compared with them; they are never ousted by the couriers'."""
    found = _comparable(rates)
    if not found:
        return _comparable(couriers)
    return found + [one for one in couriers if one.price.currency == found[0].price.currency]


def _comparable(rates: Sequence[Rate]) -> list[Rate]:
    currencies = [rate.price.currency for rate in rates]
    common = max(sorted(set(currencies)), key=currencies.count, default="")
    return [rate for rate in rates if rate.price.currency == common]


def _arrives_by(rate: Rate, ships_at: datetime, deliver_by: datetime | None) -> bool:
    """By days, as it is promised and told: a carrier says no hours."""
    if deliver_by is None:
        return True
    promised = deliver_by.astimezone(ships_at.tzinfo).date()
    return rate.transit_days is not None and (ships_at + timedelta(days=rate.transit_days)).date() <= promised


def _price(rate: Rate) -> tuple[int, int, str, str]:
    days = rate.transit_days if rate.transit_days is not None else 99
    return (rate.price.minor, days, rate.carrier, rate.service)


def _named(rate: Rate) -> str:
    return f"{rate.carrier} {rate.service} for {rate.price}"
