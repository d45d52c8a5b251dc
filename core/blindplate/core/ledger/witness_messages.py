"""The body by which a ledger asks a witness to cosign a checkpoint: add-checkpoint of C2SP tlog-witness.

Says nothing about whether the checkpoint is signed or the proof holds. Protocol section 7; docs/spec/ledger.md
section 2. Source: https://c2sp.org/tlog-witness.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from blindplate.core.errors import MessageError
from blindplate.core.ledger.checkpoints import parse_size
from blindplate.core.ledger.notes import MAX_NOTE_BYTES, Note, from_base64, to_base64
from blindplate.core.merkle import HASH_BYTES

MAX_PROOF_LINES: Final = 63
MAX_BODY_BYTES: Final = MAX_NOTE_BYTES + (MAX_PROOF_LINES + 1) * 64
_OLD: Final = "old "


class AddCheckpoint(NamedTuple):
    """The size the witness cosigned before, a consistency proof from there (32 bytes a node), the signed note's bytes."""

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes


def encode_add_checkpoint(old_size: int, proof: Sequence[bytes], note: Note) -> bytes:
    """The body. A proof longer than 63 nodes is of no tree that has a size, and raises MessageError."""
    if len(proof) > MAX_PROOF_LINES:
        raise MessageError(f"A consistency proof is longer than {MAX_PROOF_LINES} nodes.")
    lines = (f"{_OLD}{old_size}\n", *(f"{to_base64(node)}\n" for node in proof), "\n")
    return "".join(lines).encode() + note.to_bytes()


def parse_add_checkpoint(body: bytes) -> AddCheckpoint:
    """Read the body; the note is not looked at. Raises MessageError."""
    if len(body) > MAX_BODY_BYTES:
        raise MessageError("A request to cosign a checkpoint is too long.")
    head, separator, note = body.partition(b"\n\n")
    if not separator or not head.isascii():
        raise MessageError("A request to cosign a checkpoint has no empty line after its proof.")
    first, *nodes = head.decode("ascii").split("\n")
    if not first.startswith(_OLD) or len(nodes) > MAX_PROOF_LINES:
        raise MessageError("A request to cosign a checkpoint is not an old size and at most 63 proof lines.")
    proof = tuple(from_base64(node) for node in nodes)
    if any(len(node) != HASH_BYTES for node in proof):
        raise MessageError("A consistency proof holds a node of the wrong length.")
    return AddCheckpoint(parse_size(first.removeprefix(_OLD)), proof, note)
