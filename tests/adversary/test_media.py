"""Sealed media (decision 12): what is shown for a record is what its camera sealed with it, and none of an unclaimed one moves.

The attackers are a camera, which has every key of what it sealed and makes something else afterwards; the matcher, which
keeps, cuts, exchanges and reorders what passes through it; an owner that has not claimed; and a thief with the certificate
of another camera of the zone. Protocol section 4; docs/spec/records.md section 8.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert

from blindplate.cli.deployment import Deployment, create_deployment
from blindplate.client.owner.evidence import media_folder, open_evidence, sealed_path
from blindplate.core.errors import CommitmentError, EnvelopeError, NotFoundError
from blindplate.core.records import streams
from blindplate.core.records.media import (
    MediaDigest,
    SealedMedia,
    media_reference,
    open_bundle,
    open_media,
    seal_bundle,
    seal_media,
)
from blindplate.core.records.streams import CHUNK_BYTES, generate_key, sealed_length
from blindplate.server.matcher import media as service
from blindplate.server.matcher import media_store
from blindplate.server.matcher.media_store import Wanted
from blindplate.server.matcher.tables import media
from blindplate.v1.records_pb2 import Payload
from tests.integration.conftest import small_plan
from tests.integration.matcher.conftest import World, open_world
from tests.integration.matcher.test_media import answered, claimed, deliver, fetch, look, token_of, wanted

_SEALED_CHUNK = sealed_length(CHUNK_BYTES)
# Three chunks, each of one letter, so that order shows.
CONTENT = b"".join(letter * CHUNK_BYTES for letter in (b"a", b"b", b"c"))
AFTERWARDS = CONTENT.upper()
_TYPE = "video/mp4"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a record's payload says of its one clip, the clip sealed, and what its camera hands over."""

    payload: Payload
    sealed: bytes
    bundle: bytes

    @property
    def medium(self) -> SealedMedia:
        return SealedMedia.from_proto(self.payload.media[0])


def recorded(content: bytes = CONTENT) -> Recorded:
    key, bundle_key = generate_key(), generate_key()
    sealed = b"".join(seal_media(key, _TYPE, content))
    hashed = MediaDigest()
    hashed.update(sealed)
    medium = SealedMedia(_TYPE, hashed.digest(), len(sealed), key)
    payload = Payload(media=[medium.to_proto()], media_key=bundle_key)
    return Recorded(payload, sealed, bundled(payload, sealed))


def bundled(payload: Payload, sealed: bytes) -> bytes:
    return b"".join(seal_bundle(payload.media_key, [sealed], len(sealed)))


def shown(folder: Path, payload: Payload, bundle: bytes) -> bytes | None:
    """What an officer gets to see of a clip that came; None where it is an alarm and nothing is written."""
    media_folder(folder)
    for path in (folder / "media").iterdir():
        path.unlink()
    sealed_path(folder, 1).write_bytes(bundle)
    try:
        [one] = open_evidence(folder, 1, payload)
    except CommitmentError:
        assert [path.name for path in (folder / "media").iterdir()] == ["hit-1.sealed"]
        return None
    assert one.path is not None
    return one.path.read_bytes()


def chunks(sealed: bytes) -> list[bytes]:
    return [sealed[start : start + _SEALED_CHUNK] for start in range(0, len(sealed), _SEALED_CHUNK)]


def test_a_camera_that_serves_other_bytes_than_it_sealed_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the medium's key and the bundle's: what it makes later opens. That it was not sealed with the read is seen."""
    record = recorded()
    other = b"".join(seal_media(record.medium.key, _TYPE, AFTERWARDS))
    assert shown(tmp_path, record.payload, record.bundle) == CONTENT
    assert shown(tmp_path, record.payload, bundled(record.payload, other)) is None
    # The defence removed: AES-GCM alone binds nobody to what was sealed under a key.
    monkeypatch.setattr(MediaDigest, "digest", _always(record.medium.digest))
    assert shown(tmp_path, record.payload, bundled(record.payload, other)) == AFTERWARDS


@pytest.mark.parametrize("attack", ["dropped", "reordered", "repeated", "cut"])
def test_chunks_that_were_dropped_reordered_repeated_or_cut_off_do_not_open(
    attack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def altered(sealed: bytes) -> bytes:
        first, second, third, *rest = chunks(sealed)
        made = {
            "dropped": [first, third, *rest],
            "reordered": [first, third, second, *rest],
            "repeated": [first, second, second, third, *rest],
            "cut": [first, second],
        }
        return b"".join(made[attack])

    record = recorded()
    # At the matcher, which sees the bundle; and by a camera on the medium within it.
    assert shown(tmp_path, record.payload, altered(record.bundle)) is None
    assert shown(tmp_path, record.payload, bundled(record.payload, altered(record.sealed))) is None
    with pytest.raises(EnvelopeError):
        _opened(record.payload, altered(record.bundle))
    # The defence removed: chunks that know neither their place nor the length of the whole.
    monkeypatch.setattr(streams, "_nonce", _one_nonce)
    monkeypatch.setattr(streams, "_associated_data", _no_length)
    loose = bundled(record.payload, record.sealed)
    assert _opened(record.payload, altered(loose)) == _opened_chunks(record.sealed, attack)


def test_another_records_media_are_not_taken_for_a_records_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A matcher that gives the owner of one hit what came for another."""
    first, second = recorded(), recorded(AFTERWARDS)
    assert shown(tmp_path, first.payload, second.bundle) is None
    assert shown(tmp_path, second.payload, first.bundle) is None
    # The defence removed: one key for every record and medium, and no digest of which one it is.
    key = generate_key()
    monkeypatch.setattr(f"{__name__}.generate_key", _always(key))
    first, second = recorded(), recorded(AFTERWARDS)
    assert shown(tmp_path, first.payload, second.bundle) is None
    monkeypatch.setattr(MediaDigest, "digest", _always(first.medium.digest))
    assert shown(tmp_path, first.payload, second.bundle) == AFTERWARDS


