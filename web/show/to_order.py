"""What to order as spreadsheets and programs read it. Pure."""

from __future__ import annotations

from typing import Any

from orders.what_to_order import Row

COLUMNS = (
    *("sku", "title", "location", "free", "incoming", "next_due", "waiting", "per_week", "error", "model"),
    *("cover_days", "lead_days", "reorder_point", "safety_units", "suggested", "pack", "what", "why"),
)


def plain_row(row: Row) -> dict[str, Any]:
    """A row for spreadsheets and programs: COLUMNS and their values, weekly numbers in units."""
    position = row.position
    values = (
        *(row.sku, row.title, row.place, position.free, position.incoming),
        *(position.next_due.isoformat() if position.next_due else "", position.waiting),
        *(_units(row.per_week_milli), _units(row.mae_milli), row.model, row.advice.cover_days, row.terms.lead_days),
        *(row.reorder_point, row.safety_units, row.advice.suggested_units, row.terms.pack_units),
        *(row.advice.urgency, row.advice.why or row.reason),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _units(milli: int | None) -> str | None:
    return None if milli is None else f"{milli / 1000:.3f}"
