"""Setting a shop up, testing it, watching and going live: as a merchant does it, without scripts."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text


@pytest.fixture
def path(furnished):
    return f"/ops/shops/{furnished['tenant']}"


def told(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


def run(grace, sql, **values):
    with grace.engine.begin() as connection:
        connection.execute(text(sql), values)


def setup_of(grace, tenant):
    return grace.row("SELECT setup, rules, mode FROM tenants WHERE id = :t", t=tenant)


def test_the_steps_are_counted_and_the_next_one_is_named(grace, path):
    page = grace.get(f"{path}/setup")

    assert page.status_code == 200
    assert "1 of 9 done." in told(page)  # EasyPost is connected
    assert page.text.count('aria-current="step"') == 1


def test_a_step_that_is_saved_is_done_and_leads_to_the_next(grace, path, furnished):
    answer = grace.post(f"{path}/setup/labels", at=f"{path}/setup/labels", label_format="ZPL", label_size="4x6")

    assert answer.status_code == 303
    kept = setup_of(grace, furnished["tenant"])
    assert (kept.rules["label_format"], "labels" in kept.setup) == ("ZPL", True)
    assert answer.headers["Location"].endswith(f"{path}/setup/locations")


def test_what_cannot_be_right_stands_red_beside_its_field_and_nothing_is_saved(grace, path, furnished):
    before = setup_of(grace, furnished["tenant"])

    answer = grace.post(
        f"{path}/setup/parcel",
        at=f"{path}/setup/parcel",
        **{"box.length_mm": "wide", "box.width_mm": "200", "box.height_mm": "100", "box.empty_grams": "50"},
        **{"box.max_content_grams": "9000", "assumed_unit_grams": "100"},
    )

    assert answer.status_code == 422
    assert 'value="wide"' in answer.text
    assert "A whole number, without a unit." in answer.text
    assert setup_of(grace, furnished["tenant"]) == before


def test_a_warehouse_that_is_left_out_ships_nothing_and_stays_so(grace, path, furnished):
    ids = {
        row.name: row.id
        for row in grace.rows("SELECT id, name FROM locations WHERE tenant_id = :t", t=furnished["tenant"])
    }
    assert {"Reno", "Newark"} <= set(ids)

    none = grace.post(f"{path}/setup/locations", at=f"{path}/setup/locations")
    only_reno = grace.post(f"{path}/setup/locations", at=f"{path}/setup/locations", **{f"place-{ids['Reno']}": "1"})

    assert (none.status_code, only_reno.status_code) == (422, 303)
    ships = {
        row.name: row.ships
        for row in grace.rows("SELECT name, ships FROM locations WHERE tenant_id = :t", t=furnished["tenant"])
    }
    assert (ships["Reno"], ships["Newark"]) == (True, False)
    assert len(setup_of(grace, furnished["tenant"]).setup["no_warehouse"]) >= 1


def test_a_test_is_asked_for_once_and_shown_as_it_goes(grace, path, furnished):
    answer = grace.post(f"{path}/setup/self-test", at=f"{path}/setup/self-test")

    assert answer.status_code == 303
    assert (
        grace.row("SELECT kind, subject FROM jobs WHERE kind = 'self_test'").subject == f"tenant/{furnished['tenant']}"
    )
    assert "The test runs." in told(grace.get(f"{path}/setup/self-test"))
    assert "A signed webhook, there and back" in told(grace.get(f"{path}/setup/self-test/live"))


def test_going_live_asks_first_and_refuses_a_day_that_has_not_come(grace, path, furnished):
    run(grace, "UPDATE tenants SET mode = 'shadow' WHERE id = :t", t=furnished["tenant"])

    shown = grace.get(f"{path}/shadow/go-live")
    refused = grace.post(f"{path}/shadow/go-live", at=f"{path}/shadow/go-live", since="2199-01-01")
    assert (shown.status_code, refused.status_code) == (200, 422)
    assert "That day has not come yet." in refused.text
    assert setup_of(grace, furnished["tenant"]).mode == "shadow"

    gone = grace.post(f"{path}/shadow/go-live", at=f"{path}/shadow/go-live", since="")

    assert gone.status_code == 303
    kept = setup_of(grace, furnished["tenant"])
    assert kept.mode == "live"
    assert kept.setup["live_since"]


def test_a_shop_with_something_in_hand_says_what_is_finished_first(grace, path, furnished):
    answer = grace.post(f"{path}/shadow", at=f"{path}/shadow")

    assert answer.status_code == 303
    page = grace.get(f"{path}/shadow")
    assert setup_of(grace, furnished["tenant"]).mode == "settling"
    assert "On its way to watching." in told(page)
    assert "A shipment is planned and the store does not know of it yet." in told(page)


def test_a_decision_stands_beside_what_the_merchant_did(grace, path, furnished):
    run(
        grace,
        "INSERT INTO shadow_decisions (tenant_id, order_id, key, act, sentence, decided, merchant_did, compared_at) "
        "VALUES (:t, :o, 'ship', 'buy_label', 'Reno, USPS GroundAdvantage, 5.20 USD.', "
        """'{"cost_minor": 520, "currency": "USD"}', """
        """'{"warehouse": "Newark", "carrier": "UPS", "numbers": ["1Z9"], "shipping_paid_minor": 900, "shipping_paid_currency": "USD"}', """
        "now())",
        t=furnished["tenant"],
        o=furnished["shipped"],
    )

    page = told(grace.get(f"{path}/shadow"))

    assert "Reno, USPS GroundAdvantage, 5.20 USD." in page
    assert "Newark, UPS, 1Z9" in page
    assert "$5.20" in page
    assert "$9.00 for 1" in page


def test_the_buttons_that_act_outside_say_that_they_do_not(grace, path, furnished):
    run(grace, "UPDATE tenants SET mode = 'shadow' WHERE id = :t", t=furnished["tenant"])
    order = f"{path}/orders/{furnished['split']}"

    assert "Packline only watches this shop" in told(grace.get(f"{order}/cancel"))
    assert "Packline only watches this shop" in told(grace.get(f"{order}/parcels/{furnished['parcel']}/relabel"))
    refused = grace.post(
        f"{order}/parcels/{furnished['parcel']}/relabel", at=f"{order}/cancel", reason="it was smeared"
    )

    assert refused.status_code == 303
    assert grace.rows("SELECT id FROM jobs WHERE kind = 'relabel_parcel' AND state = 'due'") == []


def test_steps_of_another_name_and_shop_are_nobodys_page(grace, path):
    assert grace.get(f"{path}/setup/everything").status_code == 404
    assert grace.get("/ops/shops/999999/setup").status_code == 404
    assert grace.get("/ops/shops/999999/shadow").status_code == 404


def test_without_a_store_nothing_is_read_and_nobody_is_told_so(grace, path, furnished):
    read = "SELECT count(*) AS jobs FROM jobs WHERE kind = 'read_catalogue'"
    with_one = grace.get(grace.post(f"{path}/setup/read-again").location)
    assert "Packline reads the store" in told(with_one)
    assert grace.row(read).jobs == 1

    run(grace, "UPDATE connections SET ended_at = now() WHERE role = 'storefront'")
    run(grace, "DELETE FROM jobs WHERE kind = 'read_catalogue'")
    without = grace.get(grace.post(f"{path}/setup/read-again").location)
    assert "No store is connected, so nothing is read" in told(without)
    assert "Packline reads the store" not in told(without)
    assert grace.row(read).jobs == 0
