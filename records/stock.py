"""What is sold, where it lies, how much is there, and why that number is what it is."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from integrations.nouns import Address
from records.base import Base, CreatedAt, Id, Stored, TenantKey
from records.routing import Bans, Sending


class Location(Base):
    """A warehouse or shop."""

    __tablename__ = "locations"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "connection_id"], ["connections.tenant_id", "connections.id"]),
        Index("uq_locations_remote", "tenant_id", "connection_id", "remote_id", unique=True),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    connection_id: Mapped[str]
    remote_id: Mapped[str]
    name: Mapped[str]
    address: Mapped[Address] = mapped_column(Stored(Address))
    ships: Mapped[bool]
    sending: Mapped[Sending] = mapped_column(Stored(Sending), server_default=text("'{}'::jsonb"))


class Variant(Base):
    """A thing that is sold, as it lies on a shelf. Price and grams are of one unit."""

    __tablename__ = "variants"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "connection_id"], ["connections.tenant_id", "connections.id"]),
        Index("uq_variants_remote", "tenant_id", "connection_id", "remote_id", unique=True),
        Index("ix_variants_sku", "tenant_id", "sku"),
        Index("ix_variants_inventory", "tenant_id", "connection_id", "inventory_remote_id"),
        Index("ix_variants_product", "tenant_id", "connection_id", "product_remote_id"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    connection_id: Mapped[str]
    remote_id: Mapped[str]
    inventory_remote_id: Mapped[str]
    product_remote_id: Mapped[str] = mapped_column(server_default="")
    """Which of the store's products it is a variant of; empty until it is read again."""
    sku: Mapped[str]
    title: Mapped[str]
    unit_price_minor: Mapped[int]
    currency: Mapped[str]
    unit_grams: Mapped[int]
    needs_shipping: Mapped[bool]
    tracked: Mapped[bool]
    hs_code: Mapped[str]
    origin_country: Mapped[str]
    making_days: Mapped[int] = mapped_column(server_default="0")
    """Working days of its place that it takes to make, or to put together, before it can leave."""
    bans: Mapped[Bans] = mapped_column(Stored(Bans), server_default=text("'{}'::jsonb"))
    """Where it may not be sent, as a person here says."""
    store_bans: Mapped[Bans] = mapped_column(Stored(Bans), server_default=text("'{}'::jsonb"))
    """The same, as the store's tags say; both count."""


class StockLevel(Base):
    """Units of one variant at one location: on hand ≥ reserved ≥ 0, always.

    Of what is on hand, the damaged units cannot be sold, and the safety units are promised to nobody. What is left is
    available: none, where that is less than nothing.
    """

    __tablename__ = "stock_levels"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "variant_id"], ["variants.tenant_id", "variants.id"]),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        CheckConstraint("reserved >= 0", name="reserved_not_negative"),
        CheckConstraint("on_hand >= reserved", name="never_oversold"),
        CheckConstraint("damaged >= 0 AND safety >= 0", name="set_aside_not_negative"),
        CheckConstraint("missing BETWEEN 0 AND reserved", name="missing_is_promised"),
        # The hot row of a sale is updated thousands of times: room on its page keeps those updates off the indexes.
        {"postgresql_with": {"fillfactor": "50"}},
    )

    tenant_id: Mapped[TenantKey]
    variant_id: Mapped[int] = mapped_column(primary_key=True)
    location_id: Mapped[int] = mapped_column(primary_key=True)
    on_hand: Mapped[int] = mapped_column(server_default="0")
    reserved: Mapped[int] = mapped_column(server_default="0")
    damaged: Mapped[int] = mapped_column(server_default="0")
    safety: Mapped[int] = mapped_column(server_default="0")
    missing: Mapped[int] = mapped_column(server_default="0")
    """Units on hand that orders hold and the last count did not find: they are promised, and nobody else may have them.
    They are off the shelf as soon as an order lets go of them.
    """

    @classmethod
    def empty(cls, tenant: int, variant: int, location: int) -> StockLevel:
        """Of a variant that never lay at a location: to be shown, and never kept."""
        nothing = dict.fromkeys(("on_hand", "reserved", "damaged", "safety", "missing"), 0)
        return cls(tenant_id=tenant, variant_id=variant, location_id=location, **nothing)

    @property
    def available(self) -> int:
        """Units free to promise."""
        return max(0, self.on_hand - self.reserved - self.damaged - self.safety)


class BundlePart(Base):
    """What one unit of a bundle is put together from. A bundle has no stock of its own; its parts are no bundles."""

    __tablename__ = "bundle_parts"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "bundle_id"], ["variants.tenant_id", "variants.id"]),
        ForeignKeyConstraint(["tenant_id", "part_id"], ["variants.tenant_id", "variants.id"]),
        Index("ix_bundle_parts_part", "tenant_id", "part_id"),
        CheckConstraint("units > 0", name="units_positive"),
        CheckConstraint("bundle_id <> part_id", name="not_of_itself"),
    )

    tenant_id: Mapped[TenantKey]
    bundle_id: Mapped[int] = mapped_column(primary_key=True)
    part_id: Mapped[int] = mapped_column(primary_key=True)
    units: Mapped[int]
    """Of the part, in one bundle."""


