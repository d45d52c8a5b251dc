"""Where a service shows its counters: Prometheus text over HTTP, meant for a loopback address.

Counters hold numbers by method, list and error code; none tells a camera, a read or a moment.
"""

from __future__ import annotations

from prometheus_client import start_http_server

from blindplate.core.errors import SettingsError
from blindplate.edge.logs import log


def serve_metrics(address: str) -> None:
    """Serve the metrics on ``host:port``. Raises SettingsError when it cannot be bound."""
    host, _, port = address.rpartition(":")
    try:
        start_http_server(int(port), addr=host)
    except OSError as error:
        raise SettingsError(
            f"The metrics address {address} cannot be bound: {error.strerror}.", "Choose another."
        ) from None
    log().info("metrics", address=address)
