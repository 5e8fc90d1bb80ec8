"""Answers GraphQL documents as the Admin API does: validated once each, executed, refused in Shopify's shapes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
    value_from_ast_untyped,
)

from sandbox import shopify_cost, shopify_refusals, shopify_schema
from sandbox.shopify_act import Act
from sandbox.shopify_fields import Resolver

# An app has some dozens of documents; a test that makes them up must not fill the memory.
KEPT_DOCUMENTS = 500


@dataclass(slots=True)
class Prepared:
    """A document known to be valid, with its costs by operation and page sizes; or why it is not."""

    document: DocumentNode | None
    errors: list[dict[str, Any]]
    costs: dict[tuple[Any, ...], int] = field(default_factory=dict)

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        return get_operation_ast(self.document, name) if self.document else None

    def cost(self, operation: OperationDefinitionNode, variables: dict[str, Any]) -> int:
        sizes = tuple(sorted((key, value) for key, value in variables.items() if isinstance(value, int)))
        key = (operation.name.value if operation.name else None, sizes)
        if key not in self.costs and self.document:
            self.costs[key] = shopify_cost.requested(self.document, operation, variables)
        return self.costs[key]


class Engine:
    """One schema, and the documents it has seen."""

    def __init__(self, fields: Mapping[str, Mapping[str, Resolver]]) -> None:
        self.schema: GraphQLSchema = shopify_schema.executable(fields)
        self._seen: dict[str, Prepared] = {}

    def prepare(self, text: str) -> Prepared:
        """Parse and validate, once for each text."""
        known = self._seen.get(text)
        if known is None:
            if len(self._seen) >= KEPT_DOCUMENTS:
                self._seen.clear()
            known = self._seen[text] = self._prepared(text)
        return known

    def run(
        self, prepared: Prepared, operation: OperationDefinitionNode, variables: dict[str, Any], act: Act
    ) -> dict[str, Any]:
        """`data` and `errors` of the answer."""
        if prepared.document is None:
            return {"errors": prepared.errors}
        result = execute_sync(
            self.schema,
            prepared.document,
            context_value=act,
            variable_values=variables,
            operation_name=operation.name.value if operation.name else None,
            type_resolver=shopify_schema.type_name,
        )
        if result.errors and result.data is None and all(error.path is None for error in result.errors):
            return {"errors": shopify_refusals.variables(self.schema, operation, variables) or _shown(result.errors)}
        return {**({"errors": _shown(result.errors)} if result.errors else {}), "data": result.data}

    def _prepared(self, text: str) -> Prepared:
        try:
            document = parse(text)
        except GraphQLError as problem:
            return Prepared(None, _shown([problem]))
        errors = [shopify_refusals.validation(document, error) for error in validate(self.schema, document)]
        return Prepared(None if errors else document, errors)


def operation_name(operation: OperationDefinitionNode | None) -> str:
    """What the call log and the faults call this: its first root field, as `fulfillmentCreate`."""
    if operation is None:
        return "invalid"
    return next((node.name.value for node in operation.selection_set.selections if isinstance(node, FieldNode)), "none")


def idempotency_key(operation: OperationDefinitionNode | None, variables: dict[str, Any]) -> str | None:
    """The key of the first field that bears one, for the call log."""
    for node in operation.selection_set.selections if operation else ():
        for directive in node.directives or ():
            if directive.name.value == "idempotent" and directive.arguments:
                given = value_from_ast_untyped(directive.arguments[0].value, variables)
                return given if isinstance(given, str) else None
    return None


def _shown(errors: list[GraphQLError]) -> list[dict[str, Any]]:
    for error in errors:
        if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
            # A fault of the stand-in, not the caller's mistake: it must be seen, not answered.
            raise error.original_error
    return [dict(error.formatted) for error in errors]
