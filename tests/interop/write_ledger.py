"""Writes a ledger's public files, and beside them what others' verifiers need, into a folder.

Run it as ``python tests/interop/write_ledger.py FOLDER``. The ledger grows through the sizes where its tiles change;
``checkpoints/<size>`` keeps the checkpoint of each, and ``interop.json`` the verifier keys and our own proofs.
"""

from __future__ import annotations

import base64
import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Final

from blindplate.core.ledger.bundles import encode_bundle
from blindplate.core.ledger.checkpoints import Checkpoint, Cosigner, LogSigner
from blindplate.core.ledger.layout import CHECKPOINT, TILE_WIDTH, Tile, bundles_between, entries_path
from blindplate.core.ledger.tiles import grown, hash_reader
from blindplate.core.ledger.tree import Frontier, consistency_proof, inclusion_proof
from blindplate.core.merkle import leaf_hash
from blindplate.core.signing import SigningKey, Statement

ORIGIN: Final = "ledger.example/interop"
SIZES: Final = (0, 1, 2, 255, 256, 257, 600, 65_535, 65_536, 65_537, 66_000)
NOW: Final = 1_800_000_000


def main(folder: Path) -> None:
    """Everything, into ``folder``."""
    log = LogSigner.from_seed(ORIGIN, b"l" * 32)
    witnesses = [Cosigner.from_seed(f"custodian-{name}.example", name.encode() * 32) for name in "ab"]
    entries = statements()
    leaves = [leaf_hash(entry) for entry in entries]
    tiles: dict[Tile, bytes] = {}
    frontier = Frontier.empty()
    for old, new in pairwise(SIZES):
        added = grown(tiles.__getitem__, old, leaves[old:new])
        tiles |= added
        frontier = frontier.appended(leaves[old:new])
        for tile, data in added.items():
            put(folder / tile.path, data)
        for bundle in bundles_between(old, new):
            start = bundle.index * TILE_WIDTH
            data = encode_bundle(entries[start : start + bundle.width])
            put(folder / entries_path(bundle.index, bundle.width), data)
        checkpoint = Checkpoint(ORIGIN, new, frontier.root())
        note = log.sign(checkpoint, NOW)
        for witness in witnesses:
            note = note.with_signatures(witness.cosign(checkpoint, NOW + 1))
        put(folder / CHECKPOINT, note.to_bytes())
        put(folder / "checkpoints" / str(new), note.to_bytes())
    facts = {
        "log": [key.to_text() for key in log.keys],
        "witnesses": [[key.to_text() for key in witness.keys] for witness in witnesses],
        "sizes": SIZES[1:],
        "inclusion": inclusions(tiles),
        "consistency": consistencies(tiles),
    }
    put(folder / "interop.json", json.dumps(facts, indent=1).encode())


def statements() -> list[bytes]:
    """As many entries as the largest ledger has: signed statements, of which a few are of the greatest lengths."""
    key = SigningKey.from_seed(b"o" * 32)
    signed = Statement("application/vnd.blindplate.interop+json", b"{}").signed_by(key).to_json().encode()
    entries = [b"%d %b" % (index, signed) for index in range(SIZES[-1])]
    return [
        b"e" * 65_535 if index in (1, 256, SIZES[-1] - 1) else entry for index, entry in enumerate(entries)
    ]


def inclusions(tiles: dict[Tile, bytes]) -> list[dict[str, object]]:
    """Our proofs for some entries of every size."""
    return [
        {
            "index": index,
            "size": size,
            "proof": texts(inclusion_proof(hash_reader(tiles.__getitem__, size), index, size)),
        }
        for size in SIZES[1:]
        for index in sorted({0, size // 3, size // 2, max(0, size - 257), size - 1})
    ]


def consistencies(tiles: dict[Tile, bytes]) -> list[dict[str, object]]:
    """Our proofs between any two sizes."""
    return [
        {
            "old": old,
            "new": new,
            "proof": texts(consistency_proof(hash_reader(tiles.__getitem__, new), old, new)),
        }
        for new in SIZES[1:]
        for old in SIZES[1:]
        if old < new
    ]


def texts(proof: tuple[bytes, ...]) -> list[str]:
    """Nodes in base64."""
    return [base64.b64encode(node).decode() for node in proof]


def put(path: Path, data: bytes) -> None:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
