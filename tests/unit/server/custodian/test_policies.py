"""Zone policies that would send cameras to keys this custodian does not have are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from blindplate.core.domains import Domain
from blindplate.core.errors import StorageError
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import DomainKey
from blindplate.core.statements.disclosure import Disclosure
from blindplate.core.statements.grants import ListKind
from blindplate.core.statements.model import EpochRulePart
from blindplate.core.statements.policies import ListPolicy, PseudonymMode, ZonePolicy
from blindplate.edge.keyfiles import write_statement
from blindplate.server.custodian.policies import policy_folder, policy_problems

from .statements import BEGIN, END, Signatories

SEED_A, SEED_B = b"a" * 32, b"b" * 32


def public(seed: bytes, domain: Domain) -> bytes:
    return DomainKey.derive(seed, domain).public


@pytest.fixture
def who() -> Signatories:
    return Signatories()


@pytest.fixture
def folder(tmp_path: Path, who: Signatories) -> Path:
    domain = Domain("police", "inner", 1)
    policy = ZonePolicy(
        zone="inner",
        serial=1,
        not_before=BEGIN,
        not_after=END,
        mode=PseudonymMode.OBLIVIOUS,
        custodian_a=who.custodian_a.public,
        custodian_b=who.custodian_b.public,
        matcher=who.matcher.public,
        lists=(
            ListPolicy(
                list_id="police",
                list_kind=ListKind.HOTLIST,
                generation=1,
                grant_id="police-1",
                epoch=EpochRulePart(kind="span", seconds=3600),
                disclosure=Disclosure(fields=frozenset(), time_granularity_seconds=60),
                evaluation_key_a=public(SEED_A, domain),
                evaluation_key_b=public(SEED_B, domain),
            ),
        ),
    )
    write_statement(tmp_path / "policies" / "inner.json", policy.statement(who.custodian_a, who.custodian_b))
    write_statement(tmp_path / "policies" / "half.json", policy.statement(who.custodian_a))
    return tmp_path / "policies"


@pytest.mark.parametrize(
    ("custodian", "seed", "files"),
    [
        pytest.param(Custodian.A, SEED_A, ["half.json"], id="a-as-signed"),
        pytest.param(Custodian.B, SEED_B, ["half.json"], id="b-as-signed"),
        pytest.param(Custodian.A, SEED_B, ["half.json", "inner.json"], id="another-seed"),
    ],
)
def test_names_the_policies_that_do_not_fit(
    folder: Path, who: Signatories, custodian: Custodian, seed: bytes, files: list[str]
) -> None:
    problems = policy_problems(
        policy_folder(folder, who.trust), custodian, lambda domain: public(seed, domain)
    )
    assert [problem.file for problem in problems] == files


def test_a_folder_that_is_not_there(tmp_path: Path, who: Signatories) -> None:
    with pytest.raises(StorageError):
        policy_problems(
            policy_folder(tmp_path / "none", who.trust), Custodian.A, lambda domain: domain.encode()
        )
