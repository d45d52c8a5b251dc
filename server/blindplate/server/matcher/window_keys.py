"""The matcher's window keys: made ahead, announced under its signature, destroyed on time.

Pseudonyms and match secrets at rest are sealed under these keys, which are files of mode 0600 outside the database
and its backups. Guarantees that a key is announced only when its seed is durable and, once a key is there that outlasts
the longest window, none that does not; and that at ``destroyed_at`` the seed's file is overwritten and unlinked. What a
file system keeps of an overwritten block is out of its reach, and
Python cannot wipe memory. Protocol section 4, guarantee G7.
"""

from __future__ import annotations

import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blindplate.core.errors import BlindplateError, EnvelopeError, StorageError
from blindplate.core.hpke import SEED_BYTES, OpeningKey, generate_seed
from blindplate.core.records.opening import open_wire_envelope
from blindplate.core.records.wire import Wire
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.announced_keys import WindowKey
from blindplate.edge.keyfiles import read_secret, read_statement, write_secret, write_statement
from blindplate.edge.logs import log

# The first key begins this much earlier, for cameras whose clocks are behind.
_SKEW_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class _Held:
    key: OpeningKey
    announcement: WindowKey
    statement: Statement


class WindowKeys:
    """The keys in ``folder``: a seed and a signed announcement each. Safe to use from several threads."""

    def __init__(self, folder: Path, signer: SigningKey) -> None:
        """Read what is there. A seed without an announcement was never used, and is destroyed."""
        self._folder = folder
        self._signer = signer
        self._lock = threading.Lock()
        self._keys: dict[bytes, _Held] = {}
        self._hold_seconds = 0
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in sorted(folder.glob("*.key")):
            self._read(path)

    def provide(self, now: float, seconds: int, ahead: int, hold_seconds: int) -> None:
        """Have a key for ``now`` and ``ahead`` more, each in use for ``seconds``, without a gap.

        A new key is destroyed ``hold_seconds`` after its use ends: when no record sealed to it is held any more. Keys
        that are destroyed sooner, since they were made before a grant with so long a window came, do not count.
        Raises StorageError.
        """
        wanted = now + ahead * seconds
        with self._lock:
            self._hold_seconds = hold_seconds
            lasting = [one for one in self._announced() if _hold(one) >= hold_seconds]
            # After a long stop, where a clock was set back or a window grew, a new row of keys begins now.
            covered = any(one.not_before <= now < one.not_after for one in lasting)
            begins = max(one.not_after for one in lasting) if covered else int(now) - _SKEW_SECONDS
            while begins <= wanted:
                self._make(begins, begins + seconds, begins + seconds + hold_seconds)
                begins += seconds

    def announcements(self, now: float) -> list[Statement]:
        """The statements of the keys in force or to come at ``now``, the newest last.

        Cameras take the key that began last: a successor that does not outlast the longest window would be chosen
        over the key that does, so it is left out as soon as there is one.
        """
        with self._lock:
            live = [held for held in self._keys.values() if held.announcement.not_after > now]
            lasting = [held for held in live if _hold(held.announcement) >= self._hold_seconds]
        if any(held.announcement.not_before <= now for held in lasting):
            live = lasting
        return [held.statement for held in sorted(live, key=lambda held: held.announcement.not_before)]

    def open(self, wire: Wire) -> tuple[bytes, bytes]:
        """A wire's pseudonym (32 bytes) and match secret (16).

        Raises EnvelopeError when the key is not held or does not open it, MatchProofError when the secret is not
        the one its record commits to.
        """
        return open_wire_envelope(wire, self._held(wire.window_key_id).key)

    def destroyed_at(self, key_id: bytes) -> int:
        """When the key is destroyed, in seconds since 1970 (UTC). Raises EnvelopeError when it is not held."""
        return self._held(key_id).announcement.destroyed_at

    def destroy_due(self, now: float) -> int:
        """Destroy every key whose time has come; give their number.

        Raises StorageError when a file cannot be destroyed: that key is still held, to be tried again.
        """
        with self._lock:
            due = [key_id for key_id, held in self._keys.items() if held.announcement.destroyed_at <= now]
            for key_id in due:
                _destroy(self._path(key_id, "key"))
                self._path(key_id, "json").unlink(missing_ok=True)
                del self._keys[key_id]
        for key_id in due:
            log().info("window-key-destroyed", key=key_id.hex())
        return len(due)

    def _announced(self) -> list[WindowKey]:
        return [held.announcement for held in self._keys.values()]

    def _held(self, key_id: bytes) -> _Held:
        held = self._keys.get(key_id)
        if held is None:
            raise EnvelopeError(
                "A record is sealed to a window key that the matcher does not hold.",
                "Fetch the announced window keys and seal later records to the current one.",
            )
        return held

    def _make(self, not_before: int, not_after: int, destroyed_at: int) -> None:
        seed = generate_seed()
        key = OpeningKey.from_seed(seed)
        announcement = WindowKey(
            public=key.public, not_before=not_before, not_after=not_after, destroyed_at=destroyed_at
        )
        statement = announcement.statement(self._signer)
        write_secret(self._path(key.key_id, "key"), seed)
        write_statement(self._path(key.key_id, "json"), statement)
        self._keys[key.key_id] = _Held(key, announcement, statement)

    def _read(self, path: Path) -> None:
        announced = path.with_suffix(".json")
        if not announced.exists():
            _destroy(path)
            return
        key = OpeningKey.from_seed(read_secret(path, SEED_BYTES))
        statement = read_statement(announced)
        try:
            announcement = WindowKey.verified(statement, [self._signer.public])
            if announcement.public != key.public:
                raise EnvelopeError("A window key's announcement is of another key.")
        except BlindplateError as error:
            # Its records stay sealed until their window ends, and the file stays for whoever looks into it.
            log().error("window-key-unusable", file=path.name, error=error)
            return
        self._keys[key.key_id] = _Held(key, announcement, statement)

    def _path(self, key_id: bytes, suffix: str) -> Path:
        return self._folder / f"{key_id.hex()}.{suffix}"


def _hold(key: WindowKey) -> int:
    return key.destroyed_at - key.not_after


def _destroy(path: Path) -> None:
    try:
        with path.open("r+b") as file:
            file.write(secrets.token_bytes(SEED_BYTES))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(
            f"A window key's file cannot be destroyed: {error.strerror}.", "Mend the disk, then destroy it."
        ) from None
