"""A label is what its bytes say it is, whatever the server called it: a printer is fed with it."""

from __future__ import annotations

from integrations.nouns import LabelFile
from integrations.ports import Temporary

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"%PDF-", "application/pdf"),
    (b"GIF8", "image/gif"),
    (b"\xff\xd8\xff", "image/jpeg"),
)
# Printer languages are text; ZPL begins a label with ^XA, EPL2 with N on a line of its own.
_PRINTER_BEGINNINGS = ((b"^XA", "application/zpl"), (b"N\n", "application/epl2"), (b"N\r\n", "application/epl2"))
_HEAD_BYTES = 1024


def label_file(content: bytes) -> LabelFile:
    """The file with the media type of its bytes.

    Raises:
        Temporary: it is no label: empty, or a web page that a proxy or a store of files put in its place.
    """
    media_type = _media_type(content)
    if not media_type:
        raise Temporary("what came in place of the label is no PNG, PDF, ZPL or EPL2 file", code="not_a_label")
    return LabelFile(media_type=media_type, content=content)


def _media_type(content: bytes) -> str:
    head = content[:_HEAD_BYTES]
    found = [media_type for beginning, media_type in _BEGINNINGS if head.startswith(beginning)]
    text = head.lstrip()
    found += [media_type for beginning, media_type in _PRINTER_BEGINNINGS if text.startswith(beginning)]
    # Printer commands may stand before the first label (^CT~~CD…), and ~ commands are ZPL alone.
    if not found and (b"^XA" in head or text.startswith(b"~")):
        found = ["application/zpl"]
    return found[0] if found else ""
