"""The ledger's state of this moment, for a command that needs it once.

Reads the whole ledger into a replica that is thrown away: what keeps running keeps a replica. Protocol section 7.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from blindplate.core.ledger.checkpoints import LedgerKeys, SignedCheckpoint
from blindplate.core.ledger.state import LedgerState
from blindplate.core.parties import PartyKeys
from blindplate.edge.clock import SystemClock
from blindplate.edge.ledger.follower import Follower
from blindplate.edge.ledger.replica import Replica
from blindplate.edge.ledger.source import open_source
from blindplate.edge.settings import LedgerAccess, TrustedKeys


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A ledger's state and the checkpoint it is under."""

    state: LedgerState
    signed: SignedCheckpoint


@contextmanager
def read_public(ledger: str, keys: LedgerKeys, parties: PartyKeys) -> Generator[Snapshot]:
    """The ledger at ``ledger`` (an HTTP address or a folder) under its latest checkpoint that both custodians cosigned.

    Raises whatever ``Follower.refresh`` does, and SettingsError for an address that is none.
    """
    with (
        TemporaryDirectory(prefix="blindplate-") as folder,
        closing(open_source(ledger)) as source,
        closing(Replica(Path(folder) / "replica.db", keys, parties)) as replica,
    ):
        signed = Follower(replica, source, keys, SystemClock()).refresh()
        yield Snapshot(replica.state, signed)


@contextmanager
def read_ledger(access: LedgerAccess, trust: TrustedKeys) -> Generator[LedgerState]:
    """The state of the ledger that a party's settings name. Raises as ``read_public``."""
    with read_public(access.url, access.keys.keys(), trust.parties()) as snapshot:
        yield snapshot.state
