"""A refund is made once, carries our mark, and gives back no more than there is."""

import pytest
from scripted_vendor import Answer
from shopify_calls import errors
from shopify_shop import gid, mug, refused

from integrations.nouns import Money, TakenBackLine
from integrations.ports import Keys, Permanent, Temporary
from integrations.storefronts.shopify import refunds

KEYS = Keys(mark="0f8c5a51-mark", idempotency="0f8c5a51-key")
ORDER = "gid://shopify/Order/1"


def taken(order, restock_at="", *, left=False, **units):
    by_sku = {line["sku"]: gid(line) for line in order["lines"]}
    return [
        TakenBackLine(line_remote_id=by_sku[sku], units=count, restock_at=restock_at, left=left)
        for sku, count in units.items()
    ]


def usd(minor):
    return Money(minor=minor, currency="USD")


def refund(shop, order, lines, amount=None, keys=KEYS, note="The mug was broken."):
    return shop.storefront.refund(gid(order), lines, amount=amount, keys=keys, tell_buyer=False, note=note)


def place(shop, opened, name="Reno"):
    return next(one["admin_graphql_api_id"] for one in opened["locations"] if one["name"] == name)


def test_what_shopify_would_give_back_is_asked_without_giving_it(shop):
    shop.open(mug())
    order = shop.order(("MUG", 2))

    quote = shop.storefront.quote_refund(gid(order), taken(order, MUG=1))

    assert (quote.amount, quote.remote_id) == (usd(1250), "")
    assert (shop.look(order)["refunds"], shop.look(order)["refunded"]) == ([], "0.00")


def test_units_that_have_not_left_come_off_the_order_and_back_on_the_shelf(shop):
    opened = shop.open(mug())
    order = shop.order(("MUG", 3))

    made = refund(shop, order, taken(order, place(shop, opened), MUG=1), usd(1250))

    (seen,) = shop.look(order)["refunds"]
    assert (made.remote_id, made.amount) == (gid(seen), usd(1250))
    assert seen["lines"] == [{"sku": "MUG", "quantity": 1, "restock": "CANCEL", "location": "Reno"}]
    assert seen["note"] == "The mug was broken. (0f8c5a51-mark)"
    assert shop.look(order)["lines"] == [{"sku": "MUG", "quantity": 2}]
    assert [one.units for one in shop.storefront.read_order(gid(order)).asked] == [2]


def test_units_that_had_left_are_a_return_and_those_for_no_shelf_are_not_restocked(shop):
    opened = shop.open(mug(), mug("POT"))
    order = shop.order(("MUG", 1), ("POT", 1))
    shop.announce(order)
    lines = [*taken(order, place(shop, opened, "Newark"), left=True, MUG=1), *taken(order, left=True, POT=1)]

    refund(shop, order, lines)

    assert [(one["sku"], one["restock"], one["location"]) for one in shop.look(order)["refunds"][0]["lines"]] == [
        ("MUG", "RETURN", "Newark"),
        ("POT", "NO_RESTOCK", None),
    ]


def test_units_may_come_off_without_any_money(shop):
    shop.open(mug())
    order = shop.order(("MUG", 2))

    made = refund(shop, order, taken(order, MUG=1))

    assert (made.amount, shop.look(order)["refunded"]) == (usd(0), "0.00")
    assert shop.look(order)["lines"] == [{"sku": "MUG", "quantity": 1}]


@pytest.mark.parametrize("minor", [1, 999, 1250, 1750])
def test_exactly_the_amount_goes_back_below_and_beyond_what_shopify_suggests(shop, minor):
    shop.open(mug())
    order = shop.order(("MUG", 1))

    assert refund(shop, order, taken(order, MUG=1), usd(minor)).amount == usd(minor)
    assert shop.look(order)["refunded"] == f"{minor / 100:.2f}"


def test_more_than_is_left_to_give_back_is_refused_before_anything_is_done(shop):
    shop.open(mug())
    order = shop.order(("MUG", 2))
    refund(shop, order, taken(order, MUG=1), usd(2000))
    again = Keys(mark="another", idempotency="another-key")

    wrong = refused(lambda: refund(shop, order, taken(order, MUG=1), usd(1001), again))

    assert (wrong.code, "only 10.00 USD" in wrong.reason) == ("over_refundable", True)
    assert (shop.acts("refundCreate"), shop.look(order)["refunded"]) == (1, "20.00")


def test_an_order_nobody_paid_has_no_money_to_give_back(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1), financial_status="pending")

    wrong = refused(lambda: refund(shop, order, taken(order, MUG=1), usd(1)))

    assert (wrong.code, "no payment" in wrong.reason) == ("over_refundable", True)
    assert shop.asked("refundCreate") == 0


