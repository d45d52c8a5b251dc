"""Grants and registers as folders: who must have signed, what a bad file may spoil, who is whose camera."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from blindplate.cli.deployment import Deployment, create_deployment, default_plan
from blindplate.core.domains import Domain
from blindplate.core.errors import GrantError, IdentityError, SettingsError, StorageError, UnknownDomainError
from blindplate.core.signing import SigningKey
from blindplate.core.statements.grants import Grant
from blindplate.edge.keyfiles import read_secret, read_statement, write_statement
from blindplate.edge.settings import load
from blindplate.server.matcher.grants import GrantFolders, Grants
from blindplate.server.matcher.settings import MatcherSettings

BEGINS = 1_700_000_000
POLICE = Domain("police", "inner", 1)


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return create_deployment(tmp_path / "deployment", default_plan(BEGINS))


@pytest.fixture
def folders(deployment: Deployment) -> GrantFolders:
    settings = load(MatcherSettings, deployment.settings("matcher"))
    return GrantFolders(settings.grants, settings.registers, settings.trust)


def signers(deployment: Deployment, *parties: str) -> list[SigningKey]:
    return [SigningKey.from_seed(read_secret(deployment.folder / party / "signing.key")) for party in parties]


def police(deployment: Deployment) -> tuple[Path, Grant]:
    path = deployment.public / "grants" / "police.json"
    return path, Grant.parsed(read_statement(path).payload)


def test_a_capture_finds_the_grant_in_force(folders: GrantFolders) -> None:
    grants = folders.current
    assert grants.at_capture(POLICE, BEGINS).grant_id == "police-1"
    with pytest.raises(GrantError):
        grants.at_capture(POLICE, BEGINS - 1)
    with pytest.raises(UnknownDomainError):
        grants.at_capture(replace(POLICE, generation=2), BEGINS)


def test_of_two_grants_in_force_the_one_begun_last_counts(
    deployment: Deployment, folders: GrantFolders
) -> None:
    _, grant = police(deployment)
    amended = grant.model_copy(update={"grant_id": "police-2", "not_before": BEGINS + 100})
    everyone = signers(deployment, "operator", "custodian-a", "custodian-b")
    write_statement(deployment.public / "grants" / "amended.json", amended.statement(*everyone))
    folders.refresh()
    assert folders.current.at_capture(POLICE, BEGINS + 99).grant_id == "police-1"
    assert folders.current.at_capture(POLICE, BEGINS + 100).grant_id == "police-2"


@pytest.mark.parametrize("missing", ["operator", "custodian-a", "custodian-b"])
def test_a_grant_that_one_party_did_not_sign_is_passed_over_and_others_stand(
    deployment: Deployment, folders: GrantFolders, missing: str
) -> None:
    path, grant = police(deployment)
    parties = {"operator", "custodian-a", "custodian-b"} - {missing}
    write_statement(path, grant.statement(*signers(deployment, *parties, "matcher")))
    folders.refresh()
    assert set(folders.current.grants) == {"emissions-1"}


def test_a_grant_altered_after_signing_is_passed_over(deployment: Deployment, folders: GrantFolders) -> None:
    path, _ = police(deployment)
    statement = read_statement(path)
    write_statement(
        path,
        replace(statement, payload=statement.payload.replace(b'"capacity": 52000', b'"capacity": 99000')),
    )
    assert read_statement(path).payload != statement.payload
    folders.refresh()
    assert set(folders.current.grants) == {"emissions-1"}


def test_a_grant_named_by_two_files_counts_for_neither(deployment: Deployment, folders: GrantFolders) -> None:
    path, _ = police(deployment)
    path.with_name("copy.json").write_bytes(path.read_bytes())
    folders.refresh()
    assert set(folders.current.grants) == {"emissions-1"}


def test_a_grant_withdrawn_from_the_folder_is_gone_at_the_next_look(
    deployment: Deployment, folders: GrantFolders
) -> None:
    path, _ = police(deployment)
    path.unlink()
    assert "police-1" in folders.current.grants
    folders.refresh()
    with pytest.raises(GrantError):
        folders.current.named("police-1")


def test_a_camera_counts_only_in_its_own_zone(deployment: Deployment, folders: GrantFolders) -> None:
    del deployment
    grants = folders.current
    grant = grants.named("police-1")
    assert grants.camera(grant, POLICE, "spiffe://blindplate/camera/camera-1").camera_id == "camera-1"
    with pytest.raises(IdentityError):
        grants.camera(grant, POLICE, "spiffe://blindplate/camera/camera-2")


def test_a_register_changed_since_the_grant_does_not_count(
    deployment: Deployment, folders: GrantFolders
) -> None:
    path = deployment.public / "registers" / "inner.json"
    statement = read_statement(path)
    changed = json.loads(statement.payload)
    changed["cameras"] = changed["cameras"][:1]
    [operator] = signers(deployment, "operator")
    payload = json.dumps(changed).encode()
    write_statement(path, replace(statement, payload=payload, signatures=()).signed_by(operator))
    folders.refresh()
    grants = folders.current
    with pytest.raises(GrantError):
        grants.camera(grants.named("police-1"), POLICE, "spiffe://blindplate/camera/camera-1")


def test_a_list_belongs_to_the_owner_its_grant_names(folders: GrantFolders) -> None:
    grant = folders.current.named("police-1")
    mine, other = (f"spiffe://blindplate/owner/owner-{name}" for name in ("police", "emissions"))
    assert folders.current.owned("police", mine, grant.not_before) == {"police-1"}
    with pytest.raises(GrantError):
        folders.current.owned("police", other, grant.not_before)
    for moment in (grant.not_before - 1, grant.not_after):
        with pytest.raises(GrantError):
            folders.current.owned("police", mine, moment)


def test_a_renewed_grant_still_settles_the_one_before_and_a_successor_does_not(folders: GrantFolders) -> None:
    first = folders.current.named("police-1")
    after = {"not_before": first.not_after, "not_after": first.not_after + 100}
    renewed = first.model_copy(update={"grant_id": "police-2", **after})
    successor = first.model_copy(update={"grant_id": "police-3", "owner": "spiffe://x/owner/y", **after})
    grants = Grants({one.grant_id: one for one in (first, renewed, successor)})
    assert grants.owned("police", first.owner, first.not_after) == {"police-1", "police-2"}
    assert grants.owned("police", successor.owner, first.not_after) == {"police-3"}


def test_a_missing_folder_stops_the_start(deployment: Deployment, tmp_path: Path) -> None:
    settings = load(MatcherSettings, deployment.settings("matcher"))
    with pytest.raises(SettingsError):
        GrantFolders(tmp_path / "none", settings.registers, settings.trust)


def test_an_unreadable_folder_keeps_what_was_read_before(
    deployment: Deployment, folders: GrantFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(_folder: object) -> None:
        raise StorageError("The folder cannot be read.")

    monkeypatch.setattr("blindplate.server.signed_folder.SignedFolder.current", unreadable)
    folders.refresh()
    assert "police-1" in folders.current.grants


def test_how_long_a_record_may_be_held(folders: GrantFolders) -> None:
    assert folders.current.longest_hold() == 4 * 86_400 + 3600
