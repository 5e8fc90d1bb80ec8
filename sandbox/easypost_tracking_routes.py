"""Routes for trackers, webhooks and events."""

from flask import Blueprint, Response, request

from sandbox.core import Answer
from sandbox.easypost_accounts import Account, Hook
from sandbox.easypost_desk import Desk
from sandbox.easypost_trackers import Tracker, new_tracker
from sandbox.easypost_wire import Fields, body, not_found, paged, refused, required, wrapped


def add(routes: Blueprint, desk: Desk) -> None:
    _add_trackers(routes, desk)
    _add_tracker_lookups(routes, desk)
    _add_webhooks(routes, desk)
    _add_webhook_changes(routes, desk)
    _add_events(routes, desk)
    _add_unknown(routes, desk)


def _add_trackers(routes: Blueprint, desk: Desk) -> None:
    @routes.post("/v2/trackers")
    def create_tracker() -> Response:
        def act(account: Account) -> Answer:
            given = wrapped("tracker")
            code, carrier = str(given.get("tracking_code") or ""), str(given.get("carrier") or "USPS")
            if not code:
                raise required("tracking_code")
            with desk.core.lock:
                known = _known_tracker(account, code, carrier)
                # The same code and carrier give the same tracker: recorded as 201, then 200 with the same id.
                if known:
                    return Answer(200, known.wire_made(new=False), effect=False)
                tracker = new_tracker(account.mode, code, carrier)
                account.trackers[tracker.id] = tracker
                desk.accounts.tell(account, "tracker.created", tracker.wire_told())
            return Answer(201, tracker.wire_made(new=True))

        return desk.serve("tracker.create", act)

    @routes.delete("/v2/trackers/<tracker_id>")
    def delete_tracker(tracker_id: str) -> Response:
        def act(account: Account) -> Answer:
            if account.trackers.pop(tracker_id, None) is None:
                raise not_found()
            return Answer(200, {"success": True})

        return desk.serve("tracker.delete", act)


def _add_tracker_lookups(routes: Blueprint, desk: Desk) -> None:
    @routes.get("/v2/trackers")
    def list_trackers() -> Response:
        def act(account: Account) -> Answer:
            rows, more = paged(_filtered_trackers(account))
            return Answer(200, {"trackers": [tracker.wire() for tracker in rows], "has_more": more})

        return desk.serve("tracker.list", act)

    @routes.post("/v2/trackers/batch")
    def retrieve_tracker_batch() -> Response:
        def act(account: Account) -> Answer:
            codes = set(body().get("tracking_codes") or [])
            found = [t.wire() for t in list(account.trackers.values()) if t.tracking_code in codes]
            return Answer(200, {"trackers": found, "has_more": False}, effect=False)

        return desk.serve("tracker.retrieve_batch", act)

    @routes.get("/v2/trackers/<tracker_id>")
    def retrieve_tracker(tracker_id: str) -> Response:
        def found(account: Account) -> Fields | None:
            tracker = account.trackers.get(tracker_id)
            return tracker.wire() if tracker else None

        return desk.give("tracker.retrieve", found)


def _known_tracker(account: Account, code: str, carrier: str) -> Tracker | None:
    return next((t for t in account.trackers.values() if t.tracking_code == code and t.carrier == carrier), None)


def _filtered_trackers(account: Account) -> list[Tracker]:
    code, carrier = request.args.get("tracking_code"), request.args.get("carrier")
    return [
        tracker
        for tracker in reversed(list(account.trackers.values()))
        if code in {None, tracker.tracking_code} and carrier in {None, tracker.carrier}
    ]


def _add_webhooks(routes: Blueprint, desk: Desk) -> None:
    @routes.post("/v2/webhooks")
    def create_webhook() -> Response:
        def act(account: Account) -> Answer:
            given = wrapped("webhook")
            url = str(given.get("url") or "")
            if not url.startswith(("http://", "https://")):
                raise refused(422, "WEBHOOK.INVALID", "The webhook's url is not valid.")
            hook = desk.accounts.add_hook(account, url, given.get("webhook_secret"), given.get("custom_headers") or [])
            return Answer(201, hook.wire())

        return desk.serve("webhook.create", act)

    @routes.get("/v2/webhooks")
    def list_webhooks() -> Response:
        return desk.serve(
            "webhook.list",
            lambda account: Answer(200, {"webhooks": [hook.wire() for hook in account.hooks.values()]}),
        )

    @routes.get("/v2/webhooks/<hook_id>")
    def retrieve_webhook(hook_id: str) -> Response:
        return desk.serve("webhook.retrieve", lambda account: Answer(200, _hook(account, hook_id).wire()))


def _add_webhook_changes(routes: Blueprint, desk: Desk) -> None:
    @routes.route("/v2/webhooks/<hook_id>", methods=["PATCH", "PUT"])
    def update_webhook(hook_id: str) -> Response:
        def act(account: Account) -> Answer:
            hook, given = _hook(account, hook_id), body()
            hook.disabled_at = None
            hook.secret = given.get("webhook_secret", hook.secret)
            hook.custom_headers = given.get("custom_headers", hook.custom_headers)
            return Answer(201, hook.wire())

        return desk.serve("webhook.update", act)

    @routes.delete("/v2/webhooks/<hook_id>")
    def delete_webhook(hook_id: str) -> Response:
        def act(account: Account) -> Answer:
            desk.accounts.remove_hook(account, _hook(account, hook_id).id)
            return Answer(200, {})

        return desk.serve("webhook.delete", act)


def _hook(account: Account, hook_id: str) -> Hook:
    hook = account.hooks.get(hook_id)
    if hook is None:
        raise not_found()
    return hook


def _add_events(routes: Blueprint, desk: Desk) -> None:
    @routes.get("/v2/events")
    def list_events() -> Response:
        def act(account: Account) -> Answer:
            rows, more = paged(reversed(list(account.events.values())))
            return Answer(200, {"events": [event.wire() for event in rows], "has_more": more})

        return desk.serve("event.list", act)

    @routes.get("/v2/events/<event_id>")
    def retrieve_event(event_id: str) -> Response:
        def found(account: Account) -> Fields | None:
            event = account.events.get(event_id)
            return event.whole([]) if event else None

        return desk.give("event.retrieve", found)


def _add_unknown(routes: Blueprint, desk: Desk) -> None:
    @routes.route("/v2/<path:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def unknown(rest: str) -> Response:
        """Answered and logged like a call, so that a test sees what the stand-in was asked in vain."""

        def act(_account: Account) -> Answer:
            raise refused(404, "NOT_FOUND", f"The requested resource could not be found: /v2/{rest}")

        return desk.serve("unknown", act)
