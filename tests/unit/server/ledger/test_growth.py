"""The growing tree: whatever the steps, its hashes are those that core computes from all leaves at once."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core.errors import ChainError
from blindplate.core.ledger.layout import Tile, tiles_between
from blindplate.core.ledger.tree import Frontier
from blindplate.core.merkle import verify_consistency
from blindplate.server.ledger.growth import GrowingTree

LEAVES = [sha256(b"leaf %d" % number).digest() for number in range(70_000)]


class Published:
    """Tiles, as the public files hold them."""

    def __init__(self) -> None:
        self.tiles: dict[str, bytes] = {}

    def read(self, tile: Tile) -> bytes:
        return self.tiles[tile.path]

    def publish(self, tree: GrowingTree, old: int) -> None:
        for tile in tiles_between(old, tree.size):
            self.tiles[tile.path] = tree.tile(tile)
        tree.trim(tree.size)


def root_of(size: int) -> bytes:
    return Frontier.empty().appended(LEAVES[:size]).root()


def grown(size: int) -> tuple[GrowingTree, Published]:
    published = Published()
    tree = GrowingTree(published.read, 0)
    tree.extend(LEAVES[:size])
    return tree, published


@settings(max_examples=60)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 700), st.sampled_from(["leave", "publish", "reload"])),
        min_size=1,
        max_size=6,
    ),
    data=st.data(),
)
def test_any_way_of_growing_gives_the_same_tree(steps: list[tuple[int, str]], data: st.DataObject) -> None:
    published, public = Published(), 0
    tree = GrowingTree(published.read, 0)
    for count, then in steps:
        begin = tree.size
        tree.extend(LEAVES[begin : begin + count])
        for leaf, path in zip(range(begin, tree.size), tree.paths(begin, tree.size), strict=True):
            assert path == tree.path(leaf)
        if then != "leave":
            published.publish(tree, public)
            public = tree.size
        if then == "reload":
            tree = GrowingTree(published.read, public)
    assert tree.root() == root_of(tree.size)
    old = data.draw(st.integers(0, tree.size))
    assert tree.root(old) == root_of(old)
    verify_consistency(old, root_of(old), tree.size, tree.root(), tree.consistency(old, tree.size))


@settings(max_examples=40)
@given(size=st.integers(0, 1000), more=st.integers(0, 1000), published=st.booleans())
def test_cutting_back_undoes_growing(size: int, more: int, published: bool) -> None:
    tree, tiles = grown(size)
    if published:
        tiles.publish(tree, 0)
    tree.extend(LEAVES[size : size + more])
    tree.cut_back(size)
    assert (tree.size, tree.root()) == (size, root_of(size))
    tree.extend(LEAVES[size : size + more])
    assert tree.root() == root_of(size + more)


def test_a_tree_of_three_levels_is_read_back_from_its_tiles() -> None:
    tree, published = grown(70_000)
    published.publish(tree, 0)
    # C2SP tlog-tiles gives these widths for this very size.
    assert {"tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"} <= set(published.tiles)
    read = GrowingTree(published.read, 70_000)
    assert read.root() == root_of(70_000)
    assert [read.path(leaf) for leaf in (0, 65_535, 65_536, 69_999)] == [
        grown(70_000)[0].path(leaf) for leaf in (0, 65_535, 65_536, 69_999)
    ]


def test_a_tile_of_the_edge_that_is_cut_short_is_refused() -> None:
    tree, published = grown(300)
    published.publish(tree, 0)
    published.tiles["tile/0/001.p/44"] = published.tiles["tile/0/001.p/44"][:-1]
    with pytest.raises(ChainError):
        GrowingTree(published.read, 300)


def test_what_is_published_is_no_longer_held_in_memory() -> None:
    tree, published = grown(70_000)
    published.publish(tree, 0)
    # By level and height at most a tile, so 511 hashes a level.
    assert sum(len(row.hashes) for row in tree._rows) <= 3 * 511
