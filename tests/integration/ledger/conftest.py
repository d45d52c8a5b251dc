"""A deployment's ledger with two witnesses that hold it to the rules."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blindplate.cli.deployment import Deployment
from blindplate.edge.clock import SystemClock
from tests.integration.ledger.strict_witnesses import StrictWitnesses
from tests.integration.ledger_site import RunningLedger


@pytest.fixture
def witnesses(deployment: Deployment) -> Iterator[StrictWitnesses]:
    """Both witnesses, not yet served."""
    both = StrictWitnesses(deployment)
    yield both
    both.stop_both()


@pytest.fixture
def ledger(deployment: Deployment) -> Iterator[RunningLedger]:
    """The ledger, not yet running."""
    made = RunningLedger(deployment, SystemClock())
    yield made
    made.stop()
