"""The page of what was demanded about personal data: what stands there, who may fetch it, and what it leaves."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from person import Person
from pydantic import SecretStr
from seeds import Shop
from sqlalchemy import text as text_of
from sqlalchemy.orm import Session

from config import boot
from config.settings import Settings
from records.privacy import PrivacyRequest


def run(person: Person, sql: str, **values: object) -> None:
    with person.engine.begin() as connection:
        connection.execute(text_of(sql), values)


def demand(shop: Shop, session: Session, **more) -> PrivacyRequest:
    now = datetime.now(UTC)
    row = PrivacyRequest(
        **({"tenant_id": shop.tenant, "kind": "redact_buyer", "remote_id": "buyer/1", "wanted": {"by": "shopify"},
            "due_at": now + timedelta(days=30)} | more))  # fmt: skip
    session.add(row)
    session.commit()
    return row


def export(shop: Shop, session: Session, settings: Settings) -> PrivacyRequest:
    sealed = boot.keyring(settings).seal(
        {"document": json.dumps({"buyer": {"email": "ada@example.com"}, "orders": []})}
    )
    return demand(
        shop, session, kind="export", remote_id="request/1", state="done", sealed_export=sealed, found={"orders": 1},
        done_at=datetime.now(UTC), export_expires_at=datetime.now(UTC) + timedelta(days=30),
    )  # fmt: skip


def test_a_shop_of_which_nobody_asked_anything_says_so(grace: Person, shop: Shop) -> None:
    text = grace.get(f"/ops/shops/{shop.tenant}/privacy").text
    assert "Nobody has asked for anything" in text
    assert "until somebody asks" in text


def test_a_demand_stands_there_with_its_day_and_what_it_waits_for(grace: Person, shop: Shop, session: Session) -> None:
    demand(shop, session, found={"waiting": 2})
    text = grace.get(f"/ops/shops/{shop.tenant}/privacy").text
    assert "Forget a buyer" in text
    assert "To be done" in text
    assert "Waits for 2 orders" in text


@pytest.mark.parametrize(("form", "media", "found"), [
    ("json", "application/json", '"ada@example.com"'), ("text", "text/plain; charset=utf-8", "email: ada@example.com")])  # fmt: skip
def test_an_admin_fetches_an_export_and_that_is_written_down(
    grace: Person,
    shop: Shop,
    session: Session,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    form: str,
    media: str,
    found: str,
) -> None:
    row = export(shop, session, settings)
    with caplog.at_level("INFO"):
        answer = grace.post(f"/ops/shops/{shop.tenant}/privacy/{row.id}/export", **{"as": form})
    assert (answer.status_code, answer.content_type) == (200, media)
    assert found in answer.text
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert answer.headers["Cache-Control"] == "no-store"
    (line,) = [record.getMessage() for record in caplog.records if "export fetched" in record.getMessage()]
    assert "person:Grace" in line
    assert "ada@" not in line


def test_an_export_under_a_key_that_is_gone_says_so_and_what_to_do(
    grace: Person, shop: Shop, session: Session, settings: Settings
) -> None:
    lost = settings.model_copy(update={"encryption_keys": (SecretStr(Fernet.generate_key().decode()),)})
    row = export(shop, session, lost)
    answer = grace.post(f"/ops/shops/{shop.tenant}/privacy/{row.id}/export", **{"as": "json"})
    assert answer.status_code == 303
    assert "Ask for it once more." in grace.get(answer.headers["Location"]).text


@pytest.mark.parametrize("role", ["ops", "warehouse", "read_only"])
def test_nobody_but_an_admin_looks_fetches_or_asks(
    grace: Person, shop: Shop, session: Session, settings: Settings, role: str
) -> None:
    row = export(shop, session, settings)
    run(grace, "UPDATE users SET role = :r", r=role)
    assert grace.get(f"/ops/shops/{shop.tenant}/privacy").status_code == 403
    assert grace.post(f"/ops/shops/{shop.tenant}/privacy/{row.id}/export", **{"as": "json"}).status_code == 403
    assert grace.post(f"/ops/shops/{shop.tenant}/privacy", what="forget", order="#1001").status_code == 403
    assert grace.rows("SELECT 1 FROM privacy_requests WHERE kind = 'redact_buyer'") == []


def test_another_shop_s_export_is_not_there(
    grace: Person, shop: Shop, other_shop: Shop, session: Session, settings: Settings
) -> None:
    row = export(other_shop, session, settings)
    assert grace.post(f"/ops/shops/{shop.tenant}/privacy/{row.id}/export", **{"as": "json"}).status_code == 404


def test_an_export_that_is_gone_is_not_offered(grace: Person, shop: Shop, session: Session, settings: Settings) -> None:
    row = export(shop, session, settings)
    row.sealed_export = None
    session.commit()
    assert "JSON" not in grace.get(f"/ops/shops/{shop.tenant}/privacy").text
    assert grace.post(f"/ops/shops/{shop.tenant}/privacy/{row.id}/export", **{"as": "json"}).status_code == 404


@pytest.mark.parametrize(
    ("what", "kind", "job"), [("export", "export", "export_buyer"), ("forget", "redact_buyer", "forget_buyer")]
)
def test_an_admin_asks_for_the_buyer_of_an_order(
    grace: Person, furnished: dict[str, int], what: str, kind: str, job: str
) -> None:
    tenant = furnished["tenant"]
    answer = grace.post(f"/ops/shops/{tenant}/privacy", what=what, order="1001")
    assert answer.location == f"/ops/shops/{tenant}/privacy"
    ((id, found, wanted),) = grace.rows("SELECT id, kind, wanted FROM privacy_requests")
    assert (found, wanted["by"], len(wanted["orders"])) == (kind, "person:Grace", 1)
    assert grace.row("SELECT kind, state FROM jobs WHERE subject = :s", s=f"demand/{id}") == (job, "due")


def test_an_order_that_is_not_there_is_said_to_be_so(grace: Person, furnished: dict[str, int]) -> None:
    answer = grace.post(f"/ops/shops/{furnished['tenant']}/privacy", what="forget", order="#nope")
    assert answer.status_code == 422
    assert "No order has this name" in answer.text
    assert grace.post(f"/ops/shops/{furnished['tenant']}/privacy", what="sell", order="#1001").status_code == 400
    assert grace.rows("SELECT 1 FROM privacy_requests") == []


def test_a_closed_shop_says_when_it_is_forgotten_and_what_is_left_to_do(
    grace: Person, shop: Shop, session: Session
) -> None:
    run(grace, "UPDATE tenants SET closed_at = now(), redact_after = now() + interval '48 hours'")
    run(
        grace,
        'UPDATE connections SET ended_at = now(), remarks = \'[{"kind": "hook_left", "sentence": "Its webhook at stripe still points here.", '
        '"remedy": "Delete it there.", "mended": false}]\'',
    )
    text = grace.get(f"/ops/shops/{shop.tenant}/privacy").text
    assert "The store took Packline away" in text
    assert "Its webhook at stripe still points here." in text
    assert "Delete it there." in text
