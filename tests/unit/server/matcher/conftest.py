"""A database, and records and segments to put into it: well formed, but sealed to nobody."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest

from blindplate.core.domains import Domain, EpochKind, EpochRule
from blindplate.core.hpke import OpeningKey, SealingKey, generate_seed
from blindplate.core.records.sealing import Read, SealingContext, seal, to_wire
from blindplate.core.records.wire import Wire
from blindplate.core.signing import SigningKey
from blindplate.core.statements.model import EpochPart
from blindplate.core.statements.uploads import Manifest, Stage
from blindplate.server.matcher.epochs import epoch_name
from blindplate.server.matcher.records_store import Admitted
from blindplate.server.matcher.segments_store import Segment
from blindplate.server.matcher.storage import Database
from blindplate.v1 import records_pb2

RULE = EpochRule(EpochKind.SPAN, 1000)
# Epoch 10 of the rule, in seconds.
START, END = 10_000, 11_000
EPOCH = RULE.at(START)
WINDOW = 5_000
IDS = itertools.count(1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "matcher.db")
    yield opened
    opened.close()


@lru_cache(maxsize=1)
def _wire() -> Wire:
    def key() -> SealingKey:
        return OpeningKey.from_seed(generate_seed()).sealing_key()

    context = SealingContext(Domain("police", "inner", 1), EPOCH, key(), key(), 1000, discloses_camera=False)
    payload = records_pb2.Payload(plate=b"x", capture_time_ms=1000 * START)
    sealed = seal(context, Read(payload, bytes(32), 1000 * START, "camera-1"))
    return to_wire(sealed.record, sealed.pseudonym, sealed.match_secret, key())


def admitted(
    moment: float = START,
    *,
    spread: float = 1.0,
    zone: str = "inner",
    expires: float | None = None,
    opens: float | None = None,
) -> Admitted:
    """A record captured in the ``spread`` seconds from ``moment``, under an id of its own; opened from ``opens`` on."""
    wire = _wire()
    header = replace(
        wire.record.header,
        record_id=next(IDS).to_bytes(16, "big"),
        domain=Domain("police", zone, 1),
        capture_time_ms=int(1000 * moment) // 1000 * 1000,
    )
    record = replace(wire.record, header=header)
    return Admitted(
        replace(wire, record=record),
        header.record_id * 2,
        record.to_bytes(),
        int(1000 * (moment + spread)),
        int(1000 * (moment + WINDOW if expires is None else expires)),
        None if opens is None else int(1000 * opens),
    )


def segment(
    number: int = 0,
    *,
    version: int = 1,
    matches_from: int = START,
    size: int = 100,
    made_at: int = 0,
    stage: Stage = Stage.MATCH,
) -> Segment:
    """A segment of the epoch and ``stage``; another ``made_at`` makes another segment of it."""
    manifest = Manifest(
        grant_id="police-1",
        list_id="police",
        list_version=version,
        epoch=EpochPart.of(EPOCH),
        number=number,
        parameter_set="prompt",
        parameter_digest=bytes(32),
        bins=1,
        degree=size,
        salt=bytes(16),
        ciphertexts=size + 1,
        blobs_sha256=bytes(32),
        matches_from=matches_from,
        made_at=made_at,
        stage=stage,
    )
    statement = manifest.statement(SigningKey.from_seed(bytes(32)))
    return Segment(
        segment_id=statement.statement_id,
        grant_id="police-1",
        list_id="police",
        epoch=epoch_name(EPOCH),
        number=number,
        list_version=version,
        stage=stage,
        size=size,
        file_bytes=size + 1,
        matches_from=matches_from,
        matches_until=None,
        ends_ms=1000 * (END + WINDOW + 1),
        manifest_json=statement.to_json(),
    )


Count = Callable[[str], int]


@pytest.fixture
def count(database: Database) -> Count:
    """How many rows a table has."""

    def rows(table: str) -> int:
        with database.read() as connection:
            number: int = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
            return number

    return rows
