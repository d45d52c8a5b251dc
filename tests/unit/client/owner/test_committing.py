"""Commitments: what is signed, when it is in force, and what survives stopping in between."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blindplate.client.owner import commitments, committing, roster
from blindplate.client.owner.commitments import MOST_AT_ONCE, Commitment
from blindplate.client.owner.leaves import standing_leaves
from blindplate.client.owner.pseudonymise import evaluate_missing
from blindplate.client.owner.publish import is_waiting
from blindplate.client.owner.session import Session
from blindplate.client.owner.trees import open_tree
from blindplate.core import merkle
from blindplate.core.errors import EntryError, QuotaError, UnavailableError
from blindplate.core.statements.lists import ListVersion
from tests.unit.client.owner.scene import NOW, PLATES, Scene


def made_last(session: Session) -> Commitment:
    with session.store.reading() as connection:
        found = commitments.latest(connection)
    assert found is not None
    return found


def said(commitment: Commitment) -> ListVersion:
    return ListVersion.parsed(commitment.statement.payload)


def commit(scene: Scene) -> bool:
    """Evaluate, commit and look whether it is witnessed."""
    return scene.publish().waiting


def test_a_commitment_is_the_root_over_the_leaves_of_all_standing_entries(scene: Scene) -> None:
    scene.put(*PLATES)
    scene.take_off(PLATES[0])
    commit(scene)
    made = made_last(scene.session)
    statement = said(made)
    assert (statement.list_version, statement.entries, statement.leaves) == (2, 3, 3)
    assert (statement.added, statement.removed) == (3, 0)
    with scene.session.store.reading() as connection:
        leaves = sorted(standing_leaves(connection, scene.session.grant.domains()), key=merkle.leaf_hash)
    assert statement.root == merkle.root(leaves)
    with open_tree(commitments.tree_file(scene.session.store, made.version), made.leaves) as tree:
        for leaf in leaves:
            index = tree.find(leaf)
            assert index is not None
            merkle.verify_inclusion(leaf, index, made.leaves, tree.path(index), statement.root)


def test_a_version_is_in_force_from_the_later_cosignature_on_and_not_before(scene: Scene) -> None:
    scene.put(PLATES[0])
    assert commit(scene)
    assert made_last(scene.session).effective_at is None
    scene.clock.moment = NOW + 10
    scene.ledger.witness(NOW + 8, None)
    assert committing.advance(scene.session)
    assert made_last(scene.session).effective_at is None
    scene.ledger.witness(NOW + 8, NOW + 9)
    assert not committing.advance(scene.session)
    made = made_last(scene.session)
    assert made.effective_at == NOW + 9
    assert made.ledger_index == len(scene.ledger.entries) - 1
    assert made.checkpoint == (scene.ledger.folder / "checkpoint").read_bytes()
    assert not is_waiting(scene.session)


def test_an_owner_that_looks_late_finds_out_since_when_its_version_is_in_force(scene: Scene) -> None:
    scene.put(PLATES[0])
    commit(scene)
    scene.ledger.witness(NOW + 2, NOW + 3)
    first = (scene.ledger.folder / "checkpoint").read_bytes()
    scene.clock.moment = NOW + 2000
    scene.witness()
    scene.publish()
    made = made_last(scene.session)
    assert (made.effective_at, made.checkpoint) == (NOW + 3, first)
    assert scene.matcher.manifests[0].matches_from == NOW + 4


def test_without_the_record_a_version_counts_from_the_checkpoint_that_was_read(scene: Scene) -> None:
    scene.put(PLATES[0])
    commit(scene)
    scene.ledger.witness(NOW + 2, NOW + 3)
    for record in (scene.ledger.folder / "witnessed").rglob("*"):
        if record.is_file():
            record.unlink()
    commit(scene)
    assert made_last(scene.session).effective_at == NOW + 3


def test_changes_while_one_is_witnessed_share_the_next_commitment(scene: Scene) -> None:
    scene.put(PLATES[0])
    commit(scene)
    first = made_last(scene.session)
    scene.put(PLATES[1])
    scene.put(PLATES[2])
    scene.take_off(PLATES[0])
    commit(scene)
    assert made_last(scene.session) == first
    scene.witness()
    commit(scene)
    statement = said(made_last(scene.session))
    assert statement.list_version == 4
    assert (statement.entries, statement.added, statement.removed) == (2, 2, 1)


def test_what_an_entry_says_is_committed_to_anew_when_it_changes(scene: Scene) -> None:
    scene.in_force(PLATES[0])
    before = said(made_last(scene.session))
    scene.put(PLATES[0], reason="stolen")
    commit(scene)
    after = said(made_last(scene.session))
    assert (after.entries, after.added, after.removed) == (1, 0, 0)
    assert after.root != before.root


@pytest.mark.parametrize("entered", [True, False], ids=["after entering", "before entering"])
def test_an_interruption_sends_the_same_bytes_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, entered: bool
) -> None:
    scene.put(PLATES[0])
    append = scene.ledger.append

    def die(statements: list[Any]) -> list[Any]:
        if entered:
            append(statements)
        raise UnavailableError("The power went.")

    with monkeypatch.context() as patched:
        patched.setattr(scene.ledger, "append", die)
        with pytest.raises(UnavailableError):
            scene.publish()
    stored, size = made_last(scene.session), len(scene.ledger.entries)
    assert stored.ledger_index is None
    scene.clock.moment += 1
    with scene.another_session() as session:
        assert committing.advance(session)
        assert made_last(session).statement == stored.statement
        assert len(scene.ledger.entries) == size + (0 if entered else 1)


def test_an_unevaluated_list_is_not_committed_to(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.put(PLATES[0])

    def spent(*_asked: object) -> list[bytes]:
        raise QuotaError("The day's quota is used up.")

    with monkeypatch.context() as patched:
        patched.setattr(scene.custodians, "evaluate", spent)
        with pytest.raises(QuotaError):
            scene.publish()
    with scene.session.store.reading() as connection:
        assert commitments.latest(connection) is None
    assert scene.matcher.manifests == []
    commit(scene)
    assert made_last(scene.session).version == 1


def test_a_refused_commitment_is_made_anew(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.put(PLATES[0])

    def refuse(_statements: list[Any]) -> list[Any]:
        raise EntryError("No.")

    with monkeypatch.context() as patched:
        patched.setattr(scene.ledger, "append", refuse)
        with pytest.raises(EntryError):
            scene.publish()
    scene.clock.moment += 5
    commit(scene)
    assert said(made_last(scene.session)).made_at == NOW + 5


def test_a_lost_folder_goes_on_above_what_the_ledger_has(scene: Scene, tmp_path: Path) -> None:
    scene.in_force(*PLATES[:3])
    scene.take_off(PLATES[0])
    commit(scene)
    scene.witness()
    commit(scene)
    with scene.another_session(data=tmp_path / "anew") as session:
        anew = replace(scene, session=session)
        anew.put(PLATES[1])
        anew.publish()
        statement = said(made_last(session))
        assert statement.list_version == 3
        assert (statement.entries, statement.added, statement.removed) == (1, 1, 2)


def test_a_list_longer_than_granted_is_not_committed_to(scene: Scene) -> None:
    scene.amend(list_size=1)
    scene.clock.moment += 5
    scene.witness()
    scene.session.ledger.refresh()
    scene.clock.moment += 5
    scene.put(PLATES[0], PLATES[1])
    with pytest.raises(QuotaError):
        scene.publish()


def test_a_list_that_only_an_amendment_to_come_allows_is_not_committed_to(scene: Scene) -> None:
    session = replace(scene.session, grant=scene.session.grant.model_copy(update={"list_size": 1}))
    early = replace(scene, session=session)
    early.put(PLATES[0], PLATES[1])
    assert session.history.latest.list_size > 1
    with pytest.raises(QuotaError):
        early.publish()


def test_an_amendment_of_the_zones_generation_asks_for_a_new_commitment(scene: Scene) -> None:
    scene.in_force(PLATES[0])
    before = made_last(scene.session)
    scene.renew(begins=int(scene.clock.moment) + 1000)
    scene.publish()
    assert is_waiting(scene.session)
    made = made_last(scene.session)
    assert made.version == before.version + 1
    assert made.scope == f"{before.scope} inner/2"
    assert (said(made).entries, said(made).leaves) == (1, 2)


def test_no_record_can_meet_more_versions_than_go_with_a_request(scene: Scene) -> None:
    """A change every two seconds, each witnessed at once: the pace of commitments bounds what any span can mean."""
    begun: list[tuple[int, int]] = []
    for second in range(0, 300, 2):
        scene.clock.moment = NOW + second
        scene.put(PLATES[0], reason=str(second))
        evaluate_missing(scene.session)
        committing.commit(scene.session)
        if committing.advance(scene.session):
            scene.witness()
            committing.advance(scene.session)
            begun.append((made_last(scene.session).version, second))
    assert len(begun) > MOST_AT_ONCE
    with scene.session.store.reading() as connection:
        for start in range(NOW - 60, NOW + 300, 7):
            spans = commitments.during(connection, start, start + 60)
            everything = [version for version, at in begun if NOW + at - 10 < start + 60]
            # What was left out had been succeeded before the span.
            left_out = [version for version in everything if version not in {one.version for one in spans}]
            assert len(spans) <= MOST_AT_ONCE
            assert all(_succeeded(begun, version) + 1 <= start for version in left_out)


def _succeeded(begun: list[tuple[int, int]], version: int) -> int:
    numbers = [one for one, _ in begun]
    return NOW + begun[numbers.index(version) + 1][1]


def test_trees_go_once_no_release_can_need_them(scene: Scene) -> None:
    scene.in_force(PLATES[0])
    scene.in_force(PLATES[1])
    first, second = (commitments.tree_file(scene.session.store, version) for version in (1, 2))
    (first.parent / "9.tree").write_bytes(b"left over")
    committing.prune(scene.session)
    assert [file.exists() for file in (first, second, first.parent / "9.tree")] == [True, True, False]
    scene.clock.moment += scene.session.hold_seconds + scene.session.settings.request_seconds + 100_000
    committing.prune(scene.session)
    assert [file.exists() for file in (first, second)] == [False, True]
    with scene.session.store.reading() as connection:
        assert roster.latest_version(connection) == 2
        # What it covers and since when is still known.
        known = commitments.witnessed_versions(connection, scene.reach())
    assert [one.version for one in known] == [1, 2]
