"""What gunicorn writes, in the form of everything else, and of an address only what is no key: nothing after its
question mark, and no file's token.
"""

from __future__ import annotations

import re
from typing import Any

from gunicorn import glogging  # type: ignore[import-untyped]

from config import logs, settings

# A file's address opens it for ten minutes, to whoever reads it in a log as well.
_KEY = re.compile(r"(/(?:files|choose|delivered|order|supply)/)[^/?#]+")


class ServerLog(glogging.Logger):  # type: ignore[misc]
    """gunicorn's own handlers, which the settings of its command line choose, with our form of a line."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        shared = logs.formatter(settings.load().log_format)
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            handler.setFormatter(shared)

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any) -> dict[str, Any]:
        """The parts of an access line: no headers, no variables, no queries, whatever its format asks for."""
        given: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        path = _without_key(str(environ.get("PATH_INFO", "")))
        return {name: part for name, part in given.items() if not name.startswith("{")} | {
            "r": f"{environ.get('REQUEST_METHOD')} {path}",
            "U": path,
            "q": "",
            "f": _without_key(str(given.get("f", "")).partition("?")[0]),
        }


def _without_key(path: str) -> str:
    return _KEY.sub(r"\1…", path)
