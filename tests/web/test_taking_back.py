"""Cancelling on the pages: the plan is shown first, begun only as it was shown, and every step can be answered."""

from __future__ import annotations

import re

import pytest
from person import Person
from seeds import Shop
from sqlalchemy import text
from sqlalchemy.orm import Session

from records.orders import Order
from records.reversals import Reversal, ReversalStep
from records.shipments import Parcel


@pytest.fixture
def planned(shop: Shop, session: Session) -> tuple[Order, Parcel]:
    """An order of two bags with its label bought, not announced yet."""
    shop.stock("BAG", "Bag of canvas", {"Reno": (120, 2)})
    order = shop.order(state="shipping")
    line = shop.line(order)
    shipment = shop.shipment(order, [line], state="labelled")
    parcel = shop.parcel(shipment, [line], carrier="USPS", tracking_code="9400")
    shop.label(parcel)
    session.commit()
    return order, parcel


def at(order: Order) -> str:
    return f"/ops/shops/{order.tenant_id}/orders/{order.id}"


def the_form(page: str) -> dict[str, str]:
    """What the button under the plan would send."""
    form = page.partition('<div class="card-body">')[2].rpartition('method="post"')[2]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))


def test_the_plan_says_what_would_be_done_and_looking_changes_nothing(
    grace: Person, planned: tuple[Order, Parcel], session: Session
) -> None:
    order, _ = planned
    page = grace.get(f"{at(order)}/cancel").text

    steps = re.findall(r"<li>([^<]+)", page.partition('class="plan"')[2].partition("</ol>")[0])
    assert any("free again at Reno" in step for step in steps)
    assert any("take label 9400 back" in step for step in steps)
    assert "The whole order is cancelled." in page
    assert session.execute(text("SELECT count(*) FROM reversals")).scalar_one() == 0
    assert session.execute(text("SELECT state FROM orders")).scalar_one() == "shipping"


def test_what_was_shown_is_begun_once(grace: Person, planned: tuple[Order, Parcel], session: Session) -> None:
    order, _ = planned
    form = the_form(grace.get(f"{at(order)}/cancel").text)

    assert grace.post(f"{at(order)}/cancel", **form).location == at(order)
    again = grace.post(f"{at(order)}/cancel", **form)

    assert again.status_code in {200, 303}
    assert session.execute(text("SELECT state FROM orders")).scalar_one() == "cancelling"
    rows = session.execute(text("SELECT asked_by, purpose FROM reversals")).all()
    assert [tuple(row) for row in rows] == [("person:Grace", "cancel")]
    assert session.execute(text("SELECT count(*) FROM jobs WHERE kind = 'reverse_order'")).scalar_one() == 1
    assert "Cancellation" in grace.get(at(order)).text


def test_a_plan_that_has_changed_is_shown_again_and_nothing_is_begun(
    grace: Person, planned: tuple[Order, Parcel], session: Session
) -> None:
    order, _ = planned
    form = the_form(grace.get(f"{at(order)}/cancel").text)
    session.execute(text("UPDATE parcels SET carrier_status = 'in_transit'"))
    session.commit()

    answer = grace.post(f"{at(order)}/cancel", **form)

    assert answer.status_code == 200
    assert "Something happened to the order since you looked." in answer.text
    assert session.execute(text("SELECT count(*) FROM reversals")).scalar_one() == 0


def test_a_part_is_planned_by_units_and_no_units_are_nothing(grace: Person, planned: tuple[Order, Parcel]) -> None:
    order, _ = planned
    line = re.search(r'name="units-(\d+)"', grace.get(f"{at(order)}/cancel").text)
    assert line is not None

    part = grace.get(f"{at(order)}/cancel?units-{line[1]}=1&reason=stock&refund=1").text
    nothing = grace.get(f"{at(order)}/cancel?units-{line[1]}=0&reason=stock&refund=1").text

    assert "The rest of the order goes on." in part
    assert the_form(part)[f"units-{line[1]}"] == "1"
    assert "tell" not in the_form(part)
    assert "Nothing can be taken back" in nothing


