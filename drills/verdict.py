"""Holds the two sides of the books against each other: what was lost, what happened twice, what stands still."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from drills.ledger import Ledger, ShopLedger
from drills.shops import Json, Placed
from jobs import label_for_testing

# The sweep looks every second; work that is due for longer than this has been forgotten.
_FORGOTTEN_S = 15
_AT_END = frozenset({"fulfilled", "closed", "cancelled"})
_GIVEN_BACK = frozenset({"submitted", "refunded", "not_applicable"})


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Each finding is a sentence; none is what has to be."""

    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.stuck)

    @property
    def findings(self) -> tuple[str, ...]:
        return self.lost + self.doubled + self.stuck


def judge(ledger: Ledger) -> Verdict:
    """Look at everything. A pure function of the books."""
    lost: list[str] = [*_lost_deliveries(ledger)]
    doubled: list[str] = []
    for books in ledger.shops:
        for placed in books.shop.placed:
            lost += _order_lost(books, placed)
            doubled += _order_doubled(books, placed)
        lost += _labels_lost(books)
        doubled += _labels_doubled(books)
        doubled += _refunds_doubled(books)
        lost += _stock_wrong(books)
    return Verdict(lost=tuple(lost), doubled=tuple(doubled), stuck=tuple(_stuck(ledger)))


def _lost_deliveries(ledger: Ledger) -> Iterator[str]:
    # Two changes within a second of the store's clock may have one and the same body: the second is counted, not kept.
    counted = ledger.counted.copy()
    for vendor, id in sorted(set(ledger.accepted) - set(ledger.inbox)):
        told = (vendor, ledger.accepted[vendor, id])
        counted[told] -= 1
        if counted[told] < 0:
            yield f"delivery {id} of {vendor} ({told[1]}) was accepted and is not kept"
    for (vendor, id), state in sorted(ledger.inbox.items()):
        if state not in {"taken", "ignored"}:
            yield f"delivery {id} of {vendor} is {state}"


def _order_lost(books: ShopLedger, placed: Placed) -> Iterator[str]:
    ours, theirs, end = books.orders_here.get(placed.remote_id), books.orders_there[placed.remote_id], placed.end
    if ours is None:
        yield f"{placed.name} is unknown here"
        return
    if (ours["state"], tuple(ours["holds"])) != (end.state, end.holds):
        yield f"{placed.name} is {ours['state']} with holds {ours['holds']}, not {end.state} with {list(end.holds)}"
    shipped, wanted = _shipped(theirs), _wanted(placed)
    for sku, units in wanted.items():
        if shipped[sku] < units:
            yield f"{placed.name}: the store knows of {shipped[sku]} × {sku} shipped, not {units}"
    told = sorted(one["number"] for made in _alive(theirs) for one in made["tracking"])
    numbers = sorted(
        parcel["tracking_code"]
        for parcel in books.parcels_here
        if parcel["order_id"] == ours["id"] and parcel["shipment"] in {"announced", "handed_over"}
    )
    if not set(numbers) <= set(told):
        yield f"{placed.name}: the store has the tracking {told}, not {numbers}"
    for made in _alive(theirs):
        missing = set(end.scans) - {event["status"] for event in made["events"]}
        if missing:
            yield f"{placed.name}: the store was not told {sorted(missing)}"


def _order_doubled(books: ShopLedger, placed: Placed) -> Iterator[str]:
    ours, theirs = books.orders_here.get(placed.remote_id), books.orders_there[placed.remote_id]
    known = set(ours["fulfillments"]) if ours else set()
    shipped, wanted = _shipped(theirs), _wanted(placed)
    for sku, units in shipped.items():
        if units > wanted[sku]:
            yield f"{placed.name}: {units} × {sku} are shipped in the store, not {wanted[sku]}"
    if float(theirs["refunded"]) > (float(theirs["received"]) if placed.end.state == "cancelled" else 0):
        yield f"{placed.name}: the store gave back {theirs['refunded']} of {theirs['received']}"
    for made in _alive(theirs):
        if made["admin_graphql_api_id"] not in known:
            yield f"{placed.name}: fulfillment {made['id']} in the store belongs to no shipment here"
        events = Counter((event["status"], event["happened_at"]) for event in made["events"])
        for (status, _), times in events.items():
            if times > 1:
                yield f"{placed.name}: the store was told {status} {times} times"


def _labels_lost(books: ShopLedger) -> Iterator[str]:
    bought = {label["id"] for label in books.labels_there}
    alive = {label["parcel_id"]: label for label in books.labels_here if label["state"] == "bought"}
    for parcel in books.parcels_here:
        if parcel["shipment"] in {"labelled", "announced", "handed_over"}:
            label = alive.get(parcel["id"])
            if label is None or label["shipment_ref"] not in bought:
                yield f"parcel {parcel['id']} left without a label of the carrier's"


