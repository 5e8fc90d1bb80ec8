"""A refund that fails: the payment read anew counts, and the order waits for a person, once for each failure."""

from datetime import timedelta

from integrations.nouns import Money, PaymentChanged, PaymentFact, PaymentState, RefundFailed
from jobs import intake, take_event
from orders import holds, money
from tests.shop import NOON

TOTAL = Money(minor=2400, currency="USD")


def payment(state, refunded_minor, *, at=NOON, order_name="#1"):
    return PaymentFact(
        remote_id="pi_1", state=PaymentState(state), at=at, amount=TOTAL, authorised_minor=2400, captured_minor=2400,
        refunded_minor=refunded_minor, order_name=order_name,
    )  # fmt: skip


def failed(refund="re_1", minor=2400):
    return RefundFailed(
        payment_remote_id="pi_1", refund_remote_id=refund, amount=Money(minor=minor, currency="USD"),
        reason="lost or stolen card", at=NOON,
    )  # fmt: skip


def hear(shop, fact):
    source = intake.Source(tenant=shop.tenant, connection=shop.connection, vendor="stripe", now=NOON)
    with shop.transaction() as session:
        heard = intake.hear(session, source, fact)
    return heard.by, heard.subject or heard.reason


def read_anew(shop, fact):
    """As a delivery of the failure is taken: the payment first, then what it means."""
    with shop.transaction() as session:
        money.record(session, shop.tenant, shop.connection, take_event._later_than(NOON, fact))


def standing(shop):
    return shop.one("SELECT state, refunded_minor FROM payments")


def open_holds(shop):
    return shop.rows("SELECT kind, reason FROM holds WHERE state = 'open'")


def test_a_reading_after_a_failure_wins_over_what_was_told_in_the_same_second_and_loses_to_what_follows(shop):
    shop.order(state="verified", name="#1")
    hear(shop, PaymentChanged(fact=payment("refunded", 2400)))
    read_anew(shop, payment("paid", 0))
    assert standing(shop) == ("paid", 0)

    hear(shop, PaymentChanged(fact=payment("refunded", 2400)))
    assert standing(shop) == ("paid", 0)

    hear(shop, PaymentChanged(fact=payment("part_refunded", 500, at=NOON + timedelta(seconds=1))))
    assert standing(shop) == ("part_refunded", 500)


def test_a_reading_that_is_later_keeps_its_own_time():
    later = payment("paid", 0, at=NOON + timedelta(minutes=1))
    assert take_event._later_than(NOON, later) == later


def test_a_failed_refund_holds_its_order_until_a_person_releases_it_for_good(shop):
    order = shop.order(state="verified", name="#1")
    hear(shop, PaymentChanged(fact=payment("refunded", 2400)))
    for _ in range(2):
        assert hear(shop, failed()) == ("take", f"order/{order}")
    reason = "Refund re_1 of 24.00 USD failed (lost or stolen card): the buyer did not get it."
    assert open_holds(shop) == [("refund_failed", reason)]
    assert [line for line in shop.story(order) if "re_1" in line] == [f"On hold (refund failed): {reason}"]
    with shop.transaction() as session:
        assert holds.blocking_labels(holds.open_holds(session, shop.tenant, order))
        holds.release(session, shop.tenant, order, "refund_failed", by="person:Olga", now=NOON)

    hear(shop, failed())
    assert open_holds(shop) == []

    hear(shop, failed("re_2", 500))
    (hold,) = open_holds(shop)
    assert hold[1].startswith("Refund re_2 of 5.00 USD failed")


def test_a_failed_refund_of_a_payment_without_an_order_is_taken_and_holds_nothing(shop):
    hear(shop, PaymentChanged(fact=payment("paid", 0, order_name="")))
    by, subject = hear(shop, failed())
    assert (by, subject.partition("/")[0]) == ("take", "payment")
    assert open_holds(shop) == []


def test_a_failed_refund_of_an_unknown_payment_waits_for_a_person(shop):
    assert hear(shop, failed()) == ("park", "A refund of payment pi_1, which Packline does not know.")
