"""Says what would have been done for an order, and what the merchant did, in sentences and plain values. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from integrations.nouns import Money, StoreShipment
from orders.allocation import Pick

NOT_CHECKED = "not asked in shadow"
NOT_ASKED_YET = "the carrier was not asked yet"


@dataclass(frozen=True, kw_only=True)
class Priced:
    """One box as it would leave; `problem` says why it has no price."""

    warehouse: str
    weight_grams: int
    carrier: str = ""
    service: str = ""
    cost: Money | None = None
    transit_days: int | None = None
    why: str = ""
    problem: str = ""


def decided(
    picks: Sequence[Pick], boxes: Sequence[Priced], *, digest: str, leaves_at: datetime, priced: bool
) -> dict[str, Any]:
    """A decision as it is kept: plain values, and one of each for the table where the boxes agree.

    `priced` tells that the carrier has been asked about every box, whatever it answered.
    """
    costs = [box.cost for box in boxes if box.cost is not None]
    one_currency = len({cost.currency for cost in costs}) == 1 and len(costs) == len(boxes)
    return {
        "picks": [asdict(pick) for pick in picks],
        "parcels": [_kept(box) for box in boxes],
        "warehouse": _listed(box.warehouse for box in boxes),
        "carrier": _listed(box.carrier for box in boxes),
        "service": _listed(box.service for box in boxes),
        "cost_minor": sum(cost.minor for cost in costs) if one_currency else None,
        "currency": costs[0].currency if one_currency else "",
        "leaves_at": leaves_at.astimezone(UTC).isoformat(),
        "address": NOT_CHECKED,
        "digest": digest,
        "priced": priced,
    }


def sentence(boxes: Sequence[Priced], leaves_at: datetime) -> str:
    """What would have been done with an order, in one line."""
    parts = []
    for box in boxes:
        with_what = (
            f"{box.carrier} {box.service}, {box.cost}"
            if box.cost is not None
            else f"no price ({box.problem or NOT_ASKED_YET})"
        )
        parts.append(f"{box.warehouse}, {with_what}")
    counted = "" if len(parts) == 1 else f"In {len(parts)} boxes: "
    return f"{counted}{'; '.join(parts)}. It would have left on {leaves_at:%Y-%m-%d}."


def merchant_did(
    shipped: Sequence[StoreShipment], places: Mapping[str, str], *, shipping_paid: Money | None
) -> dict[str, Any]:
    """What the store shows as shipped. `places` is the names of locations by the store's ids."""
    standing = [one for one in shipped if one.stands]
    made = [one.made_at for one in standing if one.made_at is not None]
    return {
        "warehouse": _listed(places.get(one.location_remote_id, "") for one in standing),
        "carrier": _listed(one.carrier for one in standing),
        "numbers": [number for one in standing for number in one.numbers],
        "shipments": len(standing),
        "left_at": min(made).astimezone(UTC).isoformat() if made else "",
        **paid_by_buyer(shipping_paid),
    }


def told(did: Mapping[str, Any]) -> str:
    """What the merchant did, as the middle of a sentence."""
    parts = [did.get("warehouse"), did.get("carrier"), ", ".join(did.get("numbers", ()))]
    return ", ".join(part for part in parts if part) or "without a carrier or a number"


def paid_by_buyer(shipping_paid: Money | None) -> dict[str, Any]:
    if shipping_paid is None:
        return {}
    return {"shipping_paid_minor": shipping_paid.minor, "shipping_paid_currency": shipping_paid.currency}


def is_left_alone(placed_at: datetime | None, live_since: str) -> bool:
    """Whether an order is from before the day from which the merchant lets Packline ship. `live_since` is ISO 8601."""
    return bool(live_since) and placed_at is not None and placed_at < datetime.fromisoformat(live_since)


def _kept(box: Priced) -> dict[str, Any]:
    return {
        "warehouse": box.warehouse,
        "weight_grams": box.weight_grams,
        "carrier": box.carrier,
        "service": box.service,
        "cost_minor": None if box.cost is None else box.cost.minor,
        "currency": "" if box.cost is None else box.cost.currency,
        "transit_days": box.transit_days,
        "why": box.why,
        "problem": box.problem,
    }


def _listed(names: Any) -> str:
    return ", ".join(dict.fromkeys(name for name in names if name))
