"""What is compared with vendors: one small file a scope, and for each role the scopes in the order in which they go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from jobs.comparing import events, labels, orders, parcels, payments, shipments, stock, voids, work
from jobs.comparing.looking import Look


@dataclass(frozen=True, kw_only=True)
class Scope:
    """One kind of thing that is held against a vendor's."""

    name: str
    compare: Callable[[Look], None]
    at_most_every: timedelta = timedelta(0)
    """What asks the vendor about each thing one by one is not asked at every pass."""


# What was dropped comes before what it leads to: an order before its work, an event before the payment it tells of.
SCOPES: Mapping[str, tuple[Scope, ...]] = MappingProxyType(
    {
        "storefront": (
            Scope(name="orders", compare=orders.compare),
            Scope(name="work", compare=work.compare),
            Scope(name="shipments", compare=shipments.compare),
            Scope(name="stock", compare=stock.compare),
        ),
        "payments": (
            Scope(name="events", compare=events.compare),
            Scope(name="payments", compare=payments.compare),
        ),
        "carrier": (
            Scope(name="labels", compare=labels.compare),
            Scope(name="parcels", compare=parcels.compare),
            # Carriers settle refunds in days; the job that asked for one looks twice a day as well.
            Scope(name="voids", compare=voids.compare, at_most_every=timedelta(hours=6)),
        ),
    }
)
