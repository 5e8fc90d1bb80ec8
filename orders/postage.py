"""Records postage that was bought for a parcel: on the label that was meant for it, and on the parcel that bears it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from integrations.nouns import BoughtLabel
from orders import lifecycle
from records.shipments import Label, Parcel


def record(session: Session, tenant: int, label: int, bought: BoughtLabel, *, now: datetime) -> None:
    """Move an intended label to bought, with its cost and tracking, and give the parcel its tracking code."""
    lifecycle.move(
        session,
        tenant,
        "label",
        label,
        "buy",
        rate=bought.rate,
        cost_minor=bought.rate.price.minor,
        currency=bought.rate.price.currency,
        tracking_code=bought.tracking_code,
        tracker_ref=bought.tracker_ref,
        label_url=bought.label_url,
        bought_at=now,
    )
    bearer = select(Label.parcel_id).where(Label.tenant_id == tenant, Label.id == label).scalar_subquery()
    session.execute(
        update(Parcel)
        .where(Parcel.tenant_id == tenant, Parcel.id == bearer)
        .values(
            carrier=bought.rate.carrier,
            tracking_code=bought.tracking_code,
            tracking_url=bought.tracking_url,
            tracker_ref=bought.tracker_ref,
        )
        .execution_options(synchronize_session=False)
    )
    session.expire_all()
