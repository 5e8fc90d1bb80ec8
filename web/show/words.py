"""The words and pictures for every state: an icon, a word and a tone, never a colour alone. Tables, no logic."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from web.show.doings import DOINGS, Doing
from web.show.look import Look
from web.show.look import table as _table

LOOKS: Mapping[str, Mapping[str, Look]] = MappingProxyType(
    {
        "order": _table(
            received=("Received", "inbox", "quiet", "It arrived and is being checked."),
            verified=("Verified", "check", "going", "Complete and consistent; its payment is looked at."),
            released=("Released", "check", "going", "Paid for; its stock is reserved next."),
            watched=("Watched", "eye", "quiet", "Packline has decided and does nothing: the merchant ships it."),
            allocated=("Allocated", "stack", "going", "Its stock is reserved; labels are bought next."),
            shipping=("Shipping", "truck", "going", "Labels are being bought and told to the store."),
            fulfilled=("Fulfilled", "check-circle", "good", "Every unit has left and the store has the tracking."),
            closed=("Closed", "check-circle", "quiet", "Nothing more is shipped by Packline."),
            cancelling=("Cancelling", "ban", "warn", "What has not happened is being stopped."),
            cancelled=("Cancelled", "ban", "quiet", "Stopped; its stock is free again."),
        ),
        "payment": _table(
            unpaid=("Unpaid", "clock", "warn", "The store has seen no money."),
            authorised=("Authorised", "lock", "going", "The money is reserved and not yet taken."),
            part_paid=("Part paid", "clock", "warn", "Some of the money is there."),
            paid=("Paid", "check-circle", "good", "The money is there."),
            part_refunded=("Part refunded", "return", "warn", "Some of the money was given back."),
            refunded=("Refunded", "return", "quiet", "The money was given back."),
            voided=("Voided", "ban", "bad", "The reservation of the money was given up."),
            expired=("Expired", "clock", "bad", "The reservation of the money ran out."),
            pending=("Pending", "clock", "quiet", "The provider is still at it."),
            failed=("Failed", "x", "bad", "The provider could not take the money."),
            unknown=("Unknown", "question", "quiet", "Nothing is known of the money yet."),
        ),
        "parcel": _table(
            unknown=("No scan yet", "question", "quiet", "The carrier has said nothing yet."),
            pre_transit=("Label made", "file", "quiet", "The carrier knows of it and has not scanned it."),
            in_transit=("In transit", "truck", "going", "It is on its way."),
            out_for_delivery=("Out for delivery", "truck", "going", "It is on the van."),
            available_for_pickup=("Ready to collect", "pin", "going", "It waits at a pick-up point."),
            delivered=("Delivered", "check-circle", "good", "It is at the door."),
            return_to_sender=("Coming back", "return", "bad", "The carrier brings it back."),
            failure=("Delivery failed", "alert", "bad", "The carrier could not deliver it."),
            cancelled=("Cancelled", "ban", "quiet", "The carrier will not move it."),
            error=("Carrier error", "alert", "bad", "The carrier reports an error."),
        ),
        "account": _table(
            well=("Well", "check-circle", "good", "It takes our secrets and its webhooks point here."),
            ailing=("Ailing", "alert", "warn", "Something about it needs a person."),
            going=("Being set up", "clock", "going", "The vendor is asked to tell us; it is done in a moment."),
        ),
        "account_mode": _table(
            live=("LIVE", "bolt", "good", "Real money and real postage."),
            test=("TEST", "circle", "warn", "Nothing is paid for, and no label is good for a carrier."),
        ),
        "purchase_order": _table(
            written=("Written", "clock", "quiet", "It is being mailed to the supplier."),
            sent=("Sent", "message", "going", "The supplier has it and has not answered."),
            accepted=("Accepted", "check", "going", "The supplier ships it."),
            shipped=("Shipped", "check-circle", "good", "All of it has left the supplier."),
            rejected=("Rejected", "x", "bad", "The supplier does not ship it."),
            cancelled=("Cancelled", "ban", "quiet", "It is not wanted any more."),
        ),
        "comparison": _table(
            wanted=("Asked for", "clock", "quiet", "A person asked for it; it begins in a moment."),
            running=("Comparing", "play", "going", "It is being compared at this moment."),
            done=("Compared", "check-circle", "good", "Both sides were held against each other."),
            failed=("Not compared", "alert", "bad", "The vendor could not be asked; it is tried again."),
        ),
        "finding": _table(
            repaired=("Repaired", "check-circle", "good", "Both sides say the same again."),
            parked=("Needs a person", "alert", "warn", "Somebody has to choose what is right."),
            noted=("Noted", "dot", "quiet", "Nothing had to be done."),
        ),
        "self_test": _table(
            waiting=("Waits", "clock", "quiet", "It has its turn in a moment."),
            ok=("Works", "check-circle", "good", "It was tried, and works."),
            failed=("Does not work", "alert", "bad", "What to do stands beside it."),
            skipped=("Not tried", "circle", "quiet", "The reason stands beside it."),
        ),
        "reversal": _table(
            under_way=("Under way", "play", "going", "Its steps are being done."),
            done=("Done", "check-circle", "quiet", "Every step was done or skipped."),
            given_up=("Given up", "ban", "quiet", "It was stopped before its end."),
        ),
        "reversal_step": _table(
            due=("Next", "clock", "quiet", "It is done when its turn comes."),
            done=("Done", "check-circle", "good", "It is done."),
            skipped=("Skipped", "arrow-right", "quiet", "A person went on without it."),
            dropped=("Not needed", "x", "quiet", "What happened meanwhile made it needless."),
            refused=("Refused", "alert", "bad", "The other side said no; a person decides."),
            asks=("Asks", "question", "warn", "A person has to say yes first."),
        ),
        "privacy_request": _table(
            due=("To be done", "clock", "warn", "It is done as soon as it can be, and by its day at the latest."),
            done=("Done", "check-circle", "good", "It was done."),
        ),
        "address_change": _table(
            asked=("Being changed", "clock", "going", "The store is told of it."),
            written=("Changed", "check-circle", "good", "The store has it."),
            refused=("Not changed", "alert", "bad", "The store did not take it."),
            withdrawn=("Given up", "ban", "quiet", "The order goes where it went, or nowhere."),
        ),
        "swap": _table(
            asked=("Being swapped", "clock", "going", "The store is told of it."),
            written=("Swapped", "check-circle", "good", "The store's order shows it."),
            refused=("Not swapped", "alert", "bad", "The store did not take it, or the order is over."),
        ),
        "choice": _table(
            asked=("Asked", "question", "warn", "The buyer has time to choose."),
            reminded=("Reminded", "question", "warn", "The buyer was reminded and has time until the deadline."),
            answered=("Answered", "check-circle", "good", "It was chosen, or what was short is there."),
            defaulted=("Decided by the deadline", "clock", "quiet", "Nobody answered in time."),
            withdrawn=("Withdrawn", "ban", "quiet", "There is nothing left to choose."),
        ),
        "notice": _table(
            due=("To be sent", "clock", "going", "It is sent in a moment."),
            sent=("Sent", "check-circle", "good", "The mail server took it."),
            suppressed=("Not sent", "ban", "warn", "The reason stands beside it."),
            failed=("Failed", "alert", "bad", "It was refused, or nobody knows whether it was taken."),
        ),
        "stock_letter": _table(
            due=("To be sent", "clock", "going", "It is sent in a moment."),
            sent=("Sent", "check-circle", "good", "The mail server took it."),
            suppressed=("Not sent", "ban", "quiet", "The reason stands beside it."),
            failed=("Failed", "alert", "bad", "It was refused, or nobody knows whether it was taken."),
        ),
        "shipment": _table(
            planned=("Planned", "box", "quiet", "Its boxes are planned; labels come next."),
            labelled=("Labelled", "file", "going", "Every box has its label; the store is told next."),
            announced=("Announced", "check", "good", "The store has the tracking."),
            ready=("Ready for pickup", "pin", "going", "The store has written the buyer that they can come for it."),
            handing_over=("Being handed over", "clock", "going", "The store is told that the buyer has it."),
            handed_over=("Handed over", "truck", "good", "The carrier, or the buyer, has it."),
            cancelled=("Cancelled", "ban", "quiet", "It does not leave."),
        ),
        # A shipment without a carrier: the buyer comes for it, or the shop brings it.
        "by_hand": _table(
            planned=("Reserved", "lock", "quiet", "Its units are kept on the shelf."),
            ready=("Ready for pickup", "pin", "going", "The store has written the buyer that they can come for it."),
            handing_over=("Being handed over", "clock", "going", "The store is told that the buyer has it."),
            handed_over=("Handed over", "check-circle", "good", "The buyer has it."),
            cancelled=("Cancelled", "ban", "quiet", "It is not wanted any more."),
        ),
        # What a courier of the shop's own brings.
        "couriered": _table(
            planned=("For the courier", "truck", "quiet", "It waits for them; no label is bought."),
            handing_over=("With the courier", "clock", "going", "The store is being told."),
            handed_over=("With the courier", "truck", "good", "They have it, and the store shows it."),
            cancelled=("Cancelled", "ban", "quiet", "It is not wanted any more."),
        ),
        "label": _table(
            intended=("Being bought", "clock", "going", "The purchase is written down and not yet confirmed."),
            bought=("Bought", "check-circle", "good", "Postage is paid."),
            void_requested=("Refund asked", "return", "warn", "The carrier was asked to take it back."),
            voided=("Voided", "ban", "quiet", "The postage comes back."),
            void_refused=("Refund refused", "alert", "bad", "The carrier keeps the postage."),
            spent=("Postage lost", "x", "bad", "The carrier's last word on giving it back was no."),
            failed=("Not bought", "x", "bad", "Nothing was bought."),
        ),
        "reservation": _table(
            held=("Reserved", "lock", "going", "Held on the shelf for this order."),
            consumed=("Shipped", "truck", "good", "Off the shelf."),
            released=("Given back", "return", "quiet", "Free for other orders."),
        ),
        "hold": _table(
            open=("On hold", "pause", "warn", "The order waits until this is cleared."),
            released=("Released", "play", "quiet", "It no longer stops the order."),
        ),
        "job": _table(
            due=("Due", "clock", "going", "It is done at its time."),
            running=("Running", "bolt", "going", "A worker has it in hand."),
            done=("Done", "check-circle", "good", "It is done."),
            parked=("Parked", "alert", "bad", "It needs a person."),
            cancelled=("Given up", "ban", "quiet", "It is no longer wanted."),
        ),
        "arrival": _table(
            expected=("Expected", "truck", "going", "It is on its way."),
            received=("Received", "check-circle", "good", "Its units are on the shelf."),
            cancelled=("Cancelled", "ban", "quiet", "It does not come."),
        ),
        "count": _table(
            counting=("Being counted", "play", "going", "Nothing is changed by it yet."),
            ready=("To look through", "eye", "warn", "Nothing is changed by it yet."),
            applied=("Applied", "check-circle", "good", "The levels were set by it."),
            discarded=("Discarded", "ban", "quiet", "It was given up, and nothing was changed."),
        ),
        "inbox": _table(
            received=("Received", "inbox", "going", "It is read in a moment."),
            taken=("Taken", "check-circle", "good", "It was read and acted on."),
            ignored=("Ignored", "circle", "quiet", "Packline does not act on it."),
            parked=("Parked", "alert", "bad", "It is genuine and could not be understood."),
        ),
    }
)

HOLDS: Mapping[str, str] = MappingProxyType(
    {
        "address": "Address",
        "mismatch": "Mismatch",
        "payment": "Payment",
        "risk": "Fraud risk",
        "dispute": "Dispute",
        "refund": "Refund",
        "refund_failed": "Failed refund",
        "stock": "Out of stock",
        "stock_gone": "Stock gone",
        "not_found": "Not found by a count",
        "barred": "May not be sent",
        "not_split": "Not split by your rule",
        "supplier": "Supplier",
        "customs": "Customs",
        "edit": "Changed in the store",
        "label": "No label",
        "test": "Test order",
        "storefront": "Held in the store",
        "taken_back": "Shipment cancelled in the store",
        "operator": "Held by a person",
        "change": "Another address",
        "swap": "Swap not done",
        "digital": "Out of codes",
        "not_mailed": "Not mailed",
    }
)

# Why a stock level changed.
CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "received": "Came in",
        "reserved": "Promised to an order",
        "released": "Given back by an order",
        "shipped": "Left with a parcel",
        "put_back": "Put back on the shelf",
        "returned": "Came back from a buyer",
        "counted": "Counted",
        "adjusted": "Adjusted by hand",
        "moved": "Moved between locations",
        "set_aside": "Set aside",
        "repaired": "Put right by Packline",
    }
)

TIMELINE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "fact": ("Facts", "dot"),
        "call": ("Calls", "bolt"),
        "hold": ("Holds", "pause"),
        "choice": ("Choices", "flag"),
        "parked": ("Stopped", "alert"),
        "repair": ("Repairs", "return"),
        "person": ("People", "user"),
    }
)

VENDORS: Mapping[str, str] = MappingProxyType(
    {"shopify": "Shopify", "stripe": "Stripe", "easypost": "EasyPost", "packline": "Packline", "mail": "Mail server"}
)


def look(thing: str, state: str) -> Look:
    """A state that no table knows is shown by its own name, so that a page never breaks over a new word."""
    return LOOKS[thing].get(state) or Look(plain(state), "question", "quiet")


def hold(kind: str) -> str:
    return HOLDS.get(kind) or plain(kind)


def cause(name: str) -> str:
    return CAUSES.get(name) or plain(name)


def doing(kind: str) -> Doing:
    return DOINGS.get(kind) or Doing(plain(kind), "")


def actor(name: str) -> str:
    """`person:Ann` is Ann, `stripe` is Stripe."""
    return name.removeprefix("person:") if name.startswith("person:") else VENDORS.get(name) or plain(name)


def plain(word: str) -> str:
    """`no_rates` is `No rates`."""
    text = word.replace("_", " ").strip()
    return text[:1].upper() + text[1:] if text else "–"
