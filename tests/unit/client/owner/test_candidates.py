"""What goes with a request: entries of the hit's bin, opened under every version that can have been in force."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from blindplate.client.owner import commitments
from blindplate.client.owner.candidates import candidates_of, is_settled
from blindplate.client.owner.hits import SealedHit
from blindplate.client.owner.tables import evaluations, segments
from blindplate.core.errors import GoneError, MembershipError, NotFoundError
from blindplate.core.membership import Member, details_digest, require_member
from blindplate.core.statements.grants import ReleaseMode, ReleasePolicy, StandingAuthorisation
from blindplate.core.statements.lists import ListVersion
from blindplate.core.statements.priorities import Priority
from blindplate.core.statements.purposes import Purpose
from blindplate.v1 import release_pb2 as v1
from tests.unit.client.owner.samples import N_Y, domain_of, encoded, hit_on
from tests.unit.client.owner.scene import PLATES, Scene, f_of


def versions_of(scene: Scene, sealed: SealedHit) -> dict[int, v1.VersionCandidates]:
    opened = v1.Candidates.FromString(candidates_of(scene.session, sealed))
    return {one.list_version: one for one in opened.versions}


def statement_of(scene: Scene, version: int) -> ListVersion:
    with scene.session.store.reading() as connection:
        made = commitments.covering(connection, scene.reach(), version)
    return ListVersion.parsed(made.statement.payload)


def require_in(scene: Scene, sealed: SealedHit, version: int, candidates: v1.VersionCandidates) -> bytes:
    """What a custodian does with it."""
    statement = statement_of(scene, version)
    return require_member(sealed.record.header, N_Y, candidates, statement.root, statement.leaves).f


def test_a_custodian_finds_the_entry_of_an_honest_hit(scene: Scene) -> None:
    version = scene.in_force(*PLATES)
    sealed = hit_on(scene, PLATES[1])
    found = versions_of(scene, sealed)
    assert set(found) == {version}
    assert require_in(scene, sealed, version, found[version]) == f_of(domain_of(scene), encoded(PLATES[1]))
    # A list this short is one bin, so that nothing tells which of its entries was read.
    assert len(found[version].candidates) == len(PLATES)
    indices = [one.leaf_index for one in found[version].candidates]
    assert indices == sorted(indices)


def member_in(scene: Scene, sealed: SealedHit, version: int, candidates: v1.VersionCandidates) -> Member:
    """What a custodian does with it."""
    statement = statement_of(scene, version)
    return require_member(sealed.record.header, N_Y, candidates, statement.root, statement.leaves)


def covering(scene: Scene, *priorities: Priority) -> Scene:
    """The same under a grant whose standing authorisation names these priorities."""
    standing = StandingAuthorisation(purposes=(Purpose.MURDER,), daily_quota=5, priorities=priorities)
    policy = ReleasePolicy(mode=ReleaseMode.STANDING, daily_quota=5, standing=standing)
    grant = scene.session.grant.model_copy(update={"release": policy})
    return replace(scene, session=replace(scene.session, grant=grant))


def test_a_custodian_is_shown_the_priorities_that_a_standing_authorisation_names_and_no_other(
    scene: Scene,
) -> None:
    for plate, priority in zip(PLATES, (Priority.HIGH, Priority.MEDIUM, Priority.LOW), strict=False):
        scene.put(plate, priority=priority)
    scene.in_force()
    version = 3
    for plate, priority in zip(PLATES, (Priority.HIGH, Priority.NONE, Priority.NONE), strict=False):
        sealed = hit_on(scene, plate)
        shown = versions_of(covering(scene, Priority.HIGH, Priority.NONE), sealed)[version]
        assert member_in(scene, sealed, version, shown).priority is priority
        assert [one.priority for one in shown.candidates if one.priority] == ["high"]
        # Where no authorisation asks, custodians learn no priority at all.
        assert not any(one.priority or one.stated for one in versions_of(scene, sealed)[version].candidates)


def test_a_priority_given_after_the_capture_does_not_count_for_it(scene: Scene) -> None:
    first = scene.in_force(*PLATES[:2])
    sealed = hit_on(scene, PLATES[0])
    scene.clock.moment += 200
    scene.put(PLATES[0], priority=Priority.HIGH)
    scene.in_force()
    wide = covering(scene, *Priority)
    found = versions_of(wide, sealed)
    assert set(found) == {first}
    assert member_in(scene, sealed, first, found[first]).priority is Priority.NONE
    later = hit_on(scene, PLATES[0])
    assert member_in(scene, later, 2, versions_of(wide, later)[2]).priority is Priority.HIGH


def test_a_hit_of_nobody_on_the_list_is_not_made_a_member(scene: Scene) -> None:
    version = scene.in_force(*PLATES[:3])
    sealed = hit_on(scene, PLATES[3])
    with pytest.raises(MembershipError):
        require_in(scene, sealed, version, versions_of(scene, sealed)[version])


def test_only_entries_of_the_hits_bin_go_along(scene: Scene) -> None:
    plates = [f"AB{number:02}C{letter}E" for number in range(10, 90) for letter in "DF"]
    version = scene.in_force(*plates)
    sealed = hit_on(scene, plates[0])
    with scene.session.store.reading() as connection:
        bins = connection.execute(select(segments.c.bins)).scalars().first()
    assert bins == 2
    found = [versions_of(scene, replace(sealed, slot=slot))[version].candidates for slot in (0, 8191)]
    first, second = ({one.f for one in candidates} for candidates in found)
    assert first | second == {f_of(domain_of(scene), encoded(plate)) for plate in plates}
    assert not first & second


def test_each_version_that_can_have_been_in_force_is_opened_as_it_was(scene: Scene) -> None:
    first = scene.in_force(*PLATES[:2])
    sealed_at = scene.clock.moment
    second = scene.put(PLATES[0], reason="stolen")
    third = scene.put(PLATES[2])
    scene.publish()
    scene.witness()
    scene.publish()
    assert (second, third) == (2, 3)
    # Rounded down to the minute, the time can mean before or after the change.
    sealed = hit_on(scene, PLATES[0], at=sealed_at)
    found = versions_of(scene, sealed)
    assert set(found) == {first, third}
    for version in found:
        require_in(scene, sealed, version, found[version])
    f = f_of(domain_of(scene), encoded(PLATES[0]))
    said = {
        version: next(one.details for one in found[version].candidates if one.f == f) for version in found
    }
    assert said == {first: details_digest("", "", ""), third: details_digest("stolen", "", "")}
    assert not is_settled(candidates_of(scene.session, hit_on(scene, PLATES[2], at=sealed_at, base=False)))
    assert is_settled(candidates_of(scene.session, sealed))


def test_an_entry_removed_since_is_opened_where_it_stood(scene: Scene) -> None:
    first = scene.in_force(*PLATES[:2])
    sealed = hit_on(scene, PLATES[0])
    scene.clock.moment += 200
    scene.take_off(PLATES[0])
    scene.publish()
    scene.witness()
    scene.publish()
    found = versions_of(scene, sealed)
    assert set(found) == {first}
    require_in(scene, sealed, first, found[first])


def test_a_version_that_a_custodian_may_have_witnessed_unseen_goes_along(scene: Scene) -> None:
    first = scene.in_force(*PLATES[:2])
    scene.clock.moment += 300
    second = scene.put(PLATES[2])
    scene.publish()
    # Entered, and the owner never saw it witnessed.
    scene.clock.moment += 300
    assert set(versions_of(scene, hit_on(scene, PLATES[0]))) == {first, second}


def test_a_hit_of_a_time_before_anything_was_committed_is_an_alarm(scene: Scene) -> None:
    scene.in_force(*PLATES)
    with pytest.raises(MembershipError):
        candidates_of(scene.session, hit_on(scene, PLATES[0], at=scene.clock.moment - 600))


def test_a_hit_by_an_unknown_upload_or_of_a_time_long_past_is_told_apart(scene: Scene) -> None:
    scene.in_force(*PLATES)
    sealed = hit_on(scene, PLATES[0])
    with pytest.raises(NotFoundError):
        candidates_of(scene.session, replace(sealed, segment_id=bytes(32)))
    commitments.tree_file(scene.session.store, 1).unlink()
    with pytest.raises(GoneError):
        candidates_of(scene.session, sealed)


def test_leaves_of_another_key_generation_are_left_out(scene: Scene) -> None:
    scene.in_force(*PLATES)
    sealed = hit_on(scene, PLATES[0])
    with scene.session.store.writing() as connection:
        # As if the tree had been made of other evaluations.
        connection.execute(update(evaluations).values(salt=bytes(16)))
    with pytest.raises(MembershipError):
        candidates_of(scene.session, sealed)
