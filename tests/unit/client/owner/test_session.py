"""What an owner begins with: only a grant of its own that both custodians witnessed, as the ledger has it now."""

from __future__ import annotations

from pathlib import Path

import pytest

from blindplate.client.owner.settings import OwnerSettings
from blindplate.core.errors import (
    ForkError,
    GrantError,
    NotFoundError,
    RollbackError,
    SettingsError,
    UnwitnessedError,
)
from blindplate.core.signing import SigningKey
from blindplate.core.statements.grant_changes import GrantEnd
from blindplate.edge.keyfiles import read_secret, write_secret
from blindplate.edge.settings import load
from tests.unit.client.owner.scene import NOW, Scene, signing_key


def test_an_owner_opens_its_own_grant(scene: Scene) -> None:
    assert scene.session.grant.list_id == "police"
    scene.session.require_in_force()
    assert not scene.session.is_amended()


def test_a_grant_the_ledger_does_not_have_is_not_found(scene: Scene) -> None:
    with pytest.raises(NotFoundError), scene.another_session(grant="police-9"):
        pass


def test_another_owners_grant_is_refused(scene: Scene) -> None:
    with pytest.raises(GrantError, match="another owner"), scene.another_session(grant="emissions-1"):
        pass


def test_a_key_the_grant_does_not_name_is_refused(scene: Scene, tmp_path: Path) -> None:
    write_secret(tmp_path / "other.key", SigningKey.generate().seed)
    other = scene.another_session(signing_key=tmp_path / "other.key")
    with pytest.raises(GrantError, match="another signing key"), other:
        pass


def test_a_grant_that_one_custodian_alone_witnessed_is_waited_for(scene: Scene, tmp_path: Path) -> None:
    scene.ledger.witness(NOW, None)
    with pytest.raises(UnwitnessedError), scene.another_session(data=tmp_path / "new"):
        pass


def test_what_was_read_before_has_to_do_while_nobody_answers(scene: Scene) -> None:
    (scene.ledger.folder / "checkpoint").unlink()
    with scene.another_session() as session:
        assert session.grant == scene.session.grant


def test_an_amendment_is_followed_once_its_notice_is_over(scene: Scene) -> None:
    amended = scene.amend(list_size=7)
    scene.witness()
    scene.session.ledger.refresh()
    assert not scene.session.is_amended()
    with scene.another_session() as session:
        assert session.grant == scene.session.grant
    scene.clock.moment += 1 + amended.notice_seconds
    assert scene.session.is_amended()
    with scene.another_session() as session:
        assert session.grant == amended


def test_a_grant_that_ended_is_in_force_no_more(scene: Scene) -> None:
    end = GrantEnd(grant_id="police-1", reason="Withdrawn.", made_at=NOW)
    scene.ledger.enter(end.statement(signing_key(scene.deployment, "operator")))
    scene.session.require_in_force()
    scene.witness()
    scene.session.ledger.refresh()
    with pytest.raises(GrantError):
        scene.session.require_in_force()


def test_a_grant_read_late_is_not_held_to_its_notice_again(scene: Scene, tmp_path: Path) -> None:
    scene.amend(notice_seconds=1_000_000)
    scene.witness()
    with scene.another_session(data=tmp_path / "new") as session:
        session.require_in_force()


def test_a_ledger_that_goes_back_or_tells_another_story_is_refused(scene: Scene) -> None:
    scene.amend(list_size=7)
    scene.witness()
    before = (scene.ledger.folder / "checkpoint").read_bytes()
    scene.session.ledger.refresh()
    entry = scene.ledger.entries.pop()
    scene.witness()
    with pytest.raises(RollbackError):
        scene.session.ledger.refresh()
    with pytest.raises(RollbackError), scene.another_session():
        pass
    scene.ledger.entries.append(entry + b" ")
    scene.witness()
    assert before != (scene.ledger.folder / "checkpoint").read_bytes()
    with pytest.raises(ForkError):
        scene.session.ledger.refresh()


def test_a_signing_key_readable_by_others_is_refused(scene: Scene, tmp_path: Path) -> None:
    copy = tmp_path / "signing.key"
    write_secret(copy, read_secret(scene.settings().signing_key))
    copy.chmod(0o644)
    with pytest.raises(SettingsError), scene.another_session(signing_key=copy):
        pass


def test_an_unknown_setting_is_refused(scene: Scene, tmp_path: Path) -> None:
    text = scene.deployment.settings("owner-police").read_text()
    (tmp_path / "owner.toml").write_text("epochs_behind = 1\n" + text)
    with pytest.raises(SettingsError, match="epochs_behind"):
        load(OwnerSettings, tmp_path / "owner.toml")
