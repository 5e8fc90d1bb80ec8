"""What each fact from outside means: the records that change, and the work that it calls for."""

from datetime import timedelta

import pytest
from sqlalchemy import insert

from integrations.nouns import (
    Ignored,
    LabelVoided,
    Money,
    OrderCancelled,
    OrderChanged,
    ParcelMoved,
    ParcelProgress,
    ParcelStatus,
    PaymentChanged,
    PaymentDisputed,
    PaymentFact,
    PaymentStanding,
    Scan,
    VoidState,
    WorkRouted,
)
from integrations.nouns import Parcel as ParcelShape
from jobs import intake
from records.shipments import Label, Parcel, Shipment
from tests.shop import NOON, snapshot

LATER = NOON + timedelta(minutes=5)
ORDER = "shop/Order/1"


def hear(shop, fact, *, connection="", work_order=None):
    source = intake.Source(tenant=shop.tenant, connection=connection or shop.connection, vendor="shopify", now=NOON)
    with shop.transaction() as session:
        heard = intake.hear(session, source, fact, work_order=work_order)
    return heard.by, heard.subject or heard.reason


def placed(shop, **more):
    return hear(shop, OrderChanged(remote_id=ORDER, snapshot=snapshot(**more)))


def jobs(shop):
    """The work that waits: (kind, subject, lane)."""
    return shop.rows("SELECT kind, subject, lane FROM jobs WHERE state = 'due' ORDER BY id")


def forget_jobs(shop):
    shop.run("DELETE FROM jobs")


def put(shop, state):
    shop.run("UPDATE orders SET state = :state", state=state)
    forget_jobs(shop)


def on_its_way(shop, *, order_state="shipping", shipment_state="announced"):
    """A shipment with a parcel and a bought label; answers their ids."""
    order = shop.order((None, 1), state=order_state)
    with shop.transaction() as session:

        def one(table, **columns):
            return session.execute(
                insert(table).values(tenant_id=shop.tenant, order_id=order, **columns).returning(table.id)
            ).scalar_one()

        shipment = one(Shipment, location_id=shop.location(), state=shipment_state)
        parcel = one(
            Parcel, shipment_id=shipment, shape=ParcelShape(weight_grams=1), contents={}, tracker_ref="trk_1",
            tracking_code="9400",
        )  # fmt: skip
        label = one(
            Label, parcel_id=parcel, connection_id="c", attempt=1, state="bought", shipment_ref="shp_1",
            tracking_code="9400",
        )  # fmt: skip
    return order, shipment, parcel, label


def payment(state="paid", **more):
    fields = {
        "remote_id": "pi_1", "state": state, "at": NOON, "amount": Money(minor=2400, currency="USD"),
        "order_name": "#1001",
        "captured_minor": 2400 if state == "paid" else 0,
    }  # fmt: skip
    return PaymentChanged(fact=PaymentFact(**(fields | more)))


def test_what_is_not_acted_on_is_ignored_with_the_reason(shop):
    assert hear(shop, Ignored(reason="carts are not acted on")) == ("ignore", "carts are not acted on")
    assert jobs(shop) == []


def test_a_new_order_is_to_be_verified(shop):
    assert placed(shop) == ("take", "order/1")
    assert jobs(shop) == [("verify_order", "order/1", "order/1")]


def test_the_same_order_again_calls_for_nothing(shop):
    placed(shop)
    forget_jobs(shop)

    assert placed(shop) == ("take", "order/1")
    assert jobs(shop) == []


@pytest.mark.parametrize("state", ["received", "verified", "released", "allocated", "shipping", "fulfilled", "closed"])
def test_a_changed_order_is_looked_at_again_wherever_it_stands(shop, state):
    placed(shop)
    put(shop, state)

    placed(shop, at=LATER, total=1200, lines=[("l1", 1)])

    assert jobs(shop) == [("verify_order", "order/1", "order/1")]


@pytest.mark.parametrize("state", ["cancelling", "cancelled"])
def test_a_changed_order_that_is_cancelled_stays_so(shop, state):
    placed(shop)
    put(shop, state)

    placed(shop, at=LATER, total=1200, lines=[("l1", 1)])

    assert jobs(shop) == []
    assert shop.one("SELECT state, total_minor FROM orders") == (state, 1200)


def test_an_order_whose_money_changed_has_only_its_money_looked_at(shop):
    placed(shop, standing=PaymentStanding.UNPAID)
    put(shop, "verified")

    placed(shop, at=LATER)

    assert jobs(shop) == [("check_payment", "order/1", "order/1")]


def test_an_order_that_contradicts_itself_is_read_from_the_store(shop):
    placed(shop)
    forget_jobs(shop)

    placed(shop, total=1)

    assert jobs(shop) == [("verify_order", "order/1", "order/1")]
    assert shop.one("SELECT total_minor FROM orders") == 2400


