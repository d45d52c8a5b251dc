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
NODE_PREFIX: Final = b"\x01"


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of one leaf: 32 bytes."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children (32 bytes each): 32 bytes."""
    return sha256(NODE_PREFIX + left + right).digest()


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
    node, last = leaf_hash(leaf), size - 1
    for sibling in path:
        if last == 0:
            raise ProofError("An inclusion proof is longer than its tree is high.")
        if index & 1 or index == last:
            node = node_hash(sibling, node)
            # A right-most node without a sibling moves up unchanged until it has one.
            while index & 1 == 0 and index != 0:
                index, last = index >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        index, last = index >> 1, last >> 1
    if last != 0:
        raise ProofError("An inclusion proof is shorter than its tree is high.")
    return node


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], expected_root: bytes) -> None:
    """Check that ``leaf`` stands at ``index`` of the tree with this root and size. Raises ProofError."""
    if not hmac.compare_digest(root_from_path(leaf, index, size, path), expected_root):
        raise ProofError("An inclusion proof does not lead to the root it is for.")


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the first ``old_size`` leaves of the new tree are all of the old one's. Raises ProofError.

    Section 2.1.4.2; beyond it, an empty tree is the beginning of every other, and a tree of itself, by an empty proof.
    """
    if not 0 <= old_size <= new_size or any(len(node) != HASH_BYTES for node in proof):
        raise ProofError("A consistency proof is to a smaller tree, or holds a node of the wrong length.")
    filled = old_size == 0 and not hmac.compare_digest(old_root, root(()))
    if filled or (old_size == new_size and not hmac.compare_digest(old_root, new_root)):
        raise ProofError("A tree that must be empty, or the same as before, is not.")
    if old_size in (0, new_size):
        if proof:
            raise ProofError("A consistency proof is longer than its trees are high.")
        return
    nodes = list(proof)
    # The old root itself is a node of the new tree when the old one is complete, and then not in the proof.
    if old_size & (old_size - 1) == 0:
        nodes.insert(0, old_root)
    if not nodes:
        raise ProofError("A consistency proof is shorter than its trees are high.")
    old, new = _roots_from_nodes(old_size - 1, new_size - 1, nodes)
    if not (hmac.compare_digest(old, old_root) and hmac.compare_digest(new, new_root)):
        raise ProofError("A consistency proof does not lead to the roots it is for.")


def _roots_from_nodes(first: int, second: int, nodes: Sequence[bytes]) -> tuple[bytes, bytes]:
    while first & 1:
        first, second = first >> 1, second >> 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if second == 0:
            raise ProofError("A consistency proof is longer than its trees are high.")
        if first & 1 or first == second:
            old, new = node_hash(node, old), node_hash(node, new)
            while first & 1 == 0 and first != 0:
                first, second = first >> 1, second >> 1
        else:
            new = node_hash(new, node)
        first, second = first >> 1, second >> 1
    if second != 0:
        raise ProofError("A consistency proof is shorter than its trees are high.")
    return old, new


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """All levels from the leaf hashes up. Carrying an odd node up unchanged gives the RFC's own split."""
    levels = [[leaf_hash(leaf) for leaf in leaves]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        pairs = zip(below[::2], below[1::2], strict=False)
        above = [node_hash(left, right) for left, right in pairs]
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
