"""Tells somebody's own machine something: one POST of JSON to an address that a person typed, as if a stranger had.

https only, to no private, loopback or link-local address, whatever the name resolves to at that moment; no redirect is
followed, and of the answer only its number is read.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpcore

from integrations.deadline import Until
from integrations.http import CarefulNetwork, careful_certificates, is_loopback, retry_after_s
from integrations.ports import Origins, Permanent, Temporary

LONGEST_ADDRESS = 500
_PATIENCE_S = 10.0
_TRY_LATER = frozenset({408, 425, 429})
_REMEDY = "Ask the supplier for the right address, correct it on the Suppliers page, and retry."


def odd_address(url: str, *, from_this_machine: bool = False) -> str:
    """What is wrong with an address that somebody typed, as a sentence; empty where it may be told. Asks nobody."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return "This is no address."
    if from_this_machine and is_loopback(host):
        return ""
    if len(url) > LONGEST_ADDRESS or parts.scheme != "https" or not host or not url.isascii() or " " in url:
        return f"An https address of at most {LONGEST_ADDRESS} characters: https://example.com/orders, for example."
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "Leave out the user, the password and what follows a #: the signature says who tells."
    if is_loopback(host) or _is_inside(host):
        return "This address lies in a private network: nobody is told anything there."
    return ""


def stand_ins_here(origins: Origins) -> bool:
    """Whether vendors' stand-ins on this machine are spoken to: then a supplier's may be one, too."""
    return is_loopback(urlsplit(origins.easypost).hostname or "")


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    from_this_machine: bool = False,
    patience_s: float = _PATIENCE_S,
) -> None:
    """Tell it, in `patience_s` at most from connecting to the answer.

    Raises Temporary, with `outcome_unknown` where it may have been heard, and Permanent.
    """
    odd = odd_address(url, from_this_machine=from_this_machine)
    if odd:
        raise Permanent(odd, code="address", remedy=_REMEDY)
    host = urlsplit(url).hostname or ""
    try:
        with (
            _pool(patience_s, from_this_machine=from_this_machine) as pool,
            pool.stream(
                "POST",
                url,
                headers=[("Host", urlsplit(url).netloc), ("User-Agent", "Packline"), *headers.items()],
                content=body,
            ) as answer,
        ):
            _judge(host, answer)
    except UnicodeError:
        raise Permanent(f"{host} is no name of a machine.", code="address", remedy=_REMEDY) from None
    except (httpcore.ConnectError, httpcore.ConnectTimeout, OSError) as away:
        raise Temporary(f"{host} could not be reached ({type(away).__name__}).", code="connection") from None
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as broken:
        reason = f"{host} did not answer ({type(broken).__name__})."
        raise Temporary(reason, code="timeout", outcome_unknown=True) from None


def _judge(host: str, answer: httpcore.Response) -> None:
    if 200 <= answer.status < 300:
        return
    reason = f"{host} answered {answer.status}."
    if answer.status >= 500 or answer.status in _TRY_LATER:
        told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
        wait = retry_after_s(told.get("retry-after"), datetime.now(UTC))
        raise Temporary(reason, code=str(answer.status), retry_in_s=wait)
    if 300 <= answer.status < 400:
        raise Permanent(f"{reason} Redirects are not followed.", code="redirect", remedy=_REMEDY)
    raise Permanent(reason, code=str(answer.status), remedy=_REMEDY)


def _is_inside(host: str) -> bool:
    """Whether an address that is written in numbers is of no public network; what names lead to is seen later."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host.rpartition(".")[2].lower() in {"local", "internal", "localhost"}


def _pool(patience_s: float, *, from_this_machine: bool) -> httpcore.ConnectionPool:
    # For one telling: the time runs from now, and each connection is to an address that was looked at for it.
    return httpcore.ConnectionPool(
        ssl_context=careful_certificates(),
        max_keepalive_connections=0,
        network_backend=CarefulNetwork(from_this_machine=from_this_machine, network=Until(patience_s)),
    )
