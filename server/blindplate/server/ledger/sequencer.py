"""Appends put in order: checked, committed in groups, answered with receipts once they are durable.

One thread gives entries their places. Callers check their own entries meanwhile, against the state as it is; what was
checked against another state than the one it is to follow is checked again. Guarantees that an append is taken whole or
not at all, that an entry which changes what later ones may say is the last of its group, and that the same bytes are
never entered twice: whoever sends them again gets a receipt for where they stand. Protocol section 7.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

from blindplate.core.errors import BlindplateError, EntryError, ForkError, StorageError, UnavailableError
from blindplate.core.ledger.checkpoints import LogSigner
from blindplate.core.ledger.entries import document_digest, parse_document, passed_over
from blindplate.core.ledger.state import Applied, LedgerState
from blindplate.core.merkle import leaf_hash
from blindplate.core.parties import PartyKeys
from blindplate.edge.clock import Clock
from blindplate.edge.logs import log
from blindplate.server.ledger import metrics
from blindplate.server.ledger.storage import Storage

_GROUP_ENTRIES: Final = 4_096
_RETRY_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Receipts:
    """The ledger's signed note of a checkpoint; of each entry, in order, its index and inclusion path (leaf first)."""

    note: bytes
    indices: Sequence[int]
    paths: Sequence[tuple[bytes, ...]]


@dataclass(slots=True)
class _Append:
    entries: Sequence[bytes]
    leaves: Sequence[bytes]
    documents: Mapping[bytes, bytes]
    # The entries that may change what later ones may say.
    decisive: frozenset[bytes]
    # Which state the entries were checked against.
    checked: int
    outcome: Future[Receipts] = field(default_factory=Future[Receipts])


