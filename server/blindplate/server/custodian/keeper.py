"""What a custodian does by the clock: release keys made and destroyed, requests expired, keys and counts entered.

Guarantees that a step that fails is logged, keeps no other from being taken, and is tried again a second later: a
full disk now must not keep a key alive for ever. The first round runs before the server starts and its failure
stops the start. A keeper that ends by itself has the process end. Protocol section 4.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from blindplate.edge.clock import Clock
from blindplate.edge.logs import log
from blindplate.server.custodian import quotas
from blindplate.server.custodian.docket import Docket
from blindplate.server.custodian.grants import Permissions
from blindplate.server.custodian.release_keys import ReleaseKeys
from blindplate.server.custodian.storage import writing

_ROUND_SECONDS: Final = 1.0
# An approval under way when a key's time ends may store its answer a little later: those are erased once more.
_LAST_ANSWER_SECONDS: Final = 120.0
# Daily counts are kept a month, for the custodian's own audit.
_KEEP_COUNTS_SECONDS: Final = 31 * quotas.DAY


class Keeper:
    """Runs a round a second in a thread of its own, from ``start`` to ``stop``.

    ``permissions`` gives what is allowed now; ``duties`` are what is to be done besides, each told the time;
    ``on_death`` is called when the thread ends without having been told to.
    """

    def __init__(
        self,
        permissions: Callable[[], Permissions],
        release_keys: ReleaseKeys,
        docket: Docket,
        clock: Clock,
        duties: Sequence[Callable[[float], None]] = (),
        on_death: Callable[[], None] = lambda: None,
    ) -> None:
        self._permissions = permissions
        self._release_keys = release_keys
        self._docket = docket
        self._clock = clock
        self._duties = tuple(duties)
        self._on_death = on_death
        self._window_seconds = 0
        # Release keys whose answers are known to be erased, and how long after the key's end. Empty at first: the
        # process may have stopped between a key's end and its answers'.
        self._erased: frozenset[tuple[bytes, float]] = frozenset()
        self._forgot_at = 0.0
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
        """One round: every step, whatever another one raises. Raises what the last failing one raised."""
        now = self._clock.now()
        failure: Exception | None = None
        steps = (
            self._keep_keys,
            self._erase_replies,
            self._expire,
            self._erase_remains,
            self._forget_subjects,
            self._forget_counts,
            *self._duties,
        )
        for step in steps:
            try:
                step(now)
            except Exception as error:  # noqa: BLE001  whatever it is, the other steps are to be taken
                log().error("step-failed", step=step.__qualname__, error=error)
                failure = error
        if failure is not None:
            raise failure

    def _run(self) -> None:
        try:
            while not self._stop.wait(_ROUND_SECONDS):
                # Every failure is logged where it happened.
                with suppress(Exception):
                    self.round()
        finally:
            if not self._stop.is_set():
                self._on_death()

    def _keep_keys(self, now: float) -> None:
        try:
            # The last one known holds while that cannot be read: keys must be destroyed all the same.
            self._window_seconds = self._permissions().longest_window()
        finally:
            destroyed = self._release_keys.maintain(now, self._window_seconds)
            if destroyed:
                log().info("release-keys-destroyed", count=len(destroyed))

    def _erase_replies(self, now: float) -> None:
        # By the clock, not by what was destroyed just now: an answer's time is over even if its key's file is stuck.
        over = frozenset(
            (name, delay)
            for delay in (0.0, _LAST_ANSWER_SECONDS)
            for name in self._release_keys.destroyed(now - delay)
        )
        due = over - self._erased
        if due:
            self._docket.erase_replies({name for name, _ in due})
            self._erased = over

    def _expire(self, _now: float) -> None:
        self._docket.expire()

    def _erase_remains(self, _now: float) -> None:
        self._docket.erase_remains()

    def _forget_subjects(self, now: float) -> None:
        if self._docket.subjects is not None:
            self._docket.subjects.forget(self._docket.engine, now)

    def _forget_counts(self, now: float) -> None:
        if now - self._forgot_at >= quotas.HOUR:
            with writing(self._docket.engine) as connection:
                quotas.forget(connection, now - _KEEP_COUNTS_SECONDS)
            self._forgot_at = now
