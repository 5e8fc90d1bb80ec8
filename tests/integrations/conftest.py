"""What the connectors' tests share: the recordings, a vendor that answers from a script, and the notes of its calls."""

import os
from pathlib import Path

import pytest
from sandbox_vendor import SandboxVendor, running_sandbox
from scripted_vendor import ScriptedVendor

from integrations.ports import CallNote, Credentials, Origins


@pytest.fixture(scope="session")
def recordings() -> Path:
    folder = os.environ.get("PACKLINE_RECORDINGS")
    if not folder:
        pytest.skip("PACKLINE_RECORDINGS is not set: the vendors' recorded traffic is not at hand")
    return Path(folder)


@pytest.fixture
def scripted():
    vendor = ScriptedVendor()
    yield vendor
    vendor.close()


@pytest.fixture
def notes() -> list[CallNote]:
    return []


@pytest.fixture
def credentials() -> Credentials:
    return Credentials(account="", live=False, secrets={"api_key": "sk_test_packline"})


@pytest.fixture
def at_script(scripted) -> Origins:
    return Origins(stripe=scripted.origin, easypost=scripted.origin)


@pytest.fixture(scope="session")
def one_sandbox():
    yield from running_sandbox()


@pytest.fixture
def sandbox(one_sandbox) -> SandboxVendor:
    one_sandbox.do("/reset", {})
    return one_sandbox
