"""What connectors share on the wire: where a vendor may answer, how long it asks us to wait, and one careful download.

An origin comes from the operator's settings and may be a stand-in on this machine. A label's address comes from a
vendor's answer, so it is fetched as if a stranger had sent it: https only, no private network, a limit, a deadline.
"""

from __future__ import annotations

import functools
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx

from integrations.kept import Kept
from integrations.ports import OutsideFailure, Permanent, Temporary

MOST_HOPS = 3
# A vendor that asks for more than an hour is asked again after an hour: it may have recovered, and a person is waiting.
LONGEST_WAIT_S = 3600.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRY_LATER = frozenset({408, 425, 429})


def vendor_origin(given: str, *, default: str, setting: str, suffix: str) -> str:
    """The vendor's base address without `suffix` and without a trailing slash: `given`, or `default` where it is empty.

    `suffix` is the API's version path (`/v1`); it is tolerated at the end of `given`, since operators copy it along.

    Raises:
        Permanent: the address is not http(s), is plain http to another machine, or carries a user, query or fragment.
    """
    address = given.strip() or default
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise _misset(setting, "is not an address") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise _misset(setting, "is not an http or https address")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise _misset(setting, "carries a user, a query or a fragment, which an origin has not")
    if parts.scheme == "http" and not is_loopback(host):
        raise _misset(setting, f"is plain http to {host}, which would send the account's key unencrypted")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix(suffix)}"


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own: `localhost`, 127.0.0.0/8 or ::1."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for (RFC 9110: seconds or a date), at most an hour; None if unread."""
    if header is None or not header.isascii():
        return None
    try:
        wait = float(header.strip())
    except ValueError:
        wait = _until(header, now)
    return min(wait, LONGEST_WAIT_S) if 0 <= wait < float("inf") else None


def download(url: str, *, most_bytes: int, deadline_s: float, from_this_machine: bool = False) -> bytes:
    """The bytes at `url`, following at most three redirects, each held to the same rules.

    `from_this_machine` also allows loopback addresses, plain http among them: for a vendor's stand-in.

    Raises:
        Temporary: the network, the deadline, a 5xx or 429.
        Permanent: the address is not allowed, there is nothing at it, or it is more than `most_bytes` long.
    """
    ends_at = time.monotonic() + deadline_s
    for _hop in range(MOST_HOPS + 1):
        _check_address(url, from_this_machine=from_this_machine)
        try:
            found = _fetched(url, most_bytes, ends_at, from_this_machine=from_this_machine)
        except (httpcore.TimeoutException, TimeoutError):
            raise Temporary(f"{_host(url)} did not answer in {deadline_s:.0f} seconds", code="timeout") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as broken:
            reason = f"the download from {_host(url)} broke off ({type(broken).__name__})"
            raise Temporary(reason, code="connection") from None
        if isinstance(found, bytes):
            return found
        url = found.url
    raise Permanent("the download is redirected in circles", code="redirect", remedy=_BY_HAND)


class _Redirect:
    def __init__(self, url: str) -> None:
        self.url = url


def _fetched(url: str, most_bytes: int, ends_at: float, *, from_this_machine: bool) -> bytes | _Redirect:
    with _pool(from_this_machine=from_this_machine).stream(
        "GET",
        url,
        headers={"Host": urlsplit(url).netloc, "Accept-Encoding": "identity", "User-Agent": "Packline"},
        extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), _patience_s(ends_at))},
    ) as answer:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
        if answer.status in _REDIRECTS and headers.get("location"):
            return _Redirect(urljoin(url, headers["location"]))
        if answer.status != 200:
            raise _refused(url, answer.status, headers)
        return _read(answer.iter_stream(), headers, most_bytes, ends_at)


def _patience_s(ends_at: float) -> float:
    return min(10.0, max(0.01, ends_at - time.monotonic()))


def _read(chunks: Iterable[bytes], headers: Mapping[str, str], most_bytes: int, ends_at: float) -> bytes:
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most_bytes:
        raise _too_long(most_bytes)
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > most_bytes:
            raise _too_long(most_bytes)
        if time.monotonic() > ends_at:
            raise TimeoutError
    return bytes(content)


