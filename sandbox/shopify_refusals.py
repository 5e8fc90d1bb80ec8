"""Puts graphql-core's complaints about a document or its variables into the words and shapes recorded from Shopify."""

import re
from collections.abc import Callable
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    is_input_type,
    is_non_null_type,
    print_ast,
    type_from_ast,
    validate_input_value,
)

_UNDEFINED_FIELD = re.compile(r"Cannot query field '(?P<field>\w+)' on type '(?P<type>\w+)'")
_UNKNOWN_ARGUMENT = re.compile(r"Unknown argument '(?P<argument>\w+)' on field '(?P<type>\w+)\.(?P<field>\w+)'")
_MISSING_ARGUMENT = re.compile(r"Argument '\w+\.(?P<field>\w+)\((?P<argument>\w+):\)' of type '[^']+' is required")
_UNKNOWN_INPUT_FIELD = re.compile(r"value of type '(?P<type>\w+)'.* unknown field '(?P<field>\w+)'")
_MISSING_INPUT_FIELD = re.compile(r"to include required field '(?P<field>\w+)'")
_NULL = re.compile(r"non-null type '[^']+' not to be None")
_NO_SUCH_VALUE = re.compile(r"Value '(?P<value>[^']*)' does not exist in '(?P<enum>\w+)' enum")


def validation(document: DocumentNode, error: GraphQLError) -> dict[str, Any]:
    """One refusal of a document."""
    shown: dict[str, Any] = {
        "message": error.message,
        "locations": [dict(place.formatted) for place in error.locations or ()],
        "path": _path(document, error.nodes[0]) if error.nodes else [],
        "extensions": {"code": "invalidDocument"},
    }
    if found := _UNDEFINED_FIELD.search(error.message):
        shown["message"] = f"Field '{found['field']}' doesn't exist on type '{found['type']}'"
        shown["extensions"] = {"code": "undefinedField", "typeName": found["type"], "fieldName": found["field"]}
    elif found := _UNKNOWN_ARGUMENT.search(error.message):
        shown["message"] = f"Field '{found['field']}' doesn't accept argument '{found['argument']}'"
        shown["extensions"] = {
            "code": "argumentNotAccepted", "name": found["field"], "typeName": "Field",
            "argumentName": found["argument"],
        }  # fmt: skip
    elif found := _MISSING_ARGUMENT.search(error.message):
        shown["message"] = f"Field '{found['field']}' is missing required arguments: {found['argument']}"
        shown["extensions"] = {
            "code": "missingRequiredArguments", "className": "Field", "name": found["field"],
            "arguments": found["argument"],
        }  # fmt: skip
    return shown


def variables(schema: GraphQLSchema, operation: OperationDefinitionNode, given: dict[str, Any]) -> list[dict[str, Any]]:
    """What is wrong with the variables, one entry for each."""
    refused = []
    for definition in operation.variable_definitions or ():
        name, type_ = definition.variable.name.value, type_from_ast(schema, definition.type)
        if not is_input_type(type_) or (name not in given and not is_non_null_type(type_)):
            continue
        problems: list[dict[str, Any]] = []
        validate_input_value(given.get(name), type_, _noting(schema, problems))
        if problems:
            refused.append(_variable(name, print_ast(definition.type), given.get(name), problems, definition))
    return refused


def _noting(schema: GraphQLSchema, problems: list[dict[str, Any]]) -> Callable[[GraphQLError, Any], None]:
    return lambda error, path: problems.append(_problem(schema, error, path))


def _problem(schema: GraphQLSchema, error: GraphQLError, path: Any) -> dict[str, Any]:
    steps, said = [str(step) for step in path], error.message
    if found := _UNKNOWN_INPUT_FIELD.search(said):
        return {"path": [*steps, found["field"]], "explanation": f"Field is not defined on {found['type']}"}
    if found := _MISSING_INPUT_FIELD.search(said):
        return {"path": [*steps, found["field"]], "explanation": "Expected value to not be null"}
    if _NULL.search(said):
        return {"path": steps, "explanation": "Expected value to not be null"}
    if (found := _NO_SUCH_VALUE.search(said)) and isinstance(enum := schema.type_map[found["enum"]], GraphQLEnumType):
        return {"path": steps, "explanation": f'Expected "{found["value"]}" to be one of: {", ".join(enum.values)}'}
    return {"path": steps, "explanation": said}


def _variable(name: str, type_: str, value: Any, problems: list[dict[str, Any]], node: Node) -> dict[str, Any]:
    said = ", ".join(f"{'.'.join(one['path'])} ({one['explanation']})".lstrip() for one in problems)
    place = node.loc.start_token if node.loc else None
    return {
        "message": f"Variable ${name} of type {type_} was provided invalid value for {said}",
        "locations": [{"line": place.line, "column": place.column}] if place else [],
        "extensions": {"code": "INVALID_VARIABLE", "value": value, "problems": problems},
    }


def _path(document: DocumentNode, wanted: Node) -> list[str]:
    """The way to a node as Shopify tells it: the operation, then field after field."""
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            title = f"{definition.operation.value} {definition.name.value}" if definition.name else "query"
            if steps := _steps(definition, wanted):
                return [title, *steps]
    return []


def _steps(node: Any, wanted: Node) -> list[str]:
    for child in node.selection_set.selections if getattr(node, "selection_set", None) else ():
        own = [child.name.value] if isinstance(child, FieldNode) else []
        if child is wanted or wanted in (getattr(child, "arguments", None) or ()):
            return own
        if below := _steps(child, wanted):
            return [*own, *below]
    return []
