"""Rows for spreadsheets, as pages offer them; orders/sheet.py says what keeps a cell from turning into a formula."""

from __future__ import annotations

from orders.sheet import cell, lines

__all__ = ["cell", "lines"]
