"""How values look: times, money, words, next steps, files. Pure."""

from __future__ import annotations

import ast
import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from integrations.nouns import ParcelStatus, PaymentStanding, PaymentState
from jobs.health import Listener, Report
from jobs.queue import KINDS, QUEUES
from orders import amounts
from orders.lifecycle import LIVES
from records.jobs import Job
from records.orders import Hold
from web import assets
from web.show import condition, doings, moments, next_step, redaction, sheet, words

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "just now"),
        (-59, "just now"),
        (1, "in a moment"),
        (-60, "1 min ago"),
        (3 * 60, "in 3 min"),
        (-99 * 60, "99 min ago"),
        (-100 * 60, "1 h ago"),
        (-47 * 3600, "47 h ago"),
        (2 * 86400, "in 2 days"),
        (-13 * 86400, "13 days ago"),
        (-14 * 86400, "7 Nov"),
        (60 * 86400, "20 Jan 2027"),
    ],
)
def test_a_time_is_told_from_now(seconds: int, told: str) -> None:
    assert moments.relative(NOW + timedelta(seconds=seconds), NOW) == told


def test_a_time_carries_its_exact_moment() -> None:
    berlin = datetime.fromisoformat("2026-11-21T12:30:00+01:00")
    assert moments.element(berlin, NOW) == (
        '<time datetime="2026-11-21T11:30:00Z" title="2026-11-21 11:30:00 UTC">30 min ago</time>'
    )
    assert "–" in moments.element(None, NOW)


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "told"),
    [
        (1234, "USD", "en_US", "$12.34"),
        (1234, "EUR", "de_DE", "12,34\xa0€"),
        (1234, "JPY", "en_US", "¥1,234"),
        (1234, "KWD", "en_US", "KWD1.234"),
        (1234, "IQD", "en_US", "IQD1.234"),
        (-500, "USD", "en_US", "-$5.00"),
        (None, "USD", "en_US", "–"),
        (0, "", "en_US", "–"),
        (5, "XXZ", "en_US", "XXZ0.05"),
    ],
)
def test_money_has_the_decimals_of_its_currency(minor: int | None, currency: str, locale: str, told: str) -> None:
    assert amounts.amount(minor, currency, Locale.parse(locale)) == told


def test_every_state_of_every_thing_has_a_word_and_a_picture() -> None:
    for thing in (
        "order",
        "shipment",
        "label",
        "reservation",
        "hold",
        "job",
        "reversal",
        "reversal_step",
        "comparison",
    ):
        assert set(words.LOOKS[thing]) == set(LIVES[thing].states), thing
    assert set(words.LOOKS["inbox"]) == set(LIVES["inbox_event"].states)
    assert set(words.LOOKS["parcel"]) == {status.value for status in ParcelStatus}
    assert set(words.LOOKS["payment"]) == {one.value for kind in (PaymentStanding, PaymentState) for one in kind}
    assert set(doings.DOINGS) == set(KINDS)
    pairs = [(look.word, look.icon) for table in words.LOOKS.values() for look in table.values()]
    assert all(word and icon for word, icon in pairs)


def test_every_reason_to_hold_an_order_has_a_word() -> None:
    root = Path(words.__file__).parents[2]
    kinds = {
        kind.value.value
        for path in [*root.glob("orders/*.py"), *root.glob("jobs/*.py")]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"Problem", "holds.Problem"}
        for kind in node.keywords
        if kind.arg == "kind" and isinstance(kind.value, ast.Constant)
    }
    assert len(kinds) >= 8
    assert kinds <= set(words.HOLDS)


def test_every_tone_is_one_that_the_style_sheet_has() -> None:
    tones = {look.tone for table in words.LOOKS.values() for look in table.values()}
    css = (Path(words.__file__).parents[1] / "static/css/packline.css").read_text()
    assert all(f"--{tone}-ground" in css for tone in tones)


def _job(state: str, kind: str = "buy_label", **columns: Any) -> Job:
    return Job(id=7, state=state, kind=kind, **{"reason": "", "due_at": NOW, **columns})


def _hold(kind: str) -> Hold:
    return Hold(kind=kind, state="open", reason="Because.")


@pytest.mark.parametrize(
    ("state", "holds", "jobs", "parcels", "word", "tone"),
    [
        ("allocated", ["stock"], [_job("parked")], [], "Needs you: buy a label", "bad"),
        ("verified", ["address", "operator"], [_job("due")], [], "On hold: address, held by a person", "warn"),
        ("shipping", ["stock"], [], ["in_transit"], "Waits for stock", "warn"),
        ("shipping", ["stock"], [_job("due", "push_tracking")], [], "Next: tell the store what has left", "going"),
        ("released", [], [_job("running", "reserve_stock"), _job("due")], [], "Now: reserve stock", "going"),
        ("released", [], [_job("due", reason="Down.", due_at=LATER)], [], "Tries again: buy a label", "warn"),
        ("cancelled", [], [], [], "Nothing: cancelled", "quiet"),
        ("released", [], [], [], "Nothing is planned", "warn"),
        ("fulfilled", [], [], ["pre_transit"], "Waits for the first scan", "quiet"),
        ("fulfilled", [], [], ["delivered", "in_transit"], "In transit", "going"),
        ("fulfilled", [], [], ["delivered", "failure"], "Delivery failed", "bad"),
        ("fulfilled", [], [], ["delivered", "delivered"], "Delivered", "good"),
        ("fulfilled", [], [], ["lost_in_space", "delivered"], "Lost in space", "quiet"),
    ],
)
def test_the_next_step_says_what_comes_and_whether_it_needs_a_person(
    state: str, holds: list[str], jobs: list[Job], parcels: list[str], word: str, tone: str
) -> None:
    step = next_step.of(state, [_hold(kind) for kind in holds], jobs, parcels, now=NOW)
    assert (step.word, step.tone) == (word, tone)


