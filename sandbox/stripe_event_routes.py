"""Routes for events, webhook endpoints and the account itself."""

from flask import Blueprint, Response, request

from sandbox.stripe_accounts import Account, Endpoint, KeptEvent
from sandbox.stripe_desk import Desk
from sandbox.stripe_wire import Fields, known_only, listed, merged_metadata, missing, parameter_missing, refused

# docs.stripe.com/api/events/list
MOST_TYPES = 20


def add(routes: Blueprint, desk: Desk) -> None:
    _add_events(routes, desk)
    _add_endpoints(routes, desk)
    _add_endpoint_changes(routes, desk)
    _add_account(routes, desk)
    _add_unknown(routes, desk)


def _add_events(routes: Blueprint, desk: Desk) -> None:
    @routes.get("/events")
    def list_events() -> Response:
        def act(account: Account, given: Fields) -> Fields:
            types = given.get("types") or ([given["type"]] if given.get("type") else [])
            if len(types) > MOST_TYPES:
                raise refused(400, f"Array too long: at most {MOST_TYPES} types may be named.", param="types")
            rows = [e for e in reversed(list(account.events.values())) if not types or e.type in types]
            return listed("/v1/events", rows, KeptEvent.wire, given)

        return desk.serve("event.list", act)

    @routes.get("/events/<event_id>")
    def retrieve_event(event_id: str) -> Response:
        def act(account: Account, _given: Fields) -> Fields:
            event = account.events.get(event_id)
            if event is None:
                raise missing("event", event_id)
            return event.wire()

        return desk.serve("event.retrieve", act)


def _add_endpoints(routes: Blueprint, desk: Desk) -> None:
    @routes.post("/webhook_endpoints")
    def create_endpoint() -> Response:
        def act(account: Account, given: Fields) -> Fields:
            known = known_only(given, ("url", "enabled_events", "api_version", "description", "metadata", "connect"))
            endpoint = Endpoint(
                url=_valid_url(known.get("url")),
                enabled_events=_events(known),
                livemode=account.livemode,
                api_version=known.get("api_version"),
                description=known.get("description"),
                metadata=known.get("metadata") or {},
            )
            return desk.accounts.add_endpoint(account, endpoint).wire(with_secret=True)

        return desk.serve("webhook_endpoint.create", act)

    @routes.get("/webhook_endpoints")
    def list_endpoints() -> Response:
        def act(account: Account, given: Fields) -> Fields:
            rows = list(reversed(list(account.endpoints.values())))
            return listed("/v1/webhook_endpoints", rows, Endpoint.wire, given)

        return desk.serve("webhook_endpoint.list", act)

    @routes.get("/webhook_endpoints/<endpoint_id>")
    def retrieve_endpoint(endpoint_id: str) -> Response:
        return desk.serve("webhook_endpoint.retrieve", lambda account, _: _endpoint(account, endpoint_id).wire())


def _add_endpoint_changes(routes: Blueprint, desk: Desk) -> None:
    @routes.post("/webhook_endpoints/<endpoint_id>")
    def update_endpoint(endpoint_id: str) -> Response:
        def act(account: Account, given: Fields) -> Fields:
            endpoint = _endpoint(account, endpoint_id)
            known = known_only(given, ("url", "enabled_events", "disabled", "description", "metadata"))
            if "url" in known:
                endpoint.url = _valid_url(known["url"])
                desk.core.deliveries.register("stripe", endpoint.id, endpoint.url)
            if "enabled_events" in known:
                endpoint.enabled_events = _events(known)
            if "disabled" in known:
                endpoint.status = "disabled" if known["disabled"] == "true" else "enabled"
            endpoint.description = known.get("description", endpoint.description)
            endpoint.metadata = merged_metadata(endpoint.metadata, known.get("metadata"))
            return endpoint.wire()

        return desk.serve("webhook_endpoint.update", act)

    @routes.delete("/webhook_endpoints/<endpoint_id>")
    def delete_endpoint(endpoint_id: str) -> Response:
        def act(account: Account, _given: Fields) -> Fields:
            desk.accounts.remove_endpoint(account, _endpoint(account, endpoint_id).id)
            return {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True}

        return desk.serve("webhook_endpoint.delete", act)


def _add_account(routes: Blueprint, desk: Desk) -> None:
    @routes.get("/account")
    def retrieve_own_account() -> Response:
        return desk.serve("account.retrieve", lambda account, _: _account_wire(account))

    @routes.get("/accounts/<account_id>")
    def retrieve_account(account_id: str) -> Response:
        def act(account: Account, _given: Fields) -> Fields:
            if account.id != account_id:
                raise missing("account", account_id, "account")
            return _account_wire(account)

        return desk.serve("account.retrieve", act)


def _add_unknown(routes: Blueprint, desk: Desk) -> None:
    @routes.route("/<path:rest>", methods=["GET", "POST", "DELETE"])
    def unknown(rest: str) -> Response:
        """Answered and logged like a call, so that a test sees what the stand-in was asked in vain."""

        def act(_account: Account, _given: Fields) -> Fields:
            raise refused(404, f"Unrecognized request URL ({request.method}: /v1/{rest}).")

        return desk.serve("unknown", act)


def _endpoint(account: Account, endpoint_id: str) -> Endpoint:
    endpoint = account.endpoints.get(endpoint_id)
    if endpoint is None:
        raise missing("webhook endpoint", endpoint_id)
    return endpoint


def _valid_url(url: str | None) -> str:
    if not url:
        raise parameter_missing("url")
    # The real one wants https and a public host; here the app under test listens on loopback.
    if not url.startswith(("http://", "https://")):
        raise refused(400, f"Invalid URL: {url}", code="url_invalid", param="url")
    return url


def _events(known: Fields) -> list[str]:
    events = known.get("enabled_events")
    if not isinstance(events, list) or not events:
        raise parameter_missing("enabled_events")
    return [str(event) for event in events]


def _account_wire(account: Account) -> Fields:
    """The parts of an account that tell whether it can take money; its settings pages are left out."""
    nothing_due: Fields = {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": [],
        "disabled_reason": None,
        "errors": [],
        "eventually_due": [],
        "past_due": [],
        "pending_verification": [],
    }
    return {
        "id": account.id,
        "object": "account",
        "business_profile": {"name": account.name, "support_email": None, "url": None},
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": account.charges_enabled,
        "country": "US",
        "created": account.created,
        "default_currency": "usd",
        "details_submitted": True,
        "email": "store@example.com",
        "future_requirements": nothing_due,
        "metadata": {},
        "payouts_enabled": True,
        "requirements": nothing_due,
        "settings": {"dashboard": {"display_name": account.name, "timezone": "Etc/UTC"}},
        "type": "standard",
    }
