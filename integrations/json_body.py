"""Bytes from outside become a JSON object, and an object becomes a typed model, or an Unreadable says why not.

`json.loads` alone lets through what the rest of Packline cannot keep: PostgreSQL stores neither NUL nor lone
surrogates, NaN is not JSON, and a hundred thousand brackets end in RecursionError.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from integrations.ports import Unreadable

Model = TypeVar("Model", bound=BaseModel)

# Vendors' ids have at most 19 digits; CPython itself refuses texts beyond 4300 digits with a ValueError.
MOST_DIGITS = 40


def read_object(body: bytes, *, max_depth: int = 64) -> dict[str, Any]:
    """The JSON object in `body` (UTF-8), nested at most `max_depth` deep. Raises Unreadable, and nothing else."""
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unrepeated,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_short_int,
        )
    except UnicodeDecodeError as broken:
        raise Unreadable(f"the body is not UTF-8 (at byte {broken.start})") from None
    except json.JSONDecodeError as broken:
        raise Unreadable(f"the body is not JSON: {broken.msg} at character {broken.pos}") from None
    except RecursionError:
        raise Unreadable(f"the body is nested more than {max_depth} levels deep") from None
    if not isinstance(value, dict):
        raise Unreadable(f"the body is not a JSON object but {_kind(value)}")
    # Fewer brackets than the limit cannot be nested deeper than it, and NUL or a lone surrogate can only come from an
    # escape: raw ones are refused above. So an ordinary body is not walked.
    if body.count(b"{") + body.count(b"[") > max_depth:
        refuse_deep_nesting(value, max_depth)
    if b"\\u" in body:
        refuse_unstorable_text(value)
    return value


def parsed(model: type[Model], value: object, *, called: str) -> Model:
    """`value` as `model`. Raises Unreadable naming the first field that does not fit, without repeating its value."""
    try:
        return model.model_validate(value)
    except ValidationError as misfit:
        first = misfit.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join([called, *(str(step) for step in first["loc"])])
        raise Unreadable(f"{field}: {first['msg']}") from None


def refuse_deep_nesting(value: object, max_depth: int) -> None:
    """Raise Unreadable where objects and arrays stand inside each other more than `max_depth` levels deep."""
    level = [value]
    for _depth in range(max_depth):
        level = [inner for outer in level for inner in _inside(outer) if isinstance(inner, dict | list)]
        if not level:
            return
    raise Unreadable(f"the body is nested more than {max_depth} levels deep")


def refuse_unstorable_text(value: object) -> None:
    """Raise Unreadable where a string anywhere inside holds NUL or a lone surrogate."""
    for text in _texts(value):
        found = unstorable_in(text)
        if found:
            raise Unreadable(f"{_place_of(text, value) or 'the body'}: holds {found}")


def unstorable_in(text: str) -> str:
    """What a text holds that PostgreSQL does not store; empty where it can be stored."""
    if "\x00" in text:
        return "a NUL character"
    return "half of a surrogate pair" if not text.isascii() and _has_half_a_pair(text) else ""


def _has_half_a_pair(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _place_of(text: str, value: object) -> str:
    """Where in `value` that very text stands, as `shipping_address.name`; empty where it is the name of a member."""
    waiting: list[tuple[str, object]] = [("", value)]
    while waiting:
        place, item = waiting.pop()
        if item is text:
            return place
        members = item.items() if isinstance(item, dict) else enumerate(item) if isinstance(item, list) else ()
        waiting.extend((f"{place}.{_spoken(name)}".lstrip("."), inner) for name, inner in members)
    return ""


def _spoken(name: object) -> str:
    # Names of members come from outside as well: a reason is short, printable and can be stored.
    return ascii(str(name)[:40]).strip("'")


def _texts(value: object) -> Iterator[str]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        else:
            waiting.extend(_inside(item))
            waiting.extend(item if isinstance(item, dict) else ())


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _unrepeated(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        # Two readers of one body may each believe another of the two values.
        twice = next(name for name, times in Counter(name for name, _ in members).items() if times > 1)
        raise Unreadable(f"{_spoken(twice)}: the body names this member twice within one object")
    return found


def _refuse_constant(word: str) -> NoReturn:
    raise Unreadable(f"the body holds {word}, which is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise Unreadable(f"the body holds a number that is too large: {digits[:20]}")
    return number


def _short_int(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise Unreadable(f"the body holds a number of {len(digits)} digits")
    return int(digits)


def _kind(value: object) -> str:
    return {list: "an array", str: "a string", bool: "true or false", type(None): "null"}.get(type(value), "a number")
