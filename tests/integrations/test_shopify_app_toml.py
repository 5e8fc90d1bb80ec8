"""shopify.app.toml says what the code does: its scopes, its topics, its addresses, its version."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from graphql import OperationDefinitionNode, OperationType, parse

from commands import app as app_command
from commands import opening
from config.settings import Settings
from integrations.storefronts.shopify import VENDOR, app_file, app_home, compliance, documents, scopes, topics
from sandbox import shopify_act

FILE = Path(__file__).parents[2] / "shopify.app.toml"
VERSION = Settings.model_fields["shopify_api_version"].default
SAID = tomllib.loads(FILE.read_text("utf-8"))


def test_the_file_in_the_repository_is_the_one_that_is_written():
    assert FILE.read_text("utf-8") == app_file.written("", "", VERSION)


def test_every_topic_that_is_acted_on_comes_to_the_door():
    ordinary, lawful = SAID["webhooks"]["subscriptions"]

    assert set(ordinary["topics"]) == {*VENDOR.topics, "app/uninstalled", "app/scopes_update"}
    assert len(ordinary["topics"]) == len(set(ordinary["topics"]))
    assert lawful["compliance_topics"] == ["customers/data_request", "customers/redact", "shop/redact"]
    assert {*ordinary["topics"], *lawful["compliance_topics"], "orders/delete"} >= set(topics.TOPICS)
    assert all(topics.reader_of(topic) for topic in [*ordinary["topics"], *lawful["compliance_topics"]])
    assert set(compliance.COMPLIANCE).isdisjoint(VENDOR.topics)


def test_webhooks_are_addressed_in_full_because_a_relative_one_is_hung_onto_the_app_s_own_path():
    assert {one["uri"] for one in SAID["webhooks"]["subscriptions"]} == {f"{app_file.NO_PUBLIC_URL}/hooks/shopify"}


def test_the_addresses_are_those_that_the_pages_answer_at(app):
    asked = app.url_map.bind("packline.example.com")

    assert SAID["application_url"] == f"{app_file.NO_PUBLIC_URL}/app"
    assert SAID["auth"]["redirect_urls"] == [f"{app_file.NO_PUBLIC_URL}/auth/callback"]
    for path in ("/app", "/auth/callback", "/auth/install", app_home.PATCH_PATH):
        assert asked.match(path, method="GET")


def test_the_version_is_the_one_that_is_spoken():
    assert SAID["webhooks"]["api_version"] == VERSION == shopify_act.CURRENT_VERSION


def test_the_scopes_are_those_that_the_code_wants():
    assert SAID["access_scopes"]["scopes"].split(",") == list(scopes.REQUIRED)
    assert SAID["access_scopes"]["optional_scopes"] == list(scopes.OPTIONAL)
    assert SAID["access_scopes"]["use_legacy_install_flow"] is False
    assert not set(scopes.REQUIRED) & set(scopes.OPTIONAL)


# Which scope each change that Packline makes at Shopify asks for, by Shopify's own table (offline_scopes of 2026-10).
WRITES = {
    "fulfillmentCreate": {"write_merchant_managed_fulfillment_orders", "write_third_party_fulfillment_orders"},
    "fulfillmentTrackingInfoUpdate": {"write_merchant_managed_fulfillment_orders"},
    "fulfillmentOrderHold": {"write_merchant_managed_fulfillment_orders"},
    "fulfillmentOrderLineItemsPreparedForPickup": {"write_merchant_managed_fulfillment_orders"},
    "fulfillmentOrderMove": {"write_merchant_managed_fulfillment_orders"},
    "fulfillmentOrderReleaseHold": {"write_merchant_managed_fulfillment_orders"},
    "fulfillmentCancel": {"write_merchant_managed_fulfillment_orders"},
    "fulfillmentEventCreate": {"write_fulfillments"},
    "orderMarkAsPaid": {"write_orders"},
    "orderCancel": {"write_orders"},
    "orderUpdate": {"write_orders"},
    "refundCreate": {"write_orders"},
    "inventoryActivate": {"write_inventory"},
    "inventoryAdjustQuantities": {"write_inventory"},
    "inventoryMoveQuantities": {"write_inventory"},
    "orderEditBegin": {"write_order_edits"},
    "orderEditSetQuantity": {"write_order_edits"},
    "orderEditAddVariant": {"write_order_edits"},
    "orderEditCommit": {"write_order_edits"},
    "tagsAdd": {"write_orders"},
    "webhookSubscriptionCreate": set(),
    "webhookSubscriptionDelete": set(),
}


def test_every_change_that_packline_makes_is_covered_by_a_required_scope_and_none_is_asked_in_vain():
    made = {
        field.name.value
        for name in documents.names()
        for operation in parse(documents.text(name)).definitions
        if isinstance(operation, OperationDefinitionNode) and operation.operation is OperationType.MUTATION
        for field in operation.selection_set.selections
    }

    assert made == made & set(WRITES), f"say which scope {made - set(WRITES)} asks for"
    asked = {scope for change in made for scope in WRITES[change]}
    assert asked - set(scopes.OPTIONAL) == {scope for scope in scopes.REQUIRED if scope.startswith("write_")}
    assert asked & set(scopes.OPTIONAL) == {"write_order_edits"}


@pytest.mark.parametrize(
    ("granted", "lacking"),
    [
        (tuple(scopes.REQUIRED), []),
        ((), list(scopes.REQUIRED)),
        ((*(one for one in scopes.REQUIRED if one != "read_products"), "write_products"), []),
        ((*(one for one in scopes.REQUIRED if one != "write_orders"), "read_orders"), ["write_orders"]),
    ],
)
def test_what_may_be_written_may_be_read_and_not_the_other_way_round(granted, lacking):
    assert scopes.missing(granted) == lacking


def test_the_command_prints_it_for_this_installation(settings, monkeypatch):
    own = settings.model_copy(update={"shopify_client_id": "abc123", "public_url": "https://ours.example"})
    monkeypatch.setattr(opening, "settings", lambda: own)

    printed = CliRunner().invoke(app_command.group, ["toml"]).output
    plain = CliRunner().invoke(app_command.group, ["toml", "--placeholders"]).output

    assert plain == FILE.read_text("utf-8")
    assert tomllib.loads(printed)["client_id"] == "abc123"
    assert printed == app_file.written("abc123", "https://ours.example", VERSION)


def test_odd_addresses_and_ids_are_written_as_text():
    said = tomllib.loads(app_file.written('a"b\\', "https://x.example/\n", VERSION))

    assert (said["client_id"], said["application_url"]) == ('a"b\\', "https://x.example/\n/app")
