"""Out of stock, the buyer chooses: each choice ends in the right split, refund and reservation, and the default once."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from threading import Thread

import httpx
import pytest
from sqlalchemy import insert, text

from jobs import desk, runner
from orders.reversing import Wish
from records.stock import Arrival
from records.tenants import Rules
from tests.dying import work_off_until
from tests.world import STRIPE_KEY, World, variant

GOODS = [
    variant("BAG", price="12.00", stock={"Reno": 10}),
    variant("MUG", price="8.00", stock={"Reno": 10}),
    variant("AXE", price="30.00", stock={"Reno": 0}),
]
ASKING = Rules(ask_when_short=True)
BASKET = (("BAG", 1), ("MUG", 2), ("AXE", 1))


def asked(world: World, rules: Rules = ASKING, **more: object) -> dict:
    """A three-line order of which the axe is short; its buyer has been asked."""
    world.open_shop(rules=rules, variants=GOODS, locations=None)
    placed = world.place(*BASKET, **more)
    world.settle()
    return placed


def choice(world: World) -> object:
    return world.rows("SELECT * FROM choices ORDER BY id DESC LIMIT 1")[0]


def notices(world: World) -> list[tuple[str, str]]:
    return [(row.fact, row.state) for row in world.rows("SELECT fact, state FROM notices ORDER BY id")]


def link_in(letter: dict) -> str:
    (found,) = set(re.findall(r"http://\S+/choose/[\w.-]+", letter["text"]))
    return found


def choose(world: World, link: str, said: str, rest: str = "together") -> httpx.Response:
    """Follow the mail's link, fill the form, see it once more, and say yes."""
    line = str(next(iter(choice(world).short)))
    with httpx.Client(follow_redirects=True) as browser:
        assert browser.get(link).status_code == 200
        wish = {f"line-{line}": said, "rest": rest}
        shown = browser.get(f"{link}/confirm", params=wish)
        assert "Is this right?" in shown.text, shown.text
        answered = browser.post(link, data=wish)
        assert not browser.cookies
    world.settle()
    return answered


def later(world: World, **columns: str) -> None:
    """Let the moments of the open choice pass."""
    moved = ", ".join(f"{name} = now() - interval '{ago}'" for name, ago in columns.items())
    with world.engine.begin() as connection:
        connection.execute(text(f"UPDATE choices SET {moved} WHERE state IN ('asked', 'reminded')"))
        connection.execute(text("UPDATE jobs SET due_at = now() WHERE kind = 'ask_buyer' AND state = 'due'"))


def land(world: World, sku: str, units: int) -> None:
    world.control("POST", "/shopify/stock", {"shop": "acme.myshopify.com", "sku": sku, "location": "Reno", "on_hand": units})
    world.read_catalogue()
    world.settle()


def reserved(world: World) -> dict[str, tuple[int, int]]:
    return {sku: world.level(sku, "Reno") for sku in ("BAG", "MUG", "AXE")}


def shipped(world: World, placed: dict) -> list[dict[str, int]]:
    """What left, by SKU, a parcel each."""
    rows = world.rows(
        "SELECT s.id, o.sku, l.units FROM shipments s JOIN shipment_lines l ON l.shipment_id = s.id "
        "JOIN order_lines o ON o.id = l.line_id WHERE s.state IN ('announced', 'handed_over') AND s.order_id = :order "
        "ORDER BY s.id, o.sku",
        order=world.order(placed).id,
    )
    found: dict[int, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.id, {})[row.sku] = row.units
    return list(found.values())


def story(world: World) -> str:
    return "\n".join(row.sentence for row in world.rows("SELECT sentence FROM timeline_entries ORDER BY id"))


def test_the_buyer_is_asked_once_and_nothing_leaves_meanwhile(world: World):
    placed = asked(world)

    (letter,) = world.letters()
    assert (letter["recipients"], notices(world)) == (["ada@example.com"], [("asked", "sent")])
    assert (choice(world).state, world.open_holds(placed)) == ("asked", ["stock"])
    assert (shipped(world, placed), world.labels_bought()) == ([], [])
    assert reserved(world) == {"BAG": (10, 0), "MUG": (10, 0), "AXE": (0, 0)}
    world.hurry()
    world.settle()
    assert len(world.letters()) == 1
