"""EasyPost's door: only signed bytes are genuine, nothing that it brings can raise, and nulls are ordinary there."""

import hashlib
import hmac
import json
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.carriers.easypost.door import EasyPostDoor
from integrations.nouns import Ignored, LabelVoided, ParcelMoved, ParcelStatus, VoidState
from integrations.ports import Delivery, Unreadable

DOOR = EasyPostDoor()
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BODY = b'{"id": "evt_1", "description": "tracker.updated"}'


def signature(body=BODY, secret="secret"):
    key = unicodedata.normalize("NFKD", secret).encode()
    return f"hmac-sha256-hex={hmac.new(key, body, hashlib.sha256).hexdigest()}"


def delivery(header=None, body=BODY):
    return Delivery(body=body, headers={} if header is None else {"x-hmac-signature": header})


def genuine(header, body=BODY, secrets=("secret",)):
    return DOOR.genuine(delivery(header, body), secrets, NOW)


def test_the_recorded_delivery_is_genuine_and_one_byte_more_is_not(recordings):
    recorded = (recordings / "easypost/webhooks/tracker_updated__event-body.json").read_bytes().removesuffix(b"\n")
    header = "hmac-sha256-hex=38f3f53c103713df81616a0a186d77141957323ec21d5fe9363db93840f527db"
    assert genuine(header, recorded, ["sécret"])
    assert genuine(header, recorded, [unicodedata.normalize("NFD", "sécret")])
    assert not genuine(header, recorded + b"\n", ["sécret"])
    assert not genuine(header, recorded, ["secret"])


def test_the_current_and_the_previous_secret_both_open():
    assert genuine(signature(secret="old"), secrets=("new", "old"))
    assert not genuine(signature(secret="older"), secrets=("new", "old"))


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "hmac-sha256-hex=",
        signature().removeprefix("hmac-sha256-hex="),
        signature() + "0",
        "é",
        "\ud800",
        "\x00",
    ],
)
def test_a_malformed_signature_is_not_genuine_and_raises_nothing(header):
    assert genuine(header) is False


def test_no_secret_or_an_empty_one_opens_nothing():
    assert not genuine(signature(secret=""), secrets=("",))
    assert not genuine(signature(), secrets=())


@given(st.text(max_size=100), st.binary(max_size=100), st.lists(st.text(max_size=20), max_size=3))
def test_whatever_arrives_is_judged_without_raising(header, body, secrets):
    assert genuine(header, body, secrets) is False
    assert DOOR.envelope(delivery(header, body)).delivery_id
    assert DOOR.account(delivery(header, body)) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"id": 7, "description": []}', b"[" * 100_000])
def test_an_unreadable_body_is_known_by_its_digest(body):
    envelope = DOOR.envelope(delivery(body=body))
    assert (envelope.topic, envelope.delivery_id) == ("", hashlib.sha256(body).hexdigest())


def test_the_envelope_is_the_events_description_and_id():
    envelope = DOOR.envelope(delivery())
    assert (envelope.topic, envelope.delivery_id, envelope.occasion) == ("tracker.updated", "evt_1", "")


# ------------------------------------------------------------------------------------------ what events say


def scan(**changes):
    return {
        "object": "TrackingDetail",
        "message": "Picked up",
        "status": "in_transit",
        "status_detail": "arrived_at_facility",
        "datetime": "2026-11-20T10:00:00Z",
        "tracking_location": {"city": "ORLANDO", "state": "FL", "country": "US", "zip": "32809"},
    } | changes


def tracker(**changes):
    return {
        "id": "trk_1",
        "object": "Tracker",
        "tracking_code": "9400",
        "status": "in_transit",
        "status_detail": "arrived_at_facility",
        "updated_at": "2026-11-20T11:00:00Z",
        "carrier": "USPS",
        "est_delivery_date": "2026-11-23T00:00:00Z",
        "signed_by": None,
        "weight": 17.6,
        "tracking_details": [scan()],
    } | changes


def read(thing, topic="tracker.updated", *, live=False, **changes):
    event = {
        "id": "evt_1",
        "object": "Event",
        "description": topic,
        "mode": "test",
        "created_at": "2026-11-20T11:00:05.000Z",
        "result": thing,
    }
    return DOOR.read(topic, delivery(body=json.dumps(event | changes).encode()), live=live)


@pytest.mark.parametrize("topic", ["tracker.created", "tracker.updated"])
def test_a_tracker_tells_how_far_the_parcel_is(topic):
    progress = read(tracker(), topic).progress
    assert (progress.tracker_ref, progress.tracking_code, progress.carrier) == ("trk_1", "9400", "USPS")
    assert (progress.status, progress.detail) == (ParcelStatus.IN_TRANSIT, "arrived_at_facility")
    assert progress.at == datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
    assert progress.expected_at == datetime(2026, 11, 23, tzinfo=UTC)
    (only,) = progress.scans
    assert (only.at, only.city, only.region, only.postcode) == (
        datetime(2026, 11, 20, 10, 0, tzinfo=UTC),
        "ORLANDO",
        "FL",
        "32809",
    )


