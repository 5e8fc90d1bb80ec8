"""Addresses of files: each good for ten minutes, for one person on one surface, one shop and one file.

A label is a buyer's name and street. In a store's admin a plain download carries neither a cookie nor a token, so there
the address itself has to prove that somebody who may see the file was just given it. It is signed with a key of its own
that SECRET_KEY gives, and of use to nobody else, for nothing else, and not for long.
"""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass

from flask import Flask, current_app, g, url_for
from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from web import session as door
from web.surface import is_embedded

# As long as it takes to walk to the printer; the page gives out a fresh one each time it is opened.
LASTS_S = 10 * 60
# Nothing else that SECRET_KEY signs can be taken for a file's address, or this for anything else.
_SALT = "packline/file-links/1"


class NoLink(Exception):
    """The address was not made here."""


class LinkEnded(Exception):
    """The address was good until a while ago. `link` tells for what."""

    def __init__(self, link: Link) -> None:
        super().__init__(f"{link.kind}/{link.id}")
        self.link = link


@dataclass(frozen=True)
class Link:
    """What an address is good for. `who` is the actor as audit lines name them."""

    kind: str
    tenant: int
    order: int
    id: int
    who: str
    surface: str


def attach(app: Flask) -> None:
    app.jinja_env.globals["label_address"] = label_address


def label_address(tenant: int, order: int, label: int) -> str:
    """Where a page's button leads: on our own pages to the door, which makes a fresh link whenever it is pressed; in a
    store's admin, where the door would not know who asks, to a link that is made now.
    """
    if is_embedded():
        return address(Link("label", tenant, order, label, door.actor(), "embedded"))
    return url_for("order.label", tenant=tenant, id=order, label=label)


def fresh(kind: str, tenant: int, order: int, id: int) -> str:
    """An address for whoever asks now, who has been let in."""
    return address(Link(kind, tenant, order, id, door.actor(), str(g.get("surface", "plain"))))


def address(link: Link) -> str:
    return url_for("files.shown", token=_signer().dumps(list(astuple(link))))


def read(given: str) -> Link:
    """What an address is good for. Raises LinkEnded, NoLink."""
    try:
        kind, tenant, order, id, who, surface = _signer().loads(given, max_age=LASTS_S)
    except SignatureExpired as ended:
        raise LinkEnded(Link(*_signer().load_payload(ended.payload or b""))) from None
    except (BadData, ValueError) as broken:
        raise NoLink from broken
    return Link(kind, tenant, order, id, who, surface)


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        str(current_app.secret_key),
        salt=_SALT,
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
