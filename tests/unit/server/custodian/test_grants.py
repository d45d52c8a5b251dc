"""What a custodian allows, from the ledger as it witnessed it and its own words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from blindplate.core.domains import Domain
from blindplate.core.errors import GrantError, IdentityError, StorageError, UnknownDomainError
from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey
from blindplate.core.statements.cameras import CameraStanding, CameraStatus
from blindplate.core.statements.grant_changes import GrantEnd, GrantSuspension
from blindplate.core.statements.grants import Grant
from blindplate.edge.tls import spiffe_id
from blindplate.server.custodian import outbox, suspensions
from blindplate.server.custodian.grants import Permissions, current_permissions
from blindplate.server.custodian.storage import writing
from blindplate.server.custodian.suspensions import Word

from .books import Book
from .statements import BEGIN, CAMERA, END, OWNER, Signatories, grant, register

DOMAIN = Domain("police", "inner", 1)
NOW = 1_500


@pytest.fixture
def book() -> Book:
    """One register, and a grant that names it, witnessed long before it begins."""
    book = Book(Signatories())
    book.enter_register(register(), at=1)
    book.enter_grant(grant(signer=book.who.operator), at=1)
    return book


@pytest.fixture
def permissions(book: Book, engine: Engine) -> Callable[[], Permissions]:
    return lambda: current_permissions(Custodian.A, book.who.custodian_a.public, book, engine)


def amended(book: Book, at: int, **changed: object) -> Grant:
    """The last amendment with these changes, entered as the next."""
    last = book.state.grants["police-1"].latest
    model = Grant(**{**dict(last), "amendment": last.amendment + 1, **changed})
    book.enter_grant(model, at=at)
    return model


def say(book: Book, engine: Engine, *, suspended: bool, moment: float = NOW) -> GrantSuspension:
    """Custodian A's own word on the grant, given on its machine."""
    word = Word("police-1", suspended, "To be looked into.")
    with writing(engine) as connection:
        return suspensions.give(connection, word, Custodian.A, book.who.custodian_a, moment)


def witness(book: Book, engine: Engine, word: GrantSuspension, at: int) -> None:
    """The word entered, its receipt stored, the entry witnessed."""
    statement = word.statement(book.who.custodian_a)
    with writing(engine) as connection:
        (waiting,) = outbox.waiting(connection, 10)
        assert waiting.statement == statement
        outbox.entered(connection, waiting.number, book.size)
    book.enter(word, book.who.custodian_a, at=at)


def test_owner_and_camera_are_allowed_inside_the_grant(permissions: Callable[[], Permissions]) -> None:
    allowed = permissions()
    assert allowed.for_owner(OWNER, DOMAIN, BEGIN).grant_id == "police-1"
    assert allowed.for_camera(CAMERA, DOMAIN, END - 1).evaluations_per_hour == 100
    assert allowed.longest_window() == 7_200
    assert allowed.domains() == {DOMAIN}


@pytest.mark.parametrize("moment", [BEGIN - 1, END])
def test_outside_the_grants_time(permissions: Callable[[], Permissions], moment: float) -> None:
    with pytest.raises(GrantError):
        permissions().for_owner(OWNER, DOMAIN, moment)
    with pytest.raises(GrantError):
        permissions().for_camera(CAMERA, DOMAIN, moment)


def test_before_the_notice_period_is_over(engine: Engine) -> None:
    book = Book(Signatories())
    book.enter_register(register(), at=1)
    book.enter_grant(grant(signer=book.who.operator, notice_seconds=200), at=NOW)
    allowed = current_permissions(Custodian.A, book.who.custodian_a.public, book, engine)
    with pytest.raises(GrantError):
        allowed.for_owner(OWNER, DOMAIN, NOW + 199)
    allowed.for_owner(OWNER, DOMAIN, NOW + 200)


def test_others_and_other_domains(permissions: Callable[[], Permissions]) -> None:
    allowed = permissions()
    with pytest.raises(UnknownDomainError):
        allowed.for_owner(spiffe_id("owner", "another"), DOMAIN, BEGIN)
    with pytest.raises(IdentityError):
        allowed.for_camera(spiffe_id("camera", "camera-2"), DOMAIN, BEGIN)
    for domain in (Domain("police", "outer", 1), Domain("police", "inner", 2), Domain("other", "inner", 1)):
        for one in (allowed.for_owner, allowed.for_camera):
            with pytest.raises(UnknownDomainError):
                one(OWNER, domain, BEGIN)
        with pytest.raises(UnknownDomainError):
            allowed.require_known(domain)
    for unknown in (allowed.grant, allowed.history, lambda name: allowed.grant_at(name, NOW)):
        with pytest.raises(GrantError):
            unknown("police-2")


