"""Holds each stock level against its movements and its reservations, and puts right what has drifted, saying why.

A level is the sum of its movements, and what it has reserved is what orders hold. Where they differ, somebody wrote
past orders/inventory.py, or a copy of the database was put together from two moments. The movements are right of what
is on hand, damaged and kept back; the reservations are right of what is reserved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from orders import stock_by_hand

_WORDS = (("on_hand", "on hand"), ("damaged", "damaged"), ("safety", "safety stock"))


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Units of one level, as one of its sources has them."""

    on_hand: int = 0
    reserved: int = 0
    damaged: int = 0
    safety: int = 0


@dataclass(frozen=True, kw_only=True)
class Drift:
    """One level that says something else than its movements or its reservations."""

    variant: int
    location: int
    words: str
    """The SKU and the location's name."""
    level: Sums
    ledger: Sums
    held: int
    """Units that orders hold there."""

    @property
    def right(self) -> Sums:
        """What the level has to say. Never less on hand than is promised: of that a person has to find out more."""
        return Sums(
            on_hand=max(self.ledger.on_hand, self.held),
            reserved=self.held,
            damaged=max(0, self.ledger.damaged),
            safety=max(0, self.ledger.safety),
        )


def drifted(session: Session, tenant: int, *, after: int, many: int) -> tuple[list[Drift], int | None]:
    """The drifted levels of the next `many` variants, and the last of those variants; None where there are no more.

    One statement sees one moment, and whoever writes a level writes its movement in the same: what is being worked on
    right now differs in nothing.
    """
    variants = list(session.scalars(_VARIANTS, {"tenant": tenant, "after": after, "many": many}))
    if not variants:
        return [], None
    rows = session.execute(_COMPARED, {"tenant": tenant, "variants": variants})
    return [_drift(row) for row in rows], variants[-1]


def put_right(session: Session, tenant: int, variant: int, location: int, *, actor: str) -> str:
    """Make one level what the ledger says, with the movement that says so; answers the sentence, empty if all is well.

    The level's row is locked, and looked at anew.
    """
    stock_by_hand.standing(session, tenant, [(variant, location)], begin=True)
    rows = session.execute(_COMPARED, {"tenant": tenant, "variants": [variant]})
    found = [drift for row in rows if (drift := _drift(row)).location == location]
    if not found:
        return ""
    drift = found[0]
    sentence = explained(drift, since=_since(session, tenant, drift))
    right = drift.right
    session.execute(
        _PUT_RIGHT,
        {
            "tenant": tenant, "variant": variant, "location": location, "reason": sentence, "actor": actor,
            "on_hand": right.on_hand, "reserved": right.reserved, "damaged": right.damaged, "safety": right.safety,
            "on_hand_change": right.on_hand - drift.ledger.on_hand,
            "reserved_change": right.reserved - drift.ledger.reserved,
            "damaged_change": right.damaged - drift.ledger.damaged,
            "safety_change": right.safety - drift.ledger.safety,
        },
    )  # fmt: skip
    session.expire_all()
    return sentence


def explained(drift: Drift, *, since: tuple[int, datetime] | None = None, repaired: bool = True) -> str:
    """What differs, since when if that can be told, and what became of it. Pure."""
    said = [_differs(word, getattr(drift.level, name), getattr(drift.ledger, name)) for name, word in _WORDS]
    parts = [one for one in said if one]
    if drift.level.reserved != drift.held:
        parts.append(f"{drift.level.reserved:,} reserved, and orders hold {drift.held:,}")
    if drift.ledger.reserved != drift.held:
        parts.append(f"its movements add up to {drift.ledger.reserved:,} reserved, and orders hold {drift.held:,}")
    when = f" It stands where movement {since[0]} of {since[1]:%Y-%m-%d} had left it." if since else ""
    if not repaired:
        return f"{drift.words}: the level says {'; '.join(parts)}.{when}"
    end = "The level was put right by them."
    if drift.ledger.on_hand < drift.held:
        end = (
            f"{drift.held:,} are promised to orders, more than the movements know of, so {drift.held:,} were left on "
            "hand. Count this level: a person has to say what is there."
        )
    return f"{drift.words}: the level said {'; '.join(parts)}.{when} {end}"


def repairs(session: Session, tenant: int, *, since: datetime, limit: int) -> Sequence[tuple[int, int, str, datetime]]:
    """The latest repairs, newest first: variant, location, sentence, when."""
    rows = session.execute(_REPAIRS, {"tenant": tenant, "since": since, "limit": limit})
    return [(row.variant_id, row.location_id, row.reason, row.at) for row in rows]


