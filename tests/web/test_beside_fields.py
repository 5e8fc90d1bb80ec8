"""What is wrong with what was typed stands red beside its field, and what was typed is still there, on both surfaces."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from person import Person
from seeds import Shop
from sqlalchemy.orm import Session
from test_embedded import SURFACES, app, domain, somebody, staff_member

__all__ = ["app", "domain", "somebody", "staff_member"]

# Where a reason is asked for, what else the form sends, and the field's id on the page.
REASONS = {
    "hold": ("orders/{held}/hold", {}, "field-reason"),
    "skip": ("orders/{split}/steps/{step}/skip", {}, "skip-{step}"),
    "relabel": ("orders/{split}/parcels/{parcel}/relabel", {}, "field-reason"),
    "discard": ("jobs/{parked_job}/discard", {}, "field-reason"),
    "hold many": ("orders/bulk", {"action": "hold", "order": "{held}"}, "field-reason"),
}
both_surfaces = pytest.mark.parametrize("somebody", SURFACES, indirect=True)


def beside(page: str, at: str) -> tuple[str, str]:
    """What a field holds, and what is said to be wrong with it."""
    field = re.search(rf'<(?:input|s-[\w-]+)\b[^>]*\bid="{at}"[^>]*>', page).group(0)
    held = html.unescape(re.search(r' value="([^"]*)"', field).group(1))
    if field.startswith("<s-"):
        return held, html.unescape(re.search(r' error="([^"]*)"', field).group(1))
    assert 'aria-invalid="true"' in field
    hint = re.search(r'aria-describedby="([^"]+)"', field).group(1)
    said = re.search(rf'id="{hint}"><span class="wrong">(.*?)</span>', page, re.DOTALL).group(1)
    return held, html.unescape(re.sub(r"<svg.*?</svg>", "", said, flags=re.DOTALL))


def standing(grace: Person) -> list[Any]:
    """All that such a form could change."""
    return [
        grace.rows(f"SELECT * FROM {table} ORDER BY id")
        for table in ("holds", "jobs", "reversal_steps", "labels", "shipments", "timeline_entries")
    ]


@both_surfaces
@pytest.mark.parametrize("form", REASONS)
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Say why: the next person will ask."),
        (" \x00 ", "Say why: the next person will ask."),
        ('"<b>' * 126, "At most 500 characters; this is 504."),
    ],
)
def test_a_reason_that_is_missing_or_too_long_is_asked_for_beside_its_field(
    somebody: Any,
    grace: Person,
    furnished: dict[str, int],
    form: str,
    typed: str,
    said: str,
) -> None:
    path, more, at = REASONS[form]
    before = standing(grace)
    there = f"/ops/shops/{furnished['tenant']}/{path.format(**furnished)}"
    fields = {name: value.format(**furnished) for name, value in more.items()}
    answer = somebody.post(there, reason=typed, **fields)
    assert answer.status_code == 422
    assert beside(answer.text, at.format(**furnished)) == (typed.strip(" \x00"), said)
    assert standing(grace) == before


@both_surfaces
def test_many_orders_stay_ticked_while_the_reason_is_asked_for(
    somebody: Any,
    grace: Person,
    furnished: dict[str, int],
) -> None:
    there = f"/ops/shops/{furnished['tenant']}/orders/bulk"
    ticked = [str(furnished["held"]), str(furnished["split"])]
    text = somebody.post(there, action="hold", order=ticked, reason="").text
    assert sorted(re.findall(r'name="order" value="(\d+)"', text)) == sorted(ticked)
    told = dict(re.findall(r'<input type="hidden" name="(action|agreed|filter)" value="([^"]*)"', text))
    somebody.post(there, **told, order=ticked, reason="Recall")
    assert {row.order_id for row in grace.rows("SELECT order_id FROM holds WHERE reason = 'Recall'")} == {
        furnished["held"], furnished["split"],
    }  # fmt: skip


@both_surfaces
def test_a_page_that_comes_back_with_what_is_wrong_leads_where_it_always_did(
    somebody: Any,
    furnished: dict[str, int],
) -> None:
    order = f"/ops/shops/{furnished['tenant']}/orders/{furnished['split']}"
    for path in (f"{order}/hold", f"{order}/steps/{furnished['step']}/skip"):
        text = somebody.post(path, reason="").text
        assert re.search(rf'hx-get="{order}/live[?"]', text)
        assert re.search(rf'href="{order}\?[^"]*kind=fact[^"]*#timeline"', text)
        assert "step=" not in text.replace("aria-current", "")


@pytest.fixture
def planned(shop: Shop, session: Session) -> dict[str, int]:
    """An order of two lines in one shipment without a label."""
    shop.stock("BAG", "Bag", {"Reno": (10, 3)})
    shop.stock("TENT", "Tent", {"Reno": (10, 1)})
    order = shop.order(state="allocated")
    bags, tent = shop.line(order, "BAG", 3), shop.line(order, "TENT", 1)
    shipment = shop.shipment(order, [bags, tent])
    parcel = shop.parcel(shipment, [bags, tent])
    session.commit()
    return {"order": order.id, "shipment": shipment.id, "bags": bags.id, "tent": tent.id, "parcel": parcel.id}


def units(page: str, line: int) -> tuple[str, str]:
    return beside(page, f"units-{line}")


@both_surfaces
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("two", "A whole number, without a unit."),
        ("-1", "A whole number, without a unit."),
        ("1.5", "A whole number, without a unit."),
        ("4", "There are 3 of it."),
        ("9" * 30, "There are 3 of it."),
    ],
)
def test_odd_units_are_said_beside_them_and_the_others_are_kept(
    somebody: Any,
    grace: Person,
    shop: Shop,
    planned: dict[str, int],
    typed: str,
    said: str,
) -> None:
    order = f"/ops/shops/{shop.tenant}/orders/{planned['order']}"
    told = {f"units-{planned['bags']}": typed, f"units-{planned['tent']}": "1"}
    before = standing(grace)
    for answer in (
        somebody.post(f"{order}/shipments/{planned['shipment']}/split", **told),
        somebody.get(f"{order}/cancel?" + "&".join(f"{name}={value}" for name, value in told.items())),
        somebody.post(f"{order}/cancel", plan="any", **told),
    ):
        assert answer.status_code == 422
        assert units(answer.text, planned["bags"]) == (typed, said)
        assert re.search(rf'id="units-{planned["tent"]}"[^>]* value="1"', answer.text)
    assert standing(grace) == before


@both_surfaces
@pytest.mark.parametrize(("bags", "tents", "said"), [("0", "0", "Choose at least one"), ("3", "1", "has to stay")])
def test_units_that_are_odd_together_are_said_above_them(
    somebody: Any,
    shop: Shop,
    planned: dict[str, int],
    bags: str,
    tents: str,
    said: str,
) -> None:
    path = f"/ops/shops/{shop.tenant}/orders/{planned['order']}/shipments/{planned['shipment']}/split"
    answer = somebody.post(path, **{f"units-{planned['bags']}": bags, f"units-{planned['tent']}": tents})
    assert answer.status_code == 422
    assert said in re.search(r'class="wrong" id="units-hint" role="alert">.*?</p>', answer.text, re.DOTALL).group(0)
    assert re.search(rf'id="units-{planned["bags"]}"[^>]* value="{bags}"', answer.text)


@both_surfaces
def test_a_note_that_is_too_long_is_not_cut(somebody: Any, shop: Shop, planned: dict[str, int]) -> None:
    answer = somebody.get(f"/ops/shops/{shop.tenant}/orders/{planned['order']}/cancel?reason=buyer&note={'n' * 201}")
    assert answer.status_code == 422
    assert beside(answer.text, "field-note") == ("n" * 201, "At most 200 characters; this is 201.")
    assert 'name="plan"' not in answer.text
