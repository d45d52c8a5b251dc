"""G3, what the form of an upload cannot exclude: an owner learns nothing about a read that is not on its list.

An owner chooses every first half, and with it key, noise and polynomial. Its hostile lists are uploaded to the real
matcher, which takes them and answers real reads; the owner then does all it can with the answers. Without the masks,
in an evaluation that the test puts together from the matcher's own parts, the same reading gives every element of the
batch; with them it gives none, and the answer passes a stated test of evenness (``evenness``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from flint import arb

from blindplate.psi import evaluation
from blindplate.psi.answer import Answer
from blindplate.psi.arithmetic import Integers
from blindplate.psi.context import Context, context_for
from blindplate.psi.evaluation import lanes
from blindplate.psi.expansion import expand
from blindplate.psi.layout import declared
from blindplate.psi.mapping import place
from blindplate.psi.mask import masked, rerandomised
from blindplate.psi.matcher import LoadedList, answer_batch, load_list
from blindplate.psi.owner import build_upload, open_answer
from blindplate.psi.parameters import load_set
from blindplate.psi.randomness import uniform
from tests.adversary.conftest import marks
from tests.adversary.evenness import FALSE_ALARM, THRESHOLD, surprise
from tests.adversary.hostile_lists import (
    DEGREE,
    HostileList,
    elements_in_first_half,
    elements_in_second_half,
    garbage_list,
    list_with_chosen_second_halves,
    noise_list,
    phases_of,
    polynomial_list,
    zero_list,
)
from tests.adversary.list_attacker import Attacker
from tests.adversary.reading import KnownRead, hand_in, sealed_reads
from tests.integration.owner.world import World

# On no list of the attacker's.
STRANGERS = marks(40)


@pytest.fixture(scope="module")
def context() -> Context:
    return context_for(load_set("prompt"))


@pytest.fixture(scope="module")
def attacker(world: World) -> Iterator[Attacker]:
    attacker = Attacker(world)
    attacker.commit()
    yield attacker
    attacker.owner.close()


@pytest.fixture(scope="module")
def reads(world: World, attacker: Attacker) -> list[KnownRead]:
    """Reads that wait at the matcher, captured under the attacker's versions."""
    assert attacker.matches_from <= world.clock.now()
    found = sealed_reads(world, STRANGERS)
    hand_in(world, found)
    return found


@pytest.fixture(scope="module")
def elements(context: Context) -> Integers:
    """A batch full of reads, as field elements."""
    return uniform(context.parameters.poly_degree, 1, context.parameters.plain_modulus)


def answer_to(attacker: Attacker, hostile: HostileList) -> Answer:
    """The real matcher's answer."""
    _, body = attacker.answered(hostile.blobs, hostile.salt, declared(1, DEGREE, hostile.context.parameters))
    return Answer.from_bytes(body, hostile.context.parameters)


def loaded(hostile: HostileList) -> LoadedList:
    parameters = hostile.context.parameters
    return load_list(parameters, declared(1, DEGREE, parameters), hostile.blobs)


