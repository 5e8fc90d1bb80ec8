"""What a store and its buyers may ask of a drill's shop: to be shown, to be forgotten, to go, and to come back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from config import boot
from drills.shops import Placed, Shop, hook_secret
from jobs import check_connection, close_shop, desk, privacy, queue
from orders import stock_alerts
from records import database
from records.orders import Order
from records.privacy import EXPORT, REDACT_BUYER
from records.replenishing import Forecast, StockLetter
from records.stock import StockLevel
from records.tenants import Connection, Tenant

_BY = "person:drill"
# More than any drill has on its shelves, as a week's demand and as the point at which to order.
_MANY_MILLI = 1_000_000_000
# What the store is asked, when it is asked whether it still lets us in.
_ASKED = "ReadHooks"


def ask_for_the_buyer(shop: Shop, placed: Placed, *, forget: bool) -> None:
    """Have a person here demand for the buyer of an order that they be shown or forgotten."""
    with database.transaction(shop.engine, shop.tenant) as session:
        row = session.get_one(Order, (shop.tenant, shop.order_number(session, placed)))
        kind = REDACT_BUYER if forget else EXPORT
        privacy.ask(session, shop.tenant, kind, [row], by=_BY, now=datetime.now(UTC))


def let_old_things_go(shop: Shop) -> None:
    with database.transaction(shop.engine, shop.tenant) as session:
        queue.add(session, shop.tenant, "expire_kept", f"shop/{shop.tenant}")


def forecast_demand(shop: Shop) -> None:
    with database.transaction(shop.engine, shop.tenant) as session:
        queue.add(session, shop.tenant, "forecast_demand", f"shop/{shop.tenant}")


def have_stock_run_low(shop: Shop) -> None:
    """Foresee that more of everything is wanted in a week than lies anywhere, and have the merchant told.

    Whatever they were told before was yesterday, and has recovered.
    """
    with database.transaction(shop.engine, shop.tenant) as session:
        stock_alerts.forget_all(session, shop.tenant)
        session.execute(
            update(StockLetter)
            .where(StockLetter.tenant_id == shop.tenant)
            .values(created_at=StockLetter.created_at - timedelta(days=1))
        )
        tenant = session.get_one(Tenant, shop.tenant)
        tenant.rules = tenant.rules.model_copy(update={"mail_stock_to": "stock@acme.example"})
        levels = select(StockLevel.variant_id, StockLevel.location_id).where(StockLevel.tenant_id == shop.tenant)
        for level in session.execute(levels).all():
            wanted = {"per_week_milli": _MANY_MILLI, "reorder_point": _MANY_MILLI, "safety_units": 0}
            row = {"tenant_id": shop.tenant, "variant_id": level.variant_id, "location_id": level.location_id}
            session.execute(
                insert(Forecast)
                .values(row | wanted)
                .on_conflict_do_update(index_elements=["tenant_id", "variant_id", "location_id"], set_=wanted)
            )
        queue.add(session, shop.tenant, "mail_stock", f"shop/{shop.tenant}")


def have_stock_drift(shop: Shop) -> None:
    """Write a level past its ledger, as nobody may, and have the ledger looked at."""
    with database.transaction(shop.engine, shop.tenant) as session:
        session.execute(
            update(StockLevel).where(StockLevel.tenant_id == shop.tenant).values(safety=StockLevel.safety + 1)
        )
        queue.add(session, shop.tenant, "check_stock", f"shop/{shop.tenant}")


def leave(shop: Shop) -> None:
    """Have the store refuse our token, and say goodbye."""
    refusal = {"vendor": "shopify", "kind": "5xx", "status": 401, "operation": _ASKED, "times": None}
    shop.control("POST", "/faults", refusal)
    with database.transaction(shop.engine, shop.tenant) as session:
        queue.add(session, shop.tenant, "close_shop", f"shop/{shop.tenant}")


def be_forgotten(shop: Shop) -> None:
    """Let the two days go by in which the store could have come back."""
    with database.transaction(shop.engine, shop.tenant) as session:
        session.execute(update(Tenant).where(Tenant.id == shop.tenant).values(redact_after=datetime.now(UTC)))
        queue.add(session, shop.tenant, "forget_shop", f"shop/{shop.tenant}")


def come_back(shop: Shop) -> None:
    """Have the same store take Packline on again, with the accounts that it had."""
    shop.control("DELETE", "/faults")
    with database.transaction(shop.engine, shop.tenant) as session:
        # A forgotten store would get a new shop; the drill goes on with the numbers of the old one.
        session.execute(update(Tenant).where(Tenant.id == shop.tenant).values(redacted_at=None))
        close_shop.reopen(session, shop.tenant)
        for vendor, id in shop.connections.items():
            row = session.get_one(Connection, (shop.tenant, id))
            row.ended_at, row.account = None, shop.domain if vendor == "shopify" else ""
            name = "access_token" if vendor == "shopify" else "api_key"
            secrets = {name: shop.keys[vendor], "webhook_secret": hook_secret(vendor)}
            row.sealed_secrets = boot.keyring(shop.settings).seal(secrets)
            if vendor != "shopify":
                check_connection.register(session, shop.tenant, id, shop.web)
        desk.read_catalogue(session, shop.tenant, shop.connections["shopify"])
