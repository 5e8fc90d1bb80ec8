"""Routes for shipments, their rates, postage, labels and refunds."""

from typing import Any

from flask import Blueprint, Response, request

from sandbox.core import Answer
from sandbox.easypost_accounts import Account
from sandbox.easypost_desk import Desk
from sandbox.easypost_estimates import rates_only
from sandbox.easypost_labels import MEDIA_TYPES, label_file
from sandbox.easypost_shipments import Shipment, new_shipment
from sandbox.easypost_wire import Fields, body, not_found, paged, required, wrapped


def add(routes: Blueprint, desk: Desk) -> None:
    _add_shipments(routes, desk)
    _add_rates(routes, desk)
    _add_postage(routes, desk)
    _add_label_files(routes, desk)
    _add_refunds(routes, desk)


def find(account: Account, id_or_reference: str) -> Shipment:
    """A shipment by its id, or the latest that carries the reference (uniqueness is not enforced).

    Raises:
        Refusal: there is none.
    """
    shipment = account.shipments.get(account.references.get(id_or_reference, id_or_reference))
    if shipment is None:
        raise not_found()
    return shipment


def _add_shipments(routes: Blueprint, desk: Desk) -> None:
    @routes.post("/v2/shipments")
    def create_shipment() -> Response:
        def act(account: Account) -> Answer:
            given = wrapped("shipment")
            shipment = new_shipment(account, given)
            with desk.core.lock:
                account.shipments[shipment.id] = shipment
                if shipment.reference:
                    account.references[shipment.reference] = shipment.id
            if given.get("service"):
                desk.postage.buy_service(account, shipment, given["service"], given.get("carrier"))
            return Answer(201, shipment.wire(), summary=_summary(shipment))

        return desk.serve("shipment.create", act)

    @routes.get("/v2/shipments")
    def list_shipments() -> Response:
        def act(account: Account) -> Answer:
            # Only what was bought, unless asked otherwise (ShipmentListParameters).
            bought_only = request.args.get("purchased", "true").lower() != "false"
            with desk.core.lock:
                shipments = list(account.shipments.values())
            rows, more = paged(s for s in reversed(shipments) if s.label or not bought_only)
            return Answer(200, {"shipments": [shipment.wire() for shipment in rows], "has_more": more})

        return desk.serve("shipment.list", act)

    @routes.get("/v2/shipments/<shipment_id>")
    def retrieve_shipment(shipment_id: str) -> Response:
        return desk.give("shipment.retrieve", lambda account: find(account, shipment_id).wire())


def _add_rates(routes: Blueprint, desk: Desk) -> None:
    @routes.post("/v2/shipments/<shipment_id>/rerate")
    def rerate_shipment(shipment_id: str) -> Response:
        def act(account: Account) -> Answer:
            shipment = find(account, shipment_id)
            with desk.core.lock:
                shipment.rerate(tuple(account.carriers))
            return Answer(200, {"rates": [rate.wire(shipment) for rate in shipment.rates]})

        return desk.serve("shipment.rerate", act)

    @routes.post("/beta/rates")
    def rates_of_no_shipment() -> Response:
        def act(account: Account) -> Answer:
            return Answer(200, rates_only(account, wrapped("shipment")), effect=False)

        return desk.serve("rates.stateless", act)

    @routes.get("/v2/rates/<rate_id>")
    def retrieve_rate(rate_id: str) -> Response:
        def found(account: Account) -> dict[str, Any] | None:
            # No index: rates outnumber shipments tenfold, and hardly anyone asks for one by itself.
            with desk.core.lock:
                shipments = list(account.shipments.values())
            return next((r.wire(s) for s in reversed(shipments) for r in s.rates if r.id == rate_id), None)

        return desk.give("rate.retrieve", found)


