"""Asking for rates anew, and dividing a shipment: what moves, and what is left alone."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select

from integrations.nouns import Parcel as ParcelShape
from jobs import desk, queue
from orders import inventory
from orders.allocation import Pick
from orders.inventory import Holding
from records.orders import lines_of
from records.shipments import Label, Parcel, Shipment, ShipmentLine
from tests.shop import open_shop

JO = "person:jo"
BOX = ParcelShape(weight_grams=900, length_mm=300, width_mm=220, height_mm=120)


@pytest.fixture
def planned(shop):
    """An order of 3 bags and 2 mugs, reserved at Reno in one planned shipment of one parcel; answers the ids."""
    reno = shop.location()
    bag, mug = shop.variant("BAG", stock={reno: 10}), shop.variant("MUG", stock={reno: 10})
    order = shop.order((bag, 3), (mug, 2), state="allocated")
    with shop.transaction() as session:
        bags, mugs = (line.id for line in lines_of(session, shop.tenant, order))
        shipment = Shipment(tenant_id=shop.tenant, order_id=order, location_id=reno)
        session.add(shipment)
        session.flush()
        for line, units in ((bags, 3), (mugs, 2)):
            session.execute(
                insert(ShipmentLine).values(tenant_id=shop.tenant, shipment_id=shipment.id, line_id=line, units=units)
            )
        parcel = Parcel(
            tenant_id=shop.tenant, shipment_id=shipment.id, order_id=order, shape=BOX,
            contents={str(bags): 3, str(mugs): 2},
        )  # fmt: skip
        session.add(parcel)
        session.flush()
        picks = [
            Pick(line=bags, variant=bag, location=reno, units=3),
            Pick(line=mugs, variant=mug, location=reno, units=2),
        ]
        holdings = [Holding(pick=pick, shipment=shipment.id) for pick in picks]
        inventory.reserve(session, shop.tenant, order, holdings, actor="packline")
        return {"order": order, "shipment": shipment.id, "parcel": parcel.id, "bags": bags, "mugs": mugs}


def ask(shop, verb, *words):
    with shop.transaction() as session:
        return getattr(desk, verb)(session, shop.tenant, *words, by=JO)


def quoted(shop, planned, state="intended"):
    with shop.transaction() as session:
        label = Label(
            tenant_id=shop.tenant, parcel_id=planned["parcel"], order_id=planned["order"], connection_id="c",
            attempt=1, state=state, shipment_ref="shp_1", consignment_digest="d",
        )  # fmt: skip
        session.add(label)
        session.flush()
        return label.id


def due(shop):
    return shop.rows("SELECT kind, subject, lane FROM jobs WHERE state = 'due' ORDER BY id")


def test_a_divided_shipment_keeps_every_unit_reserved_and_asks_for_labels_of_its_own(shop, planned):
    levels = "SELECT on_hand, reserved FROM stock_levels ORDER BY variant_id"
    before = shop.rows(levels)

    assert ask(shop, "split", planned["shipment"], {planned["bags"]: 1, planned["mugs"]: 2}) == ""

    assert shop.rows(levels) == before == [(10, 3), (10, 2)]
    assert shop.rows("SELECT state FROM shipments ORDER BY id") == [("cancelled",), ("planned",), ("planned",)]
    units = "SELECT shipment_id, line_id, units FROM {} ORDER BY shipment_id, line_id"
    stays, apart = planned["shipment"] + 1, planned["shipment"] + 2
    told = [(stays, planned["bags"], 2), (apart, planned["bags"], 1), (apart, planned["mugs"], 2)]
    assert shop.rows(units.format("reservations")) == told
    assert shop.rows(units.format(f"shipment_lines WHERE shipment_id <> {planned['shipment']}")) == told
    assert shop.rows("SELECT DISTINCT state FROM reservations") == [("held",)]
    parcels = shop.rows("SELECT id, shipment_id FROM parcels WHERE shipment_id > :s ORDER BY id", s=planned["shipment"])
    assert [parcel[1] for parcel in parcels] == [stays, apart]
    lane = f"order/{planned['order']}"
    assert due(shop) == [("buy_label", f"parcel/{parcel}", lane) for parcel, _ in parcels]
    assert shop.story(planned["order"]) == [
        f"Divided shipment {planned['shipment']}: 3 of 5 units leave in a shipment of their own."
    ]


def test_half_of_a_line_of_two_halves_stays_behind(shop, planned):
    assert ask(shop, "split", planned["shipment"], {planned["mugs"]: 1}) == ""
    assert shop.rows("SELECT line_id, units FROM reservations WHERE state = 'held' ORDER BY shipment_id, line_id") == [
        (planned["bags"], 3), (planned["mugs"], 1), (planned["mugs"], 1),
    ]  # fmt: skip


def test_what_was_quoted_or_parked_for_the_old_boxes_is_given_up(shop, planned):
    label = quoted(shop, planned)
    with shop.transaction() as session:
        queue.add(session, shop.tenant, "buy_label", f"parcel/{planned['parcel']}", lane=f"order/{planned['order']}")
    shop.run("UPDATE jobs SET state = 'parked', cause = 'no_rates'")

    assert ask(shop, "split", planned["shipment"], {planned["bags"]: 1}) == ""

    assert shop.state("labels", label) == "failed"
    assert shop.rows("SELECT state, reason FROM jobs WHERE subject = :s", s=f"parcel/{planned['parcel']}") == [
        ("cancelled", "The shipment was divided.")
    ]


@pytest.mark.parametrize(
    "buying",
    [
        """INSERT INTO jobs (tenant_id, kind, lane, subject, queue, rank, state)
           VALUES (:t, 'buy_label', :lane, :parcel, 'orders', 40, 'running')""",
        """INSERT INTO intentions (tenant_id, key, kind, subject, attempt, request_digest)
           VALUES (:t, :key, 'buy_label', :parcel, 1, '')""",
        """INSERT INTO intentions (tenant_id, key, kind, subject, attempt, request_digest, state, ended_at)
           VALUES (:t, :key, 'buy_label', :parcel, 1, '', 'abandoned', now() - interval '90 seconds')""",
        """WITH late AS (INSERT INTO jobs (tenant_id, kind, lane, subject, queue, rank)
                         VALUES (:t, 'buy_label', :lane, :parcel, 'orders', 40))
           INSERT INTO intentions (tenant_id, key, kind, subject, attempt, request_digest, state, ended_at)
           VALUES (:t, :key, 'buy_label', :parcel, 1, '', 'abandoned', now() - interval '5 minutes')""",
    ],
    ids=[
        "a worker has it in hand",
        "a purchase of unknown end",
        "one that was let settle just now",
        "one that was let settle, and whose end nobody has looked at yet",
    ],
)
def test_nothing_is_changed_while_somebody_buys(shop, planned, buying):
    label = quoted(shop, planned)
    values = {"t": shop.tenant, "lane": f"order/{planned['order']}", "parcel": f"parcel/{planned['parcel']}"}
    shop.run(buying, **({**values, "key": f"label/{label}"}))
    waiting = due(shop)

    assert "being bought" in ask(shop, "split", planned["shipment"], {planned["bags"]: 1})
    assert "being bought" in ask(shop, "rerate", planned["parcel"])

    assert shop.rows("SELECT state FROM shipments") == [("planned",)]
    assert shop.one("SELECT shipment_ref FROM labels") == "shp_1"
    assert shop.story(planned["order"]) == []
    assert due(shop) == waiting


def test_a_purchase_that_was_let_settle_long_ago_keeps_nobody_from_new_rates(shop, planned):
    label = quoted(shop, planned)
    shop.run(
        """INSERT INTO intentions (tenant_id, key, kind, subject, attempt, request_digest, state, ended_at)
           VALUES (:t, :key, 'buy_label', 'parcel/1', 1, '', 'abandoned', now() - interval '5 minutes')""",
        t=shop.tenant, key=f"label/{label}",
    )  # fmt: skip

    assert ask(shop, "rerate", planned["parcel"]) == ""
    assert len(due(shop)) == 1


def test_new_rates_forget_the_old_quote_and_take_a_parked_job_s_place(shop, planned):
    label = quoted(shop, planned)
    lane, subject = f"order/{planned['order']}", f"parcel/{planned['parcel']}"
    with shop.transaction() as session:
        queue.add(session, shop.tenant, "buy_label", subject, lane=lane)
    shop.run("UPDATE jobs SET state = 'parked', cause = 'no_rates'")

    assert ask(shop, "rerate_order", planned["order"]) == ""

    assert shop.rows("SELECT id, state, shipment_ref, consignment_digest FROM labels") == [(label, "intended", "", "")]
    assert shop.rows("SELECT state FROM jobs ORDER BY id") == [("cancelled",), ("due",)]
    assert shop.story(planned["order"]) == ["Asked for new rates for a parcel."]


def test_a_parcel_with_its_label_is_not_quoted_anew(shop, planned):
    quoted(shop, planned, state="bought")
    shop.run("UPDATE shipments SET state = 'labelled'")
    assert ask(shop, "rerate", planned["parcel"]) == "It has its label: ask for another label instead."
    assert ask(shop, "rerate_order", planned["order"]) == "No parcel of it waits for a label."
    assert due(shop) == []


def test_another_tenant_s_shipment_is_out_of_reach(shop, planned, engine):
    stranger = open_shop(engine, name="Other")
    assert ask(stranger, "split", planned["shipment"], {planned["bags"]: 1}) == "There is no such shipment."
    assert ask(stranger, "rerate", planned["parcel"]) == "There is no such parcel."
    with shop.transaction() as session:
        assert len(session.scalars(select(Shipment)).all()) == 1
