"""Take units off an order and give money back for them, once: a refund carries our mark in its note.

https://shopify.dev/docs/api/admin-graphql/latest/mutations/refundCreate. It is the one mutation here with an
idempotency key: https://shopify.dev/docs/api/usage/implementing-idempotency.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any

import structlog

from integrations import nouns
from integrations.ports import Keys, Permanent, Temporary
from integrations.storefronts.shopify import answers, scalars, work
from integrations.storefronts.shopify.answers import Amount, Answer, Bag, Page, Ref
from integrations.storefronts.shopify.client import Client, once
from integrations.storefronts.shopify.scalars import Text

log = structlog.get_logger(__name__)

# The mark stands behind it and must not be cut off; Shopify names no limit of its own for the note of a refund.
LONGEST_NOTE = 200
# As many as ReadRefunds asks for.
MOST_REFUNDS = 250
_FAILED = frozenset({"FAILURE", "ERROR"})


class Both(Bag):
    """An amount in the shop's currency, and in the one that the buyer paid in."""

    presentment_money: Amount


class Way(Answer):
    """A payment by which money can go back, and how much Shopify suggests should."""

    gateway: Text = ""
    amount_set: Both
    maximum_refundable_set: Both | None = None
    parent_transaction: Ref | None = None

    @property
    def most(self) -> Both:
        return self.maximum_refundable_set or self.amount_set


class Suggestion(Answer):
    amount_set: Both
    suggested_transactions: tuple[Way, ...] = ()


class _Refundable(Answer):
    suggested_refund: Suggestion | None = None


class _Movement(Answer):
    status: str
    amount_set: Bag


class _Refund(Answer):
    id: str
    note: Text = ""
    total_refunded_set: Bag
    transactions: Page[_Movement] = Page[_Movement]()


class _Refunds(Answer):
    refunds: tuple[_Refund, ...] = ()


@dataclass(frozen=True)
class Share:
    """What goes back by one payment, in minor units of the buyer's currency."""

    way: Way
    minor: int


def quote(client: Client, order_id: str, lines: Sequence[nouns.TakenBackLine]) -> nouns.StoreRefund:
    return nouns.StoreRefund(amount=_readable(_suggested(client, order_id, lines).amount_set.shop_money))


def refund(
    client: Client,
    order_id: str,
    lines: Sequence[nouns.TakenBackLine],
    *,
    amount: nouns.Money | None,
    keys: Keys,
    tell_buyer: bool,
    note: str,
) -> nouns.StoreRefund:
    """The refund that carries our mark, made or found. Its amount is what went, or is on its way, and did not fail."""
    if amount and amount.minor < 0:
        raise ValueError(f"an amount below nothing: {amount}")
    found = find(client, order_id, keys.mark)
    if found:
        log.info("shopify.refund_adopted", order=order_id, refund=found.remote_id)
        return found
    wish: dict[str, Any] = {
        "orderId": order_id,
        "note": marked(note, keys.mark),
        "notify": tell_buyer,
        "refundLineItems": [line_input(line) for line in lines],
    }
    if amount and amount.minor:
        wish |= _money(_suggested(client, order_id, lines), order_id, amount)
    return once(
        lambda: _made(client.tell("Refund", key=keys.idempotency, idempotency=keys.idempotency, input=wish)),
        otherwise=lambda: find(client, order_id, keys.mark),
    )


def find(client: Client, order_id: str, mark: str) -> nouns.StoreRefund | None:
    if not mark:
        raise ValueError("a refund is found by its mark, and this one has none")
    order = answers.present(client.ask("ReadRefunds", id=order_id), "order", remedy=work.GONE)
    refunds = answers.read(_Refunds, order).refunds
    found = next((one for one in refunds if mark in one.note), None)
    if found is None and len(refunds) >= MOST_REFUNDS:
        raise Permanent(
            f"The order has more than {MOST_REFUNDS} refunds, and Shopify shows no more: ours may be among the others.",
            remedy="Look for it in the Shopify admin; refund there by hand if it was not made.",
            code="too_many_refunds",
        )
    return _told(found) if found else None


def line_input(line: nouns.TakenBackLine) -> dict[str, Any]:
    """Shopify's words for where the units go: RETURN once they had been fulfilled, CANCEL before. Pure."""
    told: dict[str, Any] = {"lineItemId": line.line_remote_id, "quantity": line.units}
    if not line.restock_at:
        return told | {"restockType": "NO_RESTOCK"}
    return told | {"restockType": "RETURN" if line.left else "CANCEL", "locationId": line.restock_at}


def marked(note: str, mark: str) -> str:
    """The note as it stands at Shopify: ours for the merchant, and the mark by which we find it. Pure."""
    return f"{note[:LONGEST_NOTE]} ({mark})" if note else mark


