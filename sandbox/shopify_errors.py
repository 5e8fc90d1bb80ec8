"""Refusals in Shopify's own words: top-level errors with a code, and the userErrors of a mutation."""

from typing import Any, TypeVar

from graphql import GraphQLError

from sandbox.shopify_store import Shop
from sandbox.shopify_things import Thing

T = TypeVar("T", bound=Thing)


def refusal(code: str, message: str, **extensions: Any) -> GraphQLError:
    """A top-level error; GraphQL adds where in the document, the field's value becomes null."""
    return GraphQLError(message, extensions={"code": code, **extensions})


def user_error(field: list[str] | None, message: str, code: str | None = None) -> dict[str, Any]:
    return {"field": field, "message": message, "code": code}


def found(shop: Shop, gid: str, kind: type[T]) -> T | None:
    """The shop's thing with that id, or None for an id of the right kind that leads nowhere.

    Raises:
        GraphQLError: the id is of another kind, or of none; Shopify answers that as an invalid id.
    """
    thing = shop.things.get(gid)
    if isinstance(thing, kind):
        return thing
    if thing is None and gid.startswith(f"gid://shopify/{kind.kind}/"):
        return None
    raise unknown_id(gid)


def unknown_id(gid: str) -> GraphQLError:
    """As recorded for ids that lead nowhere, where a mutation has no userError for them."""
    return refusal("RESOURCE_NOT_FOUND", f"Invalid id: {gid}")