class Outdated(Base):
    """Something that the store says has changed, and that was not read since: each thing once, however often told."""

    __tablename__ = "outdated"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "connection_id"], ["connections.tenant_id", "connections.id"]),
    )

    tenant_id: Mapped[TenantKey]
    connection_id: Mapped[str] = mapped_column(primary_key=True)
    thing: Mapped[str] = mapped_column(primary_key=True)
    """`goods` (a variant, or its stock) or `place`."""
    remote_id: Mapped[str] = mapped_column(primary_key=True)
    told: Mapped[int] = mapped_column(server_default="1")
    """How often. What is told while we read has another number afterwards, and is read once more."""
    first_told_at: Mapped[CreatedAt]


class Arrival(Base):
    """Units that are on their way to a location. States: expected → received · cancelled."""

    __tablename__ = "arrivals"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "variant_id"], ["variants.tenant_id", "variants.id"]),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        Index(
            "ix_arrivals_expected",
            "tenant_id",
            "variant_id",
            "location_id",
            postgresql_where=text("state = 'expected'"),
        ),
        Index("ix_arrivals_due", "tenant_id", "due_on", "id", postgresql_where=text("state = 'expected'")),
        CheckConstraint("units > 0", name="units_positive"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    variant_id: Mapped[int]
    location_id: Mapped[int]
    units: Mapped[int]
    due_on: Mapped[date | None]
    """The day at the location; None where nobody knows it."""
    reference: Mapped[str]
    """What the merchant calls it: the number of a purchase order."""
    state: Mapped[str] = mapped_column(server_default="expected")
    actor: Mapped[str]
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[datetime | None]


class Reservation(Base):
    """Units held for one line at one location. States: held → consumed · released.

    A line that sells a bundle holds each of its parts, `each` units of it for one unit of the line.
    """

    __tablename__ = "reservations"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "order_id", "line_id"], ["order_lines.tenant_id", "order_lines.order_id", "order_lines.id"]
        ),
        Index(
            "uq_reservations_held",
            "tenant_id",
            "line_id",
            "shipment_id",
            "variant_id",
            unique=True,
            postgresql_where=text("state = 'held'"),
        ),
        Index("ix_reservations_order", "tenant_id", "order_id"),
        Index(
            "ix_reservations_unsold",
            "tenant_id",
            "variant_id",
            "location_id",
            postgresql_where=text("unsold AND state = 'held'"),
        ),
        CheckConstraint("units > 0", name="units_positive"),
        CheckConstraint('"each" > 0', name="each_positive"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    order_id: Mapped[int]
    line_id: Mapped[int]
    variant_id: Mapped[int]
    location_id: Mapped[int]
    shipment_id: Mapped[int]
    units: Mapped[int]
    each: Mapped[int] = mapped_column(server_default="1")
    part: Mapped[bool] = mapped_column(server_default=text("false"))
    """Of a bundle."""
    unsold: Mapped[bool] = mapped_column(server_default=text("false"))
    """By the store, which knows nothing of it until it is told: of a bundle, or of an order from elsewhere."""
    state: Mapped[str] = mapped_column(server_default="held")
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[datetime | None]


class Returned(Base):
    """Units that the store says came back from a buyer to a location. They are in its count; this says whose they were.

    The movement that takes them over has `return/` and the id as its reference.
    """

    __tablename__ = "returned_units"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        ForeignKeyConstraint(["tenant_id", "variant_id"], ["variants.tenant_id", "variants.id"]),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        Index("uq_returned_units_remote", "tenant_id", "order_id", "remote_id", unique=True),
        Index(
            "ix_returned_units_waiting",
            "tenant_id",
            "variant_id",
            "location_id",
            postgresql_where=text("counted_at IS NULL"),
        ),
        CheckConstraint("units > 0", name="units_positive"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    order_id: Mapped[int]
    variant_id: Mapped[int]
    location_id: Mapped[int]
    units: Mapped[int]
    remote_id: Mapped[str]
    """The line of the store's refund that says so."""
    heard_at: Mapped[CreatedAt]
    counted_at: Mapped[datetime | None]
    """When a count of the store's was taken over that has them in it."""


class Movement(Base):
    """Why a stock level changed. The sum of a level's movements is the level."""

    __tablename__ = "movements"
    __table_args__ = (
        Index("ix_movements_level", "tenant_id", "variant_id", "location_id", "id"),
        Index(
            "ix_movements_unsold",
            "tenant_id",
            "order_id",
            postgresql_where=text("reference IN ('bundle', 'elsewhere')"),
        ),
        Index("ix_movements_repaired", "tenant_id", "id", postgresql_where=text("cause = 'repaired'")),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    variant_id: Mapped[int]
    location_id: Mapped[int]
    cause: Mapped[str]
    """received, reserved, released, shipped, put_back, returned, counted, adjusted, moved, set_aside, repaired."""
    on_hand_change: Mapped[int]
    reserved_change: Mapped[int]
    damaged_change: Mapped[int] = mapped_column(server_default="0")
    safety_change: Mapped[int] = mapped_column(server_default="0")
    order_id: Mapped[int | None]
    reason: Mapped[str] = mapped_column(server_default="")
    """Why a person did it, in their words."""
    reference: Mapped[str] = mapped_column(server_default="")
    """What it belongs to: `arrival/7`, `count/3`, `return/5`; `bundle` where units are parts of one, `elsewhere` where
    the store does not have their order."""
    actor: Mapped[str]
    at: Mapped[CreatedAt]
