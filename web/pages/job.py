"""One job: what failed, what that means, and the two ways out of it."""

from __future__ import annotations

from typing import Any

import structlog
from flask import abort, flash, redirect, render_template, url_for
from sqlalchemy.orm import Session

from jobs import desk
from jobs.queue import KINDS
from records.jobs import Job
from web import asked
from web import session as door
from web.pages import shop
from web.queries import jobs

log = structlog.get_logger(__name__)
blueprint = door.guarded("job", __name__)


@blueprint.get("/shops/<id:tenant>/jobs/<id:id>")
def shown(tenant: int, id: int) -> str:
    return render_template("job.html", **_read(tenant, id))


@blueprint.get("/shops/<id:tenant>/jobs/<id:id>/live")
def live(tenant: int, id: int) -> str:
    """The part of the page that keeps itself fresh."""
    return render_template("partials/job.html", **_read(tenant, id))


@blueprint.post("/shops/<id:tenant>/jobs/<id:id>/retry")
def retry(tenant: int, id: int) -> Any:
    with shop.opened(tenant) as session:
        _existing(session, tenant, id)
        retried = desk.retry(session, tenant, id, by=door.actor())
    if retried:
        log.info("job retried", tenant=tenant, job=id, actor=door.actor())
        flash("The job is tried again, from the start of its patience.", "good")
    else:
        flash("The job was not parked any more, so nothing was changed.", "warn")
    return _back(id)


@blueprint.post("/shops/<id:tenant>/jobs/<id:id>/discard")
def discard(tenant: int, id: int) -> Any:
    reason, wrong = asked.reason()
    if wrong:
        return render_template("job.html", **_read(tenant, id), typed=reason, wrong=wrong), 422
    with shop.opened(tenant) as session:
        _existing(session, tenant, id)
        discarded = desk.discard(session, tenant, id, reason=reason, by=door.actor())
    if discarded:
        log.info("job discarded", tenant=tenant, job=id, actor=door.actor())
        flash("The job is given up. Its order stays where it is until something else moves it.", "good")
    else:
        flash("The job was running or at its end already, so nothing was changed.", "warn")
    return _back(id)


def _read(tenant: int, id: int) -> dict[str, Any]:
    with shop.opened(tenant) as session:
        job = _existing(session, tenant, id)
        return {
            "job": job,
            "about": jobs.orders_of(session, tenant, [job]).get(id),
            "runs": jobs.runs(session, tenant, job),
            "tries": KINDS[job.kind].tries if job.kind in KINDS else 0,
        }


def _existing(session: Session, tenant: int, id: int) -> Job:
    return jobs.one(session, tenant, id) or abort(404)


def _back(id: int) -> Any:
    return redirect(url_for("job.shown", id=id), 303)