def test_an_empty_ledger_allows_nothing(engine: Engine) -> None:
    book = Book(Signatories())
    allowed = current_permissions(Custodian.A, book.who.custodian_a.public, book, engine)
    with pytest.raises(UnknownDomainError):
        allowed.for_owner(OWNER, DOMAIN, NOW)
    assert (allowed.longest_window(), allowed.domains()) == (0, frozenset())


def test_an_amendment_takes_the_place_of_the_grant_when_it_begins(
    book: Book, permissions: Callable[[], Permissions]
) -> None:
    amended(book, at=NOW, evaluations_per_day=7, notice_seconds=100)
    allowed = permissions()
    assert allowed.for_owner(OWNER, DOMAIN, NOW + 99).evaluations_per_day == 100
    assert allowed.for_owner(OWNER, DOMAIN, NOW + 100).evaluations_per_day == 7
    assert allowed.grant_at("police-1", NOW).amendment == 0
    assert allowed.grant("police-1").amendment == 1


def test_a_new_generation_closes_the_one_before(book: Book, permissions: Callable[[], Permissions]) -> None:
    second = register("inner", 2, "camera-1", "camera-2")
    book.enter_register(second, at=NOW)
    zones = grant(second, book.who.operator).zones
    amended(book, at=NOW, zones=zones, notice_seconds=100)
    allowed, later = permissions(), Domain("police", "inner", 2)
    # Both are known: a camera that is late may still have to be told which key it used.
    assert allowed.domains() == {DOMAIN, later}
    allowed.for_owner(OWNER, DOMAIN, NOW + 99)
    with pytest.raises(GrantError):
        allowed.for_camera(CAMERA, later, NOW + 99)
    with pytest.raises(GrantError):
        allowed.for_owner(OWNER, DOMAIN, NOW + 100)
    allowed.for_camera(spiffe_id("camera", "camera-2"), later, NOW + 100)


def test_an_ended_grant_allows_nothing_more(book: Book, permissions: Callable[[], Permissions]) -> None:
    book.enter(GrantEnd(grant_id="police-1", reason="Withdrawn.", made_at=NOW), book.who.operator, at=NOW)
    permissions().for_owner(OWNER, DOMAIN, NOW - 1)
    for moment in (NOW, NOW + 1):
        with pytest.raises(GrantError):
            permissions().for_owner(OWNER, DOMAIN, moment)
        with pytest.raises(GrantError):
            permissions().for_camera(CAMERA, DOMAIN, moment)


def test_of_two_grants_in_force_the_later_begun_counts(
    book: Book, permissions: Callable[[], Permissions]
) -> None:
    second = grant(signer=book.who.operator, grant_id="police-2", not_before=BEGIN + 100)
    book.enter_grant(second, at=1)
    allowed = permissions()
    assert allowed.for_owner(OWNER, DOMAIN, BEGIN + 99).grant_id == "police-1"
    assert allowed.for_owner(OWNER, DOMAIN, BEGIN + 100).grant_id == "police-2"


def test_the_longest_window_is_of_all_amendments(book: Book, permissions: Callable[[], Permissions]) -> None:
    # What was captured under the one before is still held as long as that one said.
    amended(book, at=NOW, window_seconds=60)
    assert permissions().longest_window() == 7_200
    amended(book, at=NOW, window_seconds=90_000)
    assert permissions().longest_window() == 90_000


def revoke(
    book: Book, key: bytes, standing: CameraStanding = CameraStanding.REVOKED, made_at: int = 1
) -> None:
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


def test_a_revoked_camera_is_refused(book: Book, permissions: Callable[[], Permissions]) -> None:
    revoke(book, register().cameras[0].signing_key)
    with pytest.raises(IdentityError):
        permissions().for_camera(CAMERA, DOMAIN, NOW)


def test_a_camera_whose_registered_key_was_revoked_is_refused_also_when_enrolled_anew(
    book: Book, permissions: Callable[[], Permissions]
) -> None:
    revoke(book, register().cameras[0].signing_key)
    revoke(book, SigningKey.generate().public, CameraStanding.ENROLLED, made_at=2)
    with pytest.raises(IdentityError):
        permissions().for_camera(CAMERA, DOMAIN, NOW)


