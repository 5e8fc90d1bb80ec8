"""What a person changes of a shipment at its page, before its label is bought, and what the jobs then do."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from records import database, users
from tests.world import World

PASSWORD = "correct horse battery"


@pytest.fixture
def browser(world: World) -> FlaskClient:
    """Somebody who is signed in, without scripts."""
    world.open_shop()
    with database.across_tenants(world.engine, why="test") as session:
        users.add(session, "Olga", PASSWORD)
    client = world.door.test_client()
    send(client, client.get("/ops/sign-in"), "/ops/sign-in", name="Olga", password=PASSWORD)
    return client


def send(client: FlaskClient, page: TestResponse, action: str, **typed: str) -> TestResponse:
    """Send the form of a page that leads there, with what it holds and what is typed; answers the page that follows."""
    for where, form in re.findall(r'<form\b[^>]*\baction="([^"]*)"[^>]*>(.*?)</form>', page.text, re.DOTALL):
        if where.endswith(action):
            held = dict(re.findall(r'<input\b[^>]*\bname="([^"]+)"[^>]*\bvalue="([^"]*)"', form))
            return client.post(where, data=held | typed, follow_redirects=True)
    raise AssertionError(f"no form leads to {action}")


def waiting(world: World, *lines: tuple[str, int]) -> str:
    """An order whose label the carrier cannot sell yet; answers its page's path."""
    world.fault(vendor="easypost", kind="5xx", operation="shipment.create", times=None)
    placed = world.place(*lines)
    world.settle()
    assert world.labels_bought() == []
    return f"/ops/shops/{world.tenant}/orders/{world.order(placed).id}"


def shipments(world: World) -> list[Any]:
    return [tuple(row) for row in world.rows(
        "SELECT s.state, sum(l.units) FROM shipments s JOIN shipment_lines l"
        " ON l.tenant_id = s.tenant_id AND l.shipment_id = s.id GROUP BY s.id, s.state ORDER BY 1, 2"
    )]  # fmt: skip


def test_units_that_are_split_off_at_the_page_leave_with_a_label_of_their_own(
    world: World, browser: FlaskClient
) -> None:
    path = waiting(world, ("BAG", 3))
    page = browser.get(path)
    there = re.search(r'href="([^"]*/shipments/\d+/split)"', page.text).group(1)
    asked = browser.get(there)
    field = re.search(r'name="(units-\d+)"', asked.text).group(1)

    refused = send(browser, asked, "/split", **{field: "3"})
    assert refused.status_code == 422
    assert shipments(world) == [("planned", 3)]
    done = send(browser, refused, "/split", **{field: "1"})
    assert "Two shipments leave instead of one" in done.text
    assert done.request.path == path
    assert shipments(world) == [("cancelled", 3), ("planned", 1), ("planned", 2)]

    world.control("DELETE", "/faults")
    world.hurry()
    world.settle()
    assert len(world.labels_bought()) == 2
    assert [state for state, _ in shipments(world)] == ["announced", "announced", "cancelled"]
    # The units were reserved once, and are gone once.
    assert [tuple(row) for row in world.rows("SELECT state, sum(units) FROM reservations GROUP BY state")] == [
        ("consumed", 3)
    ]
    too_late = browser.get(there)
    assert "it is too late" in too_late.text
    assert 'name="units-' not in too_late.text


def test_new_rates_that_are_asked_for_at_the_page_are_what_the_label_is_bought_at(
    world: World, browser: FlaskClient
) -> None:
    world.fault(vendor="easypost", kind="5xx", status=422, operation="shipment.buy", times=None)
    placed = world.place(("BAG", 1))
    world.settle()
    path = f"/ops/shops/{world.tenant}/orders/{world.order(placed).id}"
    assert world.labels_bought() == []
    quoted = len(world.calls(vendor="easypost", operation="shipment.create"))
    assert quoted >= 1
    world.control("DELETE", "/faults")

    asked = send(browser, browser.get(path), "/rates")
    assert "The carriers are asked again, and the best rate is bought." in asked.text
    world.hurry()
    world.settle()
    assert len(world.calls(vendor="easypost", operation="shipment.create")) == quoted + 1
    assert len(world.labels_bought()) == 1
    assert "Asked for new rates for a parcel." in browser.get(path).text
    assert "New rates" not in browser.get(path).text
