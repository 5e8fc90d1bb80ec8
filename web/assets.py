"""Puts the few files of npm's packages that the pages use where the web server finds them: run after `npm ci`.

Nothing of a package but these files is served, and each is also kept compressed, because the web server compresses
nothing by itself. Needs nothing but Python.
"""

from __future__ import annotations

import gzip
import shutil
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_FILES = {
    "@tabler/core/dist/css/tabler.min.css": "tabler.min.css",
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE",
    "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2": "inter.woff2",
    "@fontsource-variable/inter/LICENSE": "inter.LICENSE",
}
_COMPRESSED = {".css", ".js"}


def install(packages: Path, target: Path) -> list[str]:
    """Copy every file; answers the packages' files that are not there."""
    target.mkdir(parents=True, exist_ok=True)
    missing = [source for source in _FILES if not (packages / source).is_file()]
    for source, name in _FILES.items():
        if source not in missing:
            _copy(packages / source, target / name)
    return missing


def _copy(source: Path, copy: Path) -> None:
    if copy.suffix not in _COMPRESSED:
        shutil.copyfile(source, copy)
        return
    # The maps that these lines name are not served.
    text = b"\n".join(line for line in source.read_bytes().splitlines() if b"sourceMappingURL" not in line)
    copy.write_bytes(text)
    # The same bytes every time: no name and no date inside.
    copy.with_name(f"{copy.name}.gz").write_bytes(gzip.compress(text, 9, mtime=0))


def main() -> int:
    missing = install(_ROOT / "node_modules", _ROOT / "web" / "static" / "vendor")
    if missing:
        print("not in node_modules: " + ", ".join(missing) + "; run npm ci first", file=sys.stderr)  # noqa: T201
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
