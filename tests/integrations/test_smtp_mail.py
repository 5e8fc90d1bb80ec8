"""A letter leaves over SMTP with three ends: taken, not taken, and nobody knows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from integrations import mail
from integrations.nouns import Letter
from integrations.nouns.mail import is_mailbox, one_line
from integrations.ports import CallNote, Keys, Permanent, Temporary
from sandbox.core import Core
from sandbox.faults import Fault
from sandbox.mailbox import Mailbox

KEYS = Keys(mark="7f3c", idempotency="7f3c")
LETTER = Letter(to="ada@example.com", sender="Acme", subject="Out of stock", text="One.\n.Two.\n", html="<p>One</p>")


@pytest.fixture(scope="module")
def listening() -> Mailbox:
    box = Mailbox(Core())
    box.listen()
    return box


@pytest.fixture
def box(listening: Mailbox) -> Iterator[Mailbox]:
    yield listening
    listening.core.reset()


def send(box: Mailbox, letter: Letter = LETTER) -> list[CallNote]:
    notes: list[CallNote] = []
    try:
        mail.build(f"smtp://127.0.0.1:{box.port}", "orders@packline.example", notes.append).send(letter, KEYS)
    except (Temporary, Permanent) as failure:
        failure.notes = notes  # type: ignore[union-attr]
        raise
    return notes


def test_a_letter_arrives_with_our_key_and_both_texts(box: Mailbox):
    (note,) = send(box)

    (kept,) = box.messages()
    assert (kept["sender"], kept["recipients"]) == ("orders@packline.example", ["ada@example.com"])
    assert kept["headers"]["message-id"] == "<7f3c@packline.example>"
    assert (kept["text"].splitlines(), kept["html"].strip()) == (["One.", ".Two."], "<p>One</p>")
    assert kept["headers"]["auto-submitted"] == "auto-generated"
    assert (note.vendor, note.verb, note.outcome, note.key) == ("mail", "send", "ok", "7f3c")


@pytest.mark.parametrize("name", ["متجر أحمد", "חנות דנה", "Ærø & Søn", '"Quoted", Inc.', "店" * 12])
def test_a_name_in_any_script_arrives_as_it_is(box: Mailbox, name: str):
    send(box, LETTER.model_copy(update={"sender": name, "subject": f"{name}: #1001"}))

    (kept,) = box.messages()
    assert name in kept["headers"]["from"].replace('\\"', '"')
    assert kept["headers"]["subject"] == f"{name}: #1001"
    assert kept["raw"].isascii()


@pytest.mark.parametrize("field", ["to", "sender", "subject", "language"])
@pytest.mark.parametrize(
    "odd", ["a@b.example\r\nBcc: eve@example.com", "a@b.example\nx", "a@b.example\x00", "\u202ea@b.example"]
)
def test_no_value_can_add_a_header_or_turn_the_line_around(field: str, odd: str):
    with pytest.raises(ValidationError):
        Letter(**(LETTER.model_dump() | {field: odd}))


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("ada@example.com", True), ("a.b+c@sub.example.co", True), ("müller@bücher.example", True),
        ("", False), ("ada", False), ("Ada <ada@example.com>", False), ("a@b@c", False), ("a@b, c@d", False),
        ("a b@example.com", False), ("<ada@example.com>", False), ("a@b\r\nRCPT TO:<eve@c>", False),
    ],
)  # fmt: skip
def test_a_mailbox_is_one_plain_address(text: str, is_one: bool):
    assert is_mailbox(text) == is_one


def test_a_line_loses_what_would_end_it():
    assert one_line("Acme\r\nBcc: x\u202e  y") == "Acme Bcc: x y"


def test_a_domain_in_another_script_is_written_as_the_wire_knows_it(box: Mailbox):
    send(box, LETTER.model_copy(update={"to": "ada@bücher.example"}))

    assert box.messages()[0]["recipients"] == ["ada@xn--bcher-kva.example"]


def test_a_mailbox_in_another_script_is_a_person_s_to_reach_otherwise(box: Mailbox):
    with pytest.raises(Permanent) as refused:
        send(box, LETTER.model_copy(update={"to": "müller@example.com"}))

    assert refused.value.code == "mail_refused"
    assert box.messages() == []


@pytest.mark.parametrize(
    ("kind", "failure", "code", "unknown", "arrived"),
    [
        ("busy", Temporary, "mail_451", False, 0),
        ("refused", Permanent, "mail_refused", None, 0),
        ("cut", Temporary, "mail_unknown", True, 0),
        ("cut_after", Temporary, "mail_unknown", True, 1),
    ],
)
def test_each_way_to_fail_is_told_apart(
    box: Mailbox, kind: str, failure: type[Exception], code: str, unknown: bool | None, arrived: int
):
    box.core.faults.add(Fault(vendor="mail", kind=kind, operation="message"))

    with pytest.raises(failure) as raised:
        send(box)

    assert (raised.value.code, getattr(raised.value, "outcome_unknown", None)) == (code, unknown)  # type: ignore[attr-defined]
    assert "ada@" not in str(raised.value)
    assert [note.outcome for note in raised.value.notes] == [code]  # type: ignore[attr-defined]
    assert len(box.messages()) == arrived


def test_a_server_that_is_not_there_may_be_later():
    with pytest.raises(Temporary) as away:
        mail.build("smtp://127.0.0.1:9", "orders@packline.example", lambda _: None).send(LETTER, KEYS)

    assert (away.value.code, away.value.outcome_unknown) == ("mail_unreached", False)


def test_an_account_that_the_server_does_not_know_is_the_settings_fault(box: Mailbox):
    with pytest.raises(Permanent) as refused:
        mail.build(f"smtp://ann:secret@127.0.0.1:{box.port}", "o@packline.example", lambda _: None).send(LETTER, KEYS)

    assert (refused.value.code, "MAIL_URL" in refused.value.remedy) == ("mail_settings", True)
    assert "secret" not in str(refused.value)


def test_without_encryption_nothing_is_sent_to_another_machine(box: Mailbox, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("integrations.mail.smtp._LOOPBACK", frozenset())

    with pytest.raises(Permanent) as refused:
        send(box)

    assert (refused.value.code, box.messages()) == ("mail_settings", [])
