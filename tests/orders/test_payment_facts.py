"""What payment providers say of one payment, in whatever order it arrives."""

from datetime import timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from integrations.nouns import Money, PaymentFact, PaymentState
from orders.payment import merged
from records.orders import Payment
from tests.shop import NOON

COMPARED = (
    "state", "amount_minor", "authorised_minor", "captured_minor", "refunded_minor", "as_of", "problem", "currency",
    "order_remote_id", "order_name", "session_remote_id",
)  # fmt: skip


def fact(state, seconds=0, **more):
    return PaymentFact(
        **(
            {
                "remote_id": "pi_1",
                "state": state,
                "at": NOON + timedelta(seconds=seconds),
                "amount": Money(minor=2400, currency="USD"),
            }
            | more
        )
    )


def heard(facts):
    """The payment's row after these facts, one after the other."""
    row = None
    for one in facts:
        columns = merged(row, one)
        row = Payment(disputed=False, **columns)
    return {name: getattr(row, name) for name in COMPARED}


PENDING = fact("pending", 0)
AUTHORISED = fact("authorised", 10, authorised_minor=2400, order_name="#1001")
SESSION = fact("pending", 12, session_remote_id="cs_1", order_remote_id="7")
PAID = fact("paid", 20, authorised_minor=2400, captured_minor=2400)
PART_REFUNDED = fact("part_refunded", 30, authorised_minor=2400, captured_minor=2400, refunded_minor=400)
REFUNDED = fact("refunded", 40, authorised_minor=2400, captured_minor=2400, refunded_minor=2400)
FAILED = fact("failed", 5, problem="card declined")
VOIDED = fact("voided", 15, problem="cancelled: abandoned")


def ends(*facts):
    """The one end that all orders of these facts have."""
    found = [heard(order) for order in permutations(facts)]
    assert all(end == found[0] for end in found)
    return found[0]


def test_a_whole_life_ends_refunded_in_any_order():
    end = ends(PENDING, AUTHORISED, SESSION, PAID, PART_REFUNDED, REFUNDED)

    assert (end["state"], end["captured_minor"], end["refunded_minor"]) == ("refunded", 2400, 2400)
    assert (end["order_name"], end["order_remote_id"], end["session_remote_id"]) == ("#1001", "7", "cs_1")


def test_a_session_that_is_still_unpaid_takes_no_authorisation_back():
    end = ends(AUTHORISED, SESSION)

    assert (end["state"], end["authorised_minor"]) == ("authorised", 2400)
    assert end["order_remote_id"] == "7"


def test_a_cancelled_authorisation_covers_nothing_any_more():
    end = ends(PENDING, AUTHORISED, VOIDED)

    assert (end["state"], end["authorised_minor"], end["problem"]) == ("voided", 0, "cancelled: abandoned")


def test_a_failed_card_may_be_tried_again_and_the_later_word_counts():
    assert ends(PENDING, FAILED)["state"] == "failed"
    assert ends(FAILED, fact("pending", 6)) == heard([fact("pending", 6)])
    assert ends(FAILED, fact("pending", 6), PAID)["problem"] == ""


def test_a_payment_that_failed_and_was_then_paid_is_paid():
    assert ends(FAILED, PAID)["state"] == "paid"


def test_two_facts_of_one_second_end_alike_in_either_order():
    more, less = (fact("authorised", 10, authorised_minor=amount) for amount in (2400, 1000))

    assert ends(more, less)["authorised_minor"] == 2400


def test_a_refund_that_is_heard_before_its_capture_never_exceeds_it():
    lone_refund = fact("part_refunded", 30, refunded_minor=500)

    assert ends(AUTHORISED, lone_refund)["captured_minor"] == 500
    assert ends(AUTHORISED, lone_refund, PAID)["captured_minor"] == 2400


# Read after the refund of 2400 had failed, in the very second in which it had been told.
FAILED_REFUND = fact("paid", 40.5, authorised_minor=2400, captured_minor=2400)
ANOTHER_REFUND = fact("part_refunded", 41, authorised_minor=2400, captured_minor=2400, refunded_minor=500)


def test_a_refund_that_failed_is_refunded_no_longer_whatever_is_heard_late_or_twice():
    end = ends(AUTHORISED, PAID, PART_REFUNDED, REFUNDED, FAILED_REFUND)

    assert (end["state"], end["captured_minor"], end["refunded_minor"]) == ("paid", 2400, 0)
    assert heard([PAID, REFUNDED, FAILED_REFUND, REFUNDED, REFUNDED]) == heard([PAID, REFUNDED, FAILED_REFUND])


def test_a_refund_after_one_that_failed_is_counted_alone():
    end = ends(PAID, REFUNDED, FAILED_REFUND, ANOTHER_REFUND)

    assert (end["state"], end["refunded_minor"]) == ("part_refunded", 500)


def test_two_refunds_told_in_one_second_are_both_counted():
    less = fact("part_refunded", 40, authorised_minor=2400, captured_minor=2400, refunded_minor=2000)

    assert ends(PAID, less, REFUNDED)["refunded_minor"] == 2400


@st.composite
def any_fact(draw):
    return fact(
        draw(st.sampled_from(list(PaymentState))),
        draw(st.integers(0, 3)),
        authorised_minor=draw(st.sampled_from([0, 1000, 2400])),
        captured_minor=draw(st.sampled_from([0, 500, 2400])),
        refunded_minor=draw(st.sampled_from([0, 400, 2400])),
        order_name=draw(st.sampled_from(["", "#1001"])),
        session_remote_id=draw(st.sampled_from(["", "cs_1"])),
        problem=draw(st.sampled_from(["", "card declined"])),
    )


@given(st.lists(any_fact(), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_every_order_of_facts_and_every_repeat_gives_the_same_end(facts, chance):
    shuffled = [*facts, *facts[: chance.randint(0, len(facts))]]
    chance.shuffle(shuffled)

    assert heard(shuffled) == heard(facts)


@given(st.lists(any_fact(), min_size=1, max_size=6))
def test_refunds_never_exceed_captures_and_captures_never_shrink(facts):
    captured = 0
    for count in range(1, len(facts) + 1):
        end = heard(facts[:count])
        assert end["refunded_minor"] <= end["captured_minor"]
        assert end["captured_minor"] >= captured
        captured = end["captured_minor"]


@given(st.lists(any_fact(), min_size=2, max_size=6))
def test_a_refund_shrinks_only_by_a_later_word_or_one_that_is_further_along(facts):
    before, after = heard(facts[:-1]), heard(facts)
    if after["refunded_minor"] < before["refunded_minor"]:
        assert after["as_of"] > before["as_of"] or after["state"] != before["state"]
