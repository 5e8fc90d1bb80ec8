"""Compiles each address and each template once for all the applications that tests put together, which are thousands.

An application that is put together compiles two functions for each of its two hundred addresses, and each template on
its first use: in a process that makes one application that is nothing, and in the tests it was half the time of a page.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any

import pytest
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule


def attach(patched: pytest.MonkeyPatch) -> None:
    """Until `patched` is undone."""
    patched.setattr(Rule, "_compile_builder", _builders(Rule._compile_builder))
    patched.setattr(Flask, "jinja_options", Flask.jinja_options | {"bytecode_cache": _Templates()})


def _builders(compiled: Callable[..., Any]) -> Callable[..., Any]:
    """What builds an address takes the rule as its argument, and hangs on no more than what is the key here."""
    known: dict[Any, Any] = {}

    def once(rule: Rule, append_unknown: bool = True) -> Any:
        key = (rule.rule, tuple(rule._trace), repr(rule.defaults), append_unknown)
        if key not in known:
            known[key] = compiled(rule, append_unknown)
        return known[key]

    return once


class _Templates(BytecodeCache):
    """A template that has changed has another checksum, and is compiled anew."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._known[bucket.key, bucket.checksum] = bucket.code
