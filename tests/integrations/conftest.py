"""What the connectors' tests share: the recordings, a vendor that answers from a script, and the notes of its calls."""

import gc
import os
from pathlib import Path

import pytest
from sandbox_vendor import SandboxVendor, running_sandbox
from scripted_vendor import ScriptedVendor
from shopify_calls import client_of
from shopify_shop import Shop

from integrations import http
from integrations.carriers.easypost import client as easypost_client
from integrations.payments.stripe import client as stripe_client
from integrations.ports import CallNote, Credentials, Origins
from integrations.storefronts.shopify import transport as shopify_transport


@pytest.fixture(scope="session")
def recordings() -> Path:
    folder = os.environ.get("PACKLINE_RECORDINGS")
    if not folder:
        pytest.skip("PACKLINE_RECORDINGS is not set: the vendors' recorded traffic is not at hand")
    return Path(folder)


@pytest.fixture(scope="session", autouse=True)
def connections_let_go():
    """No connection outlives the tests, so that none is complained about when the interpreter ends."""
    yield
    for kept in (http._pools, easypost_client._clients, stripe_client._clients, shopify_transport._pools):
        kept.forget()
    gc.collect()


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


@pytest.fixture
def shop(sandbox, notes) -> Shop:
    """Shopify's part of the sandbox, with no store open yet."""
    return Shop(sandbox, notes)


@pytest.fixture
def shopify(scripted, notes):
    """Our way to a Shopify that answers from the script."""
    return client_of(scripted.origin, notes)
