"""What is wrong with an order before anything is spent on it."""

from datetime import timedelta

import pytest

from integrations.nouns import AddressVerdict, AskedLine, OrderedLine, RiskAdvice, StoreOrder, Way
from orders.verification import LOOKED_FOR, missing_in, problems
from records.tenants import Rules
from tests.shop import ADA, NOON, snapshot, usd

GOOD = AddressVerdict(deliverable=True)
BAD = AddressVerdict(deliverable=False, problems=("no such street", "no such city"))
PARIS = ADA.model_copy(update={"country": "FR", "region": "", "postcode": "75001"})


def in_store(version=None, *, asked=None, risk=RiskAdvice.ACCEPT):
    return StoreOrder(
        snapshot=version or snapshot(), routed=True, risk=risk,
        asked=(AskedLine(line_remote_id="l1", units=2),) if asked is None else asked,
    )  # fmt: skip


def found(store, verdict=GOOD, *, told=None, real_postage=False, **rules):
    return [
        (problem.kind, problem.reason)
        for problem in problems(told, store, verdict, Rules(**rules), home_country="US", real_postage=real_postage)
    ]


def test_a_complete_and_consistent_order_has_no_problem():
    assert found(in_store(), told=snapshot()) == []


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ({}, []),
        ({"name": "", "company": "Acme"}, []),
        ({"name": " "}, ["name"]),
        ({"street1": "", "city": ""}, ["street", "city"]),
        ({"postcode": ""}, ["postcode"]),
        ({"region": ""}, ["state or province"]),
        ({"country": ""}, ["country"]),
        ({"country": "HK", "postcode": "", "region": ""}, []),
        ({"country": "DE", "region": ""}, []),
        ({"country": "DE", "postcode": ""}, ["postcode"]),
    ],
)
def test_an_address_lacks(changed, missing):
    assert missing_in(ADA.model_copy(update=changed)) == missing


def test_an_order_without_an_address_lacks_the_whole_of_it():
    assert found(in_store(snapshot(ship_to=None))) == [("address", "The address lacks the whole address.")]


@pytest.mark.parametrize(
    "asked",
    [(), (AskedLine(line_remote_id="l1", units=2, way=Way.NOT_OURS),), (AskedLine(line_remote_id="l1", units=0),)],
)
def test_an_order_of_which_nothing_ships_needs_no_address(asked):
    assert found(in_store(snapshot(ship_to=None), asked=asked), None) == []


def test_an_address_that_the_carrier_does_not_know_holds_at_home():
    assert found(in_store(), BAD) == [
        ("address", "The carrier cannot deliver to this address: no such street; no such city.")
    ]


@pytest.mark.parametrize(("strict", "kinds"), [(False, []), (True, ["address"])])
def test_an_address_that_the_carrier_does_not_know_abroad_holds_only_where_the_shop_says_so(strict, kinds):
    abroad = found(in_store(snapshot(ship_to=PARIS)), BAD, hold_unverified_abroad=strict)

    assert [kind for kind, _ in abroad] == kinds


def test_an_address_that_lacks_something_holds_abroad_too():
    assert found(in_store(snapshot(ship_to=PARIS.model_copy(update={"city": ""}))), None) == [
        ("address", "The address lacks city.")
    ]


def test_two_versions_of_one_moment_have_to_agree():
    told = snapshot(lines=[("l1", 3)], total=3600)

    assert found(in_store(), told=told) == [
        (
            "mismatch",
            (
                "The order is not what was told (total: 36.00 USD was told, 24.00 USD is in the store; "
                "BAG: 3 × 12.00 USD was told, 2 × 12.00 USD is in the store)."
            ),
        )
    ]


def test_a_version_of_another_moment_may_differ():
    assert found(in_store(snapshot(at=NOON + timedelta(seconds=1))), told=snapshot(total=1)) == []


def test_lines_that_were_removed_before_do_not_disagree():
    assert found(in_store(), told=snapshot(lines=[("l1", 2), ("l2", 0)])) == []


@pytest.mark.parametrize(
    "version",
    [
        snapshot(total=-1),
        snapshot(lines=()).model_copy(
            update={"lines": (OrderedLine(remote_id="l1", title="Bag", units=1, unit_price=usd(-5)),)}
        ),
    ],
)
def test_a_negative_price_is_a_mismatch(version):
    assert found(in_store(version)) == [("mismatch", "The order has a negative price.")]


@pytest.mark.parametrize(
    ("hold_risk_at", "held"),
    [("never", []), ("cancel", ["cancel", "unknown"]), ("investigate", ["investigate", "cancel", "unknown"])],
)
def test_a_risk_holds_where_the_shop_says_so(hold_risk_at, held):
    kept = [advice.value for advice in RiskAdvice if found(in_store(risk=advice), hold_risk_at=hold_risk_at)]

    assert kept == held


def test_work_that_the_store_holds_waits_with_the_store_s_own_reasons():
    asked = tuple(
        AskedLine(line_remote_id=f"l{n}", units=1, on_hold=why) for n, why in enumerate(["fraud", "", "fraud", "edit"])
    )

    assert found(in_store(asked=asked)) == [("storefront", "The store holds the work on this order: edit, fraud.")]


@pytest.mark.parametrize(("test", "real_postage"), [(True, False), (False, True), (False, False)])
def test_a_test_order_with_pretended_postage_and_a_real_one_with_real_postage_are_well(test, real_postage):
    assert found(in_store(snapshot(test=test)), real_postage=real_postage) == []


def test_a_test_order_does_not_leave_with_real_postage():
    assert found(in_store(snapshot(test=True)), real_postage=True) == [
        ("test", "This is a test order, and the carrier account buys real postage.")
    ]


def test_everything_that_is_wrong_is_told_at_once_and_only_of_the_kinds_that_are_looked_for():
    asked = (AskedLine(line_remote_id="l1", units=1, on_hold="fraud"),)
    wrong = in_store(snapshot(total=-1, test=True), asked=asked, risk=RiskAdvice.CANCEL)

    assert sorted(kind for kind, _ in found(wrong, BAD, real_postage=True)) == sorted(LOOKED_FOR)