def test_an_older_version_calls_for_nothing(shop):
    placed(shop, at=LATER)
    forget_jobs(shop)

    placed(shop, total=1)

    assert jobs(shop) == []


def test_an_order_of_which_only_the_id_is_told_is_read_from_the_store(shop):
    assert hear(shop, OrderChanged(remote_id=ORDER)) == ("take", "order/1")
    assert jobs(shop) == [("verify_order", "order/1", "order/1")]


@pytest.mark.parametrize("state", ["received", "verified", "released", "allocated", "shipping", "fulfilled", "closed"])
def test_a_cancelled_order_is_stopped_wherever_it_stands(shop, state):
    placed(shop)
    put(shop, state)

    for _ in range(2):
        assert hear(shop, OrderCancelled(remote_id=ORDER, at=LATER)) == ("take", "order/1")

    assert shop.one("SELECT state, cancelled_at FROM orders") == ("cancelling", LATER)
    assert jobs(shop) == [("reverse_order", "order/1", "order/1")]
    assert shop.story(1)[1:] == ["The order was cancelled in the store."]


def test_a_cancellation_that_arrives_before_its_order_is_kept(shop):
    hear(shop, OrderCancelled(remote_id=ORDER, at=LATER))
    placed(shop)

    assert shop.one("SELECT state, cancelled_at, name FROM orders") == ("cancelling", LATER, "#1001")
    assert ("reverse_order", "order/1", "order/1") in jobs(shop)


def test_a_newer_version_that_says_cancelled_cancels(shop):
    placed(shop)
    placed(shop, at=LATER, cancelled_at=LATER)

    assert shop.one("SELECT state FROM orders") == "cancelling"


def test_an_older_version_that_says_cancelled_does_not(shop):
    placed(shop, at=LATER)
    placed(shop, cancelled_at=NOON)

    assert shop.one("SELECT state FROM orders") == "received"


def test_routed_work_has_an_open_order_verified_and_a_labelled_shipment_announced(shop):
    placed(shop)
    forget_jobs(shop)
    assert hear(shop, WorkRouted(work_remote_id="fo_1"), work_order=ORDER) == ("take", "order/1")
    assert jobs(shop) == [("verify_order", "order/1", "order/1")]

    order, shipment, _, _ = on_its_way(shop, shipment_state="labelled")
    forget_jobs(shop)
    remote_id = shop.one("SELECT remote_id FROM orders WHERE id = :id", id=order)
    hear(shop, WorkRouted(work_remote_id="fo_2"), work_order=remote_id)
    assert jobs(shop) == [
        ("verify_order", f"order/{order}", f"order/{order}"),
        ("push_tracking", f"shipment/{shipment}", f"order/{order}"),
    ]


@pytest.mark.parametrize("work_order", [None, "", "shop/Order/unknown"])
def test_work_of_no_order_of_ours_is_ignored(shop, work_order):
    assert hear(shop, WorkRouted(work_remote_id="fo_1"), work_order=work_order) == (
        "ignore", "The work belongs to no order that Packline has.",
    )  # fmt: skip


def test_a_payment_that_names_its_order_has_the_gate_looked_at_and_the_store_told(shop):
    placed(shop, standing=PaymentStanding.UNPAID)
    forget_jobs(shop)

    assert hear(shop, payment()) == ("take", "order/1")

    assert jobs(shop) == [("check_payment", "order/1", "order/1"), ("mark_paid", "payment/1", "order/1")]
    assert shop.story(1)[-1] == "Payment pi_1 is paid: 24.00 USD."


def test_an_authorised_payment_is_no_news_for_the_store(shop):
    placed(shop)
    forget_jobs(shop)

    hear(shop, payment("authorised", authorised_minor=2400))

    assert jobs(shop) == [("check_payment", "order/1", "order/1")]


@pytest.mark.parametrize(
    "named",
    [
        {"order_name": "1001"},
        {"order_name": "#1001"},
        {"order_name": "", "order_remote_id": "1"},
        {"order_name": "", "order_remote_id": ORDER},
    ],
)
def test_a_payment_that_arrives_before_its_order_waits_and_is_matched(shop, named):
    assert hear(shop, payment(**named)) == ("take", "payment/1")
    assert jobs(shop) == [("match_payment", "payment/1", "payment/1")]
    forget_jobs(shop)

    placed(shop)

    assert jobs(shop) == [("verify_order", "order/1", "order/1"), ("match_payment", "payment/1", "payment/1")]


def test_a_payment_is_matched_too_where_only_the_id_of_its_order_was_known(shop):
    hear(shop, OrderChanged(remote_id=ORDER))
    hear(shop, payment())
    forget_jobs(shop)

    placed(shop)

    assert ("match_payment", "payment/1", "payment/1") in jobs(shop)


