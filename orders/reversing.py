"""Plans how an order, or a part of it, is taken back: which steps, in which order, and what cannot be undone. Pure.

What has left stays: the plan names it and takes back the rest. A plan is made of the facts of a moment and may be made
again after every step, because a step that is done has changed the facts that called for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from orders import giving_back, reversing_told
from orders.reversal import (
    ON_THE_ROAD,
    REASONS,
    Facts,
    LabelFacts,
    LineFacts,
    ParcelFacts,
    PaymentFacts,
    Plan,
    ShipmentFacts,
    Step,
    Wish,
)
from records.tenants import Rules

# Reasons of a replan for which all that is planned and has no label goes back: it goes to another address and is routed
# for that; or its payment did not come, and others may have the units.
ADDRESS, UNPAID = "address", "unpaid"

__all__ = [
    "ADDRESS",
    "ON_THE_ROAD",
    "REASONS",
    "UNPAID",
    "Facts",
    "LabelFacts",
    "LineFacts",
    "ParcelFacts",
    "PaymentFacts",
    "Plan",
    "ShipmentFacts",
    "Step",
    "Wish",
    "plan",
    "sharpened",
    "withdrawn",
]


def plan(wish: Wish, facts: Facts, rules: Rules) -> Plan:
    """The steps that are left to do for a wish, by the facts of now."""
    wish = sharpened(wish, facts)
    gone = [shipment for shipment in facts.shipments if shipment.left]
    whole = wish.purpose == "cancel" and (wish.origin == "store" or not gone)
    taken = withdrawn(wish, facts)
    store_units = {} if wish.purpose == "replan" or wish.origin == "store" else _store_units(wish, facts)
    money, stays = giving_back.money(
        wish, facts, rules, whole=whole, taken_in_store=bool(store_units) or facts.told_the_store
    )
    steps = [
        *([_stop_work(facts)] if taken or wish.purpose == "cancel" else []),
        *_settle_labels(taken, facts),
        *_settle_announcements(facts),
        *(_settle_deliveries(facts) if wish.purpose == "cancel" else []),
        *(step for shipment in taken for step in _take_back(shipment)),
        *_void_labels(taken, facts),
        *_in_store(wish, facts, store_units, whole=whole),
        *money,
        *([] if wish.purpose == "cancel" else [_plan_again(facts)]),
    ]
    return Plan(
        steps=tuple(steps),
        keeps=(*reversing_told.stays(wish, facts, gone, _excess(wish, facts)), *stays),
        costs=reversing_told.costs(steps, facts),
        whole=whole,
        store_units=store_units,
    )


def sharpened(wish: Wish, facts: Facts) -> Wish:
    """The wish within what is there: no more units than can be had, and all of them is the whole order.

    What was begun as a part stays a part.
    """
    if wish.purpose != "cancel_lines" or facts.told_the_store:
        return wish
    everything = all(wish.wanted.get(line.id, 0) >= line.units for line in facts.lines)
    if not wish.wanted or (everything and not facts.under_way):
        return replace(wish, purpose="cancel", wanted={})
    free = _not_gone(facts)
    within = {line: min(units, free.get(line, 0)) for line, units in wish.wanted.items()}
    return replace(wish, wanted={line: units for line, units in sorted(within.items()) if units > 0})


def withdrawn(wish: Wish, facts: Facts) -> list[ShipmentFacts]:
    """The shipments that do not leave: all that can still be stopped, or those with units too many.

    Of several the one that costs least goes first: not announced before announced, and the newest before the oldest.
    """
    standing = sorted(
        (one for one in facts.shipments if one.stands),
        key=lambda one: (not one.unasked, one.state == "announced" or one.in_doubt, -one.id),
    )
    if wish.purpose == "cancel":
        return sorted(standing, key=lambda one: one.id)
    if wish.purpose == "replan":
        standing = [one for one in standing if one.state != "announced" or one.refused]
    excess = _excess(wish, facts)
    chosen = []
    for shipment in standing:
        # The store says which units wait for nobody any more: no others are taken for them.
        by_its_spot = shipment.by_hand and wish.purpose == "replan"
        outdated = shipment.state != "announced" and any(
            label.outdated for parcel in shipment.parcels for label in parcel.labels
        )
        if (
            _is_planned_anew(wish, shipment)
            or outdated
            or shipment.refused
            or shipment.unasked
            or (not by_its_spot and any(excess.get(line, 0) > 0 for line in shipment.units))
        ):
            chosen.append(shipment)
            for line, units in () if by_its_spot else shipment.units.items():
                excess[line] = excess.get(line, 0) - units
    return sorted(chosen, key=lambda one: one.id)


def _is_planned_anew(wish: Wish, shipment: ShipmentFacts) -> bool:
    """Whether it goes back for what became of its order. Where a buyer comes for it, no address is any matter."""
    if shipment.state == "ready":
        return wish.reason == UNPAID
    return shipment.state == "planned" and (wish.reason == UNPAID or (wish.reason == ADDRESS and not shipment.by_hand))


def _excess(wish: Wish, facts: Facts) -> dict[int, int]:
    """Units by line that stand in shipments and are not wanted any more; of a replan, not in parcels any more."""
    carried = wish.purpose == "replan"
    planned = _units(one for one in facts.shipments if one.state != "cancelled" and not (carried and one.by_hand))
    wanted = {} if facts.told_the_store else wish.wanted
    stays = {one.id: one.to_ship - wanted.get(one.id, 0) - (one.by_hand if carried else 0) for one in facts.lines}
    return {line: units - stays.get(line, 0) for line, units in planned.items()}


def _not_gone(facts: Facts) -> dict[int, int]:
    gone = _units(one for one in facts.shipments if one.left)
    return {line.id: max(0, line.to_ship - gone.get(line.id, 0)) for line in facts.lines}


def _units(shipments: Iterable[ShipmentFacts]) -> dict[int, int]:
    summed: dict[int, int] = {}
    for shipment in shipments:
        for line, units in shipment.units.items():
            summed[line] = summed.get(line, 0) + units
    return summed


def _store_units(wish: Wish, facts: Facts) -> dict[int, int]:
    """What the store has to take off, less what it took off by itself while we still shipped it."""
    if facts.told_the_store or facts.cancelled_in_store:
        return {}
    taken = _not_gone(facts) if wish.purpose == "cancel" else wish.wanted
    off = {line.id: max(0, line.to_ship - line.units) for line in facts.lines}
    return {line: units - off.get(line, 0) for line, units in taken.items() if units > off.get(line, 0)}


def _stop_work(facts: Facts) -> Step:
    return Step(
        kind="stop_work", subject=f"order/{facts.order}", sentence="Stop the work that is under way for this order."
    )


def _settle_labels(taken: Sequence[ShipmentFacts], facts: Facts) -> list[Step]:
    """A purchase that was meant may have happened: the carrier knows."""
    return [
        Step(
            kind="settle_label",
            subject=f"label/{label.id}",
            sentence=f"Ask the carrier whether a label was bought for parcel {parcel.id}.",
        )
        for parcel, label in _labels(taken, facts, "intended")
    ]


def _settle_announcements(facts: Facts) -> list[Step]:
    """The buyer may have been told of a parcel already: the storefront knows. What stays is settled too, for the store
    asks no more for what it shows as shipped.
    """
    return [
        Step(
            kind="settle_announcement",
            subject=f"shipment/{shipment.id}",
            sentence=f"Ask the store whether it shows shipment {shipment.id} as shipped already.",
        )
        for shipment in facts.shipments
        if shipment.in_doubt
    ]


def _settle_deliveries(facts: Facts) -> list[Step]:
    """The store may show what nobody knows of. Of an order that goes on, the delivery's own job finds that out."""
    return [
        Step(
            kind="settle_delivery",
            subject=f"delivery/{one.id}",
            sentence="Ask the store whether it shows what was delivered digitally.",
        )
        for one in facts.deliveries
        if one.in_doubt
    ]


