"""The lives of orders, told in pauses: at each, everything comes to rest before the story goes on.

Every kind of job is in one of them. A new kind comes into the drills by a story that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from drills.shops import PLAIN, End, Shop

Told = Iterator[None]
Story = Callable[[Shop], Told]


def announced(shop: Shop) -> Told:
    """Placed, paid, labelled and announced."""
    shop.place(*PLAIN)
    yield


def delivered(shop: Shop) -> Told:
    """Announced, and scanned on its way to the door."""
    placed = shop.place(*PLAIN, end=End(scans=("IN_TRANSIT", "DELIVERED")))
    yield
    shop.scan(placed, "in_transit", "delivered")
    yield


def paid_elsewhere(shop: Shop) -> Told:
    """Placed unpaid, then paid at the payment provider, which the store has to be told."""
    placed = shop.place(*PLAIN, financial_status="pending")
    yield
    shop.pay(placed)
    yield


def paid_at_the_till(shop: Shop) -> Told:
    """Paid in a check-out session that alone says which order it is for."""
    placed = shop.place(*PLAIN, financial_status="pending")
    shop.check_out(placed)
    yield


def taken_back(shop: Shop) -> Told:
    """Cancelled while the store is too busy to hear the tracking number: the label goes back, and the stock."""
    shop.keep_store_busy()
    placed = shop.place(*PLAIN)
    yield
    shop.cancel(placed)
    yield


def refused_by_the_analysis(shop: Shop) -> Told:
    """Held before it is verified, and cancelled there."""
    placed = shop.place(*PLAIN, end=End(state="received", holds=("risk",)), risk="CANCEL")
    yield
    shop.cancel(placed)
    yield


def read_again(shop: Shop) -> Told:
    """Nothing is ordered; the store's goods and stock are read."""
    shop.read_again()
    yield


STORIES: dict[str, Story] = {
    story.__name__: story
    for story in (
        announced,
        delivered,
        paid_elsewhere,
        paid_at_the_till,
        taken_back,
        refused_by_the_analysis,
        read_again,
    )
}
# Which story has the kind's work in it; the first that does it in the plainest way.
TOLD_BY: dict[str, str] = {
    "take_event": "announced",
    "verify_order": "announced",
    "check_payment": "paid_elsewhere",
    "reserve_stock": "announced",
    "buy_label": "announced",
    "push_tracking": "announced",
    "store_label": "announced",
    "report_parcel": "delivered",
    "match_payment": "paid_at_the_till",
    "mark_paid": "paid_elsewhere",
    "reverse_order": "taken_back",
    "void_label": "taken_back",
    "read_catalogue": "read_again",
}
# Kinds whose stage is a stub, or that the clock alone asks for.
NOT_YET_TOLD = frozenset({"relabel_parcel", "replace_tracking", "capture_payment", "reconcile", "check_connection"})
