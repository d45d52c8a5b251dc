"""An owner at work: its grant as the ledger has it, its key, its database, and channels to everyone else.

Guarantees that the grant is an entry that both custodians witnessed, signed by the operator and both, and names this
owner and its key. A session keeps to one amendment: ``is_amended`` says when another is in force. That a grant is in
force is for each use to require; its notice period is held against it by those who have followed the ledger all along,
the custodians and the matcher. Protocol section 7; docs/spec/owner.md section 1.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

import grpc

from blindplate.client.custodians import CustodianPair
from blindplate.client.owner.bins import Bins
from blindplate.client.owner.generations import Reach, domains_during
from blindplate.client.owner.ledger import OwnerLedger
from blindplate.client.owner.settings import OwnerSettings
from blindplate.client.owner.store import Store
from blindplate.core.domains import Domain, Epoch, EpochRule
from blindplate.core.errors import GrantError, NotFoundError, StateError, UnwitnessedError
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.ledger.state import LedgerState
from blindplate.core.parties import Custodian
from blindplate.core.signing import SEED_BYTES, SigningKey
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.uploads import Stage
from blindplate.edge.clock import Clock, SystemClock
from blindplate.edge.keyfiles import read_secret
from blindplate.edge.tls import open_channel, spiffe_id


@dataclass(frozen=True, slots=True)
class Session:
    """What every action of an owner needs. Channels connect when first used."""

    settings: OwnerSettings
    grant: Grant
    signing_key: SigningKey = field(repr=False)
    store: Store
    clock: Clock
    custodians: CustodianPair
    matcher: grpc.Channel
    custodian_channels: Mapping[Custodian, grpc.Channel]
    ledger: OwnerLedger
    bins: Bins = field(default_factory=Bins)

    @property
    def rule(self) -> EpochRule:
        """How the list's epochs are cut."""
        return self.grant.epoch.rule()

    @property
    def hold_seconds(self) -> int:
        """How long after its epoch a read may still be answered: the window, from the latest its coarse time can mean."""
        return self.grant.window_seconds + self.grant.disclosure.time_granularity_seconds

    @property
    def stage(self) -> Stage:
        """What the list that is matched with every read gives its owner."""
        return Stage.MATCH if self.grant.charging is None else Stage.KEEP

    @property
    def begins(self) -> int:
        """When the first amendment began whose reads are matched as the present one's are: those may still come."""
        alike = (
            amendment.grant
            for amendment in self.history.amendments
            if (amendment.grant.epoch, amendment.grant.charging is None)
            == (self.grant.epoch, self.grant.charging is None)
        )
        return min((one.not_before for one in alike), default=self.grant.not_before)

    @property
    def ends(self) -> int:
        """When the last amendment known ends, or the present one."""
        return max(self.grant.not_after, self.history.latest.not_after)

    @property
    def evaluated_domains(self) -> tuple[Domain, ...]:
        """The domains that the list is to be evaluated in: those of the amendment in force, then those to come."""
        return domains_during(self.history, self.now())

    @property
    def committed_domains(self) -> tuple[Domain, ...]:
        """The domains that the list is committed to in: also those that reads of now may still be of."""
        now = self.now()
        coarse = now - self.grant.disclosure.time_granularity_seconds
        return domains_during(self.history, min(self.rule.at(now).start(), coarse))

    def reach(self, epoch: Epoch) -> Reach:
        """What the reads of an epoch can be of."""
        return Reach.of(self.history, self.grant, epoch)

    @property
    def history(self) -> GrantHistory:
        """What has become of the grant in the ledger, as far as it was read."""
        return self.ledger.state.grants[self.grant.grant_id]

    def epoch(self, index: int) -> Epoch:
        """The list's epoch of that index."""
        return Epoch(self.rule, index)

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        return self.clock.now()

    def require_in_force(self) -> None:
        """Raise GrantError once the grant has ended, and outside its time."""
        if self.history.ended_at is not None:
            raise GrantError(f"Grant {self.grant.grant_id} has ended.", "Ask for a new one.")
        self.grant.require_in_force(self.now())

    def is_amended(self) -> bool:
        """Whether another amendment than this session's is to be followed now."""
        return present_grant(self.history, self.now()) != self.grant


@contextmanager
def open_session(settings: OwnerSettings, clock: Clock | None = None) -> Generator[Session]:
    """Open everything, reading the ledger on where it answers; close it at the end of the block.

    Raises SettingsError or StorageError for files that cannot be used, NotFoundError when the ledger has no such
    grant, UnavailableError or UnwitnessedError when that cannot be known yet, GrantError for a grant that is not this
    owner's, ForkError or RollbackError for a ledger that contradicts what was read of it before.
    """
    clock = clock or SystemClock()
    signing_key = SigningKey.from_seed(read_secret(settings.signing_key, SEED_BYTES))
    with ExitStack() as stack:
        store = Store(settings.data)
        stack.callback(store.close)
        ledger = stack.enter_context(
            OwnerLedger(settings.data, settings.ledger, settings.tls, settings.trust, clock)
        )
        _read_on(ledger, settings.grant)
        addresses = {Custodian.A: settings.custodian_a, Custodian.B: settings.custodian_b}
        yield Session(
            settings=settings,
            grant=own_grant(settings, signing_key, ledger.state, clock.now()),
            signing_key=signing_key,
            store=store,
            clock=clock,
            custodians=stack.enter_context(
                CustodianPair(settings.custodian_a, settings.custodian_b, settings.tls, settings.trust)
            ),
            matcher=stack.enter_context(open_channel(settings.matcher, "matcher", settings.tls)),
            custodian_channels={
                custodian: stack.enter_context(open_channel(address, f"custodian-{custodian}", settings.tls))
                for custodian, address in addresses.items()
            },
            ledger=ledger,
        )


def own_grant(settings: OwnerSettings, signing_key: SigningKey, state: LedgerState, now: float) -> Grant:
    """The amendment to be followed at ``now`` of the settings' grant. Raises NotFoundError, GrantError."""
    history = state.grants.get(settings.grant)
    if history is None:
        raise NotFoundError(
            f"The ledger has no grant {settings.grant}.",
            "Check the name in the settings; a grant counts once both custodians have witnessed its entry.",
        )
    grant = present_grant(history, now)
    grant.require_owner(spiffe_id("owner", settings.name))
    if grant.owner_key != signing_key.public:
        raise GrantError(
            f"Grant {grant.grant_id} names another signing key.",
            "Use the key the grant was made for, or have the grant amended.",
        )
    return grant


def present_grant(history: GrantHistory, now: float) -> Grant:
    """The amendment in force at ``now``; where none is known to be, the last one entered.

    One read late, by an owner that begins after it was entered, counts as witnessed late here, and would seem to be
    under notice still.
    """
    try:
        return history.at(now)
    except GrantError:
        return history.latest


def _read_on(ledger: OwnerLedger, grant_id: str) -> None:
    """Read the ledger as far as it goes; what was read before has to do where nobody answers."""
    if grant_id not in ledger.state.grants:
        ledger.refresh()
        return
    with suppress(StateError, UnwitnessedError):
        ledger.refresh()
