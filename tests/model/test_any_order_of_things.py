"""Orders live through whatever may happen to them, in any order; after every step the books are right.

The model is small and pure: what each buyer was promised, and how much of it was taken back. The world is real: the
store, the payment provider and the carrier of the sandbox, the door, the database and the jobs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from jobs import desk, runner
from orders.reversal import ON_THE_ROAD, Wish
from orders.taking_back import Begun
from tests import patient
from tests.conftest import EMPTY_TABLES, FIRST_IDS
from tests.dying import work_off_until
from tests.model import invariants
from tests.world import STRIPE_KEY, World, variant

STOCK = 30
PRICE_MINOR = 1_200
# What is done outside, and the questions by which it can be found out whether it was.
ACTS = {
    ("easypost", "shipment.buy"): ("shipment.retrieve",),
    ("easypost", "shipment.refund"): ("shipment.retrieve",),
    ("shopify", "fulfillmentCreate"): ("order",),
    ("shopify", "fulfillmentCancel"): ("fulfillment",),
    ("shopify", "orderCancel"): ("order",),
    ("shopify", "refundCreate"): ("order",),
    ("shopify", "orderMarkAsPaid"): ("order",),
    ("stripe", "refund.create"): ("refund.list", "payment_intent.retrieve"),
    ("stripe", "payment_intent.cancel"): ("payment_intent.retrieve",),
}


@dataclass
class Promised:
    """One order as its buyer knows it."""

    placed: dict
    units: int
    paid: bool
    paid_units: int = 0
    """Units that the money was for when it came: more of them later cost more."""
    cancelled: bool = False
    edited: bool = False
    taken: int = 0
    """Units that a person took back, if there was still time for it."""
    by_person: bool = False
    stripe_minor: int = 0
    intent: str = ""
    """The payment at Stripe, if there is one."""


@dataclass
class Model:
    orders: list[Promised] = field(default_factory=list)

    @property
    def open(self) -> list[Promised]:
        """What buyers and merchants still do something with."""
        return [order for order in self.orders if not order.cancelled and order.taken < order.units]


class AnyOrderOfThings(RuleBasedStateMachine):
    """The rules of a life; bound (`bound_to`) to one world that is emptied before each, and to one count."""

    world: ClassVar[World]
    happened: ClassVar[Counter[str]]

    @initialize()
    def open_the_shop(self) -> None:
        empty(self.world)
        self.world.open_shop(variants=[variant("BAG", stock={"Reno": STOCK, "Newark": STOCK}, price="12.00")])
        self.model = Model()

    # ---------------------------------------------------------------- what buyers and merchants do

    @precondition(lambda self: len(self.model.orders) < 6)
    @rule(units=st.integers(1, 3), paid=st.booleans())
    def place(self, units: int, paid: bool) -> None:
        placed = self.world.place(("BAG", units), financial_status="paid" if paid else "pending")
        self.model.orders.append(Promised(placed=placed, units=units, paid=paid, paid_units=units))

    @precondition(lambda self: any(not order.paid for order in self.model.open))
    @rule(pick=st.integers(0, 5), at_stripe=st.booleans(), only_authorised=st.booleans())
    def pay(self, pick: int, at_stripe: bool, only_authorised: bool) -> None:
        unpaid = [order for order in self.model.open if not order.paid]
        order = unpaid[pick % len(unpaid)]
        if order.intent:
            self.world.control("POST", f"/stripe/payments/{order.intent}/capture", {})
        elif at_stripe:
            order.stripe_minor = round(float(order.placed["total_price"]) * 100)
            more = order.units - order.placed["lines"][0]["quantity"]
            order.stripe_minor += more * PRICE_MINOR
            outcome = "requires_capture" if only_authorised else "succeeded"
            paid = self.world.control("POST", "/stripe/payments", {
                "key": STRIPE_KEY, "amount": order.stripe_minor, "currency": "usd", "outcome": outcome,
                "metadata": {"order_name": order.placed["name"]}})  # fmt: skip
            order.intent = paid["id"]
            if only_authorised:
                return
        else:
            self.world.control("POST", f"/shopify/orders/{order.placed['id']}/pay", {})
        order.paid, order.paid_units = True, order.units

    @precondition(lambda self: bool(self.model.open))
    @rule(pick=st.integers(0, 5))
    def cancel_in_the_store(self, pick: int) -> None:
        order = self.model.open[pick % len(self.model.open)]
        if self.world.fulfillments(order.placed):
            return  # a store refuses to cancel what it knows to have shipped
        self.world.control("POST", f"/shopify/orders/{order.placed['id']}/cancel", {"reason": "CUSTOMER"})
        order.cancelled = True

    @precondition(lambda self: bool(self.model.open))
    @rule(pick=st.integers(0, 5), units=st.integers(1, 4))
    def edit_in_the_store(self, pick: int, units: int) -> None:
        order = self.model.open[pick % len(self.model.open)]
        if self.world.fulfillments(order.placed) or order.taken:
            return  # a store lets nobody edit what it knows to have shipped
        line = {"sku": "BAG", "quantity": units}
        self.world.control("POST", f"/shopify/orders/{order.placed['id']}/edit", {"lines": [line]})
        order.units = units
        order.edited = True

    @precondition(lambda self: len(self.model.orders) < 8)
    @rule(boundary=st.integers(5, 60), then=st.sampled_from(["edit", "take all back", "take a part back"]))
    def minds_change_on_the_way(self, boundary: int, then: str) -> None:
        """An order is stopped wherever it has got to, and is wanted otherwise from then on."""
        self.place(3, True)
        self.world.heard()
        for lane in self.world.due_lanes():
            runner.work_off(self.world.services, self.world.tenant, lane)  # what was heard
        for lane in self.world.due_lanes():
            if die_in(self.world, lane, boundary):
                self.happened["a worker died"] += 1
        pick = self.model.open.index(self.model.orders[-1])
        if then == "edit":
            self.edit_in_the_store(pick, 1)
        else:
            self.a_person_cancels(pick, 1 if then == "take a part back" else 0)

    @precondition(lambda self: bool(self.model.open))
    @rule(pick=st.integers(0, 5), units=st.integers(0, 2))
    def a_person_cancels(self, pick: int, units: int) -> None:
        """All of it where `units` is 0."""
        order = self.model.open[pick % len(self.model.open)]
        row = self.world.rows(
            "SELECT o.id, l.id AS line, l.units FROM orders o JOIN order_lines l ON l.order_id = o.id "
            "WHERE o.remote_id = :id",
            id=order.placed["admin_graphql_api_id"],
        )
        if not row or row[0].units != order.units:
            return  # Packline has not heard of it, or not of its newest version
        part = 0 < units < order.units
        wish = Wish(purpose="cancel_lines" if part else "cancel", wanted={row[0].line: units} if part else {})
        with self.world.reading() as session:
            begun = desk.cancel(session, self.world.tenant, row[0].id, wish, by="person:Ann")
        if isinstance(begun, Begun):
            order.taken += units if part else order.units
            order.by_person = True

    @rule(pick=st.integers(0, 9))
    def a_person_wants_another_label(self, pick: int) -> None:
        parcels = self.world.rows("SELECT id FROM parcels ORDER BY id")
        if parcels:
            with self.world.reading() as session:
                desk.relabel(session, self.world.tenant, parcels[pick % len(parcels)].id, by="person:Ann", reason="box")

    # ---------------------------------------------------------------- what the outside does

    @rule(pick=st.integers(0, 9), status=st.sampled_from(["in_transit", "out_for_delivery", "delivered"]))
    def the_carrier_scans(self, pick: int, status: str) -> None:
        labels = [one for one in self.world.labels_bought() if one["tracking_code"] and not one["refund_status"]]
        if labels:
            code = labels[pick % len(labels)]["tracking_code"]
            self.world.control("POST", f"/easypost/trackers/{code}/move", {"status": status})

    @rule()
    def vendors_repeat_themselves(self) -> None:
        self.world.control("POST", "/deliveries/replay", {"times": 1, "shuffle": True})

    @rule(where=st.sampled_from(sorted(ACTS)), kind=st.sampled_from(["5xx", "cut_after", "5xx_after", "429"]))
    def a_vendor_stumbles(self, where: tuple[str, str], kind: str) -> None:
        self.world.fault(vendor=where[0], operation=where[1], kind=kind, times=1, retry_after=1, delay_s=0.01)

    @rule(where=st.sampled_from(sorted(ACTS)))
    def a_vendor_acts_and_cannot_be_asked_about_it(self, where: tuple[str, str]) -> None:
        """What was done stays unknown, and whatever else is due for the order comes before the next try."""
        vendor, operation = where
        self.world.fault(vendor=vendor, operation=operation, kind="cut_after", times=1, delay_s=0.01)
        for question in ACTS[where]:
            self.world.fault(vendor=vendor, operation=question, kind="5xx", times=2, skip=0)

    # ---------------------------------------------------------------- what Packline does

    @rule()
    def deliveries_arrive(self) -> None:
        self.world.heard()

    @rule(again=st.booleans())
    def things_take_their_course(self, again: bool) -> None:
        self.world.heard()
        self.world.work_off()
        if again:
            self.world.heard()
            self.world.work_off()

    @rule()
    def a_quiet_night(self) -> None:
        self.world.hurry_but_voids()
        self.world.heard()
        self.world.work_off()

    @rule(lanes=st.integers(1, 4))
    def work(self, lanes: int) -> None:
        for lane in self.world.due_lanes()[:lanes]:
            runner.work_off(self.world.services, self.world.tenant, lane)

    @rule()
    def time_passes(self) -> None:
        self.world.hurry()

    @rule(boundary=st.integers(1, 12), pick=st.integers(0, 9))
    def a_worker_dies(self, boundary: int, pick: int) -> None:
        lanes = self.world.due_lanes()
        if lanes and die_in(self.world, lanes[pick % len(lanes)], boundary):
            self.happened["a worker died"] += 1

    @rule(vendor=st.sampled_from(["shopify", "stripe", "easypost"]))
    def records_are_compared(self, vendor: str) -> None:
        with self.world.reading() as session:
            desk.compare(session, self.world.tenant, self.world.connections[vendor])
        runner.work_off(self.world.services, self.world.tenant, f"connection/{self.world.connections[vendor]}")

    @rule()
    def a_person_retries_everything(self) -> None:
        with self.world.reading() as session:
            for row in self.world.rows("SELECT id FROM jobs WHERE state = 'parked'"):
                desk.retry(session, self.world.tenant, row.id, by="person:Ann")

    # ---------------------------------------------------------------- what must hold

    @invariant()
    def the_books_are_right(self) -> None:
        invariants.check(self.world)

    def teardown(self) -> None:
        if hasattr(self, "model"):
            rest(self.world)
            self.all_ended_as_promised()
            everything_arrives(self.world)
            self.all_ended_as_promised()
            self.happened.update(what_happened(self.world))

    def all_ended_as_promised(self) -> None:
        invariants.check_at_rest(self.world)
        for order in self.model.orders:
            ended_as_promised(self.world, order)


def bound_to(world: World, happened: Counter[str]) -> type[RuleBasedStateMachine]:
    """Hypothesis makes a machine of the class itself for each life, so what they share stands on a class."""
    return type("Bound", (AnyOrderOfThings,), {"world": world, "happened": happened})


def empty(world: World) -> None:
    world.control("POST", "/deliveries/plan", {})
    world.heard()
    world.control("POST", "/reset")
    with world.engine.begin() as connection:
        connection.exec_driver_sql(f"DO $$ BEGIN {EMPTY_TABLES}; END $$")
        connection.execute(FIRST_IDS)
    # The door remembers a shop's connection for some seconds; the next life has another one of the same name.
    world.door.extensions["known_connections"]._kept.clear()


def die_in(world: World, lane: str, boundary: int) -> bool:
    """Work a lane off until the n-th boundary, and be gone; the lease runs out. Answers whether it got that far."""
    died = work_off_until(world, lane, boundary) == boundary
    with world.engine.begin() as connection:
        connection.execute(
            text("UPDATE jobs SET lease_until = now() - interval '1 second' WHERE state = 'running' AND lane = :lane"),
            {"lane": lane},
        )
        # A person finds out that it was the test that killed, three times or not.
        connection.execute(text("UPDATE jobs SET deaths = 0 WHERE state = 'running'"))
    return died


def rest(world: World) -> None:
    """Let all faults end and everything that waits be done, until nothing moves any more."""
    world.control("DELETE", "/faults")
    for _ in range(40):
        for row in world.rows("SELECT lane FROM jobs WHERE state = 'running'"):
            runner.work_off(world.services, world.tenant, row.lane)
        with world.reading() as session:
            for row in world.rows("SELECT id FROM jobs WHERE state = 'parked' AND cause <> 'void_refused'"):
                desk.retry(session, world.tenant, row.id, by="person:Ann")
        world.hurry_but_voids()
        world.settle()
        waiting = world.rows("SELECT kind FROM jobs WHERE state IN ('due', 'running') AND kind <> 'void_label'")
        if not waiting:
            return
    raise AssertionError(f"still waiting: {waiting}")


def everything_arrives(world: World) -> None:
    for label in world.labels_bought():
        if label["tracking_code"] and not label["refund_status"]:
            world.control("POST", f"/easypost/trackers/{label['tracking_code']}/move", {"status": "delivered"})
    rest(world)


def ended_as_promised(world: World, order: Promised) -> None:
    row = world.order(order.placed)
    name = order.placed["name"]
    left = shipped_units(world, row.id)
    if order.cancelled or (order.by_person and row.state == "cancelled"):
        assert (row.state, left) == ("cancelled", 0), name
        assert [one for one in world.fulfillments(order.placed) if one["status"] != "CANCELLED"] == []
        money_went_back(world, order)
    elif order.paid and order.units - order.taken > order.paid_units:
        assert world.open_holds(order.placed) in ([], ["payment"]), name
    elif order.edited and world.rows(GONE_AS_IT_WAS, order=row.id, moving=sorted(ON_THE_ROAD)):
        assert (row.state, left) == ("shipping", 0), name
    elif order.paid or left:
        astray = world.rows(ASTRAY, order=row.id, moving=sorted(ON_THE_ROAD))
        assert (row.state, world.open_holds(order.placed)) == ("fulfilled", ["taken_back"] if astray else []), name
        # What a person took back late had left already, and stays.
        assert left == order.units - order.taken or order.by_person, name
        standing = [one for one in world.fulfillments(order.placed) if one["status"] != "CANCELLED"]
        assert len(standing) == len(world.rows(LEFT, order=row.id)), name
    else:
        assert (row.state, world.open_holds(order.placed)) == ("verified", ["payment"]), name


# What a long run has to have led to at least once, over all its lives of orders, and a short one: else it has shown
# nothing. What is rarer (a label replaced, an act adopted) has stories of its own.
HAPPENED = {
    "a worker died": "",
    "an order was fulfilled": "SELECT id FROM orders WHERE state = 'fulfilled'",
    "an order was cancelled": "SELECT id FROM orders WHERE state = 'cancelled'",
    "a whole order was taken back": "SELECT id FROM reversals WHERE state = 'done' AND purpose = 'cancel'",
    "a part was taken back": "SELECT id FROM reversals WHERE state = 'done' AND purpose = 'cancel_lines'",
    "a plan was drawn anew": "SELECT id FROM reversals WHERE state = 'done' AND purpose = 'replan'",
    "a label was given back": "SELECT id FROM labels WHERE state = 'void_requested'",
    "an announcement was taken back": "SELECT id FROM reversal_steps WHERE kind = 'cancel_fulfillment' AND state = 'done'",
    "money went back": "SELECT id FROM reversal_steps WHERE kind LIKE 'refund%' AND state = 'done'",
    "records were compared": "SELECT id FROM comparisons WHERE state = 'done'",
    "a parcel arrived": "SELECT id FROM parcels WHERE carrier_status = 'delivered'",
}

USUAL = frozenset({"a worker died", "an order was fulfilled", "an order was cancelled", "a parcel arrived"})


def what_happened(world: World) -> Counter[str]:
    return Counter({what: len(world.rows(sql)) for what, sql in HAPPENED.items() if sql})


# What the carrier scanned although it was taken back is a person's to judge.
ASTRAY = (
    "SELECT p.id FROM parcels p JOIN shipments s ON s.id = p.shipment_id "
    "WHERE s.order_id = :order AND s.state = 'cancelled' AND p.carrier_status = ANY(:moving)"
)
# What the carrier had before the store knew of it, with more than the store wants by now: a person is asked by the
# announcement that the store refuses.
GONE_AS_IT_WAS = (
    "SELECT j.id FROM jobs j JOIN shipments s ON j.subject = 'shipment/' || s.id JOIN parcels p ON p.shipment_id = s.id "
    "WHERE s.order_id = :order AND j.kind = 'push_tracking' AND j.state = 'parked' AND j.cause = 'not_open' "
    "AND p.carrier_status = ANY(:moving)"
)
LEFT = "SELECT id FROM shipments WHERE order_id = :order AND state IN ('announced', 'handed_over')"


def money_went_back(world: World, order: Promised) -> None:
    """Whoever took the money of a cancelled order has given it back, or a person is asked about it."""
    asked = {"refund", "refund_failed"} & set(world.open_holds(order.placed))
    if order.intent:
        intent = stripe(world, f"payment_intents/{order.intent}?expand[]=latest_charge")
        charge = intent["latest_charge"] or {"amount_captured": 0, "amount_refunded": 0}
        # An authorisation that is given up counts as refunded at Stripe, though nothing was ever taken.
        left = max(0, charge["amount_captured"] - charge["amount_refunded"])
        assert intent["status"] != "requires_capture" or asked, order.placed["name"]
    else:
        store = world.store_orders()[order.placed["name"]]
        left = round(100 * (float(store["received"]) - float(store["refunded"])))
    assert left == 0 or asked, (order.placed["name"], left)


def stripe(world: World, path: str) -> dict:
    answered = patient.get(f"{world.sandbox}/v1/{path}", headers={"Authorization": f"Bearer {STRIPE_KEY}"})
    answered.raise_for_status()
    return answered.json()


def shipped_units(world: World, order: int) -> int:
    (row,) = world.rows(
        "SELECT coalesce(sum(l.units), 0) AS units FROM shipment_lines l JOIN shipments s ON s.id = l.shipment_id "
        "WHERE s.order_id = :order AND s.state IN ('announced', 'handed_over')",
        order=order,
    )
    return int(row.units)


@pytest.mark.drill
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("lives", "must_happen"), [(6, USUAL), pytest.param(40, frozenset(HAPPENED), marks=pytest.mark.long)]
)
def test_orders_end_as_promised_in_whatever_order_things_happen(world: World, lives: int, must_happen: frozenset[str]):
    happened: Counter[str] = Counter()
    run_state_machine_as_test(
        bound_to(world, happened),
        settings=settings(
            max_examples=lives,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            # A failing life of an order is told as it was; making it shorter would cost a hundred more of them.
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert {what for what in must_happen if not happened[what]} == set()
