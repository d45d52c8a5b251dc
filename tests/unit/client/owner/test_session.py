"""What an owner begins with: only a grant of its own, signed by all three."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from blindplate.cli.deployment import create_deployment, default_plan
from blindplate.client.owner.session import open_session
from blindplate.client.owner.settings import OwnerSettings
from blindplate.core.errors import GrantError, SettingsError, SignatureError
from blindplate.core.signing import SigningKey
from blindplate.core.statements.grants import Grant
from blindplate.edge.keyfiles import read_secret, read_statement, write_secret, write_statement
from blindplate.edge.settings import load


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    plan = default_plan(int(time.time()) - 60, cameras=1)
    return create_deployment(tmp_path_factory.mktemp("owner") / "deployment", plan).folder


def settings_of(folder: Path, name: str, tmp_path: Path, **changes: object) -> OwnerSettings:
    settings = load(OwnerSettings, folder / f"owner-{name}" / "owner.toml")
    return settings.model_copy(update={"data": tmp_path / "state", **changes})


def open_it(settings: OwnerSettings) -> Grant:
    with open_session(settings) as session:
        return session.grant


def test_an_owner_opens_its_own_grant(folder: Path, tmp_path: Path) -> None:
    assert open_it(settings_of(folder, "police", tmp_path)).list_id == "police"


def test_another_owners_grant_is_refused(folder: Path, tmp_path: Path) -> None:
    other = folder / "public" / "grants" / "emissions.json"
    with pytest.raises(GrantError, match="another owner"):
        open_it(settings_of(folder, "police", tmp_path, grant=other))


def test_a_key_the_grant_does_not_name_is_refused(folder: Path, tmp_path: Path) -> None:
    write_secret(tmp_path / "other.key", SigningKey.generate().seed)
    with pytest.raises(GrantError, match="another signing key"):
        open_it(settings_of(folder, "police", tmp_path, signing_key=tmp_path / "other.key"))


@pytest.mark.parametrize("missing", [0, 1, 2], ids=["operator", "custodian-a", "custodian-b"])
def test_a_grant_without_one_of_three_signatures_is_refused(
    folder: Path, tmp_path: Path, missing: int
) -> None:
    statement = read_statement(folder / "public" / "grants" / "police.json")
    kept = tuple(one for place, one in enumerate(statement.signatures) if place != missing)
    assert len(kept) == 2
    write_statement(tmp_path / "grant.json", replace(statement, signatures=kept))
    with pytest.raises(SignatureError):
        open_it(settings_of(folder, "police", tmp_path, grant=tmp_path / "grant.json"))


def test_automatic_release_without_a_grant_for_it_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="automatic"):
        open_it(settings_of(folder, "police", tmp_path, automatic_release=True))
    open_it(settings_of(folder, "emissions", tmp_path, automatic_release=True))


def test_a_signing_key_readable_by_others_is_refused(folder: Path, tmp_path: Path) -> None:
    settings = settings_of(folder, "police", tmp_path)
    copy = tmp_path / "signing.key"
    write_secret(copy, read_secret(settings.signing_key))
    copy.chmod(0o644)
    with pytest.raises(SettingsError):
        open_it(settings.model_copy(update={"signing_key": copy}))


def test_an_unknown_setting_is_refused(folder: Path, tmp_path: Path) -> None:
    text = (folder / "owner-police" / "owner.toml").read_text()
    (tmp_path / "owner.toml").write_text("epochs_behind = 1\n" + text)
    with pytest.raises(SettingsError, match="epochs_behind"):
        load(OwnerSettings, tmp_path / "owner.toml")
