"""The Merkle tree of one committed list version, kept in a file so that inclusion paths are read, not recomputed.

Guarantees that the file is whole and durable or not there, closed to others, and that a path read from it leads to the
root that ``write_tree`` gave. The file holds, level by level from the leaves up, the hash of every complete subtree: at
most 2n hashes of 32 bytes for n leaves, the leaves in order of their hashes. It says nothing of what leaves stand for.
Protocol section 6; docs/spec/owner.md section 4.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

from blindplate.core.errors import GoneError, StorageError
from blindplate.core.ledger.tree import Frontier, inclusion_proof
from blindplate.core.merkle import HASH_BYTES, leaf_hash, node_hash
from blindplate.edge.keyfiles import write_secret


@dataclass(frozen=True, slots=True)
class Tree:
    """An open tree file of ``size`` leaves."""

    size: int
    _file: BinaryIO
    _offsets: tuple[int, ...]

    def find(self, leaf: bytes) -> int | None:
        """The index of a leaf (its bytes, not its hash), None when the tree does not have it."""
        wanted, low, high = leaf_hash(leaf), 0, self.size
        while low < high:
            middle = (low + high) // 2
            if self._read(0, middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < self.size and self._read(0, low) == wanted else None

    def path(self, index: int) -> tuple[bytes, ...]:
        """The inclusion path of a leaf, leaf first. Raises ProofError when there is no such leaf."""
        return inclusion_proof(self._read, index, self.size)

    def _read(self, level: int, number: int) -> bytes:
        self._file.seek(self._offsets[level] + HASH_BYTES * number)
        found = self._file.read(HASH_BYTES)
        if len(found) != HASH_BYTES:
            raise StorageError(
                "The file of a list version is cut short.", "Restore the owner's folder from its backup."
            )
        return found


def write_tree(path: Path, leaves: Iterable[bytes]) -> tuple[int, bytes]:
    """Write the tree of ``leaves``, in any order; gives their number and the root (32 bytes). Raises StorageError."""
    level = sorted(map(leaf_hash, leaves))
    size, levels = len(level), [level]
    while len(level) > 1:
        pairs = iter(level)
        # An odd node at the end closes no subtree of the next height.
        level = [node_hash(left, right) for left, right in zip(pairs, pairs, strict=False)]
        levels.append(level)
    edge = (levels[height][-1] for height in reversed(range(size.bit_length())) if size >> height & 1)
    root = Frontier(size, tuple(edge)).root()
    write_secret(path, b"".join(node for level in levels for node in level))
    return size, root


@contextmanager
def open_tree(path: Path, size: int) -> Generator[Tree]:
    """Open the file of a tree of ``size`` leaves. Raises GoneError when it is kept no longer, StorageError."""
    counts = [size >> level for level in range(size.bit_length())]
    offsets = tuple(accumulate((HASH_BYTES * count for count in counts), initial=0))
    try:
        with path.open("rb") as file:
            yield Tree(size, file, offsets)
    except FileNotFoundError:
        raise GoneError(
            "The list as it was at that time is no longer kept.",
            "A record can only be released while its custodians keep the keys it is sealed to.",
        ) from None
    except OSError as error:
        raise StorageError(
            f"The file of a list version cannot be read: {error.strerror}.", "Check the disk."
        ) from None
