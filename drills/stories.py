"""The lives of orders, told in pauses: at each, everything comes to rest before the story goes on.

Every kind of job is in one of them. A new kind comes into the drills by a story that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

from drills import anvils, counter, goodbyes, swaps, vouchers
from drills.shops import PLAIN, End, Shop

# What an order for one bag comes to in every shop of the drills, with its shipping.
_A_BAG_AND_ITS_WAY_MINOR = 26_00
_early = count(1)

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


def paid_before_it_was_placed(shop: Shop) -> Told:
    """The payment names an order that nobody knows yet; it waits, and is found when the order comes."""
    name = f"#EARLY-{next(_early)}"
    shop.pay_for(name, _A_BAG_AND_ITS_WAY_MINOR)
    yield
    shop.place(*PLAIN, financial_status="pending", name=name)
    yield


def taken_back(shop: Shop) -> Told:
    """Cancelled while the store is too busy to hear the tracking number: the label goes back, and the stock."""
    shop.keep_store_busy()
    placed = shop.place(*PLAIN)
    yield
    shop.cancel(placed)
    yield


def taken_back_from_the_store(shop: Shop) -> Told:
    """Paid at the payment provider and announced, then cancelled here: everything goes back, the money too."""
    placed = shop.place(*PLAIN, financial_status="pending")
    yield
    shop.pay(placed)
    yield
    shop.ask_to_cancel(placed, end=End(state="cancelled", refunded_minor=placed.total_minor))
    yield


def labelled_anew(shop: Shop) -> Told:
    """Announced, then given another label: one is bought, one goes back, and the store's number follows."""
    placed = shop.place(*PLAIN)
    yield
    shop.ask_for_another_label(placed)
    yield


def taken_when_it_left(shop: Shop) -> Told:
    """Only authorised at the payment provider; the money is taken when the order has left."""
    placed = shop.place(*PLAIN, financial_status="pending")
    yield
    shop.pay(placed, "requires_capture")
    yield


def missed(shop: Shop) -> Told:
    """Nobody told us of the order: it is found by comparing with the store."""
    shop.place(*PLAIN, webhooks=False)
    shop.compare()
    yield


def read_again(shop: Shop) -> Told:
    """Nothing is ordered; the store's goods and stock are read."""
    shop.read_again()
    yield


def counted_there(shop: Shop) -> Told:
    """Nothing is ordered; somebody counts in the store, which is read."""
    shop.count_in_store()
    yield


def counted_here(shop: Shop) -> Told:
    """Nothing is ordered; somebody counts here, and the store is told."""
    shop.count_here()
    yield


def tested(shop: Shop) -> Told:
    """Nothing is ordered; everything that is connected is tried, and a label is bought and given back."""
    shop.test_everything()
    yield


def shown(shop: Shop) -> Told:
    """Announced; then its buyer wants to know what is held of them."""
    placed = shop.place(*PLAIN)
    yield
    goodbyes.ask_for_the_buyer(shop, placed, forget=False)
    yield


def forgotten(shop: Shop) -> Told:
    """Announced; then its buyer wants to be forgotten."""
    placed = shop.place(*PLAIN)
    yield
    goodbyes.ask_for_the_buyer(shop, placed, forget=True)
    yield


def let_go(shop: Shop) -> Told:
    """Nothing is ordered; what the shop keeps no longer goes."""
    goodbyes.let_old_things_go(shop)
    yield


def foreseen(shop: Shop) -> Told:
    """Announced; then what to order is worked out."""
    shop.place(*PLAIN)
    yield
    goodbyes.forecast_demand(shop)
    yield


def told_of_stock(shop: Shop) -> Told:
    """Announced; then its goods run out within the week, which the merchant is told once."""
    shop.place(*PLAIN)
    yield
    goodbyes.have_stock_run_low(shop)
    yield


