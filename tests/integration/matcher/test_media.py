"""Media at the matcher: asked for once their record is claimed, taken from its camera, given to its owner, erased with it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence

import pytest

from blindplate.core.errors import (
    BlindplateError,
    IdentityError,
    MessageError,
    NotFoundError,
    OverloadedError,
)
from blindplate.core.records.header import Header
from blindplate.core.records.media import media_reference, media_token
from blindplate.edge.statuses import remote_errors
from blindplate.psi.owner import open_answer
from blindplate.v1 import media_pb2, media_pb2_grpc
from tests.integration.ledger_site import until
from tests.integration.matcher.conftest import Owner, Party, SealedRead, World, pseudonym

BUNDLE = secrets.token_bytes((2 << 20) + 17)


def stub_of(world: World, party: Party) -> media_pb2_grpc.MediaStub:
    return media_pb2_grpc.MediaStub(party.channel or party.connect(world.port))


def token_of(read: SealedRead) -> bytes:
    return media_token(read.s, Header.from_proto(read.wire.record.header).digest())


def wanted(world: World, after: int = 0, party: Party | None = None) -> list[bytes]:
    with remote_errors("matcher"):
        return list(
            stub_of(world, party or world.camera).Wanted(media_pb2.WantedRequest(after=after)).references
        )


def deliver(
    world: World, token: bytes, bundle: bytes = BUNDLE, party: Party | None = None, broken: bool = False
) -> bool:
    def parts() -> Iterable[media_pb2.DeliverPart]:
        yield media_pb2.DeliverPart(token=token)
        for start in range(0, len(bundle), 1 << 18):
            yield media_pb2.DeliverPart(piece=bundle[start : start + (1 << 18)])
        if broken:
            raise ValueError

    with remote_errors("matcher"):
        return stub_of(world, party or world.camera).Deliver(iter(parts())).stored


def refused(world: World, token: bytes, bundle: bytes) -> str:
    with pytest.raises(BlindplateError) as caught:
        deliver(world, token, bundle)
    return caught.value.code


def look(
    world: World, tokens: Sequence[bytes], list_id: str = "police", party: Party | None = None
) -> list[int]:
    with remote_errors("matcher"):
        request = media_pb2.LookRequest(list_id=list_id, tokens=tokens)
        return list(stub_of(world, party or world.owner).Look(request).lengths)


def fetch(world: World, token: bytes, list_id: str = "police", party: Party | None = None) -> bytes:
    found = bytearray()
    with remote_errors("matcher"):
        while True:
            request = media_pb2.FetchRequest(list_id=list_id, token=token, offset=len(found))
            piece = stub_of(world, party or world.owner).Fetch(request).piece
            if not piece:
                return bytes(found)
            found += piece


def answered(world: World) -> tuple[SealedRead, SealedRead, list[tuple[int, bytes]]]:
    """A read that is on the list, one that is not, and the claims that the answer allows."""
    sought = pseudonym()
    epoch = world.epoch()
    segment = world.owner.build(
        world.police, epoch, [sought], now=world.clock.now(), matches_from=int(epoch.start())
    )
    world.owner.upload(world.port, segment)
    hit, other = world.reads([sought, pseudonym()])
    receipts = world.camera.submit(world.port, [hit.wire, other.wire])
    assert not any(receipt.code for receipt in receipts)
    world.tick()
    answer = world.owner.next(world.port, "police", 0).answer
    return hit, other, [(one.slot, one.match_secret) for one in open_answer(segment.secret, answer.body)]


def claimed(world: World) -> tuple[SealedRead, SealedRead]:
    hit, other, claims = answered(world)
    (result,) = world.owner.claim(world.port, "police", 1, claims)
    assert result.HasField("record")
    return hit, other


def test_media_of_a_claimed_record_are_asked_for_taken_and_given_and_no_others(world: World) -> None:
    hit, other = claimed(world)
    assert wanted(world) == [media_reference(token_of(hit))]
    assert look(world, [token_of(hit)]) == [0]
    with pytest.raises(NotFoundError):
        fetch(world, token_of(hit))
    assert deliver(world, token_of(hit))
    assert wanted(world) == []
    assert look(world, [token_of(other), token_of(hit)]) == [0, len(BUNDLE)]
    assert fetch(world, token_of(hit)) == BUNDLE


def test_nobody_can_pull_media_of_a_record_that_was_not_claimed(world: World) -> None:
    """The owner knows the match secret of its hit, the camera has the media: without a claim neither moves them."""
    hit, other, claims = answered(world)
    assert wanted(world) == []
    for read in (hit, other):
        assert not deliver(world, token_of(read))
        assert look(world, [token_of(read)]) == [0]
        with pytest.raises(NotFoundError):
            fetch(world, token_of(read))
    # A claim of a read that the list does not match is refused, and nothing comes to be wanted by it.
    slots = {slot for slot, _ in claims}
    empty = next(slot for slot in range(20) if slot not in slots)
    world.owner.claim(world.port, "police", 1, [(empty, other.s)])
    assert wanted(world) == []
    assert not list((world.data / "media").iterdir())


def test_there_is_no_call_for_media_without_a_token() -> None:
    """Every call of the service, and everything a caller can say in it: no record, place, time or camera."""
    service = media_pb2.DESCRIPTOR.services_by_name["Media"]
    said = {method.name: [field.name for field in method.input_type.fields] for method in service.methods}
    assert said == {
        "Wanted": ["after"],
        "Deliver": ["token", "piece"],
        "Look": ["list_id", "tokens"],
        "Fetch": ["list_id", "token", "offset"],
    }


def test_a_claim_repeated_asks_once(world: World) -> None:
    hit, _, claims = answered(world)
    for _ in range(2):
        world.owner.claim(world.port, "police", 1, claims)
    assert wanted(world) == [media_reference(token_of(hit))]
    assert deliver(world, token_of(hit))
    world.owner.claim(world.port, "police", 1, claims)
    assert wanted(world) == []


def test_a_list_that_discloses_no_media_asks_for_none(world: World) -> None:
    grants = world.served.matcher.ledger.current
    assert all(grants.may_disclose_media(domain) for domain in world.police.domains())
    assert not any(grants.may_disclose_media(domain) for domain in world.emissions.domains())


def test_a_camera_hears_only_of_its_own_zones(world: World) -> None:
    claimed(world)
    registers = {
        camera.identity: register.zone
        for register in world.served.matcher.ledger.current.registers.values()
        for camera in register.cameras
    }
    elsewhere = next(identity for identity, zone in registers.items() if zone != "inner")
    stranger = Party(world.deployment, elsewhere.rpartition("/")[2])
    assert wanted(world, party=stranger) == []
    stranger.close()


def test_media_are_taken_only_with_the_token_of_what_is_wanted(world: World) -> None:
    hit, _ = claimed(world)
    assert not deliver(world, secrets.token_bytes(32))
    assert not deliver(world, media_reference(token_of(hit)) * 2)
    with pytest.raises(MessageError):
        deliver(world, media_reference(token_of(hit)))
    assert look(world, [token_of(hit)]) == [0]


def test_media_that_came_are_not_overwritten(world: World) -> None:
    hit, _ = claimed(world)
    assert deliver(world, token_of(hit))
    assert not deliver(world, token_of(hit), b"something else")
    assert fetch(world, token_of(hit)) == BUNDLE


def test_nothing_is_kept_of_a_broken_delivery(world: World) -> None:
    hit, _ = claimed(world)
    with pytest.raises(BlindplateError):
        deliver(world, token_of(hit), broken=True)
    # The matcher may take a moment to see that it broke off.
    until(lambda: not list((world.data / "media").iterdir()))
    assert wanted(world) == [media_reference(token_of(hit))]
    until(lambda: refused(world, token_of(hit), b"") == MessageError.code)
    assert deliver(world, token_of(hit))


def test_media_are_bounded_each_and_together(world: World) -> None:
    hit, _ = claimed(world)
    world.restart(max_media_bytes=1 << 20)
    assert refused(world, token_of(hit), BUNDLE) == MessageError.code
    assert not list((world.data / "media").iterdir())
    world.restart(max_media_total_bytes=2)
    assert deliver(world, token_of(hit), b"12")
    reference = media_reference(b"t" * 32)
    world.served.matcher.database.write(
        lambda connection: connection.exec_driver_sql(
            "INSERT INTO media (number, reference, list_id, zone) SELECT number, ?, 'police', 'inner' "
            "FROM records WHERE number NOT IN (SELECT number FROM media)",
            (reference,),
        )
    )
    assert wanted(world) == [reference]
    assert refused(world, b"t" * 32, b"3") == OverloadedError.code


def test_media_are_given_to_owners_of_their_list_alone(world: World) -> None:
    hit, _ = claimed(world)
    assert deliver(world, token_of(hit))
    with pytest.raises(BlindplateError):
        fetch(world, token_of(hit), "emissions")
    emissions = Owner(world.deployment, "owner-emissions")
    with pytest.raises(BlindplateError):
        fetch(world, token_of(hit), party=emissions)
    with pytest.raises(NotFoundError):
        fetch(world, token_of(hit), "emissions", emissions)
    with pytest.raises(IdentityError):
        fetch(world, token_of(hit), party=world.camera)
    with pytest.raises(IdentityError):
        wanted(world, party=world.owner)
    emissions.close()


def test_media_go_with_their_record_when_its_window_ends(world: World) -> None:
    hit, _ = claimed(world)
    assert deliver(world, token_of(hit))
    folder = world.data / "media"
    assert len(list(folder.iterdir())) == 1
    world.clock.time += world.police.window_seconds + 120
    world.served.matcher.keeper.keep()
    assert world.held() == 0
    assert not list(folder.iterdir())
    with pytest.raises(NotFoundError):
        fetch(world, token_of(hit))
    assert not deliver(world, token_of(hit))


def test_media_outlive_a_restart_and_parts_of_files_do_not(world: World) -> None:
    hit, _ = claimed(world)
    assert deliver(world, token_of(hit))
    (world.data / "media" / "x.part").write_bytes(b"left by a crash")
    world.restart()
    assert fetch(world, token_of(hit)) == BUNDLE
    assert len(list((world.data / "media").iterdir())) == 1
