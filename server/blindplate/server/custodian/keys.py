"""CustodianKeys: the announcements of release keys and evaluation keys, signed (protocol sections 3 and 4).

Read-only, for enrolled cameras and owners. An evaluation key is announced only for a domain that a grant names.
"""

from __future__ import annotations

from collections.abc import Callable

import grpc

from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey
from blindplate.edge.clock import Clock
from blindplate.server.authorization import Access, Role
from blindplate.server.custodian.evaluation import domain_from
from blindplate.server.custodian.evaluator import Evaluator
from blindplate.server.custodian.grants import Permissions
from blindplate.server.custodian.key_entries import announced
from blindplate.server.custodian.release_keys import ReleaseKeys
from blindplate.server.serving import Service
from blindplate.v1 import pseudonyms_pb2 as v1
from blindplate.v1 import pseudonyms_pb2_grpc as rpc

_READERS = frozenset({Role.OWNER, Role.CAMERA})
_ACCESS: Access = {
    "/blindplate.v1.CustodianKeys/ReleaseKeys": _READERS,
    "/blindplate.v1.CustodianKeys/EvaluationKey": _READERS,
}


class CustodianKeys(rpc.CustodianKeysServicer):
    """Announces the public keys of one custodian."""

    def __init__(
        self,
        custodian: Custodian,
        signer: SigningKey,
        release_keys: ReleaseKeys,
        evaluator: Evaluator,
        permissions: Callable[[], Permissions],
        clock: Clock,
    ) -> None:
        self._custodian = custodian
        self._signer = signer
        self._release_keys = release_keys
        self._evaluator = evaluator
        self._permissions = permissions
        self._clock = clock

    def service(self) -> Service:
        """How it is added to a server."""
        return Service(lambda server: rpc.add_CustodianKeysServicer_to_server(self, server), _ACCESS)

    def ReleaseKeys(  # noqa: N802  the name is the protocol's
        self, request: v1.ReleaseKeysRequest, context: grpc.ServicerContext
    ) -> v1.ReleaseKeysResponse:
        """The keys in force or to come, newest last."""
        del request, context
        statements = self._release_keys.announcements(self._clock.now())
        return v1.ReleaseKeysResponse(statements=[statement.to_proto() for statement in statements])

    def EvaluationKey(  # noqa: N802  the name is the protocol's
        self, request: v1.EvaluationKeyRequest, context: grpc.ServicerContext
    ) -> v1.EvaluationKeyResponse:
        """The public key of one domain."""
        del context
        domain = domain_from(request.domain)
        self._permissions().require_known(domain)
        statement = announced(self._custodian, domain, self._evaluator.public(domain), self._signer)
        return v1.EvaluationKeyResponse(statement=statement.to_proto())
