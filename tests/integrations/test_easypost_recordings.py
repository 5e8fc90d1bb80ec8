"""Everything that EasyPost was recorded to answer goes through our readers, and comes out as what it says."""

import json

import pytest
from scripted_vendor import Answer

from integrations.carriers import easypost as easypost_vendor
from integrations.carriers.easypost import objects, verdicts, words
from integrations.carriers.easypost.door import EasyPostDoor
from integrations.json_body import parsed
from integrations.nouns import Address, Consignment, Ignored, Money, Parcel, ParcelStatus, VoidState
from integrations.ports import Delivery, Permanent


@pytest.fixture(scope="session")
def answers(recordings):
    """Every recorded 2xx answer: (file name, body)."""
    found = []
    for path in sorted((recordings / "easypost").glob("*/*.json")):
        recorded = json.loads(path.read_text())
        response = recorded.get("response") if isinstance(recorded, dict) else None
        if isinstance(response, dict) and 200 <= response["status"] < 300:
            found.append((path.name, response["body"]))
    return found


def things(value, kind):
    """Every object of a kind, however deep inside an answer."""
    if isinstance(value, dict):
        if value.get("object") == kind:
            yield value
        value = list(value.values())
    for inner in value if isinstance(value, list) else []:
        yield from things(inner, kind)


def test_every_recorded_shipment_gives_its_rates_with_exact_prices(answers):
    seen = priced = 0
    for name, body in answers:
        for raw in things(body, "Shipment"):
            quote = objects.quote_of(parsed(objects.Shipment, raw, called=name))
            assert len(quote.rates) == len(raw["rates"]), name
            for rate, told in zip(quote.rates, raw["rates"], strict=True):
                assert f"{rate.price}" == f"{told['rate']} {told['currency']}"
                assert (rate.remote_id, rate.carrier, rate.transit_days) == (told["id"], "USPS", told["delivery_days"])
                priced += 1
            seen += 1
    assert seen >= 33
    assert priced >= 80


def test_recorded_rates_of_no_shipment_are_read_to_the_cent_and_cannot_be_bought(answers):
    body = dict(answers)["beta_retrieve_stateless_rates__01_POST_beta-rates_200.json"]
    quote = objects.estimate_of(parsed(objects.Estimate, body, called="answer"))
    assert [(f"{rate.price}", rate.service, rate.remote_id) for rate in quote.rates] == [
        ("34.15 USD", "Express", ""),
        ("7.42 USD", "Priority", ""),
        ("6.07 USD", "GroundAdvantage", ""),
    ]
    assert quote.shipment_ref == ""


def test_a_recorded_shipment_has_a_label_if_and_only_if_it_was_bought(answers):
    bought = 0
    for name, body in answers:
        for raw in things(body, "Shipment"):
            label = objects.label_of(parsed(objects.Shipment, raw, called=name))
            assert (label is not None) is bool(raw.get("postage_label")), name
            if label is not None:
                assert label.tracking_code == raw["tracking_code"]
                assert label.tracker_ref.startswith("trk_")
                assert label.label_url.startswith("https://easypost-files.s3")
                bought += 1
    assert bought >= 8


def test_the_recorded_purchase_is_read_to_the_cent(answers):
    body = dict(answers)["shipment_buy__02_POST_v2-shipments-ID-buy_200.json"]
    label = objects.label_of(parsed(objects.Shipment, body, called="answer"))
    assert label.rate.price == Money(minor=607, currency="USD")
    assert (label.rate.carrier, label.rate.service, label.rate.transit_days) == ("USPS", "GroundAdvantage", 3)
    assert (label.tracking_code, label.label_format, label.void_state) == ("9400100208303109505657", "PNG", None)


def test_the_recorded_refund_was_asked_for(answers):
    body = dict(answers)["shipment_refund__02_POST_v2-shipments-ID-refund_200.json"]
    shipment = parsed(objects.Shipment, body, called="answer")
    assert words.void_state(shipment.refund_status, where=shipment.id) is VoidState.ASKED
    assert objects.label_of(shipment).void_state is VoidState.ASKED


def test_every_recorded_tracker_is_read_with_all_its_scans(answers):
    seen = 0
    for name, body in answers:
        for raw in things(body, "Tracker"):
            tracker = parsed(objects.Tracker, raw, called=name)
            if not tracker.updated_at:
                continue
            progress = objects.progress_of(tracker)
            assert progress.status is not ParcelStatus.UNKNOWN or raw["status"] == "unknown", name
            assert len(progress.scans) == len(raw["tracking_details"]), name
            assert [scan.at for scan in progress.scans] == sorted(scan.at for scan in progress.scans)
            seen += 1
    assert seen >= 10


def test_every_recorded_refund_names_its_shipment(answers):
    refunds = [parsed(objects.Refund, raw, called=name) for name, body in answers for raw in things(body, "Refund")]
    assert len(refunds) >= 3
    assert all(refund.shipment_id.startswith("shp_") for refund in refunds)


def test_every_recorded_address_is_judged_as_its_verification_says(answers):
    verdicts_seen = {True: 0, False: 0}
    for name, body in answers:
        for raw in things(body, "Address"):
            answer = parsed(verdicts.VerifiedAddress, raw, called=name)
            verdict = verdicts.verdict_of(Address(country="US"), answer)
            delivery = (raw.get("verifications") or {}).get("delivery")
            good = bool(delivery and delivery["success"] and not delivery["errors"])
            assert verdict.deliverable is good, name
            assert bool(verdict.problems) is not good
            verdicts_seen[good] += 1
    assert min(verdicts_seen.values()) >= 3


