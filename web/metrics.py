"""Tells Prometheus how the work is doing: what PostgreSQL holds now, and what the processes of this machine counted."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import prometheus_client
from flask import Flask, Response, current_app
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from jobs import health
from records import database


def attach(app: Flask) -> None:
    app.add_url_rule("/metrics", view_func=show)


def show() -> Response:
    """One page for all of a machine's processes where they share PROMETHEUS_MULTIPROC_DIR (gunicorn's do)."""
    registry = CollectorRegistry()
    registry.register(_Backlog())
    text = prometheus_client.generate_latest(registry)
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
        text += prometheus_client.generate_latest(counted)
    else:
        text += prometheus_client.generate_latest()
    return Response(text, content_type=prometheus_client.CONTENT_TYPE_LATEST)


class _Backlog(Collector):
    """The work as the rows tell it: true whichever process is asked."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        with database.across_tenants(current_app.extensions["engine"], why="metrics") as session:
            backlogs = health.backlog(session)
        jobs = GaugeMetricFamily("packline_jobs_waiting", "Jobs by queue and state", labels=["queue", "state"])
        oldest = GaugeMetricFamily("packline_oldest_due_seconds", "How long the oldest due job waits", labels=["queue"])
        for row in backlogs:
            for state in ("due", "later", "running", "parked"):
                jobs.add_metric([row.queue, state], getattr(row, state))
            since = row.oldest_due_at.timestamp() if row.oldest_due_at else time.time()
            oldest.add_metric([row.queue], max(0.0, time.time() - since))
        yield jobs
        yield oldest
