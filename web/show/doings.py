"""What each kind of job does, in words, and what it means for an order while it is not done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Doing:
    """A kind of job in words: what it does, and what it means for the order while it does not get done."""

    word: str
    until_done: str


DOINGS: Mapping[str, Doing] = MappingProxyType(
    {
        "take_event": Doing("Read a delivery", "What the vendor told us has not reached the order yet."),
        "reverse_order": Doing("Take back what was planned", "The order may still hold stock or labels."),
        "swap_line": Doing("Swap in the store", "The order waits until the store's own order shows the swap."),
        "change_address": Doing("Change the address", "The order waits until the store has its new address."),
        "verify_order": Doing("Check the order", "The order waits at its start; nothing was reserved or bought."),
        "check_payment": Doing("Look at the payment", "The order waits before its stock is reserved."),
        "ask_buyer": Doing("Ask the buyer", "The buyer has time to choose what is to become of what is short."),
        "send_notice": Doing("Write a letter", "The buyer or the supplier has not been told by mail yet."),
        "deliver_digital": Doing("Deliver digitally", "The buyer has no code or link yet, or the store does not know."),
        "assign_work": Doing("Move the store's work", "The store counts units off elsewhere than they leave from."),
        "reserve_stock": Doing("Reserve stock", "The order has no stock of its own yet, and no label is bought."),
        "buy_label": Doing("Buy a label", "This parcel has no label; the order's other parcels go on."),
        "push_tracking": Doing("Tell the store what has left", "It has left, or is about to; the store does not know."),
        "tell_supplier": Doing("Tell the supplier's machine", "The supplier's own system has not heard of it yet."),
        "tell_ready": Doing("Tell the store it is ready", "The buyer does not know yet that they can come for it."),
        "void_label": Doing("Give a label back", "Postage that is not used has not come back yet."),
        "store_label": Doing("Keep the label's file", "The label is bought; it cannot be downloaded here yet."),
        "report_parcel": Doing("Tell the store the scans", "The parcel moves, but the store shows an older scan."),
        "mark_paid": Doing("Mark as paid in the store", "The order goes on; the store still shows it as unpaid."),
        "match_payment": Doing("Find a payment's order", "The money is there, but no order knows of it yet."),
        "relabel_parcel": Doing("Buy another label", "The parcel travels with its old label until this is done."),
        "replace_tracking": Doing("Replace the tracking", "Buyer and store still see the old tracking number."),
        "capture_payment": Doing("Take the money", "The parcel has left; its payment is authorised and not taken yet."),
        "reconcile": Doing("Compare with the vendor", "What the vendor did not tell us has not been fetched yet."),
        "check_connection": Doing("Look after a connection", "Whether the vendor still tells us is not known."),
        "self_test": Doing("Test everything", "Whether everything that is connected works is not known yet."),
        "read_stock": Doing("Read changed stock", "What the store changed of its stock is not known here yet."),
        "tell_stock": Doing("Tell the store of stock", "The store does not count what was changed here by hand."),
        "read_catalogue": Doing("Read the catalogue", "Stock and prices here may be older than the store's."),
        "export_buyer": Doing("Gather a buyer's data", "The export that a buyer asked for cannot be sent yet."),
        "forget_buyer": Doing("Forget a buyer", "Who bought these orders is still written here."),
        "close_shop": Doing("Close the shop", "The store says that it took Packline away; work for it may go on."),
        "forget_shop": Doing("Forget the shop", "What is personal of a store that has left is still here."),
        "check_stock": Doing("Check the stock ledger", "Whether every level is what its movements say is not known."),
        "expire_kept": Doing("Let old things go", "Deliveries and buyers are kept longer than the shop has decided."),
        "mail_stock": Doing("Tell of stock", "The shop's own people have not been mailed what to order yet."),
        "forecast_demand": Doing("Forecast demand", "What to order is worked out from older orders."),
    }
)
