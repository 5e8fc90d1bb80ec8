"""Says whether a parcel may get another label, and keeps the wish for one until it is fulfilled or comes too late.

The wish is an intention under the key of the label that is to be replaced: asked twice it is one, and once it is
settled, whoever looks again finds a newer label without a wish.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from orders import holds, lifecycle, postage, tracking
from orders.holds import Problem
from records import timeline
from records.intentions import Intention, find_intention
from records.orders import LOCK, Hold, Order, open_holds
from records.shipments import Label, Parcel, Shipment, labels_of, shipments_of

# What has its labels and has not left the building.
STILL_HERE = frozenset({"labelled", "announced"})
_OVER = frozenset({"cancelling", "cancelled"})
HOLD = "label"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One parcel with all that decides whether it may get another label."""

    order: Order
    shipment: Shipment
    parcel: Parcel
    newest: Label | None
    holds: tuple[Hold, ...]


def look(session: Session, tenant: int, parcel: int, *, lock: bool = True) -> Standing | None:
    """The parcel as it stands; its order stays locked until the transaction ends, unless nothing is decided on it.

    None where there is no such one.
    """
    row = session.get(Parcel, (tenant, parcel))
    if row is None:
        return None
    # Who writes of the order while it holds the parcel (a scan does) must not wait for this, or both would.
    order = session.get_one(Order, (tenant, row.order_id), with_for_update=LOCK if lock else None)
    row = session.get_one(Parcel, (tenant, parcel), with_for_update=lock or None, populate_existing=True)
    return Standing(
        order=order,
        shipment=session.get_one(Shipment, (tenant, row.shipment_id), populate_existing=True),
        parcel=row,
        newest=postage.newest(session, tenant, parcel),
        holds=tuple(open_holds(session, tenant, order.id)),
    )


def why_not(found: Standing) -> str:
    """Why this parcel gets no other label, as a sentence for a person; empty where it may have one. Pure."""
    if found.order.state in _OVER:
        return "The order is cancelled: nothing of it is to leave."
    if found.shipment.state == "planned":
        return "No label was bought for this shipment yet: the first one is bought for the order as it is now."
    if found.shipment.state not in STILL_HERE:
        return f"The shipment is {found.shipment.state.replace('_', ' ')}: its labels cannot be changed any more."
    if not tracking.is_unscanned(found.parcel):
        where = found.parcel.carrier_status.replace("_", " ")
        return f"The carrier says that the parcel is {where}: it travels with the label that it has."
    if found.newest is None or found.newest.state == "intended":
        return "A label is being bought for this parcel at this moment."
    waits = waiting_for(found.holds)
    if waits:
        return f"The order is on hold ({', '.join(sorted(waits))}): release the hold first."
    return ""


def waiting_for(open_now: Iterable[Hold]) -> set[str]:
    """The kinds of open holds that keep another label from being bought. That a label is missing is none of them."""
    return {hold.kind for hold in holds.blocking_labels(open_now)} - {HOLD}


def ask(session: Session, tenant: int, parcel: int, *, by: str, reason: str) -> str:
    """Write down that a person wants another label for a parcel; answers why not, or an empty text."""
    found = look(session, tenant, parcel)
    if found is None:
        return "There is no such parcel."
    refusal = why_not(found)
    if refusal or found.newest is None:
        return refusal
    because = f"{by.removeprefix('person:')} asked, because {reason}"
    written = session.execute(
        insert(Intention)
        .values(
            tenant_id=tenant,
            key=_key(found.newest.id),
            kind="relabel_parcel",
            subject=f"parcel/{parcel}",
            attempt=found.newest.attempt + 1,
            request_digest="",
            reason=because,
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "key"])
        .returning(Intention.id)
    ).first()
    if written is None and not _ask_again(session, tenant, found.newest, because):
        return "Another label was asked for already."
    code = found.newest.tracking_code or f"of parcel {parcel}"
    sentence = f"Another label is wanted instead of {code}: {reason}"
    timeline.write(session, tenant, found.order.id, actor=by, kind="person", sentence=sentence, label=found.newest.id)
    return ""


def wish_for(session: Session, tenant: int, newest: Label | None) -> Intention | None:
    """The wish to have this label replaced, while it stands."""
    wish = None if newest is None else find_intention(session, tenant, _key(newest.id))
    return wish if wish is not None and wish.state == "intended" else None


def given_back(session: Session, tenant: int, label: Label) -> bool:
    """Somebody else had the carrier take a label back whose parcel is still here: hold the order; answers whether."""
    found = look(session, tenant, label.parcel_id)
    if found is None or found.newest is None or found.newest.id != label.id or found.order.state in _OVER:
        return False
    if found.shipment.state not in STILL_HERE | {"planned"} or not tracking.is_unscanned(found.parcel):
        return False
    problem = Problem(
        kind=HOLD,
        reason=f"The label {label.tracking_code} was given back at the carrier, and its parcel has no other.",
        remedy="Ask for another label (releasing the hold does), or cancel the order.",
    )
    return holds.place(session, tenant, found.order.id, problem, by="packline")


def lacking(session: Session, tenant: int, order: int) -> list[int]:
    """The parcels that are still here, had a label, and have none now that they could leave with."""
    found: list[int] = []
    for shipment in shipments_of(session, tenant, order):
        if shipment.state in STILL_HERE | {"planned"}:
            bare = postage.unlabelled(session, tenant, shipment.id)
            found += [parcel.id for parcel in bare if parcel.carrier or shipment.state in STILL_HERE]
    return found


def wanted(session: Session, tenant: int, order: int) -> list[int]:
    """The parcels for which another label was asked and not yet begun."""
    return [label.parcel_id for label in labels_of(session, tenant, order) if wish_for(session, tenant, label)]


def _ask_again(session: Session, tenant: int, label: Label, reason: str) -> bool:
    """A wish that came to nothing may be made again."""
    wish = find_intention(session, tenant, _key(label.id))
    return wish is not None and lifecycle.move(
        session, tenant, "intention", wish.id, "again", ended_at=None, reason=reason
    )


def _key(label: int) -> str:
    return f"relabel/{label}"
