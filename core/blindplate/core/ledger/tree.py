"""The ledger's Merkle tree as it grows: its right edge, and proofs from stored hashes.

Guarantees that a frontier's root is that of ``merkle.root`` over the same leaves, at one hash a leaf appended, and that
its proofs verify by ``merkle``. Where hashes are stored is the caller's. Protocol section 7; docs/spec/ledger.md
section 3. Source: RFC 9162 sections 2.1.3.1 and 2.1.4.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from blindplate.core.encoding import uint
from blindplate.core.errors import MessageError, ProofError
from blindplate.core.ledger.checkpoints import MAX_SIZE
from blindplate.core.merkle import HASH_BYTES, NODE_PREFIX, node_hash

# (height, number) to the hash of the complete subtree of 2**height leaves with that number; height 0 is the leaves.
ReadHash = Callable[[int, int], bytes]
_SIZE_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Frontier:
    """The roots of the complete subtrees that ``size`` leaves fall into, left to right: one for each bit set in it.

    Raises MessageError when they are not that many, or not 32 bytes each.
    """

    size: int
    hashes: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_SIZE or len(self.hashes) != self.size.bit_count():
            raise MessageError("A tree's right edge does not fit its size.")
        _require_hashes(self.hashes)

    @classmethod
    def empty(cls) -> Frontier:
        """Of no leaves."""
        return cls(0, ())

    def appended(self, leaf_hashes: Iterable[bytes]) -> Frontier:
        """With these leaf hashes (``merkle.leaf_hash``, 32 bytes each) to its right. Raises MessageError."""
        leaves = tuple(leaf_hashes)
        _require_hashes(leaves)
        size, edge = self.size, list(self.hashes)
        # A leaf closes as many subtrees as the size before it ends in ones.
        for node in leaves:
            carried, rest = node, size
            while rest & 1:
                carried = sha256(NODE_PREFIX + edge.pop() + carried).digest()
                rest >>= 1
            edge.append(carried)
            size += 1
        return Frontier(size, tuple(edge))

    def root(self) -> bytes:
        """The tree's root, 32 bytes."""
        return _folded(self.hashes) if self.hashes else sha256(b"").digest()

    def to_bytes(self) -> bytes:
        """The size in 8 bytes, then the hashes."""
        return b"".join((uint(self.size, _SIZE_BYTES), *self.hashes))

    @classmethod
    def from_bytes(cls, data: bytes) -> Frontier:
        """Read it. Raises MessageError."""
        if len(data) < _SIZE_BYTES:
            raise MessageError("A tree's right edge is cut short.")
        hashes = tuple(
            data[start : start + HASH_BYTES] for start in range(_SIZE_BYTES, len(data), HASH_BYTES)
        )
        return cls(int.from_bytes(data[:_SIZE_BYTES], "big"), hashes)


def inclusion_proof(read: ReadHash, index: int, size: int) -> tuple[bytes, ...]:
    """The path (leaf first) of leaf ``index`` in the tree of the first ``size`` leaves. Raises ProofError for no leaf."""
    if not 0 <= index < size:
        raise ProofError("An inclusion proof is asked for an entry that the tree does not have.")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        split = _split(start, end)
        if index < split:
            path.append(_hash_of(read, split, end))
            end = split
        else:
            path.append(_hash_of(read, start, split))
            start = split
    return tuple(reversed(path))


def consistency_proof(read: ReadHash, old: int, new: int) -> tuple[bytes, ...]:
    """That the tree of ``old`` leaves is the beginning of that of ``new``; empty from 0, and from a tree to itself.

    Raises ProofError when ``old`` is the larger.
    """
    if not 0 <= old <= new:
        raise ProofError("A consistency proof is asked from a larger tree to a smaller one.")
    if old == 0:
        return ()
    proof: list[bytes] = []
    start, end = 0, new
    while end != old:
        split = _split(start, end)
        if old <= split:
            proof.append(_hash_of(read, split, end))
            end = split
        else:
            proof.append(_hash_of(read, start, split))
            start = split
    # From 0, it is the old root itself, which the verifier has.
    if start:
        proof.append(_hash_of(read, start, end))
    return tuple(reversed(proof))


def _split(start: int, end: int) -> int:
    """Where RFC 9162 section 2.1.1 parts these leaves: after the largest power of two that is less than all."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def _hash_of(read: ReadHash, start: int, end: int) -> bytes:
    """The tree hash of leaves ``start`` to ``end``, of which every complete subtree is one of the whole tree's."""
    hashes: list[bytes] = []
    while start < end:
        height = (end - start).bit_length() - 1
        hashes.append(read(height, start >> height))
        start += 1 << height
    return _folded(hashes)


def _folded(hashes: Iterable[bytes]) -> bytes:
    *others, node = hashes
    for left in reversed(others):
        node = node_hash(left, node)
    return node


def _require_hashes(hashes: Iterable[bytes]) -> None:
    if any(len(one) != HASH_BYTES for one in hashes):
        raise MessageError("A tree's hash is of the wrong length.")