@pytest.mark.parametrize("kind", ["cut_after", "broken_json", "5xx_after"])
def test_a_refund_whose_answer_was_lost_is_found_by_its_mark(shop, kind):
    shop.open(mug())
    order = shop.order(("MUG", 2))
    shop.fault(kind, "refundCreate")

    made = refund(shop, order, taken(order, MUG=1), usd(1250))

    assert made == shop.storefront.find_refund(gid(order), KEYS.mark)
    assert (shop.acts("refundCreate"), shop.look(order)["refunded"]) == (1, "12.50")


def test_a_refund_that_stands_is_not_made_again_whatever_its_key(shop):
    shop.open(mug())
    order = shop.order(("MUG", 2))

    first = refund(shop, order, taken(order, MUG=1), usd(1250))
    second = refund(shop, order, taken(order, MUG=1), usd(1250), Keys(mark=KEYS.mark, idempotency="renewed"))

    assert first == second
    assert (shop.asked("refundCreate"), shop.look(order)["refunded"]) == (1, "12.50")


def test_a_refund_carries_the_key_that_shopify_remembers(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))

    refund(shop, order, taken(order, MUG=1), usd(100))

    assert [call["key"] for call in shop.sandbox.calls("refundCreate")] == [KEYS.idempotency]
    assert [note.key for note in shop.notes if note.verb == "Refund"] == [KEYS.idempotency]


def test_a_spent_key_is_permanent_and_a_fresh_one_is_accepted(shop):
    shop.open(mug())
    order, other = shop.order(("MUG", 1)), shop.order(("MUG", 1))
    refund(shop, other, taken(other, MUG=1), usd(100), Keys(mark="other", idempotency=KEYS.idempotency))

    wrong = refused(lambda: refund(shop, order, taken(order, MUG=1), usd(100)))
    made = refund(shop, order, taken(order, MUG=1), usd(100), Keys(mark=KEYS.mark, idempotency="fresh"))

    assert (wrong.code, "fresh key" in wrong.remedy) == ("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", True)
    assert (made.amount, shop.look(order)["refunded"]) == (usd(100), "1.00")


def test_only_the_refund_with_our_mark_is_ours(shop):
    shop.open(mug())
    order = shop.order(("MUG", 2))
    refund(shop, order, taken(order, MUG=1), keys=Keys(mark="theirs", idempotency="k"))

    assert shop.storefront.find_refund(gid(order), KEYS.mark) is None
    with pytest.raises(ValueError, match="mark"):
        shop.storefront.find_refund(gid(order), "")


def test_the_mark_is_never_cut_off(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))

    refund(shop, order, taken(order, MUG=1), note="x" * 5000)

    assert shop.look(order)["refunds"][0]["note"].endswith("x (0f8c5a51-mark)")
    assert refunds.marked("", "m") == "m"


# ------------------------------------------------------------------ what no stand-in answers


def both(shop, paid=None, paid_currency="USD"):
    return {
        "shopMoney": {"amount": shop, "currencyCode": "USD"},
        "presentmentMoney": {"amount": paid or shop, "currencyCode": paid_currency},
    }


def way(parent, amount, most, gateway="cards"):
    return {
        "gateway": gateway,
        "amountSet": amount,
        "maximumRefundableSet": most,
        "parentTransaction": {"id": parent} if parent else None,
    }


def suggestion(amount, *ways):
    return refunds.Suggestion.model_validate({"amountSet": amount, "suggestedTransactions": list(ways)})


def shares(minor, found):
    return [(share.way.parent_transaction.id, share.minor) for share in refunds.share_out(usd(minor), found)]


TWO = (way("A", both("8.00"), both("10.00")), way("B", both("2.00"), both("5.00")))


@pytest.mark.parametrize(
    ("minor", "expected"),
    [
        (500, [("A", 500)]),
        (1000, [("A", 800), ("B", 200)]),
        (1100, [("A", 900), ("B", 200)]),
        (1500, [("A", 1000), ("B", 500)]),
    ],
)
def test_an_amount_goes_back_by_the_payments_that_shopify_suggests(minor, expected):
    assert shares(minor, suggestion(both("10.00"), *TWO)) == expected


def test_no_payment_gets_back_more_than_it_bears():
    with pytest.raises(Permanent, match=r"only 15\.00 USD"):
        shares(1501, suggestion(both("10.00"), *TWO))


def test_a_suggestion_of_nothing_leaves_what_the_payments_bear():
    nothing = suggestion(both("0.0"), way("A", both("0.0"), both("10.00")))

    assert shares(700, nothing) == [("A", 700)]


