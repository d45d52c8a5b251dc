"""What is compared before anyone acts: disagreement is told, ignorance is never told as agreement."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert

from blindplate.client.owner import roster
from blindplate.client.owner.entries import Details
from blindplate.client.owner.hits import HitState, hits_after, last_revealed_at, set_hit_state
from blindplate.client.owner.reveal import Revealed, revealed_before
from blindplate.client.owner.roster import Entry
from blindplate.client.owner.sights import Agreement, Compared, compare, save_image, warnings
from blindplate.client.owner.tables import reveals
from blindplate.client.owner.watching import sight, watch
from blindplate.core.errors import NotFoundError, StorageError
from blindplate.core.plates import canonicalize
from blindplate.v1.records_pb2 import Payload
from tests.unit.client.owner.samples import encoded, hit_on
from tests.unit.client.owner.scene import PLATES, Scene

JPEG = b"\xff\xd8\xff\xe0 a picture"


def revealed(**changes: object) -> Revealed:
    plate = canonicalize("AB12CDE", "GB")
    details = Details(make="Ford", model="Focus", colour="Blue")
    made = Revealed(
        hit_id=7,
        plate=plate,
        text_as_read="AB12CDE",
        captured_at=2_000.0,
        alternate=False,
        camera_id="camera-1",
        latitude=None,
        longitude=None,
        direction="",
        confidence=None,
        plate_patch=JPEG,
        plate_patch_type="image/jpeg",
        vehicle_make="ford",
        vehicle_model="Focus Estate",
        vehicle_colour="BLUE",
        entry=Entry(1, plate, details, 1_000.0, None),
        revealed_at=3_000.0,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # each test gives what it means


@pytest.mark.parametrize(
    ("seen", "listed", "agreement"),
    [
        ("Ford", "FORD", Agreement.SAME),
        ("Mercedes", "Mercedes-Benz", Agreement.SAME),
        ("VW", "Volkswagen", Agreement.SAME),
        ("gray", "GREY", Agreement.SAME),
        ("Focus", "Focus Zetec", Agreement.SAME),
        ("blue", "light blue", Agreement.DIFFERENT),
        ("red", "blue", Agreement.DIFFERENT),
        ("A3", "A4", Agreement.DIFFERENT),
        # Too short to be taken for the beginning of another.
        ("A", "Astra", Agreement.DIFFERENT),
        ("silver", "grey", Agreement.DIFFERENT),
        ("", "blue", Agreement.UNKNOWN),
        ("red", "", Agreement.UNKNOWN),
        ("-", "blue", Agreement.UNKNOWN),
    ],
)
def test_what_is_seen_and_listed_compared(seen: str, listed: str, agreement: Agreement) -> None:
    assert Compared("colour", seen, listed).agreement is agreement
    assert Compared("colour", listed, seen).agreement is agreement


def test_a_vehicle_that_agrees_with_its_entry_warns_of_nothing() -> None:
    assert [one.agreement for one in compare(revealed())] == [Agreement.SAME] * 3
    assert warnings(revealed()) == ()


def test_every_reason_to_look_again_is_told() -> None:
    told = warnings(revealed(vehicle_make="Audi", vehicle_colour="red", alternate=True, plate_patch=b""))
    assert len(told) == 4
    assert "make differs: seen Audi, listed Ford" in told[0]
    assert "colour differs" in told[1]
    assert "alternate" in told[2]
    assert "no image" in told[3]
    assert not any("AB12" in one for one in told)


@pytest.mark.parametrize(
    ("media_type", "name"),
    [("image/jpeg", "hit-7.jpg"), ("image/png", "hit-7.png"), ("../../x", "hit-7.bin")],
)
def test_an_image_is_a_file_of_its_owner_alone(tmp_path: Path, media_type: str, name: str) -> None:
    for _ in range(2):
        path = save_image(tmp_path, revealed(plate_patch_type=media_type))
    assert path == tmp_path / "images" / name
    assert path.read_bytes() == JPEG
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_without_an_image_no_file_is_made(tmp_path: Path) -> None:
    assert save_image(tmp_path, revealed(plate_patch=b"")) is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "images").write_text("")
    with pytest.raises(StorageError):
        save_image(tmp_path, revealed())


def reveal(scene: Scene, hit_id: int, at: float) -> None:
    """As ``reveal_hit`` leaves it."""
    payload = Payload(plate=encoded(PLATES[0]), plate_patch=JPEG, plate_patch_type="image/jpeg")
    with scene.session.store.writing() as connection:
        entry = roster.find_entry(connection, encoded(PLATES[0]))
        assert entry is not None
        row = {"hit_id": hit_id, "entry_id": entry.entry_id, "payload": payload.SerializeToString()}
        connection.execute(insert(reveals).values(**row, revealed_at=at))
        set_hit_state(connection, hit_id, HitState.REVEALED)


def test_a_hit_is_shown_as_it_comes_and_once_more_when_it_is_revealed(scene: Scene) -> None:
    scene.in_force(*PLATES)
    settings = scene.settings()
    first = hit_on(scene, PLATES[0]).hit
    seen = watch(settings, after=0)
    assert next(seen) == first
    second = hit_on(scene, PLATES[1]).hit
    assert next(seen) == second
    assert sight(settings, first.hit_id) is None
    reveal(scene, first.hit_id, scene.clock.moment)
    again = next(seen)
    assert (again.hit_id, again.state) == (first.hit_id, HitState.REVEALED)
    third = hit_on(scene, PLATES[2]).hit
    assert next(seen) == third
    found = sight(settings, first.hit_id)
    assert found is not None
    assert (found.revealed.plate.text, found.image) == (PLATES[0], settings.data / "images" / "hit-1.jpg")


def test_a_hit_revealed_before_anyone_watched_is_shown_once(scene: Scene) -> None:
    scene.in_force(*PLATES)
    first = hit_on(scene, PLATES[0]).hit
    reveal(scene, first.hit_id, scene.clock.moment)
    seen = watch(scene.settings(), after=0)
    assert next(seen).state is HitState.REVEALED
    second = hit_on(scene, PLATES[1]).hit
    assert next(seen) == second
    with scene.session.store.reading() as connection:
        assert last_revealed_at(connection) == scene.clock.moment
        assert [one.hit_id for one in hits_after(connection, 0)] == [1, 2]
        with pytest.raises(NotFoundError):
            revealed_before(connection, 3)
