"""What may be written down, and what a log line makes of the rest."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError, StatementError

from config import faults, secrecy
from integrations.nouns import Address, AddressVerdict
from integrations.ports import Permanent, Temporary
from jobs import quiet
from web.show import redaction

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJkZXN0IjoiaHR0cHM6Ly9hIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("token shpat_0123abcd refused", "token ••• refused"),
        ("shpua_x1y2z3, shpss_abcd1234", "•••, •••"),
        ("sk_live_abc123 rk_test_9z pk_test_x1y2", "••• rk_test_9z •••".replace("rk_test_9z", "•••")),
        ("whsec_abcdef and EZTK12ab34 and EZAKzzzz", "••• and ••• and •••"),
        (f"id {JWT}.", "id •••."),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer •••"),
        ("Basic dXNlcjpwYXNz==", "Basic •••"),
        ("GET /a/b?id_token=x&shop=y HTTP/1.1", "GET /a/b?••• HTTP/1.1"),
        ("/search?email=a%40b.c", "/search?•••"),
        ("postgresql://packline:secret@db/x", "postgresql://•••@db/x"),
        ("to ada.b+c@mail.example.co.uk, now", "to •••, now"),
        ("call +1 (415) 555-0137 now", "call ••• now"),
        ("path=/ops/files/WyJsYWJlbCIsMSwxLDEsInBlcnNvbiJd.awJiHA.XEOI1V", "path=/ops/files/•••"),
        ("order 41555501370 of tenant 7, label/12", "order 41555501370 of tenant 7, label/12"),
        ("skipped: sk_ is short, EZ is a word, what?", "skipped: sk_ is short, EZ is a word, what?"),
        ("2026-11-22T03:18:18.040354+00:00", "2026-11-22T03:18:18.040354+00:00"),
    ],
)
def test_a_text_loses_what_opens_a_door_and_keeps_the_rest(given, told):
    assert secrecy.text(given) == told


def test_a_value_that_this_process_holds_secret_stands_nowhere():
    before = secrecy._known
    try:
        secrecy.learn(["a-very-plain-looking-secret", "short", ""])
        assert secrecy.text("it is a-very-plain-looking-secret, and short") == "it is •••, and short"
    finally:
        secrecy._known = before


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("password", "x", "•••"),
        ("Set-Cookie", "session=1", "•••"),
        ("csrf_token", "abc", "•••"),
        ("ship_to", {"name": "Ada"}, "•••"),
        ("token", None, None),
        ("token_ends_in_s", 30, 30),
        ("email", "", ""),
        ("state", "due", "due"),
        ("address", "192.0.2.1", "192.0.2.1"),
        ("order", 4, 4),
        ("names", ["a", "b"], ["a", "b"]),
        ("thing", object(), "<object>"),
        ("deep", {"a": {"secret": "x", "n": [1, "sk_live_abcd"]}}, {"a": {"secret": "•••", "n": [1, "•••"]}}),
        ("lines", "a\nb\x1b[31m\x9bc\x7f", "a\\nb\\x1b[31m\\x9bc\\x7f"),
    ],
)
def test_a_field_is_told_by_its_name_and_kind(name, given, told):
    assert secrecy.value(name, given) == told


@given(st.text(max_size=300))
def test_a_line_is_one_line_whatever_is_given(text):
    line = secrecy.line(text)
    assert len(line.splitlines() if line.isascii() else [line]) <= 1
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in line)


@pytest.mark.parametrize(
    "text", ["a" * 2_000_000, "1(" * 500_000, "@" * 500_000, "a." * 500_000, "+1" + " " * 1_000_000]
)
def test_no_text_takes_long_to_read(text):
    """An expression that goes back and forth would take days for each of these."""
    began = time.process_time()
    secrecy.line(text)
    assert time.process_time() - began < 1
    redaction.pretty(text.encode(), redacted=True)
    assert time.process_time() - began < 20


class Asked(BaseModel):
    name: int


class Diag:
    message_primary = 'null value in column "currency" violates not-null constraint'
    message_detail = "Failing row contains (7, Zelphine Quarrowby)."
    table_name, column_name, constraint_name = "orders", "currency", None


class Broken(Exception):
    sqlstate, diag = "23502", Diag()


def raised(make):
    try:
        make()
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError("nothing was raised")


def test_an_exception_is_told_with_words_about_code_only():
    assert faults.words(raised(lambda: None.x)) == "'NoneType' object has no attribute 'x'"
    assert "left out" in faults.words(raised(lambda: int("Zelphine")))
    assert "left out" in faults.words(KeyError("Zelphine"))
    assert faults.words(ZeroDivisionError()) == ""
    assert faults.words(raised(lambda: Asked(name="Zelphine"))) == "name: int_parsing"
    assert faults.words(raised(Path("/nowhere/Zelphine").read_text)) == "No such file or directory"
    assert faults.words(Permanent("EasyPost refused: sk_live_abcd", remedy="x")) == "EasyPost refused: •••"


def test_a_row_that_broke_a_rule_is_told_by_the_rule():
    said = '23502 null value in column "currency" violates not-null constraint orders currency'
    assert faults.words(Broken("Failing row contains (Zelphine)")) == said
    assert faults.words(IntegrityError("INSERT Zelphine", {"a": "Zelphine"}, Broken("Zelphine"))) == said
    assert "Zelphine" not in faults.told(StatementError("Zelphine", "INSERT", {"a": "Zelphine"}, Broken("Zelphine")))


def test_a_chain_is_told_from_its_first_cause_with_every_place():
    def outer():
        try:
            int("Zelphine")
        except ValueError as first:
            raise RuntimeError("Zelphine") from first

    told = faults.told(raised(outer))
    assert told.index("ValueError") < told.index("which led to") < told.index("RuntimeError")
    assert "in outer" in told
    assert "Zelphine" not in told.replace('int("Zelphine")', "").replace('RuntimeError("Zelphine")', "")


ADA = Address(name="Zelphine  van Quarrowby", street1="4417 Obsidian Terrace", company="Q & Co", phone="+14155550137")


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("No such street: 4417 OBSIDIAN   Terrace.", "No such street: •••."),
        ("Dear Quarrowby, zelphine van quarrowby", "Dear •••, •••"),
        ("Q & Co (ada@x.example) is unknown", "••• (•••) is unknown"),
        ("The van is full; rate 4417 is gone", "The van is full; rate 4417 is gone"),
        ("Quarrowbyton is a town", "Quarrowbyton is a town"),
        ("key sk_1 (c+d) refused", "key sk_1 (c+d) refused"),
    ],
)
def test_a_sentence_loses_the_buyer_and_keeps_its_meaning(sentence, told):
    assert quiet.without(sentence, quiet.of_buyer(ADA, "ada@x.example")) == told


@given(st.lists(st.text(max_size=20), max_size=5), st.text(max_size=80))
def test_any_words_can_be_taken_out_of_any_sentence(words, sentence):
    quiet.without(sentence, words)


def test_of_no_buyer_nothing_is_known():
    assert quiet.of_buyer(None, "", "ab") == []


class Vendor:
    name = "as it is"

    def refuse(self):
        raise Permanent("no 4417 Obsidian Terrace", remedy="mend 4417 Obsidian Terrace", code="X")

    def list(self):
        yield 1
        raise Temporary("later, 4417 Obsidian Terrace", code="Y", retry_in_s=3, outcome_unknown=True)

    def verify(self):
        return AddressVerdict(deliverable=False, problems=("4417 Obsidian Terrace is none",))

    def add(self, one, *, two):
        return one + two


def test_behind_the_quiet_a_vendor_is_the_same_but_for_its_words():
    asked = []
    vendor = quiet.behind(Vendor(), lambda: asked.append(1) or ["4417 Obsidian Terrace"])

    assert (vendor.name, vendor.add(1, two=2)) == ("as it is", 3)
    assert asked == []  # nobody is looked up where there is no sentence
    refused = raised(vendor.refuse)
    assert (str(refused), refused.reason, refused.remedy, refused.code) == ("no •••", "no •••", "mend •••", "X")
    rows = vendor.list()
    assert next(rows) == 1
    later = raised(lambda: next(rows))
    assert (later.reason, later.code, later.retry_in_s, later.outcome_unknown) == ("later, •••", "Y", 3, True)
    assert vendor.verify().problems == ("••• is none",)
    with pytest.raises(AttributeError):
        _ = vendor.nothing
