"""SubjectAccess: every call counted before what it brings is touched, for the named officers alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import grpc
import pytest
from sqlalchemy import Engine, select

from blindplate.core.domains import Domain
from blindplate.core.errors import (
    IdentityError,
    MessageError,
    PolicyError,
    QuotaError,
    UnknownDomainError,
)
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import Blinding, DomainKey, combine
from blindplate.core.statements.grants import ReleaseMode, ReleasePolicy
from blindplate.edge.tls import spiffe_id
from blindplate.server import authorization
from blindplate.server.authorization import Identity, Role
from blindplate.server.custodian.evaluator import Evaluator
from blindplate.server.custodian.storage import reading
from blindplate.server.custodian.subjects import SUBJECTS_PER_DAY, SubjectAccess
from blindplate.server.custodian.tables import COUNTS
from blindplate.v1 import subjects_pb2 as v1
from blindplate.v1 import types_pb2

from .books import SEEDS, output
from .desk import DOMAIN, LISTED, Desk

TERMS = {"release": ReleasePolicy(mode=ReleaseMode.MANUAL, daily_quota=9, emergency=True)}
# No handler here looks at its call.
CALL = cast("grpc.ServicerContext", None)
NOTHING = (Domain("police", "outer", 1), Domain("police", "inner", 2), Domain("emissions", "inner", 1))


@pytest.fixture
def overseer(engine: Engine, tmp_path: Path) -> Desk:
    return Desk(tmp_path, engine, Custodian.B, TERMS)


@pytest.fixture
def evaluator() -> Iterator[Evaluator]:
    evaluator = Evaluator(SEEDS[1], 1)
    yield evaluator
    evaluator.close()


@pytest.fixture
def access(overseer: Desk, evaluator: Evaluator) -> Iterator[SubjectAccess]:
    """B's service, called by an officer it names."""
    token = authorization._CALLER.set(officer("officer-b-1"))
    yield service(overseer, evaluator)
    authorization._CALLER.reset(token)


def officer(name: str) -> Identity:
    return Identity(Role.OFFICER, name, spiffe_id("officer", name))


def service(desk: Desk, evaluator: Evaluator) -> SubjectAccess:
    officers = ("officer-a-2", "officer-b-1")
    return SubjectAccess(desk.permissions, evaluator, desk.subjects, officers, desk.engine, desk.clock)


def wire(domain: Domain) -> types_pb2.Domain:
    return types_pb2.Domain(list_id=domain.list_id, zone=domain.zone, generation=domain.generation)


def evaluate(
    access: SubjectAccess, blinded: bytes | None = None, *domains: Domain
) -> v1.EvaluateSubjectResponse:
    element = Blinding.blind([LISTED]).blinded[0] if blinded is None else blinded
    chosen = [wire(domain) for domain in domains or (DOMAIN,)]
    return access.Evaluate(v1.EvaluateSubjectRequest(blinded=element, domains=chosen), CALL)


def search(access: SubjectAccess, *outputs: tuple[Domain, bytes]) -> list[v1.SubjectRelease]:
    asked = [v1.SubjectOutput(domain=wire(domain), output=f) for domain, f in outputs]
    return list(access.Search(v1.SearchSubjectRequest(outputs=asked), CALL).releases)


def searches(desk: Desk) -> list[int]:
    with reading(desk.engine) as connection:
        return list(connection.execute(select(COUNTS.c.counted).where(COUNTS.c.kind == "search")).scalars())


def test_what_is_evaluated_combines_to_the_releases_tag(access: SubjectAccess, overseer: Desk) -> None:
    standing = overseer.ask(overseer.sealed(), emergency=True)
    overseer.receipts()
    blinding = Blinding.blind([LISTED])
    (answer,) = evaluate(access, blinding.blinded[0]).evaluations
    key_a, key_b = (DomainKey.derive(seed, DOMAIN) for seed in SEEDS)
    (f_b,) = blinding.finalize([answer.evaluated], answer.proof, key_b.public)
    (found,) = search(access, (DOMAIN, combine(key_a.evaluate(LISTED), f_b, DOMAIN)))
    assert found.request_id == standing.request_id
    assert search(access, (DOMAIN, output(DOMAIN, b"another"))) == []


def test_a_named_officer_of_the_other_custodian(access: SubjectAccess) -> None:
    token = authorization._CALLER.set(officer("officer-a-2"))
    assert len(evaluate(access).evaluations) == 1
    authorization._CALLER.reset(token)


