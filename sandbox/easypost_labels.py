"""Label files the sandbox itself serves: small, valid, with the tracking number on them."""

import struct
import zlib
from hashlib import sha256

MEDIA_TYPES = {"png": "image/png", "pdf": "application/pdf", "zpl": "application/zpl", "epl2": "application/epl2"}
# 4 × 6 inches at 100 dots per inch: readable, and a hundredth of the real file.
PNG_WIDTH, PNG_HEIGHT = 400, 600
# 4 × 6 inches in PDF points.
PDF_WIDTH, PDF_HEIGHT = 288, 432


def label_file(extension: str, tracking_code: str, lines: list[str]) -> bytes:
    """The label's bytes in one of MEDIA_TYPES; `lines` are printed above the tracking number.

    Raises:
        KeyError: an extension EasyPost does not know.
    """
    return {"png": _png, "pdf": _pdf, "zpl": _zpl, "epl2": _epl2}[extension](tracking_code, lines)


def _pdf(tracking_code: str, lines: list[str]) -> bytes:
    text = [f"BT /F1 11 Tf 20 {PDF_HEIGHT - 40} Td 16 TL"]
    text += [f"({_escaped(line)}) Tj T*" for line in [*lines, "", "TRACKING NUMBER", tracking_code]]
    text.append("ET")
    text += [f"{20 + 4 * column} 60 {width} 80 re f" for column, width in enumerate(_bars(tracking_code)) if width]
    drawing = "\n".join(text).encode("latin-1", "replace")
    page = (
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {PDF_WIDTH} {PDF_HEIGHT}]/Contents 4 0 R"
        "/Resources<</Font<</F1 5 0 R>>>>>>"
    )
    return _pdf_file(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            page.encode(),
            b"<</Length %d>>\nstream\n%s\nendstream" % (len(drawing), drawing),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        ]
    )


def _pdf_file(objects: list[bytes]) -> bytes:
    out = b"%PDF-1.4\n"
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        size,
        table,
        size,
        len(out),
    )


def _png(tracking_code: str, lines: list[str]) -> bytes:
    bars = _bars(tracking_code)
    row = b"\x00" + bytes(0x00 if bars[index % len(bars)] % 2 else 0xFF for index in range(PNG_WIDTH // 8))
    blank = b"\x00" + b"\xff" * (PNG_WIDTH // 8)
    picture = zlib.compress(blank * 200 + row * 200 + blank * (PNG_HEIGHT - 400))
    header = struct.pack(">IIBBBBB", PNG_WIDTH, PNG_HEIGHT, 1, 0, 0, 0, 0)
    words = "\n".join([*lines, tracking_code]).encode("latin-1", "replace")
    chunks = ((b"IHDR", header), (b"tEXt", b"Description\x00" + words), (b"IDAT", picture), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(name, content) for name, content in chunks)


def _png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _zpl(tracking_code: str, lines: list[str]) -> bytes:
    texts = "".join(f"^FO40,{40 + 40 * number}^ADN,36,20^FD{line}^FS\n" for number, line in enumerate(lines))
    return f"^XA\n{texts}^FO40,800^BCN,200,Y,N,N^FD{tracking_code}^FS\n^XZ\n".encode()


def _epl2(tracking_code: str, lines: list[str]) -> bytes:
    texts = "".join(f'A40,{40 + 40 * number},0,4,1,1,N,"{line}"\n' for number, line in enumerate(lines))
    return f'N\n{texts}B40,800,0,1,2,4,200,B,"{tracking_code}"\nP1\n'.encode()


def _bars(tracking_code: str) -> list[int]:
    return [byte % 4 for byte in sha256(tracking_code.encode()).digest() * 2]


def _escaped(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