def test_a_step_that_asks_is_agreed_to_and_a_refused_one_is_passed_over_with_a_reason(
    grace: Person, planned: tuple[Order, Parcel], session: Session
) -> None:
    order, _ = planned
    reversal = Reversal(tenant_id=order.tenant_id, order_id=order.id, purpose="cancel", asked_by="shopify")
    session.add(reversal)
    session.flush()
    asks, refused = (
        ReversalStep(
            tenant_id=order.tenant_id, reversal_id=reversal.id, position=place, kind=kind, subject=f"order/{order.id}",
            state=state, said="The store said no." if state == "refused" else "",
        )
        for place, kind, state in ((1, "refund_payment", "asks"), (2, "cancel_in_store", "refused"))
    )  # fmt: skip
    session.add_all([asks, refused])
    session.commit()

    page = grace.get(at(order)).text
    assert "Yes, do it" in page
    assert "The store said no." in page

    assert grace.post(f"{at(order)}/steps/{refused.id}/skip", reason="").status_code == 422
    session.expire_all()
    assert session.get_one(ReversalStep, (order.tenant_id, refused.id)).state == "refused"

    grace.post(f"{at(order)}/steps/{asks.id}/agree")
    grace.post(f"{at(order)}/steps/{refused.id}/skip", reason="done by hand")
    session.expire_all()
    assert session.get_one(ReversalStep, (order.tenant_id, asks.id)).state == "due"
    assert session.get_one(ReversalStep, (order.tenant_id, refused.id)).state == "skipped"


def test_a_step_of_another_order_is_nobodys(
    grace: Person, shop: Shop, planned: tuple[Order, Parcel], session: Session
) -> None:
    order, _ = planned
    other = shop.order()
    reversal = Reversal(tenant_id=order.tenant_id, order_id=other.id, purpose="cancel", asked_by="shopify")
    session.add(reversal)
    session.flush()
    step = ReversalStep(
        tenant_id=order.tenant_id, reversal_id=reversal.id, position=1, kind="refund_payment", subject="x", state="asks"
    )
    session.add(step)
    session.commit()

    assert grace.post(f"{at(order)}/steps/{step.id}/agree").status_code == 404


def test_another_label_needs_a_reason_and_is_asked_for_once(
    grace: Person, planned: tuple[Order, Parcel], session: Session
) -> None:
    order, parcel = planned
    there = f"{at(order)}/parcels/{parcel.id}/relabel"
    assert "Buy another label" in grace.get(there).text

    grace.post(there, reason="")
    assert session.execute(text("SELECT count(*) FROM jobs WHERE kind = 'relabel_parcel'")).scalar_one() == 0
    grace.post(there, reason="The box is bigger")
    grace.post(there, reason="The box is bigger")
    assert session.execute(text("SELECT count(*) FROM jobs WHERE kind = 'relabel_parcel'")).scalar_one() == 1


def test_a_parcel_that_left_gets_no_other_label_and_the_page_says_why(
    grace: Person, planned: tuple[Order, Parcel], session: Session
) -> None:
    order, parcel = planned
    session.execute(text("UPDATE parcels SET carrier_status = 'in_transit'"))
    session.commit()
    page = grace.get(f"{at(order)}/parcels/{parcel.id}/relabel").text

    assert "it travels with the label that it has" in page
    assert "Buy another label" not in page


def test_whether_a_parcel_may_get_another_label_is_shown_while_somebody_works_on_its_order(
    grace: Person, planned: tuple[Order, Parcel], session: Session
) -> None:
    order, parcel = planned
    session.execute(text("SELECT 1 FROM orders FOR UPDATE"))
    session.execute(text("SELECT 1 FROM parcels FOR UPDATE"))

    page = grace.get(f"{at(order)}/parcels/{parcel.id}/relabel").text

    session.rollback()
    assert "Buy another label" in page
