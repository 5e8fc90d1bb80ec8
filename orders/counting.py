"""Keeps a count, of a sheet or of scans, until somebody has looked through it; then sets the levels that it was of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, insert, or_, select, text, update
from sqlalchemy.orm import Session

from orders import lifecycle, matching_counts, stock_by_hand
from orders.count_sheet import Sheet
from orders.promising_stock import Level
from orders.stock_by_hand import Change, Said, Standing, Written
from records.counts import Count, CountLine
from records.stock import StockLevel

_LEFT_PROMISED = (
    "Left as it is: {units:,} were counted{of_them}, and {reserved:,} are promised to orders. Cancel or change those "
    "orders, or move units there, and count it again."
)
_LEFT_CHANGED = (
    "Left as it is: {seen:,} were on hand when it was counted, and {on_hand:,} are now, so the counted number may have "
    "units in it that left meanwhile. Count it again."
)


def from_sheet(session: Session, tenant: int, sheet: Sheet, *, name: str, actor: str) -> int:
    """Keep a sheet's rows, ready to be looked through; answers the count. No level is touched."""
    count = _begin(session, tenant, means="sheet", location=None, name=name, remark=sheet.remark, actor=actor)
    session.execute(insert(CountLine), matching_counts.lines(session, tenant, count, sheet))
    look_through(session, tenant, count)
    return count


def by_scan(session: Session, tenant: int, location: int, *, actor: str) -> int:
    """Begin a count that is scanned at one location; answers it."""
    return _begin(session, tenant, means="scan", location=location, name="", remark="", actor=actor)


def scan(session: Session, tenant: int, count: Count, variant: int) -> int:
    """Count one more of a variant; answers how many there are by now."""
    return int(
        session.execute(
            _SCAN, {"tenant": tenant, "count": count.id, "variant": variant, "location": count.location_id}
        ).scalar_one()
    )


# What is scanned last has the highest place: it is the one that a person looks for. What is on hand is noted when the
# first unit is scanned, because what leaves meanwhile may be among the counted units or not.
_SCAN = text("""
INSERT INTO count_lines (tenant_id, count_id, place, variant_id, location_id, units, seen, reason, problem)
SELECT :tenant, :count, coalesce(max(place), 0) + 1, :variant, :location, 1,
       coalesce((SELECT on_hand FROM stock_levels
                 WHERE tenant_id = :tenant AND variant_id = :variant AND location_id = :location), 0), '', ''
FROM count_lines WHERE tenant_id = :tenant AND count_id = :count
ON CONFLICT (tenant_id, count_id, variant_id, location_id)
DO UPDATE SET units = count_lines.units + 1, place = excluded.place
RETURNING units
""")


def set_units(session: Session, tenant: int, count: int, line: int, units: int) -> bool:
    """Say how many of a line were counted, and not scan by scan; answers whether there is such a line."""
    found = session.execute(
        update(CountLine)
        .where(CountLine.tenant_id == tenant, CountLine.count_id == count, CountLine.id == line)
        .values(units=units)
        .returning(CountLine.id)
    )
    return found.first() is not None


def look_through(session: Session, tenant: int, count: int) -> bool:
    """Stop counting, and note what each level says where the line does not; answers whether it was being counted."""
    if not lifecycle.move(session, tenant, "count", count, "look_through"):
        return False
    session.execute(_SEE, {"tenant": tenant, "count": count})
    session.expire_all()
    return True


_SEE = text("""
UPDATE count_lines line SET seen = coalesce(
    (SELECT on_hand FROM stock_levels level
     WHERE level.tenant_id = :tenant AND level.variant_id = line.variant_id
       AND level.location_id = line.location_id), 0)
WHERE line.tenant_id = :tenant AND line.count_id = :count AND line.variant_id IS NOT NULL AND line.seen IS NULL
""")


def go_on(session: Session, tenant: int, count: int) -> bool:
    """Scan on."""
    return lifecycle.move(session, tenant, "count", count, "go_on")


def discard(session: Session, tenant: int, count: int, *, now: datetime) -> bool:
    """Give a count up; answers whether it could be."""
    return lifecycle.move(session, tenant, "count", count, "discard", ended_at=now)


