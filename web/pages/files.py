"""Hands out labels, to whoever was given their address a moment ago, and writes down who took them."""

from __future__ import annotations

import re

import structlog
from flask import Response, abort, current_app, g, request
from werkzeug.wrappers import Response as AnyResponse

from records import audit
from records.orders import find_order
from records.tenants import Tenant
from web import asked, file_links
from web import session as door
from web.file_links import Link
from web.pages import shop
from web.queries import order as reads
from web.roles import Page, Taken

log = structlog.get_logger(__name__)
# Not guarded as the other pages are: in a store's admin a download brings nothing but its address.
blueprint = Page("files", __name__, Taken())

# What a label may be, and what its file is called; anything else is a download without a program to open it.
_FILES = {"application/pdf": "pdf", "image/png": "png", "application/zpl": "zpl", "text/plain": "zpl"}
# What a browser shows, and prints, by itself.
_SHOWN = frozenset({"application/pdf", "image/png"})
_POLICY = (
    "default-src 'none'; img-src 'self'; object-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@blueprint.get("/files/<token>")
def shown(token: str) -> AnyResponse:
    """The file that an address is good for; `?print=1` shows it, where a browser can, so that it can be printed."""
    try:
        link = file_links.read(token)
    except file_links.LinkEnded as ended:
        _on_surface(ended.link)
        abort(410)
    except file_links.NoLink:
        abort(404)
    return _stopped(link) or _handed_out(link)


def _stopped(link: Link) -> AnyResponse | None:
    """On our own pages an address is of use to the person alone whom it was given to, still signed in. In a store's
    admin it stands for itself, unless a token comes with it, which then has to be that person's.
    """
    if link.surface == "plain" or door.bears():
        stopped = door.guard()
        if stopped is not None:
            return stopped
        if g.surface != link.surface or door.actor() != link.who or not door.sees(link.tenant):
            abort(404)
        if not door.may("order.label"):  # a role may have been taken away since the address was given
            abort(403)
    _on_surface(link)
    return None


def _on_surface(link: Link) -> None:
    """Say where the answer is read, so that a page that tells what is wrong stands in the right frame."""
    if link.surface == "embedded":
        g.surface, g.embedded_tenant = "embedded", link.tenant


def _handed_out(link: Link) -> Response:
    with shop.opened(link.tenant) as session:
        if session.get_one(Tenant, link.tenant).closed_at is not None:
            abort(404)
        found = reads.label_file(session, link.tenant, link.order, link.id) if link.kind == "label" else None
        order = find_order(session, link.tenant, link.order)
        if found is None or order is None or found.content is None:
            abort(404)
        content, media_type, name = found.content, found.media_type, order.name
        audit.write(
            session,
            link.tenant,
            actor=link.who,
            surface=link.surface,
            act="files.label",
            subject=f"label/{link.id}",
            address=request.remote_addr or "",
            outcome="taken",
            order=link.order,
        )
    log.info("label taken", tenant=link.tenant, order=link.order, label=link.id, actor=link.who)
    return _file(content, media_type, f"{re.sub('[^A-Za-z0-9_-]+', '', name) or 'order'}-label-{link.id}")


def _file(content: bytes, media_type: str, name: str) -> Response:
    suffix = _FILES.get(media_type)
    how = "inline" if asked.asked("print") == "1" and media_type in _SHOWN else "attachment"
    return current_app.response_class(
        content,
        content_type=media_type if suffix else "application/octet-stream",
        headers={
            "Content-Disposition": f'{how}; filename="{name}.{suffix or "bin"}"',
            "Content-Security-Policy": _POLICY,
            "Cache-Control": "no-store",
            "Cross-Origin-Resource-Policy": "same-origin",
            # The address is a key for ten minutes: no page that is opened from here, and no search engine, learns it.
            "Referrer-Policy": "no-referrer",
            "X-Robots-Tag": "noindex, nofollow, noarchive",
            "X-Content-Type-Options": "nosniff",
        },
    )
