"""What a buyer or a person of the shop may change of an order before it is picked: where it goes, and what is in it.

Whoever comes first wins: the order's row is locked, and who buys its labels locks it as well before they begin.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from integrations.nouns import Address
from jobs import queue, reshaping
from orders import forgotten, placing, readdressing, still_changeable, taking_back
from orders.reversing import Wish
from orders.still_changeable import CANCELLED, WATCHED, Still
from orders.taking_back import Begun, NotPossible, PlanChanged
from records import tenants
from records.orders import LOCK, Order
from records.shipments import labels_of, parcels_of

SAME = "same"
end_links = readdressing.end_links


def look(session: Session, tenant: int, order: int) -> Still:
    """What may be changed of an order now. Changes nothing."""
    facts = taking_back.facts_of(session, tenant, order)
    parcels = [parcel.id for parcel in parcels_of(session, tenant, order)]
    labels = [label.id for label in labels_of(session, tenant, order) if label.state == "intended"]
    return still_changeable.look(
        facts,
        watches=tenants.mode_of(session, tenant) != "live",
        forgotten=forgotten.is_forgotten(session, tenant, order),
        readdressed=readdressing.asked(session, tenant, order) is not None,
        buying=reshaping.is_buying(session, tenant, parcels, labels),
    )


def readdress(session: Session, tenant: int, order: int, address: Address, *, by: str, reason: str = "") -> str:
    """Have an order go elsewhere; answers what stands in the way (a word of `still_changeable`, or `same`), or an
    empty text.
    """
    row = _locked(session, tenant, order)
    still = look(session, tenant, order)
    if not still.address:
        return still.why
    if row.ship_to is not None and placing.address_digest(row.ship_to) == placing.address_digest(address):
        return SAME
    readdressing.ask(session, row, address, by=by, reason=reason)
    queue.add(session, tenant, "change_address", f"order/{order}")
    return ""


def wish_for(units: Mapping[int, int]) -> Wish:
    """What a buyer wants taken off, by order line id; nothing named means the whole order."""
    return Wish(purpose="cancel_lines" if units else "cancel", wanted=dict(units), reason="buyer")


def take_off(
    session: Session, tenant: int, order: int, units: Mapping[int, int], *, by: str, digest: str
) -> Begun | PlanChanged | NotPossible:
    """Take units off an order, or cancel it where none are named, by the plan with this digest.

    NotPossible names what stands in the way by a word of `still_changeable`, where it is one of those.
    """
    _locked(session, tenant, order)
    still = look(session, tenant, order)
    possible = still.cancel if not units else all(still.free.get(line, 0) >= count for line, count in units.items())
    if not possible:
        return NotPossible(reason=still.why)
    begun = taking_back.begin(session, tenant, order, wish_for(units), by=by, now=datetime.now(UTC), digest=digest)
    if isinstance(begun, Begun):
        queue.add(session, tenant, "reverse_order", f"order/{order}")
    return begun


def _locked(session: Session, tenant: int, order: int) -> Order:
    """The order, and nothing that was read of it before it was ours."""
    row = session.get_one(Order, (tenant, order), with_for_update=LOCK, populate_existing=True)
    session.expire_all()
    return row


__all__ = ["CANCELLED", "SAME", "WATCHED", "end_links", "look", "readdress", "take_off", "wish_for"]