def drifted(shop: Shop) -> Told:
    """Announced; then a level says something else than its movements, and the ledger puts it right."""
    shop.place(*PLAIN)
    yield
    goodbyes.have_stock_drift(shop)
    yield


def chosen(shop: Shop) -> Told:
    """Placed for what nobody has: its buyer is asked, and a person of the shop answers for them that it is given up."""
    placed = shop.place(("ANVIL", 1), end=End(state="cancelled"), email="ada@example.com")
    yield
    shop.give_up_what_is_short(placed)
    yield


def sent_as_something_else(shop: Shop) -> Told:
    """Placed for what nobody has: something else of the same price is sent instead."""
    swaps.allow(shop)
    placed = shop.place(("ANVIL", 1), email="ada@example.com")
    yield
    swaps.swap_what_is_short(shop, placed, "BAG")
    yield


def sent_elsewhere(shop: Shop) -> Told:
    """Placed for what nobody has: while it waits it gets another address, and then it is cancelled."""
    placed = shop.place(("ANVIL", 1))
    yield
    shop.have_it_go_elsewhere(placed)
    yield
    shop.cancel(placed)
    yield


def shipped_by_a_supplier(shop: Shop) -> Told:
    """Placed for what a supplier ships, whose machine is told; then it is cancelled, which is told it too."""
    anvils.have_them_shipped(shop)
    placed = shop.place((anvils.ANVIL, 1), end=End(state="cancelled"))
    yield
    shop.cancel(placed)
    yield
    anvils.ship_them_ourselves(shop)
    anvils.let_the_days_pass(shop)
    yield


def delivered_by_mail(shop: Shop) -> Told:
    """Placed for a code: it is delivered by mail, and the store is told."""
    vouchers.paste_one(shop)
    shop.place((vouchers.VOUCHER, 1), end=End(state="closed"), email="ada@example.com")
    yield


def picked_up(shop: Shop) -> Told:
    """Placed to be picked up: a person says that it is ready, and then that the buyer has it."""
    placed = shop.place(*PLAIN, delivery_method="PICK_UP")
    yield
    counter.make_ready(shop, placed)
    yield
    counter.hand_over(shop, placed)
    yield


def taken_away(shop: Shop) -> Told:
    """Announced; then the store leaves, is closed and forgotten, and comes back."""
    shop.place(*PLAIN)
    yield
    goodbyes.leave(shop)
    yield
    goodbyes.be_forgotten(shop)
    yield
    goodbyes.come_back(shop)
    yield


# Which story has a kind's work in it, in the plainest way.
TOLD_BY: dict[str, Story] = {
    "take_event": announced,
    "verify_order": announced,
    "check_payment": paid_elsewhere,
    "reserve_stock": announced,
    "ask_buyer": chosen,
    "send_notice": chosen,
    "tell_supplier": shipped_by_a_supplier,
    "deliver_digital": delivered_by_mail,
    "tell_ready": picked_up,
    "assign_work": announced,
    "buy_label": announced,
    "push_tracking": announced,
    "store_label": announced,
    "report_parcel": delivered,
    "match_payment": paid_before_it_was_placed,
    "mark_paid": paid_elsewhere,
    "void_label": taken_back,
    "reverse_order": taken_back_from_the_store,
    "change_address": sent_elsewhere,
    "swap_line": sent_as_something_else,
    "relabel_parcel": labelled_anew,
    "replace_tracking": labelled_anew,
    "capture_payment": taken_when_it_left,
    "reconcile": missed,
    "check_connection": missed,
    "read_catalogue": read_again,
    "read_stock": counted_there,
    "tell_stock": counted_here,
    "export_buyer": shown,
    "forget_buyer": forgotten,
    "expire_kept": let_go,
    "forecast_demand": foreseen,
    "check_stock": drifted,
    "mail_stock": told_of_stock,
    "close_shop": taken_away,
    "forget_shop": taken_away,
    "self_test": tested,
}
