"""Says where goods may not be sent, and holds an order of which no location may send a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import text
from sqlalchemy.orm import Session

from orders import holds
from orders.holds import Problem
from orders.routing import bans
from orders.routing.bans import LeftOut, Lying
from orders.routing.question import Question
from records.orders import OrderLine
from records.routing import Bans

HOLD = "barred"
_REMEDY = (
    "It goes on by itself once a location may send it (Stock, Locations) or the goods are not marked any more (Stock, "
    "Where goods may go; or the tags of the product in the store). A location that could not send it can be asked "
    "again on the page that says why the order leaves from there. Else cancel these lines in the store."
)
_PLACES_NAMED = 3


class Chosen(Protocol):
    """Where an order's units come from, and what of it nobody sends, by order line."""

    @property
    def question(self) -> Question: ...

    @property
    def missing(self) -> Mapping[int, int]: ...

    @property
    def spoken_for(self) -> Iterable[Lying]: ...


def bans_in(session: Session, tenant: int, order: int) -> dict[int, Bans]:
    """By order line, what is marked: its own goods, and what a bundle is put together from."""
    return _together(session.execute(_BANS_IN, {"tenant": tenant, "order": order}))


def bans_of(session: Session, tenant: int, variant: int) -> Bans:
    """Of one variant, in the same way."""
    return _together(session.execute(_BANS_OF, {"tenant": tenant, "variant": variant})).get(variant, Bans())


def apart(
    question: Question, short: Mapping[int, int], spoken_for: Iterable[Lying] = ()
) -> tuple[dict[int, int], dict[int, int]]:
    """Of the units that are short: those that nobody has, and those that nobody may send. Pure."""
    not_sent = {line: units for line, (units, _) in bans.not_sent(question, short, spoken_for).items()}
    return dict(Counter(short) - Counter(not_sent)), not_sent


def note(
    session: Session, tenant: int, order: int, chosen: Chosen | None, lines: Mapping[int, OrderLine], *, now: datetime
) -> bool:
    """Hold an order for the units that are short and that no location may send, or let it go where there are none;
    answers whether it is held.
    """
    not_sent = bans.not_sent(chosen.question, chosen.missing, chosen.spoken_for) if chosen else {}
    if chosen is None or not not_sent:
        holds.release(session, tenant, order, HOLD, by="packline", now=now)
        return False
    kept = [
        (f"{units} × {lines[line].sku or lines[line].title}", why) for line, (units, why) in sorted(not_sent.items())
    ]
    holds.place(
        session, tenant, order, Problem(kind=HOLD, reason=_told(chosen.question, kept), remedy=_REMEDY), by="packline"
    )
    return True


def _told(question: Question, not_sent: Sequence[tuple[str, Sequence[LeftOut]]]) -> str:
    """Each line with what keeps it here; what the goods themselves are barred by is said once, not place by place."""
    country, names = question.to.country or "an unknown country", {place.id: place.name for place in question.places}
    sentences: dict[str, list[str]] = {}
    for goods, kept in not_sent:
        if {one.rule for one in kept} == {"not_sent_to"}:
            sentences.setdefault("", []).append(goods)
        else:
            sentences.setdefault(_by_place([f"{names[one.place]}: {one.why}" for one in kept]), []).append(goods)
    return " ".join(
        f"No location may send {', '.join(here)} to {country}: {why}."
        if why
        else f"{', '.join(here)} may not be sent to {country}."
        for why, here in sentences.items()
    )


def _by_place(said: Collection[str]) -> str:
    named, more = list(said)[:_PLACES_NAMED], len(said) - _PLACES_NAMED
    return "; ".join(named) + (f"; and {more} more" if more > 0 else "")


def _together(rows: object) -> dict[int, Bans]:
    found: dict[int, Bans] = {}
    for row in rows:  # type: ignore[attr-defined]
        said = Bans.model_validate(row.bans).and_also(Bans.model_validate(row.store_bans))
        found[row.id] = found.get(row.id, Bans()).and_also(said)
    return found


_BANS_IN = text("""
WITH sold AS (
    SELECT line.id, variant.id AS variant_id FROM order_lines line
    JOIN orders o ON o.tenant_id = line.tenant_id AND o.id = line.order_id
    JOIN variants variant ON variant.tenant_id = line.tenant_id AND variant.connection_id = o.connection_id
                         AND variant.remote_id = line.variant_remote_id
    WHERE line.tenant_id = :tenant AND line.order_id = :order
), all_of_it AS (
    SELECT id, variant_id FROM sold
    UNION SELECT sold.id, held.part_id FROM sold
    JOIN bundle_parts held ON held.tenant_id = :tenant AND held.bundle_id = sold.variant_id
)
SELECT all_of_it.id, variant.bans, variant.store_bans
FROM all_of_it JOIN variants variant ON variant.tenant_id = :tenant AND variant.id = all_of_it.variant_id
ORDER BY all_of_it.id, variant.id
""")
_BANS_OF = text("""
SELECT cast(:variant AS bigint) AS id, variant.bans, variant.store_bans FROM variants variant
WHERE variant.tenant_id = :tenant AND (variant.id = :variant OR variant.id IN (
    SELECT part_id FROM bundle_parts WHERE tenant_id = :tenant AND bundle_id = :variant))
ORDER BY variant.id
""")
