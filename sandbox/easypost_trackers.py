"""Trackers: made with a label or by hand, moved by the control door, telling every move."""

from base64 import b64encode
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sandbox.easypost_wire import Fields, new_id, stamp

# The test codes' one state each (docs.easypost.com/docs/trackers).
TEST_CODES = {
    "EZ1000000001": "pre_transit",
    "EZ2000000002": "in_transit",
    "EZ3000000003": "out_for_delivery",
    "EZ4000000004": "delivered",
    "EZ5000000005": "return_to_sender",
    "EZ6000000006": "failure",
    "EZ7000000007": "unknown",
}
STATUSES = frozenset({*TEST_CODES.values(), "available_for_pickup", "cancelled", "error"})
# What a carrier most often says with each status; the control door may say otherwise.
USUAL_DETAIL = {
    "unknown": "unknown",
    "pre_transit": "label_created",
    "in_transit": "arrived_at_facility",
    "out_for_delivery": "out_for_delivery",
    "delivered": "arrived_at_destination",
    "available_for_pickup": "arrived_at_pickup_location",
    "return_to_sender": "return",
    "failure": "failure",
    "cancelled": "cancelled",
    "error": "transit_exception",
}
# Never reset: a code given out twice would make two parcels one.
_codes = count(1)


@dataclass(slots=True)
class Tracker:
    """One parcel's way; `details` are the carrier's scans, oldest first."""

    id: str
    mode: str
    tracking_code: str
    carrier: str
    shipment_id: str | None
    created_at: str
    updated_at: str
    weight: float | None = None
    status: str = "unknown"
    status_detail: str = "unknown"
    signed_by: str | None = None
    est_delivery_date: str | None = None
    details: list[Fields] = field(default_factory=list)
    carrier_detail: Fields | None = None

    def wire(self) -> Fields:
        """As GET /trackers gives it (the newest recording: with fees and delivery_evidence, without finalized)."""
        return {
            **self._common(with_newer=True),
            "fees": self._fees(charged=True),
            "carrier_detail": self.carrier_detail,
            "delivery_evidence": [],
            "public_url": self.public_url,
        }

    def wire_made(self, *, new: bool) -> Fields:
        """As POST /trackers answers: with finalized and is_return, and with fees only when the tracker is new."""
        return {**self.wire_told(), "fees": self._fees(charged=False)} if new else self.wire_told()

    def wire_told(self) -> Fields:
        """As an event's result."""
        return {
            **self._common(with_newer=True),
            "carrier_detail": self.carrier_detail,
            "delivery_evidence": [],
            "finalized": self.status in {"delivered", "return_to_sender", "failure", "cancelled", "error"},
            "is_return": False,
            "public_url": self.public_url,
        }

    def wire_in_shipment(self) -> Fields:
        """As a shipment shows it."""
        return {
            **self._common(with_newer=False),
            "fees": [],
            "carrier_detail": self.carrier_detail,
            "public_url": self.public_url,
        }

    @property
    def public_url(self) -> str:
        return f"https://track.easypost.com/{b64encode(f'v1:{self.id}'.encode()).decode().rstrip('=')}"

    def _common(self, *, with_newer: bool) -> Fields:
        later = {"est_delivery_date": None} if with_newer else {}
        return {
            "id": self.id,
            "object": "Tracker",
            "mode": self.mode,
            "tracking_code": self.tracking_code,
            "status": self.status,
            "status_detail": self.status_detail,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "signed_by": self.signed_by,
            "weight": self.weight,
            "est_delivery_date": self.est_delivery_date,
            "shipment_id": self.shipment_id,
            "carrier": self.carrier,
            "tracking_details": [{**detail, **later} for detail in self.details],
        }

    def _fees(self, *, charged: bool) -> list[Fields]:
        return [{"object": "Fee", "type": "TrackerFee", "amount": "0.02000", "charged": charged, "refunded": False}]


