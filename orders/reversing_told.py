"""Says of a plan to take something back what stays as it is, and what is paid for already. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from integrations.nouns import Money
from orders.reversal import ON_THE_ROAD, Facts, ShipmentFacts, Step, Wish


def stays(wish: Wish, facts: Facts, gone: Sequence[ShipmentFacts], excess: Mapping[int, int]) -> list[str]:
    """One sentence for each shipment that has left with something that is not wanted; `excess` is units by line."""
    titles = {line.id: line.title for line in facts.lines}
    said = []
    for shipment in gone:
        unwanted = wish.purpose == "cancel" or any(excess.get(line, 0) > 0 for line in shipment.units)
        if unwanted and wish.purpose != "replan":
            goods = ", ".join(f"{units} × {titles.get(line, line)}" for line, units in sorted(shipment.units.items()))
            said.append(
                f"Shipment {shipment.id} has left ({_whereabouts(shipment)}) with {goods}: it cannot be taken back, "
                "only sent back by the buyer."
            )
    if wish.purpose == "cancel":
        said += [
            f"{supplier} has accepted to ship a part of it: they are asked to stop, and only they can say whether it "
            "is in time."
            for supplier in facts.promised_by
        ]
    return said


def costs(steps: Sequence[Step], facts: Facts) -> tuple[str, ...]:
    """What is paid for already and may or will come back, by currency."""
    labels: dict[str, list[int]] = {}
    for step in steps:
        if step.kind == "void_label":
            labels.setdefault(step.currency or facts.currency, []).append(step.amount_minor or 0)
    return tuple(
        f"{len(costs)} {'label' if len(costs) == 1 else 'labels'}, {Money(minor=sum(costs), currency=currency)}: "
        "the carrier decides within 15 days whether the postage comes back."
        for currency, costs in sorted(labels.items())
    )


def _whereabouts(shipment: ShipmentFacts) -> str:
    seen = [one.carrier_status.replace("_", " ") for one in shipment.parcels if one.carrier_status in ON_THE_ROAD]
    return ", ".join(dict.fromkeys(seen)) or "handed over"
