"""A shop's settings: shown in groups, checked beside each field, kept whole or not at all."""

from __future__ import annotations

import re

import pytest
from person import Person, token_in
from seeds import Shop
from sqlalchemy import select
from sqlalchemy.orm import Session

from records.jobs import Job
from records.routing import RoutingRules
from records.tenants import Rules, Tenant
from web.pages import settings_form


def form(somebody: Person, shop: Shop, **changed: str) -> dict[str, str]:
    """The form as it stands on the page, with some of it changed."""
    page = somebody.get(f"/ops/shops/{shop.tenant}/settings")
    fields = settings_form.written(Rules())
    version = re.search(r'name="version" value="(\w+)"', page.text).group(1)
    told = {name: value for name, value in fields.items() if value} | {"version": version} | changed
    return told | {"csrf_token": token_in(page)}


def save(somebody: Person, shop: Shop, told: dict[str, str]):
    return somebody.client.post(f"/ops/shops/{shop.tenant}/settings", data=told)


def rules(session: Session, shop: Shop) -> Rules:
    session.expire_all()
    return session.get_one(Tenant, shop.tenant).rules


def test_every_rule_has_a_field_and_every_field_a_rule() -> None:
    flat = {
        f"{name}.{inner}" if isinstance(value, dict) else name
        for name, value in Rules().model_dump().items()
        for inner in (value if isinstance(value, dict) else [""])
    }
    assert {field.name for field in settings_form.fields()} == flat
    assert settings_form.merged(
        Rules(), settings_form.read(settings_form.written(Rules()))[0]
    ) == Rules().model_dump() | {"carriers": ()}


def test_what_is_saved_is_what_was_typed(grace: Person, shop: Shop, session: Session) -> None:
    told = form(
        grace, shop, promise_days="3", carriers="USPS, UPSDAP", ship_when="authorised", label_size="8.5x11",
        capture_when_shipped="1", **{"box.length_mm": "410", "routing.order": "cheapest, nearest"},
    )  # fmt: skip
    told.pop("tell_buyer")  # its tick was taken away
    answer = save(grace, shop, told)
    assert answer.status_code == 303
    assert "Saved." in grace.get(answer.location).text
    kept = rules(session, shop)
    assert (kept.promise_days, kept.carriers, kept.ship_when, kept.label_size) == (
        3,
        ("USPS", "UPSDAP"),
        "authorised",
        "8.5x11",
    )
    assert kept.routing == RoutingRules(order=("cheapest", "nearest"))
    assert (kept.box.length_mm, kept.box.width_mm, kept.tell_buyer, kept.capture_when_shipped) == (
        410,
        220,
        False,
        True,
    )


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("promise_days", "soon", "A whole number, without a unit."),
        ("promise_days", "91", "Between 0 and 90 days."),
        ("promise_days", "", "A whole number, without a unit."),
        ("routing.order", "nearest, luck", "There is no rule luck. There are: ships_all, "),
        ("routing.order", "nearest, nearest", "Each of them once."),
        ("routing.most_shipments", "5", "Between 1 and 4 shipments."),
        ("keep_deliveries_days", "0", "Between 1 and 365 days."),
        ("box.length_mm", "-3", "A whole number, without a unit."),
        ("box.length_mm", "999999999", "Between 1 and 100,000 mm."),
        ("ship_when", "never", "Choose one of these."),
        ("carriers", ",".join("A" * 41), "At most 40 carriers."),
    ],
)
def test_what_cannot_be_kept_is_said_beside_its_field_and_nothing_is_lost(
    grace: Person, shop: Shop, session: Session, name: str, typed: str, said: str
) -> None:
    before = rules(session, shop)
    answer = save(grace, shop, form(grace, shop, customs_signer="Ada <b>", **{name: typed}))
    assert answer.status_code == 422
    assert "Nothing was saved" in answer.text
    at = re.escape(f"field-{name}")
    beside = re.search(
        rf'id="{at}"[^>]*aria-describedby="{at}-hint".*?id="{at}-hint">(.*?)</p>', answer.text, re.DOTALL
    )
    assert said in beside.group(1)
    assert answer.text.count('class="wrong"') == 1
    assert 'value="Ada &lt;b&gt;"' in answer.text
    if name != "ship_when":
        assert f'value="{typed}"' in answer.text
    assert rules(session, shop) == before


@pytest.mark.parametrize(("name", "longest"), [("customs_signer", 100), ("carriers", 500)])
def test_what_is_too_long_is_refused_and_not_cut(
    grace: Person, shop: Shop, session: Session, name: str, longest: int
) -> None:
    before = rules(session, shop)
    answer = save(grace, shop, form(grace, shop, **{name: "A" * (longest + 1)}))
    assert answer.status_code == 422
    assert f"At most {longest} characters; this is {longest + 1}." in answer.text
    assert f'value="{"A" * (longest + 1)}"' in answer.text
    assert rules(session, shop) == before
    assert save(grace, shop, form(grace, shop, **{name: "A" * longest})).status_code == 303


def test_what_no_text_holds_is_left_out(grace: Person, shop: Shop, session: Session) -> None:
    assert save(grace, shop, form(grace, shop, customs_signer="A\x00da", carriers="US\x00PS")).status_code == 303
    assert (rules(session, shop).customs_signer, rules(session, shop).carriers) == ("Ada", ("USPS",))


def test_who_saves_over_somebody_else_is_told_first(grace: Person, shop: Shop, session: Session) -> None:
    mine = form(grace, shop, promise_days="3")
    assert save(grace, shop, form(grace, shop, promise_days="5")).status_code == 303
    answer = save(grace, shop, mine)
    assert answer.status_code == 409
    assert "somebody saved these settings while you had them open" in answer.text
    assert "Saved meanwhile: 5." in answer.text
    assert 'value="3"' in answer.text
    assert rules(session, shop).promise_days == 5
    again = mine | {"version": re.search(r'name="version" value="(\w+)"', answer.text).group(1)}
    assert save(grace, shop, again).status_code == 303
    assert rules(session, shop).promise_days == 3


def test_saving_without_a_change_says_so(grace: Person, shop: Shop) -> None:
    answer = save(grace, shop, form(grace, shop))
    assert "There was nothing new to save." in grace.get(answer.location).text


@pytest.mark.parametrize(
    ("changed", "kinds", "looked_at"),
    [
        pytest.param({"routing.most_shipments": "2"}, ["not_split", "barred", "stock"], [0, 1, 2], id="where-from"),
        pytest.param({"when_short": "wait_for_all"}, ["stock"], [0], id="what-waits"),
        pytest.param({"routing.most_shipments": "2"}, ["address"], [], id="held-for-something-else"),
        pytest.param({"promise_days": "3"}, ["not_split", "stock"], [], id="another-rule"),
    ],
)
def test_orders_that_a_rule_keeps_are_looked_at_again_when_the_rule_is_another(
    grace: Person, shop: Shop, session: Session, changed: dict[str, str], kinds: list[str], looked_at: list[int]
) -> None:
    held = [shop.order(state="released") for _ in kinds]
    for order, kind in zip(held, kinds, strict=True):
        shop.hold(order, kind=kind)
    session.commit()

    assert save(grace, shop, form(grace, shop, **changed)).status_code == 303

    session.expire_all()
    jobs = session.scalars(select(Job.subject).where(Job.kind == "reserve_stock", Job.tenant_id == shop.tenant))
    assert set(jobs) == {f"order/{held[number].id}" for number in looked_at}
