"""Lists small enough to encrypt in a moment: at the least degree, one upload costs a third of a second."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest

from blindplate.psi.context import Context, context_for
from blindplate.psi.layout import Layout, plan
from blindplate.psi.matcher import LoadedList, load_list
from blindplate.psi.owner import build_upload
from blindplate.psi.parameters import ParameterSet, load_set


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
    return [os.urandom(32) for _ in range(count)]


def uploaded(entries: list[bytes], layout: Layout, parameters: ParameterSet) -> Uploaded:
    upload = build_upload(entries, layout, parameters)
    blobs = list(upload.body)
    loaded = load_list(parameters, layout, blobs)
    return Uploaded(entries, layout, blobs, upload.secret, upload.salt, loaded)


@pytest.fixture(scope="session")
def prompt() -> ParameterSet:
    return load_set("prompt")


@pytest.fixture(scope="session")
def context(prompt: ParameterSet) -> Context:
    return context_for(prompt)


@pytest.fixture(scope="session")
def short(prompt: ParameterSet) -> Uploaded:
    """Forty entries: one bin, filled up to the least degree."""
    return uploaded(pseudonyms(40), plan(40, prompt), prompt)


@pytest.fixture(scope="session")
def spread(prompt: ParameterSet) -> Uploaded:
    """A list over 31 bins of 264 slots."""
    return uploaded(pseudonyms(2000), plan(2000, prompt), prompt)
