"""Asks over HTTP as httpx does, waits for the answer as long as a busy machine may need, and is quick to start.

httpx gives up after five seconds by itself: two processes that test on two cores may stand still for that long. And it
reads the world's certificates anew for every call, which takes longer than most answers do.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import httpx

_WAIT_S = 60
_MANNERS: dict[str, Any] = {"timeout": _WAIT_S, "verify": httpx.create_ssl_context()}

get = partial(httpx.get, **_MANNERS)
post = partial(httpx.post, **_MANNERS)
delete = partial(httpx.delete, **_MANNERS)
request = partial(httpx.request, **_MANNERS)
Client = partial(httpx.Client, **_MANNERS)
