"""The matcher as a process: ``run`` serves until SIGTERM or SIGINT.

The worker pool starts, and has tested SEAL, before gRPC does; it ends with the process however that ends.
"""

from __future__ import annotations

from blindplate.edge.clock import SystemClock
from blindplate.edge.logs import configure, log
from blindplate.psi.parameters import SET_NAMES
from blindplate.server.matcher.pool import PoolEvaluator
from blindplate.server.matcher.service import open_matcher
from blindplate.server.matcher.settings import MatcherSettings
from blindplate.server.monitoring import serve_metrics
from blindplate.server.serving import build_server, serve_until_signal

# Waiting owners and uploads each hold a thread; the rest serve cameras.
_THREADS = 32
_MAX_CONCURRENT = 128


def run(settings: MatcherSettings) -> None:
    """Serve. Raises SettingsError, StorageError or ParameterError when the matcher cannot start."""
    configure("matcher")
    evaluator = PoolEvaluator(settings.workers, settings.segment_memory_bytes)
    try:
        # Under every set: which ones grants name is read from the ledger later, and may change.
        evaluator.warm_up(SET_NAMES)
        matcher = open_matcher(settings, evaluator, SystemClock())
        server, port = build_server(
            settings.listen,
            settings.tls,
            matcher.services,
            threads=_THREADS,
            max_concurrent=_MAX_CONCURRENT,
            record_to=settings.record_messages,
        )
        if settings.metrics is not None:
            serve_metrics(settings.metrics)
        matcher.start()
        serve_until_signal(server, on_ready=lambda: log().info("ready", port=port), on_stop=[matcher.close])
    finally:
        evaluator.close()
