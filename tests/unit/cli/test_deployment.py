"""`blindplate init`: what it writes is what every party can use, and no key lies in two folders."""

from __future__ import annotations

import stat
import time
import tomllib
from pathlib import Path

import pytest
from cryptography import x509

from blindplate.cli.deployment import Deployment, create_deployment, default_plan
from blindplate.core.errors import SettingsError, SignatureError
from blindplate.core.signing import SigningKey
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.policies import ZonePolicy, ZoneRegister, register_digest
from blindplate.edge.keyfiles import read_statement


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return create_deployment(tmp_path_factory.mktemp("made") / "deployment", default_plan(int(time.time())))


def pinned(deployment: Deployment, party: str) -> dict[str, bytes]:
    trust = tomllib.loads(deployment.settings("matcher").read_text())["trust"]
    return {name: bytes.fromhex(key) for name, key in trust.items()}


def test_secrets_are_readable_by_their_owner_alone(deployment: Deployment) -> None:
    secrets = [path for path in deployment.folder.rglob("*") if path.suffix in {".key", ".seed"}]
    assert len(secrets) > 20
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}


def test_no_secret_lies_in_two_folders(deployment: Deployment) -> None:
    secrets = [path.read_bytes() for path in deployment.folder.rglob("*") if path.suffix in {".key", ".seed"}]
    assert len(set(secrets)) == len(secrets)


def test_every_certificate_names_its_party_and_nobody_else(deployment: Deployment) -> None:
    for path in deployment.folder.glob("*/tls.crt"):
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        # The ledger's public files have the folder of its name.
        party = path.parent.name.removesuffix("-keeper")
        assert names.get_values_for_type(x509.UniformResourceIdentifier) == [
            f"spiffe://blindplate/{party.split('-')[0]}/{party}"
        ]


def test_grants_are_signed_by_operator_and_both_custodians_and_name_the_registers(
    deployment: Deployment,
) -> None:
    keys = pinned(deployment, "matcher")
    required = [keys["operator"], keys["custodian_a"], keys["custodian_b"]]
    for path in (deployment.public / "grants").iterdir():
        grant = Grant.verified(read_statement(path), required)
        for zone in grant.zones:
            register = read_statement(deployment.public / "registers" / f"{zone.zone}.json")
            ZoneRegister.verified(register, [keys["operator"]])
            assert zone.register_digest == register_digest(register.payload)


def test_a_policy_without_the_second_custodians_signature_is_refused(deployment: Deployment) -> None:
    keys = pinned(deployment, "camera-1")
    statement = read_statement(deployment.public / "policies" / "inner.json")
    ZonePolicy.verified(statement, [keys["custodian_a"], keys["custodian_b"]])
    with pytest.raises(SignatureError):
        ZonePolicy.verified(statement, [keys["custodian_a"], SigningKey.generate().public])


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(SettingsError):
        create_deployment(tmp_path, default_plan(0))
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
