"""Lists as owner and matcher see them."""

from __future__ import annotations

import os
from dataclasses import dataclass

from blindplate.psi.layout import Layout
from blindplate.psi.matcher import LoadedList, load_list
from blindplate.psi.owner import build_upload
from blindplate.psi.parameters import ParameterSet


@dataclass(frozen=True)
class Uploaded:
    """A list, its upload as bytes, and the same loaded by the matcher."""

    entries: list[bytes]
    layout: Layout
    blobs: list[bytes]
    secret: bytes
    salt: bytes
    loaded: LoadedList


def pseudonyms(count: int) -> list[bytes]:
    """Fresh ones, 32 bytes each."""
    return [os.urandom(32) for _ in range(count)]


def uploaded(entries: list[bytes], layout: Layout, parameters: ParameterSet) -> Uploaded:
    """Encrypt a list and load it."""
    upload = build_upload(entries, layout, parameters)
    blobs = list(upload.body)
    loaded = load_list(parameters, layout, blobs)
    return Uploaded(entries, layout, blobs, upload.secret, upload.salt, loaded)
