"""The stand-in's GraphQL schema: the SDL beside this file, its scalars, and a resolver on every field."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from graphql import GraphQLObjectType, GraphQLScalarType, GraphQLSchema, Undefined, build_schema

from sandbox.shopify_fields import Resolver


def sdl() -> str:
    """The whole schema as text; what a stand-in understands is what stands there."""
    return "\n".join(path.read_text() for path in sorted(Path(__file__).parent.glob("shopify_schema*.graphql")))


def executable(fields: Mapping[str, Mapping[str, Resolver]]) -> GraphQLSchema:
    """The schema with its resolvers: those given by type and field, else the record's attribute of that name."""
    schema = build_schema(sdl())
    for name in fields:
        if name not in schema.type_map:
            raise LookupError(f"no type {name} in the schema")
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            _resolve(type_, fields.get(type_.name, {}))
    _coerce_scalars(schema)
    return schema


def type_name(record: Any, *_: Any) -> str:
    """Which GraphQL type a record is."""
    return str(record["__typename"] if isinstance(record, dict) else record.kind)


def written(moment: datetime) -> str:
    """A DateTime as Shopify writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _resolve(type_: GraphQLObjectType, given: Mapping[str, Resolver]) -> None:
    for name in given:
        if name not in type_.fields:
            raise LookupError(f"no field {type_.name}.{name} in the schema")
    for name, field in type_.fields.items():
        field.resolve = given.get(name) or _plain(name)


def _plain(name: str) -> Resolver:
    attribute = {"id": "gid", "legacyResourceId": "id"}.get(name) or re.sub("[A-Z]", lambda m: f"_{m[0].lower()}", name)

    def resolve(record: Any, _info: Any, **_args: Any) -> Any:
        if isinstance(record, dict):
            return record.get(name)
        return getattr(record, attribute)

    return resolve


def _coerce_scalars(schema: GraphQLSchema) -> None:
    moments = cast("GraphQLScalarType", schema.type_map["DateTime"])
    numbers = cast("GraphQLScalarType", schema.type_map["UnsignedInt64"])
    moments.coerce_output_value = written
    moments.coerce_input_value = _moment
    # 64 bits do not fit a JSON number everywhere: a string, as Shopify does.
    numbers.coerce_output_value = str


def _moment(text: Any) -> Any:
    """A DateTime of an input; graphql-core's Undefined says that it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return Undefined
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
