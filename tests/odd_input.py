"""Odd input: ordinary bodies of all three vendors, and what strangers, slips of the pen and broken clients make of them."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.integrations.shopify_bodies import line, order

# The same examples on every run and every machine: a surprise is found on purpose, with more examples, not by chance.
QUICK = settings(
    max_examples=int(os.environ.get("PACKLINE_FUZZ", "120")),
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Sample:
    """An ordinary delivery. `acted_on` names the fields that we read: what stands there decides what becomes of it."""

    vendor: str
    topic: str
    body: dict[str, Any]


# ------------------------------------------------------------------------------------------- what is ordinary


def stripe_event(topic: str, thing: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "evt_1", "object": "event", "type": topic, "created": 1_763_726_400, "livemode": False,
        "data": {"object": thing},
    } | more  # fmt: skip


def intent(**changes: Any) -> dict[str, Any]:
    return {
        "id": "pi_1", "object": "payment_intent", "amount": 3200, "currency": "usd", "status": "succeeded",
        "amount_received": 3200, "amount_capturable": 0, "latest_charge": "ch_1", "last_payment_error": None,
        "metadata": {"order_name": "#1001"}, "cancellation_reason": None,
    } | changes  # fmt: skip


def charge(**changes: Any) -> dict[str, Any]:
    return {
        "id": "ch_1", "object": "charge", "amount": 3200, "amount_captured": 3200, "amount_refunded": 500,
        "captured": True, "currency": "usd", "payment_intent": "pi_1", "status": "succeeded", "metadata": {},
        "failure_message": None,
    } | changes  # fmt: skip


def checkout(**changes: Any) -> dict[str, Any]:
    return {
        "id": "cs_1", "object": "checkout.session", "payment_status": "paid", "payment_intent": "pi_1",
        "amount_total": 3200, "currency": "usd", "client_reference_id": "#1001", "metadata": {},
    } | changes  # fmt: skip


def dispute(**changes: Any) -> dict[str, Any]:
    return {
        "id": "dp_1", "status": "needs_response", "reason": "fraudulent", "charge": "ch_1", "payment_intent": "pi_1",
    } | changes  # fmt: skip


def easypost_event(topic: str, thing: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "evt_1", "object": "Event", "description": topic, "mode": "test", "created_at": "2026-11-20T11:00:05Z",
        "result": thing,
    } | more  # fmt: skip


def tracker(**changes: Any) -> dict[str, Any]:
    scan = {
        "message": "Picked up", "status": "in_transit", "status_detail": "arrived_at_facility",
        "datetime": "2026-11-20T10:00:00Z",
        "tracking_location": {"city": "ORLANDO", "state": "FL", "country": "US", "zip": "32809"},
    }  # fmt: skip
    return {
        "id": "trk_1", "object": "Tracker", "tracking_code": "9400", "status": "in_transit",
        "status_detail": "arrived_at_facility", "updated_at": "2026-11-20T11:00:00Z", "carrier": "USPS",
        "est_delivery_date": "2026-11-23T00:00:00Z", "signed_by": None, "tracking_details": [scan],
    } | changes  # fmt: skip


REFUND = {"id": "rfnd_1", "object": "Refund", "shipment_id": "shp_1", "tracking_code": "9400", "status": "refunded"}

SAMPLES = [
    *(
        Sample("shopify", topic, order(line_items=[line(), line(id=42, admin_graphql_api_id=None, variant_id=52)]))
        for topic in (
            *("orders/create", "orders/updated", "orders/paid", "orders/fulfilled", "orders/partially_fulfilled"),
            "orders/cancelled",
        )
    ),
    Sample("shopify", "orders/edited", {"order_edit": {"id": 7, "order_id": 31, "app_id": 1}}),
    Sample("shopify", "orders/delete", {"id": 31}),
    Sample("shopify", "orders/risk_assessment_changed", {"order_id": 31, "risk_level": "high", "created_at": None}),
    Sample("shopify", "order_transactions/create", {"id": 8, "order_id": 31, "kind": "capture", "amount": "32.00"}),
    *(
        Sample("stripe", topic, stripe_event(topic, thing))
        for topic, thing in (
            ("payment_intent.succeeded", intent()),
            ("payment_intent.succeeded", intent(latest_charge=charge(), charges={"data": [charge()]})),
            ("payment_intent.amount_capturable_updated", intent(status="requires_capture", amount_capturable=3200)),
            (
                "payment_intent.payment_failed",
                intent(status="requires_payment_method", last_payment_error={"message": "Declined."}),
            ),
            ("payment_intent.canceled", intent(status="canceled", cancellation_reason="abandoned")),
            ("payment_intent.processing", intent(status="processing")),
            ("charge.refunded", charge()),
            ("charge.expired", charge(captured=False, amount_captured=0)),
            ("charge.dispute.created", dispute()),
            ("charge.dispute.closed", dispute(status="won")),
            ("checkout.session.completed", checkout()),
            ("checkout.session.async_payment_failed", checkout(payment_status="unpaid")),
        )
    ),
    *(
        Sample("easypost", topic, easypost_event(topic, thing))
        for topic, thing in (("tracker.created", tracker()), ("tracker.updated", tracker()), ("refund.successful", REFUND))
    ),
]  # fmt: skip


def of(vendor: str, *, but: str = "\x00") -> list[Sample]:
    """The samples of a vendor, but for those whose topic starts so."""
    return [sample for sample in SAMPLES if sample.vendor == vendor and not sample.topic.startswith(but)]


def recorded() -> list[Sample]:
    """What the vendors really sent, where the recordings are at hand (PACKLINE_RECORDINGS)."""
    folder = os.environ.get("PACKLINE_RECORDINGS")
    if not folder:
        return []
    events = [
        json.loads(path.read_text()) for path in sorted(Path(folder, "stripe/webhook_events_ruby_mock").glob("*"))
    ]
    found = [Sample("stripe", event["type"], event) for event in events if "type" in event]
    moved = json.loads(Path(folder, "easypost/webhooks/tracker_updated__event-body.json").read_text())
    return [*found, Sample("easypost", moved["description"], moved)]


# ------------------------------------------------------------------------------------------- what is odd

_RTL = "\u202egnol \u0639\u0631\u0628\u064a \u200b\u200d\U0001f469\u200d\U0001f467"
ODD: list[Any] = [
    None, True, False, 0, 1, -1, 7, 3.5, -0.0, 10**30, -(10**30), 2**31, 2**63, 1e300, float("nan"), float("inf"),
    "", " ", "0", "-3", "7", "1e9", "NaN", "Infinity", "null", "true", "x" * 6_000, "\U0001f600" * 400, _RTL, "\ufeff",
    "a\x00b", "\ud800", "\udfff x", "usd", "XXX", "XTS", "ABC", "USDX", "teleported", "gid://shopify/Order/0",
    "gid://shopify/Order/99999999999999999999999", "pi_2", "'; DROP TABLE orders; --", "<script>alert(1)</script>",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "2026-06-30T23:59:60Z", "2026-11-20T10:00:00", "2026-11-20",
    "1763726400", "2262-04-11T23:47:16Z", "1969-12-31T23:59:59+14:00", 1_763_726_400, 253_402_300_799,
    [], {}, [None], [[]], [{}], {"id": None}, {"": ""}, [1, "two", None], {"data": [None]},
]  # fmt: skip
MISSING = object()


def places(value: Any, here: Place = ()) -> Iterator[Place]:
    """Every place in a body, outermost first."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in members:
        yield (*here, name)
        yield from places(inner, (*here, name))


