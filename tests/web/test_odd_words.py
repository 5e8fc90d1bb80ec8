"""Whatever is typed into whichever form, PostgreSQL's NUL and five hundred thousand letters too: never a fault of ours."""

from __future__ import annotations

import pytest
from flask import Flask
from person import Person, token_in
from walking import FORM, address, routes

from web.pages import settings_form

# Every name that a form of ours has.
NAMES = (
    *FORM, *(field.name for field in settings_form.fields()), "reason", "note", "refund", "plan", "what", "as", "back",
    "filter", "name", "password", "new", "code", "offer", "role", "shop", "version", "newest", "all", "confirm",
)  # fmt: skip
CHOSEN = {
    "action": "hold",
    "what": "export",
    "vendor": "easypost",
    "kind": "buy_label",
    "cause": "no_rates",
    "all": "1",
}


@pytest.mark.parametrize("words", ["a\x00b", "\x00", "x" * 20_000, "\ud800".encode("utf-8", "surrogatepass"), "1\x00"])
def test_no_form_breaks_by_what_is_typed_into_it(
    app: Flask, grace: Person, furnished: dict[str, int], staff: dict[str, int], words: str | bytes
) -> None:
    tenant = furnished["tenant"]
    lines = [row.id for row in grace.rows("SELECT id FROM order_lines WHERE tenant_id = :t", t=tenant)]
    told = dict.fromkeys(NAMES, words) | {f"units-{line}": words for line in lines} | {f"plan-{1}": words}
    token = token_in(grace.get("/ops/work"))
    for route in routes(app):
        if not route.writes or route.endpoint.endswith("sign_out"):
            continue
        path = address(app, route.rule, furnished | {"person": staff["Ann"]})
        for form in (told, told | CHOSEN | {"order": str(furnished["held"])}):
            answer = grace.client.open(path, method=route.method, data=form | {"csrf_token": token})
            assert answer.status_code < 500, (str(route), words[:5])
