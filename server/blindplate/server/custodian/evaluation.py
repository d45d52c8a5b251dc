"""Pseudonyms.Evaluate: blinded evaluation inside a grant in force and a durable quota (protocol section 3).

Guarantees G5 on this side: an owner has evaluated only domains that an amendment of its own grant opens, in force now
and not suspended here, at most its ``evaluations_per_day`` a UTC day, and no more than ``evaluations_per_generation``
as long as a key generation lasts, since what is evaluated under a key holds as long as the key does; a camera only
domains of a zone whose register names it, unless it was revoked, at most its ``evaluations_per_hour`` an hour and
list. Units are counted durably, for quota and ledger, before an element is touched. What is evaluated is blinded:
this code learns nothing of a plate, nor could it.
"""

from __future__ import annotations

from collections.abc import Callable

import grpc
from sqlalchemy import Engine

from blindplate.core.domains import Domain
from blindplate.core.errors import IdentityError, MessageError
from blindplate.core.pseudonyms import ELEMENT_BYTES
from blindplate.edge.clock import Clock
from blindplate.server.authorization import Access, Identity, Role, caller
from blindplate.server.custodian import counts, quotas
from blindplate.server.custodian.counts import Counted
from blindplate.server.custodian.evaluator import Evaluator
from blindplate.server.custodian.grants import Permissions
from blindplate.server.custodian.storage import writing
from blindplate.server.serving import Service
from blindplate.v1 import pseudonyms_pb2 as v1
from blindplate.v1 import pseudonyms_pb2_grpc as rpc
from blindplate.v1 import types_pb2

MAX_ELEMENTS = 8_192
_ACCESS: Access = {"/blindplate.v1.Pseudonyms/Evaluate": frozenset({Role.OWNER, Role.CAMERA})}


class Pseudonyms(rpc.PseudonymsServicer):
    """Evaluates for owners and cameras."""

    def __init__(
        self, permissions: Callable[[], Permissions], evaluator: Evaluator, engine: Engine, clock: Clock
    ) -> None:
        self._permissions = permissions
        self._evaluator = evaluator
        self._engine = engine
        self._clock = clock

    def service(self) -> Service:
        """How it is added to a server."""
        return Service(lambda server: rpc.add_PseudonymsServicer_to_server(self, server), _ACCESS)

    def Evaluate(  # noqa: N802  the name is the protocol's
        self, request: v1.EvaluateRequest, context: grpc.ServicerContext
    ) -> v1.EvaluateResponse:
        """Check, count, evaluate."""
        del context
        domain = domain_from(request.domain)
        blinded = list(request.blinded)
        if not 1 <= len(blinded) <= MAX_ELEMENTS:
            raise MessageError(f"A batch is not of 1 to {MAX_ELEMENTS:,} blinded elements.", "Split it.")
        if any(len(element) != ELEMENT_BYTES for element in blinded):
            raise MessageError(f"A blinded element is not {ELEMENT_BYTES} bytes long.")
        with self._evaluator.place(len(blinded)):
            self._debit(caller(), domain, len(blinded))
            evaluated, proof = self._evaluator.evaluate(domain, blinded)
        return v1.EvaluateResponse(evaluated=evaluated, proof=proof)

    def _debit(self, identity: Identity, domain: Domain, units: int) -> None:
        now = self._clock.now()
        permissions = self._permissions()
        if identity.role is Role.OWNER:
            grant = permissions.for_owner(identity.spiffe_id, domain, now)
            subject, limit = f"evaluations grant {grant.grant_id}", grant.evaluations_per_day
            total = f"{subject} generation {domain.generation}"
            with writing(self._engine) as connection:
                quotas.debit(connection, subject, units, limit=limit, period=quotas.DAY, moment=now)
                limit = grant.evaluations_per_generation
                quotas.debit(connection, total, units, limit=limit, period=None, moment=now)
                counts.add(connection, Counted.OWNER, units, subject=grant.grant_id, moment=now)
        elif identity.role is Role.CAMERA:
            camera = permissions.for_camera(identity.spiffe_id, domain, now)
            # Counted for each list: spending all on one would be more than the camera can see.
            subject = f"evaluations camera {identity.name} list {domain.list_id}"
            limit = camera.evaluations_per_hour
            with writing(self._engine) as connection:
                quotas.debit(connection, subject, units, limit=limit, period=quotas.HOUR, moment=now)
                counts.add(
                    connection, Counted.CAMERA, units, subject=domain.list_id, zone=domain.zone, moment=now
                )
        else:
            raise IdentityError("Only owners and cameras have pseudonyms evaluated.")


def domain_from(message: types_pb2.Domain) -> Domain:
    """The domain of a message. Raises MessageError."""
    return Domain(message.list_id, message.zone, message.generation)