HOSTILE: dict[str, Callable[[Context], HostileList]] = {
    "noise chosen at odd coefficients": noise_list,
    "the zero polynomial": zero_list,
    "the zero polynomial under one seed": lambda context: zero_list(context, one_seed=True),
    "random residues": garbage_list,
    "a polynomial with the read as a term": lambda context: polynomial_list(context, lambda _: {1: 1}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_answer_to_a_hostile_list_is_noise_and_opens_nothing(
    name: str, context: Context, attacker: Attacker, reads: list[KnownRead]
) -> None:
    hostile = HOSTILE[name](context)
    parameters = context.parameters
    answer = answer_to(attacker, hostile)
    sought = set(
        place([read.y for read in reads], hostile.salt, 1, parameters.plain_modulus).elements.tolist()
    )
    for halves in answer.lanes(parameters):
        assert sought.isdisjoint(elements_in_first_half(context, halves[0]).tolist())
        assert sought.isdisjoint(hostile.values(halves).tolist())
        looks = [
            (row, prime) for half in halves for row, prime in zip(half, parameters.answer_moduli, strict=True)
        ]
        looks += [(hostile.values(halves), parameters.plain_modulus), _between_messages(context, halves[0])]
        assert max(surprise(values, bound) for values, bound in looks) < THRESHOLD
    assert surprise(answer.wrapped.reshape(-1).astype(np.int64), 256) < THRESHOLD
    assert hostile.opened(answer) == {}


def test_the_test_of_evenness_alarms_falsely_as_seldom_as_stated() -> None:
    assert float(arb(THRESHOLD / 2).gamma_upper(arb(255) / 2, regularized=1)) < FALSE_ALARM


@pytest.mark.parametrize("defence", ["no masks at all", "u * zero + e, but no Z"])
def test_without_the_masks_every_read_of_a_batch_falls_out(
    defence: str, context: Context, elements: Integers
) -> None:
    hostile = loaded(noise_list(context))
    lane = next(lanes(context, hostile.coefficients, elements))
    if defence == "no masks at all":
        first_half = context.saved(lane).residues[0]
    else:
        first_half, _ = rerandomised(context, hostile.zero, lane)
    assert (elements_in_first_half(context, first_half) == elements).all()
    values, bound = _between_messages(context, first_half)
    assert surprise(values, bound) > 100 * THRESHOLD
    # With Z as well, from the very same evaluation, nothing does.
    hidden = expand(
        masked(context, hostile.zero, lane).seed,
        context.parameters.poly_degree,
        context.parameters.answer_moduli,
    )
    assert not (elements_in_first_half(context, hidden) == elements).any()


def test_elements_that_fall_out_are_the_pseudonyms_of_any_plate_the_owner_had_evaluated(
    context: Context, reads: list[KnownRead]
) -> None:
    """Why it matters: an owner may have far more plates evaluated than it may list."""
    hostile, t = noise_list(context), context.parameters.plain_modulus
    batch = np.resize(
        place([read.y for read in reads], hostile.salt, 1, t).elements, context.parameters.poly_degree
    )
    lane = next(lanes(context, loaded(hostile).coefficients, batch))
    fallen = set(elements_in_first_half(context, context.saved(lane).residues[0]).tolist())
    evaluated = {read.plate: read.y for read in reads[::2]} | {
        f"other {n}": os.urandom(32) for n in range(200)
    }
    tags = place(list(evaluated.values()), hostile.salt, 1, t).elements.tolist()
    seen = {plate for plate, tag in zip(evaluated, tags, strict=True) if tag in fallen}
    assert seen == {read.plate for read in reads[::2]}


def test_where_second_halves_may_be_chosen_every_read_falls_out_of_a_masked_answer(
    context: Context, elements: Integers
) -> None:
    """Why only seeds are taken: the masks hide the first half alone, and lean on the second being the seed's."""
    chosen = list_with_chosen_second_halves(context)
    hidden = masked(context, chosen.zero, next(lanes(context, chosen.coefficients, elements)))
    assert (elements_in_second_half(context, hidden.second_half) == elements).all()
    seeded = loaded(noise_list(context))
    hidden = masked(context, seeded.zero, next(lanes(context, seeded.coefficients, elements)))
    assert not (elements_in_second_half(context, hidden.second_half) == elements).any()


def test_without_the_leading_term_the_zero_polynomial_opens_every_read(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile, secrets = zero_list(context), [os.urandom(16) for _ in range(100)]
    pseudonyms = [os.urandom(32) for _ in secrets]

    def opened() -> set[bytes]:
        answer = answer_batch(loaded(hostile), pseudonyms, secrets).answer
        return set(hostile.opened(Answer.from_bytes(answer, context.parameters)).values())

    assert opened() == set()
    monkeypatch.setattr(evaluation, "power", lambda base, *_: np.zeros_like(base))
    assert opened() == set(secrets)


def test_a_bin_that_holds_one_plate_opens_for_that_plate_alone(
    context: Context, attacker: Attacker, reads: list[KnownRead]
) -> None:
    """A documented limit: (x - a) * x**81 fills no bin. And proof that what opened nothing above does open."""
    t = context.parameters.plain_modulus

    def terms(salt: bytes) -> dict[int, int]:
        (root,) = place([reads[7].y], salt, 1, t).elements.tolist()
        return {DEGREE - 1: -root}

    hostile = polynomial_list(context, terms)
    assert set(hostile.opened(answer_to(attacker, hostile)).values()) == {reads[7].s}


def test_one_list_after_another_is_matched_with_the_reads_still_held(
    context: Context, attacker: Attacker, reads: list[KnownRead]
) -> None:
    """A documented limit: who commits to many versions beforehand may upload one after another, whatever is in them.

    Capacity bounds what is in force at once; over an epoch it is the quota of evaluations.
    """
    layout = declared(1, 64, context.parameters)
    for read in reads[:2]:
        upload = build_upload([read.y], layout, context.parameters)
        _, body = attacker.answered(list(upload.body), upload.salt, layout)
        assert [found.match_secret for found in open_answer(upload.secret, body)] == [read.s]


def test_claims_without_secrets_do_not_tell_which_bins_were_read(
    world: World, context: Context, attacker: Attacker, reads: list[KnownRead]
) -> None:
    """An owner evaluates a vehicle that it does not list, and claims every slot of the vehicle's bin."""
    parameters = context.parameters
    layout = declared(100, 64, parameters)
    upload = build_upload([], layout, parameters)
    sequence, _ = attacker.answered(list(upload.body), upload.salt, layout)
    bins = place([read.y for read in reads], upload.salt, layout.bins, parameters.plain_modulus).bins.tolist()
    slots = [
        slot for bin_ in set(bins) for slot in range(bin_ * layout.replicas, (bin_ + 1) * layout.replicas)
    ]
    never_used = layout.bins * layout.replicas

    def bins_read(refusals: dict[int, tuple[str, str, str]]) -> set[int]:
        empty = refusals[never_used]
        return {layout.bin_of(slot) for slot in refusals if slot != never_used and refusals[slot] != empty}

    refusals: dict[int, tuple[str, str, str]] = {}
    for start in range(0, len(slots), 900):
        claims = [(slot, bytes(16)) for slot in [*slots[start : start + 900], never_used]]
        for result in attacker.owner.claim(attacker.port, "police", sequence, claims):
            assert not result.HasField("record")
            refusals[result.slot] = (result.code, result.what, result.remedy)
    assert bins_read(refusals) == set()
    # The defence removed: a matcher that says what is wrong with each claim.
    told = _truthful_refusals(world, sequence, [*slots, never_used])
    assert bins_read(told) == set(bins)


def _truthful_refusals(world: World, sequence: int, slots: list[int]) -> dict[int, tuple[str, str, str]]:
    assert world.matcher is not None
    with world.matcher.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT slot FROM slots WHERE sequence = ?", (sequence,))
        held = set(rows.scalars())
    return {slot: ("match-proof" if slot in held else "gone", "", "") for slot in slots}


def _between_messages(context: Context, first_half: Integers) -> tuple[Integers, int]:
    """Where each coefficient lies between two neighbouring messages, in 2**20 steps: where an honest list has noise."""
    parameters, steps = context.parameters, 1 << 20
    q = 1
    for prime in parameters.answer_moduli:
        q *= prime
    phases = phases_of(first_half, parameters)
    return np.array([phase * parameters.plain_modulus % q * steps // q for phase in phases], np.int64), steps
