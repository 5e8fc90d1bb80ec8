"""The stand-in against Shopify, stock and subscriptions: the same mistake is refused in the same words."""

import pytest
from shopify_caller import Caller
from shopify_replay import payload, plain, read

GROUP = """inventoryAdjustmentGroup { id createdAt reason referenceDocumentUri
  changes { name delta quantityAfterChange item { id } location { id name } } } userErrors { field message code }"""
MUTATIONS = {
    "Set": ("InventorySetQuantitiesInput", "inventorySetQuantities"),
    "Adjust": ("InventoryAdjustQuantitiesInput", "inventoryAdjustQuantities"),
    "Move": ("InventoryMoveQuantitiesInput", "inventoryMoveQuantities"),
}
CONTRACTS = {
    "inventorySetQuantities": "Set",
    "missingSetIdempotency": "Set",
    "missingSetChangeFromQuantity": "Set",
    "legacySetShape": "Set",
    "inventoryAdjustQuantities": "Adjust",
    "missingAdjustIdempotency": "Adjust",
    "missingAdjustChangeFromQuantity": "Adjust",
    "unknownIdValidation/setUnknownInventoryItem": "Set",
    "unknownIdValidation/setUnknownLocation": "Set",
    "unknownIdValidation/adjustUnknownInventoryItem": "Adjust",
    "unknownIdValidation/adjustUnknownLocation": "Adjust",
    "unknownIdValidation/moveUnknownInventoryItem": "Move",
    "unknownIdValidation/moveUnknownLocation": "Move",
}
SUBSCRIPTION = """id topic format includeFields metafieldNamespaces filter createdAt updatedAt
  endpoint { __typename ... on WebhookHttpEndpoint { callbackUrl } }"""
CREATE = f"""mutation Create($topic: WebhookSubscriptionTopic!, $webhookSubscription: WebhookSubscriptionInput!) {{
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $webhookSubscription) {{
    webhookSubscription {{ {SUBSCRIPTION} }} userErrors {{ field message }} }} }}"""
UPDATE = f"""mutation Update($id: ID!, $webhookSubscription: WebhookSubscriptionInput!) {{
  webhookSubscriptionUpdate(id: $id, webhookSubscription: $webhookSubscription) {{
    webhookSubscription {{ {SUBSCRIPTION} }} userErrors {{ field message }} }} }}"""
READ = f"query Read($id: ID!) {{ webhookSubscription(id: $id) {{ {SUBSCRIPTION} }} }}"
DELETE = """mutation Delete($id: ID!) { webhookSubscriptionDelete(id: $id) {
  deletedWebhookSubscriptionId userErrors { field message } } }"""


@pytest.fixture
def store(sandbox):
    return Caller(sandbox).open(
        variants=[{"sku": "TEA", "stock": {"Shop location": 0}}], locations=[{"name": "Shop location"}]
    )


def document(kind, *, keyed=True):
    type_, field = MUTATIONS[kind]
    key, directive = (", $idempotencyKey: String!", "@idempotent(key: $idempotencyKey)") if keyed else ("", "")
    return f"mutation {kind}($input: {type_}!{key}) {{ {field}(input: $input) {directive} {{ {GROUP} }} }}"


def ours(value, store):
    """Variables with this store's item and location in place of the recorded ones; the unknown stay unknown."""
    if isinstance(value, dict):
        return {name: ours(inner, store) for name, inner in value.items()}
    if isinstance(value, list):
        return [ours(inner, store) for inner in value]
    if not isinstance(value, str) or "/999999999999" in value:
        return value
    if value.startswith("gid://shopify/InventoryItem/"):
        return store.item("TEA")
    return store.location("Shop location") if value.startswith("gid://shopify/Location/") else value


def both(call, store, text):
    answered = store.ask(text, ours(call["variables"], store), version="2026-04")
    return plain(payload(call)), plain(answered)


def without_codes(answer):
    """Some recordings did not ask for the code."""
    for result in answer["data"].values():
        for error in result["userErrors"]:
            error.pop("code", None)
    return answer


def test_quantities_change_and_are_refused_as_recorded(store, recordings):
    recording = read(recordings, "2026-04__products__inventory-quantity-contracts-2026-04")
    for path, kind in CONTRACTS.items():
        call = recording
        for step in path.split("/"):
            call = call[step]
        keyed = "idempotencyKey" in call["variables"] and "Idempotency" not in path
        recorded, answered = both(call, store, document(kind, keyed=keyed))
        assert answered == recorded, path
    assert store.stock("TEA", "Shop location")["on_hand"] == 7