def _report(*queues: str, answers: bool = True) -> Report:
    listeners = tuple(Listener(name=q, queues=(q,), state="idle", since=NOW, heard_at=NOW) for q in queues)
    return Report(answers=answers, bells={}, listeners=listeners)


def test_the_condition_is_told_worst_thing_first() -> None:
    late = NOW - timedelta(minutes=10)
    assert condition.judge(_report(answers=False), late, now=NOW).word == "Redis does not answer"
    unheard = condition.judge(_report("orders"), late, now=NOW)
    assert (unheard.tone, unheard.sentence[:46]) == ("bad", "Nobody listens to hooks, carriers, notices: th"[:46])
    behind = condition.judge(_report(*QUEUES), late, now=NOW)
    assert (behind.word, "waited 10 min" in behind.sentence) == ("Behind", True)
    assert condition.judge(_report(*QUEUES), NOW, now=NOW).word == "Working"
    assert condition.judge(_report(*QUEUES), None, now=NOW).tone == "good"


def test_a_message_is_shown_without_its_persons_in_every_vendors_spelling() -> None:
    message = {
        "id": 1,
        "name": "#1001",
        "currency": "EUR",
        "note": "Ring at Ada's",
        "client_details": {"browser_ip": "1.2.3.4"},
        "shipping": {"name": "Ada", "address": {"line1": "1 St", "postal_code": "9", "state": "CA"}, "phone": "+1"},
        "data": {"object": {"receipt_email": "a@b.example", "description": "for a@b.example", "amount": 5}},
        "to_address": {"street1": "1 St", "zip": "9", "name": "Ada", "country": "US"},
        "addresses": [{"address1": "x", "city": "y"}],
        "phone": None,
        "email": "",
    }
    shown, is_json = redaction.pretty(json.dumps(message).encode(), redacted=True)
    assert is_json
    hidden = redaction.HIDDEN
    assert json.loads(shown) == {
        "id": 1,
        "name": "#1001",
        "currency": "EUR",
        "note": hidden,
        "client_details": {"browser_ip": hidden},
        "shipping": {
            "name": hidden,
            "address": {"line1": hidden, "postal_code": hidden, "state": hidden},
            "phone": hidden,
        },
        "data": {"object": {"receipt_email": hidden, "description": f"for {hidden}", "amount": 5}},
        "to_address": {"street1": hidden, "zip": hidden, "name": hidden, "country": "US"},
        "addresses": [{"address1": hidden, "city": hidden}],
        "phone": None,
        "email": "",
    }


def test_text_is_shown_without_addresses_and_numbers_of_persons() -> None:
    shown, is_json = redaction.pretty(b"mail ada@example.com or +1 (415) 555-0100, code 42", redacted=True)
    assert (shown, is_json) == (f"mail {redaction.HIDDEN} or {redaction.HIDDEN}, code 42", False)


@given(st.text(max_size=40))
def test_no_cell_starts_a_formula(text: str) -> None:
    assert not sheet.cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_front_end_files_are_copied_and_compressed(tmp_path: Path) -> None:
    packages, target = tmp_path / "node_modules", tmp_path / "vendor"
    for source in assets._FILES:
        (packages / source).parent.mkdir(parents=True, exist_ok=True)
        (packages / source).write_bytes(b"first\n//# sourceMappingURL=x.map\nlast")
    assert assets.install(packages, target) == []
    assert (target / "htmx.min.js").read_bytes() == b"first\nlast"
    assert gzip.decompress((target / "htmx.min.js.gz").read_bytes()) == b"first\nlast"
    assert sorted(path.name for path in target.iterdir() if path.suffix != ".gz") == sorted(assets._FILES.values())


def test_missing_front_end_files_are_named(tmp_path: Path) -> None:
    assert assets.install(tmp_path / "none", tmp_path / "vendor") == list(assets._FILES)


def test_the_lock_names_no_registry() -> None:
    root = Path(words.__file__).parents[2]
    locked = json.loads((root / "package-lock.json").read_text())
    assert "resolved" not in (root / "package-lock.json").read_text()
    wanted = json.loads((root / "package.json").read_text())["dependencies"]
    assert {name: locked["packages"][f"node_modules/{name}"]["version"] for name in wanted} == wanted
