"""A vendor is one file in its folder; what the file forgets is said, and what it builds has every verb of its role."""

import textwrap
import types

import pytest

from integrations import carriers, registry
from integrations.ports import Carrier, Credentials, Origins, Payments, Vendor


class Bell:
    vendor = "pigeon"
    signature_header = "x-pigeon"


def pigeon(**changes):
    return Vendor(
        **({"name": "pigeon", "role": "carrier", "door": Bell(), "build": _loft, "secret_names": ("ring",)} | changes)
    )


def _loft(credentials, origins, notice):
    return object()


@pytest.fixture
def fresh():
    registry._vendors.cache_clear()
    yield
    registry._vendors.cache_clear()


def test_the_shipped_vendors_are_found_by_name_and_by_role():
    assert {"easypost", "stripe"} <= {vendor.name for vendor in registry.vendors()}
    assert registry.vendor("easypost").role == "carrier"
    assert [vendor.name for vendor in registry.vendors("payments")] == ["stripe"]
    assert registry.vendors("postman") == ()


def test_every_door_is_found_under_its_vendors_name():
    assert all(door.vendor == name for name, door in registry.doors().items())
    assert registry.doors()["stripe"].signature_header == "stripe-signature"
    assert registry.doors()["easypost"].signature_header == "x-hmac-signature"


def test_an_unknown_vendor_is_a_key_error_that_names_the_known_ones():
    with pytest.raises(KeyError) as unknown:
        registry.vendor("pigeon")
    assert isinstance(unknown.value, registry.UnknownVendor)
    assert "'pigeon'" in str(unknown.value)
    assert "easypost" in str(unknown.value)


def test_a_built_connector_has_every_verb_of_its_role():
    made = [
        registry.vendor(name).build(Credentials(account="", live=False, secrets={"api_key": "k"}), Origins(), print)
        for name in ("stripe", "easypost")
    ]
    assert isinstance(made[0], Payments)
    assert isinstance(made[1], Carrier)


def test_a_connector_without_a_verb_is_refused_when_it_is_built():
    module = types.ModuleType("pigeon")
    module.VENDOR = pigeon()
    vendor = registry._shaped(module, "carrier", Carrier)
    with pytest.raises(
        registry.MisshapenVendor, match="buy, drop_hook, enable_hook, estimate, fetch_label, find_label"
    ):
        vendor.build(Credentials(account="", live=False, secrets={}), Origins(), print)


@pytest.mark.parametrize(
    ("offered", "fault"),
    [
        (None, "has no VENDOR"),
        ("pigeon", "has no VENDOR"),
        (pigeon(role="payments"), "its role is 'payments'"),
        (pigeon(name="dove"), "its door says 'pigeon'"),
        (pigeon(secret_names=()), "names no secret"),
    ],
)
def test_a_file_that_breaks_the_contract_is_named_with_its_fault(offered, fault):
    module = types.ModuleType("integrations.carriers.pigeon")
    module.VENDOR = offered
    with pytest.raises(registry.MisshapenVendor, match=fault) as broken:
        registry._shaped(module, "carrier", Carrier)
    assert "integrations.carriers.pigeon" in str(broken.value)


def test_two_vendors_of_one_name_are_refused():
    with pytest.raises(registry.MisshapenVendor, match="'pigeon'"):
        registry._by_name([pigeon(), pigeon()])


@pytest.mark.usefixtures("fresh")
def test_a_new_vendor_is_one_new_file(tmp_path, monkeypatch):
    (tmp_path / "pigeon.py").write_text(
        textwrap.dedent(
            """
            from integrations.ports import Vendor

            class Bell:
                vendor = "pigeon"
                signature_header = "x-pigeon"

            VENDOR = Vendor(name="pigeon", role="carrier", door=Bell(), build=print, secret_names=("ring",))
            """
        )
    )
    monkeypatch.setattr(carriers, "__path__", [*carriers.__path__, str(tmp_path)])
    assert registry.vendor("pigeon").secret_names == ("ring",)


@pytest.mark.parametrize(
    ("vendor", "key", "live"),
    [
        ("stripe", "sk_live_1", True),
        ("stripe", "rk_live_1", True),
        ("stripe", "sk_org_live_1", True),
        ("stripe", "sk_test_1", False),
        ("stripe", "rk_test_live_1", False),
        ("stripe", "anything", False),
        ("stripe", "", False),
        ("easypost", "EZAK1", True),
        ("easypost", "EZTK1", False),
        ("easypost", "anything", False),
    ],
)
def test_only_a_key_that_says_so_is_live(vendor, key, live):
    assert registry.vendor(vendor).is_live({"api_key": key}) is live


@pytest.mark.parametrize(("vendor", "setting"), [("stripe", "STRIPE_API_BASE"), ("easypost", "EASYPOST_API_BASE")])
def test_plain_http_to_another_machine_is_refused_by_the_settings_name(vendor, setting, credentials):
    origins = Origins(stripe="http://stripe.example.com", easypost="http://easypost.example.com")
    with pytest.raises(Exception, match=setting):
        registry.vendor(vendor).build(credentials, origins, print)
