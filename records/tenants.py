"""Who Packline works for, and the accounts that each tenant has connected at vendors."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import (
    BigInteger,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    bindparam,
    case,
    func,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from records.base import Base, CreatedAt, Stored, TenantKey
from records.replenishing import Replenishing
from records.routing import RoutingRules


class ParcelSize(BaseModel):
    """The box that is used where nothing better is known. Millimetres, and grams of the empty box."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    length_mm: int = 300
    width_mm: int = 220
    height_mm: int = 120
    empty_grams: int = 120
    max_content_grams: int = 20_000


class Rules(BaseModel):
    """What a merchant decides about their orders."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ship_when: str = Field(default="paid", pattern="^(paid|authorised)$")
    when_short: str = Field(default="ship_what_is_there", pattern="^(ship_what_is_there|wait_for_all)$")
    hold_risk_at: str = Field(default="investigate", pattern="^(cancel|investigate|never)$")
    hold_unverified_abroad: bool = False
    """Address checks outside the shipping country say "not found" of many good addresses, so they only warn."""
    promise_days: int = Field(default=7, ge=0, le=90)
    """Days from placing an order to the door, where the bought shipping method promises nothing narrower."""
    carrier_days: int = Field(default=5, ge=0, le=90)
    """Days with a carrier within the country, where no carrier has said: an estimate."""
    carrier_days_abroad: int = Field(default=12, ge=0, le=90)
    box: ParcelSize = ParcelSize()
    assumed_unit_grams: int = Field(default=250, ge=1)
    """The weight of one unit whose weight the store does not know."""
    label_format: str = Field(default="PDF", pattern="^(PDF|PNG|ZPL)$")
    carriers: tuple[str, ...] = ()
    """The carriers that may be used; empty means every one that answers."""
    tell_buyer: bool = True
    refund_when_cancelled: str = Field(default="ask", pattern="^(ask|always)$")
    """Whether money at a payment provider goes back by itself when the store cancels an order, or a person says so."""
    capture_when_shipped: bool = False
    """Take money that is only authorised at a payment provider when the order's last shipment is announced."""
    customs_signer: str = ""
    keep_deliveries_days: int = Field(default=30, ge=1, le=365)
    """Days until the bodies of webhooks are emptied."""
    keep_buyers_days: int = Field(default=0, ge=0, le=3650)
    """Days after an order's end until what tells who bought it is emptied; 0 keeps it."""
    label_size: str = Field(default="4x6", pattern="^(4x6|7x3|8.5x11)$")
    routing: RoutingRules = RoutingRules()
    replenishing: Replenishing = Replenishing()
    mail_stock_to: str = Field(default="", max_length=254)
    """Who is written once a day what is newly to be ordered, or in excess; nobody where it is empty."""
    ask_when_short: bool = False
    """Whether the buyer is asked what is to become of units that nobody has."""
    while_asked: str = Field(default="hold_back", pattern="^(hold_back|ship_what_is_there)$")
    """What the rest of the order does until the buyer has answered; this stands in for `when_short` then."""
    days_to_answer: int = Field(default=3, ge=1, le=30)
    remind_hours_before: int = Field(default=24, ge=1, le=720)
    """Hours from the reminder to the deadline; halfway, where the deadline is nearer than that."""
    when_unanswered: str = Field(default="wait", pattern="^(wait|refund|ship_rest)$")
    release_unpaid_days: int = Field(default=0, ge=0, le=90)
    """Days for which the units of an order are kept whose money was good and is so no more; 0 keeps them."""
    minutes_to_change: int = Field(default=0, ge=0, le=2880)
    """Minutes from placing an order in which no label is bought, no code given and no supplier asked for it: the time
    that its buyer has to change it.
    """
    send_change_link: bool = False
    """Whether each buyer is written once, when the order was checked, where they can still change it."""


class Tenant(Base):
    __tablename__ = "tenants"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str]
    currency: Mapped[str]
    rules: Mapped[Rules] = mapped_column(Stored(Rules))
    created_at: Mapped[CreatedAt]
    mode: Mapped[str] = mapped_column(server_default="live")
    """`live`, or `shadow`: everything is decided and shown, and nothing is done outside; `settling`: nothing new is
    begun, and what was begun is finished before it is `shadow`.
    """
    went_live_at: Mapped[datetime | None]
    setup: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """How far setting up has come: {step: when it was done or dismissed}, and the last self-test."""
    closed_at: Mapped[datetime | None]
    """When the store was taken away from us: nothing is done for it from then on."""
    redact_after: Mapped[datetime | None]
    """When it may be forgotten; empty again once all of it is."""
    redacted_at: Mapped[datetime | None]
    """Since when there is no way back: it is being forgotten, or is forgotten."""


