"""What can be sent instead of what is short: the same product at the same price, all of it from one shelf."""

from __future__ import annotations

import pytest

from orders import shortage, swap_offers
from orders.shortage import Answer
from orders.swap_offers import MOST_OFFERED, Kin
from records.orders import ByHand, Order, OrderLine, Waiting

RENO, NEWARK = 1, 2
LINE = 7


def line(**columns: object) -> OrderLine:
    given = {"id": LINE, "variant_id": 10, "unit_price_minor": 3000, "needs_shipping": True, "by_hand": ByHand()}
    return OrderLine(**given | columns)


def kin(variant: int = 11, **columns: object) -> Kin:
    given = {
        "line": LINE, "variant": variant, "title": f"Bag - {variant}", "sku": "", "unit_price_minor": 3000,
        "currency": "USD", "plain": True,
    }  # fmt: skip
    return Kin(**given | columns)


def offered(
    *others: Kin, units: int = 2, free: dict | None = None, discounted: bool = False, **columns: object
) -> list[tuple[int, int]]:
    free = {(11, RENO): 5} if free is None else free
    found = swap_offers.offers(line(**columns), units, others, free, currency="USD", discounted=discounted)
    return [(offer.variant, offer.location) for offer in found]


def test_a_variant_of_the_same_price_that_one_shelf_has_enough_of_is_offered():
    assert offered(kin()) == [(11, RENO)]


@pytest.mark.parametrize(
    "other",
    [
        kin(unit_price_minor=3001), kin(unit_price_minor=2999), kin(currency="EUR"), kin(plain=False), kin(line=8),
        kin(10), kin(12),
    ],
    ids=["dearer", "cheaper", "other money", "bundle or supplier's", "of another line", "itself", "nowhere"],
)  # fmt: skip
def test_nothing_else_is_offered(other: Kin):
    assert offered(other, free={(11, RENO): 5, (10, RENO): 5}) == []


@pytest.mark.parametrize(
    ("free", "found"),
    [
        ({(11, RENO): 2}, [(11, RENO)]),
        ({(11, RENO): 1}, []),
        ({(11, RENO): 1, (11, NEWARK): 1}, []),
        ({(11, RENO): 2, (11, NEWARK): 9}, [(11, NEWARK)]),
        ({(11, RENO): 4, (11, NEWARK): 4}, [(11, RENO)]),
        ({(11, RENO): -3}, []),
        ({}, []),
    ],
)
def test_one_shelf_has_to_have_all_of_it(free: dict, found: list):
    assert offered(kin(), free=free) == found


def test_what_is_not_sent_in_a_parcel_or_was_discounted_is_left_alone():
    picked_up = ByHand(parts=(Waiting(way="collected", location=RENO, units=2),))
    assert offered(kin(), needs_shipping=False) == []
    assert offered(kin(), by_hand=picked_up) == []
    assert offered(kin(), discounted=True) == []
    assert offered(kin(), units=0) == []


def test_a_long_list_is_cut_and_in_order():
    others = [kin(number, title=f"Bag - {number:03}") for number in range(199, 99, -1)]
    found = offered(*others, free={(number, RENO): 9 for number in range(100, 200)})

    assert found == [(number, RENO) for number in range(100, 100 + MOST_OFFERED)]


@pytest.mark.parametrize(("total", "discounted"), [(6500, False), (6000, False), (5999, True)])
def test_an_order_that_costs_less_than_its_goods_has_a_discount_somewhere(total: int, discounted: bool):
    assert swap_offers.is_discounted(Order(total_minor=total), [line(units=2)]) is discounted


@pytest.mark.parametrize(("goods", "discounted"), [(6000, False), (5500, True)])
def test_shipping_and_taxes_do_not_hide_a_discount_where_the_store_says_what_the_goods_cost(
    goods: int, discounted: bool
):
    """Two of 30.00 with 8.00 for shipping and taxes: 64.40 in all says nothing of the 5.00 that came off."""
    assert swap_offers.is_discounted(Order(total_minor=6440, goods_minor=goods), [line(units=2)]) is discounted


@pytest.mark.parametrize(
    ("answer", "variant"),
    [("swap/5", 5), ("swap/", None), ("swap/-5", None), ("swap/x", None), ("swap/٣", None), ("wait", None), ("", None)],
)
def test_an_answer_names_its_variant_or_none(answer: str, variant: int | None):
    assert shortage.swap_of(answer) == variant


def test_an_answer_says_what_it_swaps_and_what_it_gives_up():
    said = Answer(lines={1: "refund", 2: shortage.swap_for(9), 3: "wait"})
    assert (said.swapped, said.refunded) == ({2: 9}, [1])
