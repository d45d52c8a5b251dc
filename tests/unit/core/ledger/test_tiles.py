"""Tiles: their paths, what a growing tree adds to them, and proofs out of them; another implementation agrees."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tlog_scales.reader import TilesReader
from tlog_scales.tiles import tile_path as their_path
from tlog_scales.tlog import ConsistencyProof, InclusionProof

from blindplate.core import merkle
from blindplate.core.errors import MessageError, ProofError
from blindplate.core.ledger.bundles import encode_bundle
from blindplate.core.ledger.layout import (
    CHECKPOINT,
    TILE_WIDTH,
    Tile,
    bundles_between,
    document_path,
    entries_path,
    tile_path,
    tiles_between,
)
from blindplate.core.ledger.tiles import grown, hash_reader
from blindplate.core.ledger.tree import Frontier, consistency_proof, inclusion_proof

# Around the first full tile, the second, and the first full tile of tiles.
SIZES = (0, 1, 2, 3, 128, 255, 256, 257, 511, 512, 513, 1000, 65_535, 65_536, 65_537, 66_000)


def entry(index: int) -> bytes:
    return b"%d" % index


@cache
def leaves() -> list[bytes]:
    return [merkle.leaf_hash(entry(index)) for index in range(SIZES[-1])]


@cache
def files() -> dict[Tile, bytes]:
    """All tiles of a tree that had each of SIZES in turn."""
    made: dict[Tile, bytes] = {}
    for old, new in pairwise(SIZES):
        made |= grown(made.__getitem__, old, leaves()[old:new])
    return made


@cache
def roots() -> dict[int, bytes]:
    frontier, found = Frontier.empty(), {0: Frontier.empty().root()}
    for old, new in pairwise(SIZES):
        frontier = frontier.appended(leaves()[old:new])
        found[new] = frontier.root()
    return found


class OurFiles:
    """The other implementation's way to our files: a tree of hashes, and bundles made when asked for."""

    def get(self, *path: str) -> bytes | None:
        if path[1] == "entries":
            *_, name = path
            assert name == path[2], "bundles of the first thousand alone"
            start = int(name) * TILE_WIDTH
            return encode_bundle([entry(index) for index in range(start, start + TILE_WIDTH)])
        by_path = {tile.path: data for tile, data in files().items()}
        return by_path.get("/".join(path))


@pytest.mark.parametrize("size", SIZES)
def test_another_implementation_finds_our_roots_in_our_tiles(size: int) -> None:
    theirs = TilesReader(OurFiles())
    theirs.set_size(size)
    assert theirs.calculate_root_hash() == roots()[size]


