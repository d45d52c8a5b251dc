"""G1: a plate leaves the camera only sealed; nothing on the camera's disk opens it.

The thief pulls the plug of a camera whose matcher is away, so that its spool is full, and carries everything off:
spool and write-ahead log, keys, settings, log, temporary files, and the public statements. First he looks for plates
in every form, then he tries every key he has on everything that is sealed. Cameras of both modes are stolen.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from blindplate.cli.demonstration.search import PlateSearch, plant_canary
from blindplate.client.camera.spool import Spool, SpoolItem
from blindplate.core.domains import HOURLY, Domain
from blindplate.core.hpke import OpeningKey
from blindplate.core.plates import canonicalize
from blindplate.core.records.sealing import Read, SealingContext, attest, seal, to_wire
from blindplate.core.signing import SigningKey
from blindplate.v1 import records_pb2
from tests.adversary.conftest import SPOOLED, StolenCamera
from tests.adversary.loot import Loot
from tests.adversary.secret_search import SecretSearch

# Beside G7, which looks at the same stolen camera.


def plates_in(files: Iterable[Path], plates: Iterable[str]) -> set[str]:
    """Those of ``plates`` that a search by name finds."""
    paths = list(files)
    return {plate for plate in plates if any(PlateSearch([plate]).files(paths))}


def spool_of(folder: Path, contents: Iterable[bytes]) -> Path:
    """A spool as the camera writes it, with other contents; its folder."""
    spool = Spool(folder / "spool.sqlite", 10_000)
    spool.add([SpoolItem("police", time.time(), content) for content in contents])
    spool.close()
    return folder


def test_no_plate_stands_in_any_file_of_a_stolen_camera(stolen_camera: StolenCamera) -> None:
    assert {path.name for path in stolen_camera.files} >= {
        "spool.sqlite",
        "log.jsonl",
        "signing.key",
        "tls.key",
    }
    assert list(PlateSearch(stolen_camera.plates).files(stolen_camera.files)) == []


def test_the_search_would_have_found_every_form_of_a_plate(
    stolen_camera: StolenCamera, tmp_path: Path
) -> None:
    search = PlateSearch(stolen_camera.plates)
    for plate in stolen_camera.plates[:5]:
        for canary in plant_canary(tmp_path, plate):
            assert any(search.file(canary)), canary


def test_the_same_search_finds_every_plate_where_payloads_are_not_sealed(
    stolen_camera: StolenCamera, tmp_path: Path
) -> None:
    payloads = (
        records_pb2.Payload(plate=canonicalize(plate, "GB").encode()).SerializeToString()
        for plate in stolen_camera.plates
    )
    folder = spool_of(tmp_path, payloads)
    assert plates_in(folder.iterdir(), stolen_camera.plates) == set(stolen_camera.plates)


def test_no_key_on_a_stolen_camera_opens_its_spool(stolen_camera: StolenCamera) -> None:
    loot = Loot(stolen_camera.folder)
    assert len(loot.found) >= SPOOLED
    # The signing key and the TLS key, each tried as a key to everything.
    assert stolen_camera.signing_key.seed in loot.keys
    assert len(loot.keys) >= 2
    assert loot.pairs() == {}
    assert loot.plates() == {}


def test_the_spool_opens_only_with_the_keys_of_all_three_others(stolen_camera: StolenCamera) -> None:
    """What the thief tries is what opens: he only lacks the keys."""
    plates = Loot(stolen_camera.folder).only(60).add_keys(stolen_camera.others).plates()
    assert len(plates) == 60
    assert set(plates.values()) <= set(stolen_camera.plates)


def test_no_pseudonym_key_lies_on_a_stolen_camera(stolen_camera: StolenCamera, tmp_path: Path) -> None:
    """In local mode it had both custodians' secrets of its zone: in memory only."""
    search = SecretSearch(stolen_camera.domain_secrets)
    assert len(stolen_camera.domain_secrets) == 4
    assert search.below(stolen_camera.folder) == set()
    for number, secret in enumerate(stolen_camera.domain_secrets):
        (tmp_path / f"{number}.key").write_bytes(secret)
    assert search.below(tmp_path) == stolen_camera.domain_secrets


def test_a_spool_sealed_to_a_key_on_the_same_disk_opens_to_the_thief(
    stolen_camera: StolenCamera, tmp_path: Path
) -> None:
    """The defence removed: keys to seal to that the camera itself holds."""
    own = OpeningKey.from_seed(stolen_camera.signing_key.seed).sealing_key()
    now = time.time()
    context = SealingContext(Domain("police", "inner", 1), HOURLY.at(now), own, own, 1000, True)
    sealed = [seal(context, _read(plate, now)) for plate in stolen_camera.plates[:20]]
    records = attest(context, [one.record for one in sealed], SigningKey.generate())
    wires = (
        to_wire(record, one.pseudonym, one.match_secret, own).to_bytes()
        for record, one in zip(records, sealed, strict=True)
    )
    loot = Loot(spool_of(tmp_path, wires)).add_keys(Loot(stolen_camera.folder).keys)
    assert sorted(loot.plates().values()) == sorted(stolen_camera.plates[:20])


def _read(plate: str, now: float) -> Read:
    payload = records_pb2.Payload(plate=canonicalize(plate, "GB").encode(), capture_time_ms=int(now * 1000))
    return Read(payload, bytes(32), int(now * 1000), "camera-1")
