"""Keeps what a self-test has found so far with its shop, so that another run goes on from there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from jobs import outward
from records.intentions import find_intention
from records.tenants import Tenant

_DONE = frozenset({"succeeded", "adopted"})


class Superseded(Exception):
    """Another test was begun meanwhile: what this one finds is nobody's any more."""


def begin(session: Session, tenant: int, *, by: str, now: str) -> int:
    """Begin a test, or go on with the one that has not ended; answers its number.

    A label that was bought and not given back goes over into the next test, which gives it back and buys no other, or
    leaves it behind.
    """
    row = session.get_one(Tenant, tenant, with_for_update=True, populate_existing=True)
    last = row.setup.get("self_test", {})
    if last and not last.get("ended_at"):
        return int(last["number"])
    number = int(last.get("number", 0)) + 1
    carried = (
        {key: last[key] for key in ("chosen", "label_of") if key in last} if _is_out(session, tenant, last) else {}
    )
    row.setup = row.setup | {"self_test": carried | {"number": number, "asked_at": now, "by": by, "steps": {}}}
    return number


def leave_behind(session: Session, tenant: int, kept: Mapping[str, Any], sentence: str) -> dict[str, Any]:
    """Be done with the test's label where nobody can give it back any more: nothing waits for it, another is bought.

    `sentence` says why, and is said with the step's own where the label was bought, or may have been.
    """
    left = sentence if _is_out(session, tenant, kept) else ""
    for kind in ("buy_label", "void_label"):
        outward.settle(session, tenant, label_key(kept, kind), "abandon", reason=sentence)
    afresh = {"chosen": None, "label_of": f"{kept['number']}-after-{kept['chosen']['shipment']}", "left": left}
    return write(session, tenant, kept["number"], afresh)


def label_key(kept: Mapping[str, Any], kind: str) -> str:
    """Our own key of an act on the test's label: by the test that bought it."""
    return f"self_test/{kept.get('label_of', kept.get('number'))}/{kind}"


def read(session: Session, tenant: int) -> dict[str, Any]:
    found: dict[str, Any] = session.get_one(Tenant, tenant, populate_existing=True).setup.get("self_test", {})
    return found


def write(
    session: Session, tenant: int, number: int, told: Mapping[str, Any], steps: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Add what the test of this number found; answers all of it. Raises Superseded where it is not the last one."""
    row = session.get_one(Tenant, tenant, with_for_update=True, populate_existing=True)
    before = row.setup.get("self_test", {})
    if before.get("number") != number:
        raise Superseded(f"self-test {number}")
    after: dict[str, Any] = before | dict(told) | {"steps": before.get("steps", {}) | dict(steps or {})}
    row.setup = row.setup | {"self_test": after}
    return after


def _is_out(session: Session, tenant: int, last: Mapping[str, Any]) -> bool:
    """Whether the last test's label is bought, or may be, and was not given back."""
    bought = find_intention(session, tenant, label_key(last, "buy_label"))
    back = find_intention(session, tenant, label_key(last, "void_label"))
    return bought is not None and bought.state in _DONE | {"intended"} and (back is None or back.state not in _DONE)
