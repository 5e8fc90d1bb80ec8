"""Composes what a merchant is written about their stock: what to order, how much, and what lies in excess. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from integrations.nouns import Letter
from integrations.nouns.mail import one_line
from jobs import letters
from orders.stock_alerts import Alert
from orders.what_to_order import Row

# A letter of more lines is not read; the page has all of them.
MOST_LINES = 100


def compose(rows: Mapping[Alert, Row], *, shop: str, link: str, to: str) -> Letter:
    """A letter about these rows. `link` is empty where nobody knows at which address people reach us."""
    low = [row for (_, _, kind), row in rows.items() if kind == "low"]
    over = [row for (_, _, kind), row in rows.items() if kind == "over"]
    name = one_line(shop)
    said = {
        "shop": name,
        "link": link,
        "subject": f"{name}: {_subject(len(low), len(over))}",
        "parts": [part for part in (_part("To order", low), _part("In excess", over)) if part["lines"]],
    }
    return Letter(
        to=to,
        sender=name,
        subject=str(said["subject"]),
        text=letters.rendered("stock.txt", said),
        html=letters.rendered("stock.html", said),
    )


def _subject(low: int, over: int) -> str:
    told = [f"{low:,} to order"] if low else []
    return ", ".join([*told, f"{over:,} in excess"] if over else told)


def _part(heading: str, rows: Sequence[Row]) -> dict[str, object]:
    more = len(rows) - MOST_LINES
    return {"heading": heading, "lines": [_line(row) for row in rows[:MOST_LINES]], "more": max(0, more)}


def _line(row: Row) -> tuple[str, str, str]:
    """What it is, how it stands, and what to do."""
    advice = row.advice
    lasts = "" if advice.cover_days is None else f" Lasts {_days(advice.cover_days)}."
    return (
        f"{one_line(row.sku or row.title)} at {one_line(row.place)}",
        f"{row.position.free:,} free, {row.position.incoming:,} incoming.{lasts} {advice.why}",
        f"Order {advice.suggested_units:,}" if advice.suggested_units else "",
    )


def _days(many: int) -> str:
    return f"{many:,} {'day' if many == 1 else 'days'}"
