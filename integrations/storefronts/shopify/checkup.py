"""Looks at whose store it is and what it lets us do, and names each lack: what stands still, and what to do.

Two lacks are silent at Shopify: work of a kind that no scope covers is left out of every answer, and without approval
for protected customer data names and streets are null. Both are looked for in the store's newest orders.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from integrations import ports
from integrations.ports import Credentials, Lack, Notice, Origins, Permanent
from integrations.storefronts.shopify import answers, scopes
from integrations.storefronts.shopify.answers import Answer, Page, Ref
from integrations.storefronts.shopify.client import Client

# Shopify routes a new order within seconds; what has no work after this is not seen.
_ROUTED_WITHIN = timedelta(minutes=10)
_NOT_APPROVED = "not approved"


class _Scope(Answer):
    handle: str


class _Installation(Answer):
    access_scopes: tuple[_Scope, ...] = ()


class _Plan(Answer):
    partner_development: bool = False


class _Shop(Answer):
    id: str
    name: str
    currency_code: str
    plan: _Plan


class _Account(Answer):
    shop: _Shop
    current_app_installation: _Installation


class _Destination(Answer):
    name: str | None = None
    address1: str | None = None


class _Sample(Answer):
    created_at: datetime
    requires_shipping: bool = False
    cancelled_at: datetime | None = None
    shipping_address: _Destination | None = None
    fulfillment_orders: Page[Ref] = Page[Ref]()


class _Samples(Answer):
    orders: Page[_Sample]


def check(credentials: Credentials, origins: Origins, notice: Notice) -> ports.Checkup:
    """Raises Temporary, and Permanent where Shopify refuses the token."""
    client = Client(credentials, origins, notice)
    account = answers.read(_Account, client.ask("ReadAccount"))
    granted = tuple(scope.handle for scope in account.current_app_installation.access_scopes)
    lacking = [_without(scope) for scope in scopes.missing(granted)]
    return ports.Checkup(
        name=account.shop.name,
        # The number alone: deliveries about the store name it in their signed bodies.
        remote_account_id=account.shop.id.rpartition("/")[2],
        # Nothing is sold for real in a developer's store.
        live=not account.shop.plan.partner_development,
        currency=account.shop.currency_code,
        scopes=granted,
        lacks=(*lacking, *_silent(client, sees_orders=_ORDERS not in scopes.missing(granted))),
    )


_ORDERS = "write_orders"


def _silent(client: Client, *, sees_orders: bool) -> list[Lack]:
    """What the newest orders show to be left out; nothing where they may not be read, which is told already."""
    if not sees_orders:
        return []
    try:
        found = answers.read(_Samples, client.ask("ReadSamples")).orders.nodes
    except Permanent as refusal:
        if _NOT_APPROVED in refusal.reason:
            return [_BUYERS_HIDDEN]
        if refusal.code == "ACCESS_DENIED":
            return []
        raise
    return judged(found, datetime.now(UTC))


def judged(samples: tuple[_Sample, ...], now: datetime) -> list[Lack]:
    """Pure."""
    shipped = [one for one in samples if one.requires_shipping]
    addressed = [one.shipping_address for one in shipped if one.shipping_address is not None]
    lacks = []
    if addressed and not any(place.name or place.address1 for place in addressed):
        lacks.append(_BUYERS_HIDDEN)
    if any(_without_work(one, now) for one in shipped):
        lacks.append(_WORK_ABSENT)
    return lacks


def _without_work(order: _Sample, now: datetime) -> bool:
    return order.cancelled_at is None and not order.fulfillment_orders.nodes and now - order.created_at > _ROUTED_WITHIN


def _without(scope: str) -> Lack:
    return Lack(
        kind=f"scope:{scope}",
        sentence=f"The store has not granted `{scope}`. {scopes.REQUIRED[scope]}",
        remedy="Open Packline in the store's admin and agree to the permissions that it asks for.",
    )


_BUYERS_HIDDEN = Lack(
    kind="buyers_hidden",
    sentence="Shopify hides the names and streets of buyers from Packline, so that no label can be bought: the app is "
    "not approved for protected customer data.",
    remedy="In the Partner Dashboard, under API access, request protected customer data with name, address, phone and "
    "email (level 2); nothing has to be done in the store.",
)
_WORK_ABSENT = Lack(
    kind="work_absent",
    sentence="An order that has to be shipped shows no work to Packline: Shopify leaves out what lies at a kind of "
    "location that the app may not see.",
    remedy="Agree to the permissions for fulfillment orders when Packline asks, or see in the Shopify admin which app "
    "the order's location belongs to.",
)
