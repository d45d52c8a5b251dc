"""An owner at work: its verified grant, its key, its database, and channels to the custodians and the matcher.

Guarantees that the grant is signed by the operator and both custodians and names this owner and its key, and that
automatic release is only asked for where the grant has it. Whether the grant is in force is for each use to check.
Protocol section 7; docs/spec/owner.md section 1.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import grpc

from blindplate.client.custodians import CustodianPair
from blindplate.client.owner.settings import OwnerSettings
from blindplate.client.owner.store import Store
from blindplate.core.domains import Epoch, EpochRule
from blindplate.core.errors import GrantError, SettingsError
from blindplate.core.parties import Custodian
from blindplate.core.signing import SEED_BYTES, SigningKey
from blindplate.core.statements.grants import Grant, ListKind, ReleaseMode
from blindplate.edge.clock import Clock, SystemClock
from blindplate.edge.keyfiles import read_secret, read_statement
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

    @property
    def rule(self) -> EpochRule:
        """How the list's epochs are cut."""
        return self.grant.epoch.rule()

    @property
    def hold_seconds(self) -> int:
        """How long after its epoch a read may still be answered: the window, from the latest its coarse time can mean."""
        return self.grant.window_seconds + self.grant.disclosure.time_granularity_seconds

    def epoch(self, index: int) -> Epoch:
        """The list's epoch of that index."""
        return Epoch(self.rule, index)

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        return self.clock.now()


@contextmanager
def open_session(settings: OwnerSettings, clock: Clock | None = None) -> Generator[Session]:
    """Open everything; close it at the end of the block.

    Raises SettingsError or StorageError for files that cannot be used, SignatureError or GrantError for a grant that
    is not signed by all three or not this owner's.
    """
    signing_key = SigningKey.from_seed(read_secret(settings.signing_key, SEED_BYTES))
    grant = own_grant(settings, signing_key)
    with ExitStack() as stack:
        store = Store(settings.data)
        stack.callback(store.close)
        addresses = {Custodian.A: settings.custodian_a, Custodian.B: settings.custodian_b}
        yield Session(
            settings=settings,
            grant=grant,
            signing_key=signing_key,
            store=store,
            clock=clock or SystemClock(),
            custodians=stack.enter_context(
                CustodianPair(settings.custodian_a, settings.custodian_b, settings.tls, settings.trust)
            ),
            matcher=stack.enter_context(open_channel(settings.matcher, "matcher", settings.tls)),
            custodian_channels={
                custodian: stack.enter_context(open_channel(address, f"custodian-{custodian}", settings.tls))
                for custodian, address in addresses.items()
            },
        )


def own_grant(settings: OwnerSettings, signing_key: SigningKey) -> Grant:
    """The verified grant of the settings. Raises SignatureError, GrantError, SettingsError."""
    trust = settings.trust
    statement = read_statement(settings.grant)
    grant = Grant.verified(statement, [trust.operator, trust.custodian_a, trust.custodian_b])
    grant.require_owner(spiffe_id("owner", settings.name))
    if grant.owner_key != signing_key.public:
        raise GrantError(
            f"Grant {grant.grant_id} names another signing key.",
            "Use the key the grant was made for, or have the grant amended.",
        )
    standing = grant.list_kind is ListKind.EMISSIONS and grant.release.mode is ReleaseMode.AUTOMATIC
    if settings.automatic_release and not standing:
        raise SettingsError(
            f"Grant {grant.grant_id} has no automatic release.",
            "Set automatic_release to false: every release is then asked for by hand.",
        )
    return grant
