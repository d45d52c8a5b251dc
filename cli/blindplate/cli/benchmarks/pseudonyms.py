"""Pseudonyms on one core: one custodian's part and its client's, by batches under one proof.

Every output is compared with what the key gives directly. A pseudonym takes all of it twice, once a custodian.
Protocol section 3.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from blindplate.cli.benchmarks.timing import Say, Seconds, Spread, per_second, silent, timed
from blindplate.core.domains import Domain
from blindplate.core.errors import ProofError
from blindplate.core.pseudonyms import SEED_BYTES, Blinding, DomainKey

DEFAULT_INPUTS: Final = 1_000
DEFAULT_ROUNDS: Final = 7
_INPUT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class PseudonymFigures:
    """Of batches of ``inputs`` under one proof each. ``direct_per_second`` evaluates a known input, as local mode does."""

    inputs: int
    rounds: int
    blind_per_second: Spread
    evaluate_with_proof_per_second: Spread
    finalize_per_second: Spread
    direct_per_second: Spread


def measure_pseudonyms(
    inputs: int = DEFAULT_INPUTS, rounds: int = DEFAULT_ROUNDS, say: Say = silent
) -> PseudonymFigures:
    """Evaluate ``inputs`` (1 to 65,535) at once, ``rounds`` times.

    Raises MessageError for another number, ProofError when an output is not the one it must be.
    """
    key = DomainKey.derive(os.urandom(SEED_BYTES), Domain("bench", "bench", 1))
    say(f"Evaluating {rounds} batches of {inputs:,} inputs.")
    taken = [_round(key, inputs) for _ in range(1 + rounds)][1:]
    blinding, evaluating, finalizing, direct = (list(step) for step in zip(*taken, strict=True))
    return PseudonymFigures(
        inputs=inputs,
        rounds=rounds,
        blind_per_second=per_second(inputs, blinding),
        evaluate_with_proof_per_second=per_second(inputs, evaluating),
        finalize_per_second=per_second(inputs, finalizing),
        direct_per_second=per_second(inputs, direct),
    )


def _round(key: DomainKey, inputs: int) -> tuple[Seconds, Seconds, Seconds, Seconds]:
    plates = [os.urandom(_INPUT_BYTES) for _ in range(inputs)]
    blinding, blinded = timed(Blinding.blind, plates)
    (evaluated, proof), evaluating = timed(key.blind_evaluate, blinding.blinded)
    outputs, finalizing = timed(blinding.finalize, evaluated, proof, key.public)
    known, direct = timed(lambda: [key.evaluate(plate) for plate in plates])
    if outputs != known:
        raise ProofError("An evaluation finalized to another output than its key gives.")
    return blinded, evaluating, finalizing, direct