def _void_labels(taken: Sequence[ShipmentFacts], facts: Facts) -> list[Step]:
    return [
        Step(
            kind="void_label",
            subject=f"label/{label.id}",
            amount_minor=label.cost_minor,
            currency=label.currency,
            sentence=f"Ask the carrier to take label {label.tracking_code} back.",
        )
        for _, label in _labels(taken, facts, "bought")
    ]


def _labels(taken: Sequence[ShipmentFacts], facts: Facts, state: str) -> list[tuple[ParcelFacts, LabelFacts]]:
    """The labels of what does not leave; of what was withdrawn before, too."""
    stopped = [one for one in facts.shipments if one.state == "cancelled"]
    return [
        (parcel, label)
        for shipment in sorted((*taken, *stopped), key=lambda one: one.id)
        for parcel in shipment.parcels
        for label in parcel.labels
        if label.state == state and parcel.carrier_status not in ON_THE_ROAD
    ]


def _take_back(shipment: ShipmentFacts) -> list[Step]:
    units = sum(shipment.units.values())
    subject = f"shipment/{shipment.id}"
    if shipment.state != "announced":
        sentence = f"Give {_counted(units)} free again at {shipment.location}."
        return [Step(kind="release_stock", subject=subject, units=units, sentence=sentence)]
    return [
        *(
            Step(
                kind="cancel_fulfillment",
                subject=subject,
                remote_id=remote_id,
                sentence=f"Take the announcement of shipment {shipment.id} back in the store.",
            )
            for remote_id in shipment.fulfillments
        ),
        Step(
            kind="put_back_stock",
            subject=subject,
            units=units,
            sentence=f"Put {_counted(units)} back on the shelf at {shipment.location}.",
        ),
    ]


def _undeliver(facts: Facts) -> list[Step]:
    """A store cancels no order that it shows anything of as delivered."""
    sentence = "Take the digital delivery back in the store. What the buyer was sent stays with them."
    return [
        Step(kind="cancel_delivery", subject=f"delivery/{one.id}", remote_id=remote_id, sentence=sentence)
        for one in facts.deliveries
        for remote_id in one.fulfillments
    ]


def _in_store(wish: Wish, facts: Facts, store_units: Mapping[int, int], *, whole: bool) -> list[Step]:
    """What the store is asked for; a wish that came from there has been done there."""
    if wish.purpose == "replan" or wish.origin == "store":
        return []
    subject = f"order/{facts.order}"
    money = ", which gives the money back" if wish.refund and facts.store_holds_the_money else ""
    if whole:
        if facts.cancelled_in_store or facts.told_the_store:
            return []
        return [
            *_undeliver(facts),
            Step(kind="cancel_in_store", subject=subject, sentence=f"Cancel the order in the store{money}."),
        ]
    units = sum(store_units.values())
    if not units:
        return []
    sentence = f"Take {_counted(units)} off the order in the store{money}."
    return [Step(kind="refund_in_store", subject=subject, units=units, sentence=sentence)]


def _plan_again(facts: Facts) -> Step:
    return Step(kind="plan_again", subject=f"order/{facts.order}", sentence="Plan what is still wanted anew.")


def _counted(units: int) -> str:
    return f"{units} {'unit' if units == 1 else 'units'}"
