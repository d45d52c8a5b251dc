"""The matcher as a process of its own, but for its pool of workers: batches are evaluated in the process itself.

``python -m tests.adversary.light_matcher CONFIG``. Starts in a fraction of the time, so that it can be killed often;
storage, keys, services and threads are the matcher's own.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from blindplate.edge.clock import SystemClock
from blindplate.edge.logs import configure, log
from blindplate.edge.settings import load
from blindplate.server.matcher.evaluator import LocalEvaluator
from blindplate.server.matcher.service import open_matcher
from blindplate.server.matcher.settings import MatcherSettings
from blindplate.server.serving import build_server, serve_until_signal

_MEMORY_BYTES: Final = 1 << 30


def main(config: str) -> None:
    """Serve until SIGTERM."""
    configure("matcher")
    settings = load(MatcherSettings, Path(config))
    matcher = open_matcher(settings, LocalEvaluator(_MEMORY_BYTES), SystemClock())
    server, port = build_server(settings.listen, settings.tls, matcher.services)
    matcher.start()
    serve_until_signal(server, on_ready=lambda: log().info("ready", port=port), on_stop=[matcher.close])


if __name__ == "__main__":
    main(sys.argv[1])
