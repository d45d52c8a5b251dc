"""Reads whose secrets the test knows: sealed as a camera seals them, handed in to the real matcher."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from blindplate.client.custodians import CustodianPair
from blindplate.core.domains import Domain
from blindplate.core.hpke import SealingKey
from blindplate.core.plates import canonicalize
from blindplate.core.pseudonyms import pseudonym
from blindplate.core.records.record import SealedRecord
from blindplate.core.records.sealing import Read, SealingContext, attest, seal, to_wire
from blindplate.core.records.wire import Wire
from blindplate.core.signing import Statement
from blindplate.core.statements.announced_keys import WindowKey, current
from blindplate.core.statements.grants import Grant
from blindplate.edge.statuses import remote_errors
from blindplate.edge.tls import open_channel
from blindplate.v1 import intake_pb2, intake_pb2_grpc, records_pb2
from tests.integration.owner.world import World

ZONES = {"camera-1": "inner", "camera-2": "outer", "camera-3": "inner"}
# F_D of a plate encoding in a domain, 64 bytes.
Hash = Callable[[bytes, Domain], bytes]


@dataclass(frozen=True, slots=True)
class KnownRead:
    """One read and all that its camera knows of it."""

    plate: str
    y: bytes
    s: bytes
    record: SealedRecord
    wire: Wire

    @property
    def record_id(self) -> bytes:
        return self.record.header.record_id


def grant_of(world: World, list_id: str) -> Grant:
    """The grant of a list as the ledger has it, its last amendment."""
    return next(iter(world.custodians.values())).replica.state.grants[f"{list_id}-1"].latest


def domain_of(camera: str, list_id: str) -> Domain:
    """The domain of a camera's reads for a list."""
    return Domain(list_id, ZONES[camera], 1)


def pair_as(world: World, party: str) -> CustodianPair:
    """Both custodians, over channels under the certificate of ``party``."""
    addresses = world.deployment.plan.addresses
    return CustodianPair(
        addresses["custodian-a"], addresses["custodian-b"], world.tls(party), world.settings().trust
    )


def sealed_reads(
    world: World,
    plates: Sequence[str],
    *,
    camera: str = "camera-1",
    list_id: str = "police",
    at: float | None = None,
    hash_with: Hash | None = None,
) -> list[KnownRead]:
    """Seal reads of ``plates`` by ``camera``. ``hash_with`` takes the place of both custodians' keyed hash."""
    moment = world.clock.now() if at is None else at
    grant, domain = grant_of(world, list_id), domain_of(camera, list_id)
    encoded = [canonicalize(plate, "GB").encode() for plate in plates]
    with pair_as(world, camera) as pair:
        release_a, release_b = pair.release_keys(world.clock.now())
        outputs = (
            [hash_with(plate, domain) for plate in encoded]
            if hash_with
            else pair.evaluate(domain, encoded, *pair.evaluation_keys(domain))
        )
    context = SealingContext(
        domain,
        grant.epoch.rule().at(moment),
        SealingKey.from_public(release_a.public),
        SealingKey.from_public(release_b.public),
        1000 * grant.disclosure.time_granularity_seconds,
        discloses_camera=not grant.disclosure.camera_withheld,
    )
    captured = int(moment * 1000)
    sealed = [
        seal(
            context,
            Read(
                records_pb2.Payload(plate=plate, capture_time_ms=captured),
                pseudonym(f, context.epoch),
                captured,
                camera,
            ),
        )
        for plate, f in zip(encoded, outputs, strict=True)
    ]
    records = attest(context, [one.record for one in sealed], world.signing_key(camera))
    window = _window_key(world, camera)
    return [
        KnownRead(
            plate,
            one.pseudonym,
            one.match_secret,
            record,
            to_wire(record, one.pseudonym, one.match_secret, window),
        )
        for plate, one, record in zip(plates, sealed, records, strict=True)
    ]


def hand_in(world: World, reads: Sequence[KnownRead], camera: str = "camera-1") -> None:
    """Hand reads in to the matcher as ``camera``."""
    request = intake_pb2.SubmitRequest(wires=[read.wire.to_proto() for read in reads])
    address = world.deployment.plan.addresses["matcher"]
    with open_channel(address, "matcher", world.tls(camera)) as channel, remote_errors("matcher"):
        receipts = intake_pb2_grpc.IntakeStub(channel).Submit(request).receipts
    assert {receipt.acceptance for receipt in receipts} == {intake_pb2.ACCEPTANCE_ACCEPTED}


def _window_key(world: World, camera: str) -> SealingKey:
    address = world.deployment.plan.addresses["matcher"]
    with open_channel(address, "matcher", world.tls(camera)) as channel, remote_errors("matcher"):
        answer = intake_pb2_grpc.IntakeStub(channel).WindowKeys(intake_pb2.WindowKeysRequest())
    trusted = [world.settings().trust.matcher]
    keys = [WindowKey.verified(Statement.from_proto(one), trusted) for one in answer.statements]
    return SealingKey.from_public(current(keys, world.clock.now()).public)
