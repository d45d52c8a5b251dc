"""How property tests run: never failed by a slow machine, and the same examples every time where CI asks for them."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Two cores shared with a dozen processes: how long an example takes says nothing of what is tested.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# A red run must be the change's own doing, and must be red again when it is repeated.
settings.register_profile("ci", settings.get_profile("patient"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "patient")
