"""Every page for people, on its own or inside a store's admin: one set of routes for both."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, current_app, redirect, request, url_for
from werkzeug.wrappers import Response

from web import arriving, file_links, session, show, sign_in, surface
from web.asked import RowId
from web.pages import (
    arrivals,
    audit,
    banned,
    bulk,
    bundles,
    change,
    changing,
    choose,
    choosing,
    connections,
    count_scan,
    counts,
    couriered,
    couriers,
    delivered,
    digital,
    files,
    handing_over,
    health,
    home,
    inbox,
    install,
    job,
    jobs,
    locations,
    making,
    me,
    order,
    orders,
    payments,
    people,
    privacy,
    purchase_orders,
    replenish,
    rerouting,
    reshaping,
    routing,
    settings,
    setup,
    shadow,
    simulation,
    stock,
    stock_hand,
    suppliers,
    supply_machine,
    taking_back,
    vendors,
    work,
)

FOLDER = Path(__file__).parent.parent

# Everything for people lives under one prefix, so that a proxy can close it as a whole.
PREFIX = "/ops"

_PAGES = (
    home,
    orders,
    bulk,
    order,
    reshaping,
    rerouting,
    handing_over,
    couriered,
    routing,
    simulation,
    settings,
    files,
    taking_back,
    choosing,
    changing,
    jobs,
    job,
    inbox,
    stock,
    bundles,
    digital,
    making,
    banned,
    replenish,
    stock_hand,
    suppliers,
    purchase_orders,
    arrivals,
    counts,
    count_scan,
    locations,
    couriers,
    payments,
    vendors,
    connections,
    work,
    me,
    people,
    audit,
    setup,
    shadow,
    privacy,
)


def attach(app: Flask) -> None:
    """Add every page, the door in front of them, and how values look on them."""
    app.url_map.converters["id"] = RowId
    show.attach(app)
    surface.attach(app)
    file_links.attach(app)
    session.attach(app)
    sign_in.attach(app, url_prefix=PREFIX)
    app.register_blueprint(health.blueprint)
    for page in _PAGES:
        app.register_blueprint(page.blueprint, url_prefix=PREFIX)
    app.register_blueprint(audit.house, url_prefix=PREFIX)
    app.register_blueprint(choose.blueprint)
    app.register_blueprint(change.blueprint)
    app.register_blueprint(supply_machine.attached())
    app.register_blueprint(delivered.blueprint)
    app.register_blueprint(install.blueprint)
    app.register_blueprint(arriving.blueprint)
    app.add_url_rule("/", "front", _to_the_pages)
    app.url_defaults(_same_shop)


def _to_the_pages() -> Response:
    return redirect(url_for("home.shops"), 303)


def _same_shop(endpoint: str, values: dict[str, object]) -> None:
    """A link made on a shop's page leads within that shop, unless it says another."""
    tenant = (request.view_args or {}).get("tenant") if request else None
    if tenant is not None and "tenant" not in values and current_app.url_map.is_endpoint_expecting(endpoint, "tenant"):
        values["tenant"] = tenant