def share_out(amount: nouns.Money, suggestion: Suggestion) -> list[Share]:
    """By which payments an amount goes back: as Shopify suggests, and what goes beyond by what each can still bear.

    Pure. Permanent where all of them together cannot bear it.
    """
    most = scalars.total(way.most.shop_money.money() for way in suggestion.suggested_transactions)
    if most is None or amount.currency != most.currency or amount.minor > most.minor:
        raise _too_much(amount, most)
    left = _as_paid(amount, suggestion)
    given = []
    for way in suggestion.suggested_transactions:
        given.append(min(left, _paid(way.amount_set), _paid(way.most)))
        left -= given[-1]
    for place, way in enumerate(suggestion.suggested_transactions):
        more = min(left, _paid(way.most) - given[place])
        given[place] += more
        left -= more
    return [Share(way, minor) for way, minor in zip(suggestion.suggested_transactions, given, strict=True) if minor > 0]


def _suggested(client: Client, order_id: str, lines: Sequence[nouns.TakenBackLine]) -> Suggestion:
    answer = client.ask("SuggestRefund", id=order_id, lines=[line_input(line) for line in lines])
    found = answers.read(_Refundable, answers.present(answer, "order", remedy=work.GONE)).suggested_refund
    if found is None:
        raise Permanent(
            "Shopify suggests nothing to give back for these units.",
            remedy="Look at the order in the Shopify admin: it may be refunded already, or its payment may be pending.",
            code="not_refundable",
        )
    return found


def _money(suggestion: Suggestion, order_id: str, amount: nouns.Money) -> dict[str, Any]:
    try:
        shares = share_out(amount, suggestion)
        currency = suggestion.amount_set.presentment_money.currency_code
        return {
            "currency": currency,
            "transactions": [_transaction(share, order_id, currency) for share in shares],
        }
    except ValueError as failure:
        raise answers.unreadable(failure) from None


def _transaction(share: Share, order_id: str, currency: str) -> dict[str, Any]:
    parent = share.way.parent_transaction
    return {
        "orderId": order_id,
        # The parent's gateway counts, whatever is sent (recorded); the field must be there all the same.
        "gateway": share.way.gateway or "manual",
        "kind": "REFUND",
        "amount": f"{Decimal(share.minor).scaleb(-nouns.exponent(currency)):f}",
        **({"parentId": parent.id} if parent else {}),
    }


def _as_paid(amount: nouns.Money, suggestion: Suggestion) -> int:
    """The amount in minor units of the buyer's currency, at the rate of this order, never rounded up."""
    shop, paid = suggestion.amount_set.shop_money.money(), suggestion.amount_set.presentment_money.money()
    if shop.currency == paid.currency:
        return amount.minor
    if not shop.minor:
        shop_most = sum(way.most.shop_money.money().minor for way in suggestion.suggested_transactions)
        return _converted(amount.minor, sum(_paid(way.most) for way in suggestion.suggested_transactions), shop_most)
    return _converted(amount.minor, paid.minor, shop.minor)


def _converted(minor: int, paid: int, shop: int) -> int:
    return int((Decimal(minor) * paid / shop).to_integral_value(rounding=ROUND_DOWN)) if shop else 0


def _paid(amount: Both) -> int:
    return amount.presentment_money.money().minor


def _too_much(amount: nouns.Money, most: nouns.Money | None) -> Permanent:
    left = f"only {most} of this order's payments can still be given back" if most else "no payment can be given back"
    return Permanent(
        f"{amount} cannot be refunded in Shopify: {left}.",
        remedy="Look at the order's payments in the Shopify admin: somebody may have refunded it there. Choose a"
        " smaller amount, or none.",
        code="over_refundable",
    )


def _made(payload: dict[str, Any]) -> nouns.StoreRefund:
    try:
        return _told(answers.read(_Refund, payload.get("refund")))
    except Permanent as unreadable:
        # Money may have gone: that nobody can read how much does not undo it, and the next look finds it by its mark.
        raise Temporary(unreadable.reason, code=unreadable.code, outcome_unknown=True) from None


def _told(found: _Refund) -> nouns.StoreRefund:
    given = [one.amount_set.shop_money for one in found.transactions.nodes if one.status not in _FAILED]
    if len(given) < len(found.transactions.nodes):
        log.warning("shopify.refund_failed", refund=found.id, failed=len(found.transactions.nodes) - len(given))
    currency = found.total_refunded_set.shop_money.currency_code
    minor = sum(_readable(one).minor for one in given)
    return nouns.StoreRefund(remote_id=found.id, amount=nouns.Money(minor=minor, currency=currency))


def _readable(amount: Amount) -> nouns.Money:
    try:
        return amount.money()
    except ValueError as failure:
        raise answers.unreadable(failure) from None