def apply(session: Session, tenant: int, count: int, *, actor: str, now: datetime) -> Written | None:
    """Set the levels that were counted, each only while it says what it said then; None where it was not ready.

    A line that says what the level said changes nothing. One that is left out says why. The rows of all its levels are
    locked, in the one order, until the end.
    """
    if not lifecycle.move(session, tenant, "count", count, "apply", ended_at=now):
        return None
    found = session.execute(select(*_READ).where(*_readable(tenant, count)))
    lines = {(row.variant_id, row.location_id): row._asdict() for row in found}
    stands = stock_by_hand.standing(session, tenant, lines.keys(), begin=True)
    left = {level: why for level, line in lines.items() if (why := left_out(line, stands[level]))}
    changes = [
        Change(level=level, on_hand=line["units"] - stands[level].on_hand, reason=line["reason"])
        for level, line in lines.items()
        if level not in left
    ]
    said = Said(cause="counted", actor=actor, reference=f"count/{count}")
    written = stock_by_hand.write_unasked(session, tenant, changes, said)
    _tell(session, tenant, lines, left, written)
    return written


def left_out(line: Mapping[str, Any], now: Standing) -> str:
    """Why a counted level is left as it is; empty where it is set. Pure."""
    if now.on_hand != line["seen"]:
        return _LEFT_CHANGED.format(seen=line["seen"], on_hand=now.on_hand)
    change = Change(level=(line["variant_id"], line["location_id"]), on_hand=line["units"] - now.on_hand)
    wrong = stock_by_hand.why_not(now, change)
    if wrong == "promised":
        of_them = f", {now.damaged:,} of them damaged" if now.damaged else ""
        return _LEFT_PROMISED.format(reserved=now.reserved, of_them=of_them, units=line["units"])
    if wrong:
        return (
            f"Left as it is: {now.damaged:,} are set aside there as damaged, and {line['units']:,} were counted. Say "
            "on the level's page how many of them are still damaged, and count it again."
        )
    return ""


def drop_old(session: Session, tenant: int, *, before: datetime) -> int:
    """Let the lines of counts from before a time go, and give up those that were left; answers how many lines.

    The count itself stays: movements name it.
    """
    old = select(Count.id).where(Count.tenant_id == tenant, Count.created_at < before)
    left_open = session.scalars(old.where(Count.state.in_(("counting", "ready")))).all()
    for left in left_open:
        discard(session, tenant, left, now=before)
    dropped = session.execute(
        delete(CountLine)
        .where(CountLine.tenant_id == tenant, CountLine.count_id.in_(old))
        .returning(CountLine.id)
        .execution_options(synchronize_session=False)
    )
    return len(dropped.all())


def _begin(
    session: Session, tenant: int, *, means: str, location: int | None, name: str, remark: str, actor: str
) -> int:
    row = Count(tenant_id=tenant, means=means, location_id=location, name=name, remark=remark, actor=actor)
    session.add(row)
    session.flush()
    return row.id


_READ = (CountLine.id, CountLine.variant_id, CountLine.location_id, CountLine.units, CountLine.seen, CountLine.reason)


def _readable(tenant: int, count: int) -> Sequence[Any]:
    return (
        CountLine.tenant_id == tenant,
        CountLine.count_id == count,
        CountLine.variant_id.is_not(None),
        CountLine.problem == "",
        or_(CountLine.units != CountLine.seen, _LACKED),
    )


# Who scans what the level says has found what an earlier count had not, where that is so: see stock_by_hand. A sheet
# may have our own number in it, in rows that nobody has counted.
_LACKED = exists().where(
    Count.tenant_id == CountLine.tenant_id,
    Count.id == CountLine.count_id,
    Count.means == "scan",
    StockLevel.tenant_id == CountLine.tenant_id,
    StockLevel.variant_id == CountLine.variant_id,
    StockLevel.location_id == CountLine.location_id,
    StockLevel.missing > 0,
)


def _tell(
    session: Session, tenant: int, lines: Mapping[Level, Mapping[str, Any]], left: Mapping[Level, str], written: Written
) -> None:
    """Write on each line what became of it."""
    told: list[tuple[int, str, int | None]] = [(lines[level]["id"], why, None) for level, why in left.items()]
    told += [(lines[level]["id"], "", movement) for level, movement in written.movements.items()]
    if told:
        ids, problems, movements = (list(column) for column in zip(*told, strict=True))
        session.execute(_TELL, {"tenant": tenant, "ids": ids, "problems": problems, "movements": movements})
    session.expire_all()


_TELL = text("""
UPDATE count_lines line SET problem = told.problem, movement_id = told.movement
FROM unnest(cast(:ids AS bigint[]), cast(:problems AS text[]), cast(:movements AS bigint[]))
       AS told (id, problem, movement)
WHERE line.tenant_id = :tenant AND line.id = told.id
""")