class Sequencer:
    """Takes appends from any thread. ``on_fatal`` is called when the ledger must not go on."""

    def __init__(
        self,
        storage: Storage,
        signer: LogSigner,
        parties: PartyKeys,
        clock: Clock,
        on_append: Callable[[], None] = lambda: None,
        on_fatal: Callable[[BlindplateError], None] = lambda _error: None,
    ) -> None:
        """Read the state. Raises as ``read_state`` does."""
        self._storage = storage
        self._signer = signer
        self._parties = parties
        self._clock = clock
        self._on_append = on_append
        self._on_fatal = on_fatal
        self._state_lock = threading.Lock()
        self._version = 0
        self._state = read_state(storage, parties)
        self._waiting: deque[_Append] = deque()
        self._bell = threading.Condition()
        self._stopped = False
        self._stale = False
        self._thread = threading.Thread(target=self._run, name="sequencer", daemon=True)

    def start(self) -> None:
        """Start taking appends."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what waits, then end. Later appends raise UnavailableError."""
        with self._bell:
            self._stopped = True
            self._bell.notify()
        if self._thread.is_alive():
            self._thread.join()

    def append(self, entries: Sequence[bytes], documents: Sequence[bytes] = ()) -> Receipts:
        """Append ``entries`` in order, all or none, with the documents that they name; blocks until they are durable.

        Raises what an entry is refused for, EntryError also for a document that none names, OverloadedError,
        StorageError, UnavailableError.
        """
        append = _Append(
            entries=entries,
            leaves=[leaf_hash(entry) for entry in entries],
            documents=_by_digest(documents),
            decisive=frozenset(entry for entry in entries if not passed_over(entry)),
            checked=-1,
        )
        self._check(append)
        with self._bell:
            if self._stopped:
                raise UnavailableError("The ledger is shutting down.")
            self._waiting.append(append)
            self._bell.notify()
        return append.outcome.result()

    def _check(self, append: _Append) -> None:
        """Check the entries that are not in the ledger yet against the state, in turn: one may rest on another."""
        found = self._storage.find(append.leaves)
        pairs = zip(append.leaves, append.entries, strict=True)
        new = {leaf: entry for leaf, entry in pairs if leaf not in found}.values()
        with self._state_lock:
            append.checked = self._version
            changing = len(new) > 1 and append.decisive
            state = self._state.copy() if changing else self._state
            # What is in the ledger may be sent again with its documents.
            unnamed = {digest for digest in append.documents if self._storage.document(digest) is None}
            for entry in new:
                digest = _named(state, entry)
                document = append.documents.get(digest) or self._storage.document(digest) if digest else None
                if changing:
                    _require_applied(state.apply(0, entry, 0, document))
                else:
                    state.check(entry, document)
                unnamed.discard(digest or b"")
        if unnamed:
            raise EntryError(
                "A document is sent that no entry sent with it names.", "Send the entry with it."
            )

    def _run(self) -> None:
        while (group := self._next_group()) is not None:
            if self._stale and not self._read_anew():
                _refuse(group, StorageError("The ledger's disk failed it: nothing was appended."))
            elif group:
                self._sequence(group)

    def _next_group(self) -> list[_Append] | None:
        """What waits, as far as it may be committed at once; empty when only the disk is to be tried again."""
        with self._bell:
            while not self._waiting:
                if self._stopped:
                    return None
                if not self._bell.wait(_RETRY_SECONDS if self._stale else None) and self._stale:
                    return []
            group: list[_Append] = []
            entries = 0
            while self._waiting and entries < _GROUP_ENTRIES:
                group.append(self._waiting.popleft())
                entries += len(group[-1].entries)
                if group[-1].decisive:
                    break
            return group

    def _sequence(self, group: Sequence[_Append]) -> None:
        try:
            with metrics.COMMIT_SECONDS.time():
                self._commit([append for append in group if self._still_right(append)])
        except StorageError as error:
            metrics.STORAGE_FAILURES.inc()
            log().error("storage", error=error)
            self._stale = True
            # Before the answer: whoever tries again at once is to meet what the disk holds.
            self._read_anew()
            _refuse(group, error)
        except ForkError as error:
            _refuse(group, error)
            self._on_fatal(error)
        except BlindplateError as error:
            _refuse(group, error)
        except Exception as error:  # noqa: BLE001  whatever it is, who waits must hear of it and the thread live on
            log().error("append-failed", error=error)
            _refuse(group, UnavailableError("The append failed."))

    def _still_right(self, append: _Append) -> bool:
        if append.checked == self._version:
            return True
        try:
            self._check(append)
        except BlindplateError as error:
            append.outcome.set_exception(error)
            return False
        return True

    def _commit(self, group: Sequence[_Append]) -> None:
        if not group:
            return
        places = self._storage.find([leaf for append in group for leaf in append.leaves])
        # Two appends of one group may bring the same entry.
        entries = {
            leaf: entry
            for append in group
            for leaf, entry in zip(append.leaves, append.entries, strict=True)
            if leaf not in places
        }
        documents = {digest: content for append in group for digest, content in append.documents.items()}
        head, paths = self._storage.head, dict[int, tuple[bytes, ...]]()
        if entries:
            new = list(entries.values())
            decisive = frozenset[bytes]().union(*(append.decisive for append in group))
            kept = [at for at, entry in enumerate(new) if entry in decisive] if decisive else []
            appended = self._storage.append(
                new,
                list(entries),
                documents,
                kept,
                lambda checkpoint: self._signer.sign(checkpoint, self._now()),
            )
            head = appended.head
            places |= {leaf: appended.first + at for at, leaf in enumerate(entries)}
            paths = {appended.first + at: path for at, path in enumerate(appended.paths)}
            self._apply([(appended.first + at, new[at]) for at in kept], documents)
            metrics.ENTRIES.inc(len(new))
            metrics.SIZE.set(head.checkpoint.size)
        for append in group:
            indices = [places[leaf] for leaf in append.leaves]
            found = [paths[one] if one in paths else self._storage.path(one) for one in indices]
            append.outcome.set_result(Receipts(head.note, indices, found))
        self._on_append()

    def _apply(self, entries: Sequence[tuple[int, bytes]], documents: Mapping[bytes, bytes]) -> None:
        with self._state_lock:
            for index, entry in entries:
                digest = _named(self._state, entry)
                document = documents.get(digest) or self._storage.document(digest) if digest else None
                _require_applied(self._state.apply(index, entry, 0, document))
                self._version += 1

    def _read_anew(self) -> bool:
        """Whether the disk works again: then what it holds counts, whatever had been refused."""
        try:
            self._storage.reopen()
            state = read_state(self._storage, self._parties)
        except StorageError as error:
            metrics.STORAGE_FAILURES.inc()
            log().error("storage", error=error)
            return False
        except BlindplateError as error:
            self._on_fatal(error)
            return False
        with self._state_lock:
            self._state, self._version, self._stale = state, self._version + 1, False
        log().info("read-anew", size=self._storage.head.checkpoint.size)
        self._on_append()
        return True

    def _now(self) -> int:
        return int(self._clock.now())


def read_state(storage: Storage, parties: PartyKeys) -> LedgerState:
    """The state that the entries kept at hand make; when an entry was witnessed has no part in what may follow it.

    Raises StorageError; EntryError or SignatureError when an entry does not fit those before it.
    """
    state = LedgerState(parties)
    for index, entry in storage.kept():
        digest = _named(state, entry)
        _require_applied(state.apply(index, entry, 0, storage.document(digest) if digest else None))
    return state


def _named(state: LedgerState, entry: bytes) -> bytes | None:
    """The digest of the document that an entry names."""
    return None if passed_over(entry) else state.document_named(entry)


def _require_applied(applied: Applied) -> None:
    if applied.error is not None:
        raise applied.error


def _by_digest(documents: Sequence[bytes]) -> dict[bytes, bytes]:
    return {document_digest(parse_document(document)): document for document in documents}


def _refuse(group: Sequence[_Append], error: BlindplateError) -> None:
    for append in group:
        if not append.outcome.done():
            append.outcome.set_exception(error)