class Connection(Base):
    """One tenant's account at one vendor. `id` is unguessable, because it stands in the address of its webhooks."""

    __tablename__ = "connections"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        Index(
            "uq_connections_vendor_account",
            "vendor",
            "account",
            unique=True,
            postgresql_where=text("account <> '' AND ended_at IS NULL"),
        ),
        Index("ix_connections_id", "id", unique=True),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[str] = mapped_column(primary_key=True)
    vendor: Mapped[str]
    role: Mapped[str]
    account: Mapped[str]
    live: Mapped[bool]
    sealed_secrets: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[datetime | None]
    token_expires_at: Mapped[datetime | None]
    """When the vendor will stop taking the secrets, where it has said so."""
    checked_at: Mapped[datetime | None]
    """When the account and its webhooks were last looked at."""
    remarks: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    """What is wrong with it, as {kind, sentence, remedy, mended}; empty when all is well."""
    hooks_seen: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    """The webhooks that stood there at the last look, as {address, topics}: what vanished is told by them."""
    granted_by: Mapped[str] = mapped_column(server_default="key")
    """How we came by the secrets: `key` (by hand), `exchange` (a session of the store's admin), `code` (OAuth)."""
    scopes: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    """What the vendor says that we may do, in its words."""
    remote_account_id: Mapped[str] = mapped_column(server_default="")
    """The vendor's own number of the account: what a delivery about the account names in its signed body."""
    renewal_expires_at: Mapped[datetime | None]
    """Until when the secrets can be renewed without the merchant."""
    renewing_until: Mapped[datetime | None]
    """Whoever renews the secrets holds the row until then; a later moment is anybody's."""
    renewing_by: Mapped[str] = mapped_column(server_default="")
    consent_wanted_at: Mapped[datetime | None]
    """Since when the vendor refuses our secrets: the merchant has to open the app again."""


def find_connection(session: Session, tenant: int, connection: str, *, lock: bool = False) -> Connection | None:
    if lock:
        return session.get(Connection, (tenant, connection), with_for_update=True)
    return session.scalars(_CONNECTION, {"tenant": tenant, "id": connection}).first()


_CONNECTION = select(Connection).where(Connection.tenant_id == bindparam("tenant"), Connection.id == bindparam("id"))


def connection_for(session: Session, tenant: int, role: str) -> Connection | None:
    """The tenant's newest living connection in a role."""
    return session.scalars(_IN_A_ROLE, {"tenant": tenant, "role": role}).first()


_IN_A_ROLE = (
    select(Connection)
    .where(Connection.tenant_id == bindparam("tenant"), Connection.role == bindparam("role"))
    .where(Connection.ended_at.is_(None))
    .order_by(Connection.created_at.desc())
    .limit(1)
)


def has_left(session: Session, connection: Connection) -> bool:
    """Whether the store took Packline away; one that is connected did not, so that it costs no question."""
    return (
        connection.ended_at is not None
        and session.scalar(select(Tenant.closed_at).where(Tenant.id == connection.tenant_id)) is not None
    )


def is_forgotten(session: Session, connection: Connection) -> bool:
    """Whether the shop of a connection is past its way back. Where it is not, it does not get there before the
    transaction ends; one that is connected is far from it, so that it costs no lock.
    """
    if connection.ended_at is None:
        return False
    asked = select(Tenant.redacted_at).where(Tenant.id == connection.tenant_id).with_for_update(read=True)
    return session.scalar(asked) is not None


def rules_of(session: Session, tenant: int) -> Rules:
    return session.execute(_RULES, {"tenant": tenant}).scalar_one()


_RULES = select(Tenant.rules).where(Tenant.id == bindparam("tenant"))


def currency_of(session: Session, tenant: int) -> str:
    """ISO 4217."""
    return session.execute(select(Tenant.currency).where(Tenant.id == tenant)).scalar_one()


def mode_of(session: Session, tenant: int, *, lock: bool = False) -> str:
    """`live`, `shadow`, or `settling`: on its way to shadow, while what was begun is finished. With `lock`, it stays
    so until the transaction ends.
    """
    return session.execute(_MODE_LOCKED if lock else _MODE, {"tenant": tenant}).scalar_one()


_MODE = select(Tenant.mode).where(Tenant.id == bindparam("tenant"))
_MODE_LOCKED = _MODE.with_for_update(read=True)


def left_for_good(session: Session) -> list[int]:
    """The shops whose time to come back is over, and that are not forgotten yet, or not wholly."""
    return list(
        session.scalars(select(Tenant.id).where(Tenant.closed_at.is_not(None), Tenant.redact_after <= func.now()))
    )


def not_forgotten(session: Session) -> list[int]:
    return list(session.scalars(select(Tenant.id).where(Tenant.redacted_at.is_(None))))


def open_shops(session: Session) -> list[int]:
    """The shops that have not left."""
    return list(session.scalars(select(Tenant.id).where(Tenant.closed_at.is_(None), Tenant.redacted_at.is_(None))))


def left_out(session: Session, tenant: int) -> frozenset[str]:
    """The store's ids of locations that the merchant does not ship from."""
    kept = session.execute(select(Tenant.setup["no_warehouse"]).where(Tenant.id == tenant)).scalar_one()
    return frozenset(kept or ())


def storefronts(session: Session) -> list[Connection]:
    """Every tenant's living storefront connections."""
    return list(
        session.scalars(select(Connection).where(Connection.role == "storefront", Connection.ended_at.is_(None)))
    )


def living(session: Session, tenant: int | None = None) -> list[Connection]:
    """The living connections of a tenant, or of every tenant: stores first, since what they tell comes first."""
    statement = select(Connection).where(Connection.ended_at.is_(None))
    if tenant is not None:
        statement = statement.where(Connection.tenant_id == tenant)
    first = case({"storefront": 0, "payments": 1}, value=Connection.role, else_=2)
    return list(session.scalars(statement.order_by(Connection.tenant_id, first, Connection.created_at)))
