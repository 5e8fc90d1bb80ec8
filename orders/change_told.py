"""Reads what a buyer is told of their order: what is in it, where it goes, what may still be changed, and the money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import Address
from orders.reversal import PAID_IN_STORE, Facts
from orders.still_changeable import Still
from records.address_changes import AddressChange, latest_of
from records.orders import Order, OrderLine, lines_of
from records.reversals import under_way
from records.shipments import Parcel, Shipment, parcels_of
from records.tenants import Tenant

# What becomes of the buyer's money.
NOTHING_TAKEN, RELEASED, BACK, AT_MOST = "nothing_taken", "released", "back", "at_most"


@dataclass(frozen=True, kw_only=True)
class MoneyBack:
    """`minor` is None where nobody can say how much; `at_most`: discounts and taxes decide how much of it."""

    kind: str
    minor: int | None = None


@dataclass(frozen=True, kw_only=True)
class Told:
    """All that the buyer's page says of an order. Lines that were taken off are not told."""

    order: Order
    name: str
    shop: str
    ship_to: Address | None
    lines: Sequence[OrderLine]
    still: Still
    readdressed: AddressChange | None
    """The last wish that it goes elsewhere, whatever became of it."""
    taking_back: bool
    parcels: Sequence[Parcel]
    """Those that can be followed."""


def told(session: Session, order: Order, still: Still) -> Told:
    tenant = order.tenant_id
    change = latest_of(session, tenant, order.id)
    return Told(
        order=order,
        name=order.name or f"#{order.id}",
        shop=session.execute(select(Tenant.name).where(Tenant.id == tenant)).scalar_one(),
        ship_to=change.address if change is not None and change.state == "asked" else order.ship_to,
        lines=[line for line in lines_of(session, tenant, order.id) if line.units],
        still=still,
        readdressed=change,
        taking_back=under_way(session, tenant, order.id) is not None,
        parcels=_followed(session, order),
    )


def money_back(facts: Facts, prices: Mapping[int, int], units: Mapping[int, int]) -> MoneyBack:
    """What becomes of the money where these units are taken off, or the whole order where none are named. Pure.

    `prices` are minor units by order line id, before discounts: only who took the money knows what it comes to.
    """
    elsewhere = sum(one.refundable_minor for one in facts.payments)
    in_store = facts.store_holds_the_money and facts.standing in PAID_IN_STORE
    if not elsewhere and not in_store:
        reserved = facts.standing == "authorised" or any(one.only_authorised for one in facts.payments)
        return MoneyBack(kind=RELEASED if reserved and not units else NOTHING_TAKEN)
    if units:
        return MoneyBack(kind=AT_MOST, minor=sum(prices.get(line, 0) * count for line, count in units.items()))
    if facts.standing == "part_paid" and not elsewhere:
        return MoneyBack(kind=BACK)
    return MoneyBack(kind=BACK, minor=elsewhere + facts.held_in_store_minor if elsewhere else facts.total_minor)


def _followed(session: Session, order: Order) -> list[Parcel]:
    gone = set(
        session.scalars(
            select(Shipment.id).where(
                Shipment.tenant_id == order.tenant_id,
                Shipment.order_id == order.id,
                Shipment.state.in_(("announced", "handed_over")),
            )
        )
    )
    parcels = parcels_of(session, order.tenant_id, order.id)
    return [one for one in parcels if one.shipment_id in gone and one.tracking_code]
