"""Publishing: only what is witnessed is uploaded, behind the checkpoint that says so."""

from __future__ import annotations

import pytest

from blindplate.client.owner import commitments
from blindplate.client.owner.publish import is_behind, is_waiting
from blindplate.client.owner.segments import SegmentState, in_states
from blindplate.core.errors import GrantError, SignatureError, UnavailableError
from blindplate.core.ledger.checkpoints import verify_checkpoint
from blindplate.core.statements.grant_changes import GrantEnd
from tests.unit.client.owner.scene import NOW, PLATES, Scene, signing_key


def test_nothing_is_uploaded_of_a_version_that_is_not_witnessed(scene: Scene) -> None:
    scene.put(PLATES[0])
    assert scene.publish().waiting
    assert scene.publish().waiting
    assert scene.matcher.manifests == []
    scene.clock.moment += 7
    scene.witness()
    done = scene.publish()
    assert (done.uploaded, done.waiting) == (2, False)


def test_an_upload_names_its_version_and_bears_the_checkpoint_that_witnessed_it(scene: Scene) -> None:
    scene.put(PLATES[0])
    scene.put(PLATES[1])
    scene.publish()
    scene.clock.moment += 7
    scene.ledger.witness(NOW + 5, NOW + 7)
    scene.publish()
    now, coming = scene.matcher.manifests
    assert (now.list_version, coming.list_version) == (2, 2)
    assert now.matches_from == NOW + 8
    assert coming.matches_from == scene.session.rule.at(NOW).end()
    keys = scene.session.settings.ledger.keys.keys()
    for manifest, checkpoint in zip(scene.matcher.manifests, scene.matcher.checkpoints, strict=True):
        signed = verify_checkpoint(checkpoint, keys)
        with scene.session.store.reading() as connection:
            made = commitments.covering(connection, scene.reach(), 1)
        assert made.ledger_index is not None
        assert signed.checkpoint.size > made.ledger_index
        assert manifest.matches_from >= signed.require_both() + 1


def test_a_later_version_comes_behind_its_own_checkpoint(scene: Scene) -> None:
    scene.in_force(PLATES[0])
    scene.put(PLATES[1])
    scene.publish()
    scene.clock.moment += 3
    scene.witness()
    scene.publish()
    delta = scene.matcher.manifests[-1]
    assert (delta.number, delta.list_version, delta.matches_from) == (1, 2, scene.clock.moment + 1)
    assert scene.matcher.checkpoints[-1] != scene.matcher.checkpoints[0]


def test_acknowledgements_are_kept_back_from_the_change_until_it_is_uploaded(scene: Scene) -> None:
    scene.in_force(PLATES[0])
    assert not is_behind(scene.session)
    scene.put(PLATES[1])
    assert is_behind(scene.session)
    scene.publish()
    # Entered and not witnessed, as far as is known here: custodians may hold it to be in force already.
    assert is_behind(scene.session)
    scene.witness()
    assert is_behind(scene.session)
    scene.publish()
    assert not is_behind(scene.session)


def test_a_coming_epoch_that_has_not_begun_keeps_nothing_back(scene: Scene) -> None:
    scene.in_force(PLATES[0])
    coming = scene.session.rule.at(scene.clock.moment).next()
    scene.clock.moment = coming.start() - 30
    scene.put(PLATES[1])
    scene.publish()
    scene.clock.moment = coming.start() - 1
    scene.witness()
    scene.publish()
    assert not is_behind(scene.session)
    scene.clock.moment = coming.start()
    assert not is_behind(scene.session)


def test_a_ledger_away_keeps_nothing_from_being_published_that_needs_none(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.in_force(PLATES[0])
    scene.clock.moment = scene.session.rule.at(NOW).end() + 5

    def away(_statements: object) -> list[object]:
        raise UnavailableError("Away.")

    monkeypatch.setattr(scene.ledger, "append", away)
    scene.put(PLATES[1])
    with pytest.raises(UnavailableError):
        scene.publish()
    coming = scene.session.rule.at(scene.clock.moment).next()
    assert [one.epoch.epoch() for one in scene.matcher.manifests].count(coming) == 1


def test_an_amendment_of_the_generation_is_followed_by_new_bases_from_its_own_commitment(
    scene: Scene,
) -> None:
    scene.in_force(PLATES[0])
    scene.renew(begins=int(scene.clock.moment) + 1000)
    scene.publish()
    scene.clock.moment += 5
    scene.witness()
    scene.publish()
    base = scene.matcher.manifests[-2]
    assert (base.number, base.list_version) == (0, 2)
    assert base.matches_from == scene.clock.moment + 1
    assert not is_behind(scene.session)
    with scene.session.store.reading() as connection:
        live = in_states(connection, SegmentState.LIVE)
        superseded = in_states(connection, SegmentState.SUPERSEDED)
    assert (len(live), len(superseded)) == (2, 2)


def test_nothing_is_published_after_the_grant_has_ended(scene: Scene) -> None:
    scene.put(PLATES[0])
    end = GrantEnd(grant_id="police-1", reason="Withdrawn.", made_at=NOW)
    scene.ledger.enter(end.statement(signing_key(scene.deployment, "operator")))
    scene.witness()
    scene.session.ledger.refresh()
    with pytest.raises(GrantError):
        scene.publish()
    assert scene.custodians.asked == []


def test_an_evaluation_key_other_than_the_ledgers_is_refused(scene: Scene) -> None:
    scene.custodians.seeds[1] = bytes(32)
    scene.put(PLATES[0])
    with pytest.raises(SignatureError, match="Custodian B"):
        scene.publish()
    assert scene.custodians.asked == []


def test_an_empty_list_is_not_waiting(scene: Scene) -> None:
    assert not is_waiting(scene.session)
    assert not scene.publish().waiting
