"""The page on which other routing rules are tried: what would change, without anything being changed."""

from __future__ import annotations

import pytest
from person import Person
from seeds import Shop
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from records import database
from records.routing import RoutingRules
from records.schema import METADATA
from web.queries import simulation

CHEAPEST = "routing.order=cheapest&routing.most_shipments=3&routing.split_from_units=2&routing.ask_rates_for=3"


def at(shop: Shop, query: str = "") -> str:
    return f"/ops/shops/{shop.tenant}/routing/simulate{query}"


def everything(engine: Engine) -> dict[str, list[str]]:
    """Every row of every table, as it stands."""
    with engine.connect() as connection:
        return {
            name: sorted(str(row) for row in connection.execute(text(f"SELECT t::text FROM {name} t")))
            for name in METADATA.tables
        }


def test_other_rules_are_tried_and_no_row_of_any_table_is_another(
    grace: Person, shop: Shop, furnished: dict[str, int], engine: Engine
) -> None:
    before = everything(engine)

    page = grace.get(at(shop, f"/tried?{CHEAPEST}"))

    assert page.status_code == 200
    assert "1 of 1 choice was looked at" in page.text
    for told in ("Orders that are split", "Kilometres", "Orders that come too late", "As it would be"):
        assert told in page.text
    assert everything(engine) == before


def test_postgresql_itself_refuses_to_write_while_rules_are_tried(engine: Engine, shop: Shop) -> None:
    with pytest.raises(OperationalError, match="read-only"), database.looking(engine, shop.tenant) as session:
        session.execute(text("UPDATE tenants SET name = 'other'"))


def test_what_would_leave_otherwise_stands_there_with_its_order(
    grace: Person, shop: Shop, furnished: dict[str, int], session
) -> None:
    # Newark costs less than Reno here, and is farther away.
    session.execute(text("UPDATE routing_decisions SET question = jsonb_set(question, '{quotes,1,cost_minor}', '100')"))
    session.commit()

    page = grace.get(at(shop, f"/tried?{CHEAPEST}")).text

    assert "1 of 1 would differ" in page
    assert f"/ops/shops/{shop.tenant}/orders/{furnished['split']}/routing" in page
    assert "Use these rules…" in page
    opened = grace.get(f"/ops/shops/{shop.tenant}/settings?{CHEAPEST}").text
    assert 'value="cheapest"' in opened
    assert "Nothing is saved yet" in opened
    assert grace.row("SELECT rules -> 'routing' AS rules FROM tenants WHERE id = :t", t=shop.tenant).rules in (
        None, RoutingRules().model_dump(mode="json"),
    )  # fmt: skip


def test_rules_that_are_none_come_back_as_they_were_typed(grace: Person, shop: Shop) -> None:
    answer = grace.get(at(shop, "/tried?routing.order=by_magic&routing.most_shipments=9"))
    assert answer.status_code == 422
    assert "There is no rule by_magic." in answer.text
    assert 'value="by_magic"' in answer.text
    assert "Between 1 and 4 shipments." in answer.text


def test_before_any_order_was_routed_it_says_so(grace: Person, shop: Shop) -> None:
    assert "Try them" in grace.get(at(shop)).text
    assert "No choice was made in the last 30 days" in grace.get(at(shop, "/tried")).text


def test_where_there_is_no_time_for_all_it_says_how_many_were_looked_at(
    shop: Shop, furnished: dict[str, int], engine: Engine
) -> None:
    with database.looking(engine, shop.tenant) as session:
        found = simulation.run(session, shop.tenant, RoutingRules(), now=shop.now, patience_s=-1)
    assert (found.looked_at, found.kept) == (0, 1)
