"""Takes what a store, or a person, demands about personal data, and has it done: bound to the shop that signed it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from integrations.nouns import (
    AboutTheShop,
    AppUninstalled,
    BuyerDataWanted,
    BuyerToForget,
    NamedBuyer,
    NamedShop,
    ScopesChanged,
    ShopToForget,
)
from jobs import queue
from orders import lifecycle
from orders.listening import Remark
from records import privacy
from records.orders import Order
from records.privacy import EXPORT, REDACT_BUYER, REDACT_SHOP, PrivacyRequest
from records.tenants import Connection, Tenant

if TYPE_CHECKING:
    from jobs.intake import Source

log = structlog.get_logger(__name__)

# "You must complete the action within 30 days of receiving the request."
# https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance
ANSWERED_WITHIN = timedelta(days=30)
_DOES = {EXPORT: "export_buyer", REDACT_BUYER: "forget_buyer"}
SCOPE_REMARK = "scope"


@dataclass(frozen=True, kw_only=True)
class Filed:
    """What became of a demand: `take`, `ignore` or `park`, with the reason."""

    by: str
    subject: str = ""
    reason: str = ""


def hear(session: Session, source: Source, fact: AboutTheShop) -> Filed:
    """Act on what a store tells of itself, if the signed body proves that it is this store."""
    connection = session.get_one(Connection, (source.tenant, source.connection))
    ours = is_of(fact.shop, remote_account_id=connection.remote_account_id, account=connection.account)
    if not ours:
        log.warning("demand not bound", connection=connection.id, fact=type(fact).__name__, other=ours is False)
        return Filed(by="park", reason=_ANOTHER_SHOP if ours is False else _NO_SHOP)
    match fact:
        case BuyerDataWanted(remote_id=remote_id, buyer=buyer):
            return _asked(session, source, EXPORT, f"request/{remote_id}", buyer)
        case BuyerToForget(buyer=buyer):
            return _asked(session, source, REDACT_BUYER, _digest(source, buyer), buyer)
        case ShopToForget():
            return _shop_to_forget(session, source)
        case AppUninstalled():
            return _uninstalled(session, source)
        case ScopesChanged():
            return _scopes_changed(session, source, connection, fact)


_ANOTHER_SHOP = "The signed body is of another shop than the one that the unsigned header names, so nothing was done."
_NO_SHOP = (
    "Nothing here can be held against the shop that the body names, so nothing was done: see whose demand it is, "
    "and do it by hand (packline privacy)."
)


def is_of(named: NamedShop, *, remote_account_id: str, account: str) -> bool | None:
    """Whether a signed body is of this account: by the number where both have one, else by the domain.

    None where neither can be compared. Pure.
    """
    if named.remote_account_id and remote_account_id:
        return named.remote_account_id.rpartition("/")[2] == remote_account_id.rpartition("/")[2]
    if named.account and account:
        return named.account == account
    return None


def ask(session: Session, tenant: int, kind: str, orders: Sequence[Order], *, by: str, now: datetime) -> int:
    """A person's own demand for the buyer of these orders, as a store would send it; answers its id."""
    wanted = {"orders": [order.remote_id for order in orders], "by": by}
    return _file(session, tenant, kind, f"by hand/{now.isoformat()}", wanted, now=now)


def held_of(session: Session, tenant: int, demand: PrivacyRequest, *, email: str) -> list[int]:
    """The orders of ours that a demand is about: those that it names, and those with the buyer's e-mail address.

    Packline keeps no numbers of buyers, and telephones are shared; an address is theirs alone.
    """
    named = Order.remote_id.in_([str(one) for one in demand.wanted.get("orders", [])])
    which = or_(named, func.lower(Order.email) == email.lower()) if email else named
    return list(session.scalars(select(Order.id).where(Order.tenant_id == tenant, which).order_by(Order.id)))


def _asked(session: Session, source: Source, kind: str, remote_id: str, buyer: NamedBuyer) -> Filed:
    wanted: dict[str, Any] = {"customer": buyer.remote_id, "orders": list(buyer.orders), "by": source.vendor}
    if source.event is not None:
        wanted["event"] = source.event
    id = _file(session, source.tenant, kind, remote_id, wanted, now=source.now)
    return Filed(by="take", subject=f"demand/{id}")


def _file(session: Session, tenant: int, kind: str, remote_id: str, wanted: Mapping[str, Any], *, now: datetime) -> int:
    id = privacy.demand(session, tenant, kind=kind, remote_id=remote_id, wanted=wanted, due_at=now + ANSWERED_WITHIN)
    queue.add(session, tenant, _DOES[kind], f"demand/{id}")
    log.info("privacy demand", kind=kind, demand=id)
    return id


def _digest(source: Source, buyer: NamedBuyer) -> str:
    """Tells one demand from another by ids only; a body without any is told by its delivery."""
    told = "|".join([buyer.remote_id, *sorted(buyer.orders)]) or f"event/{source.event}"
    return f"buyer/{hashlib.sha256(told.encode()).hexdigest()[:32]}"


def _shop_to_forget(session: Session, source: Source) -> Filed:
    """A shop that is still open here may not have told us that it left: it is asked before anything is forgotten."""
    demand = privacy.demand(
        session, source.tenant, kind=REDACT_SHOP, remote_id=REDACT_SHOP, wanted={"by": source.vendor},
        due_at=source.now + ANSWERED_WITHIN,
    )  # fmt: skip
    row = session.get_one(PrivacyRequest, (source.tenant, demand))
    if row.state == "done":
        anew = {"created_at": source.now, "due_at": source.now + ANSWERED_WITHIN, "done_at": None}
        lifecycle.move(session, source.tenant, "privacy_request", demand, "again", **anew)
    closed = session.get_one(Tenant, source.tenant).closed_at is not None
    queue.add(session, source.tenant, "forget_shop" if closed else "close_shop", f"shop/{source.tenant}")
    return Filed(by="take", subject=f"demand/{demand}")


def _uninstalled(session: Session, source: Source) -> Filed:
    if session.get_one(Tenant, source.tenant).closed_at is not None:
        return Filed(by="ignore", reason="The shop is closed already.")
    queue.add(session, source.tenant, "close_shop", f"shop/{source.tenant}")
    return Filed(by="take", subject=f"shop/{source.tenant}")


def _scopes_changed(session: Session, source: Source, connection: Connection, fact: ScopesChanged) -> Filed:
    connection.scopes = list(fact.scopes)
    remedy = "Open Packline in the store's admin and allow what it asks for."
    kept = [remark for remark in connection.remarks if remark["kind"] != SCOPE_REMARK]
    told = [Remark(kind=SCOPE_REMARK, sentence=sentence, remedy=remedy).as_kept() for sentence in fact.lacking]
    connection.remarks = [*kept, *told]
    # Whether the secrets themselves are still taken is found out by using them.
    queue.add(session, source.tenant, "check_connection", f"connection/{connection.id}")
    return Filed(by="take", subject=f"connection/{connection.id}")
