"""EasyPost's wire habits: ids, timestamps, error bodies, paging."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from flask import request

from sandbox.core import Answer, Refusal

Fields = dict[str, Any]
T = TypeVar("T", bound="Listed")

# docs.easypost.com/docs/pagination: 20 a page unless asked, 100 at most.
PAGE_SIZE = 20
PAGE_SIZE_LIMIT = 100


def new_id(prefix: str) -> str:
    return f"{prefix}_{uuid4().hex}"


def stamp() -> str:
    """Most objects end their timestamps in Z …"""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp_with_offset() -> str:
    """… addresses in +00:00 (both so in the recordings) …"""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def stamp_with_milliseconds() -> str:
    """… and events carry milliseconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def error_body(code: str, message: str, errors: Iterable[Fields] = ()) -> Fields:
    return {"error": {"code": code, "message": message, "errors": list(errors)}}


def refused(status: int, code: str, message: str, errors: Iterable[Fields] = ()) -> Refusal:
    return Refusal(Answer(status, error_body(code, message, errors), effect=False))


def required(field: str) -> Refusal:
    """A parameter is missing, in the words of the recording errors/error__01."""
    return refused(
        422, "PARAMETER.REQUIRED", "Missing required parameter.", [{"field": field, "message": "cannot be blank"}]
    )


def not_found() -> Refusal:
    return refused(404, "NOT_FOUND", "The requested resource could not be found.")


def errors_for(status: int) -> Fields:
    """The body of an injected failure; no recording shows EasyPost's own."""
    if status == 429:
        return error_body("RATE_LIMITED", "Too many requests. Please slow down.")
    return error_body("INTERNAL_SERVER_ERROR", "EasyPost could not process the request.")


def wrapped(name: str) -> Fields:
    """The object a request is about, `{"shipment": {…}}`; refused when it is missing or empty."""
    given = body().get(name)
    if not isinstance(given, dict) or not given:
        raise required(name)
    return given


def body() -> Fields:
    if not request.get_data(cache=True).strip():
        return {}
    given = request.get_json(force=True, silent=True)
    if not isinstance(given, dict):
        raise refused(400, "BAD_REQUEST", "The request body is not a JSON object.")
    return given


class Listed(Protocol):
    """What a list can be paged by."""

    @property
    def id(self) -> str: ...
    @property
    def created_at(self) -> str: ...


def paged(newest_first: Iterable[T]) -> tuple[list[T], bool]:
    """The rows the query asks for (before_id, start_datetime, end_datetime, page_size), and whether more follow."""
    before = request.args.get("before_id")
    start, end = request.args.get("start_datetime"), request.args.get("end_datetime")
    size = min(request.args.get("page_size", PAGE_SIZE, type=int), PAGE_SIZE_LIMIT)
    rows: list[T] = []
    passed = before is None
    for row in newest_first:
        if not passed:
            passed = row.id == before
            continue
        if end and row.created_at[:19] >= end[:19]:
            continue
        if start and row.created_at[:19] < start[:19]:
            break
        if len(rows) == size:
            return rows, True
        rows.append(row)
    return rows, False
