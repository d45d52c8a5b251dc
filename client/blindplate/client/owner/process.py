"""The owner's long-running process: settings in, until a signal or ``stop``.

Guarantees that it goes on by itself under an amended grant, and that it waits for a ledger that is not there yet, or
does not hold its grant yet. Protocol section 7.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Final

from blindplate.client.owner.automatic import require_allowed
from blindplate.client.owner.daemon import serve
from blindplate.client.owner.session import Session, open_session
from blindplate.client.owner.settings import OwnerSettings
from blindplate.core.errors import NotFoundError, UnavailableError, UnwitnessedError
from blindplate.edge.clock import Clock
from blindplate.edge.logs import configure, log
from blindplate.psi.selftest import tested_set

_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 15.0


def run(settings: OwnerSettings, *, stop: threading.Event | None = None, clock: Clock | None = None) -> None:
    """Publish, take answers and see releases through; until SIGTERM or SIGINT when ``stop`` is not given.

    Raises SettingsError, StorageError, GrantError or ParameterError when it cannot begin, and ForkError or
    RollbackError when the ledger contradicts what was read of it before.
    """
    configure(f"owner {settings.name}")
    if stop is None:
        stop = ended = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: ended.set())
    first = True
    while not stop.is_set():
        with _opened(settings, clock, stop) as session:
            if session is None:
                break
            if first:
                # Later, an amendment may take away what the settings ask for: the rest goes on.
                require_allowed(session)
            first = False
            tested_set(session.grant.parameter_set)
            log().info("ready", list=session.grant.list_id, grant=session.grant.grant_id)
            serve(session, stop)
    log().info("stopping")


@contextmanager
def _opened(settings: OwnerSettings, clock: Clock | None, stop: threading.Event) -> Generator[Session | None]:
    """A session, once the ledger can be read and holds the grant; None when ``stop`` was set before."""
    pause = _FIRST_PAUSE_SECONDS
    with ExitStack() as stack:
        while not stop.is_set():
            try:
                session = stack.enter_context(open_session(settings, clock))
            except (NotFoundError, UnavailableError, UnwitnessedError) as error:
                log().warning("waiting", error=error, seconds=pause)
                stop.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            else:
                yield session
                return
        yield None
