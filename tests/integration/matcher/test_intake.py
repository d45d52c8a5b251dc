"""What a camera may hand in, and the typed refusal of everything else, each record judged alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from blindplate.core.errors import (
    IdentityError,
    MessageError,
    QuotaError,
    StorageError,
)
from blindplate.core.hpke import OpeningKey, SealingKey, generate_seed
from blindplate.core.records.record import SealedRecord
from blindplate.core.records.sealing import to_wire
from blindplate.core.signing import SigningKey
from blindplate.core.statements.grants import Grant
from blindplate.edge.keyfiles import read_secret
from blindplate.server.matcher.metrics import REFUSED_RECORDS
from blindplate.v1 import intake_pb2, records_pb2
from tests.integration.matcher.conftest import Camera, SealedRead, World, pseudonym


def submit(world: World, *wires: records_pb2.Wire) -> list[str]:
    """The code of each receipt; empty for an accepted record."""
    receipts = world.camera.submit(world.port, wires)
    for receipt in receipts:
        assert (receipt.acceptance == intake_pb2.ACCEPTANCE_ACCEPTED) == (receipt.code == "")
        assert bool(receipt.what) == bool(receipt.remedy) == bool(receipt.code)
    return [receipt.code for receipt in receipts]


def one(world: World, *, moment: float | None = None, grant: Grant | None = None) -> SealedRead:
    [read] = world.reads([pseudonym()], moment=moment, grant=grant)
    return read


def resealed(
    world: World, read: SealedRead, change: Callable[[SealedRecord], SealedRecord]
) -> records_pb2.Wire:
    """The same read with its record changed, and an envelope for the changed one."""
    record = change(SealedRecord.from_proto(read.wire.record))
    window = world.camera.window_key(world.port, world.clock.now())
    return to_wire(record, read.y, read.s, window).to_proto()


def altered(grant: Grant, **changes: object) -> Grant:
    return grant.model_copy(update=changes)


def test_one_bad_record_stops_no_other(world: World) -> None:
    good, bad, also_good = (one(world) for _ in range(3))
    bad.wire.record.c_a = b"short"
    before = REFUSED_RECORDS.labels("message")._value.get()
    assert submit(world, good.wire, bad.wire, also_good.wire) == ["", "message", ""]
    assert REFUSED_RECORDS.labels("message")._value.get() == before + 1


def test_the_same_bytes_again_are_confirmed_and_others_refused(world: World) -> None:
    read, other = one(world), one(world)
    assert submit(world, read.wire, read.wire) == ["", ""]
    assert submit(world, read.wire) == [""]
    changed = resealed(world, read, lambda record: record)
    assert changed.record == read.wire.record
    assert submit(world, changed, other.wire) == ["replay", ""]


def test_a_window_key_the_matcher_does_not_hold_is_refused(world: World) -> None:
    read = one(world)
    foreign = OpeningKey.from_seed(generate_seed()).sealing_key()
    record = SealedRecord.from_proto(read.wire.record)
    assert submit(world, to_wire(record, read.y, read.s, foreign).to_proto()) == ["envelope"]


def test_an_envelope_moved_from_another_record_is_refused(world: World) -> None:
    read, other = one(world), one(world)
    read.wire.envelope = other.wire.envelope
    assert submit(world, read.wire) == ["envelope"]


def test_a_secret_the_record_does_not_commit_to_is_refused(world: World) -> None:
    read = one(world)
    read.s = bytes(16)
    assert submit(world, resealed(world, read, lambda record: record)) == ["match-proof"]


def test_a_list_zone_or_generation_no_grant_names_is_refused(world: World) -> None:
    grant = world.police
    for domain in ({"list_id": "other"}, {"zone": "elsewhere"}, {"generation": 9}):
        zones = tuple(
            zone.model_copy(update={name: value for name, value in domain.items() if name != "list_id"})
            for zone in grant.zones[:1]
        )
        foreign = altered(grant, zones=zones, list_id=domain.get("list_id", grant.list_id))
        window = world.camera.window_key(world.port, world.clock.now())
        [read] = world.camera.seal(window, foreign, zones[0].zone, world.clock.now(), [pseudonym()])
        assert submit(world, read.wire) == ["unknown-domain"]


def test_a_camera_of_another_zone_is_refused(world: World) -> None:
    stranger = Camera(world.deployment, "camera-2", release=world.camera.release)
    window = stranger.window_key(world.port, world.clock.now())
    [read] = stranger.seal(window, world.police, "inner", world.clock.now(), [pseudonym()])
    assert [receipt.code for receipt in stranger.submit(world.port, [read.wire])] == ["identity"]
    [own] = stranger.seal(window, world.police, "outer", world.clock.now(), [pseudonym()])
    assert [receipt.code for receipt in stranger.submit(world.port, [own.wire])] == [""]
    stranger.close()


def test_a_record_signed_by_another_camera_is_refused(world: World) -> None:
    stranger = Camera(world.deployment, "camera-3", release=world.camera.release)
    window = world.camera.window_key(world.port, world.clock.now())
    [read] = stranger.seal(window, world.police, "inner", world.clock.now(), [pseudonym()])
    assert submit(world, read.wire) == ["signature"]


def test_a_record_whose_signature_is_of_another_batch_is_refused(world: World) -> None:
    read, other = one(world), one(world)
    foreign = SealedRecord.from_proto(other.wire.record).origin
    assert submit(world, resealed(world, read, lambda record: replace(record, origin=foreign))) == [
        "signature"
    ]


def test_a_record_without_a_signature_is_refused(world: World) -> None:
    bare = resealed(world, one(world, grant=world.emissions), lambda record: replace(record, origin=None))
    assert submit(world, bare) == ["signature"]


def test_what_the_disclosure_policy_withholds_or_names_is_enforced(world: World) -> None:
    police, emissions = world.police.disclosure, world.emissions.disclosure
    shown = altered(world.emissions, disclosure=emissions.model_copy(update={"fields": police.fields}))
    hidden = altered(world.police, disclosure=police.model_copy(update={"fields": emissions.fields}))
    finer = altered(world.police, disclosure=police.model_copy(update={"time_granularity_seconds": 1}))
    for grant in (shown, hidden, finer):
        assert submit(world, one(world, grant=grant).wire) == ["policy"]
    assert submit(world, one(world, grant=world.emissions).wire) == [""]


def test_an_epoch_cut_in_another_way_is_refused(world: World) -> None:
    window = world.camera.window_key(world.port, world.clock.now())
    grant = altered(world.police, epoch=world.police.epoch.model_copy(update={"seconds": 7200}))
    [sealed] = world.camera.seal(window, grant, "inner", world.clock.now(), [pseudonym()])
    assert submit(world, sealed.wire) == ["policy"]


def test_a_capture_to_come_is_refused_beyond_the_skew_of_clocks(world: World) -> None:
    now = world.clock.now()
    ahead, too_far = one(world, moment=now + 119), one(world, moment=now + 181)
    assert submit(world, ahead.wire, too_far.wire) == ["", "expired"]


def test_a_record_whose_window_is_over_is_refused(world: World) -> None:
    read, late = one(world), one(world)
    end = SealedRecord.from_proto(read.wire.record).header.capture_time_ms / 1000 + 60
    world.clock.time = end + world.police.window_seconds - 1
    assert submit(world, read.wire) == [""]
    world.clock.time += 1
    assert submit(world, late.wire) == ["window-over"]


def test_a_capture_outside_the_grant_is_refused(world: World) -> None:
    window = world.camera.window_key(world.port, world.clock.now())
    early = world.police.not_before - 3600
    [read] = world.camera.seal(window, world.police, "inner", early, [pseudonym()])
    assert submit(world, read.wire) == ["grant"]


def test_a_record_without_its_ciphertext_is_refused(world: World) -> None:
    read = one(world)
    read.wire.record.ciphertext = b""
    assert submit(world, read.wire) == ["message"]


def test_unknown_fields_do_not_ride_along(world: World) -> None:
    raw = one(world).wire.SerializeToString() + b"\xfa\x3e\x03abc"
    assert submit(world, records_pb2.Wire.FromString(raw)) == ["message"]


def test_more_than_500_records_at_once_are_refused(world: World) -> None:
    with pytest.raises(MessageError):
        world.camera.submit(world.port, [records_pb2.Wire()] * 501)


def test_only_cameras_hand_in(world: World) -> None:
    mistaken = Camera(world.deployment, "owner-police")
    with pytest.raises(IdentityError):
        mistaken.submit(world.port, [])
    mistaken.close()


def test_a_full_matcher_refuses_and_takes_again_when_it_has_room(world: World) -> None:
    world.restart(max_held=2)
    reads = [one(world) for _ in range(3)]
    assert submit(world, reads[0].wire, reads[1].wire) == ["", ""]
    assert submit(world, reads[2].wire) == ["overloaded"]
    # Another list has a share of its own.
    assert submit(world, one(world, grant=world.emissions).wire, reads[2].wire) == ["", "overloaded"]
    world.clock.time += world.police.window_seconds + 61
    world.served.matcher.keeper.keep()
    assert submit(world, one(world).wire) == [""]


def test_a_secret_forgotten_as_soon_as_its_read_is_taken_is_not_remembered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    matcher = world.served.matcher
    write = matcher.database.write

    def claimed_at_once(work: Any) -> Any:
        result = write(work)
        matcher.ticker.matching.secrets.forget([1])
        return result

    monkeypatch.setattr(matcher.database, "write", claimed_at_once)
    assert submit(world, one(world).wire, one(world).wire) == ["", ""]
    assert matcher.ticker.matching.secrets.missing([1, 2]) == [1]


def test_a_full_disk_refuses_and_acknowledges_nothing(world: World) -> None:
    world.restart(min_free_bytes=1 << 60)
    read = one(world)
    with pytest.raises(StorageError):
        submit(world, read.wire)
    world.restart()
    with world.served.matcher.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM records").scalar_one() == 0
    assert submit(world, read.wire) == [""]


def test_a_database_that_cannot_grow_refuses_and_acknowledges_nothing(world: World) -> None:
    database = world.served.matcher.database
    reads = [one(world) for _ in range(40)]
    pages = database.write(lambda connection: connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    database.write(lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={pages}"))
    with pytest.raises(StorageError):
        submit(world, *(read.wire for read in reads))
    database.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=1000000"))
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM records").scalar_one() == 0
    assert submit(world, *(read.wire for read in reads)) == [""] * 40


def test_a_camera_that_floods_is_slowed(world: World) -> None:
    world.restart(camera_rate=1.0, camera_burst=500)
    assert submit(world, *[records_pb2.Wire()] * 500) == ["message"] * 500
    with pytest.raises(QuotaError):
        submit(world, records_pb2.Wire())
    world.clock.time += 1
    assert submit(world, records_pb2.Wire()) == ["message"]


def test_window_keys_are_signed_and_the_newest_is_last(world: World) -> None:
    signer = SigningKey.from_seed(read_secret(world.deployment.folder / "matcher" / "signing.key"))
    statements = world.served.matcher.window_keys.announcements(world.clock.now())
    assert len(statements) == 1 + world.settings.window_keys_ahead
    window = world.camera.window_key(world.port, world.clock.now())
    assert isinstance(window, SealingKey)
    assert signer.public == world.settings.trust.matcher
