"""The officer's tool for a keeper's question: what it takes from custodians and ledger, and what it refuses."""

from __future__ import annotations

from typing import Any, cast

import pytest

from blindplate.client import subjects
from blindplate.core.domains import Domain
from blindplate.core.errors import EntryError, NotFoundError, ProofError
from blindplate.core.ledger.state import LedgerState
from blindplate.core.parties import Custodian, PartyKeys
from blindplate.core.pseudonyms import DomainKey
from blindplate.edge.ledger.replica import Replica
from blindplate.v1 import subjects_pb2 as v1
from blindplate.v1.subjects_pb2_grpc import SubjectAccessStub

PLATE = b"plate"
DOMAINS = tuple(Domain("police", zone, 1) for zone in ("inner", "outer"))


class PlayedCustodian:
    """Evaluates under one seed; ``lies`` swaps two domains, or leaves one out."""

    def __init__(self, seed: bytes, lies: str = "") -> None:
        self.seed = seed
        self.lies = lies
        self.seen: list[bytes] = []

    def Evaluate(self, request: v1.EvaluateSubjectRequest, timeout: float) -> Any:  # noqa: N802
        self.seen.append(request.SerializeToString())
        found = []
        for one in request.domains:
            key = DomainKey.derive(self.seed, Domain(one.list_id, one.zone, one.generation))
            (evaluated,), proof = key.blind_evaluate([request.blinded])
            found.append(v1.SubjectEvaluation(evaluated=evaluated, proof=proof))
        if self.lies == "swaps":
            found.reverse()
        return v1.EvaluateSubjectResponse(evaluations=found[1:] if self.lies == "omits" else found)


def evaluate(played: PlayedCustodian) -> dict[Domain, bytes]:
    keys = {domain: DomainKey.derive(b"a" * 32, domain).public for domain in DOMAINS}
    return subjects._evaluate(cast("SubjectAccessStub", played), Custodian.A, keys, PLATE)


def test_one_blinded_element_gives_the_output_of_every_domain() -> None:
    played = PlayedCustodian(b"a" * 32)
    expected = {domain: DomainKey.derive(b"a" * 32, domain).evaluate(PLATE) for domain in DOMAINS}
    assert evaluate(played) == expected
    # Blinded anew for each call: two of them cannot be linked, and neither shows the plate.
    assert evaluate(played) == expected
    assert played.seen[0] != played.seen[1]
    assert all(PLATE not in seen for seen in played.seen)


@pytest.mark.parametrize(
    "played",
    [
        pytest.param(PlayedCustodian(b"b" * 32), id="under-another-seed"),
        pytest.param(PlayedCustodian(b"a" * 32, "swaps"), id="of-another-domain"),
        pytest.param(PlayedCustodian(b"a" * 32, "omits"), id="of-fewer-domains"),
    ],
)
def test_a_custodian_that_evaluates_otherwise_is_named(played: PlayedCustodian) -> None:
    with pytest.raises(ProofError, match=r"[Cc]ustodian a"):
        evaluate(played)


def test_a_domain_whose_key_is_not_in_the_ledger() -> None:
    keys = [bytes([number]) * 32 for number in range(4)]
    state = LedgerState(PartyKeys(*keys))
    with pytest.raises(NotFoundError, match="inner"):
        subjects._keys(state, Custodian.B, DOMAINS)


def test_a_release_of_which_the_ledger_holds_no_request() -> None:
    class Empty:
        def request_entry(self, request_id: bytes) -> None:
            return None

    release = v1.SubjectRelease(request_id=bytes(32), ledger_index=7)
    with pytest.raises(EntryError, match="Custodian B"):
        subjects._found(cast("Replica", Empty()), release)


def test_no_call_is_of_more_domains_than_a_custodian_takes() -> None:
    many = [Domain("l", "z", number) for number in range(2_001)]
    cut = list(subjects._cut(many))
    assert [len(some) for some in cut] == [1_000, 1_000, 1]
    assert [domain for some in cut for domain in some] == many
