"""Which entries share a bin: the same from memory as worked out anew, and forgotten in time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import ColumnElement, Connection

from blindplate.client.owner import bins as bins_module
from blindplate.client.owner.bins import Bins
from blindplate.client.owner.leaves import evaluated_in
from blindplate.client.owner.segments import Spread
from blindplate.core.domains import HOURLY, Domain, Epoch
from blindplate.core.errors import InputError
from blindplate.core.pseudonyms import pseudonym
from tests.unit.client.owner.samples import domain_of, encoded
from tests.unit.client.owner.scene import PLATES, Scene, f_of

EPOCH = Epoch(HOURLY, 1)
SPREAD = Spread(1, 1, 0, 64, 80, "prompt", b"s" * 16)


def shared(scene: Scene, bins: Bins, spread: Spread = SPREAD, epoch: Epoch = EPOCH) -> list[list[int]]:
    """For each bin the numbers of its entries."""
    replicas = 8192 // spread.bins
    with scene.session.store.reading() as connection:
        return [
            bins.sharing(connection, spread, domain_of(scene), epoch, number * replicas)
            for number in range(spread.bins)
        ]


def by_hand(scene: Scene, spread: Spread = SPREAD, epoch: Epoch = EPOCH) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(spread.bins)]
    for entry_id, plate in enumerate(PLATES, start=1):
        y = pseudonym(f_of(domain_of(scene), encoded(plate)), epoch)
        found[int(spread.bins_of([y])[0])].append(entry_id)
    return found


def test_every_entry_is_in_the_bin_of_its_pseudonym_and_in_no_other(scene: Scene) -> None:
    scene.in_force(*PLATES)
    bins, other = Bins(), replace(SPREAD, salt=b"t" * 16)
    for _ in range(2):
        assert shared(scene, bins) == by_hand(scene)
        # Neither another upload's salt nor another epoch is mistaken for it.
        assert shared(scene, bins, other) == by_hand(scene, other)
        assert shared(scene, bins, epoch=EPOCH.next()) == by_hand(scene, epoch=EPOCH.next())
    with scene.session.store.reading() as connection, pytest.raises(InputError):
        bins.sharing(connection, SPREAD, domain_of(scene), EPOCH, 8192)


def test_a_list_is_looked_through_once_a_segment_and_few_are_remembered(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.in_force(*PLATES)
    looked: list[Domain] = []

    def through(connection: Connection, domain: Domain, covered: ColumnElement[bool]) -> object:
        looked.append(domain)
        return evaluated_in(connection, domain, covered)

    monkeypatch.setattr(bins_module, "evaluated_in", through)
    bins = Bins()
    for number in range(20):
        shared(scene, bins, replace(SPREAD, salt=bytes([number]) * 16))
    assert len(looked) == 20
    shared(scene, bins, replace(SPREAD, salt=bytes([19]) * 16))
    assert len(looked) == 20
    shared(scene, bins, replace(SPREAD, salt=bytes([0]) * 16))
    assert len(looked) == 21


def test_a_segment_without_entries_has_empty_bins(scene: Scene) -> None:
    scene.in_force(*PLATES)
    assert shared(scene, Bins(), replace(SPREAD, first_version=5, last_version=4)) == [[]] * 64
