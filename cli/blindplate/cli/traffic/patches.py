"""Plate patches: the smallest JPEG there is, each with a number of its own, none with a plate.

Guarantees a valid baseline JPEG (ITU-T T.81) of one grey pixel, different for each number. It shows nothing: that a
patch travels, is sealed and is released can be told by its number.
"""

from __future__ import annotations

from typing import Final

MEDIA_TYPE: Final = "image/jpeg"


def _segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


_START: Final = b"\xff\xd8"
_END: Final = b"\xff\xd9"
_TABLE: Final = 0xDB
# One component of 8 bits, 1 by 1; for DC and AC the one code 0 for "nothing more".
_IMAGE: Final = b"".join(
    (
        _segment(0xC0, b"\x08\x00\x01\x00\x01\x01\x01\x11\x00"),
        _segment(0xC4, b"\x00\x01" + bytes(15) + b"\x00"),
        _segment(0xC4, b"\x10\x01" + bytes(15) + b"\x00"),
        _segment(0xDA, b"\x01\x01\x00\x00\x3f\x00"),
        # The two codes, filled up with ones.
        b"\x3f",
    )
)


def patch(number: int) -> bytes:
    """The JPEG with ``number`` in its table of divisors, which divide nothing. 141 bytes.

    Not in a comment: what is said beside a picture does not get into a record.
    """
    divisors = (b"%010d" % number).ljust(64, b"\x01")
    return _START + _segment(_TABLE, b"\x00" + divisors) + _IMAGE + _END
