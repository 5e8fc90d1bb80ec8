"""Compares the shape of two JSON documents: keys, JSON types, nesting; never the values."""

from typing import Any


def differences(recorded: Any, answered: Any, path: str = "$", *, null_is_any: bool = False) -> list[str]:
    """Where the answer's shape is not the recording's.

    Every element of an answered list must have the shape of one recorded element. `null_is_any` is for samples that are
    hard-coded rather than recorded, where null says nothing about the type.
    """
    if null_is_any and (recorded is None or answered is None):
        return []
    if _json_type(recorded) != _json_type(answered):
        return [f"{path}: {_json_type(recorded)} recorded, {_json_type(answered)} answered"]
    if isinstance(recorded, dict):
        return _in_objects(recorded, answered, path, null_is_any=null_is_any)
    if isinstance(recorded, list):
        return _in_lists(recorded, answered, path, null_is_any=null_is_any)
    return []


def _in_objects(recorded: dict[str, Any], answered: dict[str, Any], path: str, *, null_is_any: bool) -> list[str]:
    found = [f"{path}.{name}: missing" for name in recorded.keys() - answered.keys()]
    found += [f"{path}.{name}: not in the recording" for name in answered.keys() - recorded.keys()]
    for name in recorded.keys() & answered.keys():
        found += differences(recorded[name], answered[name], f"{path}.{name}", null_is_any=null_is_any)
    return sorted(found)


def _in_lists(recorded: list[Any], answered: list[Any], path: str, *, null_is_any: bool) -> list[str]:
    if recorded and not answered:
        return [f"{path}[]: elements recorded, none answered"]
    found: list[str] = []
    for element in answered if recorded else []:
        per_candidate = [
            differences(candidate, element, f"{path}[]", null_is_any=null_is_any) for candidate in recorded
        ]
        found += min(per_candidate, key=len)
    return sorted(set(found))


def _json_type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return {str: "string", list: "array", dict: "object"}[type(value)]
