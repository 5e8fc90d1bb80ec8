"""The stand-in's schema is a true subset of Shopify's own: what passes here is written as Shopify understands it."""

import pytest
import shopify_schema as shopifys_own
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    Undefined,
    build_schema,
    is_required_argument,
    is_required_input_field,
    print_ast,
)

from sandbox import shopify_schema

BUILT_IN = {"String", "Int", "Float", "Boolean", "ID"}


def departures(ours, theirs):
    """Where a schema says what Shopify's does not, one sentence each."""
    roots = [(ours.query_type, theirs.query_type), (ours.mutation_type, theirs.mutation_type)]
    found = [f"root {ours_.name} is Shopify's {theirs_.name}" for ours_, theirs_ in roots if ours_.name != theirs_.name]
    for name, type_ in ours.type_map.items():
        if name in BUILT_IN or name.startswith("__"):
            continue
        if name not in theirs.type_map:
            found.append(f"type {name} is not Shopify's")
        elif type(type_) is not type(theirs.type_map[name]):
            found.append(f"{name} is a {type(theirs.type_map[name]).__name__} at Shopify")
        else:
            found += _in_type(type_, theirs.type_map[name])
    return found + _in_directives(ours, theirs)


def _in_type(ours, theirs):
    if isinstance(ours, GraphQLEnumType):
        return [f"{ours.name}.{value} is no value" for value in ours.values if value not in theirs.values]
    if isinstance(ours, GraphQLUnionType):
        members = {member.name for member in theirs.types}
        return [f"{ours.name} has no member {one.name}" for one in ours.types if one.name not in members]
    if isinstance(ours, GraphQLInputObjectType):
        return _in_arguments(ours.name, ours.fields, theirs.fields, is_required_input_field)
    if isinstance(ours, (GraphQLObjectType, GraphQLInterfaceType)):
        known = {one.name for one in theirs.interfaces}
        found = [f"{ours.name} implements no {one.name}" for one in ours.interfaces if one.name not in known]
        for name, field in ours.fields.items():
            found += _in_field(f"{ours.name}.{name}", field, theirs.fields.get(name))
        return found
    return []


def _in_field(path, ours, theirs):
    if theirs is None:
        return [f"{path} is not Shopify's"]
    found = [f"{path} is {theirs.type}, not {ours.type}"] if str(ours.type) != str(theirs.type) else []
    return found + _in_arguments(path, ours.args, theirs.args, is_required_argument)


def _in_arguments(path, ours, theirs, is_required):
    found = [
        f"{path} lacks the required {name}" for name, one in theirs.items() if is_required(one) and name not in ours
    ]
    for name, argument in ours.items():
        if name not in theirs:
            found.append(f"{path} takes no {name}")
        elif str(argument.type) != str(theirs[name].type):
            found.append(f"{path}: {name} is {theirs[name].type}, not {argument.type}")
        elif _default(argument) != _default(theirs[name]):
            found.append(f"{path}: {name} is {_default(theirs[name])} by default, not {_default(argument)}")
    return found


def _default(argument):
    default = argument.default
    return print_ast(default.literal) if default not in (None, Undefined) and default.literal else None


def _in_directives(ours, theirs):
    found = []
    for directive in ours.directives:
        other = theirs.get_directive(directive.name)
        if directive.name == "idempotent":
            found += [] if other else ["there is no @idempotent"]
            found += _in_arguments("@idempotent", directive.args, other.args, is_required_argument)
            found += [
                f"@idempotent is not for {place.value}" for place in directive.locations if place not in other.locations
            ]
    return found


@pytest.mark.parametrize("version", shopifys_own.VERSIONS)
def test_everything_the_stand_in_understands_is_shopifys_own(version):
    ours = build_schema(shopify_schema.sdl())
    assert departures(ours, shopifys_own.schema(version)) == []
    # The comparison looked at something: the whole of what an app that ships needs.
    assert len(ours.type_map) > 150
    assert len(ours.mutation_type.fields) == 27
    assert ours.get_directive("idempotent") is not None


# What the comparison must say: what stands in our schema, and what it is turned into.
DRIFT = {
    "Order.colour is not Shopify's": (
        "type Order implements",
        "extend type Order { colour: Int }\ntype Order implements",
    ),
    "Order.name is String!, not String": (" name: String!, number: Int!", " name: String, number: Int!"),
    "Fulfillment.trackingInfo: first is Int, not Int!": ("trackingInfo(first: Int)", "trackingInfo(first: Int!)"),
    "QueryRoot.nodes lacks the required ids": ("nodes(ids: [ID!]!)", "nodes"),
    "QueryRoot.order takes no name": ("order(id: ID!): Order", "order(id: ID!, name: String): Order"),
    "FulfillmentOrderHoldInput lacks the required reason": ("false, reason: FulfillmentHoldReason!", "false"),
    'FulfillmentOrderHoldInput: handle is "" by default, not None': ('handle: String = ""', "handle: String"),
    "OrderCancelReason.BORED is no value": ("enum OrderCancelReason {", "enum OrderCancelReason { BORED"),
    "type Parcel is not Shopify's": ("type UserError", "type Parcel { id: ID! }\ntype UserError"),
    "Job implements no Node": ("type Job {", "type Job implements Node {"),
    "@idempotent: key is String!, not String": ("@idempotent(key: String!)", "@idempotent(key: String)"),
    "@idempotent is not for mutation": ("on FIELD", "on FIELD | MUTATION"),
}


@pytest.mark.parametrize("drift", DRIFT)
def test_the_comparison_sees_a_schema_that_drifts(drift):
    right, wrong = DRIFT[drift]
    assert right in shopify_schema.sdl()
    drifted = build_schema(shopify_schema.sdl().replace(right, wrong, 1), assume_valid=True, assume_valid_sdl=True)
    assert departures(drifted, shopifys_own.schema("2026-10")) == [drift]
