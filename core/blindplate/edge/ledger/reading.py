"""Reading new entries from a source that is not trusted, up to a checkpoint that is signed.

Guarantees that what is returned is, entry by entry, what the checkpoint's root was made of, and that its beginning is
what was read before. Keeps only entries that are not passed over: what a ledger says is bounded by its size, what
matters of it is little. Protocol section 7; docs/spec/ledger.md section 3.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from blindplate.core.errors import ForkError, MessageError, NotFoundError, RollbackError
from blindplate.core.ledger.bundles import decode_bundle
from blindplate.core.ledger.checkpoints import Checkpoint
from blindplate.core.ledger.entries import is_decision, passed_over
from blindplate.core.ledger.layout import TILE_WIDTH, Tile, bundles_between, entries_path
from blindplate.core.ledger.tree import Frontier
from blindplate.core.merkle import leaf_hash
from blindplate.edge.ledger.source import LedgerSource


@dataclass(frozen=True, slots=True)
class Reading:
    """The tree's right edge at the checkpoint, and the entries that are kept, with their indices."""

    frontier: Frontier
    entries: tuple[tuple[int, bytes], ...]


def read_entries(
    source: LedgerSource,
    frontier: Frontier,
    checkpoint: Checkpoint,
    known: Mapping[int, bytes],
    *,
    decisions: bool = False,
) -> Reading:
    """Read the entries from ``frontier`` to ``checkpoint``; ``known`` are roots (by size) that must be met on the way.
    Kept is what is not passed over, and custodians' ``decisions`` where they are asked for.

    Raises RollbackError for a checkpoint of fewer entries than were read, ForkError when a root is another than it must
    be, MessageError for a bundle out of form, NotFoundError and UnavailableError when a bundle cannot be had.
    """
    if checkpoint.size < frontier.size:
        raise RollbackError("A checkpoint of the ledger has fewer entries than were read of it.")
    if not hmac.compare_digest(known.get(checkpoint.size, checkpoint.root), checkpoint.root):
        raise ForkError("Two checkpoints of the ledger have one size and different roots.")
    roots = {**known, checkpoint.size: checkpoint.root}
    _require_root(frontier, roots)
    kept: list[tuple[int, bytes]] = []
    for entries in _bundles(source, frontier.size, checkpoint.size):
        numbered = enumerate(entries, start=frontier.size)
        kept += [
            (index, entry)
            for index, entry in numbered
            if not passed_over(entry) or (decisions and is_decision(entry))
        ]
        frontier = _appended(frontier, entries, roots)
    return Reading(frontier, tuple(kept))


def _bundles(source: LedgerSource, old: int, new: int) -> Iterator[list[bytes]]:
    """The entries from ``old`` to ``new``, bundle by bundle."""
    for bundle in bundles_between(old, new):
        first = bundle.index * TILE_WIDTH
        yield _entries(source, bundle)[max(old - first, 0) :]


def _entries(source: LedgerSource, bundle: Tile) -> list[bytes]:
    path = entries_path(bundle.index, bundle.width)
    try:
        entries = decode_bundle(source.get(path))
    except NotFoundError:
        if bundle.width == TILE_WIDTH:
            raise
        # A ledger that has grown since may have dropped the partial bundle for the full one, which begins with it.
        full = decode_bundle(source.get(entries_path(bundle.index)))
        return _of_width(full, TILE_WIDTH)[: bundle.width]
    return _of_width(entries, bundle.width)


def _of_width(entries: list[bytes], width: int) -> list[bytes]:
    if len(entries) != width:
        raise MessageError("A bundle of the ledger does not hold as many entries as its path says.")
    return entries


def _appended(frontier: Frontier, entries: Sequence[bytes], roots: Mapping[int, bytes]) -> Frontier:
    hashes = [leaf_hash(entry) for entry in entries]
    start, end = frontier.size, frontier.size + len(hashes)
    for size in sorted(size for size in roots if start < size < end):
        frontier = frontier.appended(hashes[frontier.size - start : size - start])
        _require_root(frontier, roots)
    frontier = frontier.appended(hashes[frontier.size - start :])
    _require_root(frontier, roots)
    return frontier


def _require_root(frontier: Frontier, roots: Mapping[int, bytes]) -> None:
    expected = roots.get(frontier.size)
    if expected is not None and not hmac.compare_digest(frontier.root(), expected):
        raise ForkError(
            f"The first {frontier.size} entries of the ledger, as they were read, do not have the root they must have."
        )
