"""A zone's key generation changes: every read of a listed vehicle is matched and can be released, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from blindplate.client.owner import commitments, upload
from blindplate.client.owner.generations import Reach, places_of, scope_of
from blindplate.client.owner.leaves import evaluated
from blindplate.client.owner.tables import entries, evaluations
from blindplate.client.owner.trees import open_tree
from blindplate.core.domains import Domain, Epoch
from blindplate.core.errors import QuotaError
from blindplate.core.membership import leaf
from blindplate.core.pseudonyms import pseudonym
from blindplate.core.statements.uploads import Manifest
from blindplate.psi.layout import Layout
from blindplate.psi.owner import Upload
from blindplate.psi.parameters import ParameterSet
from tests.unit.client.owner.scene import NOW, PLATES, Scene, built, f_of

GRANULARITY = 60


@dataclass
class Street:
    """What the matcher would find of a read, and whether its release could be asked for."""

    scene: Scene
    held: list[Sequence[bytes]] = field(default_factory=list[Sequence[bytes]])

    def build(self, pseudonyms: Sequence[bytes], layout: Layout, parameters: ParameterSet) -> Upload:
        self.held.append(list(pseudonyms))
        return built(pseudonyms, layout, parameters)

    def matched(self, plate: bytes, generation: int, captured: float) -> bool:
        """By the matcher's rules: a read counts as captured at the last moment of its span."""
        epoch = self.scene.session.rule.at(captured)
        y = pseudonym(f_of(Domain("police", "inner", generation), plate), epoch)
        latest = min(captured // GRANULARITY * GRANULARITY + GRANULARITY, epoch.end())
        return any(y in held for held in self._in_force(epoch, latest))

    def _in_force(self, epoch: Epoch, latest: float) -> list[Sequence[bytes]]:
        segments: list[tuple[Manifest, Sequence[bytes], list[float]]] = []
        for manifest, held in zip(self.scene.matcher.manifests, self.held, strict=True):
            if manifest.epoch.epoch() != epoch:
                continue
            if manifest.number == 0:
                for _, _, until in segments:
                    until[0] = min(until[0], manifest.matches_from)
            segments.append((manifest, held, [float("inf")]))
        return [held for one, held, (until,) in segments if one.matches_from <= latest < until]

    def releasable(self, plate: bytes, generation: int, captured: float) -> bool:
        """Whether the version in force at the capture has a leaf of the plate in that generation."""
        session = self.scene.session
        with session.store.reading() as connection:
            made = [
                one
                for one in commitments.during(connection, captured, captured + 0.001)
                if one.effective_at is not None and one.effective_at + 1 <= captured
            ][-1]
            of_plate = (evaluations.c.plate == plate, evaluations.c.generation == generation)
            salt = connection.execute(select(evaluations.c.salt).where(*of_plate)).scalar_one()
        with open_tree(commitments.tree_file(session.store, made.version), made.leaves) as tree:
            f = f_of(Domain("police", "inner", generation), plate)
            return tree.find(leaf(f, self._details(), salt)) is not None

    def _details(self) -> bytes:
        with self.scene.session.store.reading() as connection:
            (found, *_) = evaluated(connection, Domain("police", "inner", 1), entries.c.entry_id == 1)
        return found.said.details


@pytest.fixture
def street(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Street:
    made = Street(scene)
    monkeypatch.setattr(upload, "build_upload", made.build)
    return made


def pass_time(scene: Scene, seconds: int) -> None:
    """Publish and witness, every ten seconds, as a daemon beside a running ledger does."""
    for _ in range(0, seconds, 10):
        scene.publish()
        scene.clock.moment += 1
        scene.witness()
        scene.publish()
        scene.clock.moment += 9


@pytest.mark.parametrize("notice", [300, 5_000])
def test_no_read_before_during_or_after_a_change_of_generation_is_missed(street: Street, notice: int) -> None:
    scene = street.scene
    scene.in_force(PLATES[0])
    plate = evaluated_plate(scene)
    listed = int(scene.clock.moment)
    begins = listed + notice
    scene.renew(begins)
    pass_time(scene, 60)
    scene.clock.moment = begins - 30
    pass_time(scene, 200)
    for captured in (*range(listed + 2, begins, 97), begins - 1, begins - 0.001):
        assert street.matched(plate, 1, captured), captured - begins
        assert street.releasable(plate, 1, captured), captured - begins
    for captured in (begins, begins + 0.5, begins + 100, begins + 3_000):
        assert street.matched(plate, 2, captured), captured - begins
        assert street.releasable(plate, 2, captured), captured - begins


def test_a_vehicle_taken_off_and_one_listed_after_the_change_leave_no_gap_for_the_others(
    street: Street,
) -> None:
    scene = street.scene
    scene.in_force(PLATES[0], PLATES[1])
    plate = evaluated_plate(scene)
    begins = int(scene.clock.moment) + 300
    scene.renew(begins)
    pass_time(scene, 60)
    scene.clock.moment = begins + 1
    scene.take_off(PLATES[1])
    scene.put(PLATES[2])
    pass_time(scene, 20)
    assert scene.matcher.manifests[-1].matches_from > begins
    # Coarse times: what was captured just before counts as captured after the new base began.
    for captured in (begins - 1, begins - 0.001):
        assert street.matched(plate, 1, captured)
    assert street.matched(plate, 2, begins + 25)


def test_an_owner_away_during_the_change_finds_all_once_it_is_back(street: Street) -> None:
    scene = street.scene
    scene.in_force(PLATES[0])
    plate = evaluated_plate(scene)
    begins = int(scene.clock.moment) + 7_200
    scene.renew(begins)
    scene.publish()
    scene.clock.moment += 1
    scene.witness()
    scene.publish()
    # Stopped; the matcher has lists for two hours. Back in the hour after the change.
    away, scene.clock.moment = int(scene.clock.moment), begins + 3_700
    pass_time(scene, 10)
    for captured in range(away + 5, begins, 611):
        assert street.matched(plate, 1, captured), captured - begins
    for captured in range(begins, begins + 3_700, 611):
        assert street.matched(plate, 2, captured), captured - begins
        assert street.releasable(plate, 2, captured), captured - begins


def test_an_owner_away_since_before_the_amendment_finds_what_its_last_commitment_covers(
    street: Street,
) -> None:
    scene = street.scene
    scene.in_force(PLATES[0])
    plate = evaluated_plate(scene)
    begins = int(scene.clock.moment) + 600
    scene.renew(begins)
    scene.clock.moment = begins + 600
    back = int(scene.clock.moment)
    pass_time(scene, 20)
    assert street.matched(plate, 1, begins - 1)
    assert street.matched(plate, 2, back + 30)
    assert not street.matched(plate, 2, begins + 60)


def test_a_quota_that_does_not_do_for_both_generations_keeps_nothing_of_the_present_one_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.in_force(PLATES[0])
    scene.renew(int(scene.clock.moment) + 5_000)
    evaluate = scene.custodians.evaluate

    def exhausted(domain: Domain, plates: list[bytes], *publics: Any) -> list[bytes]:
        if domain.generation == 2:
            raise QuotaError("Spent.", "Wait.")
        return evaluate(domain, plates, *publics)

    monkeypatch.setattr(scene.custodians, "evaluate", exhausted)
    scene.put(PLATES[1])
    for _ in range(2):
        with pytest.raises(QuotaError):
            scene.publish()
        scene.clock.moment += 2
        scene.witness()
    with scene.session.store.reading() as connection:
        made = commitments.in_force(connection)
    assert made is not None
    assert (made.version, places_of(made.scope)) == (2, frozenset({"inner/1"}))


def test_a_scope_is_the_places_and_the_cut_of_epochs_in_one_line(scene: Scene) -> None:
    scope = scope_of(scene.session.grant, scene.session.grant.domains())
    assert scope == "police-1 span/3600 inner/1"
    assert places_of(scope) == {"inner/1"}
    epoch = scene.session.rule.at(NOW)
    reach = scene.session.reach(epoch)
    assert reach.counts(scope, NOW)
    assert not reach.counts("police-1 span/60 inner/1", NOW)
    assert reach.domains({"inner/1"}) == scene.session.grant.domains()


def test_a_commitment_counts_for_what_is_in_force_when_it_takes_effect(scene: Scene) -> None:
    epoch = scene.session.rule.at(NOW)
    old, new = frozenset({"inner/1"}), frozenset({"inner/2"})
    reach = Reach(epoch, "police", "police-1 span/3600", (epoch.start() - 9, NOW), (old, new))
    assert reach.counts("police-1 span/3600 inner/1", NOW - 2)
    assert not reach.counts("police-1 span/3600 inner/1", NOW - 1)
    assert reach.counts("police-1 span/3600 inner/1 inner/2", NOW)
    assert reach.made("police-1 span/3600 inner/2 outer/2") == new


def evaluated_plate(scene: Scene) -> bytes:
    with scene.session.store.reading() as connection:
        chosen = select(evaluations.c.plate).order_by(evaluations.c.plate).limit(1)
        found: bytes = connection.execute(chosen).scalar_one()
    return found
