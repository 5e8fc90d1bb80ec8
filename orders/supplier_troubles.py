"""Says where a person is needed with an order's suppliers, and holds the order for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from orders import holds, outstanding, purchasing
from orders.holds import Problem
from orders.purchasing import HOLD
from records import notices, suppliers
from records.notices import Notice
from records.orders import Order, OrderLine, lines_of
from records.shipments import Shipment, ShipmentLine
from records.suppliers import PurchaseOrder

_DECIDE = (
    "The rest of the order goes on. On the order's page, send these units from our own stock, ask the supplier again, "
    "or refund them."
)
_ASK = (
    "Ask them. If it has left, give their tracking number by the link on the order's page; if it does not leave, say "
    "there that they agreed."
)
_REACH = "Correct their address and mail it again on the order's page, or give them their link from there."
_CHASE = (
    "Ask them. If they do not ship it, reject it by the link on the order's page: then send these units from our own "
    "stock, or refund them."
)
_STOP = (
    "Ask them in another way, and say on the order's page that they agreed. If it has left already, release this hold."
)
_TELL = "Tell them in another way, then release this hold."
_ASTRAY = (
    "Look at the order in the store. Where it shows these units as sent, add the tracking number there; where they "
    "were taken off, ask for them back. Then release this hold."
)


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What only a person can settle with a supplier, as a sentence, and what they can do."""

    said: str
    remedy: str


def note(session: Session, tenant: int, order: Order, *, now: datetime) -> None:
    """Hold an order for what only a person can settle with a supplier, or let it go where there is nothing."""
    found = _troubles(session, tenant, order, now=now)
    remedy = " ".join(dict.fromkeys(one.remedy for one in found))
    problems = [Problem(kind=HOLD, reason=" ".join(one.said for one in found), remedy=remedy)] if found else []
    holds.settle(session, tenant, order.id, problems, looked_for=(HOLD,), by="packline", now=now)


def _troubles(session: Session, tenant: int, order: Order, *, now: datetime) -> list[Trouble]:
    """One for each purchase order that waits for a person. Of an order that is over, only what was not told is left."""
    rows = suppliers.of_order(session, tenant, order.id)
    found = [_untold(session, row, over=order.state in {"cancelling", "cancelled"}) for row in rows]
    if order.state not in {"cancelling", "cancelled"}:
        room = purchasing.room(session, tenant, order.id)
        outdated = {one.id for one in purchasing.misfits(session, tenant, order.id)}
        found += [
            _open(session, row, room, outdated=row.id in outdated) or _late(session, row, now=now) for row in rows
        ]
        found += [_astray(session, row) for row in rows]
    return [one for one in found if one is not None]


def _open(session: Session, row: PurchaseOrder, room: Mapping[int, int], *, outdated: bool) -> Trouble | None:
    name = purchasing.supplier_of(session, row).name
    if row.state == "rejected" and not row.settled:
        return Trouble(said=f"{name} does not ship purchase order {row.id}: {row.reason}", remedy=_DECIDE)
    if row.state == "accepted" and outdated:
        changed = "the order has changed since: they must be asked."
        if _is_shown_as_sent(session, row, room):
            changed = "the store shows it as sent: they must be asked whether it has left."
        return Trouble(said=f"{name} accepted purchase order {row.id}, and {changed}", remedy=_ASK)
    return _unreached(session, row, name)


def _late(session: Session, row: PurchaseOrder, *, now: datetime) -> Trouble | None:
    """The day on which it was to leave is over, and they have said nothing, or only that they ship it."""
    supplier = purchasing.supplier_of(session, row)
    if row.state not in {"sent", "accepted"} or now < purchasing.overdue_at(row, supplier.lead_days):
        return None
    what = "answered" if row.state == "sent" else "shipped"
    by = f"{purchasing.ship_by(row, supplier.lead_days):%d %B %Y}"
    said = f"{supplier.name} has not {what} purchase order {row.id}, which was to be shipped by {by}."
    return Trouble(said=said, remedy=_CHASE)