def test_a_buyer_who_paid_in_another_currency_gets_it_back_at_the_rate_of_the_order():
    paid = suggestion(
        both("10.00", "1500", "JPY"), way("A", both("10.00", "1500", "JPY"), both("20.00", "3000", "JPY"))
    )

    assert shares(1000, paid) == [("A", 1500)]
    assert shares(333, paid) == [("A", 499)]
    assert shares(2000, paid) == [("A", 3000)]


def scripted_refund(shopify, amount=None):
    line = TakenBackLine(line_remote_id="gid://shopify/LineItem/1", units=1)
    return refunds.refund(shopify, ORDER, [line], amount=amount, keys=KEYS, tell_buyer=True, note="n")


def none_yet():
    return Answer({"data": {"order": {"refunds": []}}})


def suggests(*ways, amount=None):
    found = {"amountSet": amount or both("5.00"), "suggestedTransactions": list(ways)}
    return Answer({"data": {"order": {"suggestedRefund": found}}})


def made(status="SUCCESS", amount="5.00", note="n (0f8c5a51-mark)"):
    shown = {"shopMoney": {"amount": amount, "currencyCode": "USD"}}
    return {
        "id": "gid://shopify/Refund/1",
        "note": note,
        "totalRefundedSet": shown,
        "transactions": {"nodes": [{"status": status, "amountSet": shown}]},
    }


def test_a_refund_is_sent_in_the_currency_that_the_buyer_paid_in(shopify, scripted):
    amount = both("5.00", "750", "JPY")
    scripted.script = [
        none_yet(),
        suggests(way("gid://shopify/OrderTransaction/1", amount, amount, gateway=None), amount=amount),
        Answer({"data": {"refundCreate": {"refund": made(), "userErrors": []}}}),
    ]

    assert scripted_refund(shopify, usd(500)).amount == usd(500)

    variables = scripted.asked[-1].json()["variables"]
    assert variables["idempotency"] == KEYS.idempotency
    assert (variables["input"]["currency"], variables["input"]["notify"]) == ("JPY", True)
    assert variables["input"]["transactions"] == [
        {
            "orderId": ORDER,
            "gateway": "manual",
            "kind": "REFUND",
            "amount": "750",
            "parentId": "gid://shopify/OrderTransaction/1",
        }
    ]


def test_a_refund_that_may_hide_behind_too_many_others_is_not_made_again(shopify, scripted):
    others = [made(note=f"other {number}") for number in range(refunds.MOST_REFUNDS)]
    scripted.script = [Answer({"data": {"order": {"refunds": others}}})]

    assert refused(lambda: scripted_refund(shopify)).code == "too_many_refunds"
    assert len(scripted.asked) == 1


def test_money_that_the_gateway_refused_is_not_called_given_back(shopify, scripted):
    scripted.script = [Answer({"data": {"order": {"refunds": [made(status="FAILURE")]}}})]

    found = refunds.find(shopify, ORDER, KEYS.mark)

    assert (found.remote_id, found.amount) == ("gid://shopify/Refund/1", usd(0))


IN_PROGRESS = "This request is currently in progress, please try again."
FAILED = "A previous request with this idempotency key failed. Retry with a new idempotency key."
OTHER = "The same idempotency key cannot be used with different operation parameters."


def says_no(message):
    refusal = {"refund": None, "userErrors": [{"field": None, "message": message}]}
    return Answer({"data": {"refundCreate": refusal}})


@pytest.mark.parametrize("answer", [says_no(IN_PROGRESS), errors("IDEMPOTENCY_CONCURRENT_REQUEST")])
def test_a_refund_that_shopify_is_still_making_is_waited_for(shopify, scripted, answer):
    scripted.script = [none_yet(), answer, none_yet()]

    waiting = refused(lambda: scripted_refund(shopify), Temporary)

    assert waiting.code == "IDEMPOTENCY_CONCURRENT_REQUEST"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (says_no(FAILED), "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"),
        (says_no(OTHER), "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"),
        (errors("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", data=None), "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"),
        (errors("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", data=None), "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"),
    ],
)
def test_a_key_that_is_spent_asks_for_a_fresh_one_unless_the_refund_stands(shopify, scripted, answer, code):
    scripted.script = [none_yet(), answer, none_yet()]
    assert refused(lambda: scripted_refund(shopify)).code == code

    scripted.script = [none_yet(), answer, Answer({"data": {"order": {"refunds": [made()]}}})]
    assert scripted_refund(shopify).remote_id == "gid://shopify/Refund/1"


def test_an_answer_that_does_not_say_what_was_refunded_leaves_it_in_doubt(shopify, scripted):
    unreadable = Answer({"data": {"refundCreate": {"refund": {"id": "r"}, "userErrors": []}}})
    scripted.script = [none_yet(), unreadable, none_yet()]

    assert refused(lambda: scripted_refund(shopify), Temporary).outcome_unknown