@pytest.mark.parametrize("size", SIZES[1:])
def test_another_implementation_makes_the_same_inclusion_proofs(size: int) -> None:
    theirs = TilesReader(OurFiles())
    theirs.set_size(size)
    read = hash_reader(files().__getitem__, size)
    for index in {0, size // 3, size // 2, max(0, size - 257), size - 1}:
        proof = inclusion_proof(read, index, size)
        assert list(proof) == theirs.get_inclusion_proof(index, size).node_hashes
        merkle.verify_inclusion(entry(index), index, size, proof, roots()[size])
        InclusionProof(index, size, list(proof)).check(leaves()[index], roots()[size])


@pytest.mark.parametrize("new", SIZES)
def test_another_implementation_makes_the_same_consistency_proofs(new: int) -> None:
    theirs = TilesReader(OurFiles())
    theirs.set_size(new)
    read = hash_reader(files().__getitem__, new)
    for old in (size for size in SIZES if size <= new):
        proof = consistency_proof(read, old, new)
        if old:  # From an empty tree, it gives the new tree's root, which tlog-witness forbids.
            assert list(proof) == theirs.get_consistency_proof(old, new).node_hashes
        merkle.verify_consistency(old, roots()[old], new, roots()[new], proof)
        ConsistencyProof(old, new, list(proof)).check(roots()[old], roots()[new])


@given(st.integers(1, 700), st.data())
@settings(deadline=None, max_examples=40)
def test_both_verifiers_judge_a_bent_proof_alike(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    made = grown(files().__getitem__, 0, leaves()[:new])
    proof = list(consistency_proof(hash_reader(made.__getitem__, new), old, new))
    root, old_root = (Frontier.empty().appended(leaves()[:size]).root() for size in (new, old))
    position = data.draw(st.integers(0, len(proof)))
    match data.draw(st.sampled_from(["add", "drop", "bend"])):
        case "add":
            proof.insert(position, bytes(32))
        case "drop":
            del proof[position : position + 1]
        case _:
            proof[position : position + 1] = [b"x" * 32] if position < len(proof) else []
    try:
        ConsistencyProof(old, new, list(proof)).check(old_root, root)
    except Exception:  # noqa: BLE001 - theirs fail in several ways
        with pytest.raises(ProofError):
            merkle.verify_consistency(old, old_root, new, root, proof)
    else:
        merkle.verify_consistency(old, old_root, new, root, proof)


def test_another_implementation_reads_our_entries() -> None:
    theirs = TilesReader(OurFiles())
    theirs.set_size(1024)
    assert [theirs.get_entry(index) for index in (0, 255, 256, 1023)] == [
        entry(index) for index in (0, 255, 256, 1023)
    ]


@given(st.lists(st.integers(0, 400), min_size=1, max_size=6))
@settings(deadline=None, max_examples=50)
def test_growth_in_steps_makes_the_tiles_that_are_due(steps: list[int]) -> None:
    made: dict[Tile, bytes] = {}
    size = 0
    for step in steps:
        added = grown(made.__getitem__, size, leaves()[size : size + step])
        assert list(added) == list(tiles_between(size, size + step))
        made |= added
        size += step
    assert set(grown(made.__getitem__, 0, leaves()[:size]).items()) <= set(made.items())


def test_the_specifications_example_of_a_size() -> None:
    # tlog-tiles: a tree of 70,000 is 273 full tiles at level 0 and one of 112; one full and one of 17; one of 1.
    found = list(tiles_between(0, 70_000))
    assert found[:273] == [Tile(0, index) for index in range(273)]
    assert found[273:] == [Tile(0, 273, 112), Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert list(tiles_between(0, 256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_between(256, 257)) == [Tile(0, 1, 1)]
    assert list(tiles_between(300, 300)) == list(tiles_between(0, 0)) == []


def test_bundles_are_those_of_the_lowest_level() -> None:
    assert list(bundles_between(300, 600)) == [Tile(0, 1), Tile(0, 2, 88)]
    assert list(bundles_between(600, 600)) == []


def test_paths_are_those_of_the_specification() -> None:
    assert tile_path(0, 1_234_067) == "tile/0/x001/x234/067"
    assert tile_path(63, 0, 1) == "tile/63/000.p/1"
    assert entries_path(273, 112) == "tile/entries/273.p/112"
    assert entries_path(1000) == "tile/entries/x001/000"
    assert document_path(b"\xab" * 32) == "documents/" + "ab" * 32
    assert CHECKPOINT == "checkpoint"


@given(st.integers(0, 63), st.integers(0, 2**63), st.integers(1, 256))
def test_paths_are_the_other_implementations(level: int, index: int, width: int) -> None:
    partial = width % TILE_WIDTH
    assert tile_path(level, index, width).split("/") == their_path(level, index, partial)
    assert entries_path(index, width).split("/") == their_path(-1, index, partial)


@pytest.mark.parametrize(
    ("level", "index", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)]
)
def test_no_path_of_a_tile_that_no_ledger_has(level: int, index: int, width: int) -> None:
    with pytest.raises(MessageError):
        tile_path(level, index, width)


def test_no_path_of_a_document_without_a_digest() -> None:
    with pytest.raises(MessageError):
        document_path(b"../checkpoint")


@pytest.mark.parametrize("length", [0, 31, 32, 95, 128])
def test_a_tile_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(MessageError):
        hash_reader(lambda _: bytes(length), 3)(0, 0)
    with pytest.raises(MessageError):
        grown(lambda _: bytes(length), 3, leaves()[3:5])


@pytest.mark.parametrize(("height", "number"), [(0, 300), (0, -1), (8, 1), (9, 0), (16, 0), (3, 37)])
def test_a_subtree_that_is_not_complete_is_not_read(height: int, number: int) -> None:
    with pytest.raises(ProofError):
        hash_reader(files().__getitem__, 300)(height, number)


def test_each_tile_is_read_once_for_a_proof() -> None:
    asked: list[Tile] = []

    def read(tile: Tile) -> bytes:
        asked.append(tile)
        return files()[tile]

    inclusion_proof(hash_reader(read, 66_000), 300, 66_000)
    assert len(asked) == len(set(asked)) == 4
