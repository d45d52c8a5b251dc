"""Larger media as an engine might add them to an event: a still, a clip in MP4, a sound in WAV; none with a plate.

Guarantees that each has the structure of its format, a number of its own, and nothing beside its content that would be
stripped. They show and say nothing: that they travel, are sealed and are released can be told by their bytes.
"""

from __future__ import annotations

import struct
from hashlib import shake_256

from blindplate.cli.traffic.patches import patch


def still(number: int) -> bytes:
    """A JPEG."""
    return patch(number)


def clip(number: int, size: int = 2 << 20) -> bytes:
    """A film of ``size`` bytes of samples, which nothing plays: boxes of ISO/IEC 14496-12."""
    header = bytes(12) + struct.pack(">IIII", 1000, 1000, 1 << 16, 1 << 24) + bytes(72)
    samples = shake_256(b"clip %d" % number).digest(size)
    return b"".join(
        (
            _box(b"ftyp", b"isom" + bytes(4) + b"isommp41"),
            _box(b"moov", _box(b"mvhd", header)),
            _box(b"mdat", samples),
        )
    )


def sound(number: int, seconds: int = 1) -> bytes:
    """Noise of 8,000 samples a second, one channel, 8 bits."""
    samples = shake_256(b"sound %d" % number).digest(8000 * seconds)
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    chunks = form + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content
