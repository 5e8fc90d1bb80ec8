"""The settings as a form: how what was typed becomes a value, and what is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from integrations.nouns.mail import is_mailbox
from records.tenants import Rules
from web import asked
from web.pages.settings_field import Field
from web.pages.settings_fields import GROUPS

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


def read(typed: Mapping[str, str], of: Sequence[Field] | None = None) -> tuple[dict[str, Any], dict[str, str]]:
    """The values that these words mean, of all fields or of some, and what is wrong with those that mean none."""
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for field in fields() if of is None else of:
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
    return {
        ".".join(str(part) for part in one["loc"]): one["msg"].removeprefix("Value error, ") for one in error.errors()
    }


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
    if field.mailbox and text and not is_mailbox(text):
        return "One mail address, such as stock@example.com, or nothing."
    if field.kind == "words" and len(text.split(",")) > _MOST_CARRIERS:
        return f"At most {_MOST_CARRIERS} carriers."
    if field.kind == "words" and field.choices:
        unknown = [word for word in _words(text) if word not in dict(field.choices)]
        known = ", ".join(dict(field.choices))
        return f"There is no rule {', '.join(unknown)}. There are: {known}." if unknown else ""
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
        return _words(text)
    return text


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _at(values: Mapping[str, Any], name: str) -> Any:
    group, dot, within = name.partition(".")
    return values[group][within] if dot else values[group]


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    return ", ".join(value) if isinstance(value, tuple | list) else str(value)
