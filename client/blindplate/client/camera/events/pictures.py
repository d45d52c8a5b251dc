"""Pictures of plates without what is written about them: EXIF, XMP, comments, thumbnails, anything after the end.

Guarantees that of a JPEG only the segments remain that a decoder needs (ITU-T T.81), of a PNG only its critical chunks
and its transparency (W3C PNG), in their order and bit for bit, so that the picture itself is what the engine made. What
does not keep to either structure is no picture. Nothing is decoded, so nothing is said of the pixels: text drawn into
them stays, and so does what somebody hid among them.
"""

from __future__ import annotations

from typing import Final

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"

_JPEG_START: Final = b"\xff\xd8"
_JPEG_END: Final = b"\xff\xd9"
_SCAN: Final = 0xDA
_ADOBE_SEGMENT: Final = 0xEE
# Frames and tables, then scan, quantisation, lines, restarts, hierarchical: B.1.1.3. Application data (E0 to EF),
# extensions (F0 to FD), comments (FE) and reserved ones are left out.
_NEEDED: Final = frozenset(range(0xC0, 0xD0)) - {0xC8} | frozenset(range(0xDA, 0xE0))
# Without a length, and nowhere but inside a scan.
_BARE: Final = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})

_PNG_START: Final = b"\x89PNG\r\n\x1a\n"
_PNG_NEEDED: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})


def bare_picture(content: bytes) -> tuple[bytes, str] | None:
    """``content`` without metadata and its media type, or None when it is neither a whole JPEG nor a whole PNG."""
    if content.startswith(_JPEG_START):
        bare, media_type = _bare_jpeg(content), JPEG
    elif content.startswith(_PNG_START):
        bare, media_type = _bare_png(content), PNG
    else:
        return None
    return None if bare is None else (bare, media_type)


def _bare_jpeg(content: bytes) -> bytes | None:
    kept, at, scans = bytearray(_JPEG_START), len(_JPEG_START), 0
    while at + 2 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == _JPEG_END[1]:
            return bytes(kept + _JPEG_END) if scans else None
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        end = at + 2 + length
        if marker in _BARE or length < 2 or end > len(content):
            return None
        if marker in _NEEDED:
            kept += content[at:end]
        elif marker == _ADOBE_SEGMENT:
            kept += _adobe(content[at + 4 : end])
        if marker == _SCAN:
            scans += 1
            after = _end_of_scan(content, end)
            kept += content[end:after]
            end = after
        at = end
    return None


def _adobe(content: bytes) -> bytes:
    """The one application segment that changes colours: only its transform is taken over (T.872, 6.5.3)."""
    if len(content) != 12 or not content.startswith(b"Adobe") or content[11] > 2:
        return b""
    return b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + content[11:]


def _end_of_scan(content: bytes, at: int) -> int:
    """Where the next marker stands that is neither a restart nor a stuffed byte."""
    while (found := content.find(b"\xff", at)) >= 0 and found + 1 < len(content):
        if content[found + 1] not in _BARE and content[found + 1] != 0xFF:
            return found
        # A fill byte may be followed by a marker; anything else was a pair.
        at = found + (1 if content[found + 1] == 0xFF else 2)
    return len(content)


def _bare_png(content: bytes) -> bytes | None:
    kept, at, kinds = bytearray(_PNG_START), len(_PNG_START), list[bytes]()
    while at + 12 <= len(content):
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(content) or (not kinds and (kind != b"IHDR" or length != 13)):
            return None
        kinds.append(kind)
        if kind in _PNG_NEEDED:
            kept += content[at:end]
        if kind == b"IEND":
            return bytes(kept) if b"IDAT" in kinds and length == 0 else None
        at = end
    return None
