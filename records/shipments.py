"""What leaves a location: shipments, their boxes, the postage for each, and where each box was seen."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, bindparam, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from integrations.nouns import Parcel as ParcelShape
from integrations.nouns import Rate, Way
from records.base import Base, CreatedAt, Id, Stored, TenantKey
from records.couriers import Couriered
from records.orders import of_an_order


class Shipment(Base):
    """What leaves one location for one buyer, or a supplier's on our behalf. States: see orders.lifecycle."""

    __tablename__ = "shipments"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        ForeignKeyConstraint(["tenant_id", "purchase_order_id"], ["purchase_orders.tenant_id", "purchase_orders.id"]),
        Index("ix_shipments_order", "tenant_id", "order_id"),
        Index("ix_shipments_leaving", "tenant_id", "location_id", "ship_by"),
        CheckConstraint("(location_id IS NULL) <> (purchase_order_id IS NULL)", name="leaves_one_place"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    order_id: Mapped[int]
    location_id: Mapped[int | None]
    """Empty where a supplier ships it: then it has neither stock nor a label of ours."""
    purchase_order_id: Mapped[int | None]
    way: Mapped[str] = mapped_column(server_default="carried")
    """How the buyer gets it: `carried` in parcels, `collected` at its location, or `brought` by the shop itself. Only
    what is carried has boxes, labels and a promise.
    """
    courier: Mapped[Couriered | None] = mapped_column(Stored(Couriered))
    """Who brings it in a carrier's place, of what is carried: then no label is bought, and people say how far it is."""
    by_carrier: Mapped[bool] = mapped_column(server_default=text("false"))
    """A person said that no courier brings it."""
    state: Mapped[str] = mapped_column(server_default="planned")
    fulfillments: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    """The storefront's ids of the fulfillments that carry our tracking."""
    ship_by: Mapped[datetime | None]
    """By when the carrier has to have it, by the calendar of its place; empty where that is never open."""
    arrives_on: Mapped[date | None]
    """The day by which it is expected at the door; empty where nobody can say."""
    arrival_said_by: Mapped[str] = mapped_column(server_default="")
    """Whose word that day is: `rate` (the bought one), `quote` (rates that were asked for), `rule` (the shop's own)."""
    created_at: Mapped[CreatedAt]


class ShipmentLine(Base):
    __tablename__ = "shipment_lines"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "shipment_id"], ["shipments.tenant_id", "shipments.id"]),
        ForeignKeyConstraint(["tenant_id", "line_id"], ["order_lines.tenant_id", "order_lines.id"]),
    )

    tenant_id: Mapped[TenantKey]
    shipment_id: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[int] = mapped_column(primary_key=True)
    units: Mapped[int]


class Parcel(Base):
    """One box. Its carrier axis is ordered by the carrier's own times and never goes backwards."""

    __tablename__ = "parcels"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "shipment_id"], ["shipments.tenant_id", "shipments.id"]),
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        Index("ix_parcels_order", "tenant_id", "order_id"),
        Index("ix_parcels_tracking", "tenant_id", "tracking_code"),
        Index("ix_parcels_tracker", "tenant_id", "tracker_ref"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    shipment_id: Mapped[int]
    order_id: Mapped[int]
    shape: Mapped[ParcelShape] = mapped_column(Stored(ParcelShape))
    contents: Mapped[dict[str, Any]]
    """Units in this box by order line id."""
    carrier: Mapped[str] = mapped_column(server_default="")
    tracking_code: Mapped[str] = mapped_column(server_default="")
    tracking_url: Mapped[str] = mapped_column(server_default="")
    tracker_ref: Mapped[str] = mapped_column(server_default="")
    carrier_status: Mapped[str] = mapped_column(server_default="unknown")
    carrier_detail: Mapped[str] = mapped_column(server_default="")
    seen_at: Mapped[datetime | None]
    """The carrier's time of its newest scan."""
    told_at: Mapped[datetime | None]
    """The carrier's time of its newest word, which has another clock than its scans."""
    expected_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]


# The states in which a label is, or may become, the one that its parcel travels with.
LIVE_LABEL = ("intended", "bought")
# The ways in which a shipment gets to its buyer without a carrier.
BY_HAND = (Way.COLLECTED.value, Way.BROUGHT.value)


