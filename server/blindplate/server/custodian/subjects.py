"""SubjectAccess: did they look at me? Asked by an officer, for a keeper who proved their identity.

Guarantees that only the officers named in this custodian's settings ask; that every call is counted, durably and for
everyone to see, before what it brings is touched; that at most ``SUBJECTS_PER_DAY`` calls of each kind are taken in a UTC
day; and that an evaluation is of one plate, since one blinded element serves all its domains. What is evaluated is
blinded: neither custodian learns the plate. Custodian B learns the subject's pseudonyms and which releases were of them.
A search holds one output for each domain, and nothing shows that all are of one plate: whoever has outputs from a list's
owner can ask about as many vehicles in a call as there are domains. That the keeper is who they say is the officer's to
see to. Protocol section 6.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final

import grpc
from sqlalchemy import Engine

from blindplate.core.domains import Domain
from blindplate.core.errors import IdentityError, MessageError, PolicyError
from blindplate.core.pseudonyms import ELEMENT_BYTES, OUTPUT_BYTES
from blindplate.edge.clock import Clock
from blindplate.edge.logs import log
from blindplate.server.authorization import Access, Role, caller
from blindplate.server.custodian import counts, quotas
from blindplate.server.custodian.counts import Counted
from blindplate.server.custodian.evaluation import domain_from
from blindplate.server.custodian.evaluator import Evaluator
from blindplate.server.custodian.grants import Permissions
from blindplate.server.custodian.storage import reading, writing
from blindplate.server.custodian.subject_tags import SubjectTags
from blindplate.server.serving import Service
from blindplate.v1 import subjects_pb2 as v1
from blindplate.v1 import subjects_pb2_grpc as rpc
from blindplate.v1 import types_pb2

SUBJECTS_PER_DAY: Final = 50
MAX_DOMAINS: Final = 1_000
_OFFICERS: Final = frozenset({Role.OFFICER})
_ACCESS: Access = {
    "/blindplate.v1.SubjectAccess/Evaluate": _OFFICERS,
    "/blindplate.v1.SubjectAccess/Search": _OFFICERS,
}


class SubjectAccess(rpc.SubjectAccessServicer):
    """Serves the officers named, of either custodian. ``subjects`` are custodian B's, None at A."""

    def __init__(
        self,
        permissions: Callable[[], Permissions],
        evaluator: Evaluator,
        subjects: SubjectTags | None,
        officers: Collection[str],
        engine: Engine,
        clock: Clock,
    ) -> None:
        self._permissions = permissions
        self._evaluator = evaluator
        self._subjects = subjects
        self._officers = frozenset(officers)
        self._engine = engine
        self._clock = clock

    def service(self) -> Service:
        """How it is added to a server."""
        return Service(lambda server: rpc.add_SubjectAccessServicer_to_server(self, server), _ACCESS)

    def Evaluate(  # noqa: N802  the name is the protocol's
        self, request: v1.EvaluateSubjectRequest, context: grpc.ServicerContext
    ) -> v1.EvaluateSubjectResponse:
        """One plate under the key of each domain. Raises UnknownDomainError, QuotaError, MessageError, IdentityError."""
        del context
        officer = self._officer()
        domains = _distinct(request.domains)
        if len(request.blinded) != ELEMENT_BYTES:
            raise MessageError(f"A blinded element is not {ELEMENT_BYTES} bytes long.")
        self._require_known(domains)
        self._debit("subject evaluations")
        log().info("subject-evaluated", officer=officer, domains=len(domains))
        evaluations: list[v1.SubjectEvaluation] = []
        for domain in domains:
            (evaluated,), proof = self._evaluator.evaluate(domain, [request.blinded])
            evaluations.append(v1.SubjectEvaluation(evaluated=evaluated, proof=proof))
        return v1.EvaluateSubjectResponse(evaluations=evaluations)

    def Search(  # noqa: N802  the name is the protocol's
        self, request: v1.SearchSubjectRequest, context: grpc.ServicerContext
    ) -> v1.SearchSubjectResponse:
        """The releases of the subject with these outputs. Raises as ``Evaluate``, and PolicyError at custodian A."""
        del context
        officer = self._officer()
        if self._subjects is None:
            raise PolicyError("This custodian cannot tell whose releases are whose.", "Ask custodian B.")
        domains = _distinct([one.domain for one in request.outputs])
        if any(len(one.output) != OUTPUT_BYTES for one in request.outputs):
            raise MessageError(f"A subject's output is not {OUTPUT_BYTES} bytes long.")
        # At most one output for each domain that there is: domains made up would hold more vehicles.
        self._require_known(domains)
        self._debit("subject searches")
        outputs = dict(zip(domains, (one.output for one in request.outputs), strict=True))
        with reading(self._engine) as connection:
            found = list(self._subjects.search(connection, outputs))
        log().info("subject-searched", officer=officer, domains=len(domains), releases=len(found))
        return v1.SearchSubjectResponse(
            releases=[
                v1.SubjectRelease(request_id=one.request_id, ledger_index=one.ledger_index) for one in found
            ]
        )

    def _officer(self) -> str:
        name = caller().name
        if name not in self._officers:
            raise IdentityError(
                "This officer is not among those who may ask on behalf of a keeper.",
                "Have the custodian name the officer in its settings.",
            )
        return name

    def _require_known(self, domains: Sequence[Domain]) -> None:
        permissions = self._permissions()
        for domain in domains:
            permissions.require_known(domain)

    def _debit(self, subject: str) -> None:
        now = self._clock.now()
        with writing(self._engine) as connection:
            quotas.debit(connection, subject, 1, limit=SUBJECTS_PER_DAY, period=quotas.DAY, moment=now)
            counts.add(connection, Counted.SEARCH, 1, moment=now)


def _distinct(messages: Sequence[types_pb2.Domain]) -> list[Domain]:
    domains = [domain_from(message) for message in messages]
    if not 1 <= len(domains) <= MAX_DOMAINS or len(set(domains)) != len(domains):
        raise MessageError(f"A subject is not asked about in 1 to {MAX_DOMAINS:,} domains, each once.")
    return domains
