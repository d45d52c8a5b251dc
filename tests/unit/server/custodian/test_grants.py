"""What a custodian allows, from the files in its folders, and what it leaves out and names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from blindplate.core.domains import Domain
from blindplate.core.errors import (
    BlindplateError,
    GrantError,
    IdentityError,
    MessageError,
    SignatureError,
    StorageError,
    UnknownDomainError,
)
from blindplate.core.signing import SigningKey
from blindplate.edge.tls import spiffe_id
from blindplate.server.custodian.grants import PermissionFolders

from .statements import (
    BEGIN,
    CAMERA,
    END,
    OWNER,
    Signatories,
    grant,
    register,
    write_grant,
    write_register,
)

DOMAIN = Domain("police", "inner", 1)


@pytest.fixture
def who() -> Signatories:
    return Signatories()


@pytest.fixture
def folder(tmp_path: Path, who: Signatories) -> Path:
    """One grant and the register it names."""
    write_grant(tmp_path, grant(), who.all)
    write_register(tmp_path, register(), who.operator)
    return tmp_path


@pytest.fixture
def folders(folder: Path, who: Signatories) -> PermissionFolders:
    return PermissionFolders(folder / "grants", folder / "registers", folder / "suspended", who.trust)


def test_owner_and_camera_are_allowed_inside_the_grant(folders: PermissionFolders) -> None:
    permissions = folders.current()
    assert permissions.problems == ()
    assert permissions.for_owner(OWNER, DOMAIN, BEGIN).grant_id == "police-1"
    assert permissions.for_camera(CAMERA, DOMAIN, END - 1).evaluations_per_hour == 100
    assert permissions.longest_window() == 7_200


@pytest.mark.parametrize("moment", [BEGIN - 1, END])
def test_outside_the_grants_time(folders: PermissionFolders, moment: float) -> None:
    permissions = folders.current()
    with pytest.raises(GrantError):
        permissions.for_owner(OWNER, DOMAIN, moment)
    with pytest.raises(GrantError):
        permissions.for_camera(CAMERA, DOMAIN, moment)


def test_others_and_other_domains(folders: PermissionFolders) -> None:
    permissions = folders.current()
    with pytest.raises(UnknownDomainError):
        permissions.for_owner(spiffe_id("owner", "another"), DOMAIN, BEGIN)
    with pytest.raises(IdentityError):
        permissions.for_camera(spiffe_id("camera", "camera-2"), DOMAIN, BEGIN)
    for domain in (Domain("police", "outer", 1), Domain("police", "inner", 2), Domain("other", "inner", 1)):
        for allowed in (permissions.for_owner, permissions.for_camera):
            with pytest.raises(UnknownDomainError):
                allowed(OWNER, domain, BEGIN)
        with pytest.raises(UnknownDomainError):
            permissions.require_known(domain)
    with pytest.raises(GrantError):
        permissions.grant("police-2")


@pytest.mark.parametrize("missing", [0, 1, 2], ids=["operator", "custodian-a", "custodian-b"])
def test_a_grant_without_one_signature_is_skipped_and_named(
    folder: Path, folders: PermissionFolders, who: Signatories, missing: int
) -> None:
    signers = tuple(key for index, key in enumerate(who.all) if index != missing)
    write_grant(folder, grant(), (*signers, SigningKey.generate()))
    permissions = folders.current()
    assert permissions.grants == {}
    (problem,) = permissions.problems
    assert problem.file == "police.json"
    assert isinstance(problem.error, SignatureError)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param("not json", MessageError, id="not-json"),
        pytest.param("{}", MessageError, id="no-statement"),
        pytest.param("", MessageError, id="empty"),
    ],
)
def test_a_bad_file_is_named_and_the_good_ones_work_on(
    folder: Path, folders: PermissionFolders, content: str, error: type[BlindplateError]
) -> None:
    (folder / "grants" / "bad.json").write_text(content)
    permissions = folders.current()
    assert [problem.file for problem in permissions.problems] == ["bad.json"]
    assert isinstance(permissions.problems[0].error, error)
    permissions.for_owner(OWNER, DOMAIN, BEGIN)


def test_a_register_the_grant_does_not_name_counts_for_nothing(
    folder: Path, folders: PermissionFolders, who: Signatories
) -> None:
    # One camera more than the grant's digest is of.
    write_register(folder, register("inner", 1, "camera-1", "camera-2"), who.operator)
    with pytest.raises(GrantError):
        folders.current().for_camera(CAMERA, DOMAIN, BEGIN)


def test_a_register_of_another_zone_counts_for_nothing(
    folder: Path, folders: PermissionFolders, who: Signatories
) -> None:
    outer = register("outer")
    zones = grant(outer).zones[0].model_copy(update={"zone": "inner"})
    write_grant(folder, grant(zones=(zones,)), who.all)
    write_register(folder, outer, who.operator)
    with pytest.raises(GrantError):
        folders.current().for_camera(CAMERA, DOMAIN, BEGIN)


def test_a_register_signed_by_another_is_skipped(
    folder: Path, folders: PermissionFolders, who: Signatories
) -> None:
    write_register(folder, register(), who.custodian_a)
    assert [problem.file for problem in folders.current().problems] == ["inner.json"]


def test_two_files_of_one_grant_count_for_neither(
    folder: Path, folders: PermissionFolders, who: Signatories
) -> None:
    write_grant(folder, grant(evaluations_per_day=1_000_000), who.all, "amended.json")
    permissions = folders.current()
    assert permissions.grants == {}
    assert {problem.file for problem in permissions.problems} == {"amended.json", "police.json"}
    (folder / "grants" / "police.json").unlink()
    assert folders.current().grants["police-1"].evaluations_per_day == 1_000_000


def test_of_two_grants_in_force_the_later_begun_counts(
    folder: Path, folders: PermissionFolders, who: Signatories
) -> None:
    write_grant(folder, grant(grant_id="police-2", not_before=BEGIN + 100), who.all, "second.json")
    permissions = folders.current()
    assert permissions.for_owner(OWNER, DOMAIN, BEGIN + 99).grant_id == "police-1"
    assert permissions.for_owner(OWNER, DOMAIN, BEGIN + 100).grant_id == "police-2"


def test_suspended_until_the_file_is_taken_away(folder: Path, folders: PermissionFolders) -> None:
    folders.current().require_active(grant())
    (folder / "suspended").mkdir()
    (folder / "suspended" / "police-1").touch()
    permissions = folders.current()
    with pytest.raises(GrantError):
        permissions.for_owner(OWNER, DOMAIN, BEGIN)
    with pytest.raises(GrantError):
        permissions.for_camera(CAMERA, DOMAIN, BEGIN)
    with pytest.raises(GrantError):
        permissions.require_active(permissions.grant("police-1"))
    (folder / "suspended" / "police-1").unlink()
    folders.current().for_owner(OWNER, DOMAIN, BEGIN)


def test_read_again_only_when_something_changed(folder: Path, folders: PermissionFolders) -> None:
    first = folders.current()
    assert folders.current() is first
    (folder / "grants" / "police.json").touch()
    assert folders.current() is not first


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda folder: (folder / "grants").rename(folder / "elsewhere"), id="no-grants"),
        pytest.param(lambda folder: (folder / "suspended").write_text(""), id="suspensions-no-folder"),
    ],
)
def test_a_folder_that_cannot_be_read_is_no_folder_without_entries(
    folder: Path, folders: PermissionFolders, spoil: Callable[[Path], object]
) -> None:
    folders.current()
    spoil(folder)
    with pytest.raises(StorageError):
        folders.current()
