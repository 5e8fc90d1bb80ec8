"""The list of jobs: what failed and why, in groups that can be mended at once."""

from __future__ import annotations

from typing import Any

import structlog
from flask import abort, flash, redirect, render_template, request, url_for

from jobs import desk
from jobs.queue import KINDS, QUEUES
from web import asked
from web import session as door
from web.pages import shop
from web.queries import jobs
from web.queries.jobs import Wish
from web.queries.keyset import Cut
from web.show import words
from web.show.look import Look

log = structlog.get_logger(__name__)
blueprint = door.guarded("jobs", __name__)

# A job that failed and is due again is no worse than due; beside the parked ones it wants a word of its own.
_RETRYING = Look("Tries again", "clock", "warn", "It failed and is tried again by itself.")


@blueprint.get("/shops/<id:tenant>/jobs")
def listed(tenant: int) -> str:
    return render_template("jobs.html", **_list(tenant))


@blueprint.get("/shops/<id:tenant>/jobs/live")
def live(tenant: int) -> str:
    """The groups and rows alone, which keep themselves fresh."""
    return render_template("partials/jobs.html", **_list(tenant))


@blueprint.get("/shops/<id:tenant>/jobs/retry")
@door.takes("ops")
def confirm_retry_all(tenant: int) -> str:
    """Asks once more, with the number of jobs that it is about."""
    cause, kind = asked.asked("cause"), asked.one_of("kind", KINDS)
    with shop.opened(tenant) as session:
        count = jobs.group_count(session, tenant, cause=cause, kind=kind)
    return render_template("retry_all.html", cause=cause, kind=kind, count=count)


@blueprint.post("/shops/<id:tenant>/jobs/retry")
def retry_all(tenant: int) -> Any:
    """Try every parked job of one cause and kind again."""
    cause, kind = asked.told("cause"), asked.told("kind")
    if kind not in KINDS:
        abort(400)
    with shop.opened(tenant) as session:
        done = desk.retry_all(session, tenant, cause=cause, kind=kind, by=door.actor())
        left = jobs.group_count(session, tenant, cause=cause, kind=kind)
    log.info("jobs retried", tenant=tenant, cause=cause, kind=kind, jobs=done, left=left, actor=door.actor())
    more = f" {left} more are left: press it again." if left else ""
    flash(f"{done} {'job is' if done == 1 else 'jobs are'} tried again.{more}", "good" if done else "warn")
    return redirect(url_for("jobs.listed"), 303)


def _list(tenant: int) -> dict[str, Any]:
    wish = Wish(
        state=asked.one_of("state", jobs.STATES),
        kind=asked.one_of("kind", KINDS),
        cause=asked.asked("cause") if request.args.get("cause") else None,
        queue=asked.one_of("queue", QUEUES),
    )
    cut = Cut(before=asked.row_id("before"), after=asked.row_id("after"))
    with shop.opened(tenant) as session:
        page = jobs.page(session, tenant, wish, cut)
        orders = jobs.orders_of(session, tenant, page.rows)
        groups = jobs.groups(session, tenant)
    return {
        "page": page,
        "orders": orders,
        "groups": groups,
        "wish": wish,
        "first": cut == Cut(),
        "filtered": wish != Wish(),
        "tries": {name: kind.tries for name, kind in KINDS.items()},
        "kind_choices": [(name, words.doing(name).word) for name in KINDS],
        "queue_choices": [(name, name) for name in QUEUES],
        "retrying": _RETRYING,
    }