def test_moving_lists_both_states_and_no_total(store, recordings):
    recording = read(recordings, "2026-04__products__inventory-move-adjustment-group-shape")
    seed = recording["setup"]["seedSet"]
    assert both(seed, store, document("Set"))[1]["data"]["inventorySetQuantities"]["userErrors"] == []
    text = document("Move").replace("item { id } location", "ledgerDocumentUri location")
    text = text.replace("userErrors { field message code }", "userErrors { field message }")
    recorded, answered = both(recording["move"], store, text)
    assert answered == recorded
    level = store.stock("TEA", "Shop location")
    assert (level["available"], level["damaged"], level["on_hand"]) == (3, 2, 5)


@pytest.mark.parametrize("case", ["adjustOnHand", "adjustCommitted", "moveOnHand", "moveCommitted"])
def test_states_that_are_not_an_apps_to_change_are_refused_as_recorded(store, recordings, case):
    call = read(recordings, "2026-04__products__inventory-adjust-name-allowlist")["cases"][case]
    recorded, answered = both(call, store, document("Adjust" if case.startswith("adjust") else "Move"))
    assert without_codes(answered) == without_codes(recorded)
    assert store.stock("TEA", "Shop location")["on_hand"] == 0


@pytest.mark.parametrize("case", ["unknownReasonSet", "emptyReasonSet", "unknownReasonAdjust", "unknownReasonMove"])
def test_an_unknown_reason_is_refused_as_recorded(store, recordings, case):
    call = read(recordings, "2026-04__products__inventory-reason-validation")["invalidReasonCases"][case]
    kind = next(kind for kind in MUTATIONS if case.endswith(kind))
    # The recorded level held 1, which the check of the quantity before would else refuse first.
    store.sandbox.control(
        "POST",
        "/shopify/inventory",
        {"shop": store.shop["domain"], "sku": "TEA", "location": "Shop location", "on_hand": 1},
    )
    recorded, answered = both(call, store, document(kind))
    assert answered == recorded


def test_subscriptions_live_and_are_refused_as_recorded(store, recordings):
    recording = read(recordings, "2026-04__webhooks__webhook-subscription-conformance")
    ids = {}

    def replay(call, text):
        wish = call["variables"] | ({"id": ids.get(call["variables"]["id"])} if "id" in call["variables"] else {})
        answered = store.ask(text, wish, version="2026-04")
        made = payload(call)["data"].get("webhookSubscriptionCreate", {}).get("webhookSubscription")
        if made:
            ids[made["id"]] = answered["data"]["webhookSubscriptionCreate"]["webhookSubscription"]["id"]
        return plain(answered) == plain(payload(call)) or (plain(answered), plain(payload(call)))

    documents = {"create": CREATE, "update": UPDATE, "detail": READ, "postDelete": READ, "delete": DELETE}
    replayed = 0
    for chapter in ("lifecycle", "filterDefault", "filterValidation", "updateValidation"):
        for name, call in recording[chapter].items():
            text = next((text for kind, text in documents.items() if name.startswith(kind)), None)
            if text is not None:
                assert replay(call, text) is True, f"{chapter}/{name}"
                replayed += 1
    assert replayed == 26
    text = """mutation Validation($unknownId: ID!, $unknownUpdateInput: WebhookSubscriptionInput!) {
      updateUnknown: webhookSubscriptionUpdate(id: $unknownId, webhookSubscription: $unknownUpdateInput) {
        webhookSubscription { id } userErrors { field message } }
      deleteUnknown: webhookSubscriptionDelete(id: $unknownId) {
        deletedWebhookSubscriptionId userErrors { field message } }
      createMissingUri: webhookSubscriptionCreate(topic: SHOP_UPDATE, webhookSubscription: { format: JSON }) {
        webhookSubscription { id } userErrors { field message } } }"""
    call = recording["validation"]
    assert plain(store.ask(text, call["variables"])) == plain(payload(call))
    text = """mutation MissingCreateWebhookTopic {
      webhookSubscriptionCreate(webhookSubscription: { uri: "https://example.com" }) { userErrors { message } } }"""
    assert plain(store.ask(text)) == plain(payload(recording["graphqlValidation"]["missingCreateTopic"]))
