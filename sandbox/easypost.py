"""EasyPost's stand-in: the wire door under /v2 and /labels, the control door under /_sandbox/easypost."""

from flask import Blueprint

from sandbox import (
    easypost_control,
    easypost_goods_routes,
    easypost_shipment_routes,
    easypost_tracking_routes,
    easypost_users,
)
from sandbox.core import Core
from sandbox.easypost_desk import Desk
from sandbox.easypost_users import Owners


def blueprint(core: Core) -> Blueprint:
    """EasyPost's API v2, as recorded: addresses, parcels, customs, shipments, refunds, trackers, webhooks, events."""
    desk = core.state("easypost", Desk)
    routes = Blueprint("easypost", __name__)
    easypost_goods_routes.add(routes, desk)
    easypost_shipment_routes.add(routes, desk)
    easypost_tracking_routes.add(routes, desk)
    easypost_users.add(routes, desk, core.state("easypost owners", Owners))
    return routes


def control(core: Core) -> Blueprint:
    """Accounts and settings, trackers that move, refunds that settle, and what was bought."""
    routes = Blueprint("easypost_control", __name__, url_prefix="/_sandbox/easypost")
    desk = core.state("easypost", Desk)
    easypost_control.add(routes, desk)
    easypost_users.add_control(routes, desk, core.state("easypost owners", Owners))
    return routes