def _add_postage(routes: Blueprint, desk: Desk) -> None:
    @routes.post("/v2/shipments/<shipment_id>/buy")
    def buy_shipment(shipment_id: str) -> Response:
        def act(account: Account) -> Answer:
            shipment, given = find(account, shipment_id), body()
            rate_id = str((given.get("rate") or {}).get("id") or "")
            desk.postage.buy(account, shipment, rate_id, given.get("insurance"))
            return Answer(200, shipment.wire(), summary=_summary(shipment))

        return desk.serve("shipment.buy", act)

    @routes.post("/v2/shipments/<shipment_id>/insure")
    def insure_shipment(shipment_id: str) -> Response:
        def act(account: Account) -> Answer:
            shipment = find(account, shipment_id)
            desk.postage.insure(shipment, str(body().get("amount") or ""))
            return Answer(200, shipment.wire())

        return desk.serve("shipment.insure", act)

    @routes.get("/v2/shipments/<shipment_id>/label")
    def convert_label(shipment_id: str) -> Response:
        def act(account: Account) -> Answer:
            shipment = find(account, shipment_id)
            desk.postage.convert(shipment, request.args.get("file_format", ""))
            return Answer(200, shipment.wire(), effect=True)

        return desk.serve("shipment.label", act)


def _add_label_files(routes: Blueprint, desk: Desk) -> None:
    @routes.get("/labels/<label_id>.<extension>")
    def fetch_label(label_id: str, extension: str) -> Response:
        # Public, like the file store behind the real URL: no key is asked for.
        return desk.core.answer("easypost", "label.fetch", lambda: _label_answer(desk, label_id, extension))


def _label_answer(desk: Desk, label_id: str, extension: str) -> Answer:
    shipment = desk.postage.sold.get(label_id)
    label = shipment.label if shipment else None
    if shipment is None or label is None or extension not in label.converted | {label.extension}:
        return Answer(404, b"<Error><Code>NoSuchKey</Code></Error>", {"Content-Type": "application/xml"})
    code = shipment.tracker.tracking_code if shipment.tracker else ""
    return Answer(200, label_file(extension, code, _printed_lines(shipment)), {"Content-Type": MEDIA_TYPES[extension]})


def _printed_lines(shipment: Shipment) -> list[str]:
    to, service = shipment.to_address, shipment.selected
    lines = [f"{service.quote.carrier} {service.quote.service}" if service else "", "SHIP TO"]
    lines += [to["name"] or to["company"] or "", to["street1"] or "", to["street2"] or ""]
    lines.append(" ".join(part for part in (to["city"], to["state"], to["zip"], to["country"]) if part))
    custom = [str(shipment.options[name]) for name in ("print_custom_1", "print_custom_2") if name in shipment.options]
    return [line for line in lines + custom if line]


def _add_refunds(routes: Blueprint, desk: Desk) -> None:
    @routes.post("/v2/shipments/<shipment_id>/refund")
    def refund_shipment(shipment_id: str) -> Response:
        def act(account: Account) -> Answer:
            shipment = find(account, shipment_id)
            desk.postage.refund(account, shipment)
            return Answer(200, shipment.wire(), summary=_summary(shipment))

        return desk.serve("shipment.refund", act)

    @routes.post("/v2/refunds")
    def create_refunds() -> Response:
        def act(account: Account) -> Answer:
            codes = wrapped("refund").get("tracking_codes") or []
            if not codes:
                raise required("tracking_codes")
            return Answer(201, [desk.postage.refund(account, _by_code(account, str(code))) for code in codes])

        return desk.serve("refund.create", act)

    @routes.get("/v2/refunds")
    def list_refunds() -> Response:
        def act(account: Account) -> Answer:
            return Answer(200, {"refunds": list(reversed(account.refunds.values())), "has_more": False})

        return desk.serve("refund.list", act)

    @routes.get("/v2/refunds/<refund_id>")
    def retrieve_refund(refund_id: str) -> Response:
        return desk.give(
            "refund.retrieve",
            lambda account: next((record for record in account.refunds.values() if record["id"] == refund_id), None),
        )


def _by_code(account: Account, tracking_code: str) -> Shipment:
    for tracker in reversed(account.trackers.values()):
        if tracker.tracking_code == tracking_code and tracker.shipment_id in account.shipments:
            return account.shipments[tracker.shipment_id]
    raise not_found()


def _summary(shipment: Shipment) -> Fields:
    rate, tracker = shipment.selected, shipment.tracker
    return {
        "shipment": shipment.id,
        "reference": shipment.reference,
        "rate": rate.id if rate else None,
        "tracking_code": tracker.tracking_code if tracker else None,
    }
