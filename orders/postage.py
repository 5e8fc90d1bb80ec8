"""Records postage: each attempt at it, what was bought, and which parcel bears it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from integrations.nouns import BoughtLabel, ParcelStatus
from orders import lifecycle
from records.shipments import LIVE_LABEL, Label, Parcel, Shipment


def begin(session: Session, tenant: int, parcel: Parcel, connection: str) -> Label:
    """Write the parcel's next attempt, which is its live label from now on."""
    attempts = session.execute(
        select(func.count()).select_from(Label).where(Label.tenant_id == tenant, Label.parcel_id == parcel.id)
    ).scalar_one()
    return session.scalars(
        insert(Label)
        .values(
            tenant_id=tenant,
            parcel_id=parcel.id,
            order_id=parcel.order_id,
            connection_id=connection,
            attempt=attempts + 1,
        )
        .returning(Label)
    ).one()


def record(session: Session, tenant: int, label: int, bought: BoughtLabel, *, now: datetime) -> bool:
    """Move an intended label to bought, and let its parcel bear it; answers whether this call did.

    The parcel starts a journey of its own with it: what was told of an earlier label is told of another journey.
    """
    if not lifecycle.move(session, tenant, "label", label, "buy", **_told_of(bought), bought_at=now):
        return False
    bearer = select(Label.parcel_id).where(Label.tenant_id == tenant, Label.id == label).scalar_subquery()
    session.execute(
        update(Parcel)
        .where(Parcel.tenant_id == tenant, Parcel.id == bearer)
        .values(
            carrier=bought.rate.carrier,
            tracking_code=bought.tracking_code,
            tracking_url=bought.tracking_url,
            tracker_ref=bought.tracker_ref,
            carrier_status=ParcelStatus.UNKNOWN.value,
            carrier_detail="",
            seen_at=None,
            told_at=None,
            expected_at=None,
        )
        .execution_options(synchronize_session=False)
    )
    session.expire_all()
    return True


def record_unwanted(session: Session, tenant: int, label: int, bought: BoughtLabel, *, now: datetime) -> bool:
    """Record a label that was bought after all, for a parcel that does not bear it: it is to go back."""
    return lifecycle.move(session, tenant, "label", label, "take_back", **_told_of(bought), bought_at=now)


def newest(session: Session, tenant: int, parcel: int) -> Label | None:
    """The label that the parcel has or is getting; where it has none, its latest attempt, whatever became of it.

    Postage that the parcel never bore (a stray purchase, written down to be given back) is no attempt of its own.
    """
    live = Label.state.in_(LIVE_LABEL)
    borne = select(Parcel.tracking_code).where(Parcel.tenant_id == tenant, Parcel.id == parcel).scalar_subquery()
    return session.scalars(
        select(Label)
        .where(Label.tenant_id == tenant, Label.parcel_id == parcel, live | Label.tracking_code.in_(("", borne)))
        .order_by(live.desc(), Label.attempt.desc(), Label.id.desc())
        .limit(1)
    ).first()


def unlabelled(session: Session, tenant: int, shipment: int) -> Sequence[Parcel]:
    """The shipment's parcels that have no bought label; those that a supplier sends, or a courier brings, need none."""
    return session.scalars(_UNLABELLED, {"tenant": tenant, "shipment": shipment}).all()


def parcels_in(session: Session, tenant: int, shipment: Shipment) -> Sequence[Parcel]:
    return session.scalars(_IN_SHIPMENT, {"tenant": tenant, "shipment": shipment.id}).all()


_IN_SHIPMENT = (
    select(Parcel)
    .where(Parcel.tenant_id == bindparam("tenant"), Parcel.shipment_id == bindparam("shipment"))
    .order_by(Parcel.id)
)
_UNLABELLED = _IN_SHIPMENT.where(
    ~select(Shipment.id)
    .where(Shipment.tenant_id == Parcel.tenant_id, Shipment.id == Parcel.shipment_id)
    .where(Shipment.purchase_order_id.is_not(None) | Shipment.courier.is_not(None))
    .exists(),
    ~select(Label.id)
    .where(Label.tenant_id == Parcel.tenant_id, Label.parcel_id == Parcel.id, Label.state == "bought")
    .exists(),
)


def void_key(label: Label) -> str:
    """Our key for asking the carrier to take this label back, once for each time that it has said no."""
    return f"void/{label.id}/{label.void_refusals + 1}"


def _told_of(bought: BoughtLabel) -> dict[str, object]:
    return {
        "rate": bought.rate,
        "cost_minor": bought.rate.price.minor,
        "currency": bought.rate.price.currency,
        "tracking_code": bought.tracking_code,
        "tracker_ref": bought.tracker_ref,
        "label_url": bought.label_url,
    }
