"""The ledger's state of this moment, for a command that needs it once.

Reads the whole ledger into a replica that is thrown away: what keeps running keeps a replica. Protocol section 7.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from blindplate.core.ledger.state import LedgerState
from blindplate.edge.clock import SystemClock
from blindplate.edge.ledger.follower import Follower
from blindplate.edge.ledger.replica import Replica
from blindplate.edge.ledger.source import open_source
from blindplate.edge.settings import LedgerAccess, TrustedKeys


@contextmanager
def read_ledger(access: LedgerAccess, trust: TrustedKeys) -> Generator[LedgerState]:
    """The state under the latest checkpoint that both custodians cosigned.

    Raises whatever ``Follower.refresh`` does, and SettingsError for an address that is none.
    """
    keys = access.keys.keys()
    with (
        TemporaryDirectory(prefix="blindplate-") as folder,
        closing(open_source(access.url)) as source,
        closing(Replica(Path(folder) / "replica.db", keys, trust.parties())) as replica,
    ):
        Follower(replica, source, keys, SystemClock()).refresh()
        yield replica.state