def _is_shown_as_sent(session: Session, row: PurchaseOrder, room: Mapping[int, int]) -> bool:
    lines = {line.id: line for line in lines_of(session, row.tenant_id, row.order_id)}
    return shown_as_sent(outstanding.left(session, row), room, lines)


def shown_as_sent(left: Mapping[int, int], room: Mapping[int, int], lines: Mapping[int, OrderLine]) -> bool:
    """Whether the store asks for less than the supplier promised although the buyer still buys it. Pure.

    `left` is what they promised and have not sent, `room` what is to be carried and stands in no shipment. What the
    buyer picks up they would have bought in any case.
    """
    lacking = [line for line, units in left.items() if units > room.get(line, 0)]
    bought = {line: lines[line].units - lines[line].by_hand.units for line in lacking}
    return bool(lacking) and all(
        left[line] <= bought[line] - (lines[line].carried - room.get(line, 0)) for line in lacking
    )


def _unreached(session: Session, row: PurchaseOrder, name: str) -> Trouble | None:
    """The newest letter that asks did not reach them, so that they have no link that works."""
    letter = _newest(_about(session, row, "ordered"))
    if letter is None or row.state not in suppliers.OPEN:
        return None
    if row.state == "written":
        return Trouble(said=f"Purchase order {row.id} did not reach {name}. {letter.reason}", remedy=_REACH)
    # Who has answered since then has it in their hands, by whatever way it came.
    if row.answered_at is not None and (letter.ended_at is None or letter.ended_at <= row.answered_at):
        return None
    if letter.fact == "ordered":
        return None
    said = f"The new mail of purchase order {row.id} did not reach {name}, and their old link leads nowhere."
    return Trouble(said=f"{said} {letter.reason}", remedy=_REACH)


def _untold(session: Session, row: PurchaseOrder, *, over: bool) -> Trouble | None:
    """Nobody told them that it is not wanted any more, or asked them to stop: they may ship it all the same."""
    name = purchasing.supplier_of(session, row).name
    stop = _newest(_about(session, row, "stop"))
    if row.state == "accepted" and over and stop is not None:
        said = f"{name} was not asked to stop purchase order {row.id}. {stop.reason}"
        return Trouble(said=said, remedy=_STOP)
    was_asked = any(one.state in {"sent", "failed"} for one in _about(session, row, "ordered"))
    letter = _newest(_about(session, row, "cancelled"))
    if row.state == "cancelled" and was_asked and letter is not None:
        said = f"{name} was not told that purchase order {row.id} is cancelled. {letter.reason}"
        return Trouble(said=said, remedy=_TELL)
    return None


def _astray(session: Session, row: PurchaseOrder) -> Trouble | None:
    """Units have left that the store did not ask for any more, so that it was never told of them."""
    rows = session.execute(
        select(ShipmentLine.line_id, ShipmentLine.units)
        .join(Shipment, (Shipment.tenant_id == ShipmentLine.tenant_id) & (Shipment.id == ShipmentLine.shipment_id))
        .where(ShipmentLine.tenant_id == row.tenant_id, Shipment.order_id == row.order_id)
        .where(Shipment.purchase_order_id == row.id, Shipment.state == "handed_over")
        .where(Shipment.fulfillments == [])
        .order_by(Shipment.id, ShipmentLine.line_id)
    ).all()
    if not rows:
        return None
    lines = {line.id: line for line in lines_of(session, row.tenant_id, row.order_id)}
    what = ", ".join(purchasing.units_told(lines, {line: units}) for line, units in rows)
    name = purchasing.supplier_of(session, row).name
    said = f"{name} sent {what} on purchase order {row.id}: the store does not ask for it any more and was not told."
    return Trouble(said=said, remedy=_ASTRAY)


def _about(session: Session, row: PurchaseOrder, fact: str) -> list[Notice]:
    about = notices.about(session, row.tenant_id, purchasing.subject_of(row.id))
    return [one for one in about if one.fact.partition("/")[0] == fact]


def _newest(letters: Sequence[Notice]) -> Notice | None:
    """The newest letter where it did not go out; None where it did, or may still."""
    ended = [one for one in letters if one.state != "due"]
    return ended[-1] if ended and ended[-1].state in {"suppressed", "failed"} else None
