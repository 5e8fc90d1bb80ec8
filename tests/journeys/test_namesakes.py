"""What is gathered or forgotten of a buyer is theirs alone, whoever has the same name, street or telephone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from config.settings import Settings
from orders import forgetting
from records import privacy
from tests import farewells
from tests.farewells import CUSTOMER, data_request, deliver, redact_buyer
from tests.world import BUYER, HOOK_SECRET, World, running_world

# The same name, house and telephone; an address that ends as the other one does.
NAMESAKE = "other.ada@example.com"


@pytest.fixture
def world(settings: Settings, engine: Engine, sandbox_origin: str) -> Iterator[World]:
    keyed = settings.model_copy(
        update={"shopify_client_id": "packline", "shopify_client_secret": SecretStr(HOOK_SECRET)}
    )
    with running_world(keyed, engine, sandbox_origin) as running:
        running.services.public_url = running.origin
        running.open_shop()
        farewells.know_its_number(running)
        yield running


def gathered(world: World) -> list[dict[str, Any]]:
    rows = world.rows("SELECT sealed_export FROM privacy_requests WHERE sealed_export IS NOT NULL ORDER BY id")
    return [json.loads(world.services.keyring.open(bytes(row.sealed_export))["document"]) for row in rows]


def bodies(world: World, placed: dict[str, Any]) -> list[int]:
    order = world.order(placed).id
    return [row.bytes for row in world.rows(
        "SELECT octet_length(body) AS bytes FROM inbox_events WHERE subject = :s ORDER BY id", s=f"order/{order}"
    )]  # fmt: skip


def test_an_export_holds_nothing_of_a_namesake(world: World):
    hers = world.place(("BAG", 1))
    world.place(("BAG", 1), ship_to=BUYER, email=NAMESAKE)
    world.settle()

    deliver(world, "customers/data_request", data_request(hers))
    world.settle()

    (document,) = gathered(world)
    assert len(document["orders"]) == 1
    assert {delivery["vendor"] for delivery in document["deliveries"]} >= {"shopify", "easypost"}
    assert NAMESAKE not in json.dumps(document)
    assert "ada@example.com" in json.dumps(document["deliveries"])


def test_a_namesake_s_deliveries_stay_when_the_other_is_forgotten(world: World):
    hers = world.place(("BAG", 1))
    theirs = world.place(("BAG", 1), ship_to=BUYER, email="grace@example.org")
    world.settle()
    kept = bodies(world, theirs)
    assert all(kept)

    deliver(world, "customers/redact", redact_buyer(hers))
    world.settle()

    assert set(bodies(world, hers)) == {0}
    assert bodies(world, theirs) == kept
    assert (world.order(hers).email, world.order(theirs).email) == ("", "grace@example.org")


def test_a_delivery_about_no_order_goes_with_the_buyer_whose_name_it_has(world: World):
    hers = world.place(("BAG", 1))
    world.settle()
    deliver(world, "orders/unheard_of", {"note": "for Ada Buyer", "seen": 1})
    world.settle()

    deliver(world, "customers/redact", redact_buyer(hers))
    world.settle()

    assert [row.bytes for row in world.rows(
        "SELECT octet_length(body) AS bytes FROM inbox_events WHERE topic = 'orders/unheard_of'")] == [0]  # fmt: skip


# What the demand to forget says of the buyer who was exported before.
SAID = [
    pytest.param({"customer": CUSTOMER | {"email": "", "phone": ""}, "name_order": False}, True, id="by number"),
    pytest.param({"customer": {"email": "Ada@Example.com"}, "name_order": False}, True, id="by e-mail"),
    pytest.param({"customer": {"email": ""}, "name_order": True}, True, id="by order"),
    pytest.param({"customer": {"id": 7_000_000_000_001, "email": NAMESAKE}, "name_order": False}, False, id="another"),
]


@pytest.mark.parametrize(("said", "dropped"), SAID)
def test_an_export_goes_with_its_own_buyer_and_with_nobody_else(world: World, said, dropped):
    hers = world.place(("BAG", 1))
    world.settle()
    deliver(world, "customers/data_request", data_request(hers))
    world.settle()
    assert len(gathered(world)) == 1

    named = [hers] if said["name_order"] else []
    assert deliver(world, "customers/redact", redact_buyer(*named, customer=said["customer"])) == (202, "kept")
    world.settle()

    assert len(gathered(world)) == (0 if dropped else 1)
    assert [row.state for row in world.rows("SELECT state FROM privacy_requests")] == ["done", "done"]


def test_an_export_by_e_mail_alone_goes_with_the_orders_that_were_found(world: World):
    hers = world.place(("BAG", 1))
    world.settle()
    deliver(world, "customers/data_request", data_request())
    world.settle()
    assert [len(document["orders"]) for document in gathered(world)] == [1]

    deliver(world, "customers/redact", redact_buyer(hers, customer={}))
    world.settle()

    assert gathered(world) == []


def test_of_nobody_named_no_export_is_dropped(world: World):
    hers = world.place(("BAG", 1))
    world.settle()
    deliver(world, "customers/data_request", data_request(hers))
    world.settle()

    with world.reading() as session:
        assert privacy.drop_exports(session, world.tenant) == 0

    assert len(gathered(world)) == 1


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"email": "ada@example.com"}', True),
        (b"mail ada@example.com.", True),
        (b'{"email": "other.ada@example.com"}', False),
        (b'{"email": "ada@example.com.au"}', False),
        (b'{"order": "gid://shopify/Order/5551234567890"}', True),
        (b'{"order": 55512345678901}', False),
    ],
)
def test_a_delivery_names_a_buyer_only_by_the_whole_of_an_address_or_a_number(body, named):
    assert forgetting.names(body, [b"ada@example.com", b"5551234567890"]) is named
