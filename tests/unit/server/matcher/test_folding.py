"""One kept read of a vehicle's day stays, no alternate one if it can be helped, and none is counted twice or lost."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from blindplate.server.matcher.folding import Tagged, fold

TAG, OTHER = b"t" * 32, b"o" * 32
FRESH = st.builds(Tagged, st.integers(100, 130), st.sampled_from([TAG, OTHER]), st.booleans())
HOLDERS = st.builds(
    Tagged, st.integers(1, 130), st.just(TAG), st.booleans(), st.integers(1, 5), st.booleans()
)


def test_the_first_read_stays_and_stands_for_those_after_it() -> None:
    folding = fold({}, [Tagged(3, TAG, alternate=False), Tagged(2, TAG, alternate=False)])
    assert (folding.stays[TAG].number, folding.stays[TAG].reads) == (2, 2)
    assert {number: one.number for number, one in folding.into.items()} == {3: 2}


def test_a_read_that_is_no_alternate_takes_the_place_of_one_that_is() -> None:
    alternate, plain = Tagged(1, TAG, alternate=True, reads=3), Tagged(9, TAG, alternate=False)
    folding = fold({TAG: alternate}, [plain])
    assert (folding.stays[TAG].number, folding.stays[TAG].reads) == (9, 4)
    assert list(folding.into) == [1]
    # But it does not give way to another alternate, nor a plain one to a plain one.
    assert list(fold({TAG: alternate}, [Tagged(9, TAG, alternate=True)]).into) == [9]
    assert list(fold({TAG: plain}, [Tagged(10, TAG, alternate=False)]).into) == [10]


def test_a_holder_that_was_opened_stays_where_it_is_and_gives_up_its_tag() -> None:
    opened = Tagged(1, TAG, alternate=True, reads=3, foldable=False)
    folding = fold({TAG: opened}, [Tagged(9, TAG, alternate=False)])
    assert (folding.stays[TAG].number, folding.stays[TAG].reads) == (9, 1)
    assert not folding.into
    # A plain one that was opened has the reads that come late folded into it.
    opened = Tagged(1, TAG, alternate=False, reads=3, foldable=False)
    folding = fold({TAG: opened}, [Tagged(9, TAG, alternate=False)])
    assert (folding.stays[TAG].number, list(folding.into)) == (1, [9])


def test_vehicles_are_kept_apart() -> None:
    folding = fold({}, [Tagged(1, TAG, alternate=False), Tagged(2, OTHER, alternate=False)])
    assert not folding.into
    assert {one.number for one in folding.stays.values()} == {1, 2}


@given(st.none() | HOLDERS, st.lists(FRESH, unique_by=lambda one: one.number))
def test_every_read_stands_or_is_stood_for_once(holder: Tagged | None, kept: list[Tagged]) -> None:
    kept = [one for one in kept if holder is None or one.number != holder.number]
    folding = fold({} if holder is None else {TAG: holder}, kept)
    assert set(folding.stays) == {one.tag for one in kept}
    everyone = [*kept, *([holder] if holder is not None and TAG in folding.stays else [])]
    staying = {one.number for one in folding.stays.values()}
    for one in everyone:
        # Erased into who stands for it, or standing; a holder that was opened may do neither.
        assert (one.number in folding.into) != (one.number in staying) or not one.foldable
    reads: Counter[bytes] = Counter()
    for one in everyone:
        if one.number in folding.into or one.number in staying:
            reads[one.tag] += one.reads
    assert reads == Counter({tag: one.reads for tag, one in folding.stays.items()})
    for tag, one in folding.stays.items():
        assert not one.alternate or all(other.alternate for other in everyone if other.tag == tag)
