"""A charging day as an owner has it before payment closes: a long list in force, and reads of some of its vehicles kept.

What the day's run does not touch is made up: F_D of each entry is random bytes, for both the list and the camera, since no
custodian is asked for one in it; vehicles that are not listed are not read at all, since their reads are erased within
seconds. Everything kept is a real record: sealed to both custodians' release keys, signed, handed in, matched and claimed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from itertools import islice, product
from typing import Final

from sqlalchemy import insert

from blindplate.cli.deployment import CameraPlan, Deployment
from blindplate.client.camera.matcher import Matcher
from blindplate.client.camera.settings import CameraSettings
from blindplate.client.custodians import CustodianPair
from blindplate.client.owner.entries import Details
from blindplate.client.owner.session import Session
from blindplate.client.owner.tables import entries, evaluations, versions
from blindplate.core.domains import Domain
from blindplate.core.errors import StateError
from blindplate.core.hpke import SealingKey
from blindplate.core.plates import CanonicalPlate, canonicalize
from blindplate.core.pseudonyms import pseudonym
from blindplate.core.records.sealing import Read, SealingContext, attest, seal, to_wire
from blindplate.core.signing import SEED_BYTES, SigningKey
from blindplate.core.statements.announced_keys import current
from blindplate.edge.keyfiles import read_secret
from blindplate.edge.settings import load
from blindplate.v1.records_pb2 import Payload

# Letters that are read as themselves.
_LETTERS: Final = "ABCDEFGHKLMNPRSTVWXY"
_F_BYTES: Final = 64
_SALT_BYTES: Final = 16
_ROWS_AT_ONCE: Final = 50_000
_BATCH: Final = 500
_PATCH_BYTES: Final = 155


@dataclass(frozen=True, slots=True)
class Listed:
    """A vehicle on the list, and F_D of it in the one domain there is."""

    plate: CanonicalPlate
    f: bytes


def fill_list(session: Session, number: int, kept: int) -> list[Listed]:
    """List ``number`` vehicles as one version, all evaluated; gives the first ``kept`` of them."""
    [domain] = session.committed_domains
    listed = _vehicles(number)
    found: list[Listed] = []
    blank = {one.name: getattr(Details(), one.name) for one in fields(Details)}
    with session.store.writing() as connection:
        made = insert(versions).values(made_at=session.now(), added=number, removed=0)
        version = connection.execute(made.returning(versions.c.version)).scalar_one()
        row = blank | {"listed_version": version, "listed_at": session.now()}
        while some := list(islice(listed, _ROWS_AT_ONCE)):
            plates = [one.plate.encode() for one in some]
            connection.execute(insert(entries), [row | {"plate": plate} for plate in plates])
            evaluated = [
                {"plate": plate, "f": one.f, "salt": os.urandom(_SALT_BYTES), **_place(domain)}
                for plate, one in zip(plates, some, strict=True)
            ]
            connection.execute(insert(evaluations), evaluated)
            found += some[: kept - len(found)]
    return found


def hand_in(deployment: Deployment, camera: CameraPlan, session: Session, read: Sequence[Listed]) -> None:
    """Seal one read of each vehicle, captured now, and hand them in. Raises StateError when one is refused."""
    settings = load(CameraSettings, deployment.settings(camera.name))
    signing_key = SigningKey.from_seed(read_secret(settings.signing_key, SEED_BYTES))
    context = _context(deployment, settings, session)
    now_ms = int(1000 * session.now())
    address = deployment.plan.addresses["matcher"]
    with closing(Matcher(address, settings.tls, settings.trust.matcher)) as matcher:
        window = SealingKey.from_public(current(matcher.window_keys(), session.now()).public)
        for start in range(0, len(read), _BATCH):
            sealed = [
                seal(context, _read(one, context, now_ms, settings.camera_id))
                for one in read[start : start + _BATCH]
            ]
            attested = attest(context, [one.record for one in sealed], signing_key)
            receipts = matcher.submit(
                [
                    to_wire(record, one.pseudonym, one.match_secret, window).to_bytes()
                    for record, one in zip(attested, sealed, strict=True)
                ]
            )
            if not all(receipt.accepted for receipt in receipts):
                raise StateError("The matcher refused records of the benchmark.", "Look at its log.")


def _context(deployment: Deployment, settings: CameraSettings, session: Session) -> SealingContext:
    [domain] = session.committed_domains
    addresses, disclosure = deployment.plan.addresses, session.grant.disclosure
    with closing(
        CustodianPair(addresses["custodian-a"], addresses["custodian-b"], settings.tls, settings.trust)
    ) as pair:
        release_a, release_b = pair.release_keys(session.now())
    return SealingContext(
        domain,
        session.rule.at(session.now()),
        SealingKey.from_public(release_a.public),
        SealingKey.from_public(release_b.public),
        1000 * disclosure.time_granularity_seconds,
        discloses_camera=not disclosure.camera_withheld,
    )


def _read(one: Listed, context: SealingContext, now_ms: int, camera_id: str) -> Read:
    payload = Payload(
        plate=one.plate.encode(),
        capture_time_ms=now_ms,
        plate_patch=os.urandom(_PATCH_BYTES),
        plate_patch_type="image/jpeg",
    )
    return Read(payload, pseudonym(one.f, context.epoch), now_ms, camera_id)


def _vehicles(number: int) -> Iterator[Listed]:
    """Different vehicles with current marks; how the letters fall does not matter to anything measured."""
    marks = (f"{a}{b}{age:02}{c}{d}{e}" for age, a, b, c, d, e in product(range(2, 25), *[_LETTERS] * 5))
    for mark in islice(marks, number):
        yield Listed(canonicalize(mark, "GB"), os.urandom(_F_BYTES))


def _place(domain: Domain) -> dict[str, object]:
    return {"zone": domain.zone, "generation": domain.generation}
