"""A new camera's folder: keys of its own, a certificate of the authority's, the settings of its zone; and the tables."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from rich.console import Console

from blindplate.cli.cameras.enrolling import NewCamera, make_camera
from blindplate.cli.cameras.table import ago, listed_table, seen_table
from blindplate.cli.deployment import Deployment, create_deployment, default_plan
from blindplate.cli.deployment.authority import Authority
from blindplate.client.camera.settings import CameraSettings
from blindplate.client.grants.cameras import ListedCamera, SeenCamera
from blindplate.core.errors import SettingsError
from blindplate.core.signing import SigningKey
from blindplate.edge.settings import load
from blindplate.edge.tls import spiffe_id
from blindplate.server.matcher.cameras.judging import CameraAlarm
from blindplate.server.matcher.cameras.report import CameraReport
from blindplate.server.matcher.cameras.store import Seen

NEW = NewCamera("camera-9", 51.5, -0.1, 3_900)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return create_deployment(tmp_path_factory.mktemp("made") / "deployment", default_plan(int(time.time())))


def test_an_authority_that_has_expired_is_refused(tmp_path: Path) -> None:
    Authority(1_700_000_000, 1).save(tmp_path)
    with pytest.raises(SettingsError, match="expired"):
        Authority.load(tmp_path)


def test_a_new_camera_has_its_own_keys_and_its_zones_policy(deployment: Deployment, tmp_path: Path) -> None:
    folder = tmp_path / "far" / "camera-9"
    public = make_camera(folder, NEW, deployment.folder / "ca", deployment.settings("camera-1"))
    settings = load(CameraSettings, folder / "camera.toml")
    assert (settings.camera_id, settings.latitude) == ("camera-9", 51.5)
    assert settings.policy.resolve() == (deployment.public / "policies" / "inner.json").resolve()
    assert SigningKey.from_seed((folder / "signing.key").read_bytes()).public == public
    assert stat.S_IMODE((folder / "tls.key").stat().st_mode) == 0o600
    certificate = x509.load_pem_x509_certificate((folder / "tls.crt").read_bytes())
    authority = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    key = authority.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(SHA256()))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [spiffe_id("camera", "camera-9")]
    assert certificate.not_valid_after_utc == authority.not_valid_after_utc
    with pytest.raises(SettingsError, match="not empty"):
        make_camera(folder, NEW, deployment.folder / "ca", deployment.settings("camera-1"))


def test_what_is_no_authority_or_no_settings_is_refused(deployment: Deployment, tmp_path: Path) -> None:
    like = deployment.settings("camera-1")
    with pytest.raises(SettingsError):
        make_camera(tmp_path / "one", NEW, deployment.public, like)
    with pytest.raises(SettingsError):
        make_camera(tmp_path / "two", NEW, deployment.folder / "ca", deployment.folder / "nowhere.toml")
    (tmp_path / "ca.crt").write_text("none")
    (tmp_path / "ca.key").write_text("none")
    (tmp_path / "ca.key").chmod(0o600)
    with pytest.raises(SettingsError, match="authority"):
        make_camera(tmp_path / "three", NEW, tmp_path, like)
    assert not (tmp_path / "three").exists()


@pytest.mark.parametrize(
    ("before", "told"),
    [(5, "5 s ago"), (119, "119 s ago"), (120, "2 min ago"), (7200, "2 h ago"), (200_000, "2 d ago")],
)
def test_how_long_ago_is_told_in_words(before: int, told: str) -> None:
    assert ago(1_000_000 - before, 1_000_000) == told
    assert ago(0.0, 1_000_000) == "never"


def test_tables_show_what_parties_named_things_as_it_is() -> None:
    console = Console(width=200, record=True)
    seen = SeenCamera(940.0, "low", 900.0, 3.0, -1.0)
    camera = ListedCamera("inner", 2, "[red]camera", "spiffe", "suspect", seen)
    console.print(listed_table([camera], 1000.0, heard=True))
    console.print(listed_table([camera], 1000.0, heard=False))
    report = CameraReport("camera-1", Seen("spiffe", 0.0, CameraAlarm.DARK, 0.0), 600.0)
    console.print(seen_table([report], 1000.0))
    text = console.export_text()
    for part in ("[red]camera", "60 s ago", "low since 1970-01-01 00:15", "not known", "matcher not reached"):
        assert part in text
    for part in ("never", "dark since", "600"):
        assert part in text
