"""The owner's long-running process: settings in, until a signal or ``stop``."""

from __future__ import annotations

import signal
import threading

from blindplate.client.owner.daemon import serve
from blindplate.client.owner.session import open_session
from blindplate.client.owner.settings import OwnerSettings
from blindplate.edge.logs import configure, log
from blindplate.psi.selftest import tested_set


def run(settings: OwnerSettings, *, stop: threading.Event | None = None) -> None:
    """Publish, take answers and, where allowed, ask for releases; until SIGTERM or SIGINT when ``stop`` is not given.

    Raises SettingsError, StorageError, GrantError, SignatureError or ParameterError when it cannot begin.
    """
    configure(f"owner {settings.name}")
    if stop is None:
        stop = ended = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: ended.set())
    with open_session(settings) as session:
        tested_set(session.grant.parameter_set)
        log().info("ready", list=session.grant.list_id, grant=session.grant.grant_id)
        serve(session, stop)
        log().info("stopping")