def changed(body: dict[str, Any], place: Place, odd: Any) -> dict[str, Any]:
    """The body with something else at one place, or nothing there."""
    made = copy.deepcopy(body)
    outer: Any = made
    for step in place[:-1]:
        outer = outer[step]
    if odd is MISSING:
        del outer[place[-1]]
    else:
        outer[place[-1]] = odd
    return made


@st.composite
def oddities(draw: st.DrawFn, samples: list[Sample]) -> tuple[Sample, bytes, Place]:
    """A sample, its bytes with one oddity in it, and where."""
    sample = draw(st.sampled_from(samples))
    place = draw(st.sampled_from(list(places(sample.body))))
    odd = draw(st.sampled_from([*ODD, MISSING]))
    return sample, json.dumps(changed(sample.body, place, odd)).encode(), place


# Whole bodies that break one reader or another.
BROKEN: dict[str, bytes] = {
    "nothing": b"",
    "half": b'{"id": 31, "name": "#10',
    "list": b"[]",
    "text": b'"31"',
    "null": b"null",
    "deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep-lists": b'{"id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "latin-1": '{"name": "Zo\u00eb"}'.encode("latin-1"),
    "utf-16": '{"id": 31}'.encode("utf-16"),
    "bom": b"\xef\xbb\xbf{}",
    "cesu-8": b'{"name": "\xed\xa0\xbd\xed\xb8\x80"}',
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    "form": b"id=31&name=%231001",
    "xml": b"<?xml version='1.0'?><order/>",
    "nul": b'{"id": 31, "name": "\\u0000"}',
    "half-a-pair": b'{"id": 31, "name": "\\ud83d"}',
    "twice": b'{"id": 31, "id": 32, "total_price": "1.00"}',
    "long-number": b'{"id": ' + b"9" * 5_000 + b"}",
    "not-a-number": b'{"total_price": NaN}',
}