def test_any_other_officer(access: SubjectAccess, overseer: Desk) -> None:
    token = authorization._CALLER.set(officer("officer-b-2"))
    with pytest.raises(IdentityError):
        evaluate(access)
    with pytest.raises(IdentityError):
        search(access, (DOMAIN, bytes(64)))
    authorization._CALLER.reset(token)
    assert searches(overseer) == []


@pytest.mark.parametrize("domain", NOTHING)
def test_a_domain_no_grant_ever_named(access: SubjectAccess, overseer: Desk, domain: Domain) -> None:
    with pytest.raises(UnknownDomainError):
        evaluate(access, None, DOMAIN, domain)
    # Nor is it searched: more domains than there are would hold more vehicles a call.
    with pytest.raises(UnknownDomainError):
        search(access, (DOMAIN, bytes(64)), (domain, bytes(64)))
    assert searches(overseer) == []


@pytest.mark.parametrize("domains", [(DOMAIN, DOMAIN), tuple(Domain("l", "z", n) for n in range(1_001))])
def test_a_domain_twice_or_too_many(access: SubjectAccess, domains: tuple[Domain, ...]) -> None:
    with pytest.raises(MessageError):
        evaluate(access, None, *domains)
    with pytest.raises(MessageError):
        search(access, *[(domain, bytes(64)) for domain in domains])


def test_no_domain_at_all(access: SubjectAccess) -> None:
    with pytest.raises(MessageError):
        access.Evaluate(v1.EvaluateSubjectRequest(blinded=bytes(32)), CALL)
    with pytest.raises(MessageError):
        search(access)


@pytest.mark.parametrize("blinded", [b"", bytes(31), bytes(64)])
def test_an_element_of_the_wrong_length_is_not_counted(
    access: SubjectAccess, overseer: Desk, blinded: bytes
) -> None:
    with pytest.raises(MessageError):
        evaluate(access, blinded)
    assert searches(overseer) == []


def test_counted_before_the_element_is_touched(access: SubjectAccess, overseer: Desk) -> None:
    with pytest.raises(MessageError):
        evaluate(access, b"\xff" * 32)
    assert searches(overseer) == [1]


def test_no_more_subjects_than_the_quota_a_day_over_a_restart(
    access: SubjectAccess, overseer: Desk, evaluator: Evaluator
) -> None:
    for _ in range(SUBJECTS_PER_DAY):
        evaluate(access)
    with pytest.raises(QuotaError):
        evaluate(service(overseer, evaluator))
    assert searches(overseer) == [SUBJECTS_PER_DAY]
    overseer.clock.moment += 86_400
    evaluate(access)


def test_no_more_searches_than_the_quota_a_day_and_every_one_counted(
    access: SubjectAccess, overseer: Desk
) -> None:
    """Also by one who has the outputs from a list's owner, and has nothing evaluated."""
    for _ in range(SUBJECTS_PER_DAY):
        search(access, (DOMAIN, bytes(64)))
    assert searches(overseer) == [SUBJECTS_PER_DAY]
    with pytest.raises(QuotaError):
        search(access, (DOMAIN, bytes(64)))
    assert searches(overseer) == [SUBJECTS_PER_DAY]
    evaluate(access)
    assert searches(overseer) == [SUBJECTS_PER_DAY + 1]


def test_an_output_of_the_wrong_length(access: SubjectAccess, overseer: Desk) -> None:
    with pytest.raises(MessageError):
        search(access, (DOMAIN, bytes(63)))
    assert searches(overseer) == []


def test_custodian_a_cannot_search(desk: Desk, evaluator: Evaluator) -> None:
    token = authorization._CALLER.set(officer("officer-b-1"))
    with pytest.raises(PolicyError, match="custodian B"):
        search(service(desk, evaluator), (DOMAIN, bytes(64)))
    authorization._CALLER.reset(token)


def test_neither_plate_nor_outputs_are_logged(
    access: SubjectAccess, overseer: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    overseer.ask(overseer.sealed(), emergency=True)
    evaluate(access)
    f = output(DOMAIN, LISTED)
    search(access, (DOMAIN, f))
    logged = capsys.readouterr().err
    assert "subject-evaluated" in logged
    assert "subject-searched" in logged
    assert f.hex() not in logged
    assert LISTED.decode() not in logged
