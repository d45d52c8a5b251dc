"""Did they look at me? Asked by an officer, on behalf of a keeper who proved who they are.

Guarantees that the plate leaves this process blinded only, with another blind for each custodian; that evaluations
hold under the keys the custodians entered in the ledger; and that what is told of a release is what its public entry
says. That custodian B names every release it should rests on its word, and on that of the tags it entered. The ledger
is read from its beginning into a folder that is then removed. Protocol section 6.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from blindplate.client.officer import OfficerSettings
from blindplate.core.domains import Domain
from blindplate.core.errors import EntryError, NotFoundError, ProofError
from blindplate.core.ledger.state import LedgerState
from blindplate.core.parties import Custodian
from blindplate.core.plates import CanonicalPlate
from blindplate.core.pseudonyms import Blinding, combine
from blindplate.core.statements.release_entries import RequestEntry
from blindplate.edge.clock import Clock, SystemClock
from blindplate.edge.ledger.follower import Follower
from blindplate.edge.ledger.replica import Replica
from blindplate.edge.ledger.source import open_source
from blindplate.edge.statuses import remote_errors
from blindplate.edge.tls import open_channel
from blindplate.v1 import subjects_pb2 as v1
from blindplate.v1 import types_pb2
from blindplate.v1.subjects_pb2_grpc import SubjectAccessStub

# As many domains as a custodian takes in one call, each of which counts as a subject asked about.
_DOMAINS: Final = 1_000
_EVALUATE_SECONDS: Final = 60.0
# A custodian tries every release of each domain.
_SEARCH_SECONDS: Final = 600.0
_CLOCK: Final = SystemClock()


@dataclass(frozen=True, slots=True)
class FoundRelease:
    """A release of the subject: where custodian B's decision stands in the ledger, and the request's public entry."""

    ledger_index: int
    entry: RequestEntry


def find_releases(
    settings: OfficerSettings, plate: CanonicalPlate, clock: Clock = _CLOCK
) -> list[FoundRelease]:
    """Every release of the vehicle with this plate that custodian B can still tell, in the ledger's order.

    Raises IdentityError when a custodian does not name this officer for it, QuotaError when it was asked too often
    today, NotFoundError while a custodian has not entered a key, ProofError naming the custodian whose evaluation does
    not hold, EntryError when custodian B names a release that the ledger does not hold, UnavailableError, and what
    the ledger's checks raise (ForkError, SignatureError, ...).
    """
    with _ledger(settings, clock) as (replica, follower), _custodians(settings) as stubs:
        follower.refresh()
        state = replica.state
        domains = sorted({domain for grant in state.grants.values() for domain in grant.domains()})
        releases: list[v1.SubjectRelease] = []
        for some in _cut(domains):
            outputs = _outputs(stubs, state, some, plate.encode())
            releases += _search(stubs[Custodian.B], outputs)
        # What was released meanwhile was witnessed before.
        follower.refresh()
        found = [_found(replica, release) for release in releases]
    return sorted(found, key=lambda release: release.ledger_index)


def _outputs(
    stubs: Mapping[Custodian, SubjectAccessStub], state: LedgerState, domains: Sequence[Domain], plate: bytes
) -> dict[Domain, bytes]:
    """F_D (64 bytes) of the plate in every domain."""
    halves = {
        custodian: _evaluate(stub, custodian, _keys(state, custodian, domains), plate)
        for custodian, stub in stubs.items()
    }
    return {
        domain: combine(halves[Custodian.A][domain], halves[Custodian.B][domain], domain)
        for domain in domains
    }


def _keys(state: LedgerState, custodian: Custodian, domains: Sequence[Domain]) -> dict[Domain, bytes]:
    missing = [domain for domain in domains if (custodian, domain) not in state.evaluation_keys]
    if missing:
        raise NotFoundError(
            f"Custodian {custodian} has not entered its key for list {missing[0].list_id}, zone {missing[0].zone}.",
            "Wait until the ledger holds it, then ask again.",
        )
    return {domain: state.evaluation_keys[custodian, domain] for domain in domains}


def _evaluate(
    stub: SubjectAccessStub, custodian: Custodian, keys: Mapping[Domain, bytes], plate: bytes
) -> dict[Domain, bytes]:
    blinding = Blinding.blind([plate])
    request = v1.EvaluateSubjectRequest(blinded=blinding.blinded[0], domains=[_wire(one) for one in keys])
    with remote_errors(f"custodian {custodian}"):
        answer = stub.Evaluate(request, timeout=_EVALUATE_SECONDS)
    if len(answer.evaluations) != len(keys):
        raise ProofError(f"Custodian {custodian} did not answer for every domain it was asked.")
    outputs: dict[Domain, bytes] = {}
    for (domain, public), one in zip(keys.items(), answer.evaluations, strict=True):
        try:
            (outputs[domain],) = blinding.finalize([one.evaluated], one.proof, public)
        except ProofError as error:
            raise ProofError(
                f"An answer of custodian {custodian} was refused: {error.what}", error.remedy
            ) from None
    return outputs


def _search(stub: SubjectAccessStub, outputs: Mapping[Domain, bytes]) -> Sequence[v1.SubjectRelease]:
    request = v1.SearchSubjectRequest(
        outputs=[v1.SubjectOutput(domain=_wire(domain), output=f) for domain, f in outputs.items()]
    )
    with remote_errors("custodian b"):
        return stub.Search(request, timeout=_SEARCH_SECONDS).releases


def _found(replica: Replica, release: v1.SubjectRelease) -> FoundRelease:
    entered = replica.request_entry(release.request_id)
    if entered is None:
        raise EntryError("Custodian B names a release of which the ledger holds no request.")
    return FoundRelease(release.ledger_index, entered[2])


@contextmanager
def _ledger(settings: OfficerSettings, clock: Clock) -> Generator[tuple[Replica, Follower], None, None]:
    keys = settings.ledger.keys.keys()
    with TemporaryDirectory() as folder, closing(open_source(settings.ledger.url)) as source:
        replica = Replica(Path(folder) / "ledger.sqlite", keys, settings.trust.parties())
        with closing(replica):
            yield replica, Follower(replica, source, keys, clock)


@contextmanager
def _custodians(settings: OfficerSettings) -> Generator[dict[Custodian, SubjectAccessStub], None, None]:
    addresses = {Custodian.A: settings.custodian_a, Custodian.B: settings.custodian_b}
    with ExitStack() as stack:
        yield {
            custodian: SubjectAccessStub(
                stack.enter_context(open_channel(address, f"custodian-{custodian}", settings.tls))
            )
            for custodian, address in addresses.items()
        }


def _cut(domains: Sequence[Domain]) -> Iterator[Sequence[Domain]]:
    return (domains[start : start + _DOMAINS] for start in range(0, len(domains), _DOMAINS))


def _wire(domain: Domain) -> types_pb2.Domain:
    return types_pb2.Domain(list_id=domain.list_id, zone=domain.zone, generation=domain.generation)
