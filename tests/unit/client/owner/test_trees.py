"""The tree of a list version as a file: every path leads to the root, and what is not in it is not found."""

from __future__ import annotations

import stat
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.client.owner.trees import open_tree, write_tree
from blindplate.core import merkle
from blindplate.core.errors import GoneError, ProofError, StorageError


def leaves_of(count: int) -> list[bytes]:
    return [sha256(bytes([number % 256, number // 256])).digest() for number in range(count)]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 300))
def test_every_leaf_is_found_and_its_path_leads_to_the_root(count: int) -> None:
    leaves = leaves_of(count)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "1.tree"
        size, root = write_tree(path, iter(leaves))
        assert (size, root) == (count, merkle.root(sorted(leaves, key=merkle.leaf_hash)))
        with open_tree(path, size) as tree:
            for leaf in leaves:
                index = tree.find(leaf)
                assert index is not None
                merkle.verify_inclusion(leaf, index, size, tree.path(index), root)
            assert {tree.find(leaf) for leaf in leaves} == set(range(count))
            assert tree.find(sha256(b"another").digest()) is None
            with pytest.raises(ProofError):
                tree.path(count)


def test_the_order_of_the_list_does_not_show(tmp_path: Path) -> None:
    leaves = leaves_of(50)
    write_tree(tmp_path / "1.tree", leaves)
    write_tree(tmp_path / "2.tree", reversed(leaves))
    assert (tmp_path / "1.tree").read_bytes() == (tmp_path / "2.tree").read_bytes()


def test_the_file_is_closed_to_others_and_holds_no_more_than_two_hashes_a_leaf(tmp_path: Path) -> None:
    path = tmp_path / "trees" / "1.tree"
    write_tree(path, leaves_of(100))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_size <= 2 * 100 * 32


def test_a_file_that_is_no_longer_kept_is_gone_and_one_cut_short_a_storage_error(tmp_path: Path) -> None:
    path = tmp_path / "1.tree"
    with pytest.raises(GoneError), open_tree(path, 10):
        pass
    leaves = leaves_of(10)
    write_tree(path, leaves)
    path.write_bytes(path.read_bytes()[:100])
    with open_tree(path, 10) as tree, pytest.raises(StorageError):
        tree.find(max(leaves, key=merkle.leaf_hash))
