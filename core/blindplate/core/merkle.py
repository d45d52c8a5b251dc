"""Merkle trees over byte strings, as RFC 9162 section 2.1 defines them with SHA-256.

Guarantees that a leaf with a valid path to a root was at that index of the list the root was made of. The tree
hashes follow the RFC's own prefixes (0x00 leaf, 0x01 node), not core.encoding, so that others' verifiers fit;
what a leaf holds is for the caller to encode. Protocol sections 4, 6 and 7.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from blindplate.core.errors import ProofError

HASH_BYTES: Final = 32


def root(leaves: Sequence[bytes]) -> bytes:
    """MTH of section 2.1.1: 32 bytes. An empty list has the hash of the empty string."""
    if not leaves:
        return sha256(b"").digest()
    return _levels(leaves)[-1][0]


def paths(leaves: Sequence[bytes]) -> list[tuple[bytes, ...]]:
    """The inclusion path (section 2.1.3.1) of every leaf, leaf first, in one pass over the tree."""
    levels = _levels(leaves) if leaves else []
    return [_path(levels, index) for index in range(len(leaves))]


def inclusion_path(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The inclusion path of one leaf. Raises ProofError when there is no such leaf."""
    if not 0 <= index < len(leaves):
        raise ProofError("An inclusion path is asked for a leaf that the tree does not have.")
    return _path(_levels(leaves), index)


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that a tree of ``size`` leaves must have if ``leaf`` stands at ``index`` with this path.

    Section 2.1.3.2 without its last comparison. Raises ProofError when index, size and path do not fit together.
    """
    if not 0 <= index < size:
        raise ProofError("An inclusion proof names a leaf outside its tree.")
    if any(len(node) != HASH_BYTES for node in path):
        raise ProofError("An inclusion proof holds a node of the wrong length.")
    node, last = _leaf_hash(leaf), size - 1
    for sibling in path:
        if last == 0:
            raise ProofError("An inclusion proof is longer than its tree is high.")
        if index & 1 or index == last:
            node = _node_hash(sibling, node)
            # A right-most node without a sibling moves up unchanged until it has one.
            while index & 1 == 0 and index != 0:
                index, last = index >> 1, last >> 1
        else:
            node = _node_hash(node, sibling)
        index, last = index >> 1, last >> 1
    if last != 0:
        raise ProofError("An inclusion proof is shorter than its tree is high.")
    return node


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], expected_root: bytes) -> None:
    """Check that ``leaf`` stands at ``index`` of the tree with this root and size. Raises ProofError."""
    if not hmac.compare_digest(root_from_path(leaf, index, size, path), expected_root):
        raise ProofError("An inclusion proof does not lead to the root it is for.")


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """All levels from the leaf hashes up. Carrying an odd node up unchanged gives the RFC's own split."""
    levels = [[_leaf_hash(leaf) for leaf in leaves]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        pairs = zip(below[::2], below[1::2], strict=False)
        above = [_node_hash(left, right) for left, right in pairs]
        levels.append(above + below[2 * len(above) :])
    return levels


def _path(levels: Sequence[Sequence[bytes]], index: int) -> tuple[bytes, ...]:
    path: list[bytes] = []
    for level in levels[:-1]:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        index >>= 1
    return tuple(path)


def _leaf_hash(leaf: bytes) -> bytes:
    return sha256(b"\x00" + leaf).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
