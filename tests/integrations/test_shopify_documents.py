"""Every question that the Shopify connector can ask is one that Shopify understands, and costs what it allows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLOutputType,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    parse,
    validate,
)

from integrations.storefronts.shopify import carriers, documents
from tests import shopify_schema

# Required at run time since 2026-04 and invisible to validation: https://shopify.dev/docs/api/usage/idempotent-requests.
NEED_A_KEY = {
    *("inventoryActivate", "inventoryAdjustQuantities", "inventoryMoveQuantities", "inventorySetQuantities"),
    *("inventorySetOnHandQuantities", "inventoryShipmentAddItems", "inventoryShipmentCreate"),
    *("inventoryShipmentCreateInTransit", "inventoryShipmentReceive", "inventoryTransferCreate"),
    *("inventoryTransferCreateAsReadyToShip", "inventoryTransferDuplicate", "inventoryTransferSetItems"),
    *("locationActivate", "locationDeactivate", "refundCreate"),
}
# https://shopify.dev/docs/api/usage/limits: a single query may cost no more.
DEAREST = 1000


@pytest.mark.parametrize("version", shopify_schema.VERSIONS)
def test_every_document_is_valid_against_shopifys_own_schema(version):
    schema = shopify_schema.schema(version)

    errors = {name: validate(schema, parse(documents.text(name))) for name in documents.names()}

    assert {name: [error.message for error in found] for name, found in errors.items() if found} == {}
    assert len(errors) >= 20


def test_a_file_holds_the_one_operation_that_its_name_promises():
    named = {name: [operation.name.value for operation in _operations(name)] for name in documents.names()}

    assert named == {name: [name] for name in documents.names()}


def test_a_mutation_that_shopify_wants_a_key_for_carries_one():
    keyless = [
        field.name.value
        for name in documents.names()
        for field in _mutations(name)
        if field.name.value in NEED_A_KEY
        and not any(
            directive.name.value == "idempotent" and any(given.name.value == "key" for given in directive.arguments)
            for directive in field.directives
        )
    ]

    assert keyless == []


@pytest.mark.parametrize("version", shopify_schema.VERSIONS)
def test_no_document_uses_what_shopify_has_deprecated(version):
    schema = shopify_schema.schema(version)

    for name in documents.names():
        document = parse(documents.text(name))
        used = [(field.name.value, reason) for field, reason in _deprecated(schema, document)]
        assert used == [], name
        assert not re.search(r"\b(?!countryCodeV2\b)\w+V2\b", documents.text(name)), name


def test_releasing_names_its_holds_because_without_names_shopify_releases_everybodys():
    assert "$holdIds: [ID!]!" in documents.text("Release")


@pytest.mark.parametrize("name", documents.names())
def test_no_question_costs_more_than_shopify_answers(name):
    schema = shopify_schema.schema("2026-10")

    assert _dearest_cost(schema, parse(documents.text(name))) <= DEAREST


def test_no_graphql_stands_outside_the_documents():
    folder = documents.FOLDER.parent
    looks_like_graphql = re.compile(r"\b(query|mutation|fragment)\s+\w*\s*[({]|\{\s*\w+\s*\{")

    found = [path.name for path in folder.glob("*.py") if looks_like_graphql.search(path.read_text("utf-8"))]

    assert found == []


def test_every_document_is_sent_by_some_code():
    code = "".join(path.read_text("utf-8") for path in documents.FOLDER.parent.glob("*.py"))

    assert [name for name in documents.names() if f'"{name}"' not in code] == []
    asked = set(re.findall(r'\.(?:ask|tell)\(\s*"(\w+)"', code))
    assert asked == set(documents.names())


def test_every_fragment_is_spread_by_some_document():
    fragments = {path.stem for path in documents.FOLDER.glob("*Parts.graphql")}
    spread = {
        definition.name.value
        for name in documents.names()
        for definition in parse(documents.text(name)).definitions
        if isinstance(definition, FragmentDefinitionNode)
    }

    assert spread == fragments


def test_the_documents_are_shipped_with_the_package():
    settings = Path(documents.FOLDER.parents[3] / "pyproject.toml").read_text("utf-8")

    assert 'integrations = ["**/*.graphql"]' in settings


@pytest.mark.parametrize("version", shopify_schema.VERSIONS)
def test_every_carrier_we_spell_is_on_shopifys_list(version):
    company = shopify_schema.schema(version).type_map["FulfillmentTrackingInfo"].fields["company"].description
    listed = {line.strip().removeprefix("* ") for line in company.splitlines() if line.strip().startswith("* ")}
    in_countries = {name.strip(" .") for line in company.splitlines() for name in line.rpartition(":")[2].split(",")}
    own = set(carriers.LISTED) | set(carriers._OTHER_NAMES.values())

    assert {name for name in own if name not in listed | in_countries} == set()


def _operations(name: str) -> list[OperationDefinitionNode]:
    definitions = parse(documents.text(name)).definitions
    return [definition for definition in definitions if isinstance(definition, OperationDefinitionNode)]


def _mutations(name: str) -> list[FieldNode]:
    return [
        field
        for operation in _operations(name)
        if operation.operation is OperationType.MUTATION
        for field in operation.selection_set.selections
        if isinstance(field, FieldNode)
    ]


def _deprecated(schema, document: DocumentNode):
    for kind, selections in _roots(schema, document):
        yield from _deprecated_within(schema, document, kind, selections)


def _deprecated_within(schema, document: DocumentNode, kind, selections: SelectionSetNode):
    for field, owner in _fields(schema, document, kind, selections):
        definition = owner.fields[field.name.value]
        if definition.deprecation_reason is not None:
            yield field, definition.deprecation_reason
        if field.selection_set:
            yield from _deprecated_within(schema, document, get_named_type(definition.type), field.selection_set)


def _dearest_cost(schema, document: DocumentNode) -> int:
    """Shopify's cost as its documentation words it: an object 1, a connection its `first` times what each node costs,
    a mutation 10. Recorded answers charge much less for a large `first`, so that this is the upper bound."""
    return sum(
        _cost(schema, document, kind, selections)
        + (10 * len(selections.selections) if kind is schema.mutation_type else 0)
        for kind, selections in _roots(schema, document)
    )


def _cost(schema, document: DocumentNode, kind, selections: SelectionSetNode) -> int:
    return sum(
        _field_cost(schema, document, owner.fields[field.name.value].type, field)
        for field, owner in _fields(schema, document, kind, selections)
    )


def _field_cost(schema, document: DocumentNode, returned: GraphQLOutputType, field: FieldNode) -> int:
    kind = get_named_type(returned)
    if field.selection_set is None:
        return 0
    inner = _cost(schema, document, kind, field.selection_set)
    if field.name.value == "nodes" and isinstance(kind, GraphQLObjectType):
        return 1 + inner
    if kind.name.endswith("Connection"):
        return 2 + _first(field) * inner
    if field.name.value == "nodes":  # QueryRoot.nodes(ids:): one node an id
        return 20 * (1 + inner)
    # A list without pages counts as one object (recorded: five fulfillments cost 1), so its length is not asked.
    return 1 + inner


def _first(field: FieldNode) -> int:
    sizes = [given.value for given in field.arguments if given.name.value == "first"]
    assert sizes, f"{field.name.value} is asked for without `first`"
    assert isinstance(sizes[0], IntValueNode), f"{field.name.value}: a page size that the document does not fix"
    return int(sizes[0].value)


def _roots(schema, document: DocumentNode):
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            yield schema.get_root_type(definition.operation), definition.selection_set


def _fields(schema, document: DocumentNode, kind, selections: SelectionSetNode):
    """The fields of a selection with the type that owns each, spreads resolved."""
    for selection in selections.selections:
        if isinstance(selection, FieldNode):
            yield selection, kind
        elif isinstance(selection, InlineFragmentNode):
            narrowed = schema.type_map[selection.type_condition.name.value]
            yield from _fields(schema, document, narrowed, selection.selection_set)
        elif isinstance(selection, FragmentSpreadNode):
            fragment = next(
                one
                for one in document.definitions
                if isinstance(one, FragmentDefinitionNode) and one.name.value == selection.name.value
            )
            narrowed = schema.type_map[fragment.type_condition.name.value]
            yield from _fields(schema, document, narrowed, fragment.selection_set)
