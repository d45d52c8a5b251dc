"""Writes tests/vectors/records-v1.json. Run it as ``python -m tools.generate_record_vectors``.

HPKE draws its encapsulations itself, so the file differs each time it is written and cannot be compared with a fresh
one: it is checked by opening every vector in it. Sealing here follows the specification on its own
(``record_vector_sealer``) and imports nothing of blindplate but the messages.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final

from tools import record_vector_cases, record_vector_whole
from tools.record_vector_edits import Case, Group

VECTORS: Final = Path(__file__).parent.parent / "tests" / "vectors" / "records-v1.json"

NOTES: Final = {
    "Normal": "A record as it should be.",
    "WithheldCamera": "The list's policy withholds the camera: no reference, the attestation sealed.",
    "Alternate": "A read of an alternate spelling.",
    "Padding": "The payload's padding is of another size, or is not the one padding there is.",
    "ShareOfAnotherRecord": "A custodian's share that belongs to another record.",
    "FlippedShare": "A share with one bit flipped.",
    "SharesSwapped": "The shares of A and B in each other's place.",
    "WrongMatchSecret": "A match secret, or its proof, of another record.",
    "EnvelopesSwapped": "The envelopes of A and B in each other's place.",
    "EnvelopeMoved": "An envelope taken from another record.",
    "CommitmentsSwapped": "The commitments to the shares of A and B in each other's place.",
    "CiphertextMoved": "A ciphertext taken from another record.",
    "Flipped": "One bit of one part flipped.",
    "HeaderChanged": "A field of the header changed to another well-formed value.",
    "WrongKey": "A key identifier that names another key.",
    "WrongLength": "A part of another length than the one it must have.",
    "OutOfRange": "A number outside its range.",
    "UnknownVersion": "A version or suite that version 1 does not know.",
    "UnknownField": "A field that the message does not have.",
    "NotCanonical": "The same message serialized in another way.",
    "Truncated": "Bytes missing at the end.",
    "WrongCamera": "Another camera's public key than the one that signed.",
    "WrongPlace": "A leaf index or batch size that the path does not fit.",
    "NoOrigin": "No attestation at all.",
    "AttestationMoved": "A sealed attestation taken from another record, or the other custodian's.",
    "WrongPseudonym": "Another pseudonym or opening than the committed one.",
    "BadCamera": "Made wrongly at the camera and then attested and addressed as it should be.",
    "KeyCommitment": "c_K of another key, authenticated by AES-GCM: only the check of c_K refuses it.",
    "TwoKeys": "A ciphertext that AES-GCM opens under two keys.",
}


def document() -> dict[str, Any]:
    """The whole file, tests numbered from 1."""
    numbers = count(1)
    test_groups = [
        {
            "type": group.type,
            "data": group.data.hex(),
            "tests": [{"tcId": next(numbers), **_test(group, case)} for case in group.cases],
        }
        for group in (*record_vector_cases.groups(), *record_vector_whole.groups())
    ]
    return {
        "algorithm": "BLINDPLATE-RECORDS",
        "schema": "records-v1.schema.json",
        "generator": "python -m tools.generate_record_vectors",
        "header": [
            "Sealed records, one step of opening a group: docs/spec/records.md.",
            "Byte strings are hexadecimal. A test is of the group's data with its edits made in turn:",
            "at offset, remove so many bytes and insert those given. Data is a Wire for WireOpen, else a Record.",
            "For an invalid test, error is the code of this project's exception, custodian whose share does not fit.",
        ],
        "notes": NOTES,
        "numberOfTests": next(numbers) - 1,
        "testGroups": test_groups,
    }


def _test(group: Group, case: Case) -> dict[str, Any]:
    test: dict[str, Any] = {"comment": case.comment} if case.comment else {}
    test |= {"flags": [case.flag], "result": "invalid" if case.error else "valid"}
    test |= {"edits": _edits(group.data, case.data), **case.inputs, **case.expected}
    if case.error:
        test["error"] = case.error
    if case.custodian:
        test["errorCustodian"] = case.custodian
    return test


def _edits(before: bytes, after: bytes) -> list[dict[str, Any]]:
    """What turns one into the other: byte for byte where they are as long, else what lies between equal ends."""
    if before == after:
        return []
    if len(before) == len(after):
        offsets = [at for at in range(len(before)) if before[at] != after[at]]
        if len(offsets) <= 4:
            return [{"offset": at, "remove": 1, "insert": after[at : at + 1].hex()} for at in offsets]
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    inserted = after[start : len(after) - end]
    return [{"offset": start, "remove": len(before) - end - start, "insert": inserted.hex()}]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write the published vectors for records anew.")
    parser.add_argument("--output", type=Path, default=VECTORS)
    options = parser.parse_args(arguments)
    options.output.write_text(json.dumps(document(), indent=1, ensure_ascii=True) + "\n", encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
