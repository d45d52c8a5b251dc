"""The specification's figures and tables are what the code gives."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blindplate.core.encoding import digest
from blindplate.psi.answer import pads
from blindplate.psi.expansion import expand
from blindplate.psi.layout import plan
from blindplate.psi.mapping import place, salt_of
from blindplate.psi.packing import pack
from blindplate.psi.parameters import ParameterSet, load_set

TEXT = (Path(__file__).parents[3] / "docs" / "spec" / "match.md").read_text("utf-8")


@pytest.fixture
def figures() -> dict[str, Any]:
    found = re.search(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None
    read: dict[str, Any] = json.loads(found[1])
    return read


def test_the_figures(figures: dict[str, Any], prompt: ParameterSet) -> None:
    salt = salt_of(bytes.fromhex(figures["seed_of_zero"]))
    assert salt.hex() == figures["salt"]
    places = place([bytes.fromhex(figures["pseudonym"])], salt, 1562, prompt.plain_modulus)
    assert (places.bins.tolist(), places.elements.tolist()) == ([figures["bin"]], [figures["element"]])
    expanded = expand(bytes.fromhex(figures["mask_seed"]), 2, prompt.answer_moduli)
    assert expanded.tolist() == figures["expanded"]
    assert pads([np.array([sigma]) for sigma in figures["sigmas"]]).tobytes().hex() == figures["pad"]
    residues = np.array([[residue] for residue in figures["packed_residues"]])
    assert pack(residues, prompt.data_primes).hex() == figures["packed"]
    assert [load_set(name).digest.hex() for name in ("prompt", "bulk")] == [
        figures["digest_of_prompt"],
        figures["digest_of_bulk"],
    ]


def test_the_digest_of_a_set_is_as_specified(prompt: ParameterSet) -> None:
    numbers = [4, 3, 8192, 4, *prompt.data_primes, prompt.special_prime, prompt.plain_modulus, 2, 3, 64, 2048]
    name = len("prompt").to_bytes(4, "big") + b"prompt"
    packed = b"".join(number.to_bytes(8, "big") for number in numbers)
    assert prompt.digest == digest("match-parameters", name, packed)


def test_the_sizes_in_the_table() -> None:
    for name in ("prompt", "bulk"):
        parameters = load_set(name)
        assert f"| {parameters.blob_bytes:,} B | {parameters.answer_bytes:,} B |" in TEXT


def test_the_failure_probabilities_in_the_table() -> None:
    rows = re.findall(
        r"\| (prompt|bulk), ([\d,]+) \| (\d+) x (\d+), (\d+) \| 2\^(-[\d.]+) \| 2\^(-[\d.]+) \|", TEXT
    )
    assert len(rows) == 6
    for name, entries, bins, replicas, degree, failure, stranger in rows:
        layout = plan(int(entries.replace(",", "")), load_set(name))
        assert (layout.bins, layout.replicas, layout.degree) == (int(bins), int(replicas), int(degree))
        assert (round(layout.failure_log2, 1), round(layout.stranger_log2, 1)) == (
            float(failure),
            float(stranger),
        )
