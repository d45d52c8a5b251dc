"""Hits as an owner has them once claimed: real records, sealed by a camera for keys that nobody holds."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from blindplate.client.owner.hits import Claimed, SealedHit, find_hit, keep_hits, last_hit
from blindplate.client.owner.tables import segments
from blindplate.core.domains import Domain
from blindplate.core.hpke import OpeningKey, generate_seed
from blindplate.core.plates import canonicalize
from blindplate.core.pseudonyms import pseudonym
from blindplate.core.records.sealing import Read, SealingContext, SealingRandomness, assemble
from blindplate.v1 import records_pb2
from tests.unit.client.owner.scene import Scene, f_of

N_Y = b"n" * 16


def encoded(plate: str) -> bytes:
    return canonicalize(plate, "GB").encode()


def domain_of(scene: Scene) -> Domain:
    return scene.session.grant.domains()[0]


def hit_on(
    scene: Scene, plate: str, *, at: float | None = None, base: bool = True, alternate: bool = False
) -> SealedHit:
    """A hit on ``plate``, read at ``at`` (now), by the base of that epoch, or the last delta; stored."""
    moment = scene.clock.moment if at is None else at
    epoch = scene.session.rule.at(moment)
    keys = [OpeningKey.from_seed(generate_seed()).sealing_key() for _ in range(2)]
    granularity = 1000 * scene.session.grant.disclosure.time_granularity_seconds
    context = SealingContext(domain_of(scene), epoch, keys[0], keys[1], granularity, discloses_camera=True)
    captured = int(moment * 1000)
    y = pseudonym(f_of(context.domain, encoded(plate)), epoch)
    payload = records_pb2.Payload(plate=encoded(plate), capture_time_ms=captured)
    randomness = replace(SealingRandomness.fresh(), n_y=N_Y)
    one = assemble(context, Read(payload, y, captured, "camera-1", alternate), randomness)
    with scene.session.store.writing() as connection:
        order = segments.c.number if base else segments.c.number.desc()
        chosen = select(segments.c.segment_id).where(segments.c.epoch_index == epoch.index).order_by(order)
        segment_id = connection.execute(chosen).scalars().first() or bytes(32)
        claimed = Claimed(0, one.record, one.match_secret)
        keep_hits(connection, [claimed], sequence=1, segment_id=segment_id, now=scene.clock.moment)
        return find_hit(connection, last_hit(connection))
