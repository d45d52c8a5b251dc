"""Subject tags: custodian B finds every release of a vehicle and no other's; nobody else can link two."""

from __future__ import annotations

import hmac
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from blindplate.core.domains import Domain
from blindplate.core.encoding import encode
from blindplate.core.parties import Custodian
from blindplate.core.statements.grants import ReleaseMode, ReleasePolicy
from blindplate.server.custodian.storage import reading
from blindplate.server.custodian.subject_tags import Tagged, subject_tag
from blindplate.server.custodian.tables import SUBJECT_TAGS

from .books import output
from .desk import DOMAIN, LISTED, NOW, STRANGER, Desk

DAY = 86_400
OTHER = b"another"
TERMS = {
    "release": ReleasePolicy(mode=ReleaseMode.MANUAL, daily_quota=9, emergency=True),
    "not_after": NOW + 90 * DAY,
}


@pytest.fixture
def overseer(engine: Engine, tmp_path: Path) -> Desk:
    """Custodian B's desk, where an emergency releases at once."""
    return Desk(tmp_path, engine, Custodian.B, TERMS)


def release(desk: Desk, plate: bytes = LISTED) -> bytes:
    """Release a record of a listed vehicle; the request's id."""
    standing = desk.ask(desk.sealed(plate, captured=desk.clock.now() - 60), emergency=True)
    assert desk.entries()[-1].verdict == "approved"
    return standing.request_id


def search(desk: Desk, plate: bytes, domain: Domain = DOMAIN) -> list[Tagged]:
    assert desk.subjects is not None
    with reading(desk.engine) as connection:
        return list(desk.subjects.search(connection, {domain: output(domain, plate)}))


def test_a_tag_is_what_the_protocol_says() -> None:
    key, request_id, f = b"k" * 32, b"r" * 32, b"f" * 64
    expected = hmac.new(key, encode("subject-tag", request_id, f), sha256).digest()
    assert subject_tag(key, request_id, f) == expected


def test_every_release_of_the_vehicle_and_no_others(overseer: Desk) -> None:
    mine = [release(overseer), release(overseer)]
    theirs = release(overseer, OTHER)
    overseer.ask(overseer.sealed(STRANGER), emergency=True)
    overseer.receipts()
    assert [one.request_id for one in search(overseer, LISTED)] == mine
    assert [one.request_id for one in search(overseer, OTHER)] == [theirs]
    assert search(overseer, STRANGER) == []
    assert search(overseer, LISTED, Domain("police", "inner", 2)) == []


def test_where_it_stands_in_the_ledger(overseer: Desk) -> None:
    release(overseer, OTHER)
    release(overseer)
    # Not there yet, so not yet released.
    assert search(overseer, LISTED) == []
    overseer.receipts()
    assert [one.ledger_index for one in search(overseer, LISTED)] == [1_001]


def test_the_public_tags_of_one_vehicle_have_nothing_in_common(overseer: Desk) -> None:
    for plate in (LISTED, LISTED, OTHER):
        release(overseer, plate)
    tags = [entry.subject_tag for entry in overseer.entries()]
    assert None not in tags
    assert len(set(tags)) == 3
    # Without its key, knowing the vehicle's F_D tells nothing: any key makes some tag.
    entry, f = overseer.entries()[0], output(DOMAIN, LISTED)
    assert subject_tag(bytes(32), entry.request_id, f) != entry.subject_tag


def test_a_refusal_bears_no_tag(overseer: Desk) -> None:
    overseer.ask(overseer.sealed(STRANGER))
    assert overseer.entries()[-1].subject_tag is None


def test_custodian_a_tags_nothing(desk: Desk) -> None:
    standing = desk.ask(desk.sealed())
    desk.say("anna", standing.request_id)
    assert desk.entries()[-1].verdict == "approved"
    assert desk.entries()[-1].subject_tag is None


def test_nobody_finds_them_once_the_key_is_destroyed(overseer: Desk) -> None:
    old = release(overseer)
    overseer.clock.moment += 40 * DAY
    overseer.keys.maintain(overseer.clock.moment, 7_200)
    new = release(overseer)
    overseer.receipts()
    assert [one.request_id for one in search(overseer, LISTED)] == [old, new]
    assert overseer.subjects is not None
    overseer.subjects.forget(overseer.engine, overseer.clock.moment + 360 * DAY)
    assert [one.request_id for one in search(overseer, LISTED)] == [new]
    with reading(overseer.engine) as connection:
        assert connection.execute(select(func.count()).select_from(SUBJECT_TAGS)).scalar_one() == 1
