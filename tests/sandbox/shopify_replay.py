"""Sends again what was once recorded from Shopify, with this store's ids, and lets both answers be compared."""

import json
import re

GID = re.compile(r"gid://shopify/(\w+)/[\w?=&-]+")
NUMBER = re.compile(r"\b\d{9,}\b")
MOMENT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


def read(folder, name):
    return json.loads((folder / "shopify" / f"{name}.json").read_text())


def at(recording, path):
    for step in path.split("/"):
        recording = recording[int(step)] if isinstance(recording, list) else recording[step]
    return recording


def payload(call):
    """The body of a recorded answer, in whichever of the recordings' layouts."""
    answer = call["response"]
    return answer.get("payload", answer)


class Replay:
    """A store made like the recorded one, with the orders that were created there."""

    def __init__(self, caller, recording, creates=()):
        self.caller = caller
        self.ids = {}
        places = _places(recording) or {"gid://shopify/Location/1": "Shop location"}
        orders = [at(recording, path) for path in creates]
        lines = [line for order in orders for line in order["variables"]["order"]["lineItems"]]
        caller.open(
            locations=[{"name": name, "country_code": "CA"} for name in dict.fromkeys(places.values())],
            products=[_product(number, line, places) for number, line in enumerate(lines)],
            currency=lines[0]["priceSet"]["shopMoney"]["currencyCode"] if lines else "CAD",
        )
        self.ids |= {gid: caller.location(name) for gid, name in places.items()}
        numbers = iter(range(len(lines)))
        for order in orders:
            self._place(order, [(f"SKU-{next(numbers)}", line) for line in order["variables"]["order"]["lineItems"]])

    def send(self, call, document=None):
        """(recorded answer, our answer) without ids and times; what ids ours has, later calls will use."""
        variables = self.translated(call.get("variables") or {})
        answered = self.caller.ask(document or call["query"], variables, version="2026-04")
        recorded = payload(call)
        if plain(recorded) == plain(answered):
            self._learn(recorded, answered)
        return plain(recorded), plain(answered)

    def _place(self, create, rows):
        wish, created = create["variables"]["order"], payload(create)["data"]["orderCreate"]["order"]
        works = created.get("fulfillmentOrders", {}).get("nodes", [])
        more = {"location": works[0]["assignedLocation"]["name"]} if works and "assignedLocation" in works[0] else {}
        placed = self.caller.place(
            *[(sku, line["quantity"]) for sku, line in rows],
            **more,
            email=wish["email"],
            shipping=None,
            name=created.get("name"),
            financial_status="paid" if wish.get("transactions") else "pending",
        )
        self.ids[created["id"]] = placed["admin_graphql_api_id"]
        for recorded, ours in zip(works, self.caller.work_orders(placed), strict=bool(works)):
            self.ids[recorded["id"]] = ours["id"]
            for row, our_row in zip(recorded["lineItems"]["nodes"], ours["lineItems"]["nodes"], strict=True):
                self.ids[row["id"]] = our_row["id"]

    def translated(self, variables):
        if isinstance(variables, dict):
            return {name: self.translated(value) for name, value in variables.items()}
        if isinstance(variables, list):
            return [self.translated(value) for value in variables]
        return self.ids.get(variables, variables) if isinstance(variables, str) else variables

    def _learn(self, recorded, answered):
        if isinstance(recorded, dict):
            for name, value in recorded.items():
                if name != "extensions":
                    self._learn(value, answered[name])
        elif isinstance(recorded, list):
            for one, other in zip(recorded, answered, strict=True):
                self._learn(one, other)
        elif isinstance(recorded, str) and GID.fullmatch(recorded):
            self.ids[recorded] = answered


def plain(value):
    """An answer without what differs from one store and one day to another, and without its cost.

    Without line and column too: a document was not always recorded with its first empty line.
    """
    if isinstance(value, dict):
        shown = {name: inner for name, inner in value.items() if name != "locations"}
        return {name: plain(inner) for name, inner in shown.items() if not (name == "extensions" and "cost" in inner)}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if not isinstance(value, str):
        return value
    return "…" if MOMENT.match(value) else NUMBER.sub("N", GID.sub(r"gid://shopify/\1/…", value))


def _product(number, line, places):
    price, stock = line["priceSet"]["shopMoney"]["amount"], dict.fromkeys(places.values(), 100)
    variant = {"sku": f"SKU-{number}", "price": price, "requires_shipping": line["requiresShipping"], "stock": stock}
    return {"title": line["title"], "variants": [variant]}


def _places(tree):
    """Every location a recording names, by its recorded gid."""
    found = {}
    if isinstance(tree, dict):
        if "/Location/" in str(tree.get("id", "")) and "name" in tree:
            found[tree["id"]] = tree["name"]
        for inner in tree.values():
            found |= _places(inner)
    elif isinstance(tree, list):
        for inner in tree:
            found |= _places(inner)
    return found
