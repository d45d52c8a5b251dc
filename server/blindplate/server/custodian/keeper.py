"""What a custodian does by the clock: release keys made and destroyed, requests expired, bad files named.

Guarantees that one round that fails is logged and the next one tried: a full disk now must not keep a key alive
for ever. The first round runs before the server starts and its failure stops the start. Protocol section 4.
"""

from __future__ import annotations

import threading
from typing import Final

from blindplate.core.errors import BlindplateError
from blindplate.edge.clock import Clock
from blindplate.edge.logs import log
from blindplate.server.custodian import quotas
from blindplate.server.custodian.docket import Docket
from blindplate.server.custodian.grants import PermissionFolders
from blindplate.server.custodian.release_keys import ReleaseKeys
from blindplate.server.custodian.storage import writing
from blindplate.server.signed_folder import Problem

_ROUND_SECONDS: Final = 1.0
# Daily counts are kept a month, for the custodian's own audit.
_KEEP_COUNTS_SECONDS: Final = 31 * quotas.DAY


class Keeper:
    """Runs a round a second in a thread of its own, from ``start`` to ``stop``."""

    def __init__(
        self, folders: PermissionFolders, release_keys: ReleaseKeys, docket: Docket, clock: Clock
    ) -> None:
        self._folders = folders
        self._release_keys = release_keys
        self._docket = docket
        self._clock = clock
        self._erased = False
        self._forgot_at = 0.0
        self._problems: tuple[Problem, ...] = ()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        """Run the first round here, then the others in the thread. Raises what the first one raises."""
        self.round()
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the round under way."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def round(self) -> None:
        """One round. Raises StorageError."""
        now = self._clock.now()
        permissions = self._folders.current()
        if permissions.problems is not self._problems:
            self._problems = permissions.problems
            for problem in permissions.problems:
                log().warning("statement-skipped", file=problem.file, error=problem.error)
        destroyed = self._release_keys.maintain(now, permissions.longest_window())
        if destroyed:
            log().info("release-keys-destroyed", count=len(destroyed))
        # The first round too: the process may have stopped between a key's end and its answers'.
        if destroyed or not self._erased:
            self._docket.erase_replies()
            self._erased = True
        self._docket.expire()
        if now - self._forgot_at >= quotas.HOUR:
            with writing(self._docket.engine) as connection:
                quotas.forget(connection, now - _KEEP_COUNTS_SECONDS)
            self._forgot_at = now

    def _run(self) -> None:
        while not self._stop.wait(_ROUND_SECONDS):
            try:
                self.round()
            except BlindplateError as error:
                log().error("round-failed", error=error)
