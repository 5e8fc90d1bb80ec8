"""Reads counts: which there are, and what each line of one would change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from orders import counting
from orders.stock_by_hand import Standing
from records.counts import Count, CountLine
from records.stock import Location, StockLevel, Variant

PAGE = 100
_MOST_COUNTS = 30
_WHOLE = (
    CountLine,
    Variant.sku,
    Variant.title,
    Location.name,
    StockLevel.on_hand,
    StockLevel.reserved,
    StockLevel.damaged,
)


@dataclass(frozen=True, kw_only=True)
class Counted:
    """One line with what it is of, and what keeps it from being set, as far as that can be told now."""

    row: CountLine
    sku: str
    title: str
    place: str
    on_hand: int
    in_its_way: str

    @property
    def change(self) -> int:
        return self.row.units - (self.row.seen or 0)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many lines of a count change a level, say what it says already, and cannot be set."""

    changes: int
    same: int
    problems: int


def latest(session: Session, tenant: int) -> Sequence[tuple[Count, str]]:
    """The newest counts with the name of their location, empty where they have none."""
    rows = session.execute(
        select(Count, func.coalesce(Location.name, ""))
        .outerjoin(Location, (Location.tenant_id == Count.tenant_id) & (Location.id == Count.location_id))
        .where(Count.tenant_id == tenant)
        .order_by(Count.id.desc())
        .limit(_MOST_COUNTS)
    )
    return [(count, name) for count, name in rows]


def tally(session: Session, tenant: int, count: int) -> Tally:
    """The numbers of lines; a line that was left out when it was applied is a problem, too."""
    problems, same = _is_problem(), CountLine.units == CountLine.seen
    row = session.execute(
        select(
            func.count().filter(problems),
            func.count().filter(~problems, same),
            func.count().filter(~problems, ~same),
        ).where(CountLine.tenant_id == tenant, CountLine.count_id == count)
    ).one()
    return Tally(problems=row[0], same=row[1], changes=row[2])


def lines(session: Session, tenant: int, count: int, *, which: str, after: int) -> tuple[Sequence[Counted], int | None]:
    """A page of lines in their order, and after which the next page begins. `which`: changes, problems, same."""
    problems = _is_problem()
    chosen = {"problems": problems, "same": ~problems & (CountLine.units == CountLine.seen)}.get(
        which, ~problems & (CountLine.units != CountLine.seen)
    )
    wanted = _whole(tenant, count).where(chosen, CountLine.id > after).order_by(CountLine.id).limit(PAGE + 1)
    found = [_counted(row) for row in session.execute(wanted)]
    return found[:PAGE], found[PAGE - 1].row.id if len(found) > PAGE else None


def scanned(session: Session, tenant: int, count: int, *, limit: int) -> Sequence[Counted]:
    """What was scanned, the last first."""
    wanted = _whole(tenant, count).order_by(CountLine.place.desc()).limit(limit)
    return [_counted(row) for row in session.execute(wanted)]


def units_scanned(session: Session, tenant: int, count: int) -> tuple[int, int]:
    """How many units of how many variants were scanned."""
    row = session.execute(
        select(func.coalesce(func.sum(CountLine.units), 0), func.count()).where(
            CountLine.tenant_id == tenant, CountLine.count_id == count
        )
    ).one()
    return int(row[0]), int(row[1])


def _is_problem() -> ColumnElement[bool]:
    return or_(CountLine.variant_id.is_(None), CountLine.problem != "")


def _whole(tenant: int, count: int) -> Any:
    return (
        select(*_WHOLE)
        .outerjoin(Variant, (Variant.tenant_id == CountLine.tenant_id) & (Variant.id == CountLine.variant_id))
        .outerjoin(Location, (Location.tenant_id == CountLine.tenant_id) & (Location.id == CountLine.location_id))
        .outerjoin(
            StockLevel,
            (StockLevel.tenant_id == CountLine.tenant_id)
            & (StockLevel.variant_id == CountLine.variant_id)
            & (StockLevel.location_id == CountLine.location_id),
        )
        .where(CountLine.tenant_id == tenant, CountLine.count_id == count)
    )


def _counted(found: Any) -> Counted:
    row, sku, title, place, on_hand, reserved, damaged = found
    now = Standing(on_hand=on_hand or 0, reserved=reserved or 0, damaged=damaged or 0)
    waits = row.movement_id is None and not row.problem and row.variant_id is not None
    counted = {
        "variant_id": row.variant_id, "location_id": row.location_id, "units": row.units,
        "seen": now.on_hand if row.seen is None else row.seen,
    }  # fmt: skip
    in_its_way = counting.left_out(counted, now) if waits and row.units != row.seen else ""
    return Counted(
        row=row, sku=sku or "", title=title or "", place=place or "", on_hand=now.on_hand, in_its_way=in_its_way
    )
