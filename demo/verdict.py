"""Holds what became of every order against what had to become of it: in our records and in the sandbox vendors'."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from demo.scenarios import End, Scenario
from demo.stage import Stage
from demo.store import SHOP, Json
from demo.story import Play


@dataclass(frozen=True, kw_only=True)
class Found:
    """What became of one order; `wrong` says in words what is not as it has to be."""

    name: str
    title: str
    state: str
    holds: tuple[str, ...]
    tracking: tuple[str, ...]
    wrong: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    orders: tuple[Found, ...]
    states: Counter[str]
    labels: int
    parcels_shipped: int
    voided: int
    cost_minor: int
    in_store: int
    parked: tuple[tuple[str, str, str], ...]
    wrong: tuple[str, ...]

    @property
    def good(self) -> bool:
        return not self.wrong and all(not order.wrong for order in self.orders)


def judge(play: Play) -> Verdict:
    """Look at everything."""
    stage = play.stage
    store = {order["name"]: order for order in stage.control("GET", f"/shopify/orders?shop={SHOP}", None)["orders"]}
    bought = [one for one in stage.control("GET", "/easypost/shipments", None)["shipments"] if one["bought"]]
    ours = _our_orders(stage, play.tenant)
    orders = tuple(
        _found(scenario, ours.get(play.placed[number]["name"], {}), store[play.placed[number]["name"]])
        for number, scenario in enumerate(play.scenarios)
    )
    labels = _our_labels(stage, play.tenant)
    return Verdict(
        orders=orders,
        states=Counter(order.state for order in orders),
        labels=len(labels),
        parcels_shipped=sum(label["shipped"] for label in labels),
        voided=sum(label["state"] in {"void_requested", "voided"} for label in labels),
        cost_minor=sum(label["cost_minor"] for label in labels),
        in_store=sum(len(order.tracking) for order in orders),
        parked=tuple(_parked(stage, play.tenant)),
        wrong=tuple(_wrong_with_labels(labels, bought)),
    )


def _found(scenario: Scenario, ours: Json, theirs: Json) -> Found:
    numbers = tuple(
        sorted(
            tracking["number"]
            for fulfillment in theirs["fulfillments"]
            if fulfillment["status"] != "CANCELLED"
            for tracking in fulfillment["tracking"]
        )
    )
    return Found(
        name=theirs["name"],
        title=scenario.title,
        state=ours.get("state", "unknown to Packline"),
        holds=tuple(ours.get("holds", ())),
        tracking=numbers,
        wrong=tuple(_wrong(scenario.end, ours, theirs, numbers)),
    )


def _wrong(end: End, ours: Json, theirs: Json, numbers: tuple[str, ...]) -> list[str]:
    fulfillments = [one for one in theirs["fulfillments"] if one["status"] != "CANCELLED"]
    compared = (
        ("state", end.state, ours.get("state")),
        ("holds", sorted(end.holds), sorted(ours.get("holds", []))),
        ("labels", end.labels, ours.get("labels")),
        ("labels going back", end.voided, ours.get("voided")),
        ("fulfillments in the store", end.fulfillments, len(fulfillments)),
        ("tracking numbers in the store", sorted(ours.get("tracking", [])), sorted(numbers)),
    )
    return [f"{what}: {found}, not {wanted}" for what, wanted, found in compared if wanted != found]


def _our_orders(stage: Stage, tenant: int) -> dict[str, Json]:
    rows = _rows(
        stage,
        """
        SELECT o.name, o.state,
               (SELECT coalesce(array_agg(h.kind), '{}') FROM holds h
                WHERE h.tenant_id = o.tenant_id AND h.order_id = o.id AND h.state = 'open') AS holds,
               (SELECT count(*) FROM labels l WHERE l.tenant_id = o.tenant_id AND l.order_id = o.id
                  AND l.state <> 'intended') AS labels,
               (SELECT count(*) FROM labels l WHERE l.tenant_id = o.tenant_id AND l.order_id = o.id
                  AND l.state IN ('void_requested', 'voided')) AS voided,
               (SELECT coalesce(array_agg(p.tracking_code), '{}') FROM parcels p
                JOIN shipments s ON s.tenant_id = p.tenant_id AND s.id = p.shipment_id
                WHERE p.tenant_id = o.tenant_id AND p.order_id = o.id
                  AND s.state IN ('announced', 'handed_over')) AS tracking
        FROM orders o WHERE o.tenant_id = :tenant
        """,
        tenant,
    )
    return {row["name"]: row for row in rows}


def _our_labels(stage: Stage, tenant: int) -> list[Json]:
    return _rows(
        stage,
        """
        SELECT l.state, l.tracking_code, coalesce(l.cost_minor, 0) AS cost_minor,
               s.state IN ('announced', 'handed_over') AS shipped
        FROM labels l JOIN parcels p ON p.tenant_id = l.tenant_id AND p.id = l.parcel_id
        JOIN shipments s ON s.tenant_id = p.tenant_id AND s.id = p.shipment_id
        WHERE l.tenant_id = :tenant AND l.state <> 'intended'
        """,
        tenant,
    )


def _wrong_with_labels(labels: list[Json], bought: list[Json]) -> list[str]:
    ours, theirs = Counter(one["tracking_code"] for one in labels), Counter(one["tracking_code"] for one in bought)
    if ours == theirs:
        return []
    here, there = sorted((ours - theirs).elements()), sorted((theirs - ours).elements())
    return [f"labels only here: {here}, only at the carrier: {there}"]


def _parked(stage: Stage, tenant: int) -> list[tuple[str, str, str]]:
    rows = _rows(
        stage,
        "SELECT kind, reason, remedy FROM jobs WHERE tenant_id = :tenant AND state = 'parked' ORDER BY id",
        tenant,
    )
    return [(row["kind"], row["reason"], row["remedy"]) for row in rows]


def _rows(stage: Stage, sql: str, tenant: int) -> list[dict[str, Any]]:
    with stage.engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(sql), {"tenant": tenant}).mappings()]
