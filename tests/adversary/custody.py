"""What custodians hold, used without any of their checks; and a record opened by hand, with none of the owner's."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from blindplate.core.encoding import encode
from blindplate.core.hpke import OpeningKey
from blindplate.core.parties import Custodian
from blindplate.core.plates import CanonicalPlate
from blindplate.core.records.cipher import Binding, RecordKey
from blindplate.core.records.opening import Envelope, open_envelope
from blindplate.core.records.record import SealedRecord
from blindplate.v1 import records_pb2
from tests.adversary.reading import KnownRead
from tests.integration.owner.world import World

NONCE = bytes(12)


def release_key(world: World, read: KnownRead, custodian: Custodian) -> OpeningKey:
    """The key in a custodian's folder that a record's envelope is sealed to."""
    folder = world.deployment.folder / f"custodian-{custodian}" / "state" / "release-keys"
    name = read.record.header.key_id(custodian).hex()
    return OpeningKey.from_seed((folder / f"{name}.seed").read_bytes())


def envelope_of(world: World, read: KnownRead, custodian: Custodian) -> Envelope:
    """What a custodian finds in a record's envelope."""
    return open_envelope(read.record, custodian, release_key(world, read, custodian))


def share_of(world: World, read: KnownRead, custodian: Custodian) -> bytes:
    """A custodian's true share, asked for by nobody."""
    return envelope_of(world, read, custodian).share


def binding_of(record: SealedRecord) -> Binding:
    """What the key of a record is bound to."""
    return Binding(record.header.digest(), record.env_a, record.env_b, record.c_a, record.c_b, record.c_s)


def data_of(record: SealedRecord) -> bytes:
    """The associated data of a record's ciphertext."""
    return encode("record-data", *binding_of(record).fields(), record.c_k)


def opened_by_hand(
    record: SealedRecord, shares_a: Iterable[bytes], shares_b: Iterable[bytes], secrets: Iterable[bytes]
) -> set[str]:
    """The plates that come out when every combination is tried as a key, past every check but AES-GCM's own."""
    found: set[str] = set()
    bound, data = binding_of(record), data_of(record)
    for share_a, share_b, s in product(shares_a, shares_b, secrets):
        dek = RecordKey.derive(bound, share_a, share_b, s).dek
        try:
            text = AESGCM(dek).decrypt(NONCE, record.ciphertext, data)
        except InvalidTag:
            continue
        payload = records_pb2.Payload.FromString(text[4 : 4 + int.from_bytes(text[:4], "big")])
        found.add(CanonicalPlate.decode(payload.plate).text)
    return found
