"""EasyPost's stand-in, driven by EasyPost's own client: it sells a label once, and says no in EasyPost's words."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import easypost
import pytest
from easypost.errors import InvalidRequestError, JsonError, NotFoundError, UnauthorizedError
from easypost_story import BOX, BUYER, CUSTOMS, KEY, SENDER, bought, labels_bought, ship


@pytest.fixture
def client(easypost_client):
    return easypost_client


# Who is asking


def test_basic_and_bearer_keys_open_the_door_and_others_do_not(sandbox):
    basic = base64.b64encode(f"{KEY}:".encode()).decode()
    allowed = sandbox.call("GET", "/v2/webhooks", headers={"Authorization": f"Basic {basic}"})
    assert allowed.status == 200
    with pytest.raises(UnauthorizedError):
        easypost.EasyPostClient("EZTK_wrong", api_base=f"{sandbox.origin}/v2").webhook.all()
    assert sandbox.call("GET", "/v2/webhooks").status == 401
    assert sandbox.call("GET", "/v2/webhooks", headers={"Authorization": "Basic !"}).status == 401


def test_an_account_sees_neither_anothers_shipments_nor_its_mode(sandbox, client):
    live = {"key": "EZAK_live", "mode": "production"}
    sandbox.control("POST", "/easypost/accounts", live)
    shipment = ship(client)
    other = easypost.EasyPostClient("EZAK_live", api_base=f"{sandbox.origin}/v2")
    with pytest.raises(NotFoundError):
        other.shipment.retrieve(shipment.id)
    assert (shipment.mode, ship(other).mode) == ("test", "production")


# Addresses


def test_a_verified_address_comes_back_in_capitals(client):
    address = client.address.create(verify=True, **SENDER)
    assert (address.street1, address.street2, address.city) == ("388 TOWNSEND ST APT 20", "", "SAN FRANCISCO")
    assert address.zip.startswith("94107-")
    assert address.verifications.delivery.success is True
    assert address.verifications.delivery.details.time_zone == "America/Los_Angeles"


@pytest.mark.parametrize("bad", [{"street1": "1 Undeliverable Rd"}, {"zip": "00000"}])
def test_an_undeliverable_address_is_kept_with_its_errors_and_refused_when_strict(client, bad):
    address = client.address.create(verify=True, **{**SENDER, **bad})
    assert address.verifications.delivery.success is False
    assert [error.code for error in address.verifications.delivery.errors] == ["E.ADDRESS.NOT_FOUND"]
    assert address.city == "San Francisco"
    with pytest.raises(InvalidRequestError) as refusal:
        client.address.create(verify_strict=True, **{**SENDER, **bad})
    assert refusal.value.code == "ADDRESS.VERIFY.FAILURE"


# Rates


def test_domestic_rates_are_the_recorded_prices_and_rise_with_zone_and_weight(client):
    rates = {(rate.carrier, rate.service): rate for rate in ship(client).rates}
    assert {service: rates["USPS", service].rate for service in ("GroundAdvantage", "Priority", "Express")} == {
        "GroundAdvantage": "6.07",
        "Priority": "7.42",
        "Express": "34.15",
    }
    assert {carrier for carrier, _ in rates} == {"USPS", "UPSDAP", "FedEx"}
    assert rates["FedEx", "STANDARD_OVERNIGHT"].delivery_days == 1

    def cheapest(**more):
        return float(ship(client, **more).lowest_rate().rate)

    new_york = {**BUYER, "zip": "10001", "state": "NY"}
    heavy = {**BOX, "weight": 480}
    costs = [cheapest(), cheapest(to_address=new_york), cheapest(to_address=new_york, parcel=heavy)]
    assert all(less < more for less, more in pairwise(costs))
    assert cheapest() == costs[0]


def test_abroad_needs_customs_and_offers_international_services(client):
    berlin = {"name": "B", "street1": "Torstr. 1", "city": "Berlin", "zip": "10119", "country": "DE"}
    unrated = ship(client, to_address=berlin)
    assert unrated.rates == []
    assert {message.carrier for message in unrated.messages} == {"USPS", "UPSDAP", "FedEx", "DHLExpress"}
    assert {(message.type, "CustomsInfo is required" in message.message) for message in unrated.messages} == {
        ("rate_error", True)
    }
    rated = ship(client, to_address=berlin, customs_info=CUSTOMS)
    assert {rate.service: rate.delivery_days for rate in rated.rates} == {
        "FirstClassPackageInternationalService": None,
        "PriorityMailInternational": 7,
        "ExpressWorldwide": 3,
    }
    assert rated.customs_info.customs_items[0].value == "23.25"


def test_an_embargoed_country_gets_no_rate_but_reasons(client):
    pyongyang = {"name": "B", "street1": "1 Square", "city": "Pyongyang", "country": "KP"}
    shipment = ship(client, to_address=pyongyang, customs_info=CUSTOMS)
    assert shipment.rates == []
    assert len(shipment.messages) == 4


def test_a_parcel_too_heavy_for_a_carrier_is_left_to_the_others(client):
    shipment = ship(client, parcel={**BOX, "weight": 1121})
    assert {rate.carrier for rate in shipment.rates} == {"UPSDAP", "FedEx"}
    assert [(message.carrier, message.type) for message in shipment.messages] == [("USPS", "rate_error")]


def test_rerating_gives_new_ids_and_the_old_ones_no_longer_sell(client, sandbox):
    shipment = ship(client)
    old = shipment.lowest_rate()
    fresh = client.shipment.regenerate_rates(shipment.id).rates
    assert old.id not in {rate.id for rate in fresh}
    with pytest.raises(InvalidRequestError) as refusal:
        client.shipment.buy(shipment.id, rate=old)
    assert refusal.value.code == "SHIPMENT.MISSING_RATE"
    assert labels_bought(sandbox) == 0


# Buying


def test_a_shipment_is_bought_with_its_label_tracker_and_fees(client):
    shipment = bought(client, reference="order-1001-1")
    assert (shipment.selected_rate.service, shipment.status) == ("GroundAdvantage", "unknown")
    assert shipment.tracking_code.isdigit()
    assert len(shipment.tracking_code) == 22
    assert shipment.tracker.tracking_code == shipment.tracking_code
    assert [(fee.type, fee.amount) for fee in shipment.fees] == [("LabelFee", "0.00000"), ("PostageFee", "6.07000")]
    assert client.shipment.retrieve("order-1001-1").id == shipment.id
    assert client.shipment.retrieve(shipment.id).postage_label.id == shipment.postage_label.id


def test_a_second_purchase_is_refused_and_sells_nothing(client, sandbox):
    shipment = bought(client)
    with pytest.raises(InvalidRequestError) as refusal:
        client.shipment.buy(shipment.id, rate=shipment.rates[0])
    assert refusal.value.code == "SHIPMENT.POSTAGE.EXISTS"
    assert client.shipment.retrieve(shipment.id).tracking_code == shipment.tracking_code
    assert labels_bought(sandbox) == 1


def test_purchases_at_the_same_time_sell_one_label(client, sandbox):
    sandbox.control("POST", "/easypost/settings", {"purchase_s": 0.4})
    shipment = ship(client)
    at_once = threading.Barrier(5)

    def buy():
        at_once.wait()
        body = {"rate": {"id": shipment.rates[0].id}}
        answered = sandbox.call("POST", f"/v2/shipments/{shipment.id}/buy", body, key=KEY)
        return answered.body["error"]["code"] if answered.status == 422 else answered.status

    with ThreadPoolExecutor(5) as buyers:
        outcomes = sorted(str(buyers_answer.result()) for buyers_answer in [buyers.submit(buy) for _ in range(5)])
    assert outcomes == ["200", *["SHIPMENT.PURCHASE.IN_PROGRESS"] * 4]
    assert labels_bought(sandbox) == 1


def test_another_shipments_rate_is_refused(client):
    one, other = ship(client), ship(client)
    with pytest.raises(InvalidRequestError) as refusal:
        client.shipment.buy(one.id, rate=other.rates[0])
    assert refusal.value.code == "SHIPMENT.MISSING_RATE"


def test_a_carrier_can_refuse_at_the_last_step(client):
    shipment = ship(client, to_address={**BUYER, "street1": "1 NoPostage Way"})
    with pytest.raises(InvalidRequestError) as refusal:
        client.shipment.buy(shipment.id, rate=shipment.rates[0])
    assert refusal.value.code == "SHIPMENT.POSTAGE.FAILURE"


@pytest.mark.parametrize("kind", ["5xx_after", "timeout_after", "cut_after", "broken_json", "html"])
def test_an_unknown_outcome_has_bought_the_label_that_a_retrieval_shows(client, sandbox, kind):
    shipment = ship(client)
    sandbox.fault(vendor="easypost", operation="shipment.buy", kind=kind, delay_s=0.1)
    with pytest.raises((easypost.errors.ApiError, JsonError)):
        client.shipment.buy(shipment.id, rate=shipment.lowest_rate())
    assert client.shipment.retrieve(shipment.id).postage_label is not None
    assert labels_bought(sandbox) == 1


@pytest.mark.parametrize(
    ("service", "length", "start"),
    [("GroundAdvantage", 22, "94"), ("Ground", 18, "1Z"), ("GROUND", 12, "7949"), ("ExpressWorldwide", 10, "4")],
)
def test_tracking_codes_have_the_carriers_form_and_are_unique(client, service, length, start):
    abroad = (
        {"to_address": {**BUYER, "country": "GB"}, "customs_info": CUSTOMS} if service == "ExpressWorldwide" else {}
    )
    codes = set()
    for _ in range(3):
        shipment = ship(client, **abroad)
        rate = next(rate for rate in shipment.rates if rate.service == service)
        codes.add(client.shipment.buy(shipment.id, rate=rate).tracking_code)
    assert len(codes) == 3
    assert {(len(code), code.startswith(start)) for code in codes} == {(length, True)}
