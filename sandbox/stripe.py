"""Stripe's stand-in: the wire door under /v1, the control door under /_sandbox/stripe."""

from flask import Blueprint

from sandbox import stripe_control, stripe_event_routes, stripe_payment_routes, stripe_refund_routes
from sandbox.core import Core
from sandbox.stripe_desk import Desk


def blueprint(core: Core) -> Blueprint:
    """Stripe's API v1: payment intents, checkout sessions, charges, refunds, disputes, events, webhook endpoints."""
    desk = core.state("stripe", Desk)
    routes = Blueprint("stripe", __name__, url_prefix="/v1")
    stripe_payment_routes.add(routes, desk)
    stripe_refund_routes.add(routes, desk)
    stripe_event_routes.add(routes, desk)
    return routes


def control(core: Core) -> Blueprint:
    """Accounts, and what buyers, banks and cardholders do."""
    routes = Blueprint("stripe_control", __name__, url_prefix="/_sandbox/stripe")
    stripe_control.add(routes, core.state("stripe", Desk))
    return routes
