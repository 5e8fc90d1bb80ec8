"""Asks the advisory service about every pinned dependency, and says plainly what came of it.

A known advisory fails. Where no service can be reached, nothing is known: that is said in one line, and passes, so that
a build without the internet is not one without a build. Run it where there is a network before a release.
"""

from __future__ import annotations

import json
import subprocess  # nosec B404 # starts a program of our own virtual environment
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
# Both locks, well within the three minutes that CI gives.
_PATIENCE_S = 25
# What pip-audit ends with where the service cannot be asked, or answers something else.
_AWAY = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "ProxyError", "SSLError", "ServiceError", "HTTPError")


def verdict(lock: str, status: int, answer: str, complaint: str) -> tuple[str, int]:
    """What to say of one lock, and the status to end with, from how pip-audit ended."""
    found = _vulnerable(answer)
    if found:
        return "\n".join([f"{lock}: KNOWN ADVISORIES", *found]), 1
    if status == 0:
        return f"{lock}: no known advisory.", 0
    if any(word in complaint for word in _AWAY):
        return f"{lock}: NOT CHECKED, because no advisory service (api.osv.dev) can be reached from here.", 0
    return f"{lock}: the check itself failed.\n{complaint.strip()[-2_000:]}", 1


def main() -> int:
    ended = 0
    for lock in LOCKS:
        line, status = verdict(lock, *_asked(lock))
        print(line)  # noqa: T201 - this is what it is for
        ended = max(ended, status)
    return ended


def _asked(lock: str) -> tuple[int, str, str]:
    words = [
        *(sys.executable, "-m", "pip_audit", "--requirement", str(ROOT / lock)),
        *("--require-hashes", "--disable-pip", "--vulnerability-service", "osv", "--timeout", "5"),
        *("--progress-spinner", "off", "--format", "json"),
    ]
    try:
        ended = subprocess.run(  # noqa: S603 # nosec B603 # our own words only
            words, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired:
        return 1, "", f"ConnectTimeout: no answer within {_PATIENCE_S} seconds"
    return ended.returncode, ended.stdout, ended.stderr


def _vulnerable(answer: str) -> list[str]:
    try:
        asked: dict[str, Any] = json.loads(answer)
    except ValueError:
        return []
    return [
        f"  {one['name']} {one['version']}: {wrong['id']} (mended in {', '.join(wrong['fix_versions']) or 'none yet'})"
        for one in asked.get("dependencies", [])
        for wrong in one.get("vulns", [])
    ]


if __name__ == "__main__":
    sys.exit(main())
