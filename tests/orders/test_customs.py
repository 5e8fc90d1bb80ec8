"""When a border asks for a declaration, and what stands in it."""

import pytest

from integrations.nouns import Address
from orders.customs import declare, needed
from orders.holds import Problem
from records.orders import OrderLine
from records.stock import Variant


@pytest.mark.parametrize(
    ("sender", "recipient", "asked"),
    [
        (("US", "NV"), ("US", "CA"), False),
        (("US", "NV"), ("CA", "ON"), True),
        (("US", "NV"), ("US", "PR"), True),
        (("US", "NV"), ("US", "AE"), True),
        (("US", "PR"), ("US", "PR"), False),
        (("US", "PR"), ("US", "NV"), False),
        (("DE", ""), ("FR", ""), False),
        (("DE", ""), ("CH", ""), True),
        (("DE", ""), ("GB", ""), True),
        (("GB", ""), ("GB", ""), False),
    ],
)
def test_customs_are_asked_between(sender, recipient, asked):
    assert needed(*(Address(country=country, region=region) for country, region in (sender, recipient))) is asked


def line(**more):
    columns = {"title": "Canvas bag", "sku": "BAG", "unit_price_minor": 1200, "unit_grams": 300}
    return OrderLine(**(columns | more))


def variant(**more):
    return Variant(**({"unit_grams": 280, "origin_country": "PT", "hs_code": "420292"} | more))


def test_a_declaration_gives_value_and_weight_of_all_units_of_a_line_together():
    declared = declare([(line(), 3, variant())], currency="EUR", signer="Jo Acme", assumed_unit_grams=250)

    assert declared.model_dump() == {
        "signer": "Jo Acme",
        "lines": (
            {
                "description": "Canvas bag", "units": 3, "total_value": {"minor": 3600, "currency": "EUR"},
                "total_weight_grams": 900, "origin_country": "PT", "hs_code": "420292", "sku": "BAG",
            },
        ),
    }  # fmt: skip


@pytest.mark.parametrize(("of_line", "of_variant", "grams"), [(300, 280, 300), (0, 280, 280), (0, 0, 250)])
def test_a_weight_is_the_line_s_else_the_variant_s_else_the_assumed_one(of_line, of_variant, grams):
    declared = declare(
        [(line(unit_grams=of_line), 1, variant(unit_grams=of_variant))],
        currency="USD",
        signer="",
        assumed_unit_grams=250,
    )

    assert declared.lines[0].total_weight_grams == grams


@pytest.mark.parametrize("unknown", [None, variant(origin_country="")])
def test_nobody_signs_for_an_origin_that_nobody_knows(unknown):
    problem = declare(
        [(line(), 1, variant()), (line(title="Hat", sku=""), 1, unknown)],
        currency="USD",
        signer="",
        assumed_unit_grams=1,
    )

    assert isinstance(problem, Problem)
    assert problem.kind == "customs"
    assert problem.reason == "Hat (no SKU) has no country of origin, which customs ask for."


def test_a_long_title_is_cut_to_what_a_form_holds():
    declared = declare([(line(title="x" * 300), 1, variant())], currency="USD", signer="", assumed_unit_grams=1)

    assert declared.lines[0].description == "x" * 200
