"""What this owner has read of the ledger, and what it enters there.

Guarantees that nothing is taken as witnessed but under a checkpoint that both custodians cosigned, one that agrees
with everything this owner's processes read before (``edge.ledger``). The daemon and the commands share one replica:
they read one at a time, and a process that finds it moved on by another opens it anew. Protocol section 7;
docs/spec/owner.md section 3.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from blindplate.client.owner.locks import file_lock
from blindplate.core.errors import NotFoundError, StorageError
from blindplate.core.ledger.bundles import decode_bundle
from blindplate.core.ledger.checkpoints import SignedCheckpoint
from blindplate.core.ledger.layout import Tile, bundles_between, entries_path
from blindplate.core.ledger.state import LedgerState
from blindplate.core.signing import Statement
from blindplate.edge.clock import Clock
from blindplate.edge.ledger.appender import LedgerClient
from blindplate.edge.ledger.dating import first_over
from blindplate.edge.ledger.follower import Follower
from blindplate.edge.ledger.replica import Replica
from blindplate.edge.ledger.source import open_source
from blindplate.edge.settings import LedgerAccess, TlsFiles, TrustedKeys

_FILE: Final = "ledger.sqlite"
_LOCK: Final = "ledger.lock"
_T = TypeVar("_T")


class OwnerLedger:
    """Safe to use from several threads."""

    def __init__(
        self, folder: Path, access: LedgerAccess, tls: TlsFiles, trust: TrustedKeys, clock: Clock
    ) -> None:
        """Open or make the replica in ``folder``; connects to the ledger when first asked to.

        Raises SettingsError, StorageError, or ChainError for a replica that was altered or is another ledger's.
        """
        self._file = folder / _FILE
        self._keys = access.keys.keys()
        self._parties = trust.parties()
        self._clock = clock
        self._lock = threading.Lock()
        with ExitStack() as opened:
            self._source = open_source(access.url)
            opened.callback(self._source.close)
            self._client = opened.enter_context(LedgerClient(access.address, tls, self._keys, self._keep))
            with self._turn():
                self._replica, self._follower = self._read()
            opened.pop_all()

    @property
    def state(self) -> LedgerState:
        """What the entries establish, as far as they were read; what is read later makes another state."""
        return self._replica.state

    def refresh(self) -> SignedCheckpoint:
        """Read on to the latest checkpoint. Raises as ``Follower.refresh``."""
        return self._reading(lambda follower: follower.refresh())

    def require_witnessed(self, index: int) -> SignedCheckpoint:
        """A fresh checkpoint that covers entry ``index``. Raises UnwitnessedError, and as ``Follower.refresh``."""
        return self._reading(lambda follower: follower.require_witnessed(index))

    def first_over(self, index: int) -> SignedCheckpoint:
        """The first checkpoint over entry ``index`` that both custodians cosigned; the latest where none is recorded.

        Raises UnwitnessedError while there is none, and as ``Follower.refresh``.
        """
        latest = self.require_witnessed(index)
        first = first_over(self._source, self._keys, index) or latest
        return min(first, latest, key=lambda signed: signed.require_both())

    def enter(self, statement: Statement) -> int:
        """Enter a statement; gives its index. The same again gives the same. Raises as ``LedgerClient.append``."""
        [index] = self.enter_together([statement])
        return index

    def enter_together(self, statements: Sequence[Statement]) -> list[int]:
        """Enter at most 1,000 statements in order, all or none; gives their indices. Raises as ``LedgerClient.append``."""
        return [receipt.index for receipt in self._client.append(statements)]

    def entries_back(self) -> Iterator[bytes]:
        """The entries, newest first, up to a fresh checkpoint. Each is to be judged by its signatures (``state.check``).

        Raises as ``Follower.refresh``, MessageError for a bundle out of form, NotFoundError when one cannot be had.
        """
        size = self.refresh().checkpoint.size
        for bundle in reversed(list(bundles_between(0, size))):
            yield from reversed(self._bundle(bundle))

    def close(self) -> None:
        """Close file and connections."""
        with self._lock:
            self._replica.close()
            self._source.close()
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _reading(self, act: Callable[[Follower], _T]) -> _T:
        with self._lock, self._turn():
            try:
                return act(self._follower)
            except StorageError:
                # Another process of this owner has read on meanwhile; a disk that fails, fails again.
                self._replica.close()
                self._replica, self._follower = self._read()
                return act(self._follower)

    def _bundle(self, bundle: Tile) -> list[bytes]:
        try:
            content = self._source.get(entries_path(bundle.index, bundle.width))
        except NotFoundError:
            # The ledger has grown meanwhile, and keeps the full bundle alone.
            content = self._source.get(entries_path(bundle.index))
        return decode_bundle(content)[: bundle.width]

    def _turn(self) -> AbstractContextManager[bool]:
        """A block in which no other process of this owner reads the ledger."""
        return file_lock(self._file.with_name(_LOCK))

    def _read(self) -> tuple[Replica, Follower]:
        replica = Replica(self._file, self._keys, self._parties, source=self._source)
        evidence = self._file.with_name("evidence")
        return replica, Follower(replica, self._source, self._keys, self._clock, evidence=evidence)

    def _keep(self, signed: SignedCheckpoint) -> None:
        """Have what is read later continue the checkpoint of a receipt, in whichever process of this owner."""
        with self._lock:
            self._replica.keep_receipt(signed, self._clock.now())
