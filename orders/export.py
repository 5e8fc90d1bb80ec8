"""Gathers all that is held of a buyer into one document, table by table, as it stands."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from enum import Enum
from typing import Any

from pydantic import BaseModel
from sqlalchemy import LargeBinary, Table, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from orders import forgetting, forgotten
from records.schema import TABLES

# What only steers our own work, and what is another's secret, says nothing of a buyer.
_NOT_THEIRS = frozenset({"tenant_id", "body_sha256", "content_digest", "address_digest", "consignment_digest"})
_OF_AN_ORDER = (
    "orders", "order_lines", "holds", "payments", "shipments", "parcels", "labels", "parcel_scans", "reversals",
    "address_changes", "choices", "swaps", "purchase_orders", "notices", "digital_deliveries", "timeline_entries",
    "findings", "routing_decisions", "shadow_decisions",
)  # fmt: skip
# A buyer's deliveries are few; whoever has more than this is looked after by hand.
_MOST_DELIVERIES = 1_000


def gather(session: Session, tenant: int, orders: Sequence[int], words: Sequence[bytes]) -> dict[str, Any]:
    """Everything about these orders, and every delivery that repeats one of these words, whole: plain JSON values."""
    subjects = [subject for order in orders for subject in forgotten.subjects_of(session, tenant, order)]
    return {
        "orders": [dict(_of_order(session, tenant, order)) for order in orders],
        "deliveries": _deliveries(session, tenant, subjects, words),
    }


def as_text(document: Mapping[str, Any]) -> str:
    """The same for people: a line for each value, indented by what it belongs to. Pure."""
    return "\n".join(_lines(document, 0)) + "\n"


def _of_order(session: Session, tenant: int, order: int) -> Iterator[tuple[str, Any]]:
    for name in _OF_AN_ORDER:
        table = TABLES[name]
        condition = forgotten.whose(name) + (_TO_THE_BUYER if name == "notices" else "")
        rows = session.execute(
            select(table).where(table.c.tenant_id == tenant, text(condition)).order_by(table.c.id),
            {"tenant": tenant, "order": order},
        )
        yield name, [_row(table, row._asdict()) for row in rows]


# What a supplier was written names the supplier's address, which is no buyer's.
_TO_THE_BUYER = " AND subject NOT LIKE 'purchase_order/%'"


def _row(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    return {column.name: _plain(row[column.name]) for column in table.columns if column.name not in _NOT_THEIRS}


def _deliveries(session: Session, tenant: int, subjects: Sequence[str], words: Sequence[bytes]) -> list[dict[str, Any]]:
    rows = session.execute(
        _FOUND, {"tenant": tenant, "subjects": list(subjects), "words": list(words), "most": _MOST_DELIVERIES}
    )
    mine = [row for row in rows if row.subject in subjects or forgetting.names(row.body, words)]
    return [{name: _plain(value) for name, value in row._asdict().items() if name != "subject"} for row in mine]


_FOUND = text("""
SELECT vendor, topic, received_at, body, subject FROM inbox_events
WHERE tenant_id = :tenant AND octet_length(body) > 0
  AND (subject = ANY(:subjects) OR EXISTS (SELECT 1 FROM unnest(:words) word WHERE position(word in body) > 0))
ORDER BY id LIMIT :most
""").bindparams(bindparam("words", type_=ARRAY(LargeBinary)))


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return _written(value)
    return value


def _written(value: bytes) -> str:
    """Bytes as the text that they are, else (a label's file) as base64."""
    try:
        text_ = value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()
    return text_ if "\x00" not in text_ else base64.b64encode(value).decode()


def _lines(value: Any, depth: int) -> Iterator[str]:
    pad = "  " * depth
    pairs = value.items() if isinstance(value, Mapping) else enumerate(value, start=1)
    for name, one in pairs:
        word = str(name).replace("_", " ")
        if isinstance(one, Mapping | list) and one:
            yield f"{pad}{word}:"
            yield from _lines(one, depth + 1)
        elif one not in (None, "", [], {}):
            yield f"{pad}{word}: {one}"
