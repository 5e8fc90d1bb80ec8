"""Acts on many orders at once: each in a transaction of its own, so that one bad order never sinks the others.

What is asked for all that fit a list is done in slices, from the newest order that was there when it was asked for
downwards: nothing that arrives meanwhile is swept along, and a slice is short enough to wait for.
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import structlog
from flask import Response, abort, flash, redirect, render_template, request, url_for

from web import asked, show
from web import session as door
from web.pages import many, shop
from web.pages.order_wish import as_query, wish_in
from web.queries import labels, orders
from web.queries.labels import LabelFile
from web.queries.wishes import Wish

log = structlog.get_logger(__name__)
blueprint = door.guarded("bulk", __name__)

# So many orders take about two seconds; a plan for a cancellation reads ten times as much as anything else.
_SLICE = {"cancel": 25}
_ELSE = 200
_MOST_LABELS = 200
_SUFFIXES = {"application/pdf": "pdf", "image/png": "png", "application/zpl": "zpl", "text/plain": "zpl"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be done, with which orders: those that are ticked, or all that fit a wish, from `newest` down."""

    action: str
    ticked: list[int]
    wish: Wish
    all: bool
    newest: int | None
    told: dict[str, str] = field(default_factory=dict)
    """What the action has to know: the reason of a hold, the kind of hold to release, what comes of a cancellation."""

    @property
    def query(self) -> dict[str, Any]:
        """The same as an address."""
        which = as_query(self.wish) | {"all": "1"} if self.all else {"order": self.ticked}
        return which | {"action": self.action} | {name: value for name, value in self.told.items() if value}


@blueprint.get("/shops/<id:tenant>/orders/bulk")
def asks(tenant: int) -> Any:
    """Says how many orders it is, and for a cancellation what it comes to, before anything is done."""
    given = _asked(request.args, request.args.getlist("order"))
    if given.action not in many.ACTS or not (given.all or given.ticked):
        with shop.opened(tenant):  # a shop that is nobody's has no list to go back to
            return redirect(url_for("orders.listed", tenant=tenant), 303)
    return _question(tenant, given)


@blueprint.post("/shops/<id:tenant>/orders/bulk")
def act(tenant: int) -> Any:
    """Do it to each; what could not be done to one is said with its reason, and the others are done all the same."""
    given = _asked(request.form, request.form.getlist("order"))
    onward = asked.local_path(asked.told("back"), url_for("orders.listed", tenant=tenant, **as_query(given.wish)))
    chosen = many.ACTS.get(given.action) or abort(400)
    if not (given.all or given.ticked):
        flash("Tick at least one order.", "warn")
        return redirect(onward, 303)
    wrong = asked.reason()[1] if chosen.needs_reason else ""
    if wrong:
        return _question(tenant, given, wrong=wrong), 422
    if (given.all or given.action == "cancel") and not asked.told("agreed"):
        return redirect(url_for("bulk.asks", tenant=tenant, **given.query), 303)
    ids = _ids(tenant, given)
    done = many.do(shop.opened, tenant, ids, chosen, given.told | _agreed_plans(), by=door.actor())
    log.info("bulk act", tenant=tenant, act=given.action, orders=len(ids), done=done.done, actor=door.actor())
    flash(many.told(done, chosen), "good" if done.done else "warn")
    size = _SLICE.get(given.action, _ELSE)
    if given.all and len(ids) == size:
        return redirect(url_for("bulk.asks", tenant=tenant, newest=min(ids) - 1, **given.query), 303)
    return redirect(onward, 303)


@blueprint.post("/shops/<id:tenant>/orders/labels.zip")
@door.takes("warehouse")
def print_labels(tenant: int) -> Any:
    """The label files of the ticked orders in one ZIP file, in the orders' own order."""
    given = _asked(request.form, request.form.getlist("order"))
    onward = asked.local_path(asked.told("back"), url_for("orders.listed", tenant=tenant))
    with shop.opened(tenant) as session:
        ids = (
            orders.ids_below(session, tenant, given.wish, newest=None, limit=_MOST_LABELS + 1, now=show.now())
            if given.all
            else given.ticked
        )
        names = orders.names(session, tenant, ids)
        if set(names) != set(ids):
            abort(404)
        found = labels.files(session, tenant, ids) if len(ids) <= _MOST_LABELS else []
    if not found:
        most = f"At most {_MOST_LABELS} orders are printed at once: narrow the list."
        flash(most if len(ids) > _MOST_LABELS else "None of these orders has a label to print yet.", "warn")
        return redirect(onward, 303)
    log.info("labels downloaded", tenant=tenant, orders=ids, labels=len(found), actor=door.actor())
    named = f'attachment; filename="labels-{show.now():%Y-%m-%d-%H%M}.zip"'
    return Response(_zipped(found, names), content_type="application/zip", headers={"Content-Disposition": named})


def _question(tenant: int, given: Asked, *, wrong: str = "") -> str:
    """The page that asks once more; `wrong` is what is wrong with the reason."""
    with shop.opened(tenant) as session:
        ids = _slice(session, tenant, given)
        fitting = orders.count(session, tenant, given.wish, now=show.now()) if given.all else len(ids)
        names = orders.names(session, tenant, ids)
        plans = many.plans(session, tenant, ids) if given.action == "cancel" else []
    return render_template(
        "bulk.html",
        asked=given,
        ids=ids,
        names=names,
        fitting=fitting,
        most_counted=orders.MOST_COUNTED,
        act=many.ACTS[given.action],
        plans=plans,
        sums=many.sums(plans),
        filter=as_query(given.wish),
        wrong=wrong,
    )


def _asked(given: Any, ticked: list[str]) -> Asked:
    """From a form the list's filters come as one value, from an address as its own parts."""
    filters = dict(parse_qsl(given["filter"])) if "filter" in given else given
    return Asked(
        action=asked.plain(given.get("action", ""), 20),
        ticked=asked.ids_in(ticked),
        wish=wish_in(filters),
        all=given.get("all") == "1",
        newest=next(iter(asked.ids_in([given.get("newest", "")])), None),
        told={name: asked.plain(given.get(name, ""), asked.MOST_SHOWN_AGAIN) for name in ("reason", "kind")},
    )


def _ids(tenant: int, given: Asked) -> list[int]:
    """The orders of this press. One that is ticked and nobody's, or another shop's, stops all of it."""
    with shop.opened(tenant) as session:
        ids = _slice(session, tenant, given)
        if set(orders.names(session, tenant, ids)) != set(ids):
            abort(404)
    return ids


def _slice(session: Any, tenant: int, given: Asked) -> list[int]:
    if not given.all:
        return given.ticked
    size = _SLICE.get(given.action, _ELSE)
    return orders.ids_below(session, tenant, given.wish, newest=given.newest, limit=size, now=show.now())


def _agreed_plans() -> dict[str, str]:
    """What was shown of each order's plan, so that nothing else is done than what somebody has seen."""
    return {name: value for name, value in request.form.items() if name.startswith("plan-")}


def _zipped(files: list[LabelFile], names: dict[int, str]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as packed:  # labels are packed already: nothing is won by packing them again
        for file in files:
            bare = re.sub(r"[^A-Za-z0-9_-]+", "", file.order) or "order"
            packed.writestr(f"{bare}-{file.number}.{_SUFFIXES.get(file.media_type, 'bin')}", file.content)
        without = sorted(set(names.values()) - {file.order for file in files})
        if without:
            packed.writestr("without-a-label.txt", "These orders have no label yet:\n" + "\n".join(without) + "\n")
    return written.getvalue()