class Label(Base):
    """One attempt at postage for one parcel; at most one of a parcel's is alive."""

    __tablename__ = "labels"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "parcel_id"], ["parcels.tenant_id", "parcels.id"]),
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        Index(
            "uq_labels_one_live_a_parcel",
            "tenant_id",
            "parcel_id",
            unique=True,
            postgresql_where=text("state IN ('intended', 'bought')"),
        ),
        Index("ix_labels_order", "tenant_id", "order_id"),
        Index("ix_labels_shipment_ref", "tenant_id", "shipment_ref"),
        Index("ix_labels_tracking", "tenant_id", "tracking_code"),
        Index("ix_labels_tracker", "tenant_id", "tracker_ref"),
        Index(
            "ix_labels_bought",
            "tenant_id",
            "bought_at",
            postgresql_include=["state", "currency", "cost_minor", "order_id"],
        ),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    parcel_id: Mapped[int]
    order_id: Mapped[int]
    connection_id: Mapped[str]
    attempt: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="intended")
    shipment_ref: Mapped[str] = mapped_column(server_default="")
    """The carrier's id of the quoted shipment: committed before buying, because it is what cannot be bought twice."""
    consignment_digest: Mapped[str] = mapped_column(server_default="")
    """Digest of what was quoted: another address or weight asks for another quote."""
    rate: Mapped[Rate | None] = mapped_column(Stored(Rate))
    rates: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    remarks: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    choice: Mapped[str] = mapped_column(server_default="")
    """Why this rate was chosen, as a sentence."""
    cost_minor: Mapped[int | None]
    currency: Mapped[str] = mapped_column(server_default="")
    tracking_code: Mapped[str] = mapped_column(server_default="")
    tracker_ref: Mapped[str] = mapped_column(server_default="")
    label_url: Mapped[str] = mapped_column(server_default="")
    media_type: Mapped[str] = mapped_column(server_default="")
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    bought_at: Mapped[datetime | None]
    void_refusals: Mapped[int] = mapped_column(server_default="0")
    """How often the carrier has said no to giving the postage back; it may be asked again."""
    created_at: Mapped[CreatedAt]


class ParcelScan(Base):
    """One line of a parcel's journey. `key` (the tracking code, a slash and a digest) tells one from another, however
    often the carrier repeats it, and one journey from that with a label that was replaced.
    """

    __tablename__ = "parcel_scans"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "parcel_id"], ["parcels.tenant_id", "parcels.id"]),
        Index("uq_parcel_scans_key", "tenant_id", "parcel_id", "key", unique=True),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    parcel_id: Mapped[int]
    key: Mapped[str]
    at: Mapped[datetime]
    status: Mapped[str]
    detail: Mapped[str]
    message: Mapped[str]
    place: Mapped[str]
    """The place as people read it; its parts follow."""
    city: Mapped[str] = mapped_column(server_default="")
    region: Mapped[str] = mapped_column(server_default="")
    postcode: Mapped[str] = mapped_column(server_default="")
    country: Mapped[str] = mapped_column(server_default="")
    announced_at: Mapped[datetime | None]
    """When the storefront was told; empty for scans that it is not told of."""


def shipments_of(session: Session, tenant: int, order: int) -> list[Shipment]:
    return _rows(session, Shipment, tenant, order)


def parcels_of(session: Session, tenant: int, order: int) -> list[Parcel]:
    return _rows(session, Parcel, tenant, order)


def labels_of(session: Session, tenant: int, order: int) -> list[Label]:
    return _rows(session, Label, tenant, order)


def live_label(session: Session, tenant: int, parcel: int) -> Label | None:
    return session.scalars(_LIVE_LABEL, {"tenant": tenant, "parcel": parcel}).first()


_LIVE_LABEL = select(Label).where(
    Label.tenant_id == bindparam("tenant"), Label.parcel_id == bindparam("parcel"), Label.state.in_(LIVE_LABEL)
)


def _rows(session: Session, table: Any, tenant: int, order: int) -> list[Any]:
    return list(session.scalars(of_an_order(table), {"tenant": tenant, "order": order}))
