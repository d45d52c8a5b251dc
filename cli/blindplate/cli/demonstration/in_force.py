"""Waiting until the grants of a deployment whose servers have just begun are in force.

They come into force with both custodians' cosignatures, after their notice. Protocol section 7.
"""

from __future__ import annotations

import time
from typing import Final

from blindplate.cli.deployment import Deployment
from blindplate.client.owner.settings import OwnerSettings
from blindplate.core.errors import BlindplateError, UnavailableError
from blindplate.edge.ledger.snapshot import read_ledger
from blindplate.edge.settings import load

_POLL_SECONDS: Final = 0.25


def wait_until_in_force(deployment: Deployment, seconds: float) -> None:
    """Wait until every list's grant is in force. Raises UnavailableError when that takes more than ``seconds``."""
    owners = [load(OwnerSettings, deployment.settings(one.owner)) for one in deployment.plan.lists]
    deadline = time.monotonic() + seconds
    while not _in_force(owners):
        if time.monotonic() > deadline:
            raise UnavailableError("The grants did not come into force.", "Look at the ledger's log.")
        time.sleep(_POLL_SECONDS)


def _in_force(owners: list[OwnerSettings]) -> bool:
    try:
        with read_ledger(owners[0].ledger, owners[0].trust) as state:
            return all(state.grants[one.grant].in_force(time.time()) for one in owners)
    except (BlindplateError, KeyError):
        # Not cosigned yet.
        return False