def new_tracker(
    mode: str, tracking_code: str, carrier: str, *, shipment_id: str | None = None, weight: float | None = None
) -> Tracker:
    """A tracker; a test code is in its state at once, with two scans where the parcel has been scanned."""
    now = stamp()
    tracker = Tracker(new_id("trk"), mode, tracking_code, carrier, shipment_id, now, now, weight)
    if tracking_code in TEST_CODES:
        _place_in(tracker, TEST_CODES[tracking_code], now)
    return tracker


def move(tracker: Tracker, wish: Fields) -> Fields:
    """Add a scan and follow it; answers the event's previous_attributes.

    A scan older than the last one takes its place in the history and leaves the tracker's status alone.

    Raises:
        KeyError: no status.
        ValueError: a status EasyPost does not have.
    """
    status = str(wish["status"])
    if status not in STATUSES:
        raise ValueError(f"unknown status {status!r}; there are {', '.join(sorted(STATUSES))}")
    scan = _scan(tracker, status, wish)
    before = {"status": tracker.status}
    tracker.details.append(scan)
    tracker.details.sort(key=lambda detail: str(detail["datetime"]))
    last = tracker.details[-1]
    tracker.status, tracker.status_detail = last["status"], last["status_detail"]
    tracker.updated_at = stamp()
    if wish.get("est_delivery_date"):
        tracker.est_delivery_date = str(wish["est_delivery_date"])
    if tracker.status == "delivered":
        tracker.signed_by = wish.get("signed_by", "John Tester")
    return before


def new_tracking_code(carrier: str) -> str:
    """A code in the carrier's form: USPS 22 digits, UPS 1Z and 16 more, FedEx 12 digits, DHL 10."""
    number = next(_codes)
    return {
        "USPS": f"94001002083{number:011d}",
        "UPSDAP": f"1Z88X87003{number:08d}",
        "FedEx": f"7949{number:08d}",
        "DHLExpress": f"4{number:09d}",
    }[carrier]


def _scan(tracker: Tracker, status: str, wish: Fields) -> Fields:
    message = str(wish.get("message") or status.replace("_", " ").capitalize())
    return _detail(
        message=message,
        status=status,
        status_detail=str(wish.get("status_detail") or USUAL_DETAIL[status]),
        at=str(wish.get("at") or stamp()),
        source=tracker.carrier,
        place=wish,
    )


def _detail(*, message: str, status: str, status_detail: str, at: str, source: str, place: Fields) -> Fields:
    location: dict[str, Any] = {name: place.get(name) for name in ("city", "state", "country", "zip")}
    return {
        "object": "TrackingDetail",
        "message": message,
        "description": "",
        "status": status,
        "status_detail": status_detail,
        "datetime": at,
        "source": source,
        "carrier_code": "",
        "tracking_location": {"object": "TrackingLocation", **location},
    }


def _place_in(tracker: Tracker, status: str, now: str) -> None:
    tracker.status = status
    if status == "unknown":
        return
    tracker.status_detail = "status_update"
    tracker.est_delivery_date = now
    tracker.carrier_detail = _carrier_detail()
    first = {"status": "pre_transit", "status_detail": "status_update", "at": now, "source": tracker.carrier}
    houston = {"city": "HOUSTON", "state": "TX", "zip": "77063"}
    tracker.details = [
        _detail(message=f"Pre-Shipment Info Sent to {tracker.carrier}", place={}, **first),
        _detail(message="Shipping Label Created", place=houston, **first),
    ]
    if status != "pre_transit":
        tracker.details.append(_detail(message="Status Update", place=houston, **{**first, "status": status}))


def _carrier_detail() -> Fields:
    return {
        "object": "CarrierDetail",
        "service": "First-Class Package Service",
        "container_type": None,
        "est_delivery_date_local": None,
        "est_delivery_time_local": None,
        "origin_location": "HOUSTON TX, 77001",
        "origin_tracking_location": {
            "object": "TrackingLocation",
            "city": "HOUSTON",
            "state": "TX",
            "country": None,
            "zip": "77063",
        },
        "destination_location": "CHARLESTON SC, 29401",
        "destination_tracking_location": None,
        "guaranteed_delivery_date": None,
        "alternate_identifier": None,
        "initial_delivery_attempt": None,
    }
