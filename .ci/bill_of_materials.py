"""Writes what Packline is made of, as CycloneDX JSON: every pinned package with its hashes and its licence.

`cyclonedx-py` reads the lock; the licences come from the packages as they are installed here, since a lock has none.
What is pinned for other machines only, and is not installed here, stands in the bill without a licence.
"""

from __future__ import annotations

import importlib.metadata
import json
import subprocess  # nosec B404 # starts a program of our own virtual environment
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def licence_of(package: str) -> str:
    """What a package says of its licence: an SPDX expression where it has one, else its own words; empty for none."""
    try:
        told = importlib.metadata.metadata(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
    classified = [one.rpartition("::")[2].strip() for one in told.get_all("Classifier") or [] if "License ::" in one]
    written = str(told.get("License") or "").strip()
    # Some put the whole text there, whose first line says no more than who wrote it.
    short = written if "\n" not in written and len(written) < 60 else ""
    return str(told.get("License-Expression") or short or " AND ".join(classified))


def with_licences(bill: dict[str, Any]) -> dict[str, Any]:
    for component in bill["components"]:
        licence = licence_of(component["name"])
        if licence and not component.get("licenses"):
            component["licenses"] = [{"license": {"name": licence, "acknowledgement": "declared"}}]
    return bill


def main(target: str) -> int:
    made = subprocess.run(  # noqa: S603 # nosec B603 # our own words only
        [
            *(sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", str(ROOT / "requirements.lock")),
            *("--pyproject", str(ROOT / "pyproject.toml"), "--of", "JSON", "--output-reproducible"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    bill = with_licences(json.loads(made.stdout))
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    Path(target).write_text(json.dumps(bill, indent=2) + "\n")
    unlicensed = [one["name"] for one in bill["components"] if not one.get("licenses")]
    print(f"{target}: {len(bill['components'])} packages; without a licence here: {', '.join(unlicensed) or 'none'}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
