"""Merkle trees: the published figures, every leaf provable, nothing else."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core import merkle
from blindplate.core.errors import ProofError

LEAVES = st.lists(st.binary(max_size=4), min_size=1, max_size=40)
# The tree hashes of RFC 6962's reference implementation for its eight test inputs (certificate-transparency,
# merkletree/merkle_tree_test.cc): the roots of the first 0 to 8 of them.
INPUTS = [bytes.fromhex(text) for text in ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]]
INPUTS.append(bytes(range(0x60, 0x70)))
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size: int) -> None:
    assert merkle.root(INPUTS[:size]).hex() == ROOTS[size]


def recursive_root(leaves: list[bytes]) -> bytes:
    """Section 2.1.1 to the letter."""
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\x01" + recursive_root(leaves[:split]) + recursive_root(leaves[split:])).digest()


def recursive_path(index: int, leaves: list[bytes]) -> tuple[bytes, ...]:
    """Section 2.1.3.1 to the letter."""
    if len(leaves) == 1:
        return ()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < split:
        return (*recursive_path(index, leaves[:split]), recursive_root(leaves[split:]))
    return (*recursive_path(index - split, leaves[split:]), recursive_root(leaves[:split]))


@given(LEAVES)
@settings(deadline=None)
def test_roots_and_paths_are_those_of_the_rfcs_recursion(leaves: list[bytes]) -> None:
    assert merkle.root(leaves) == recursive_root(leaves)
    expected = [recursive_path(index, leaves) for index in range(len(leaves))]
    assert merkle.paths(leaves) == expected
    assert [merkle.inclusion_path(leaves, index) for index in range(len(leaves))] == expected


@given(LEAVES)
@settings(deadline=None)
def test_every_leaf_is_proven_by_its_path(leaves: list[bytes]) -> None:
    root = merkle.root(leaves)
    for index, path in enumerate(merkle.paths(leaves)):
        merkle.verify_inclusion(leaves[index], index, len(leaves), path, root)


@given(LEAVES, st.data())
@settings(deadline=None)
def test_another_leaf_index_node_or_root_is_not_proven(leaves: list[bytes], data: st.DataObject) -> None:
    leaves = [bytes([index]) + leaf for index, leaf in enumerate(leaves)]
    index = data.draw(st.integers(0, len(leaves) - 1))
    root, path = merkle.root(leaves), merkle.inclusion_path(leaves, index)
    with pytest.raises(ProofError):
        merkle.verify_inclusion(leaves[index] + b"x", index, len(leaves), path, root)
    with pytest.raises(ProofError):
        merkle.verify_inclusion(leaves[index], index, len(leaves), path, bytes(32))
    for other in set(range(len(leaves))) - {index}:
        with pytest.raises(ProofError):
            merkle.verify_inclusion(leaves[index], other, len(leaves), path, root)
    for at in range(len(path)):
        bent = (*path[:at], bytes(32), *path[at + 1 :])
        with pytest.raises(ProofError):
            merkle.verify_inclusion(leaves[index], index, len(leaves), bent, root)


def test_paths_too_long_too_short_or_of_wrong_nodes_are_refused() -> None:
    leaves = [b"a", b"b", b"c", b"d", b"e"]
    path = merkle.inclusion_path(leaves, 1)
    for bad in (path[:-1], (*path, bytes(32)), (), (*path[:-1], bytes(31)), (path[0] + b"\0", *path[1:])):
        with pytest.raises(ProofError):
            merkle.root_from_path(b"b", 1, 5, bad)


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0), (7, 5)])
def test_a_leaf_outside_the_tree_is_refused(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        merkle.root_from_path(b"a", index, size, ())
    with pytest.raises(ProofError):
        merkle.inclusion_path([b"a"] * size, index)


def test_a_node_cannot_pass_for_a_leaf() -> None:
    leaves = [b"a", b"b", b"c", b"d"]
    left = sha256(b"\x01" + b"".join(sha256(b"\x00" + leaf).digest() for leaf in leaves[:2])).digest()
    right = merkle.inclusion_path(leaves, 0)[1]
    assert sha256(b"\x01" + left + right).digest() == merkle.root(leaves)
    children = b"".join(sha256(b"\x00" + leaf).digest() for leaf in leaves[:2])
    with pytest.raises(ProofError):
        merkle.verify_inclusion(children, 0, 2, (right,), merkle.root(leaves))


def test_an_empty_tree_has_no_paths() -> None:
    assert merkle.paths([]) == []
