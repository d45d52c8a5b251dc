"""The growing tree: the same roots as the whole one, and proofs that hold for what they are of alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core import merkle
from blindplate.core.errors import MessageError, ProofError
from blindplate.core.ledger.tree import Frontier, ReadHash, consistency_proof, inclusion_proof
from tests.unit.core.test_merkle import INPUTS, ROOTS

ENTRIES = [b"%d" % index for index in range(600)]
LEAVES = [merkle.leaf_hash(entry) for entry in ENTRIES]
# Around every power of two up to 512, and what lies between some.
SIZES = sorted(
    {size for power in range(10) for size in (2**power - 1, 2**power, 2**power + 1)} | {70, 300, 600}
)


def reader(size: int) -> ReadHash:
    """Hashes of complete subtrees of the first ``size`` leaves, worked out one by one."""

    def read(height: int, number: int) -> bytes:
        start, end = number << height, (number + 1) << height
        assert end <= size, "a subtree that is not complete"
        return merkle.root(ENTRIES[start:end])

    return read


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size: int) -> None:
    leaves = [merkle.leaf_hash(entry) for entry in INPUTS[:size]]
    assert Frontier.empty().appended(leaves).root().hex() == ROOTS[size]


@given(st.lists(st.integers(0, 40), max_size=8))
def test_a_frontier_grown_in_steps_has_the_whole_trees_root(steps: list[int]) -> None:
    frontier, size = Frontier.empty(), 0
    for step in steps:
        frontier = frontier.appended(LEAVES[size : size + step])
        size += step
        assert (frontier.size, frontier.root()) == (size, merkle.root(ENTRIES[:size]))
        assert Frontier.from_bytes(frontier.to_bytes()) == frontier


def test_a_frontier_takes_an_iterator() -> None:
    assert Frontier.empty().appended(iter(LEAVES)) == Frontier.empty().appended(LEAVES)


@given(st.binary(max_size=120))
def test_bytes_that_are_a_frontier_are_written_the_same(data: bytes) -> None:
    try:
        frontier = Frontier.from_bytes(data)
    except MessageError:
        return
    assert frontier.to_bytes() == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(7),
        (1).to_bytes(8, "big"),
        (1).to_bytes(8, "big") + bytes(31),
        (1).to_bytes(8, "big") + bytes(64),
        (2).to_bytes(8, "big") + bytes(33),
        bytes(8) + bytes(32),
        (1 << 63).to_bytes(8, "big") + bytes(32),
    ],
    ids=["empty", "half a size", "no hash", "half a hash", "one more", "one byte more", "hash of nothing", "2**63"],
)  # fmt: skip
def test_a_frontier_out_of_form_is_refused(data: bytes) -> None:
    with pytest.raises(MessageError):
        Frontier.from_bytes(data)


@pytest.mark.parametrize("leaf", [b"", bytes(31), bytes(33)])
def test_a_leaf_that_is_no_hash_is_refused(leaf: bytes) -> None:
    with pytest.raises(MessageError):
        Frontier.empty().appended([LEAVES[0], leaf])


@pytest.mark.parametrize("size", [size for size in SIZES if size])
def test_inclusion_proofs_are_the_whole_trees(size: int) -> None:
    paths = merkle.paths(ENTRIES[:size])
    for index in {0, size // 3, size // 2, size - 1}:
        assert inclusion_proof(reader(size), index, size) == paths[index]


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 3), (3, 3)])
def test_no_inclusion_proof_of_an_entry_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        inclusion_proof(reader(size), index, size)


@pytest.mark.parametrize(("old", "new"), [(1, 0), (5, 4), (-1, 4)])
def test_no_consistency_proof_to_a_smaller_tree(old: int, new: int) -> None:
    with pytest.raises(ProofError):
        consistency_proof(reader(600), old, new)


@pytest.mark.parametrize("new", SIZES)
def test_every_beginning_is_proven(new: int) -> None:
    root = merkle.root(ENTRIES[:new])
    for old in {size for size in SIZES if size <= new} | {new // 3, new // 2}:
        proof = consistency_proof(reader(new), old, new)
        merkle.verify_consistency(old, merkle.root(ENTRIES[:old]), new, root, proof)


def test_the_published_consistency_proofs() -> None:
    # RFC 6962 section 2.1.3: of the tree of seven leaves d0 to d6.
    def hash_of(*numbers: int) -> bytes:
        return merkle.root([ENTRIES[number] for number in numbers])

    c, d, g = hash_of(2), hash_of(3), hash_of(0, 1)
    i, j, k, m = hash_of(4, 5), hash_of(6), hash_of(0, 1, 2, 3), hash_of(4, 5, 6)
    assert consistency_proof(reader(7), 3, 7) == (c, d, g, m)
    assert consistency_proof(reader(7), 4, 7) == (m,)
    assert consistency_proof(reader(7), 6, 7) == (i, j, k)


@given(st.integers(1, 80), st.data())
@settings(deadline=None)
def test_another_size_root_or_node_is_not_proven(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    root, old_root = merkle.root(ENTRIES[:new]), merkle.root(ENTRIES[:old])
    proof = consistency_proof(reader(new), old, new)
    with pytest.raises(ProofError):
        merkle.verify_consistency(old, bytes(32), new, root, proof)
    with pytest.raises(ProofError):
        merkle.verify_consistency(old, old_root, new, bytes(32), proof)
    with pytest.raises(ProofError):
        merkle.verify_consistency(old, old_root, new, root, (*proof, bytes(32)))
    for at in range(len(proof)):
        bent = list(proof)
        bent[at] = bytes(32)
        with pytest.raises(ProofError):
            merkle.verify_consistency(old, old_root, new, root, bent)
        with pytest.raises(ProofError):
            merkle.verify_consistency(old, old_root, new, root, proof[:at] + proof[at + 1 :])
        bent[at] = proof[at][:-1]
        with pytest.raises(ProofError):
            merkle.verify_consistency(old, old_root, new, root, bent)


@given(st.integers(2, 40), st.data())
@settings(deadline=None)
def test_another_history_is_not_proven(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new - 1))
    changed = data.draw(st.integers(0, old - 1))
    entries = [*ENTRIES[:new]]
    entries[changed] = b"another"
    proof = consistency_proof(reader(new), old, new)
    with pytest.raises(ProofError):
        merkle.verify_consistency(old, merkle.root(entries[:old]), new, merkle.root(ENTRIES[:new]), proof)
    with pytest.raises(ProofError):
        merkle.verify_consistency(old, merkle.root(ENTRIES[:old]), new, merkle.root(entries), proof)


EMPTY, ONE, TWO = (merkle.root(ENTRIES[:size]) for size in range(3))


@pytest.mark.parametrize(
    ("old_size", "old_root", "new_size", "new_root", "proof"),
    [
        (2, TWO, 1, ONE, ()),
        (-1, EMPTY, 1, ONE, ()),
        (0, ONE, 1, ONE, ()),
        (0, EMPTY, 0, ONE, ()),
        (0, ONE, 0, EMPTY, ()),
        (0, EMPTY, 1, ONE, (ONE,)),
        (1, ONE, 1, TWO, ()),
        (1, ONE, 1, ONE, (ONE,)),
        (1, ONE, 2, TWO, ()),
        (3, ONE, 4, TWO, ()),
        (1, TWO, 2, TWO, ()),
    ],
    ids=[
        "to a smaller tree", "from less than nothing", "nothing with a root", "two trees of nothing",
        "a root for nothing", "a proof from nothing", "two roots of one size", "a proof to itself",
        "no proof", "no proof from an incomplete tree", "the new root for the old",
    ],
)  # fmt: skip
def test_sizes_roots_and_proofs_that_do_not_go_together_are_refused(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: tuple[bytes, ...]
) -> None:
    with pytest.raises(ProofError):
        merkle.verify_consistency(old_size, old_root, new_size, new_root, proof)
