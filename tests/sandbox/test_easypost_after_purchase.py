"""EasyPost's stand-in after the purchase: label files, lists, refunds, trackers that move, signed events."""

import json
import zlib

import easypost
import pytest
from easypost.errors import InvalidRequestError
from easypost.util import validate_webhook
from easypost_story import BUYER, CUSTOMS, KEY, bought, ship
from shapes import differences


@pytest.fixture
def client(easypost_client):
    return easypost_client


# Labels


def test_a_label_is_a_valid_png_by_default(client, sandbox):
    label = bought(client).postage_label
    assert label.label_file_type == "image/png"
    picture = sandbox.call("GET", label.label_url.removeprefix(sandbox.origin))
    assert (picture.status, picture.headers["content-type"]) == (200, "image/png")
    assert picture.raw.startswith(b"\x89PNG\r\n\x1a\n")
    packed = picture.raw[picture.raw.index(b"IDAT") + 4 : picture.raw.index(b"IEND") - 8]
    assert len(zlib.decompress(packed)) == 600 * (1 + 400 // 8)


def test_a_pdf_label_says_its_tracking_number(client, sandbox):
    shipment = bought(client, options={"label_format": "PDF"})
    assert shipment.postage_label.label_pdf_url == shipment.postage_label.label_url
    paper = sandbox.call("GET", shipment.postage_label.label_url.removeprefix(sandbox.origin)).raw
    assert paper.startswith(b"%PDF-1.4")
    assert shipment.tracking_code.encode() in paper
    table = int(paper.split(b"startxref\n")[1].split(b"\n")[0])
    assert paper[table:].startswith(b"xref\n0 6\n")
    for number, line in enumerate(paper[table:].split(b"\n")[3:8], 1):
        assert paper[int(line[:10]) :].startswith(b"%d 0 obj" % number)


def test_only_a_png_label_converts(client, sandbox):
    converted = client.shipment.label(bought(client).id, file_format="ZPL")
    zpl = sandbox.call("GET", converted.postage_label.label_zpl_url.removeprefix(sandbox.origin))
    assert zpl.raw.startswith(b"^XA")
    pdf = bought(client, options={"label_format": "PDF"})
    with pytest.raises(InvalidRequestError) as refusal:
        client.shipment.label(pdf.id, file_format="ZPL")
    assert refusal.value.code == "SHIPMENT.POSTAGE.FORMAT_UNAVAILABLE"
    assert sandbox.call("GET", "/labels/pl_none.png").status == 404


# Lists


def test_the_list_shows_what_was_bought_newest_first_by_pages(client, sandbox):
    ids = [bought(client).id for _ in range(5)]
    ship(client)
    first = client.shipment.all(page_size=2)
    assert ([shipment.id for shipment in first.shipments], first.has_more) == ([ids[4], ids[3]], True)
    second = client.shipment.get_next_page(first, page_size=2)
    assert [shipment.id for shipment in second.shipments] == [ids[2], ids[1]]
    everything = sandbox.call("GET", "/v2/shipments?purchased=false", key=KEY).body
    assert (len(everything["shipments"]), everything["has_more"]) == (6, False)
    none = sandbox.call("GET", "/v2/shipments?start_datetime=2999-01-01T00:00:00Z", key=KEY).body
    assert none == {"shipments": [], "has_more": False}


def test_the_control_door_tells_what_was_bought_for_a_reference(client, sandbox):
    shipment = bought(client, reference="order-7")
    ship(client, reference="order-8")
    assert sandbox.control("GET", "/easypost/shipments?reference=order-7")["shipments"] == [
        {
            "id": shipment.id,
            "reference": "order-7",
            "bought": True,
            "tracking_code": shipment.tracking_code,
            "tracker_status": "unknown",
            "carrier": "USPS",
            "service": "GroundAdvantage",
            "rate": "6.07",
            "refund_status": None,
        }
    ]
    assert sandbox.control("GET", "/easypost/shipments")["count"] == 2


# Refunds


def test_a_refund_is_submitted_and_settles_later_with_an_event(client, sandbox, receiver):
    client.webhook.create(url=receiver.url(), webhook_secret="s")
    shipment = bought(client)
    assert client.shipment.refund(shipment.id).refund_status == "submitted"
    sandbox.control("POST", f"/easypost/refunds/{shipment.id}/settle", {"result": "refunded"})
    settled = client.shipment.retrieve(shipment.id)
    assert (settled.refund_status, settled.fees[1].refunded) == ("refunded", True)
    sandbox.flush()
    event = next(heard.body for heard in receiver.heard if heard.body["description"] == "refund.successful")
    assert (event["result"]["shipment_id"], event["result"]["status"]) == (shipment.id, "refunded")


def test_a_rejected_refund_can_be_asked_for_again(client, sandbox):
    shipment = bought(client)
    client.shipment.refund(shipment.id)
    sandbox.control("POST", f"/easypost/refunds/{shipment.id}/settle", {"result": "rejected"})
    assert client.shipment.retrieve(shipment.id).refund_status == "rejected"
    assert client.shipment.refund(shipment.id).refund_status == "submitted"
    assert sandbox.call("POST", f"/_sandbox/easypost/refunds/{shipment.id}/settle", {"result": "lost"}).status == 400


@pytest.mark.parametrize("result", [None, "refunded", "rejected"])
def test_a_shipment_that_was_given_back_cannot_be_bought_again(client, sandbox, result):
    shipment = bought(client)
    client.shipment.refund(shipment.id)
    if result:
        sandbox.control("POST", f"/easypost/refunds/{shipment.id}/settle", {"result": result})
    with pytest.raises(InvalidRequestError) as refusal:
        client.shipment.buy(shipment.id, rate=shipment.lowest_rate())
    assert refusal.value.code == "SHIPMENT.POSTAGE.EXISTS"


def test_nothing_is_refunded_that_was_not_bought_and_dhl_has_nothing_to_refund(client):
    with pytest.raises(InvalidRequestError) as refusal:
        client.shipment.refund(ship(client).id)
    assert refusal.value.code == "SHIPMENT.POSTAGE.REQUIRED"
    shipment = ship(client, to_address={**BUYER, "country": "GB"}, customs_info=CUSTOMS)
    express = next(rate for rate in shipment.rates if rate.carrier == "DHLExpress")
    client.shipment.buy(shipment.id, rate=express)
    assert client.shipment.refund(shipment.id).refund_status == "not_applicable"


# Trackers and webhooks


def said_of_a_move(receiver):
    """Several carry what the sandbox sends, so that what was said first may come last."""
    (moved,) = (one for one in receiver.heard if one.body["description"] == "tracker.updated")
    return moved


def test_a_tracker_moves_and_tells_it_signed(client, sandbox, receiver):
    hook = client.webhook.create(url=receiver.url("/hooks/easypost/9"), webhook_secret="sécret")
    assert "webhook_secret" not in hook.to_dict()
    shipment = bought(client)
    move = {"status": "in_transit", "city": "Reno", "state": "NV", "est_delivery_date": "2026-11-25T00:00:00Z"}
    sandbox.control("POST", f"/easypost/trackers/{shipment.tracking_code}/move", move)
    sandbox.flush()

    moved = said_of_a_move(receiver)
    event = validate_webhook(moved.raw, moved.headers, "sécret")
    assert (event["description"], event["previous_attributes"]) == ("tracker.updated", {"status": "unknown"})
    assert event["result"]["tracking_details"][-1]["tracking_location"]["city"] == "Reno"
    assert moved.path == "/hooks/easypost/9"
    assert "X-Hmac-Signature-V2" not in moved.headers
    retrieved = client.tracker.retrieve(shipment.tracker.id)
    assert (retrieved.status, retrieved.est_delivery_date) == ("in_transit", "2026-11-25T00:00:00Z")
    assert client.shipment.retrieve(shipment.id).status == "in_transit"


def test_a_moves_event_has_the_recorded_shape(client, sandbox, receiver, recordings):
    client.webhook.create(url=receiver.url(), webhook_secret="s")
    code = bought(client).tracking_code
    sandbox.control("POST", f"/easypost/trackers/{code}/move", {"status": "in_transit"})
    sandbox.flush()
    recorded = json.loads((recordings / "easypost/webhooks/tracker_updated__event-body.json").read_text())
    # EasyPost added both keys after this body was recorded.
    assert differences(recorded, said_of_a_move(receiver).body, null_is_any=True) == [
        "$.result.delivery_evidence: not in the recording",
        "$.result.tracking_details[].est_delivery_date: not in the recording",
    ]


def test_a_scan_that_comes_late_does_not_turn_the_parcel_back(client, sandbox):
    shipment = bought(client)
    for scan in (
        {"status": "delivered", "at": "2026-11-20T10:00:00Z"},
        {"status": "out_for_delivery", "at": "2026-11-20T08:00:00Z"},
    ):
        sandbox.control("POST", f"/easypost/trackers/{shipment.tracker.id}/move", scan)
    tracker = client.tracker.retrieve(shipment.tracker.id)
    assert (tracker.status, tracker.signed_by) == ("delivered", "John Tester")
    assert [detail.status for detail in tracker.tracking_details] == ["out_for_delivery", "delivered"]


def test_a_status_easypost_does_not_have_is_refused(client, sandbox):
    shipment = bought(client)
    path = f"/_sandbox/easypost/trackers/{shipment.tracker.id}/move"
    assert sandbox.call("POST", path, {"status": "teleported"}).status == 400
    assert sandbox.call("POST", path, {}).status == 400
    assert sandbox.call("POST", "/_sandbox/easypost/trackers/none/move", {"status": "delivered"}).status == 404
    assert client.tracker.retrieve(shipment.tracker.id).status == "unknown"


@pytest.mark.parametrize("code", ["EZ2000000002", "EZ4000000004", "EZ6000000006"])
def test_a_test_code_is_in_its_state_at_once(client, code):
    wanted = {"EZ2000000002": "in_transit", "EZ4000000004": "delivered", "EZ6000000006": "failure"}[code]
    tracker = client.tracker.create(tracking_code=code)
    assert (tracker.status, tracker.tracking_details[-1].status) == (wanted, wanted)
    assert client.tracker.create(tracking_code=code).id == tracker.id


def test_every_hook_of_the_account_hears_the_same_event_under_its_own_signature(client, sandbox, receiver):
    client.webhook.create(url=receiver.url("/one"), webhook_secret="first")
    client.webhook.create(
        url=receiver.url("/two"), webhook_secret="second", custom_headers=[{"name": "X-Shop", "value": "9"}]
    )
    client.tracker.create(tracking_code="ABC", carrier="UPSDAP")
    sandbox.flush()
    one, two = sorted(receiver.heard, key=lambda heard: heard.path)
    assert one.body["id"] == two.body["id"]
    assert validate_webhook(one.raw, one.headers, "first") == one.body
    assert validate_webhook(two.raw, two.headers, "second") == two.body
    assert two.headers["X-Shop"] == "9"
    with pytest.raises(easypost.errors.SignatureVerificationError):
        validate_webhook(one.raw, one.headers, "second")


def test_a_patched_hook_signs_with_its_new_secret(client, sandbox, receiver):
    hook = client.webhook.create(url=receiver.url(), webhook_secret="old")
    client.webhook.update(hook.id, webhook_secret="new")
    client.tracker.create(tracking_code="ABC")
    sandbox.flush()
    (heard,) = receiver.heard
    assert validate_webhook(heard.raw, heard.headers, "new")["description"] == "tracker.created"


def test_trackers_are_listed_newest_first_by_pages_whatever_was_delivered(client, sandbox, receiver):
    client.webhook.create(url=receiver.url(), webhook_secret="s")
    sandbox.control("POST", "/deliveries/plan", {"drop": 1.0})
    ids = [client.tracker.create(tracking_code=code).id for code in ("A", "B", "C", "D", "E")]
    sandbox.control("POST", "/easypost/trackers/A/move", {"status": "delivered"})
    assert receiver.heard == []
    first = client.tracker.all(page_size=2)
    assert ([tracker.id for tracker in first.trackers], first.has_more) == ([ids[4], ids[3]], True)
    rest = client.tracker.all(page_size=100, before_id=ids[3])
    assert ([tracker.id for tracker in rest.trackers], rest.has_more) == ([ids[2], ids[1], ids[0]], False)
    assert rest.trackers[-1].status == "delivered"
    assert client.tracker.all(start_datetime="2999-01-01T00:00:00Z").trackers == []


def test_the_control_door_disables_and_deletes_a_webhook(client, sandbox, receiver):
    hook = client.webhook.create(url=receiver.url(), webhook_secret="s")
    path = f"/easypost/webhooks/{hook.id}"
    assert sandbox.control("POST", f"{path}/disable")["disabled_at"]
    assert client.webhook.retrieve(hook.id).disabled_at
    client.tracker.create(tracking_code="A")
    sandbox.flush()
    assert receiver.heard == []
    client.webhook.update(hook.id, webhook_secret="new")
    assert sandbox.control("GET", "/easypost/webhooks")["webhooks"][0]["disabled_at"] is None
    client.tracker.create(tracking_code="B")
    sandbox.flush()
    (heard,) = receiver.heard
    assert validate_webhook(heard.raw, heard.headers, "new")["result"]["tracking_code"] == "B"
    sandbox.control("POST", f"{path}/delete")
    assert client.webhook.all()["webhooks"] == []
    assert sandbox.call("POST", f"/_sandbox{path}/disable").status == 404


def test_events_are_listed_newest_first_without_their_result(client):
    for code in ("A", "B", "C"):
        client.tracker.create(tracking_code=code)
    page = client.event.all(page_size=2)
    assert (len(page.events), page.has_more) == (2, True)
    assert {event.description for event in page.events} == {"tracker.created"}
    assert "result" not in client.event.retrieve(page.events[0].id).to_dict()
