"""Sealing a batch of reads for one list: payloads as the disclosure policy says, records, attestations, wires.

Guarantees that a payload holds the plate and what the policy names, nothing else; that records are attested only
among those of their own list and epoch, since the path of one would otherwise name records of another; and that what
comes out is in random order, each with a time before which it is not to be sent. Protocol section 4.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import SystemRandom
from typing import Final

from blindplate.client.camera.keys import SealingKeys
from blindplate.client.camera.media.index import Offer
from blindplate.client.camera.reads import CameraRead
from blindplate.client.camera.spool import SpoolItem
from blindplate.core.domains import Domain, Epoch
from blindplate.core.errors import MessageError
from blindplate.core.pseudonyms import pseudonym
from blindplate.core.records.attestation import MAX_BATCH
from blindplate.core.records.media import media_reference, media_token
from blindplate.core.records.sealing import Read, Sealed, SealingContext, attest, seal, to_wire
from blindplate.core.records.streams import generate_key
from blindplate.core.signing import SigningKey
from blindplate.core.statements.disclosure import DisclosedField, Disclosure
from blindplate.core.statements.policies import ListPolicy
from blindplate.v1 import records_pb2

# Records that are sent at once still do not go in the order in which vehicles passed.
_JITTER_SECONDS: Final = 0.25
_RANDOM: Final = SystemRandom()


@dataclass(frozen=True, slots=True)
class CameraIdentity:
    """Who seals: its name, its signing key and where it stands (degrees, WGS 84)."""

    camera_id: str
    signing_key: SigningKey = field(repr=False)
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """``unsealable`` counts reads that can never be sealed for this list; ``offers`` are the records' media."""

    items: list[SpoolItem]
    unsealable: int
    offers: list[Offer]


def seal_batch(
    camera: CameraIdentity,
    entry: ListPolicy,
    domain: Domain,
    reads: Sequence[tuple[CameraRead, bytes]],
    keys: SealingKeys,
    now: float,
    media_seconds: float = 0.0,
) -> SealedBatch:
    """Seal ``reads``, each with its F_D (64 bytes), for one list. ``now`` is in seconds since 1970 (UTC).

    Their media may be asked for until ``media_seconds`` after the capture.
    """
    rule = entry.epoch.rule()
    by_epoch: defaultdict[Epoch, list[tuple[CameraRead, bytes]]] = defaultdict(list)
    for read, f in reads:
        by_epoch[rule.at(read.capture_time_ms / 1000)].append((read, f))
    items: list[SpoolItem] = []
    offers: list[Offer] = []
    unsealable = 0
    for epoch, group in by_epoch.items():
        context = SealingContext(
            domain=domain,
            epoch=epoch,
            custodian_a=keys.custodian_a,
            custodian_b=keys.custodian_b,
            time_granularity_ms=entry.disclosure.time_granularity_seconds * 1000,
            discloses_camera=not entry.disclosure.camera_withheld,
        )
        for start in range(0, len(group), MAX_BATCH):
            sealed = _seal_all(
                camera, entry.disclosure, context, group[start : start + MAX_BATCH], offers, media_seconds
            )
            unsealable += len(group[start : start + MAX_BATCH]) - len(sealed)
            items += _addressed(camera, entry, context, sealed, keys, now)
    _RANDOM.shuffle(items)
    return SealedBatch(items, unsealable, offers)


def payload_of(camera: CameraIdentity, disclosure: Disclosure, read: CameraRead) -> records_pb2.Payload:
    """What one record of a list may ever show of a read."""
    event, named = read.event, disclosure.fields
    granularity = disclosure.time_granularity_seconds * 1000
    payload = records_pb2.Payload(
        plate=read.plate, capture_time_ms=read.capture_time_ms - read.capture_time_ms % granularity
    )
    if DisclosedField.CAPTURE_TIME in named:
        payload.capture_time_ms = read.capture_time_ms
    if DisclosedField.TEXT_AS_READ in named:
        payload.text_as_read = event.text
    if DisclosedField.PLACE in named:
        payload.latitude, payload.longitude = camera.latitude, camera.longitude
    if DisclosedField.DIRECTION in named:
        payload.direction = event.direction
    if DisclosedField.CONFIDENCE in named and event.confidence is not None:
        payload.confidence = event.confidence
    if DisclosedField.PLATE_PATCH in named and event.patch is not None:
        payload.plate_patch, payload.plate_patch_type = event.patch.content, event.patch.media_type
    media = [one.sealed for one in event.media if disclosure.discloses(one.sealed.media_type)]
    if media:
        payload.media.extend(one.to_proto() for one in media)
        payload.media_key = generate_key()
    if DisclosedField.VEHICLE in named:
        payload.vehicle_make = event.vehicle.make
        payload.vehicle_model = event.vehicle.model
        payload.vehicle_colour = event.vehicle.colour
    return payload


def _seal_all(
    camera: CameraIdentity,
    disclosure: Disclosure,
    context: SealingContext,
    reads: Sequence[tuple[CameraRead, bytes]],
    offers: list[Offer],
    media_seconds: float,
) -> list[Sealed]:
    sealed: list[Sealed] = []
    for read, f in reads:
        payload = payload_of(camera, disclosure, read)
        try:
            one = seal(
                context,
                Read(
                    payload=payload,
                    pseudonym=pseudonym(f, context.epoch),
                    capture_time_ms=read.capture_time_ms,
                    camera_id=camera.camera_id,
                    alternate=read.alternate,
                ),
            )
        except MessageError:
            # One read that does not fit must not hold up the batch; the caller counts what is missing.
            continue
        sealed.append(one)
        if payload.media:
            offers.append(_offer(disclosure, read, one, payload.media_key, media_seconds))
    return sealed


def _offer(
    disclosure: Disclosure, read: CameraRead, sealed: Sealed, bundle_key: bytes, media_seconds: float
) -> Offer:
    token = media_token(sealed.match_secret, sealed.record.header.digest())
    return Offer(
        reference=media_reference(token),
        token=token,
        bundle_key=bundle_key,
        files=tuple(one.name for one in read.event.media if disclosure.discloses(one.sealed.media_type)),
        until=read.capture_time_ms / 1000 + media_seconds,
    )


def _addressed(
    camera: CameraIdentity,
    entry: ListPolicy,
    context: SealingContext,
    sealed: Sequence[Sealed],
    keys: SealingKeys,
    now: float,
) -> list[SpoolItem]:
    if not sealed:
        return []
    records = attest(context, [one.record for one in sealed], camera.signing_key)
    delay = max(entry.disclosure.max_delay_seconds, _JITTER_SECONDS)
    return [
        SpoolItem(
            list_id=entry.list_id,
            due=now + _RANDOM.uniform(0, delay),
            wire=to_wire(record, one.pseudonym, one.match_secret, keys.window).to_bytes(),
        )
        for record, one in zip(records, sealed, strict=True)
    ]
