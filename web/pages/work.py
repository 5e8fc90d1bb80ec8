"""The machine room: what stands on each queue, who listens, what has waited longest; over all shops."""

from __future__ import annotations

from typing import Any

from flask import current_app, render_template

from jobs import health
from records import database
from web import session as door
from web import show
from web.pages import shop
from web.show import condition

blueprint = door.guarded("work", __name__, whole_house=True)


@blueprint.get("/work")
def shown() -> str:
    return render_template("work.html", **_read())


@blueprint.get("/work/live")
def live() -> str:
    """The part of the page that keeps itself fresh."""
    return render_template("partials/work.html", **_read())


def _read() -> dict[str, Any]:
    report = health.report(current_app.extensions["settings"].redis_url)
    why = "ops look at the work of the whole installation"
    with database.across_tenants(shop.engine(), why=why, by=door.actor()) as session:
        backlog = health.backlog(session)
    oldest = min((queue.oldest_due_at for queue in backlog if queue.oldest_due_at), default=None)
    listening = {queue.queue: sum(queue.queue in listener.queues for listener in report.listeners) for queue in backlog}
    return {
        "report": report,
        "backlog": backlog,
        "listening": listening,
        "condition": condition.judge(report, oldest, now=show.now()),
    }
