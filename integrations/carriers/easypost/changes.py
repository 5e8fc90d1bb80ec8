"""What happened in an EasyPost account lately, for whoever compares: every label that was bought, every tracker.

A thing that cannot be read is logged and left out, so that it does not hide the others.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from integrations.carriers.easypost import objects, words
from integrations.carriers.easypost.client import EasyPostClient, get, row_as
from integrations.nouns import FoundLabel, ParcelProgress
from integrations.ports import Temporary, Unreadable

log = structlog.get_logger(__name__)

# The most that EasyPost gives at once: https://docs.easypost.com/docs/pagination
ROWS_A_PAGE = 100
# Lists may be asked for five times a second (https://docs.easypost.com/guides/rate-limiting-guide); a little slower, so
# that a long list comes to its end, and is not begun anew because its sixth page came too soon.
PAGE_PAUSE_S = 0.25
# EasyPost picks shipments by when they were made, and one that was quoted before may have been bought since. Ours are
# bought within minutes; a purchase that is refused is quoted anew, and one that waits for EasyPost waits for hours.
QUOTED_BEFORE = timedelta(days=1)


def labels_since(easypost: EasyPostClient, since: datetime) -> Iterator[FoundLabel]:
    """The labels bought since, by the age of their shipments, the newest first."""
    # EasyPost's times have whole seconds: what was bought in this one may have been bought before or after.
    begin = since.replace(microsecond=0)
    wish = {"purchased": "true", "start_datetime": _written(begin - QUOTED_BEFORE)}
    for row in _rows(easypost, "shipment.list", "shipments", wish):
        try:
            found = _found(row_as(objects.Shipment, row))
        except Unreadable as unread:
            log.warning("easypost.shipment_unread", shipment=_id(row)[:40], reason=unread.reason)
            continue
        if found is not None and found.bought_at >= begin:
            yield found


def parcels_since(easypost: EasyPostClient, since: datetime) -> Iterator[ParcelProgress]:
    for row in _rows(easypost, "tracker.list", "trackers", {"start_datetime": _written(since)}):
        try:
            tracker = row_as(objects.Tracker, row)
            yield objects.progress_of(tracker, told_at=tracker.created_at)
        except Unreadable as unread:
            log.warning("easypost.tracker_unread", tracker=_id(row)[:40], reason=unread.reason)


def _rows(easypost: EasyPostClient, verb: str, name: str, wish: dict[str, str]) -> Iterator[object]:
    """Every row of a list, newest first, page by page."""
    before: dict[str, str] = {}
    while True:
        answer = easypost.ask_list(get(verb, f"/{name}", {"page_size": ROWS_A_PAGE, **wish, **before}))
        rows, has_more = _page(answer, name)
        yield from rows
        last = _id(rows[-1]) if rows else ""
        if not has_more or not rows:
            return
        if not last or last == before.get("before_id"):
            raise Temporary(f"EasyPost's list of {name} goes on without saying where", code="unreadable")
        before = {"before_id": last}
        time.sleep(PAGE_PAUSE_S)


def _page(answer: Any, name: str) -> tuple[list[Any], bool]:
    rows = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise Temporary(f"EasyPost's answer could not be read (answer.{name}: a list)", code="unreadable")
    return rows, answer.get("has_more") is True


def _found(shipment: objects.Shipment) -> FoundLabel | None:
    """The label of a shipment, and when it was bought; None where there is none any more, or nobody knows when."""
    label = objects.label_of(shipment)
    bought_at = words.moment(shipment.postage_label.created_at) if shipment.postage_label else None
    if label is None or bought_at is None:
        log.warning("easypost.label_incomplete", shipment=shipment.id, has_label=label is not None)
        return None
    return FoundLabel(reference=shipment.reference, bought_at=bought_at, label=label)


def _id(row: object) -> str:
    found = row.get("id") if isinstance(row, dict) else None
    return found if isinstance(found, str) else ""


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
