"""Routes for what a shipment is made of: addresses, parcels, customs items and declarations."""

from collections.abc import Callable, Iterable

from flask import Blueprint, Response

from sandbox.core import Answer
from sandbox.easypost_accounts import Account
from sandbox.easypost_addresses import is_undeliverable, new_address, verified, verify_failure
from sandbox.easypost_desk import Desk
from sandbox.easypost_goods import new_customs_info, new_customs_item, new_parcel
from sandbox.easypost_wire import Fields, body, not_found, paged, wrapped


def add(routes: Blueprint, desk: Desk) -> None:
    _add_addresses(routes, desk)
    _add_address_verification(routes, desk)
    _add_parcels(routes, desk)
    _add_customs(routes, desk)


def _add_addresses(routes: Blueprint, desk: Desk) -> None:
    @routes.post("/v2/addresses")
    def create_address() -> Response:
        def act(account: Account) -> Answer:
            given = wrapped("address")
            address = new_address(given, account.mode, _verification_wish(body()))
            account.addresses[address["id"]] = address
            return Answer(201, address)

        return desk.serve("address.create", act)

    @routes.get("/v2/addresses")
    def list_addresses() -> Response:
        def act(account: Account) -> Answer:
            rows, more = paged(_rows(account.addresses.values()))
            return Answer(200, {"addresses": [row.fields for row in rows], "has_more": more})

        return desk.serve("address.list", act)

    @routes.get("/v2/addresses/<address_id>")
    def retrieve_address(address_id: str) -> Response:
        return desk.give("address.retrieve", lambda account: account.addresses.get(address_id))


def _add_address_verification(routes: Blueprint, desk: Desk) -> None:
    @routes.post("/v2/addresses/create_and_verify")
    def create_and_verify_address() -> Response:
        def act(account: Account) -> Answer:
            given, wish = wrapped("address"), _verification_wish(body())
            strict = {} if wish.get("verify_carrier") else {"verify_strict": True}
            address = new_address(given, account.mode, {**wish, **strict})
            account.addresses[address["id"]] = address
            return Answer(200, {"address": address})

        return desk.serve("address.create_and_verify", act)

    @routes.get("/v2/addresses/<address_id>/verify")
    def verify_address(address_id: str) -> Response:
        def act(account: Account) -> Answer:
            address = account.addresses.get(address_id)
            if address is None:
                raise not_found()
            if is_undeliverable(address):
                raise verify_failure(address)
            return Answer(200, {"address": verified(address)}, effect=False)

        return desk.serve("address.verify", act)


def _add_parcels(routes: Blueprint, desk: Desk) -> None:
    @routes.post("/v2/parcels")
    def create_parcel() -> Response:
        return _create(desk, "parcel", lambda account: account.parcels, new_parcel)

    @routes.get("/v2/parcels/<parcel_id>")
    def retrieve_parcel(parcel_id: str) -> Response:
        return desk.give("parcel.retrieve", lambda account: account.parcels.get(parcel_id))


def _add_customs(routes: Blueprint, desk: Desk) -> None:
    @routes.post("/v2/customs_items")
    def create_customs_item() -> Response:
        return _create(desk, "customs_item", lambda account: account.customs_items, new_customs_item)

    @routes.get("/v2/customs_items/<item_id>")
    def retrieve_customs_item(item_id: str) -> Response:
        return desk.give("customs_item.retrieve", lambda account: account.customs_items.get(item_id))

    @routes.post("/v2/customs_infos")
    def create_customs_info() -> Response:
        def act(account: Account) -> Answer:
            declaration = new_customs_info(wrapped("customs_info"), account.mode, account.customs_items)
            account.customs_infos[declaration["id"]] = declaration
            return Answer(201, declaration)

        return desk.serve("customs_info.create", act)

    @routes.get("/v2/customs_infos/<info_id>")
    def retrieve_customs_info(info_id: str) -> Response:
        return desk.give("customs_info.retrieve", lambda account: account.customs_infos.get(info_id))


def _create(
    desk: Desk,
    name: str,
    shelf_of: Callable[[Account], dict[str, Fields]],
    make: Callable[[Fields, str], Fields],
) -> Response:
    def act(account: Account) -> Answer:
        made = make(wrapped(name), account.mode)
        shelf_of(account)[made["id"]] = made
        return Answer(201, made)

    return desk.serve(f"{name}.create", act)


def _verification_wish(given: Fields) -> Fields:
    return {name: given[name] for name in ("verify", "verify_strict", "verify_carrier") if given.get(name)}


class _Row:
    """An object kept as its wire form, as the pager wants it."""

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self.id: str = fields["id"]
        self.created_at: str = fields["created_at"]


def _rows(objects: Iterable[Fields]) -> list[_Row]:
    return [_Row(fields) for fields in reversed(list(objects))]