def test_a_word_given_here_counts_before_it_is_entered(
    book: Book, engine: Engine, permissions: Callable[[], Permissions]
) -> None:
    permissions().require_active(grant())
    say(book, engine, suspended=True)
    for refused in (
        lambda: permissions().require_active(grant()),
        lambda: permissions().for_owner(OWNER, DOMAIN, NOW),
        lambda: permissions().for_camera(CAMERA, DOMAIN, NOW),
    ):
        with pytest.raises(GrantError):
            refused()
    assert permissions().suspended("police-1", NOW)
    assert not permissions().suspended("police-1", NOW - 1)
    say(book, engine, suspended=False, moment=NOW + 5)
    permissions().for_owner(OWNER, DOMAIN, NOW + 5)


def test_a_word_counts_without_a_gap_until_and_after_it_is_witnessed(
    book: Book, engine: Engine, permissions: Callable[[], Permissions]
) -> None:
    word = say(book, engine, suspended=True)
    with writing(engine) as connection:
        (waiting,) = outbox.waiting(connection, 10)
        outbox.entered(connection, waiting.number, book.size)
    # It has its receipt, but was not read yet.
    assert permissions().suspended("police-1", NOW)
    book.enter(word, book.who.custodian_a, at=NOW + 60)
    assert permissions().words == {}
    with pytest.raises(GrantError):
        permissions().for_owner(OWNER, DOMAIN, NOW)


def test_a_suspension_of_the_past_lasted_from_word_to_word(
    book: Book, engine: Engine, permissions: Callable[[], Permissions]
) -> None:
    """Whenever the ledger took the words, and while it has not."""

    def found() -> list[bool]:
        moments = (NOW - 1, NOW, NOW + 10, NOW + 19, NOW + 20, NOW + 90)
        return [permissions().suspended("police-1", moment) for moment in moments]

    lasted = [False, True, True, True, False, False]
    first = say(book, engine, suspended=True)
    assert found() == [False, True, True, True, True, True]
    witness(book, engine, first, at=NOW + 10)
    second = say(book, engine, suspended=False, moment=NOW + 20)
    assert found() == lasted
    witness(book, engine, second, at=NOW + 60)
    assert found() == lasted
    with pytest.raises(GrantError):
        permissions().require_active_at(grant(), NOW + 19)
    permissions().require_active_at(grant(), NOW + 20)


def test_a_resumption_whose_suspension_the_ledger_has_not_taken_either(
    book: Book, engine: Engine, permissions: Callable[[], Permissions]
) -> None:
    say(book, engine, suspended=True)
    say(book, engine, suspended=False, moment=NOW + 20)
    assert not permissions().suspended("police-1", NOW + 20)
    assert permissions().suspended("police-1", NOW + 19)


def test_a_word_given_by_a_clock_that_was_ahead_counts_once_it_is_witnessed(
    book: Book, engine: Engine, permissions: Callable[[], Permissions]
) -> None:
    witness(book, engine, say(book, engine, suspended=True, moment=NOW + 10_000), at=NOW)
    assert permissions().suspended("police-1", NOW)


def test_a_newer_word_from_the_ledger_is_not_kept_back_by_an_older_one_here(
    book: Book, engine: Engine, permissions: Callable[[], Permissions]
) -> None:
    # As after the database was put back to the time of the first word.
    witness(book, engine, say(book, engine, suspended=True), at=NOW)
    resumed = GrantSuspension(
        grant_id="police-1", custodian=Custodian.A, suspended=False, reason="Cleared.", made_at=NOW + 10
    )
    book.enter(resumed, book.who.custodian_a, at=NOW + 10)
    permissions().for_owner(OWNER, DOMAIN, NOW + 10)


def test_what_the_other_custodian_suspended_is_for_it_to_refuse(
    book: Book, permissions: Callable[[], Permissions]
) -> None:
    word = GrantSuspension(
        grant_id="police-1", custodian=Custodian.B, suspended=True, reason="To be looked into.", made_at=NOW
    )
    book.enter(word, book.who.custodian_b, at=NOW)
    permissions().for_owner(OWNER, DOMAIN, NOW)
    assert not permissions().suspended("police-1", NOW)


def test_words_that_cannot_be_read_are_no_missing_words(
    book: Book, engine: Engine, permissions: Callable[[], Permissions]
) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql("DROP TABLE suspensions")
    with pytest.raises(StorageError):
        permissions()