def test_two_records_of_one_read_are_not_joined_by_their_media() -> None:
    """One sealed file, for two lists: the matcher gets it as two bundles that have nothing in common."""
    record = recorded()
    for_another = Payload(media=record.payload.media, media_key=generate_key())
    other = bundled(for_another, record.sealed)
    assert not set(_blocks(record.bundle)) & set(_blocks(other))
    # The defence removed: a key of the medium's instead of the record's gives the same bytes for both.
    assert bundled(record.payload, record.sealed) == record.bundle


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return create_deployment(tmp_path_factory.mktemp("media") / "deployment", small_plan())


@pytest.fixture
def matcher(template: Deployment, tmp_path: Path) -> Iterator[World]:
    copy = replace(template, folder=tmp_path / "deployment")
    shutil.copytree(template.folder, copy.folder)
    with open_world(copy) as world:
        yield world


def test_an_unclaimed_records_media_can_be_pulled_by_nobody(matcher: World) -> None:
    """Owner and camera agree, and both know the match secret: without a claim the matcher neither asks nor takes."""
    hit, other, claims = answered(matcher)
    bundle = recorded().bundle
    assert wanted(matcher) == []
    for read in (hit, other):
        assert not deliver(matcher, token_of(read), bundle)
        assert look(matcher, [token_of(read)]) == [0]
        with pytest.raises(NotFoundError):
            fetch(matcher, token_of(read))
    # A claim brings the claimed one's, and no more.
    matcher.owner.claim(matcher.port, "police", 1, claims)
    assert wanted(matcher) == [media_reference(token_of(hit))]
    assert not deliver(matcher, token_of(other), bundle)
    # Nor does the table take any, whoever calls; were it there, nothing else would be in the way.
    reference = media_reference(token_of(other))
    write = matcher.served.matcher.database.write
    write(lambda connection: media_store.want(connection, [_of_unclaimed(connection, reference)]))
    assert not deliver(matcher, token_of(other), bundle)
    write(
        lambda connection: connection.execute(
            insert(media).values(asdict(_of_unclaimed(connection, reference)))
        )
    )
    assert deliver(matcher, token_of(other), bundle)
    assert fetch(matcher, token_of(other)) == bundle


def test_a_matcher_that_asks_for_an_unclaimed_records_media_cannot_open_them() -> None:
    """Limit: it knows every match secret, so its camera hands over. What it gets needs the payload's keys."""
    record = recorded()
    for key in (bytes(32), record.medium.digest, record.bundle[:32]):
        with pytest.raises(EnvelopeError):
            _opened(Payload(media=record.payload.media, media_key=key), record.bundle)
    # The camera's whole disk beside it: the bundle opens, and not what is in it.
    sealed = _opened(record.payload, record.bundle)
    assert sealed == record.sealed
    with pytest.raises(EnvelopeError):
        b"".join(open_media(replace(record.medium, key=record.payload.media_key), [sealed]))
    assert b"".join(open_media(record.medium, [sealed])) == CONTENT


def test_another_camera_of_the_zone_cannot_answer_in_its_place(
    matcher: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hears which references are wanted in its zone; they are not what shows who sealed the record."""
    hit, _ = claimed(matcher)
    [reference] = wanted(matcher)
    forged = recorded(AFTERWARDS).bundle
    for token in (reference + bytes(16), reference + reference, bytes(32)):
        assert not deliver(matcher, token, forged)
    assert look(matcher, [token_of(hit)]) == [0]
    # The defence removed: the reference itself is the ticket.
    monkeypatch.setattr(service, "_reference", _ticket)
    assert deliver(matcher, reference + bytes(16), forged)


def _of_unclaimed(connection: Connection, reference: bytes) -> Wanted:
    query = "SELECT number FROM records WHERE claimed_ms IS NULL"
    number = int(connection.exec_driver_sql(query).scalar_one())
    return Wanted(number, reference, "police", "inner")


def _opened(payload: Payload, bundle: bytes) -> bytes:
    """A bundle opened as one of the length that came."""
    length = sum(len(one) - (_SEALED_CHUNK - CHUNK_BYTES) for one in chunks(bundle))
    return b"".join(open_bundle(payload.media_key, [bundle], length))


def _opened_chunks(sealed: bytes, attack: str) -> bytes:
    """What a bundle of ``sealed`` holds after the attack on it."""
    first, second, third, *rest = (
        sealed[start : start + CHUNK_BYTES] for start in range(0, len(sealed), CHUNK_BYTES)
    )
    made = {
        "dropped": [first, third, *rest],
        "reordered": [first, third, second, *rest],
        "repeated": [first, second, second, third, *rest],
        "cut": [first, second],
    }
    return b"".join(made[attack])


def _blocks(bundle: bytes) -> list[bytes]:
    """Every sixteen bytes in a row that begin at a multiple of sixteen."""
    return [bundle[start : start + 16] for start in range(0, len(bundle) - 15, 16)]


def _always(value: bytes) -> object:
    def give(*_arguments: object) -> bytes:
        return value

    return give


def _one_nonce(_number: int, _last: int) -> bytes:
    return bytes(12)


def _no_length(_context: bytes, _length: int) -> bytes:
    return b""


def _ticket(token: bytes) -> bytes:
    return token[:16]