def test_a_tracker_of_nothing_but_nulls_still_tells_its_status():
    nothing = dict.fromkeys(
        ["status_detail", "est_delivery_date", "signed_by", "weight", "tracking_details", "carrier", "tracking_code"]
    )
    progress = read(tracker(**nothing)).progress
    assert (progress.status, progress.scans, progress.expected_at) == (ParcelStatus.IN_TRANSIT, (), None)


def test_a_scan_of_nothing_but_nulls_is_kept_by_its_time():
    nothing = dict.fromkeys(["message", "status", "status_detail", "tracking_location", "description"])
    (only,) = read(tracker(tracking_details=[scan(**nothing)])).progress.scans
    assert (only.status, only.message, only.city) == (ParcelStatus.UNKNOWN, "", "")


@pytest.mark.parametrize("when", [None, "", "yesterday", "2026-13-45T00:00:00Z"])
def test_a_scan_without_a_time_is_left_out_and_the_others_stay(when):
    progress = read(tracker(tracking_details=[scan(datetime=when), scan()])).progress
    assert len(progress.scans) == 1


def test_scans_are_told_oldest_first_whatever_their_order():
    times = ["2026-11-20T10:00:00Z", "2026-11-19T10:00:00+02:00", "2026-11-21T09:00:00"]
    progress = read(tracker(tracking_details=[scan(datetime=time) for time in times])).progress
    assert [found.at.isoformat() for found in progress.scans] == [
        "2026-11-19T08:00:00+00:00",
        "2026-11-20T10:00:00+00:00",
        "2026-11-21T09:00:00+00:00",
    ]


@pytest.mark.parametrize("status", [status.value for status in ParcelStatus])
def test_every_documented_status_is_known(status):
    assert read(tracker(status=status)).progress.status.value == status


def test_a_status_that_we_do_not_know_is_unknown_and_never_guessed():
    assert read(tracker(status="teleported")).progress.status is ParcelStatus.UNKNOWN
    assert read(tracker(status=None)).progress.status is ParcelStatus.UNKNOWN


def test_a_tracker_without_its_own_time_takes_the_events_time():
    assert read(tracker(updated_at=None)).progress.at == datetime(2026, 11, 20, 11, 0, 5, tzinfo=UTC)
    with pytest.raises(Unreadable, match="updated_at"):
        read(tracker(updated_at=None), created_at=None)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("UPSDAP", "UPS"),
        ("FedExDefault", "FedEx"),
        ("DhlEcs", "DHL eCommerce"),
        ("CanadaPost", "Canada Post"),
        ("Zoom", "Zoom"),
    ],
)
def test_carriers_are_called_as_buyers_know_them(name, ours):
    assert read(tracker(carrier=name)).progress.carrier == ours


def test_a_settled_refund_voids_its_label():
    refund = {"id": "rfnd_1", "object": "Refund", "shipment_id": "shp_1", "tracking_code": "9400", "status": "refunded"}
    assert read(refund, "refund.successful") == LabelVoided(
        shipment_ref="shp_1", tracking_code="9400", state=VoidState.DONE
    )
    with pytest.raises(Unreadable, match=r"refund\.shipment_id"):
        read(refund | {"shipment_id": None}, "refund.successful")


def test_a_test_event_never_touches_a_live_connection_nor_the_reverse():
    assert "test event" in read(tracker(), live=True).reason
    assert "production event" in read(tracker(), mode="production").reason
    assert isinstance(read(tracker(), mode="production", live=True), ParcelMoved)


def test_other_topics_are_ignored_by_name():
    assert "batch.created" in read({}, "batch.created").reason


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"mode": None}, r"event\.mode"),
        ({"mode": "staging"}, r"event\.mode"),
        ({"result": None}, r"event\.result"),
        ({"result": []}, r"event\.result"),
        ({"result": tracker(id=None)}, r"tracker\.id"),
        ({"result": tracker(tracking_details="none")}, r"tracker\.tracking_details"),
    ],
)
def test_an_event_that_our_model_refuses_is_unreadable_by_its_field(changes, field):
    with pytest.raises(Unreadable, match=field):
        read(tracker(), **changes)


scraps = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "status", "updated_at", "tracking_details", "tracking_location", "datetime", "carrier"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(["tracker.updated", "refund.successful", "batch.created", ""]), scraps, scraps)
def test_a_signed_event_with_any_content_is_a_fact_or_unreadable(topic, thing, detail):
    if isinstance(thing, dict):
        thing = {"id": "trk_1", "updated_at": "2026-11-20T11:00:00Z", "tracking_details": [detail]} | thing
    try:
        fact = read(thing, topic)
    except Unreadable:
        return
    assert isinstance(fact, ParcelMoved | LabelVoided | Ignored)
