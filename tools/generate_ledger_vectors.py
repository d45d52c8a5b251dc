"""Writes tests/vectors/ledger-v1.json, or with --check fails when it is not what this would write.

Run it as ``python -m tools.generate_ledger_vectors``. Everything in the file is made by ``ledger_vector_signer``, which
imports nothing of blindplate.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final

from tools import ledger_vector_cases as cases
from tools import ledger_vector_notes as notes

VECTORS: Final = Path(__file__).parent.parent / "tests" / "vectors" / "ledger-v1.json"
NOTES: Final = {
    "Normal": "Nothing particular.",
    "Separation": "Differs from another test in one input alone: every output must differ.",
    "Base64": "Base64 that is not the one spelling of its bytes.",
    "Doubled": "Two signatures by one known key.",
    "Empty": "A ledger without entries.",
    "Fewer": "Not signed by everyone: it holds, and is not witnessed by both.",
    "Flipped": "One bit of a signature or of its time flipped.",
    "Forged": "Signatures over another checkpoint than this.",
    "Form": "Lines that are too many, too few or not of their form.",
    "Index": "The proof of another entry.",
    "KeyId": "An identifier that is not the key's.",
    "Kind": "A kind of key that is not in use, or not the key's.",
    "Largest": "The longest origin and the largest size.",
    "Length": "Something of another length than it must have.",
    "Long": "A proof with nodes that it must not have.",
    "Missing": "Not signed by both of the ledger's keys.",
    "Name": "A name or origin that is none.",
    "Node": "A node of a proof altered.",
    "OneKind": "One of a custodian's two kinds of cosignature: no witness.",
    "Order": "A proof's nodes in another order.",
    "Origin": "Another ledger's.",
    "OriginWithSpaces": "An origin that is no key's name.",
    "Root": "A root that is not the tree's.",
    "Short": "A proof without a node that it must have.",
    "Size": "A size that is no number in its one spelling, or not the tree's.",
    "TimeRange": "A time that does not fit in 63 bits.",
    "TimeZero": "Cosignatures of time 0: no witness.",
    "TooMany": "More than are allowed.",
    "TwoTimes": "A custodian's two cosignatures are of two moments: no witness.",
    "Unknown": "Lines by keys that are not pinned are ignored.",
}


def document() -> dict[str, Any]:
    """The whole file."""
    pinned = {"log": cases.LEDGER.vkeys(), "witnessA": cases.A.vkeys(), "witnessB": cases.B.vkeys()}
    groups: dict[str, tuple[dict[str, Any], Any]] = {
        "Keys": ({}, cases.keys()),
        "VerifierKey": ({}, cases.verifier_keys()),
        "Checkpoint": ({}, cases.checkpoints()),
        "Signature": ({}, notes.signatures()),
        "SignedCheckpoint": ({"origin": cases.ORIGIN, **pinned}, notes.notes()),
        "AddCheckpoint": ({}, cases.add_checkpoints()),
        "Tree": ({}, cases.trees()),
        "Inclusion": ({}, cases.inclusions()),
        "Consistency": ({}, cases.consistencies()),
    }
    numbers = count(1)
    test_groups = [
        {"type": kind, **fields, "tests": [{"tcId": next(numbers), **test} for test in tests]}
        for kind, (fields, tests) in groups.items()
    ]
    return {
        "algorithm": "BLINDPLATE-LEDGER",
        "schema": "ledger-v1.schema.json",
        "generator": "python -m tools.generate_ledger_vectors",
        "header": [
            "Keys, checkpoints, cosignatures and proofs of the ledger: docs/spec/ledger.md sections 1 to 3.",
            "Byte strings are hexadecimal; notes, bodies and verifier keys are texts. Entry number i is i in decimal.",
            "Sizes and times that a double may not hold are texts.",
        ],
        "notes": NOTES,
        "numberOfTests": next(numbers) - 1,
        "testGroups": test_groups,
    }


def render() -> str:
    """The text of the file."""
    return json.dumps(document(), indent=1, ensure_ascii=True) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write, or check, the published vectors for the ledger.")
    parser.add_argument(
        "--check", action="store_true", help="fail when the file is not what would be written"
    )
    parser.add_argument("--output", type=Path, default=VECTORS)
    options = parser.parse_args(arguments)
    if options.check:
        return int(options.output.read_text(encoding="ascii") != render())
    options.output.write_text(render(), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
