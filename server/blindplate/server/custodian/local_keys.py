"""LocalKeys: a zone's secrets for its own cameras, where both custodians signed a policy for local mode.

Guarantees that a secret leaves only sealed to the asking camera, only for a domain of a grant in force and a zone
whose register names the camera, unless it was revoked, only while the zone's policy says local mode, the one in this
custodian's folder as well as the latest in the ledger, where everyone can see it, and only so often a day. A stolen
camera then lets a thief test guesses for that zone and generation: why a policy chooses local mode is for its signers
to weigh. Protocol section 3; guarantee G2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import grpc
from sqlalchemy import Engine

from blindplate.core.domains import Domain
from blindplate.core.errors import PolicyError
from blindplate.core.hpke import SealingKey
from blindplate.core.local_keys import seal_local_key
from blindplate.core.parties import Custodian
from blindplate.core.statements.policies import PseudonymMode, ZonePolicy
from blindplate.edge.clock import Clock
from blindplate.edge.logs import log
from blindplate.server.authorization import Access, Role, caller
from blindplate.server.custodian import counts, quotas
from blindplate.server.custodian.counts import Counted
from blindplate.server.custodian.evaluation import domain_from
from blindplate.server.custodian.evaluator import Evaluator
from blindplate.server.custodian.grants import Permissions
from blindplate.server.custodian.storage import writing
from blindplate.server.serving import Service
from blindplate.server.signed_folder import SignedFolder
from blindplate.v1 import pseudonyms_pb2 as v1
from blindplate.v1 import pseudonyms_pb2_grpc as rpc

# A camera asks once for each domain when it starts.
FETCHES_PER_DAY: Final = 50
_ACCESS: Access = {"/blindplate.v1.LocalKeys/Fetch": frozenset({Role.CAMERA})}


class LocalKeys(rpc.LocalKeysServicer):
    """Hands out the secrets of domains in local mode."""

    def __init__(
        self,
        custodian: Custodian,
        permissions: Callable[[], Permissions],
        policies: SignedFolder[ZonePolicy],
        evaluator: Evaluator,
        engine: Engine,
        clock: Clock,
    ) -> None:
        self._custodian = custodian
        self._permissions = permissions
        self._policies = policies
        self._evaluator = evaluator
        self._engine = engine
        self._clock = clock

    def service(self) -> Service:
        """How it is added to a server."""
        return Service(lambda server: rpc.add_LocalKeysServicer_to_server(self, server), _ACCESS)

    def Fetch(  # noqa: N802  the name is the protocol's
        self, request: v1.FetchLocalKeyRequest, context: grpc.ServicerContext
    ) -> v1.FetchLocalKeyResponse:
        """Check, count, seal."""
        del context
        domain, camera, now = domain_from(request.domain), caller(), self._clock.now()
        recipient = SealingKey.from_public(request.recipient)
        permissions = self._permissions()
        permissions.for_camera(camera.spiffe_id, domain, now)
        _require_local(permissions.state.policies.get(domain.zone), domain, now)
        _require_local(self._installed(domain.zone, now), domain, now)
        with writing(self._engine) as connection:
            subject = f"local keys camera {camera.name} list {domain.list_id}"
            quotas.debit(connection, subject, 1, limit=FETCHES_PER_DAY, period=quotas.DAY, moment=now)
            counts.add(connection, Counted.LOCAL_KEY, 1, subject=domain.list_id, zone=domain.zone, moment=now)
        log().info("local-key-handed-out", camera=camera.name, list=domain.list_id, zone=domain.zone)
        sealed = seal_local_key(self._evaluator.key(domain), self._custodian, recipient)
        return v1.FetchLocalKeyResponse(sealed_secret=sealed)

    def _installed(self, zone: str, moment: float) -> ZonePolicy | None:
        """The newest policy in force for the zone, however many older ones lie beside it."""
        statements = self._policies.current().statements
        inforce = [one.model for one in statements if one.model.zone == zone and _in_force(one.model, moment)]
        return max(inforce, key=lambda policy: policy.serial, default=None)


def _require_local(policy: ZonePolicy | None, domain: Domain, moment: float) -> None:
    if policy is None or not _in_force(policy, moment) or policy.mode is not PseudonymMode.LOCAL:
        raise PolicyError(
            f"No policy in force puts zone {domain.zone} into local mode.",
            "Use oblivious mode, or have both custodians sign such a policy, and enter it in the ledger.",
        )
    policy.find(domain)


def _in_force(policy: ZonePolicy, moment: float) -> bool:
    return policy.not_before <= moment < policy.not_after
