"""Release keys: made ahead, announced under the custodian's signature, destroyed on time.

Guarantees that a key is in force and its successor announced at any moment; that a key destroyed too early for the
longest window known is announced no more once another lasts; that a private seed lies only in a
file of its own, mode 0600, and is read anew for every opening; and that at ``destroyed_at`` the file is overwritten
and unlinked, after which nobody opens what was sealed to it. Announcements of destroyed keys are kept, so that a
destroyed key is told from one that never was. Protocol section 4, guarantee G7.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blindplate.core.errors import EnvelopeError, GoneError, SettingsError, StorageError, UnavailableError
from blindplate.core.hpke import SEED_BYTES, OpeningKey, generate_seed
from blindplate.core.parties import Custodian, key_id
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.announced_keys import ReleaseKey
from blindplate.edge.keyfiles import (
    destroy_secret,
    read_secret,
    read_statement,
    write_secret,
    write_statement,
)

# A key made because none was in force begins a little in the past, for parties whose clock is behind.
SKEW_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class _Announced:
    key: ReleaseKey
    statement: Statement


class ReleaseKeys:
    """The release keys of one custodian in ``folder``. Each is in force for ``seconds``."""

    def __init__(self, folder: Path, custodian: Custodian, signer: SigningKey, seconds: int) -> None:
        self._folder = folder
        self._custodian = custodian
        self._signer = signer
        self._seconds = seconds
        self._lock = threading.Lock()
        self._window_seconds = 0
        self._keys = self._load()

    def maintain(self, moment: float, window_seconds: int) -> list[bytes]:
        """Destroy the keys past their time at ``moment``, make those due; the key ids destroyed (16 bytes each).

        ``window_seconds`` is the longest window of any grant. When it has grown, keys that outlive it are made at
        once, since what is sealed to the present ones could not be opened to the window's end. Whatever fails keeps
        nothing else from being done. Raises StorageError.
        """
        now = int(moment)
        with self._lock:
            self._window_seconds = window_seconds
            try:
                return self._destroy_due(now)
            finally:
                self._make_due(now)

    def announcements(self, moment: float) -> list[Statement]:
        """The signed announcements of keys in force or to come, the one that begins last at the end.

        A key that does not outlive the longest window is left out as soon as one in force does: a party takes the
        key that began last, and it would be the one destroyed too early.
        """
        with self._lock:
            usable = [one for one in self._keys.values() if moment < one.key.not_after]
            lasting = [one for one in usable if self._lasts(one.key)]
        if any(one.key.not_before <= moment for one in lasting):
            usable = lasting
        return [one.statement for one in sorted(usable, key=lambda one: one.key.not_before)]

    def opening_key(self, name: bytes, moment: float) -> OpeningKey:
        """The private key of identifier ``name`` (16 bytes).

        Raises GoneError once it is due to be destroyed, EnvelopeError when this custodian never announced it,
        UnavailableError when its file cannot be read.
        """
        with self._lock:
            announced = self._keys.get(name)
        if announced is None:
            raise EnvelopeError("A record is sealed to a release key that this custodian never announced.")
        file = self._seed_file(name)
        if announced.key.destroyed_at <= moment or not file.exists():
            raise GoneError("The release key this record is sealed to was destroyed.")
        try:
            return OpeningKey.from_seed(read_secret(file, SEED_BYTES))
        except SettingsError as error:
            # The custodian's own trouble: no reason to refuse a request for good.
            raise UnavailableError(error.what, error.remedy) from None

    def destroyed(self, moment: float) -> list[bytes]:
        """The identifiers (16 bytes each) of every key past its time."""
        with self._lock:
            return [name for name, one in self._keys.items() if one.key.destroyed_at <= moment]

    def _lasts(self, key: ReleaseKey) -> bool:
        return key.destroyed_at - key.not_after >= self._window_seconds

    def _make_due(self, now: int) -> None:
        lasting = [one.key for one in self._keys.values() if self._lasts(one.key)]
        present = [key for key in lasting if key.not_before <= now < key.not_after]
        last = max(present, key=lambda key: key.not_after, default=None)
        if last is None:
            last = self._make(now - SKEW_SECONDS, now + self._seconds)
        if not any(key.not_before <= last.not_after < key.not_after for key in lasting):
            self._make(last.not_after, last.not_after + self._seconds)

    def _destroy_due(self, now: int) -> list[bytes]:
        destroyed: list[bytes] = []
        failure: StorageError | None = None
        for name, one in self._keys.items():
            try:
                if one.key.destroyed_at <= now and destroy_secret(self._seed_file(name)):
                    destroyed.append(name)
            except StorageError as error:
                # One that cannot be destroyed must not keep the others alive.
                failure = error
        if failure is not None:
            raise failure
        return destroyed

    def _make(self, not_before: int, not_after: int) -> ReleaseKey:
        seed = generate_seed()
        opening = OpeningKey.from_seed(seed)
        key = ReleaseKey(
            custodian=self._custodian,
            public=opening.public,
            not_before=not_before,
            not_after=not_after,
            destroyed_at=not_after + self._window_seconds,
        )
        statement = key.statement(self._signer)
        # The seed first: an announcement without its seed would have cameras seal what nobody can open.
        write_secret(self._seed_file(opening.key_id), seed)
        write_statement(self._folder / f"{opening.key_id.hex()}.json", statement)
        self._keys[opening.key_id] = _Announced(key, statement)
        return key

    def _load(self) -> dict[bytes, _Announced]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StorageError(
                f"The folder {self._folder} cannot be made: {error.strerror}.", "Make room or mend the disk."
            ) from None
        keys: dict[bytes, _Announced] = {}
        for file in sorted(self._folder.glob("*.json")):
            statement = read_statement(file)
            key = ReleaseKey.verified(statement, [self._signer.public])
            if key.custodian is not self._custodian:
                raise SettingsError(
                    f"The release key {file} is another custodian's.",
                    "Give each custodian a data folder of its own.",
                )
            keys[key_id(key.public)] = _Announced(key, statement)
        for file in self._folder.glob("*.seed"):
            # Left by a stop between the two writes of ``_make``: never announced, so nothing is sealed to it.
            if file.stem not in {name.hex() for name in keys}:
                destroy_secret(file)
        return keys

    def _seed_file(self, name: bytes) -> Path:
        return self._folder / f"{name.hex()}.seed"
