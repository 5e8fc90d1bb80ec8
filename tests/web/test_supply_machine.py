"""A supplier's machine over real HTTP: the purchase order as JSON, answers that may be repeated, and clear refusals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from seeds import Shop
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from orders import purchasing
from orders.signed_links import Link
from records import suppliers
from tests import patient
from tests.world import serving
from web.pages.supply import links


class Machine:
    """The supplier's own program, with nothing but the link."""

    def __init__(self, origin: str, token: str, engine: Engine, purchase_order: int) -> None:
        self.address, self.engine, self.purchase_order = f"{origin}/supply/{token}", engine, purchase_order

    def look(self) -> dict[str, Any]:
        answer = patient.get(f"{self.address}/v1")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["purchase_order"]
        return found

    def say(self, what: str, body: Any = None, *, raw: bytes | None = None) -> tuple[int, Any]:
        answer = patient.post(f"{self.address}/v1/{what}", json=body, content=raw)
        return answer.status_code, answer.json()

    def state(self) -> str:
        (row,) = self.rows("SELECT state FROM purchase_orders WHERE id = :id", id=self.purchase_order)
        return str(row.state)

    def shipped(self) -> list[Any]:
        found = self.rows(
            "SELECT p.carrier, p.tracking_code, s.id FROM parcels p JOIN shipments s ON s.id = p.shipment_id "
            "WHERE s.purchase_order_id = :id ORDER BY p.id",
            id=self.purchase_order,
        )
        return [(row.carrier, row.tracking_code) for row in found]

    def rows(self, sql: str, **values: Any) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(text(sql), values))


@pytest.fixture
def machine(app: Flask, furnished: dict[str, int], session: Session, engine: Engine) -> Iterator[Machine]:
    session.execute(
        text("UPDATE order_lines SET to_ship = 9, units = 9 WHERE order_id = :order"), {"order": furnished["split"]}
    )
    session.commit()
    found = suppliers.find(session, furnished["tenant"], furnished["purchase_order"])
    assert found is not None
    with app.app_context():
        token = links().token(purchasing.link_of(found, 3))
    with serving(app) as origin:
        yield Machine(origin, token, engine, found.id)


def test_the_links_own_address_answers_a_machine_and_a_person(machine: Machine) -> None:
    as_json = patient.get(machine.address, headers={"Accept": "application/json"})
    as_page = patient.get(machine.address, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})

    assert as_json.json() == patient.get(f"{machine.address}/v1").json()
    assert as_page.headers["Content-Type"].startswith("text/html")
    assert "Set-Cookie" not in as_json.headers
    assert (as_json.headers["Referrer-Policy"], as_json.headers["Cache-Control"]) == ("no-referrer", "no-store")


def test_the_purchase_order_has_its_documented_shape(machine: Machine) -> None:
    told = patient.get(f"{machine.address}/v1").json()

    assert (set(told), told["version"]) == ({"version", "purchase_order", "links"}, 1)
    assert set(told["links"]) == {"page", "self", "accept", "reject", "tracking", "stop"}
    found = told["purchase_order"]
    assert set(found) == {
        "id", "shop", "order", "supplier", "state", "open", "wait", "stop", "reason", "written_on", "ship_by",
        "ship_to", "lines", "parcels",
    }  # fmt: skip
    (line,) = found["lines"]
    assert line | {"line": 0, "title": ""} == {
        "line": 0, "sku": "T-200", "shop_sku": line["shop_sku"], "title": "", "units": 2, "units_left": 2,
        "unit_cost_minor": 4250, "currency": "USD",
    }  # fmt: skip
    assert (found["ship_to"]["country"], found["open"], found["stop"], found["parcels"]) == ("US", True, False, [])


def test_yes_and_the_tracking_may_be_said_again_and_add_nothing(machine: Machine) -> None:
    assert [machine.say("accept")[0] for _ in range(2)] == [200, 200]
    assert machine.state() == "accepted"
    line = machine.look()["lines"][0]["line"]
    first = {"carrier": "UPS", "numbers": ["1z 999"], "lines": [{"line": line, "units": 1}]}
    assert [machine.say("tracking", first)[0] for _ in range(2)] == [200, 200]
    assert (machine.state(), machine.shipped()) == ("accepted", [("UPS", "1Z999")])
    assert machine.look()["lines"][0]["units_left"] == 1

    status, told = machine.say("tracking", {"carrier": "UPS", "numbers": ["1Z1000"]})
    assert (status, told["purchase_order"]["state"]) == (200, "shipped")
    assert machine.say("tracking", first)[0] == 200
    assert machine.shipped() == [("UPS", "1Z999"), ("UPS", "1Z1000")]
    assert machine.say("accept")[0] == 200
    jobs = machine.rows("SELECT 1 FROM jobs WHERE kind = 'push_tracking' AND subject IN (SELECT 'shipment/' || id "
                        "FROM shipments WHERE purchase_order_id = :id)", id=machine.purchase_order)  # fmt: skip
    assert len(jobs) == 2


def test_no_may_be_said_again_and_ends_it(machine: Machine) -> None:
    assert machine.say("reject", {"reason": "Sold out."})[0] == 200
    assert machine.say("reject", {"reason": "Sold out, still."})[0] == 200
    found = machine.look()
    assert (found["state"], found["reason"], found["ship_to"]) == ("rejected", "Sold out.", None)

    for what, body in (("accept", None), ("tracking", {"carrier": "UPS", "numbers": ["1Z1"]})):
        status, said = machine.say(what, body)
        assert (status, said["error"]["code"]) == (409, "closed")
        assert "rejected" in said["error"]["message"]
    assert machine.shipped() == []


