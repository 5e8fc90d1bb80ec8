"""Digital goods: what each variant delivers by mail, how many codes are left, and a delivery sent once more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import abort, current_app, flash, redirect, render_template, url_for
from sqlalchemy.orm import Session

from config.keyring import CannotOpen, Keyring
from jobs import digital_desk
from records.digital import find_delivery
from records.orders import find_order
from records.stock import Variant
from web import asked, show
from web import session as door
from web.pages import shop
from web.queries import bundles
from web.queries import digital as goods

log = structlog.get_logger(__name__)
blueprint = door.guarded("digital", __name__)

MOST_OPENINGS, MOST_DAYS = 1_000, 3_650
MOST_CODES, LONGEST_CODE, LONGEST_LINK = 2_000, 200, 2_000
_MOST_PASTED = 450_000
_SEALED = "Codes of this pool were sealed with a key that is not here any more, so nobody can tell which are new."

Typed = dict[str, str]


@blueprint.get("/shops/<id:tenant>/stock/digital")
def listed(tenant: int) -> str:
    with shop.opened(tenant) as session:
        return _page(session, tenant, given={"sku": asked.asked("sku")})


@blueprint.post("/shops/<id:tenant>/stock/digital/link")
def set_link(tenant: int) -> Any:
    given = {name: asked.told(name, longest=asked.MOST_SHOWN_AGAIN) for name in ("sku", "url", "openings", "days")}
    wrong = {
        "url": odd_link(given["url"]),
        "openings": _odd_number(given["openings"], MOST_OPENINGS),
        "days": _odd_number(given["days"], MOST_DAYS),
    }

    def act(session: Session, variant: Variant) -> str:
        digital_desk.set_link(
            session, _keyring(), tenant, variant.id, given["url"],
            most_openings=int(given["openings"]), days=int(given["days"]),
        )  # fmt: skip
        log.info("digital link set", tenant=tenant, variant=variant.id, actor=door.actor())
        return f"{variant.sku} is delivered by this link from the next order on."

    return _do(tenant, "link", given, wrong, act)


@blueprint.post("/shops/<id:tenant>/stock/digital/codes")
def add_codes(tenant: int) -> Any:
    given = {"sku": asked.told("sku"), "codes": asked.told("codes", longest=_MOST_PASTED)}
    codes = codes_in(given["codes"])

    def act(session: Session, variant: Variant) -> str:
        new, known = digital_desk.add_codes(session, _keyring(), tenant, variant.id, codes)
        log.info("codes added", tenant=tenant, variant=variant.id, new=new, known=len(known), actor=door.actor())
        again = f" {len(known):,} of the pasted ones were in it before, and are not twice." if known else ""
        return f"{new:,} new {'code' if new == 1 else 'codes'} for {variant.sku}.{again}"

    return _do(tenant, "codes", given, {"codes": _odd_codes(codes)}, act)


@blueprint.post("/shops/<id:tenant>/stock/digital/<id:variant>/stop")
def stop(tenant: int, variant: int) -> Any:
    """Deliver a variant no more. It is begun again with the forms above."""
    with shop.opened(tenant) as session:
        if session.get(Variant, (tenant, variant)) is None:
            abort(404)
        stopped = digital_desk.stop(session, tenant, variant)
        log.info("digital goods stopped", tenant=tenant, variant=variant, stopped=stopped, actor=door.actor())
    if stopped:
        flash("It is not delivered any more. What buyers have stays good, and unused codes are kept.", "good")
    else:
        flash("It was not delivered any more already.", "warn")
    return redirect(url_for("digital.listed"), 303)


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/deliveries/<id:delivery>/again")
def send_again(tenant: int, id: int, delivery: int) -> Any:
    seen = asked.told("seen", longest=9)
    with shop.opened(tenant) as session:
        row = find_delivery(session, tenant, delivery)
        if find_order(session, tenant, id) is None or row is None or row.order_id != id:
            abort(404)
        sent = seen.isascii() and seen.isdigit() and digital_desk.send_again(
            session, tenant, delivery,
            seen=int(seen), anew=asked.told("anew") == "1", by=door.actor(), now=show.now(),
        )  # fmt: skip
    log.info("delivery sent again", tenant=tenant, order=id, delivery=delivery, sent=sent, actor=door.actor())
    if sent:
        flash("It is sent once more in a moment: the same codes, and the same link.", "good")
    else:
        flash("Nothing was sent: somebody had asked for it already. Look at what was sent below.", "warn")
    return redirect(url_for("order.shown", id=id), 303)


def odd_link(url: str) -> str:
    """What is wrong with a merchant's link; empty where nothing is. Pure."""
    try:
        parts = urlsplit(url)
        site = parts.hostname or ""
    except ValueError:
        parts, site = urlsplit(""), ""
    if parts.scheme != "https" or "." not in site or any(char.isspace() for char in url):
        return "Write the whole address, beginning with https://, as it opens in a browser."
    return asked.too_long(url, LONGEST_LINK)


def codes_in(text: str) -> list[str]:
    """The codes of a text, one a line, each once. Pure."""
    return list(dict.fromkeys(line for line in (one.strip() for one in text.split("\n")) if line))


def _odd_codes(codes: list[str]) -> str:
    if not codes:
        return "Paste at least one code, one a line."
    if len(codes) > MOST_CODES:
        return f"At most {MOST_CODES:,} codes at a time; these are {len(codes):,}. Nothing was added yet."
    long = next((place for place, code in enumerate(codes, 1) if len(code) > LONGEST_CODE), None)
    return f"Code {long:,} is longer than {LONGEST_CODE} characters. Nothing was added yet." if long else ""


def _odd_number(text: str, most: int) -> str:
    whole = text.isascii() and text.isdigit() and len(text) <= len(str(most)) and 1 <= int(text) <= most
    return "" if whole else f"A whole number from 1 to {most:,}."


def _do(tenant: int, form: str, given: Typed, wrong: dict[str, str], act: Callable[[Session, Variant], str]) -> Any:
    """Find the variant, do it, and say so; or draw the form again with what is wrong beside its field."""
    wrong = {name: why for name, why in wrong.items() if why}
    with shop.opened(tenant) as session:
        found = bundles.named(session, tenant, given["sku"])
        if len(found) != 1:
            wrong["sku"] = bundles.SEVERAL if found else bundles.NOTHING
        elif why := digital_desk.why_not(found[0]):
            wrong["sku"] = why
        if not wrong:
            try:
                said = act(session, found[0])
            except CannotOpen:
                wrong["codes"] = _SEALED
        if wrong:
            return _page(session, tenant, form=form, given=given, wrong=wrong), 422
    flash(said, "good")
    return redirect(url_for("digital.listed"), 303)


def _page(session: Session, tenant: int, *, given: Typed, form: str = "", wrong: dict[str, str] | None = None) -> str:
    return render_template(
        "digital.html",
        every=goods.all_of(session, tenant, _keyring().open),
        form=form,
        given=given,
        wrong=wrong or {},
        most_shown=goods.MOST_SHOWN,
    )


def _keyring() -> Keyring:
    keyring: Keyring = current_app.extensions["keyring"]
    return keyring
