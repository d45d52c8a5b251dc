"""A list owner gone bad: its own identity, keys and grant, and any upload and claim it likes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from blindplate.core.ledger.checkpoints import verify_checkpoint
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.model import EpochPart
from blindplate.core.statements.uploads import Manifest
from blindplate.psi.layout import Layout
from blindplate.psi.parameters import load_set
from blindplate.v1 import answers_pb2
from tests.adversary.reading import grant_of
from tests.integration.matcher.conftest import Owner, commitment, witnessed
from tests.integration.owner.world import World, within


@dataclass
class Attacker:
    """The police's, unless another party is named.

    Uploads nothing before ``commit``: every version it uploads must be witnessed, whatever it then sends as that version.
    """

    world: World
    party: str = "owner-police"
    # The first it uploads is its second, so that there is an older one to put back.
    version: int = 1
    matches_from: int = 0
    owner: Owner = field(init=False)

    def __post_init__(self) -> None:
        self.owner = Owner(self.world.deployment, self.party)

    @property
    def port(self) -> int:
        """Where the matcher listens."""
        return int(self.world.deployment.plan.addresses["matcher"].rpartition(":")[2])

    def commit(self, versions: int = 200) -> None:
        """Commit to so many versions in advance, of one entry each, and let them be in force."""
        grant, now = grant_of(self.world, "police"), self.world.clock.now()
        made = [
            commitment(grant, number, now).statement(self.owner.signing_key)
            for number in range(1, versions + 1)
        ]
        index = self.world.enter(*made, by=self.party)
        self.owner.checkpoint = witnessed(self.world.ledger, index)
        keys = self.world.ledger.access().keys.keys()
        self.matches_from = verify_checkpoint(self.owner.checkpoint, keys).require_both() + 1
        self.world.clock.offset += 2

    def manifest(self, blobs: Sequence[bytes], salt: bytes, layout: Layout) -> Manifest:
        """An honest manifest of a new base for the epoch that runs, of the next version committed to."""
        grant, parameters, now = grant_of(self.world, "police"), load_set("prompt"), self.world.clock.now()
        epoch = grant.epoch.rule().at(now)
        self.version += 1
        return Manifest(
            grant_id=grant.grant_id,
            list_id=grant.list_id,
            list_version=self.version,
            epoch=EpochPart.of(epoch),
            number=0,
            parameter_set=parameters.name,
            parameter_digest=parameters.digest,
            bins=layout.bins,
            degree=layout.degree,
            salt=salt,
            ciphertexts=len(blobs),
            blobs_sha256=sha256(b"".join(blobs)).digest(),
            matches_from=max(self.matches_from, int(epoch.start())),
            made_at=int(now),
        )

    def send(
        self, manifest: Manifest | Statement, blobs: Sequence[bytes], signer: SigningKey | None = None
    ) -> bytes:
        """Upload; the segment's id. Raises what the matcher refuses it with."""
        if isinstance(manifest, Manifest):
            manifest = manifest.statement(signer or self.owner.signing_key)
        return self.owner.send(self.port, manifest, blobs).segment_id

    def answered(self, blobs: Sequence[bytes], salt: bytes, layout: Layout) -> tuple[int, bytes]:
        """Upload a list as the new base; number and body of the matcher's answer to it."""
        return self.newest_answer(self.send(self.manifest(blobs, salt, layout), blobs))

    def newest_answer(self, segment_id: bytes) -> tuple[int, bytes]:
        """Number and body of the newest answer, which is awaited from this segment."""
        answer = within(self._newest, lambda found: found.segment_id == segment_id)
        assert answer.segment_id == segment_id
        return answer.sequence, answer.body

    def in_force(self) -> list[bytes]:
        """The ids of the segments of the list that are in force."""
        return [one.segment_id for one in self.owner.segments(self.port, "police")]

    def _newest(self) -> answers_pb2.Answer:
        answer = answers_pb2.Answer()
        while (response := self.owner.next(self.port, "police", answer.sequence)).HasField("answer"):
            answer = response.answer
        return answer
