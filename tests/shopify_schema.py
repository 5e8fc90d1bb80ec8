"""Shopify's own Admin GraphQL schema, fetched once from the npm package in which Shopify publishes it."""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_client_schema

VERSIONS = ("2026-04", "2026-07", "2026-10")

PACKAGE = "@shopify/dev-mcp@1.16.0"
# Of the tarball: what was published is what is compared with, or nothing is.
SHA256 = "4663c79229028e98f825a09d5f04ec6c3736331b740ce50260f9ffac10709474"
CACHE = Path(__file__).parent.parent / ".cache"
TARBALL = "shopify-dev-mcp-1.16.0.tgz"


@functools.cache
def schema(version: str) -> GraphQLSchema:
    """The schema of one API version. Skips the test where npm is absent, and fails it there in CI."""
    with tarfile.open(_tarball()) as package:
        member = package.extractfile(f"package/dist/data/admin_{version}.json.gz")
        assert member is not None, f"{PACKAGE} holds no schema {version}"
        introspection = json.loads(gzip.decompress(member.read()))
    # Shopify deprecates Node.id on some types, which strict building refuses.
    return build_client_schema(introspection.get("data", introspection), assume_valid=True)


def _tarball() -> Path:
    path = CACHE / TARBALL
    if not path.exists():
        _fetch(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest == SHA256, f"{path} is not {PACKAGE}: delete it and run again"
    return path


def _fetch(path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        _go_without("npm is not installed")
        return
    CACHE.mkdir(exist_ok=True)
    # Two test runs may fetch at once: each its own folder, and the rename decides.
    folder = CACHE / f"fetch-{os.getpid()}"
    folder.mkdir(exist_ok=True)
    try:
        subprocess.run(
            [npm, "pack", PACKAGE, "--silent", "--pack-destination", str(folder)],
            check=True,
            capture_output=True,
            timeout=120,
        )
        (folder / TARBALL).replace(path)
    except (subprocess.SubprocessError, OSError) as failure:
        _go_without(f"npm pack {PACKAGE} failed: {failure}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _go_without(reason: str) -> None:
    sentence = f"Shopify's schema is not here, so that nothing was compared with it: {reason}"
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(sentence)
    pytest.skip(sentence)
