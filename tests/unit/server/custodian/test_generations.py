"""Changes of key generation at a custodian: evaluated ahead, and shortly afterwards; and cameras under suspicion."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from blindplate.core.domains import Domain
from blindplate.core.errors import GrantError, IdentityError, UnknownDomainError
from blindplate.core.parties import Custodian
from blindplate.core.statements.cameras import CameraStanding, CameraStatus
from blindplate.core.statements.grant_changes import GrantEnd, GrantSuspension
from blindplate.core.statements.grants import Grant
from blindplate.edge.tls import spiffe_id
from blindplate.server.custodian.generations import GRACE_SECONDS
from blindplate.server.custodian.grants import Permissions, current_permissions
from blindplate.server.custodian.suspicion import require_unsuspected

from .books import Book
from .statements import BEGIN, CAMERA, OWNER, Signatories, grant, register

DOMAIN = Domain("police", "inner", 1)
NOW = 1_500


@pytest.fixture
def book() -> Book:
    """One register, and a grant that names it, witnessed long before it begins."""
    book = Book(Signatories())
    book.enter_register(register(), at=1)
    book.enter_grant(grant(signer=book.who.operator, not_after=1_000_000), at=1)
    return book


@pytest.fixture
def permissions(book: Book, engine: Engine) -> Callable[[], Permissions]:
    return lambda: current_permissions(Custodian.A, book.who.custodian_a.public, book, engine)


def amended(book: Book, **changed: object) -> None:
    """The last amendment with these changes, entered as the next."""
    last = book.state.grants["police-1"].latest
    book.enter_grant(Grant(**{**dict(last), "amendment": last.amendment + 1, **changed}), at=NOW)


def tell(book: Book, key: bytes, standing: CameraStanding, made_at: int) -> None:
    """The operator's word on camera 1."""
    status = CameraStatus(
        camera_id="camera-1",
        zone="inner",
        identity=CAMERA,
        signing_key=key,
        standing=standing,
        reason="Stolen.",
        made_at=made_at,
    )
    book.enter(status, book.who.operator, at=NOW)


def renewed(book: Book, *, begins: int, notice: int = 100) -> Domain:
    """Enter a second generation of the zone at ``NOW``, and the grant's amendment that names it."""
    second = register("inner", 2, "camera-1", "camera-2")
    book.enter_register(second, at=NOW)
    zones = grant(second, book.who.operator).zones
    amended(book, zones=zones, notice_seconds=notice, not_before=begins, evaluations_per_day=7)
    return Domain("police", "inner", 2)


def test_an_owner_has_the_coming_generation_evaluated_ahead_on_the_smaller_quota(
    book: Book, permissions: Callable[[], Permissions]
) -> None:
    later = renewed(book, begins=NOW + 1000)
    allowed = permissions()
    assert allowed.for_owner(OWNER, DOMAIN, NOW + 1).evaluations_per_day == 100
    assert allowed.for_owner(OWNER, later, NOW + 1).evaluations_per_day == 7
    with pytest.raises(UnknownDomainError):
        allowed.for_owner(spiffe_id("owner", "another"), later, NOW + 1)
    with pytest.raises(GrantError):
        allowed.for_camera(CAMERA, later, NOW + 999)


def test_no_zone_is_evaluated_ahead_that_the_grant_in_force_does_not_have(
    book: Book, permissions: Callable[[], Permissions]
) -> None:
    outer = register("outer", 1, "camera-9")
    book.enter_register(outer, at=NOW)
    zones = (*grant(signer=book.who.operator).zones, *grant(outer, book.who.operator).zones)
    amended(book, zones=zones, notice_seconds=100)
    with pytest.raises(GrantError):
        permissions().for_owner(OWNER, Domain("police", "outer", 1), NOW + 99)
    permissions().for_owner(OWNER, Domain("police", "outer", 1), NOW + 100)


def test_nothing_is_evaluated_ahead_under_a_grant_that_is_suspended_or_not_in_force(
    book: Book, permissions: Callable[[], Permissions]
) -> None:
    later = renewed(book, begins=NOW + 1000)
    with pytest.raises(GrantError):
        permissions().for_owner(OWNER, later, BEGIN - 1)
    book.enter(
        GrantSuspension(custodian=Custodian.A, grant_id="police-1", suspended=True, reason="r", made_at=NOW),
        book.who.custodian_a,
        at=NOW,
    )
    with pytest.raises(GrantError):
        permissions().for_owner(OWNER, later, NOW + 1)


def test_what_a_camera_captured_before_the_change_is_evaluated_just_after_it(
    book: Book, permissions: Callable[[], Permissions]
) -> None:
    renewed(book, begins=NOW + 1000)
    begins = NOW + 1000
    assert permissions().for_camera(CAMERA, DOMAIN, begins + GRACE_SECONDS - 1).camera_id == "camera-1"
    with pytest.raises(GrantError):
        permissions().for_camera(CAMERA, DOMAIN, begins + GRACE_SECONDS)
    tell(
        book, permissions().for_camera(CAMERA, DOMAIN, begins).signing_key, CameraStanding.REVOKED, made_at=1
    )
    with pytest.raises(IdentityError):
        permissions().for_camera(CAMERA, DOMAIN, begins + 1)


def test_the_generation_before_is_not_evaluated_once_the_grant_has_ended(
    book: Book, permissions: Callable[[], Permissions]
) -> None:
    renewed(book, begins=NOW + 1000)
    book.enter(
        GrantEnd(grant_id="police-1", reason="Withdrawn.", made_at=NOW), book.who.operator, at=NOW + 1005
    )
    permissions().for_camera(CAMERA, DOMAIN, NOW + 1004)
    with pytest.raises(GrantError):
        permissions().for_camera(CAMERA, DOMAIN, NOW + 1005)


def test_a_suspected_cameras_quota_is_cut_until_it_is_enrolled_again(
    book: Book, permissions: Callable[[], Permissions]
) -> None:
    camera = permissions().for_camera(CAMERA, DOMAIN, NOW)
    tell(book, camera.signing_key, CameraStanding.SUSPECT, made_at=1)
    suspected = permissions().for_camera(CAMERA, DOMAIN, NOW)
    assert suspected.evaluations_per_hour == camera.evaluations_per_hour // 4
    with pytest.raises(IdentityError):
        require_unsuspected(suspected, permissions().state)
    tell(book, camera.signing_key, CameraStanding.ENROLLED, made_at=2)
    assert permissions().for_camera(CAMERA, DOMAIN, NOW) == camera
