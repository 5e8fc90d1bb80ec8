"""`packline jobs`: what was done, what waits and what needs a person; trying it again, or giving it up."""

from __future__ import annotations

from typing import Any

import click
from sqlalchemy.orm import Session

from commands import opening, output, trail
from jobs import desk
from jobs.queue import KINDS
from records.jobs import Job
from web.queries import jobs
from web.queries.jobs import About, Wish
from web.queries.keyset import Cut

_LIST = ("id", "kind", "about", "order", "state", "attempts", "due_at", "cause", "reason", "remedy")
_RUNS = ("id", "state", "attempts", "cause", "reason", "created_at", "started_at", "ended_at")


@click.group("jobs")
def group() -> None:
    """What waits, what needs a person, and trying it again."""


@group.command("list")
@click.argument("tenant", type=opening.ROW_ID)
@click.option("--state", type=click.Choice(jobs.STATES))
@click.option("--kind", type=click.Choice(sorted(KINDS)))
@click.option("--cause", help='The stable word for why it waits or was parked; "" is one, too.')
@output.limit_option
@output.json_option
def list_jobs(tenant: int, state: str | None, kind: str | None, cause: str | None, limit: int, as_json: bool) -> None:
    """List the shop's jobs, newest first."""
    _list(tenant, Wish(state=state or "", kind=kind or "", cause=cause), limit, as_json=as_json)


@group.command("parked")
@click.argument("tenant", type=opening.ROW_ID)
@output.limit_option
@output.json_option
def parked(tenant: int, limit: int, as_json: bool) -> None:
    """List the jobs that need a person: list --state parked."""
    _list(tenant, Wish(state="parked"), limit, as_json=as_json)


@group.command("show")
@click.argument("tenant", type=opening.ROW_ID)
@click.argument("job", type=opening.ROW_ID)
@output.json_option
def show_job(tenant: int, job: int, as_json: bool) -> None:
    """Show one job, and every time that the same work was asked for."""
    with opening.shop(tenant) as session:
        row = _existing(session, tenant, job)
        about = jobs.orders_of(session, tenant, [row]).get(job)
        runs = [_run(one) for one in jobs.runs(session, tenant, row)]
    shown = _listed(row, about) | {
        "queue": row.queue, "lane": row.lane, "deaths": row.deaths, "worker": row.worker,
        "created_at": row.created_at, "started_at": row.started_at, "ended_at": row.ended_at,
    }  # fmt: skip
    if as_json:
        output.document(shown | {"runs": runs})
    else:
        output.facts(shown)
        output.table(runs, _RUNS, title="Every time it was asked for")


@group.command("retry")
@click.argument("tenant", type=opening.ROW_ID)
@click.argument("job", type=opening.ROW_ID, required=False)
@click.option("--all", "everyone", is_flag=True, help="Every parked job of one --cause and --kind.")
@click.option("--cause")
@click.option("--kind", type=click.Choice(sorted(KINDS)))
@output.json_option
def retry(tenant: int, job: int | None, everyone: bool, cause: str | None, kind: str | None, as_json: bool) -> None:
    """Try a parked job again, or all that were parked for one cause."""
    if job is not None and not everyone and cause is None and kind is None:
        _retry_one(tenant, job)
        done, left = 1, 0
    elif job is None and everyone and cause is not None and kind is not None:
        done, left = _retry_all(tenant, cause, kind)
    else:
        raise click.UsageError("say either one JOB, or --all with --cause and --kind")
    output.message(f"{done} {'job is' if done == 1 else 'jobs are'} tried again; {left} like it are still parked.")
    if as_json:
        output.document({"retried": done, "left": left})


@group.command("discard")
@click.argument("tenant", type=opening.ROW_ID)
@click.argument("job", type=opening.ROW_ID)
@click.option("--reason", required=True, help="For the next person, who will ask.")
@output.json_option
def discard(tenant: int, job: int, reason: str, as_json: bool) -> None:
    """Give a waiting or parked job up; its order stays where it is until something else moves it."""
    if not reason.strip():
        raise click.UsageError("--reason says why, because the next person will ask")
    with opening.shop(tenant) as session:
        row = _existing(session, tenant, job)
        state = row.state
        discarded = desk.discard(session, tenant, job, reason=reason.strip(), by=opening.BY)
        if discarded:
            trail.changed(session, tenant, subject=f"jobs/{job}")
    if not discarded:
        raise click.ClickException(f"job {job} is {state}, so it was not given up: only a due or parked one can be")
    output.message(f"Job {job} is given up.")
    if as_json:
        output.document({"discarded": job})


def _list(tenant: int, wish: Wish, limit: int, *, as_json: bool) -> None:
    with opening.shop(tenant) as session:
        page = jobs.page(session, tenant, wish, Cut(size=limit))
        about = jobs.orders_of(session, tenant, page.rows)
    rows = [_listed(job, about.get(job.id)) for job in page.rows]
    output.listing(rows, _LIST, as_json=as_json, more=page.older is not None)


def _retry_one(tenant: int, job: int) -> None:
    with opening.shop(tenant) as session:
        state = _existing(session, tenant, job).state
        retried = desk.retry(session, tenant, job, by=opening.BY)
        if retried:
            trail.changed(session, tenant, subject=f"jobs/{job}")
    if not retried:
        raise click.ClickException(f"job {job} is {state}, so it was not tried again: only a parked one can be")


def _retry_all(tenant: int, cause: str, kind: str) -> tuple[int, int]:
    """How many are tried again, and how many are left: one call of the desk takes a thousand at most."""
    with opening.shop(tenant) as session:
        done = desk.retry_all(session, tenant, cause=cause, kind=kind, by=opening.BY)
        left = jobs.group_count(session, tenant, cause=cause, kind=kind)
        if done:
            trail.changed(session, tenant, kind=kind, cause=cause, jobs=done)
    if not done:
        raise click.ClickException(f"tenant {tenant} has no parked {kind} job with the cause {cause!r}")
    return done, left


def _existing(session: Session, tenant: int, job: int) -> Job:
    row = jobs.one(session, tenant, job)
    if row is None:
        raise click.ClickException(f"tenant {tenant} has no job {job}: packline jobs list {tenant}")
    return row


def _listed(job: Job, about: About | None) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind,
        "about": job.subject,
        "order": about.name if about else None,
        "state": job.state,
        "attempts": job.attempts,
        "due_at": job.due_at if job.state == "due" else None,
        "cause": job.cause,
        "reason": job.reason,
        "remedy": job.remedy,
    }


def _run(job: Job) -> dict[str, Any]:
    return {name: getattr(job, name) for name in _RUNS}
