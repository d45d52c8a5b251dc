"""G3, what the form of an upload excludes: every crafted upload is refused, and the list before it stays in force.

Over the real matcher's upload stream. Each refusal is a typed error; afterwards the very same segment is in force, no
byte of the refused one lies in the matcher's folder, and a read is still matched with the list before.
What the form lets through is attacked in ``test_g3_answers``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from blindplate.core.domains import CHARGING_DAY
from blindplate.core.errors import (
    BlindplateError,
    ExpiredError,
    GrantError,
    IdentityError,
    MessageError,
    ParameterError,
    ReplayError,
    SignatureError,
    UnwitnessedError,
    UploadError,
)
from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.model import EpochPart
from blindplate.core.statements.uploads import Manifest
from blindplate.edge.statuses import remote_errors
from blindplate.psi.context import Context, context_for
from blindplate.psi.layout import Layout, declared
from blindplate.psi.owner import build_upload, open_answer
from blindplate.psi.parameters import load_set
from blindplate.server.matcher.grants import Grants
from blindplate.server.matcher.manifests import judge
from blindplate.v1 import lists_pb2, lists_pb2_grpc
from tests.adversary.conftest import marks
from tests.adversary.foreign_ciphertexts import FOREIGN
from tests.adversary.list_attacker import Attacker
from tests.adversary.reading import grant_of, hand_in, sealed_reads
from tests.integration.owner.world import World

LISTED = marks(3)


@dataclass
class Standing:
    """The list in force, its owner, and another upload of that owner, ready to be tampered with."""

    attacker: Attacker
    layout: Layout
    segment_id: bytes
    secret: bytes
    blobs: list[bytes]
    salt: bytes

    @property
    def world(self) -> World:
        return self.attacker.world

    def manifest(self, **changes: Any) -> Manifest:
        honest = self.attacker.manifest(self.blobs, self.salt, self.layout)
        # Unchecked: what an attacker signs is not held to any model.
        return honest.model_copy(update=changes)

    def require_untouched(self) -> None:
        """The list before is in force, whole, and nothing else lies about."""
        assert self.attacker.in_force() == [self.segment_id]
        folder = self.world.deployment.folder / "matcher" / "state" / "segments"
        assert [path.name for path in folder.iterdir()] == [f"{self.segment_id.hex()}.blobs"]


@pytest.fixture(scope="module")
def context() -> Context:
    return context_for(load_set("prompt"))


@pytest.fixture(scope="module")
def standing(world: World, context: Context) -> Iterator[Standing]:
    attacker, parameters = Attacker(world), context.parameters
    attacker.commit()
    layout = declared(2, 64, parameters)
    listed = [read.y for read in sealed_reads(world, LISTED)]
    honest, other = (build_upload(listed, layout, parameters) for _ in range(2))
    blobs = list(honest.body)
    segment_id = attacker.send(attacker.manifest(blobs, honest.salt, layout), blobs)
    yield Standing(attacker, layout, segment_id, honest.secret, list(other.body), other.salt)
    attacker.owner.close()


@pytest.fixture(autouse=True)
def _untouched(standing: Standing) -> Iterator[None]:
    yield
    standing.require_untouched()


@pytest.mark.parametrize("craft", FOREIGN, ids=lambda craft: craft.__name__)
@pytest.mark.parametrize("place", [0, 1], ids=["as-the-encryption-of-zero", "as-a-coefficient"])
def test_a_ciphertext_of_another_form_is_refused(
    craft: Callable[[Context], bytes], place: int, standing: Standing, context: Context
) -> None:
    blobs = [*standing.blobs[:place], craft(context), *standing.blobs[place + 1 :]]
    with pytest.raises(UploadError):
        standing.attacker.send(standing.manifest(), blobs)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda blobs: blobs[:-1], id="one-too-few"),
        pytest.param(lambda blobs: [*blobs, blobs[1]], id="one-too-many"),
        pytest.param(lambda blobs: [*blobs[:1], blobs[2], blobs[1], *blobs[3:]], id="two-changed-places"),
        pytest.param(lambda blobs: [*blobs[:-1], blobs[1]], id="one-in-place-of-another"),
        pytest.param(lambda blobs: [blobs[0][:-64] + os.urandom(64), *blobs[1:]], id="another-seed-of-zero"),
        pytest.param(
            lambda blobs: [blobs[0], blobs[1][:-64] + os.urandom(64), *blobs[2:]], id="another-seed"
        ),
    ],
)
def test_ciphertexts_that_are_not_the_manifests_are_refused(
    change: Callable[[list[bytes]], list[bytes]], standing: Standing
) -> None:
    with pytest.raises(UploadError):
        standing.attacker.send(standing.manifest(), change(standing.blobs))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"bins": 800, "degree": 64}, GrantError, id="more-places-than-the-grants-capacity"),
        pytest.param({"bins": 8193}, UploadError, id="more-bins-than-slots"),
        pytest.param({"degree": 63, "ciphertexts": 64}, UploadError, id="bins-of-fewer-than-64"),
        pytest.param({"degree": 2049, "ciphertexts": 2050}, UploadError, id="a-degree-beyond-the-sets-noise"),
        pytest.param({"ciphertexts": 66}, UploadError, id="more-ciphertexts-than-the-degree-says"),
        pytest.param({"salt": bytes(16)}, UploadError, id="a-salt-of-the-owners-choosing"),
        pytest.param(
            {"parameter_digest": bytes(32)}, ParameterError, id="another-parameter-set-of-that-name"
        ),
        pytest.param({"parameter_set": "bulk"}, ParameterError, id="another-parameter-set"),
        pytest.param({"list_id": "emissions"}, GrantError, id="another-list"),
        pytest.param({"grant_id": "emissions-1"}, GrantError, id="another-owners-grant"),
        pytest.param({"grant_id": "police-2"}, GrantError, id="no-grant"),
        pytest.param({"list_version": 1}, UploadError, id="an-older-list-put-back"),
        pytest.param({"list_version": 100_000}, UnwitnessedError, id="a-version-nobody-has-witnessed"),
        pytest.param(
            {"matches_from": 1_700_000_000}, UploadError, id="sought-in-what-was-read-before-it-was-witnessed"
        ),
        pytest.param({"number": 5}, ReplayError, id="a-delta-out-of-turn"),
        pytest.param(
            {"epoch": EpochPart.of(CHARGING_DAY.at(1_800_000_000))}, GrantError, id="an-epoch-cut-otherwise"
        ),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    changes: dict[str, Any], error: type[BlindplateError], standing: Standing
) -> None:
    with pytest.raises(error):
        standing.attacker.send(standing.manifest(**changes), standing.blobs)


def test_an_epoch_that_is_over_or_far_ahead_is_refused(standing: Standing) -> None:
    epoch = standing.manifest().epoch.epoch()
    for index in (epoch.index - 10, epoch.index + 10):
        elsewhere = EpochPart.of(replace(epoch, index=index))
        with pytest.raises(ExpiredError):
            standing.attacker.send(standing.manifest(epoch=elsewhere), standing.blobs)


def test_deltas_cannot_add_up_to_more_than_the_capacity(standing: Standing) -> None:
    delta = standing.manifest(number=1, bins=793)
    with pytest.raises(GrantError, match="in this epoch"):
        standing.attacker.send(delta, standing.blobs)


def test_it_is_the_grant_alone_that_bounds_a_list(standing: Standing) -> None:
    """The defence removed: under a grant that allows more, the same manifest is taken as it is."""
    grant = grant_of(standing.world, "police")
    history = standing.world.custodians[Custodian.A].replica.state.grants[grant.grant_id]
    statement = standing.manifest(bins=800).statement(standing.attacker.owner.signing_key)

    def judged(capacity: int) -> int:
        allowing = grant.model_copy(update={"capacity": capacity})
        amendments = (*history.amendments[:-1], replace(history.amendments[-1], grant=allowing))
        grants = Grants({grant.grant_id: replace(history, amendments=amendments)})
        return judge(statement, grant.owner, grants, 1 << 30, standing.world.clock.now()).segment.size

    with pytest.raises(GrantError):
        judged(grant.capacity)
    assert judged(1 << 20) == 800 * 64


def test_a_manifest_signed_by_anyone_else_is_refused(standing: Standing) -> None:
    for signer in (standing.world.signing_key("owner-emissions"), SigningKey.generate()):
        with pytest.raises(SignatureError):
            standing.attacker.send(standing.manifest(), standing.blobs, signer)
    signed = standing.manifest().statement(standing.attacker.owner.signing_key)
    altered = Statement(
        signed.payload_type, signed.payload.replace(b'"bins": 2,', b'"bins": 3,'), signed.signatures
    )
    assert altered.payload != signed.payload
    with pytest.raises(SignatureError):
        standing.attacker.send(altered, standing.blobs)


@pytest.mark.parametrize(
    ("party", "error"),
    [("owner-emissions", GrantError), ("camera-1", IdentityError), ("matcher", IdentityError)],
)
def test_an_upload_brought_by_anyone_else_is_refused(
    party: str, error: type[BlindplateError], standing: Standing
) -> None:
    thief = Attacker(standing.world, party)
    # Word for word what the police signed.
    stolen = standing.manifest().statement(standing.attacker.owner.signing_key)
    with pytest.raises(error):
        thief.send(stolen, standing.blobs)
    thief.owner.close()


def test_a_stream_in_another_order_is_refused(standing: Standing) -> None:
    manifest = lists_pb2.UploadPart(
        manifest=standing.manifest().statement(standing.attacker.owner.signing_key).to_proto()
    )
    blob = lists_pb2.UploadPart(ciphertext=standing.blobs[0])
    checkpoint = lists_pb2.UploadPart(checkpoint=standing.attacker.owner.checkpoint)
    for parts in (
        [],
        [blob],
        [blob, manifest],
        [manifest, manifest],
        [manifest, blob],
        [checkpoint, manifest],
        [manifest, checkpoint, checkpoint],
        [lists_pb2.UploadPart()],
    ):
        channel = standing.attacker.owner.connect(standing.attacker.port)
        with pytest.raises(MessageError), remote_errors("matcher"):
            lists_pb2_grpc.ListsStub(channel).Upload(iter(parts))


def test_after_all_refusals_the_list_before_still_matches(standing: Standing) -> None:
    with pytest.raises(UploadError):
        standing.attacker.send(standing.manifest(), standing.blobs[:-1])
    (read,) = sealed_reads(standing.world, LISTED[1:2])
    hand_in(standing.world, [read])
    _, body = standing.attacker.newest_answer(standing.segment_id)
    assert [found.match_secret for found in open_answer(standing.secret, body)] == [read.s]
