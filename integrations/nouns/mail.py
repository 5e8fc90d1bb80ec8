"""What is written to people: one letter to one address. What could be taken for a header of its own is refused."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from integrations.nouns.base import Noun

# One mailbox and nothing around it: no name, no list, no quotes. RFC 5321 allows more; no storefront's check-out does.
_MAILBOX = re.compile(r"[^\s@<>()\[\],;:\"\\\x00-\x20\x7f]{1,64}@[^\s@<>()\[\],;:\"\\\x00-\x20\x7f]{1,253}")
# Line ends would begin another header; the others turn the reading direction of what follows around.
_NOT_IN_A_LINE = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def is_mailbox(text: str) -> bool:
    """Whether a letter can be addressed to this."""
    return _MAILBOX.fullmatch(text) is not None and not _NOT_IN_A_LINE.search(text)


def one_line(text: str) -> str:
    """The text as it may stand in a header: on one line, in its own reading direction."""
    return " ".join(_NOT_IN_A_LINE.sub(" ", text).split())


def _mailbox(text: str) -> str:
    if not is_mailbox(text):
        raise ValueError("not one plain mail address")
    return text


def _line(text: str) -> str:
    if _NOT_IN_A_LINE.search(text):
        raise ValueError("more than one line, or a change of its reading direction")
    return text


Mailbox = Annotated[str, AfterValidator(_mailbox)]
Line = Annotated[str, AfterValidator(_line)]


class Attachment(Noun):
    """A file that goes with a letter; `media_type` as in `text/csv`."""

    name: Annotated[Line, Field(min_length=1)]
    media_type: Annotated[str, Field(pattern=r"^[a-z]+/[a-z0-9.+-]+$")]
    content: bytes


class Letter(Noun):
    """`sender` is the name that is shown; the address behind it is the installation's own."""

    to: Mailbox
    sender: Line
    subject: Annotated[Line, Field(min_length=1)]
    text: str
    html: str
    language: Line = "en"
    attachments: tuple[Attachment, ...] = ()
