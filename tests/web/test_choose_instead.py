"""The buyer's page and the shop's own offer what is here instead, take it once, and say so where it is gone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from person import Person
from seeds import Shop
from sqlalchemy import text
from sqlalchemy.orm import Session
from test_browser import PHONE, WIDE, chromium, origin, troubles, wrong_on  # noqa: F401 - origin is a fixture

from orders import choosing
from orders.signed_links import Link
from records import choices
from records.choices import Choice
from web.pages.choose import links

_KIN = """
INSERT INTO variants (tenant_id, connection_id, remote_id, inventory_remote_id, product_remote_id, sku, title,
                      unit_price_minor, currency, unit_grams, needs_shipping, tracked, hs_code, origin_country)
SELECT sold.tenant_id, sold.connection_id, 'gid://variant/' || :sku, 'gid://item/' || :sku, 'gid://product/tent', :sku,
       :title, line.unit_price_minor, 'USD', 900, true, true, '', ''
FROM order_lines line JOIN variants sold ON sold.tenant_id = line.tenant_id AND sold.id = line.variant_id
WHERE line.tenant_id = :tenant AND line.id = :line RETURNING id
"""


@pytest.fixture
def choice(furnished: dict[str, int], session: Session) -> Choice:
    """Four tents are short; there are nine green ones and two red ones of the same price."""
    found = choices.latest_of(session, furnished["tenant"], furnished["short"])
    assert found is not None
    tenant, line = found.tenant_id, int(next(iter(found.short)))
    order = found.order_id
    session.execute(text("UPDATE connections SET scopes = '[\"write_order_edits\"]' WHERE role = 'storefront'"))
    session.execute(
        text("UPDATE orders SET total_minor = 100000, currency = 'USD' WHERE tenant_id = :t AND id = :o"),
        {"t": tenant, "o": order},
    )
    session.execute(
        text("""UPDATE variants sold SET product_remote_id = 'gid://product/tent' FROM order_lines line
             WHERE line.tenant_id = :t AND line.id = :l AND sold.tenant_id = :t AND sold.id = line.variant_id"""),
        {"t": tenant, "l": line},
    )
    session.execute(
        text("""UPDATE order_lines line SET variant_remote_id = sold.remote_id FROM variants sold
             WHERE line.tenant_id = :t AND line.id = :l AND sold.tenant_id = :t AND sold.id = line.variant_id"""),
        {"t": tenant, "l": line},
    )
    for sku, title, units in (("TENT-G", "Tent - Forest green", 9), ("TENT-R", "Tent - Red", 2)):
        asked = {"sku": sku, "title": title, "tenant": tenant, "line": line}
        variant = session.execute(text(_KIN), asked).scalar_one()
        session.execute(
            text("""INSERT INTO stock_levels (tenant_id, variant_id, location_id, on_hand)
                 SELECT :t, :v, min(id), :n FROM locations WHERE tenant_id = :t AND ships"""),
            {"t": tenant, "v": variant, "n": units},
        )
    session.commit()
    return found


@pytest.fixture
def token(app: Flask, choice: Choice) -> str:
    with app.app_context():
        return links().token(choosing.link_of(choice))


def line_of(choice: Choice) -> str:
    return f"line-{next(iter(choice.short))}"


def green(person: Person) -> str:
    found = person.row("SELECT id FROM variants WHERE sku = 'TENT-G'")
    return f"swap/{found.id}"


def test_what_is_here_at_the_same_price_is_one_more_choice_of_the_line(
    stranger: Person, token: str, choice: Choice
) -> None:
    page = stranger.get(f"/choose/{token}").text

    (fieldset,) = [part for part in re.findall(r"<fieldset.*?</fieldset>", page, re.DOTALL) if "Wait for it" in part]
    assert re.findall(r'value="([^"]+)"', fieldset) == ["wait", "refund", green(stranger)]
    assert "Forest green" in fieldset
    assert "Red" not in page  # two are too few
    sure = stranger.get(f"/choose/{token}/confirm?{line_of(choice)}={green(stranger)}").text
    assert "instead, at the same price" in sure
    assert "This cannot be changed afterwards." in sure
    assert stranger.rows("SELECT 1 FROM swaps") == []


def test_it_is_taken_once_and_held_at_once(stranger: Person, token: str, choice: Choice) -> None:
    for _ in range(3):
        answer = stranger.client.post(f"/choose/{token}", data={line_of(choice): green(stranger)})
        assert (answer.status_code, answer.location) == (303, f"/choose/{token}")

    assert [row.state for row in stranger.rows("SELECT state FROM swaps")] == ["asked"]
    (held,) = stranger.rows("SELECT units, state FROM reservations WHERE shipment_id = 0")
    assert (held.units, held.state) == (4, "held")
    assert len(stranger.rows("SELECT 1 FROM timeline_entries WHERE sentence LIKE 'Chosen:%'")) == 1
    page = stranger.get(f"/choose/{token}").text
    assert "is being put in its place" in page
    assert "<form" not in page


@pytest.mark.parametrize("said", ["swap/0", "swap/999999", "swap/x", "swap/", "swap/-1"])
def test_what_is_not_offered_cannot_be_had(stranger: Person, token: str, choice: Choice, said: str) -> None:
    answer = stranger.client.post(f"/choose/{token}", data={line_of(choice): said})

    assert answer.status_code == 422
    assert "choose again" in answer.text or "Choose one of these" in answer.text
    assert stranger.rows("SELECT 1 FROM swaps") == []


def test_nobody_else_s_link_swaps_anything(
    app: Flask, stranger: Person, choice: Choice, other_shop: Shop, token: str
) -> None:
    link = choosing.link_of(choice)
    with app.app_context():
        others = links().token(Link(tenant=other_shop.tenant, about=choice.id, version=1, until=link.until))
        old = links().token(
            Link(tenant=link.tenant, about=choice.id, version=1, until=choice.created_at - timedelta(1))
        )

    answers = [
        stranger.client.post(f"/choose/{forged}", data={line_of(choice): green(stranger)}).status_code
        for forged in (others, token[:-2], old)
    ]

    assert answers == [404, 404, 410]
    assert stranger.rows("SELECT 1 FROM swaps") == []


def test_a_person_of_the_shop_swaps_for_the_buyer_with_a_reason(
    grace: Person, furnished: dict[str, int], choice: Choice
) -> None:
    page = f"/ops/shops/{furnished['tenant']}/orders/{furnished['short']}"
    assert "Forest green" in grace.get(f"{page}/choice").text

    said = grace.post(f"{page}/choice", at=f"{page}/choice", reason="phoned", **{line_of(choice): green(grace)})

    assert said.status_code == 303
    assert "sent as Tent - Forest green" in grace.get(page).text
    assert [row.state for row in grace.rows("SELECT state FROM swaps")] == ["asked"]


def test_a_store_that_may_not_be_edited_offers_nothing(
    stranger: Person, token: str, choice: Choice, session: Session
) -> None:
    session.execute(text("UPDATE connections SET scopes = '[\"write_orders\"]' WHERE role = 'storefront'"))
    session.commit()

    assert "swap/" not in stranger.get(f"/choose/{token}").text
    assert stranger.client.post(f"/choose/{token}", data={line_of(choice): green(stranger)}).status_code == 422


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_pages_with_something_instead_are_for_everybody(
    origin: str,  # noqa: F811
    stranger: Person,
    token: str,
    choice: Choice,
    tmp_path,
) -> None:
    sure = f"/choose/{token}/confirm?{line_of(choice)}={green(stranger)}"
    gone = f"/choose/{token}/confirm?{line_of(choice)}=swap/0"
    pages = {"choose": f"/choose/{token}", "gone": gone, "sure": sure}
    screens = ((WIDE, "light"), (PHONE, "light"), (PHONE, "dark"))
    looks = [*((screen, pages) for screen in screens), *((screen, {"chosen": pages["choose"]}) for screen in screens)]
    wrong = {}
    with chromium() as browser:
        for (screen, scheme), shown in looks:
            page = browser.new_context(base_url=origin, viewport=screen, color_scheme=scheme).new_page()
            for name, path in shown.items():
                if name == "chosen":
                    stranger.client.post(path, data={line_of(choice): green(stranger)})
                wrong[name, screen["width"], scheme] = wrong_on(page, path)
                page.screenshot(path=str(tmp_path / f"{name}-{screen['width']}-{scheme}.png"), full_page=True)

    assert {what: found for what, found in wrong.items() if found} == {}
