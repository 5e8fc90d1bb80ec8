"""The sums of money and stock that no forgetting may change: what came in, what was spent, what lies where."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

# Each is one number of rows and one sum, in minor units or units.
_SUMS = {
    "orders": "SELECT count(*), coalesce(sum(total_minor), 0) FROM orders WHERE tenant_id = :tenant",
    "captured": "SELECT count(*), coalesce(sum(captured_minor), 0) FROM payments WHERE tenant_id = :tenant",
    "refunded": "SELECT count(*), coalesce(sum(refunded_minor), 0) FROM payments WHERE tenant_id = :tenant",
    "postage": "SELECT count(*), coalesce(sum(cost_minor), 0) FROM labels WHERE tenant_id = :tenant",
    "moved": "SELECT count(*), coalesce(sum(on_hand_change), 0) FROM movements WHERE tenant_id = :tenant",
    "set_aside": "SELECT count(*), coalesce(sum(reserved_change), 0) FROM movements WHERE tenant_id = :tenant",
    "on_hand": "SELECT count(*), coalesce(sum(on_hand), 0) FROM stock_levels WHERE tenant_id = :tenant",
    "reserved": "SELECT count(*), coalesce(sum(reserved), 0) FROM stock_levels WHERE tenant_id = :tenant",
    "given_back": "SELECT count(*), coalesce(sum(amount_minor), 0) FROM reversal_steps WHERE tenant_id = :tenant",
}


def sums(session: Session, tenant: int) -> dict[str, tuple[int, int]]:
    """Rows and sum of every ledger of a shop; equal sums before and after say that nothing was lost."""
    return {
        name: (int(row[0]), int(row[1]))
        for name, sql in _SUMS.items()
        for row in session.execute(text(sql), {"tenant": tenant})
    }
