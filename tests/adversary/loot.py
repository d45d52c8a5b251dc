"""What a thief finds in folders he took, and all that can be tried with it.

He heeds no rule of this software: no key identifier, no time, no role. Every 32 bytes that may be a key are tried on
everything that may be sealed to it, and every 16 bytes in a database as the match secret of every record.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from blindplate.core.errors import BlindplateError, EnvelopeError, MessageError
from blindplate.core.hpke import SEED_BYTES, OpeningKey
from blindplate.core.parties import Custodian
from blindplate.core.plates import CanonicalPlate
from blindplate.core.records import commitments
from blindplate.core.records.envelope import envelope_info, unpack_envelope
from blindplate.core.records.opening import open_payload
from blindplate.core.records.record import SealedRecord
from blindplate.core.records.wire import MATCH_SECRET_BYTES, Wire, wire_info

_SQLITE: Final = b"SQLite format 3\0"
_ENVELOPE_BYTES: Final = 1184
_Y_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Found:
    """A sealed record, and its envelope to the matcher's window where that lay beside it."""

    record: SealedRecord
    envelope: bytes | None


class Loot:
    """Everything in some folders that may open something or be opened, by record id."""

    def __init__(self, *folders: Path) -> None:
        self.keys: set[bytes] = set()
        self.values: set[bytes] = set()
        self.found: dict[bytes, Found] = {}
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    self._look_into(path)

    def only(self, number: int) -> Loot:
        """The same loot with no more than so many records, chosen by their random ids."""
        self.found = {record_id: self.found[record_id] for record_id in sorted(self.found)[:number]}
        return self

    def add_keys(self, keys: Iterable[bytes]) -> Loot:
        """The same loot, with keys from elsewhere."""
        self.keys |= set(keys)
        return self

    def pairs(self) -> dict[bytes, tuple[bytes, bytes]]:
        """Pseudonym and match secret of every record whose wire envelope some key opens."""
        opened: dict[bytes, tuple[bytes, bytes]] = {}
        openers = self._openers()
        for record_id, found in self.found.items():
            for plain in self._opened(openers, found.envelope, wire_info(found.record)):
                opened[record_id] = plain[:_Y_BYTES], plain[_Y_BYTES:]
        return opened

    def plates(self) -> dict[bytes, str]:
        """The plate of every record that opens."""
        pairs, openers = self.pairs(), self._openers()
        return {
            record_id: plate
            for record_id, found in self.found.items()
            for plate in self._plates(found.record, openers, pairs.get(record_id))
        }

    def shares(self, record: SealedRecord, custodian: Custodian) -> set[bytes]:
        """A custodian's share of a record, if some key opens its envelope."""
        return set(self._shares(record, custodian, self._openers()))

    def _plates(
        self, record: SealedRecord, openers: list[OpeningKey], pair: tuple[bytes, bytes] | None
    ) -> Iterator[str]:
        shares_a, shares_b = (list(self._shares(record, custodian, openers)) for custodian in Custodian)
        for s in {*self.values, *([pair[1]] if pair else [])}:
            for share_a in shares_a:
                for share_b in shares_b:
                    try:
                        payload = open_payload(record, share_a, share_b, s)
                    except BlindplateError:
                        continue
                    yield CanonicalPlate.decode(payload.plate).text

    def _shares(
        self, record: SealedRecord, custodian: Custodian, openers: list[OpeningKey]
    ) -> Iterator[bytes]:
        info = envelope_info(custodian, record.header.record_id)
        for plain in self._opened(openers, record.envelope(custodian), info):
            yield commitments.share_of(unpack_envelope(plain)[0], record.header.digest())

    def _opened(self, openers: list[OpeningKey], sealed: bytes | None, info: bytes) -> Iterator[bytes]:
        for key in openers if sealed else ():
            try:
                yield key.open(sealed or b"", info)
            except EnvelopeError:
                continue

    def _openers(self) -> list[OpeningKey]:
        return [OpeningKey.from_seed(key) for key in self.keys]

    def _look_into(self, path: Path) -> None:
        content = path.read_bytes()
        if len(content) == SEED_BYTES:
            self.keys.add(content)
        elif b"PRIVATE KEY" in content[:64]:
            key = load_pem_private_key(content, None)
            assert isinstance(key, EllipticCurvePrivateKey)
            self.keys.add(key.private_numbers().private_value.to_bytes(SEED_BYTES, "big"))
        elif content.startswith(_SQLITE):
            # A database copied in the middle of a write may not open: every test counts what it must have found.
            with suppress(sqlite3.DatabaseError):
                for row in _rows(path):
                    self._look_at(row)

    def _look_at(self, row: list[bytes]) -> None:
        self.values |= {value for value in row if len(value) == MATCH_SECRET_BYTES}
        self.keys |= {value for value in row if len(value) == SEED_BYTES}
        beside = next((value for value in row if len(value) == _ENVELOPE_BYTES), None)
        for value in row:
            try:
                wire = Wire.from_bytes(value)
            except MessageError:
                pass
            else:
                self.found[wire.record.header.record_id] = Found(wire.record, wire.envelope)
                continue
            try:
                record = SealedRecord.from_bytes(value)
            except MessageError:
                continue
            known = self.found.get(record.header.record_id)
            if record.ciphertext and (known is None or known.envelope is None):
                self.found[record.header.record_id] = Found(record, beside)


def taken(folder: Path, into: Path) -> Path:
    """A copy of a folder as a thief carries it away: no process notices."""
    for _ in range(5):
        try:
            return Path(shutil.copytree(folder, into / folder.name))
        except shutil.Error:
            # A file went away between being listed and being read.
            shutil.rmtree(into / folder.name)
    raise AssertionError(f"{folder} does not hold still.")


def _rows(path: Path) -> Iterator[list[bytes]]:
    """The byte strings of every row of every table of a SQLite file."""
    with closing(sqlite3.connect(path)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in database.execute(f'SELECT * FROM "{table}"'):
                yield [value for value in row if isinstance(value, bytes)]