def test_a_name_that_two_orders_have_belongs_to_neither(shop):
    for number in (1, 2):
        hear(shop, OrderChanged(remote_id=f"shop/Order/{number}", snapshot=snapshot(remote_id=f"shop/Order/{number}")))

    assert hear(shop, payment()) == ("take", "payment/1")
    assert shop.one("SELECT order_id FROM payments") is None


def disputed(**more):
    fields = {"payment_remote_id": "pi_1", "dispute_remote_id": "dp_1", "reason": "fraudulent", "at": LATER}
    return PaymentDisputed(**(fields | more))


def test_a_dispute_holds_the_order_until_it_is_over(shop):
    placed(shop)
    put(shop, "verified")
    hear(shop, payment())
    forget_jobs(shop)

    assert hear(shop, disputed()) == ("take", "order/1")
    assert shop.rows("SELECT kind, state, reason FROM holds") == [
        ("dispute", "open", "The buyer's bank disputes the payment (fraudulent).")
    ]
    assert jobs(shop) == []

    assert hear(shop, disputed(over=True)) == ("take", "order/1")
    assert shop.rows("SELECT state, released_by FROM holds") == [("released", "shopify")]
    assert shop.one("SELECT disputed FROM payments") is False
    assert jobs(shop) == [("check_payment", "order/1", "order/1")]


def test_a_dispute_over_an_unknown_payment_waits_for_a_person(shop):
    assert hear(shop, disputed()) == ("park", "A dispute over payment pi_1, which Packline does not know.")


def moved(*scans, status="in_transit", **more):
    fields = {
        "tracker_ref": "trk_1", "tracking_code": "9400", "carrier": "USPS", "status": ParcelStatus(status), "at": NOON,
        "scans": scans,
    }  # fmt: skip
    return ParcelMoved(progress=ParcelProgress(**(fields | more)))


def test_a_new_scan_is_told_to_the_store_and_a_repeated_one_is_not(shop):
    order, _, parcel, _ = on_its_way(shop)
    scan = Scan(at=NOON, status=ParcelStatus.IN_TRANSIT)

    assert hear(shop, moved(scan)) == ("take", f"order/{order}")
    assert jobs(shop) == [("report_parcel", f"parcel/{parcel}", f"parcel/{parcel}")]
    forget_jobs(shop)

    hear(shop, moved(scan))
    assert jobs(shop) == []


def test_a_stranger_s_parcel_is_ignored(shop):
    assert hear(shop, moved(tracker_ref="trk_9", tracking_code="1Z")) == (
        "ignore", "No parcel of Packline's has this tracker or tracking code.",
    )  # fmt: skip


@pytest.mark.parametrize(("state", "ends"), [(VoidState.DONE, "voided"), (VoidState.ASKED, "bought")])
def test_a_label_is_void_when_the_carrier_says_that_it_is_done(shop, state, ends):
    order, _, _, label = on_its_way(shop)

    assert hear(shop, LabelVoided(shipment_ref="shp_1", tracking_code="9400", state=state)) == (
        "take",
        f"order/{order}",
    )
    assert shop.state("labels", label) == ends


def test_a_stranger_s_label_is_ignored(shop):
    assert hear(shop, LabelVoided(shipment_ref="shp_9", tracking_code="", state=VoidState.DONE)) == (
        "ignore", "No label of Packline's has this shipment.",
    )  # fmt: skip


def test_an_order_is_resumed_from_where_it_stands(shop):
    order, shipment, parcel, _ = on_its_way(shop, order_state="allocated", shipment_state="planned")
    wanted = {
        "received": [("verify_order", f"order/{order}")],
        "verified": [("check_payment", f"order/{order}")],
        "released": [("reserve_stock", f"order/{order}")],
        "allocated": [("reserve_stock", f"order/{order}"), ("buy_label", f"parcel/{parcel}")],
        "shipping": [("reserve_stock", f"order/{order}"), ("buy_label", f"parcel/{parcel}")],
        "cancelling": [("reverse_order", f"order/{order}")],
        "fulfilled": [],
        "closed": [],
        "cancelled": [],
    }

    for state, work in wanted.items():
        put(shop, state)
        with shop.transaction() as session:
            intake.resume(session, shop.tenant, order)
        assert jobs(shop) == [(kind, subject, f"order/{order}") for kind, subject in work], state

    shop.run("UPDATE shipments SET state = 'labelled'")
    put(shop, "shipping")
    with shop.transaction() as session:
        intake.resume(session, shop.tenant, order)
    assert ("push_tracking", f"shipment/{shipment}", f"order/{order}") in jobs(shop)


def test_an_order_that_is_not_there_is_not_resumed(shop):
    with shop.transaction() as session:
        intake.resume(session, shop.tenant, 999)

    assert jobs(shop) == []
