"""Reads the store's locations where an order names one that we do not know yet, before the order is judged by them."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.nouns import StoreOrder
from integrations.ports import Permanent, Storefront
from jobs.work import Work
from orders import by_hand, catalogue
from orders.catalogue import StoreLocation
from orders.known_before import Before


def read(
    work: Work, storefront: Storefront, before: Before, store: StoreOrder, variants: Sequence[str]
) -> list[StoreLocation]:
    """The store's locations, where there are none yet for unknown `variants` to lie at, or where units are to be
    handed over at an unknown one. No transaction is open.

    Raises Permanent where the store does not show that one either: the buyer comes for what nobody would put aside.
    """
    wanted = set() if before.only_watched else by_hand.asked_places(store)
    if not (variants or wanted):
        return []
    with work.reading() as session:
        known = catalogue.location_ids(session, work.tenant, before.connection).keys()
    strange = wanted - known
    places = list(storefront.read_locations()) if strange or not known else []
    if strange - {place.remote_id for place in places}:
        raise Permanent(
            "The store wants units handed over to their buyer at a location that it does not show.",
            remedy="In the store's admin, open that location or move the units to an open one, then retry.",
            code="unknown_place",
        )
    return places