def _labels_doubled(books: ShopLedger) -> Iterator[str]:
    ours = {label["shipment_ref"]: label for label in books.labels_here if label["shipment_ref"]}
    live: Counter[int] = Counter()
    shipment_of = {parcel["id"]: parcel["shipment"] for parcel in books.parcels_here}
    for label in books.labels_there:
        known = ours.get(label["id"])
        if label["reference"].startswith(label_for_testing.REFERENCE) and label["refund_status"] in _GIVEN_BACK:
            continue  # a self-test's own, which is for no parcel
        if known is None or known["state"] in {"intended", "failed"}:
            yield f"the carrier sold {label['reference']}, which no label here accounts for"
        elif label["refund_status"] not in _GIVEN_BACK:
            live[known["parcel_id"]] += 1
            if shipment_of[known["parcel_id"]] == "cancelled":
                yield f"parcel {known['parcel_id']} does not leave, and its label is paid for"
    for parcel, labels in live.items():
        if labels > 1:
            yield f"parcel {parcel} has {labels} labels that are paid for"


def _refunds_doubled(books: ShopLedger) -> Iterator[str]:
    wishes = {placed.remote_id: placed.end.refunded_minor for placed in books.shop.placed}
    remote_ids = {row["id"]: remote_id for remote_id, row in books.orders_here.items()}
    for payment in books.payments_here:
        refunds = [one for one in books.refunds_there if one["payment_intent"] == payment["remote_id"]]
        remote_id = remote_ids.get(payment["order_id"], "")
        if remote_id and remote_id not in wishes:
            continue  # the drill placed it past its shop, and holds its money against the books itself
        wanted = wishes.get(remote_id, 0)
        given = sum(refund["amount"] for refund in refunds if refund["status"] in {"succeeded", "pending"})
        if given > wanted:
            yield f"payment {payment['remote_id']}: {given} was given back in {len(refunds)} refunds, not {wanted}"


def _stock_wrong(books: ShopLedger) -> Iterator[str]:
    # The store takes units off where it has put the work, Packline where it ships from: only the sums must agree.
    here, there = _on_hand(books)
    for sku in sorted(here):
        if here[sku] != there[sku]:
            yield f"{sku}: {here[sku]} on hand, the store has {there[sku]}"
    for (sku, location), level in sorted(books.levels_here.items()):
        what = f"{sku} in {location}"
        if (level["on_hand"], level["reserved"]) != (level["moved_on_hand"], level["moved_reserved"]):
            yield f"{what}: the movements add up to {level['moved_on_hand']}, {level['moved_reserved']}"
        if level["reserved"] != level["held"]:
            yield f"{what}: {level['reserved']} reserved, {level['held']} held for orders"
    for order in books.orders_here.values():
        if order["held"] and order["state"] in _AT_END:
            yield f"{order['name']} is {order['state']} and still holds {order['held']} units"


def _on_hand(books: ShopLedger) -> tuple[Counter[str], Counter[str]]:
    here: Counter[str] = Counter()
    there: Counter[str] = Counter()
    for (sku, _), level in books.levels_here.items():
        here[sku] += level["on_hand"]
    for (sku, _), units in books.levels_there.items():
        there[sku] += max(0, units)  # a store may say that it has less than nothing
    return here, there


def _stuck(ledger: Ledger) -> Iterator[str]:
    expected = Counter(cause for books in ledger.shops for placed in books.shop.placed for cause in placed.end.parked)
    for job in ledger.jobs:
        called = f"{job['kind']} of {job['subject']} (tenant {job['tenant_id']})"
        if job["state"] == "parked" and expected[job["cause"]] > 0:
            expected[job["cause"]] -= 1
        elif job["state"] == "parked":
            yield f"{called} is parked: {job['cause']}"
        elif job["state"] == "running" and job["dead_s"] is not None and job["dead_s"] > _FORGOTTEN_S:
            yield f"{called} is in the hands of nobody for {job['dead_s']:.0f} s"
        elif job["state"] == "due" and job["overdue_s"] > _FORGOTTEN_S:
            yield f"{called} is due since {job['overdue_s']:.0f} s"
    for books in ledger.shops:
        moving = {job["lane"] for job in ledger.jobs if job["tenant_id"] == books.shop.tenant}
        for order in books.orders_here.values():
            if order["state"] not in _AT_END and not order["holds"] and f"order/{order['id']}" not in moving:
                yield f"{order['name']} is {order['state']} and has no next step"


def _wanted(placed: Placed) -> Counter[str]:
    wanted: Counter[str] = Counter()
    if placed.end.state in {"fulfilled", "closed"}:  # what has no parcel ends closed, and is delivered all the same
        for sku, units in placed.lines:
            wanted[sku] += units
    return wanted


def _shipped(theirs: Json) -> Counter[str]:
    shipped: Counter[str] = Counter()
    for made in _alive(theirs):
        for line in made["lines"]:
            shipped[line["sku"]] += line["quantity"]
    return shipped


def _alive(theirs: Json) -> list[Json]:
    return [made for made in theirs["fulfillments"] if made["status"] != "CANCELLED"]
