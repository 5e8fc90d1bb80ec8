"""Looks for what is wrong with an order before anything is spent on it. Pure: values in, problems out."""

from __future__ import annotations

from integrations.nouns import Address, AddressVerdict, OrderSnapshot, RiskAdvice, StoreOrder
from orders.holds import Problem
from records.tenants import Rules

LOOKED_FOR = ("address", "mismatch", "risk", "storefront", "test")


def problems(
    told: OrderSnapshot | None,
    store: StoreOrder,
    verdict: AddressVerdict | None,
    rules: Rules,
    *,
    home_country: str,
    real_postage: bool,
) -> list[Problem]:
    """Everything that is wrong: `told` is the version that arrived before, `store` the storefront's answer now.

    `verdict` is None where no carrier was asked because nothing of the order is shipped.
    """
    found = [
        _address_problem(store, verdict, rules, home_country),
        _mismatch_problem(told, store.snapshot),
        _risk_problem(store.risk, rules),
        _storefront_problem(store),
        _test_problem(store.snapshot, real_postage=real_postage),
    ]
    return [problem for problem in found if problem is not None]


def missing_in(address: Address | None) -> list[str]:
    """What an address lacks to be written on a label. Some countries have no postcodes or regions at all."""
    if address is None:
        return ["the whole address"]
    needed = {
        "name": address.name or address.company,
        "street": address.street1,
        "city": address.city,
        "country": address.country,
    }
    if address.country in _POSTCODE_NEEDED:
        needed["postcode"] = address.postcode
    if address.country in _REGION_NEEDED:
        needed["state or province"] = address.region
    return [name for name, value in needed.items() if not value.strip()]


# Where carriers refuse a label without them (EasyPost's address guide asks for both in these countries).
_REGION_NEEDED = frozenset({"US", "CA", "AU"})
_POSTCODE_NEEDED = frozenset({"US", "CA", "AU", "GB", "DE", "FR", "NL", "IT", "ES", "AT", "BE", "CH", "SE", "DK", "NO"})


def _address_problem(
    store: StoreOrder, verdict: AddressVerdict | None, rules: Rules, home_country: str
) -> Problem | None:
    if not any(line.ships and line.units for line in store.asked):
        return None
    address = store.snapshot.ship_to
    remedy = "Correct the address in the store, or release the hold to ship as it is."
    missing = missing_in(address)
    if missing:
        return Problem(kind="address", reason=f"The address lacks {', '.join(missing)}.", remedy=remedy)
    abroad = address is not None and address.country != home_country
    if verdict is None or verdict.deliverable or (abroad and not rules.hold_unverified_abroad):
        return None
    return Problem(
        kind="address",
        reason=f"The carrier cannot deliver to this address: {'; '.join(verdict.problems) or 'no reason given'}.",
        remedy=remedy,
    )


def _mismatch_problem(told: OrderSnapshot | None, answer: OrderSnapshot) -> Problem | None:
    """Two versions of one moment must agree; a total must not be less than nothing."""
    remedy = "Compare the order in the store with what stands here; release the hold if it is right."
    if answer.total.minor < 0 or any(line.unit_price.minor < 0 for line in answer.lines):
        return Problem(kind="mismatch", reason="The order has a negative price.", remedy=remedy)
    if told is None or told.updated_at != answer.updated_at:
        return None
    differences = [
        f"{name}: {before} was told, {after} is in the store"
        for name, before, after in (
            ("total", told.total, answer.total),
            *(_line_by_line(told, answer)),
        )
        if before != after
    ]
    if not differences:
        return None
    return Problem(kind="mismatch", reason=f"The order is not what was told ({'; '.join(differences)}).", remedy=remedy)


def _line_by_line(told: OrderSnapshot, answer: OrderSnapshot) -> list[tuple[str, str, str]]:
    before = {line.remote_id: f"{line.units} × {line.unit_price}" for line in told.lines if line.units}
    after = {line.remote_id: f"{line.units} × {line.unit_price}" for line in answer.lines if line.units}
    titles = {line.remote_id: line.sku or line.title for line in (*told.lines, *answer.lines)}
    return [(titles[id], before.get(id, "nothing"), after.get(id, "nothing")) for id in {**before, **after}]


def _risk_problem(risk: RiskAdvice, rules: Rules) -> Problem | None:
    # An advice that we do not know may be the gravest of all.
    gravest = (RiskAdvice.CANCEL, RiskAdvice.UNKNOWN)
    held = {"never": (), "cancel": gravest, "investigate": (*gravest, RiskAdvice.INVESTIGATE)}
    if risk not in held[rules.hold_risk_at]:
        return None
    return Problem(
        kind="risk",
        reason="The store's fraud analysis says something that Packline does not know."
        if risk is RiskAdvice.UNKNOWN
        else f"The store's fraud analysis says: {risk.value}.",
        remedy="Look at the analysis in the store; release the hold to ship, or cancel the order there.",
    )


def _storefront_problem(store: StoreOrder) -> Problem | None:
    reasons = sorted({line.on_hold for line in store.asked if line.on_hold})
    if not reasons:
        return None
    return Problem(
        kind="storefront",
        reason=f"The store holds the work on this order: {', '.join(reasons)}.",
        remedy="Release the hold in the store; Packline goes on by itself.",
    )


def _test_problem(order: OrderSnapshot, *, real_postage: bool) -> Problem | None:
    """An order that nobody paid for must not leave with postage that somebody pays for."""
    if not (order.test and real_postage):
        return None
    return Problem(
        kind="test",
        reason="This is a test order, and the carrier account buys real postage.",
        remedy="Release the hold only if you really want to ship it; or cancel the order in the store.",
    )
