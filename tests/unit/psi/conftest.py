"""Lists small enough to encrypt in a moment: at the least degree, one upload costs a third of a second."""

from __future__ import annotations

import pytest

from blindplate.psi.context import Context, context_for
from blindplate.psi.layout import plan
from blindplate.psi.parameters import ParameterSet, load_set
from tests.unit.psi.lists import Uploaded, pseudonyms, uploaded


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