def _differs(word: str, level: int, ledger: int) -> str:
    return "" if level == ledger else f"{level:,} {word}, and its movements add up to {ledger:,}"


def _drift(row: Any) -> Drift:
    def sums(source: str) -> Sums:
        names = ("on_hand", "reserved", "damaged", "safety")
        return Sums(**{name: int(getattr(row, f"{source}_{name}")) for name in names})

    return Drift(
        variant=row.variant_id,
        location=row.location_id,
        words=row.words,
        level=sums("level"),
        ledger=sums("ledger"),
        held=int(row.held),
    )


def _since(session: Session, tenant: int, drift: Drift) -> tuple[int, datetime] | None:
    """The last movement after which the ledger said what the level says: what came later did not reach it."""
    if not any(_differs(word, getattr(drift.level, name), getattr(drift.ledger, name)) for name, word in _WORDS):
        return None
    asked = {"tenant": tenant, "variant": drift.variant, "location": drift.location, "on_hand": drift.level.on_hand}
    row = session.execute(_SINCE, asked | {"damaged": drift.level.damaged, "safety": drift.level.safety}).first()
    return None if row is None else (int(row.id), row.at)


_VARIANTS = text("""
SELECT id FROM variants WHERE tenant_id = :tenant AND id > :after ORDER BY id LIMIT :many
""")
_COMPARED = text("""
WITH ledger AS (
    SELECT variant_id, location_id, sum(on_hand_change) AS on_hand, sum(reserved_change) AS reserved,
           sum(damaged_change) AS damaged, sum(safety_change) AS safety
    FROM movements WHERE tenant_id = :tenant AND variant_id = ANY(:variants)
    GROUP BY variant_id, location_id
), held AS (
    SELECT variant_id, location_id, sum(units) AS units FROM reservations
    WHERE tenant_id = :tenant AND state = 'held' AND variant_id = ANY(:variants)
    GROUP BY variant_id, location_id
), level AS (
    SELECT * FROM stock_levels WHERE tenant_id = :tenant AND variant_id = ANY(:variants)
), compared AS (
    SELECT variant_id, location_id,
           coalesce(level.on_hand, 0) AS level_on_hand, coalesce(level.reserved, 0) AS level_reserved,
           coalesce(level.damaged, 0) AS level_damaged, coalesce(level.safety, 0) AS level_safety,
           coalesce(ledger.on_hand, 0) AS ledger_on_hand, coalesce(ledger.reserved, 0) AS ledger_reserved,
           coalesce(ledger.damaged, 0) AS ledger_damaged, coalesce(ledger.safety, 0) AS ledger_safety,
           coalesce(held.units, 0) AS held
    FROM level FULL JOIN ledger USING (variant_id, location_id) FULL JOIN held USING (variant_id, location_id)
)
SELECT compared.*, coalesce(nullif(variants.sku, ''), variants.title) || ' at ' || locations.name AS words
FROM compared
JOIN variants ON variants.tenant_id = :tenant AND variants.id = compared.variant_id
JOIN locations ON locations.tenant_id = :tenant AND locations.id = compared.location_id
WHERE (level_on_hand, level_damaged, level_safety) <> (ledger_on_hand, ledger_damaged, ledger_safety)
   OR level_reserved <> held OR ledger_reserved <> held
ORDER BY variant_id, location_id
""")
_PUT_RIGHT = text("""
WITH written AS (
    UPDATE stock_levels SET on_hand = :on_hand, reserved = :reserved, damaged = :damaged, safety = :safety,
                            missing = least(missing + :on_hand_change, :reserved)
    WHERE tenant_id = :tenant AND variant_id = :variant AND location_id = :location
    RETURNING 1
)
INSERT INTO movements (tenant_id, variant_id, location_id, cause, on_hand_change, reserved_change, damaged_change,
                       safety_change, reason, actor)
SELECT :tenant, :variant, :location, 'repaired', :on_hand_change, :reserved_change, :damaged_change, :safety_change,
       :reason, :actor FROM written
""")
_SINCE = text("""
SELECT id, at FROM (
    SELECT id, at, sum(on_hand_change) OVER running AS on_hand, sum(damaged_change) OVER running AS damaged,
           sum(safety_change) OVER running AS safety
    FROM movements WHERE tenant_id = :tenant AND variant_id = :variant AND location_id = :location
    WINDOW running AS (ORDER BY id)
) told
WHERE (on_hand, damaged, safety) = (:on_hand, :damaged, :safety)
ORDER BY id DESC LIMIT 1
""")
_REPAIRS = text("""
SELECT variant_id, location_id, reason, at FROM movements
WHERE tenant_id = :tenant AND cause = 'repaired' AND at >= :since ORDER BY id DESC LIMIT :limit
""")
