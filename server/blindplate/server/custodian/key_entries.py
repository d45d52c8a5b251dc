"""This custodian's evaluation keys in the ledger: one entry for every domain that a grant names.

Guarantees that each is entered once, as soon as the grant is witnessed, so that anyone can tell under which keys
cameras and owners evaluate; and that a custodian whose ledger says another key than it has, as one restored with
another seed would, names the domain in an alarm. Protocol sections 3 and 7.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine

from blindplate.core.domains import Domain
from blindplate.core.parties import Custodian
from blindplate.core.signing import SigningKey, Statement
from blindplate.core.statements.announced_keys import EvaluationKey
from blindplate.core.statements.model import DomainPart
from blindplate.edge.logs import log
from blindplate.server.custodian import outbox
from blindplate.server.custodian.grants import Permissions
from blindplate.server.custodian.storage import writing


def announced(custodian: Custodian, domain: Domain, public: bytes, signer: SigningKey) -> Statement:
    """The signed statement of one domain's evaluation key: the same bytes each time."""
    key = EvaluationKey(custodian=custodian, domain=DomainPart.of(domain), public=public)
    return key.statement(signer)


class KeyEntries:
    """Enters ``custodian``'s keys; ``public`` gives the one (32 bytes) of a domain, ``permissions`` what is allowed now."""

    def __init__(
        self,
        custodian: Custodian,
        signer: SigningKey,
        public: Callable[[Domain], bytes],
        permissions: Callable[[], Permissions],
        engine: Engine,
    ) -> None:
        self._custodian = custodian
        self._signer = signer
        self._public = public
        self._permissions = permissions
        self._engine = engine
        # Domains dealt with since the start: a key is derived once for each.
        self._entered: set[Domain] = set()

    def enter(self, _moment: float) -> None:
        """Put into the outbox what the ledger lacks. Raises StorageError."""
        permissions = self._permissions()
        for domain in sorted(permissions.domains() - self._entered):
            public = self._public(domain)
            known = permissions.state.evaluation_keys.get((self._custodian, domain))
            if known is None:
                with writing(self._engine) as connection:
                    outbox.put(connection, announced(self._custodian, domain, public, self._signer))
            elif known != public:
                log().error(
                    "evaluation-key-differs",
                    list=domain.list_id,
                    zone=domain.zone,
                    generation=domain.generation,
                )
            self._entered.add(domain)