def _check_address(url: str, *, from_this_machine: bool) -> None:
    host = _host(url)
    if not host:
        raise Permanent("the vendor gave an address that is none", code="address", remedy=_BY_HAND)
    scheme = urlsplit(url).scheme
    if scheme != "https" and not (scheme == "http" and from_this_machine and is_loopback(host)):
        raise Permanent(f"the vendor gave an address at {host} that is not https", code="address", remedy=_BY_HAND)


class CarefulNetwork(httpcore.NetworkBackend):
    """Connects to the very address it has checked, so a name that resolves differently a moment later gains nothing."""

    def __init__(self, *, from_this_machine: bool, network: httpcore.NetworkBackend | None = None) -> None:
        self._network = network or httpcore.SyncBackend()
        self._from_this_machine = from_this_machine

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError(f"no address for {host}")
        for address in _addresses(host, port):
            if not self._allowed(address):
                raise Permanent(f"{host} lies in a private network", code="address", remedy=_BY_HAND)
            try:
                return self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as unreachable:
                failure = unreachable
        raise failure

    def _allowed(self, address: str) -> bool:
        found = ipaddress.ip_address(address.partition("%")[0])
        plain = _as_it_is_reached(found)
        if plain.is_loopback:
            return self._from_this_machine
        if any(plain in network for network in _NEVER):
            return False
        return plain.is_global and not plain.is_multicast


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Local NAT64 (RFC 8215), site-local (3879), and IPv4 in version 6 by ways that nobody uses any more (2765, 4291): all
# may lead inside, and Python calls them global.
_NEVER = tuple(map(ipaddress.ip_network, ("64:ff9b:1::/48", "fec0::/10", "::ffff:0:0:0/96", "::/96")))


def _as_it_is_reached(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Any:
    """The IPv4 address that one of version 6 leads to on its way (RFC 4291, 6052, 3056), else itself."""
    if address.version == 4:
        return address
    if address in _NAT64:
        return ipaddress.ip_address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _addresses(host: str, port: int) -> Iterator[str]:
    for _family, _kind, _protocol, _name, where in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        yield str(where[0])


_pools: Kept[httpcore.ConnectionPool] = Kept(most=2)


def _pool(*, from_this_machine: bool) -> httpcore.ConnectionPool:
    return _pools.get(
        from_this_machine,
        lambda: httpcore.ConnectionPool(
            ssl_context=careful_certificates(),
            max_connections=10,
            keepalive_expiry=30.0,
            network_backend=CarefulNetwork(from_this_machine=from_this_machine),
        ),
    )


@functools.cache
def careful_certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context()


_BY_HAND = "Open the shipment in the vendor's dashboard and take the file from there; then tell Packline's operator."


def _refused(url: str, status: int, headers: Mapping[str, str]) -> OutsideFailure:
    reason = f"{_host(url)} answered {status} for the file"
    if status >= 500 or status in _TRY_LATER:
        wait = retry_after_s(headers.get("retry-after"), datetime.now(UTC))
        return Temporary(reason, code=str(status), retry_in_s=wait)
    return Permanent(reason, code=str(status), remedy=_BY_HAND)


def _too_long(most_bytes: int) -> Permanent:
    return Permanent(f"the file is longer than {most_bytes // 1024} KiB", code="too_long", remedy=_BY_HAND)


def _misset(setting: str, fault: str) -> Permanent:
    return Permanent(
        f"{setting} {fault}.",
        code="setting",
        remedy=f"Set {setting} to an https origin such as https://api.example.com (plain http only for 127.0.0.1), "
        "or leave it empty for the vendor's own address.",
    )


def _host(url: str) -> str:
    """The host that an address names; empty where it is no address, or hides a user and a password in it."""
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        return ""
    return "" if parts.username or parts.password else parts.hostname or ""


def _until(date: str, now: datetime) -> float:
    try:
        until = parsedate_to_datetime(date)
    except ValueError:
        return -1.0
    return max(0.0, ((until if until.tzinfo else until.replace(tzinfo=UTC)) - now).total_seconds())