@pytest.mark.parametrize(
    ("what", "body", "field"),
    [
        ("reject", {}, "reason"),
        ("reject", {"reason": "  "}, "reason"),
        ("reject", {"reason": "x" * 501}, "reason"),
        ("reject", {"reason": "none\u0000left"}, "reason"),
        ("reject", {"reason": "none\nleft"}, "reason"),
        ("tracking", {"carrier": "UPS\u001b[0m", "numbers": ["1Z1"]}, "carrier"),
        ("accept", {"sure": True}, "sure"),
        ("tracking", {"numbers": ["1Z1"]}, "carrier"),
        ("tracking", {"carrier": "UPS", "numbers": []}, "numbers"),
        ("tracking", {"carrier": "UPS", "numbers": "1Z1"}, "numbers"),
        ("tracking", {"carrier": "UPS", "numbers": [str(n) for n in range(51)]}, "numbers"),
        ("tracking", {"carrier": "UPS", "numbers": ["1Z1"], "units": 1}, "units"),
        ("tracking", {"carrier": "UPS", "numbers": ["1Z1"], "lines": [{"line": 999_999, "units": 1}]}, "lines.0.line"),
        ("tracking", {"carrier": "UPS", "numbers": ["1Z1"], "lines": [{"line": "LINE", "units": 3}]}, "lines.0.units"),
        ("tracking", {"carrier": "UPS", "numbers": ["1Z1"], "lines": [{"line": "LINE", "units": 0}]}, "lines.0.units"),
        ("tracking", ["1Z1"], "body"),
    ],
)
def test_what_does_not_fit_is_told_by_field_and_changes_nothing(
    machine: Machine, what: str, body: Any, field: str
) -> None:
    line = machine.look()["lines"][0]["line"]
    if isinstance(body, dict) and "lines" in body:
        body = body | {
            "lines": [{**one, "line": line if one["line"] == "LINE" else one["line"]} for one in body["lines"]]
        }
    before = machine.state()
    status, said = machine.say(what, body)

    assert (status, said["error"]["code"], list(said["error"]["fields"])) == (422, "invalid", [field])
    assert (machine.state(), machine.shipped()) == (before, [])


def test_what_is_no_json_is_told_so(machine: Machine) -> None:
    for raw in (b"{", b"reason=no", b"\xff\xfe", b"[" * 100_000):
        status, said = machine.say("reject", raw=raw)
        assert (status, said["error"]["code"]) == (400, "not_json")


def test_who_has_no_link_or_an_old_one_is_told_in_json(
    machine: Machine, app: Flask, furnished: dict[str, int], session: Session, shop: Shop
) -> None:
    row = suppliers.find(session, furnished["tenant"], furnished["purchase_order"])
    assert row is not None
    with app.app_context():
        ended = links().token(
            Link(tenant=row.tenant_id, about=row.id, version=row.link_version,
                         until=shop.now - timedelta(days=900))
        )  # fmt: skip
        theirs = links().token(
            Link(tenant=row.tenant_id + 1, about=row.id, version=row.link_version,
                         until=shop.now + timedelta(days=9))
        )  # fmt: skip
    origin = machine.address.rpartition("/")[0]
    said = [
        (answer.status_code, answer.json()["error"]["code"])
        for token in ("x.y", theirs, ended)
        for answer in (patient.get(f"{origin}/{token}/v1"), patient.post(f"{origin}/{token}/v1/accept"))
    ]
    assert said == [(404, "no_such_link")] * 4 + [(410, "link_ended")] * 2


def test_nobody_is_stopped_who_was_not_asked_to(machine: Machine) -> None:
    status, said = machine.say("stop")
    assert (status, said["error"]["code"]) == (409, "not_asked")


def test_while_the_order_is_on_hold_yes_waits(machine: Machine, session: Session, furnished: dict[str, int]) -> None:
    session.execute(
        text("INSERT INTO holds (tenant_id, order_id, kind, reason, remedy, set_by) "
             "VALUES (:t, :o, 'address', 'r', 'r', 'packline')"),
        {"t": furnished["tenant"], "o": furnished["split"]},
    )  # fmt: skip
    session.commit()
    status, said = machine.say("accept")

    assert (status, said["error"]["code"], machine.look()["wait"]) == (409, "wait", True)
    assert machine.state() != "accepted"


AS_MACHINE = {"Accept": "application/json"}


@pytest.mark.parametrize("under", ["/v1", ""])
def test_every_error_is_json_for_a_machine_wherever_it_asks(
    machine: Machine, app: Flask, monkeypatch: pytest.MonkeyPatch, under: str
) -> None:
    nowhere = f"{machine.address.rpartition('/')[0]}/x"
    found = {
        404: patient.get(f"{nowhere}{under}", headers=AS_MACHINE),
        405: patient.delete(f"{machine.address}{under}", headers=AS_MACHINE),
        413: patient.post(f"{machine.address}{under}/reject", headers=AS_MACHINE, content=b" " * 20_000_000),
    }
    monkeypatch.setattr("web.pages.supply.told_to", lambda *_: 1 / 0)
    found[500] = patient.get(f"{machine.address}{under}", headers=AS_MACHINE)
    codes = {404: "no_such_link", 405: "wrong_method", 413: "too_large", 500: "failed", 429: "too_often"}
    for _ in range(70):
        found[429] = patient.get(f"{nowhere}{under}", headers=AS_MACHINE)

    for status, answer in found.items():
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json"), answer.text
        assert answer.json()["error"]["code"] == codes[status]
        assert answer.json()["error"]["message"]
    assert int(found[429].headers["Retry-After"]) > 0
    assert "GET" in found[405].headers["Allow"]


def test_a_person_without_such_a_wish_is_shown_a_page(machine: Machine) -> None:
    answer = patient.get(f"{machine.address.rpartition('/')[0]}/x", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
