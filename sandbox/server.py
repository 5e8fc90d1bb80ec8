"""Puts the vendors' stand-ins and the control door behind one port; the mailbox listens on a port of its own."""

from flask import Flask

from sandbox import control, easypost, mailbox, shopify, stripe, supplier
from sandbox.core import Core
from sandbox.http_server import SandboxServer


def create_sandbox(hooks_origin: str = "http://127.0.0.1:8000") -> Flask:
    """The whole sandbox as an app; `app.extensions["sandbox"]` is its Core."""
    app = Flask("sandbox", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask types the interface, not its own provider
    core = Core(hooks_origin)
    app.extensions["sandbox"] = core
    app.register_blueprint(control.blueprint(core))
    app.register_blueprint(mailbox.control(core))
    for vendor in (shopify, stripe, easypost, supplier):
        app.register_blueprint(vendor.blueprint(core))
        app.register_blueprint(vendor.control(core))
    return app


def make_sandbox_server(app: Flask, host: str, port: int, *, mail_port: int = 0) -> SandboxServer:
    """A threaded keep-alive server around the sandbox; port 0 takes a free one (`server.port`).

    Its mailbox listens from here on, and says where at /_sandbox/mail.
    """
    app.extensions["sandbox"].state("mail", mailbox.Mailbox).listen(mail_port)
    return SandboxServer(host, port, app)
