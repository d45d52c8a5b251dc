"""No file of the matcher ever holds a pseudonym or a match secret in the clear (guarantees G2 and G7)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path

from blindplate.psi.owner import open_answer
from tests.integration.matcher.conftest import World, pseudonym


def places(folder: Path, needles: Iterable[bytes]) -> list[str]:
    """The files that hold one of ``needles``, raw, as hexadecimal or as base64."""
    forms = [form for needle in needles for form in (needle, needle.hex().encode(), b64encode(needle))]
    found: list[str] = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            found += [path.name for form in forms if form in content]
    return found


def test_pseudonyms_and_match_secrets_are_in_no_file_at_any_step(world: World) -> None:
    sought = pseudonym()
    reads = world.reads([sought, pseudonym(), pseudonym()])
    needles = [secret for read in reads for secret in (read.y, read.s)]

    def nowhere() -> bool:
        return places(world.data, needles) == []

    # First that the search finds what is there: an envelope, and a canary of the same size and place.
    world.camera.submit(world.port, [read.wire for read in reads])
    assert places(world.data, [reads[0].wire.envelope]) == ["matcher.db-wal"]
    (world.data / "segments" / "canary").write_bytes(b"xx" + reads[0].s.hex().encode())
    assert places(world.data, needles) == ["canary"]
    (world.data / "segments" / "canary").unlink()
    assert nowhere()

    segment = world.owner.build(world.police, world.epoch(), [sought], now=world.clock.now())
    world.owner.upload(world.port, segment)
    assert nowhere()
    world.tick()
    assert nowhere()
    answer = world.owner.next(world.port, "police", 0).answer
    [hit] = open_answer(segment.secret, answer.body)
    assert hit.match_secret == reads[0].s
    world.owner.claim(world.port, "police", 1, [(hit.slot, hit.match_secret)])
    assert nowhere()
    world.owner.acknowledge(world.port, "police", 1)
    assert nowhere()
    world.restart()
    assert nowhere()


def test_after_erasure_nothing_of_a_record_is_in_any_file(world: World) -> None:
    sought = pseudonym()
    segment = world.owner.build(world.police, world.epoch(), [sought], now=world.clock.now())
    world.owner.upload(world.port, segment)
    hit, miss, never_seen = world.reads([sought, pseudonym(), pseudonym()])
    world.camera.submit(world.port, [hit.wire, miss.wire])
    world.tick()
    answer = world.owner.next(world.port, "police", 0).answer
    [opened] = open_answer(segment.secret, answer.body)
    world.owner.claim(world.port, "police", 1, [(opened.slot, opened.match_secret)])
    # The clock stands between tick and the next: this read is received and never answered.
    world.camera.submit(world.port, [never_seen.wire])

    def traces(*wires: bytes) -> list[str]:
        return places(world.data, [part for wire in wires for part in (wire[:64], wire[-64:])])

    keeper = world.served.matcher.keeper
    keeper.keep()
    assert traces(hit.wire.envelope) == []
    assert traces(miss.wire.envelope) != []
    world.owner.acknowledge(world.port, "police", 1)
    keeper.keep()
    assert traces(miss.wire.envelope, miss.wire.record.ciphertext) == []
    assert traces(hit.wire.record.ciphertext, never_seen.wire.envelope) != []
    world.clock.time += world.police.window_seconds + 60
    keeper.keep()
    assert traces(hit.wire.record.ciphertext, never_seen.wire.envelope) == []


def test_a_stolen_database_does_not_open_without_its_window_keys(world: World) -> None:
    [read] = world.reads([pseudonym()])
    world.camera.submit(world.port, [read.wire])
    for path in (world.data / "window-keys").iterdir():
        path.unlink()
    world.restart()
    segment = world.owner.build(world.police, world.epoch(), [read.y], now=world.clock.now())
    world.owner.upload(world.port, segment)
    assert world.tick() == 1
    answer = world.owner.next(world.port, "police", 0).answer
    assert open_answer(segment.secret, answer.body) == []
    assert world.tick() == 0


def test_window_keys_are_destroyed_when_no_record_needs_them(world: World) -> None:
    keys = world.data / "window-keys"
    before = {path.name: path.read_bytes() for path in keys.glob("*.key")}
    world.clock.time += 60 + world.settings.window_key_seconds + 60 + world.emissions.window_seconds + 3600
    world.served.matcher.keeper.keep()
    after = {path.name for path in keys.glob("*.key")}
    gone = {name: seed for name, seed in before.items() if name not in after}
    assert gone
    assert places(world.data, gone.values()) == []
