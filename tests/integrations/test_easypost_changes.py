"""What happened in an EasyPost account is told in full, newest first, whatever was delivered or cannot be read."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from scripted_vendor import Answer

from integrations.carriers import easypost as easypost_vendor
from integrations.carriers.easypost import changes, client
from integrations.nouns import Address, Consignment, Parcel, ParcelStatus, VoidState
from integrations.ports import Credentials, Temporary
from sandbox.easypost_accounts import DEFAULT_KEY

LATELY = timedelta(minutes=5)
RENO = Address(
    name="Reno Warehouse", street1="1 Depot Way", city="Reno", region="NV", postcode="89501", country="US"
)  # fmt: skip
BUYER = Address(
    name="Ada Buyer", street1="179 N Harbor Dr", city="Redondo Beach", region="CA", postcode="90277", country="US"
)  # fmt: skip


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(client, "ASK_TIMEOUT_S", (1, 2))
    monkeypatch.setattr(changes, "PAGE_PAUSE_S", 0)
    client._clients.forget()


@pytest.fixture
def carrier(sandbox, notes):
    credentials = Credentials(account="", live=False, secrets={"api_key": DEFAULT_KEY})
    return easypost_vendor.build(credentials, sandbox.origins, notes.append)


@pytest.fixture
def asked(scripted, at_script, credentials, notes):
    return easypost_vendor.build(credentials, at_script, notes.append)


def quoted(carrier, reference="attempt-1"):
    parcel = Parcel(weight_grams=454, length_mm=254, width_mm=203, height_mm=102)
    return carrier.quote(Consignment(reference=reference, sender=RENO, recipient=BUYER, parcel=parcel))


def bought(carrier, reference="attempt-1"):
    quote = quoted(carrier, reference)
    return carrier.buy(quote.shipment_ref, quote.rates[0].remote_id)


def since(long=LATELY):
    return datetime.now(UTC) - long


# ------------------------------------------------------------------------------------------ labels


@pytest.mark.parametrize("rows_a_page", [1, 2, 3, 100])
def test_labels_are_told_newest_first_each_once_under_our_reference(carrier, monkeypatch, rows_a_page):
    monkeypatch.setattr(changes, "ROWS_A_PAGE", rows_a_page)
    labels = {reference: bought(carrier, reference) for reference in ("a", "b", "c")}
    quoted(carrier, "not bought")
    found = list(carrier.labels_since(since()))
    assert [one.reference for one in found] == ["c", "b", "a"]
    assert {one.reference: one.label for one in found} == labels
    assert all(abs(one.bought_at - datetime.now(UTC)) < timedelta(seconds=30) for one in found)


def test_a_purchase_whose_answer_was_lost_is_told_as_well(sandbox, carrier):
    quote = quoted(carrier, "lost")
    sandbox.fault("easypost", "5xx_after", "shipment.buy")
    sandbox.fault("easypost", "5xx", "shipment.retrieve", times=None)
    with pytest.raises(Temporary) as lost:
        carrier.buy(quote.shipment_ref, quote.rates[0].remote_id)
    assert lost.value.outcome_unknown
    (found,) = carrier.labels_since(since())
    assert (found.reference, found.label.shipment_ref) == ("lost", quote.shipment_ref)


def test_a_label_tells_how_its_refund_stands(sandbox, carrier):
    label = bought(carrier)
    carrier.void(label.shipment_ref)
    assert next(carrier.labels_since(since())).label.void_state is VoidState.ASKED
    sandbox.do(f"/easypost/refunds/{label.shipment_ref}/settle", {"result": "refunded"})
    assert next(carrier.labels_since(since())).label.void_state is VoidState.DONE


def test_a_label_that_was_bought_before_is_not_told(carrier):
    bought(carrier)
    assert list(carrier.labels_since(datetime.now(UTC) + LATELY)) == []


def shipment(id, made, bought_at, **more):
    return {
        "id": id, "reference": f"r-{id}", "created_at": made, "tracking_code": "1Z",
        "selected_rate": {"id": "rate_1", "carrier": "UPS", "service": "Ground", "rate": "6.07", "currency": "USD"},
        "postage_label": {"created_at": bought_at, "label_url": "https://x/l.pdf", "label_file_type": "application/pdf"},
    } | more  # fmt: skip


def test_a_shipment_that_was_quoted_before_and_bought_since_is_told(scripted, asked):
    begin = datetime(2026, 11, 21, 12, 0, 0, 900_000, tzinfo=UTC)
    rows = [
        shipment("shp_3", "2026-11-21T12:30:00Z", "2026-11-21T12:30:01Z"),
        shipment("shp_2", "2026-11-21T11:00:00Z", "2026-11-21T12:00:00Z"),
        shipment("shp_1", "2026-11-21T10:00:00Z", "2026-11-21T11:59:59Z"),
    ]
    scripted.script += [Answer({"shipments": rows, "has_more": False})]
    assert [found.reference for found in asked.labels_since(begin)] == ["r-shp_3", "r-shp_2"]
    query = parse_qs(urlsplit(scripted.asked[0].path).query)
    assert query == {"purchased": ["true"], "start_datetime": ["2026-11-20T12:00:00Z"], "page_size": ["100"]}


def test_a_shipment_that_cannot_be_read_hides_no_other(scripted, asked):
    now = datetime.now(UTC).isoformat()
    rows = [
        {"id": 7}, None, shipment("shp_3", now, "once"), shipment("shp_2", now, now, reference="\x00"),
        shipment("shp_1", now, now),
    ]  # fmt: skip
    scripted.script += [Answer({"shipments": rows, "has_more": False})]
    assert [found.reference for found in asked.labels_since(since())] == ["r-shp_1"]


# ------------------------------------------------------------------------------------------ parcels


@pytest.mark.parametrize("rows_a_page", [1, 2, 100])
def test_parcels_are_told_with_all_that_was_never_delivered(sandbox, carrier, monkeypatch, rows_a_page):
    monkeypatch.setattr(changes, "ROWS_A_PAGE", rows_a_page)
    sandbox.do("/easypost/accounts", {"key": DEFAULT_KEY, "webhook_url": "http://127.0.0.1:9/hooks"})
    sandbox.do("/deliveries/plan", {"drop": 1.0})
    labels = [bought(carrier, reference) for reference in ("a", "b", "c")]
    for status in ("in_transit", "delivered"):
        sandbox.do(f"/easypost/trackers/{labels[0].tracker_ref}/move", {"status": status})
    assert {delivery["state"] for delivery in sandbox.do("/deliveries")["deliveries"]} == {"dropped"}
    found = list(carrier.parcels_since(since()))
    assert [one.tracker_ref for one in found] == [label.tracker_ref for label in reversed(labels)]
    assert found[-1] == carrier.track(labels[0].tracker_ref)
    assert (found[-1].status, len(found[-1].scans)) == (ParcelStatus.DELIVERED, 2)


def test_a_tracker_that_was_begun_before_is_not_told(carrier):
    bought(carrier)
    assert list(carrier.parcels_since(datetime.now(UTC) + LATELY)) == []


def test_a_tracker_that_cannot_be_read_hides_no_other(scripted, asked):
    good = {"id": "trk_1", "tracking_code": "1Z", "status": "in_transit", "updated_at": "2026-11-21T12:00:00Z"}
    rows = ["?", {"status": "delivered"}, good | {"updated_at": None}, good | {"signed_by": "\ud800"}, good]
    scripted.script += [Answer({"trackers": rows, "has_more": False})]
    assert [progress.tracker_ref for progress in asked.parcels_since(since())] == ["trk_1"]


# ------------------------------------------------------------------------------------------ as recorded


def recorded(recordings, name):
    body = json.loads((recordings / "easypost" / name).read_text())["response"]["body"]
    return Answer(body | {"has_more": False} if "has_more" in body else body)


def test_recorded_lists_are_read_in_full(scripted, asked, recordings):
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    scripted.script += [
        recorded(recordings, "shipments/shipment_all__01_GET_v2-shipments_200.json"),
        recorded(recordings, "trackers/tracker_all__01_GET_v2-trackers_200.json"),
        recorded(recordings, "webhooks_events/webhook_all__01_GET_v2-webhooks_200.json"),
    ]
    labels = list(asked.labels_since(long_ago))
    assert len(labels) == len(scripted_rows(recordings, "shipments", "shipment_all__01_GET_v2-shipments_200.json"))
    assert all(found.label.tracker_ref.startswith("trk_") for found in labels)
    parcels = list(asked.parcels_since(long_ago))
    assert len(parcels) == len(scripted_rows(recordings, "trackers", "tracker_all__01_GET_v2-trackers_200.json"))
    assert all(hook.remote_id.startswith("hook_") for hook in asked.hooks())


def scripted_rows(recordings, name, file):
    return json.loads((recordings / "easypost" / name / file).read_text())["response"]["body"][name]


# ------------------------------------------------------------------------------------------ lists


@pytest.mark.parametrize("answer", [[], {}, {"trackers": None}, {"trackers": {"id": "trk_1"}}, "no"])
def test_a_list_of_another_shape_is_temporary(scripted, asked, answer):
    scripted.script += [Answer(answer)]
    with pytest.raises(Temporary):
        list(asked.parcels_since(since()))


@pytest.mark.parametrize("last", [{"status": "unknown"}, {"id": "trk_1"}])
def test_a_list_that_goes_round_in_circles_is_temporary(scripted, asked, last):
    scripted.script += [Answer({"trackers": [last], "has_more": True}) for _ in range(9)]
    with pytest.raises(Temporary, match="without saying where"):
        list(asked.parcels_since(since()))
    assert len(scripted.asked) <= 2


def test_a_rate_limit_in_the_midst_of_a_list_is_temporary_and_says_when(sandbox, carrier, monkeypatch):
    monkeypatch.setattr(changes, "ROWS_A_PAGE", 1)
    for reference in ("a", "b", "c"):
        bought(carrier, reference)
    sandbox.fault("easypost", "429", "shipment.list", skip=1, retry_after=3)
    with pytest.raises(Temporary) as limited:
        list(carrier.labels_since(since()))
    assert (limited.value.retry_in_s, limited.value.outcome_unknown) == (3.0, False)


def test_pages_are_asked_for_slower_than_five_a_second(carrier, monkeypatch):
    monkeypatch.undo()
    assert changes.PAGE_PAUSE_S > 1 / 5
    pauses = []
    monkeypatch.setattr(changes, "ROWS_A_PAGE", 1)
    monkeypatch.setattr(changes.time, "sleep", pauses.append)
    for reference in ("a", "b", "c"):
        bought(carrier, reference)
    assert len(list(carrier.labels_since(since()))) == 3
    assert pauses == [changes.PAGE_PAUSE_S] * 2