def test_a_recorded_success_that_carries_errors_is_not_deliverable(answers):
    body = dict(answers)["address_create_verify_carrier__01_POST_v2-addresses_201.json"]
    assert body["verifications"]["delivery"]["success"] is True
    verdict = verdicts.verdict_of(Address(country="US"), parsed(verdicts.VerifiedAddress, body, called="answer"))
    assert (verdict.deliverable, verdict.problems) == (False, ("Address not found",))


def test_the_recorded_correction_is_only_the_way_of_writing(answers):
    body = dict(answers)["address_create_verify_strict__01_POST_v2-addresses_201.json"]
    asked = Address(
        name="Jack Sparrow", street1="388 Townsend St", street2="Apt 20", city="San Francisco", region="CA",
        postcode="94107", country="US",
    )  # fmt: skip
    answer = parsed(verdicts.VerifiedAddress, body, called="answer")
    assert verdicts.verdict_of(asked, answer).corrected is None
    wrong = asked.model_copy(update={"postcode": "94110"})
    corrected = verdicts.verdict_of(wrong, answer).corrected
    assert (corrected.name, corrected.street1, corrected.postcode) == (
        "Jack Sparrow",
        "388 TOWNSEND ST APT 20",
        "94107-1670",
    )


def replayed(recordings, scripted, file):
    """Let the scripted vendor answer with a recorded answer, status and all."""
    response = json.loads((recordings / "easypost" / file).read_text())["response"]
    scripted.script.append(Answer(response["body"], status=response["status"]))
    return response["body"]


@pytest.fixture
def asked(scripted, at_script, credentials):
    return easypost_vendor.build(credentials, at_script, lambda note: None)


def test_the_recorded_calls_come_through_the_adapter_over_http(recordings, scripted, asked):
    replayed(recordings, scripted, "shipments/shipment_create__01_POST_v2-shipments_201.json")
    place = Address(street1="388 Townsend St", city="San Francisco", region="CA", postcode="94107", country="US")
    parcel = Consignment(reference="123", sender=place, recipient=place, parcel=Parcel(weight_grams=437))
    quote = asked.quote(parcel)
    assert [f"{rate.service} {rate.price}" for rate in quote.rates] == [
        f"{rate['service']} {rate['rate']} {rate['currency']}"
        for rate in replayed(recordings, scripted, "shipments/shipment_buy__02_POST_v2-shipments-ID-buy_200.json")[
            "rates"
        ]
    ]
    assert asked.buy(quote.shipment_ref, quote.rates[0].remote_id).tracking_code == "9400100208303109505657"
    replayed(recordings, scripted, "shipments/shipment_refund__02_POST_v2-shipments-ID-refund_200.json")
    assert asked.void(quote.shipment_ref) is VoidState.ASKED
    told = replayed(recordings, scripted, "trackers/tracker_retrieve__02_GET_v2-trackers-ID_200.json")
    assert asked.track(told["id"]).status is ParcelStatus.PRE_TRANSIT
    replayed(recordings, scripted, "addresses/address_create_verify__02_POST_v2-addresses_201.json")
    assert asked.verify_address(place).problems == ("Address not found",)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("errors/error__01_POST_v2-shipments_422.json", "Missing required parameter.; shipment cannot be blank"),
        (
            "errors/error_alternative_format__01_POST_v2-claims_404.json",
            "could not be found.; No eligible insurance found with provided tracking code.",
        ),
        ("addresses/address_verify_invalid_address__02_GET_v2-addresses-ID-verify_422.json", "Address not found"),
    ],
)
def test_a_recorded_refusal_is_permanent_and_repeats_easyposts_reason(recordings, scripted, asked, file, reason):
    replayed(recordings, scripted, file)
    with pytest.raises(Permanent) as refused:
        asked.find_label("shp_1")
    assert reason in refused.value.reason


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("tracker_updated__event-body.json", "ParcelMoved"),
        ("guide__tracker_updated.json", "ParcelMoved"),
        ("guide__batch_created.json", "Ignored"),
        ("guide__scan_form_created.json", "Ignored"),
    ],
)
def test_every_recorded_delivery_is_read(recordings, file, kind):
    body = (recordings / "easypost/webhooks" / file).read_bytes()
    delivery = Delivery(body=body, headers={})
    topic = EasyPostDoor().envelope(delivery).topic
    fact = EasyPostDoor().read(topic, delivery, live=b'"production"' in body)
    assert type(fact).__name__ == kind


def test_the_recorded_journey_is_told_scan_by_scan(recordings):
    body = (recordings / "easypost/webhooks/tracker_updated__event-body.json").read_bytes()
    progress = EasyPostDoor().read("tracker.updated", Delivery(body=body, headers={}), live=True).progress
    assert (progress.carrier, progress.status, len(progress.scans)) == ("FedEx", ParcelStatus.IN_TRANSIT, 7)
    assert progress.scans[0].message == "Shipment information sent to FedEx"
    assert progress.scans[-1].city == "EDISON"


def test_the_recorded_production_event_leaves_a_test_connection_alone(recordings):
    body = (recordings / "easypost/webhooks/tracker_updated__event-body.json").read_bytes()
    assert isinstance(EasyPostDoor().read("tracker.updated", Delivery(body=body, headers={}), live=False), Ignored)


def test_every_carrier_that_easypost_lists_has_a_name(answers):
    (listed,) = [body for name, body in answers if name.startswith("retrieve_carrier_metadata__01")]
    carriers = listed["carriers"] if isinstance(listed, dict) else listed
    assert len(carriers) >= 60
    assert all(words.carrier(carrier["name"]) for carrier in carriers)


def test_every_documented_status_is_ours(recordings):
    text = (recordings / "easypost/easypost_enums.json").read_text()
    assert all(f'"{status.value}"' in text for status in ParcelStatus)
