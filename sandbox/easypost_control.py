"""EasyPost's control door: accounts, parcels that move, refunds that settle, labels counted."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.easypost_accounts import Account
from sandbox.easypost_desk import Desk
from sandbox.easypost_shipments import Shipment
from sandbox.easypost_trackers import Tracker, move
from sandbox.easypost_wire import stamp

Reply = tuple[Response, int]


def add(routes: Blueprint, desk: Desk) -> None:
    _add_accounts(routes, desk)
    _add_hooks(routes, desk)
    _add_moves(routes, desk)
    _add_refunds(routes, desk)
    _add_shipments(routes, desk)


def _add_accounts(routes: Blueprint, desk: Desk) -> None:
    @routes.post("/accounts")
    def open_account() -> Reply:
        wish = _wish()
        if not wish.get("key"):
            return _told(400, "key is missing")
        account = desk.accounts.open(str(wish["key"]), str(wish.get("mode", "test")))
        hook_id = None
        if wish.get("webhook_url"):
            hook_id = desk.accounts.hook_to(account, wish["webhook_url"], wish.get("webhook_secret")).id
        return jsonify({**_described(account), "webhook_id": hook_id}), 201

    @routes.post("/settings")
    def set_settings() -> Reply:
        desk.accounts.purchase_s = float(_wish().get("purchase_s", desk.accounts.purchase_s))
        return jsonify({"purchase_s": desk.accounts.purchase_s}), 200


def _add_hooks(routes: Blueprint, desk: Desk) -> None:
    @routes.get("/webhooks")
    def hooks() -> Reply:
        found = [
            {"key": account.key, **hook.wire()} for account in desk.accounts.all() for hook in account.hooks.values()
        ]
        return jsonify({"count": len(found), "webhooks": found}), 200

    @routes.post("/webhooks/<hook_id>/<deed>")
    def do_to_hook(hook_id: str, deed: str) -> Reply:
        """What EasyPost does to a hook that fails too often, and what people do in the dashboard."""
        account = next((known for known in desk.accounts.by_key.values() if hook_id in known.hooks), None)
        if account is None or deed not in {"disable", "delete"}:
            return _told(404, f"no webhook {hook_id}, or nothing called {deed}; there are disable, delete")
        if deed == "delete":
            desk.accounts.remove_hook(account, hook_id)
            return jsonify({"id": hook_id, "deleted": True}), 200
        account.hooks[hook_id].disabled_at = stamp()
        return jsonify(account.hooks[hook_id].wire()), 200


def _add_moves(routes: Blueprint, desk: Desk) -> None:
    @routes.post("/trackers/<id_or_code>/move")
    def move_tracker(id_or_code: str) -> Reply:
        with desk.core.lock:
            account, tracker = _tracker(desk, id_or_code)
            if account is None or tracker is None:
                return _told(404, f"no tracker {id_or_code}")
            try:
                before = move(tracker, _wish())
            except (KeyError, ValueError) as problem:
                return _told(400, str(problem))
            event = desk.accounts.tell(account, "tracker.updated", tracker.wire_told(), before)
        return jsonify({"event": event.id, "tracker": tracker.wire()}), 200


def _add_refunds(routes: Blueprint, desk: Desk) -> None:
    @routes.post("/refunds/<shipment_id>/settle")
    def settle_refund(shipment_id: str) -> Reply:
        for account in desk.accounts.all():
            shipment = account.shipments.get(shipment_id)
            if shipment is None:
                continue
            try:
                return jsonify(desk.postage.settle_refund(account, shipment, str(_wish().get("result")))), 200
            except ValueError as problem:
                return _told(400, str(problem))
        return _told(404, f"no shipment {shipment_id}")


def _add_shipments(routes: Blueprint, desk: Desk) -> None:
    @routes.get("/shipments")
    def shipments() -> Reply:
        reference, key = request.args.get("reference"), request.args.get("key")
        with desk.core.lock:
            found = [
                _in_short(shipment)
                for account in desk.accounts.all()
                for shipment in account.shipments.values()
                if key in {None, account.key} and reference in {None, shipment.reference}
            ]
        return jsonify({"count": len(found), "shipments": found}), 200


def _tracker(desk: Desk, id_or_code: str) -> tuple[Account, Tracker] | tuple[None, None]:
    for account in desk.accounts.all():
        if id_or_code in account.trackers:
            return account, account.trackers[id_or_code]
        for tracker in account.trackers.values():
            if tracker.tracking_code == id_or_code:
                return account, tracker
    return None, None


def _in_short(shipment: Shipment) -> dict[str, Any]:
    tracker, rate = shipment.tracker, shipment.selected
    return {
        "id": shipment.id,
        "reference": shipment.reference,
        "bought": shipment.label is not None,
        "tracking_code": tracker.tracking_code if tracker else None,
        "tracker_status": tracker.status if tracker else None,
        "carrier": rate.quote.carrier if rate else None,
        "service": rate.quote.service if rate else None,
        "rate": f"{rate.quote.cents / 100:.2f}" if rate else None,
        "refund_status": shipment.refund_status,
    }


def _described(account: Account) -> dict[str, Any]:
    return {
        "key": account.key,
        "mode": account.mode,
        "user_id": account.user_id,
        "carrier_accounts": account.carriers,
    }


def _wish() -> dict[str, Any]:
    wish = request.get_json(silent=True)
    return wish if isinstance(wish, dict) else {}


def _told(status: int, message: str) -> Reply:
    return jsonify({"error": message}), status
