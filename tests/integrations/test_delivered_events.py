"""What the stand-ins sign and deliver over HTTP opens our doors, and says what happened there."""

from datetime import UTC, datetime

import pytest
from scripted_vendor import Answer

from integrations.carriers import easypost
from integrations.nouns import Address, Consignment, Parcel, ParcelStatus, PaymentState, VoidState
from integrations.ports import Credentials, Delivery
from integrations.registry import doors


@pytest.fixture
def heard(sandbox, scripted):
    """Both stand-ins' accounts deliver to `scripted`; answers what arrived for a topic, once it has arrived."""
    scripted.script += [Answer(b"") for _ in range(50)]
    for vendor in ("stripe", "easypost"):
        url = f"{scripted.origin}/hooks/{vendor}"
        wish = {"key": f"EZTK_{vendor}", "webhook_url": url, "webhook_secret": "sécret"}
        sandbox.do(f"/{vendor}/accounts", wish)

    def facts(vendor, topic):
        sandbox.do("/deliveries/flush", {"timeout_s": 10})
        door = doors()[vendor]
        found = [Delivery(body=asked.body, headers=asked.headers) for asked in scripted.asked if vendor in asked.path]
        assert found
        assert all(door.genuine(delivery, ["old", "sécret"], datetime.now(UTC)) for delivery in found)
        assert not any(door.genuine(delivery, ["secret"], datetime.now(UTC)) for delivery in found)
        return [door.read(topic, delivery, live=False) for delivery in found if door.envelope(delivery).topic == topic]

    return facts


def test_a_payment_is_heard_of_when_it_is_made_and_when_it_is_refunded(sandbox, heard):
    payment = sandbox.do(
        "/stripe/payments", {"key": "EZTK_stripe", "amount": 2000, "metadata": {"order_name": "#1007"}}
    )
    sandbox.do(f"/stripe/payments/{payment['id']}/refund", {"amount": 500})
    (paid,) = heard("stripe", "payment_intent.succeeded")
    assert (paid.fact.remote_id, paid.fact.state, paid.fact.order_name) == (payment["id"], PaymentState.PAID, "#1007")
    (refunded,) = heard("stripe", "charge.refunded")
    assert (refunded.fact.remote_id, refunded.fact.state, refunded.fact.refunded_minor) == (
        payment["id"],
        PaymentState.PART_REFUNDED,
        500,
    )


def test_a_dispute_is_heard_of_and_is_over_when_it_is_won(sandbox, heard):
    payment = sandbox.do("/stripe/payments", {"key": "EZTK_stripe", "amount": 2000})["id"]
    sandbox.do(f"/stripe/payments/{payment}/dispute", {})
    sandbox.do(f"/stripe/payments/{payment}/close_dispute", {"status": "won"})
    (opened,) = heard("stripe", "charge.dispute.created")
    (closed,) = heard("stripe", "charge.dispute.closed")
    assert (opened.payment_remote_id, opened.over) == (payment, False)
    assert (closed.dispute_remote_id, closed.over) == (opened.dispute_remote_id, True)


def test_a_check_out_links_its_payment_to_the_order(sandbox, heard):
    wish = {"key": "EZTK_stripe", "amount": 2000, "client_reference_id": "#1007"}
    session = sandbox.do("/stripe/checkouts", wish)
    (linked,) = heard("stripe", "checkout.session.completed")
    assert (linked.fact.remote_id, linked.fact.session_remote_id, linked.fact.order_name) == (
        session["payment_intent"],
        session["id"],
        "#1007",
    )


def test_a_parcel_is_heard_of_as_it_moves_and_a_voided_label_when_it_is_settled(sandbox, heard, notes):
    credentials = Credentials(account="", live=False, secrets={"api_key": "EZTK_easypost"})
    carrier = easypost.build(credentials, sandbox.origins, notes.append)
    place = Address(name="Ada", street1="1 Depot Way", city="Reno", region="NV", postcode="89501", country="US")
    parcel = Consignment(reference="a-1", sender=place, recipient=place, parcel=Parcel(weight_grams=500))
    quote = carrier.quote(parcel)
    usps = next(rate for rate in quote.rates if rate.carrier == "USPS")
    label = carrier.buy(quote.shipment_ref, usps.remote_id)
    sandbox.do(f"/easypost/trackers/{label.tracker_ref}/move", {"status": "out_for_delivery"})
    carrier.void(quote.shipment_ref)
    sandbox.do(f"/easypost/refunds/{quote.shipment_ref}/settle", {"result": "refunded"})

    (moved,) = heard("easypost", "tracker.updated")
    assert (moved.progress.tracking_code, moved.progress.status) == (label.tracking_code, ParcelStatus.OUT_FOR_DELIVERY)
    (voided,) = heard("easypost", "refund.successful")
    assert (voided.shipment_ref, voided.state) == (quote.shipment_ref, VoidState.DONE)
