"""The settings as a form: which there are, in whose words, and how what was typed becomes a value. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from records.tenants import Rules
from web import asked


@dataclass(frozen=True, kw_only=True)
class Field:
    """One setting. `name` is its place in the rules; a dot leads into the box.

    Kinds: choice, number, words, yes, text.
    """

    name: str
    label: str
    kind: str
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    least: int | None = None
    most: int | None = None
    longest: int = 500


GROUPS: tuple[tuple[str, str, tuple[Field, ...]], ...] = (
    (
        "payment",
        "Payment",
        (
            Field(
                name="ship_when",
                label="Ship an order when it is",
                kind="choice",
                choices=(("paid", "Paid"), ("authorised", "Authorised")),
                hint="Authorised money is reserved at the buyer's bank and not taken yet.",
            ),
            Field(
                name="capture_when_shipped",
                label="Take authorised money when the last shipment is announced",
                kind="yes",
            ),
            Field(
                name="refund_when_cancelled",
                label="Money at a payment provider, when the store cancels an order",
                kind="choice",
                choices=(("ask", "Ask a person first"), ("always", "Give it back at once")),
            ),
        ),
    ),
    (
        "holds",
        "Holds and stock",
        (
            Field(
                name="hold_risk_at",
                label="Hold for fraud when the store advises to",
                kind="choice",
                choices=(("cancel", "Cancel"), ("investigate", "Investigate or cancel"), ("never", "Never hold")),
            ),
            Field(
                name="hold_unverified_abroad",
                label="Hold orders to addresses abroad that could not be checked",
                kind="yes",
                hint="Checks abroad call many good addresses unknown.",
            ),
            Field(
                name="when_short",
                label="When some of an order is out of stock",
                kind="choice",
                choices=(
                    ("ship_what_is_there", "Ship what is there"),
                    ("wait_for_all", "Wait until all of it is there"),
                ),
            ),
        ),
    ),
    (
        "shipping",
        "Shipping",
        (
            Field(
                name="promise_days",
                label="Promised to be at the door within",
                kind="number",
                unit="days",
                least=0,
                most=90,
                hint="Counted from the order, where the bought shipping method promises nothing narrower.",
            ),
            Field(
                name="carriers",
                label="Carriers that may be used",
                kind="words",
                hint="Their names, separated by commas, such as USPS, UPSDAP. Empty means every one that answers.",
            ),
            Field(name="tell_buyer", label="Let the store tell the buyer the tracking", kind="yes"),
            Field(
                name="customs_signer",
                label="Who signs customs declarations",
                kind="text",
                longest=100,
                hint="A person's name. Empty means the name of the location that sends.",
            ),
        ),
    ),
    (
        "parcels",
        "Parcels and labels",
        (
            Field(name="box.length_mm", label="Box length", kind="number", unit="mm", least=1),
            Field(name="box.width_mm", label="Box width", kind="number", unit="mm", least=1),
            Field(name="box.height_mm", label="Box height", kind="number", unit="mm", least=1),
            Field(name="box.empty_grams", label="Weight of the empty box", kind="number", unit="g", least=0),
            Field(name="box.max_content_grams", label="Most that a box may hold", kind="number", unit="g", least=1),
            Field(
                name="assumed_unit_grams",
                label="Weight of a unit that the store does not know",
                kind="number",
                unit="g",
                least=1,
            ),
            Field(
                name="label_format",
                label="Labels are",
                kind="choice",
                choices=(("PDF", "PDF, for any printer"), ("PNG", "PNG, pictures"), ("ZPL", "ZPL, for label printers")),
            ),
            Field(
                name="label_size",
                label="Label size",
                kind="choice",
                choices=(("4x6", "4 × 6 inches"), ("7x3", "7 × 3 inches"), ("8.5x11", "8.5 × 11 inches (letter)")),
            ),
        ),
    ),
    (
        "keeping",
        "How long things are kept",
        (
            Field(
                name="keep_deliveries_days", label="Bodies of webhooks", kind="number", unit="days", least=1, most=365
            ),
            Field(
                name="keep_buyers_days",
                label="Who bought, after an order's end",
                kind="number",
                unit="days",
                least=0,
                most=3650,
                hint="0 keeps it. Money and stock stay in the books in any case.",
            ),
        ),
    ),
)
_BOXES_LONGEST_MM = 100_000
_MOST_CARRIERS = 40


def fields() -> list[Field]:
    return [field for _, _, group in GROUPS for field in group]


def written(rules: Rules) -> dict[str, str]:
    """The settings as a form shows them."""
    values = rules.model_dump()
    return {field.name: _as_text(_at(values, field.name)) for field in fields()}


def typed(form: Mapping[str, str]) -> dict[str, str]:
    """What was typed, by field, so far as a page can show it again; a tick that is not there is a no."""
    return {field.name: asked.plain(form.get(field.name, ""), asked.MOST_SHOWN_AGAIN) for field in fields()}


def read(typed: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values that these words mean, and what is wrong with those that mean none."""
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for field in fields():
        text = typed[field.name]
        refusal = _refusal(field, text)
        if refusal:
            wrong[field.name] = refusal
        else:
            values[field.name] = _value(field, text)
    return values, wrong


def merged(before: Rules, values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of now with these values in their places."""
    whole = before.model_dump()
    for name, value in values.items():
        group, dot, within = name.partition(".")
        if dot:
            whole[group] = whole[group] | {within: value}
        else:
            whole[group] = value
    return whole


def told_of(error: ValidationError) -> dict[str, str]:
    """What the rules themselves refuse, beside the field that it is about."""
    return {".".join(str(part) for part in one["loc"]): one["msg"] for one in error.errors()}


def differing(rules: Rules, typed: Mapping[str, str]) -> dict[str, str]:
    """What was saved meanwhile and is something else than what was typed, by field."""
    saved = written(rules)
    words = {field.name: dict(field.choices) for field in fields()}
    return {
        name: f"Saved meanwhile: {words[name].get(value, value) or 'nothing'}."
        for name, value in saved.items()
        if value != typed[name]
    }


def changed(before: Rules, after: Rules) -> list[str]:
    """The names of the settings that differ."""
    old, new = written(before), written(after)
    return [name for name in new if new[name] != old[name]]


def _refusal(field: Field, text: str) -> str:
    if field.kind == "choice" and text not in dict(field.choices):
        return "Choose one of these."
    if asked.too_long(text, field.longest):
        return asked.too_long(text, field.longest)
    if field.kind == "words" and len(text.split(",")) > _MOST_CARRIERS:
        return f"At most {_MOST_CARRIERS} carriers."
    if field.kind != "number":
        return ""
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        return "A whole number, without a unit."
    least, most = field.least or 0, field.most or _BOXES_LONGEST_MM
    if not least <= int(text) <= most:
        return f"Between {least:,} and {most:,} {field.unit}."
    return ""


def _value(field: Field, text: str) -> Any:
    if field.kind == "number":
        return int(text)
    if field.kind == "yes":
        return text == "1"
    if field.kind == "words":
        return tuple(word.strip() for word in text.split(",") if word.strip())
    return text


def _at(values: Mapping[str, Any], name: str) -> Any:
    group, dot, within = name.partition(".")
    return values[group][within] if dot else values[group]


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    return ", ".join(value) if isinstance(value, tuple | list) else str(value)
