"""A domain's secret on its way from a custodian to a camera in local mode.

Sealed by HPKE to a key the camera made for this and keeps in memory, bound to custodian and domain. Whether a camera
may have it is the custodian's to decide; that it is the right one the camera checks against its signed policy.
Protocol section 3.
"""

from __future__ import annotations

from blindplate.core.domains import Domain
from blindplate.core.encoding import encode
from blindplate.core.hpke import OpeningKey, SealingKey
from blindplate.core.parties import Custodian
from blindplate.core.pseudonyms import DomainKey


def seal_local_key(key: DomainKey, custodian: Custodian, recipient: SealingKey) -> bytes:
    """The secret of ``key`` (32 bytes) sealed to ``recipient``. Raises EnvelopeError for a degenerate recipient."""
    return recipient.seal(key.secret, _info(custodian, key.domain))


def open_local_key(sealed: bytes, custodian: Custodian, domain: Domain, recipient: OpeningKey) -> DomainKey:
    """The key sealed above. Raises EnvelopeError for another custodian's or domain's, MessageError for no secret."""
    return DomainKey.from_secret(recipient.open(sealed, _info(custodian, domain)), domain)


def _info(custodian: Custodian, domain: Domain) -> bytes:
    return encode("local-key", custodian.encode(), domain.encode())
