"""What Shopify really answered, as recorded, is read by our models and judged by our rules."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from scripted_vendor import Answer

from integrations.ports import Credentials, Origins, Permanent, Temporary
from integrations.storefronts.shopify import answers, catalogue, refusals, shipments, work
from integrations.storefronts.shopify.client import Client


@pytest.fixture(scope="module")
def exchanges(recordings) -> list[dict[str, Any]]:
    """Every recorded call with the body of its answer under `answer`."""
    found = []
    for path in sorted((recordings / "shopify").glob("*.json")):
        found += [call | {"file": path.name} for call in _calls(json.loads(path.read_text("utf-8")))]
    assert len(found) > 200
    return found


def _calls(thing: Any) -> Iterator[dict[str, Any]]:
    if isinstance(thing, dict):
        response = thing.get("response")
        if isinstance(response, dict):
            yield thing | {"answer": response.get("payload", response)}
        for inner in thing.values():
            yield from _calls(inner)
    elif isinstance(thing, list):
        for inner in thing:
            yield from _calls(inner)


def _objects(thing: Any, *members: str) -> Iterator[dict[str, Any]]:
    """Every object anywhere inside that has all of these members."""
    if isinstance(thing, dict):
        if all(member in thing for member in members):
            yield thing
        for inner in thing.values():
            yield from _objects(inner, *members)
    elif isinstance(thing, list):
        for inner in thing:
            yield from _objects(inner, *members)


def _everywhere(exchanges, *members: str) -> list[dict[str, Any]]:
    return [found for call in exchanges for found in _objects(call["answer"], *members)]


def test_every_recorded_fulfillment_order_is_read(exchanges):
    found = _everywhere(exchanges, "id", "status", "supportedActions", "assignedLocation", "lineItems")
    works = [answers.read(work.Work, one) for one in found if "lineItem" in json.dumps(one["lineItems"])]

    assert len(works) > 50
    assert {"OPEN", "ON_HOLD", "CLOSED"} <= {one.status for one in works}
    assert all(one.location_id.startswith("gid://shopify/Location/") for one in works)
    for one in works:
        open_units = sum(line.remaining_quantity for line in one.line_items.nodes)
        assert sum(line.units for line in work.asked([one])) == (open_units if one.status in work.LIVE else 0)
        assert bool(work.waiting(one)) == (one.status == "ON_HOLD")


def test_recorded_work_may_be_fulfilled_only_while_it_is_open(exchanges):
    found = _everywhere(exchanges, "id", "status", "supportedActions", "lineItems")
    allowed = {(one["status"], "CREATE_FULFILLMENT" in json.dumps(one["supportedActions"])) for one in found}

    assert {status for status, may in allowed if may} == {"OPEN", "IN_PROGRESS"}
    assert ("ON_HOLD", False) in allowed


def test_every_recorded_fulfillment_is_read_with_its_numbers(exchanges):
    found = _everywhere(exchanges, "id", "status", "trackingInfo")
    read = [answers.read(shipments.Fulfillment, one) for one in found]

    assert len(read) > 20
    assert {one.status for one in read if not one.stands} == {"CANCELLED"}
    several = [one.numbers for one in read if len(one.numbers) > 1]
    assert several
    assert all(all(numbers) for numbers in several)


def test_a_recorded_replacement_of_tracking_left_nothing_of_the_old_set(exchanges):
    calls = [call for call in exchanges if "fulfillmentTrackingInfoUpdate" in (call["answer"].get("data") or {})]
    compared = 0
    for call in calls:
        payload = call["answer"]["data"]["fulfillmentTrackingInfoUpdate"]
        asked = (call.get("variables") or {}).get("trackingInfoInput") or {}
        if payload["fulfillment"] and asked.get("numbers"):
            now = answers.read(shipments.Fulfillment, payload["fulfillment"])
            assert list(now.numbers) == asked["numbers"]
            compared += 1

    assert compared >= 1


def test_every_recorded_scan_is_read(exchanges):
    scans = [answers.read(shipments.PassedScan, one) for one in _everywhere(exchanges, "status", "happenedAt")]

    assert {"IN_TRANSIT", "DELIVERED"} <= {scan.status for scan in scans}
    assert all(scan.happened_at.microsecond == 0 for scan in scans)


def test_every_recorded_location_and_stock_level_is_read(exchanges):
    places = [answers.read(catalogue.Location, one) for one in _everywhere(exchanges, "name", "fulfillsOnlineOrders")]
    levels = [answers.read(catalogue.Level, one) for one in _everywhere(exchanges, "location", "quantities")]

    assert {place.fulfills_online_orders for place in places} == {True, False}
    assert any(level.units("on_hand") for level in levels)


def test_every_recorded_refusal_is_told_in_shopifys_own_sentences(exchanges):
    lists = [one["userErrors"] for one in _everywhere(exchanges, "userErrors")]
    told = [refusals.of_user_errors(one) for one in lists]

    assert [refusal is None for refusal in told] == [one == [] for one in lists]
    reasons = " ".join(refusal.reason for refusal in told if refusal)
    assert "Invalid fulfillment order line item quantity requested." in reasons
    assert "Order cannot be marked as paid." in reasons
    assert all(refusal.remedy for refusal in told if refusal)


def test_recorded_errors_are_judged_by_what_may_have_been_done(exchanges):
    judged: dict[str, set[tuple[type, bool]]] = {}
    for call in exchanges:
        answer = call["answer"]
        if answer.get("errors") and not any((answer.get("data") or {}).values()):
            failure = refusals.of_errors(answer["errors"], answer, {}, mutation=True)
            doubt = isinstance(failure, Temporary) and failure.outcome_unknown
            judged.setdefault(failure.code, set()).add((type(failure), doubt))

    assert judged["RESOURCE_NOT_FOUND"] == {(Permanent, False)}
    assert judged["BAD_REQUEST"] == {(Permanent, False)}
    assert judged["INVALID_VARIABLE"] == {(Permanent, False)}
    assert judged["INTERNAL_SERVER_ERROR"] == {(Temporary, True)}


def test_a_recorded_hold_that_was_made_beside_an_error_is_believed(exchanges, scripted, notes):
    beside = [
        call
        for call in exchanges
        if call["answer"].get("errors") and (call["answer"].get("data") or {}).get("fulfillmentOrderHold")
    ]
    credentials = Credentials(account="packline.myshopify.com", live=True, secrets={"access_token": "shpat_x"})
    client = Client(credentials, Origins(shopify=scripted.origin), notes.append)
    assert beside

    for call in beside:
        scripted.script = [Answer(call["answer"])]
        payload = client.tell("Hold", id="gid://shopify/FulfillmentOrder/1", hold={"reason": "OTHER"})
        assert payload["fulfillmentHold"]["id"].startswith("gid://shopify/FulfillmentHold/")


def test_recorded_answers_of_fulfilling_name_what_was_made(exchanges):
    payloads = [one["fulfillmentCreate"] for one in _everywhere(exchanges, "fulfillmentCreate")]
    made = [one for one in payloads if isinstance(one, dict) and one.get("fulfillment")]

    assert len(made) > 3
    assert all(one["userErrors"] == [] for one in made)
    assert all(one["fulfillment"]["id"].startswith("gid://shopify/Fulfillment/") for one in made)
