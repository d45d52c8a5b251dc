"""Blinded plates brought to a custodian past any client of this project, and its key with nothing in front of it."""

from __future__ import annotations

from blindplate.core.domains import Domain
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import Blinding, DomainKey
from blindplate.edge.keyfiles import read_secret
from blindplate.edge.settings import TlsFiles
from blindplate.edge.statuses import remote_errors
from blindplate.edge.tls import open_channel
from blindplate.v1 import pseudonyms_pb2 as v1
from blindplate.v1 import types_pb2
from blindplate.v1.pseudonyms_pb2_grpc import LocalKeysStub, PseudonymsStub
from tests.integration.owner.world import World


def evaluated(
    world: World, custodian: Custodian, tls: TlsFiles, domain: Domain, blinding: Blinding
) -> v1.EvaluateResponse:
    """What a custodian answers to blinded plates."""
    address = world.deployment.plan.addresses[f"custodian-{custodian}"]
    request = v1.EvaluateRequest(domain=_message(domain), blinded=blinding.blinded)
    with open_channel(address, f"custodian-{custodian}", tls) as channel, remote_errors("custodian"):
        return PseudonymsStub(channel).Evaluate(request, timeout=20)


def secret_fetched(world: World, custodian: Custodian, party: str, domain: Domain, recipient: bytes) -> bytes:
    """A domain's secret as a custodian hands it out for local mode, sealed to ``recipient``."""
    address = world.deployment.plan.addresses[f"custodian-{custodian}"]
    request = v1.FetchLocalKeyRequest(domain=_message(domain), recipient=recipient)
    tls = world.tls(party)
    with open_channel(address, f"custodian-{custodian}", tls) as channel, remote_errors("custodian"):
        return LocalKeysStub(channel).Fetch(request, timeout=20).sealed_secret


def key_of(world: World, custodian: Custodian, domain: Domain) -> DomainKey:
    """The defence removed: the custodian's key itself, with nothing in front of it."""
    seed = read_secret(world.deployment.folder / f"custodian-{custodian}" / "pseudonyms.seed")
    return DomainKey.derive(seed, domain)


def _message(domain: Domain) -> types_pb2.Domain:
    return types_pb2.Domain(list_id=domain.list_id, zone=domain.zone, generation=domain.generation)
