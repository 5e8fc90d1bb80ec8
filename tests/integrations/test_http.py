"""Where a vendor may answer, and what may be downloaded from an address that a vendor gave."""

import os
import socket
from datetime import UTC, datetime, timedelta

import pytest
from scripted_vendor import Answer

from integrations import http
from integrations.kept import Kept
from integrations.ports import Permanent, Temporary

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def origin(given):
    return http.vendor_origin(given, default="https://api.vendor.test", setting="VENDOR_API_BASE", suffix="/v1")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", "https://api.vendor.test"),
        ("http://127.0.0.1:4000", "http://127.0.0.1:4000"),
        ("http://localhost:4000/", "http://localhost:4000"),
        ("http://[::1]:4000", "http://[::1]:4000"),
        ("http://127.0.0.1:4000/v1", "http://127.0.0.1:4000"),
        ("http://127.0.0.1:4000/vendor/v1/", "http://127.0.0.1:4000/vendor"),
        ("https://stand-in.example.com", "https://stand-in.example.com"),
        (" https://stand-in.example.com ", "https://stand-in.example.com"),
    ],
)
def test_an_origin_is_kept_with_its_path_and_without_the_version(given, expected):
    assert origin(given) == expected


@pytest.mark.parametrize(
    "given",
    [
        "http://stand-in.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://0.0.0.0:4000",
        "http://2130706433",
        "ftp://127.0.0.1",
        "127.0.0.1:4000",
        "https://",
        "https://[::1",
        "https://host:99999",
        "https://key:secret@api.vendor.test",
        "https://api.vendor.test/?a=1",
        "https://api.vendor.test/#a",
    ],
)
def test_an_origin_that_would_leak_or_mislead_is_refused_by_the_name_of_its_setting(given):
    with pytest.raises(Permanent) as refused:
        origin(given)
    assert "VENDOR_API_BASE" in refused.value.reason
    assert "VENDOR_API_BASE" in refused.value.remedy
    assert "secret" not in refused.value.reason


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("1.5", 1.5),
        ("999999", 3600.0),
        ("-3", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
        ("٣", None),
        (None, None),
        ("Sat, 21 Nov 2026 12:00:30 GMT", 30.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0.0),
    ],
)
def test_a_retry_after_is_seconds_from_now_and_never_a_surprise(header, expected):
    assert http.retry_after_s(header, NOW) == expected


def fetch(url, **wishes):
    return http.download(url, **({"most_bytes": 1000, "deadline_s": 5, "from_this_machine": True} | wishes))


def test_a_file_is_downloaded_through_a_redirect(scripted):
    scripted.script += [
        Answer(status=302, headers={"Location": "/the-file"}),
        Answer(b"label"),
    ]
    assert fetch(f"{scripted.origin}/file") == b"label"
    assert scripted.paths() == ["GET /file", "GET /the-file"]


def test_a_file_longer_than_allowed_is_refused_with_and_without_its_length_announced(scripted):
    scripted.script += [
        Answer(b"x" * 1001),
        Answer(b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n", headers={"Transfer-Encoding": "chunked"}),
    ]
    for _ in range(2):
        with pytest.raises(Permanent, match="longer"):
            fetch(f"{scripted.origin}/file")


def test_a_circle_of_redirects_ends(scripted):
    scripted.script += [Answer(status=302, headers={"Location": "/file"}) for _ in range(9)]
    with pytest.raises(Permanent, match="circles"):
        fetch(f"{scripted.origin}/file")
    assert len(scripted.asked) == 4


@pytest.mark.parametrize(
    "url",
    [
        "http://label-files.example.com/a.png",
        "file:///etc/passwd",
        "https://user:pass@example.com/",
        "https://",
        "not an address",
        "https://[::1",
    ],
)
def test_an_address_that_is_not_https_is_never_opened(url):
    with pytest.raises(Permanent):
        fetch(url)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.0.0.7", "192.168.1.1", "169.254.169.254", "[::1]", "[fd00::1]", "0.0.0.7"]
)
def test_a_private_network_is_never_reached_from_a_vendors_address(host):
    with pytest.raises(Permanent, match="private network"):
        fetch(f"https://{host}/latest/meta-data", from_this_machine=False)


@pytest.mark.parametrize("address", ["10.0.0.7", "::ffff:10.0.0.7", "::ffff:127.0.0.1", "224.0.0.1"])
def test_a_name_that_resolves_into_a_private_network_is_not_connected_to(monkeypatch, address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: [(family, socket.SOCK_STREAM, 6, "", (address, 443))])
    with pytest.raises(Permanent, match="private network"):
        fetch("https://rebound.example.com/label.png", from_this_machine=False)


def test_a_redirect_from_this_machine_to_a_private_network_is_not_followed(scripted):
    scripted.script += [Answer(status=302, headers={"Location": "https://169.254.169.254/latest"})]
    with pytest.raises(Permanent, match="private network"):
        fetch(f"{scripted.origin}/file")


def test_a_store_of_files_that_is_busy_is_asked_again_when_it_says(scripted):
    scripted.script += [Answer(status=503, headers={"Retry-After": "9"})]
    with pytest.raises(Temporary) as busy:
        fetch(f"{scripted.origin}/file")
    assert busy.value.retry_in_s == 9.0


def test_a_missing_file_is_permanent(scripted):
    scripted.script += [Answer(status=404)]
    with pytest.raises(Permanent, match="404"):
        fetch(f"{scripted.origin}/file")


def test_a_file_that_breaks_off_is_temporary_and_never_half_a_file(scripted):
    scripted.script += [Answer(b"half", headers={"Content-Length": "100", "Connection": "close"})]
    with pytest.raises(Temporary):
        fetch(f"{scripted.origin}/file", deadline_s=1)


def test_a_name_that_does_not_resolve_is_temporary(monkeypatch):
    def nobody(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with pytest.raises(Temporary):
        fetch("https://nowhere.example.com/label.png")


def test_kept_clients_are_reused_and_the_oldest_leaves():
    kept = Kept(most=2)
    first = kept.get("a", object)
    assert kept.get("a", object) is first
    kept.get("b", object)
    kept.get("c", object)
    assert kept.get("a", object) is not first


def test_a_forked_child_starts_without_its_parents_clients():
    kept = Kept(most=2)
    mine = kept.get("a", object)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"new" if kept.get("a", object) is not mine else b"old")
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    assert os.read(reading, 10) == b"new"
    os.close(reading)
    assert kept.get("a", object) is mine


def test_a_download_ends_at_its_deadline(scripted):
    scripted.script += [Answer(b"late", after_s=0.3)]
    began = datetime.now(UTC)
    with pytest.raises(Temporary):
        fetch(f"{scripted.origin}/file", deadline_s=0.1)
    assert datetime.now(UTC) - began < timedelta(seconds=3)
