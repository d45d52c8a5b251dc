"""The parties that follow the ledger and believe nothing of it: an owner and the matcher, as each of them really does."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from blindplate.client.owner.ledger import OwnerLedger
from blindplate.core.ledger.grants import GrantHistory
from blindplate.server.matcher.following import FollowedLedger, follow
from tests.adversary.stolen_ledger import StolenLedger
from tests.integration.ledger_site import party_tls

PARTIES = ("owner", "matcher")


@dataclass(frozen=True, slots=True)
class Reader:
    """One of them, running."""

    read: OwnerLedger | FollowedLedger

    def refresh(self) -> None:
        """Read on to the latest checkpoint. Raises what the party raises."""
        self.read.refresh()

    @property
    def grants(self) -> Mapping[str, GrantHistory]:
        """Every grant, as far as it has read."""
        return self.read.state.grants if isinstance(self.read, OwnerLedger) else self.read.current.histories


@contextmanager
def reader(party: str, ledger: StolenLedger, folder: Path) -> Generator[Reader]:
    """The ``owner`` or ``matcher``, with its own copy of the ledger in ``folder``: a new one, or as it was left."""
    clock, trust = ledger.custodians.clock, ledger.custodians.trust
    folder.mkdir(exist_ok=True)
    if party == "matcher":
        with closing(follow(ledger.access, folder / "ledger.sqlite", trust.parties(), clock)) as followed:
            yield Reader(followed)
    else:
        with owner_ledger(ledger, folder) as owned:
            yield Reader(owned)


def owner_ledger(ledger: StolenLedger, folder: Path) -> OwnerLedger:
    """The police owner's reading of the ledger."""
    folder.mkdir(exist_ok=True)
    tls, trust = party_tls(ledger.deployment, "owner-police"), ledger.custodians.trust
    return OwnerLedger(folder, ledger.access, tls, trust, ledger.custodians.clock)
