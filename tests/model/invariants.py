"""What must hold at every moment, whatever came before: asked of our records and of the vendors' own."""

from __future__ import annotations

from tests import patient
from tests.world import STRIPE_KEY, World

# (what would be broken, the rows that break it)
ALWAYS: tuple[tuple[str, str], ...] = (
    (
        "units are held for a line nobody waits for",
        (
            "SELECT r.id, r.state, s.state AS shipment, o.state AS order FROM reservations r "
            "JOIN shipments s ON s.tenant_id = r.tenant_id AND s.id = r.shipment_id "
            "JOIN orders o ON o.tenant_id = r.tenant_id AND o.id = r.order_id "
            "WHERE r.state = 'held' AND (s.state NOT IN ('planned', 'labelled') OR o.state IN ('cancelled', 'closed'))"
        ),
    ),
    (
        "a level promises more than it has, or less than it holds",
        (
            "SELECT l.* FROM stock_levels l WHERE l.reserved < 0 OR l.on_hand < l.reserved OR l.reserved <> coalesce(("
            "SELECT sum(units) FROM reservations r WHERE r.tenant_id = l.tenant_id AND r.variant_id = l.variant_id "
            "AND r.location_id = l.location_id AND r.state = 'held'), 0)"
        ),
    ),
    (
        "a level is not the sum of its movements",
        (
            "SELECT l.*, m.hand, m.held FROM stock_levels l JOIN (SELECT tenant_id, variant_id, location_id, "
            "sum(on_hand_change) AS hand, sum(reserved_change) AS held FROM movements GROUP BY 1, 2, 3) m "
            "USING (tenant_id, variant_id, location_id) WHERE m.hand <> l.on_hand OR m.held <> l.reserved"
        ),
    ),
    (
        "a parcel has two live labels",
        "SELECT parcel_id FROM labels WHERE state IN ('intended', 'bought') GROUP BY parcel_id HAVING count(*) > 1",
    ),
    (
        "a shipment that left bears no label",
        (
            "SELECT s.id, p.id FROM shipments s JOIN parcels p ON p.tenant_id = s.tenant_id AND p.shipment_id = s.id "
            "WHERE s.state IN ('labelled', 'announced', 'handed_over') AND NOT EXISTS (SELECT 1 FROM labels l "
            "WHERE l.tenant_id = p.tenant_id AND l.parcel_id = p.id AND l.state <> 'failed')"
        ),
    ),
    (
        "an order waits for nobody",
        (
            "SELECT o.id, o.state FROM orders o WHERE o.state NOT IN ('fulfilled', 'closed', 'cancelled') "
            "AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.tenant_id = o.tenant_id AND j.lane = 'order/' || o.id "
            "AND j.state IN ('due', 'running', 'parked')) "
            "AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.tenant_id = o.tenant_id AND h.order_id = o.id "
            "AND h.state = 'open')"
        ),
    ),
    (
        "a reversal is under way and nobody works on it or is asked",
        (
            "SELECT r.id FROM reversals r WHERE r.state = 'under_way' "
            "AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.tenant_id = r.tenant_id AND j.lane = 'order/' || r.order_id "
            "AND j.state IN ('due', 'running', 'parked')) "
            "AND NOT EXISTS (SELECT 1 FROM reversal_steps s WHERE s.tenant_id = r.tenant_id AND s.reversal_id = r.id "
            "AND s.state = 'asks')"
        ),
    ),
)


def check(world: World) -> None:
    """Raises AssertionError naming what is broken and the rows that break it."""
    for broken, sql in ALWAYS:
        assert world.rows(sql) == [], broken
    _one_purchase_an_attempt(world)
    _one_refund_a_step(world)


def check_at_rest(world: World) -> None:
    """What is asked of the vendors' own doors, which a fault that waits for its call would answer otherwise."""
    check(world)
    _refunds_within_captures(world)


def _one_purchase_an_attempt(world: World) -> None:
    bought = [one["reference"] for one in world.labels_bought()]
    assert len(bought) == len(set(bought)), f"one attempt was bought twice: {sorted(bought)}"
    live = [one for one in world.labels_bought() if one["refund_status"] in {None, ""}]
    attempts = {row.id: row for row in world.rows("SELECT id, parcel_id, state FROM labels")}
    parcels = [attempts[int(one["reference"].rpartition("-")[2])].parcel_id for one in live]
    void_due = {row.parcel_id for row in attempts.values() if row.state in {"void_requested", "void_refused", "spent"}}
    doubled = {parcel for parcel in parcels if parcels.count(parcel) > 1} - void_due
    assert not doubled, f"the carrier holds two labels that nobody gives back for parcels {doubled}"


def _one_refund_a_step(world: World) -> None:
    (meant,) = world.rows(
        "SELECT count(*) FILTER (WHERE kind = 'refund_payment') AS elsewhere, "
        "count(*) FILTER (WHERE kind = 'refund_in_store') AS in_store FROM reversal_steps"
    )
    assert len(world.calls(vendor="stripe", operation="refund.create", effect="true")) <= meant.elsewhere
    assert len(world.calls(vendor="shopify", operation="refundCreate", effect="true")) <= meant.in_store


def _refunds_within_captures(world: World) -> None:
    """Asked of those who moved the money; our own totals say nothing that we did not make consistent ourselves."""
    charges = patient.get(
        f"{world.sandbox}/v1/charges?limit=100", headers={"Authorization": f"Bearer {STRIPE_KEY}"}
    ).json()["data"]
    for charge in charges:
        given = [one for one in stripe_refunds(world, charge["id"]) if one["status"] in {"succeeded", "pending"}]
        assert sum(one["amount"] for one in given) <= charge["amount_captured"], charge["id"]
        marks = [one["metadata"].get("packline_mark") for one in given if one["metadata"].get("packline_mark")]
        assert len(marks) == len(set(marks)), f"one refund was made twice: {marks}"
    for order in world.store_orders().values():
        assert float(order["refunded"]) <= float(order["received"]), order["name"]


def stripe_refunds(world: World, charge: str) -> list[dict]:
    answered = patient.get(
        f"{world.sandbox}/v1/refunds?charge={charge}&limit=100", headers={"Authorization": f"Bearer {STRIPE_KEY}"}
    )
    return answered.json()["data"]
