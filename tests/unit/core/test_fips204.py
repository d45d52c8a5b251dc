"""The tests' own ML-DSA-44 is the standard's: another implementation has the same keys and accepts its signatures."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from tests.unit.core.fips204_reference import SigningKey


@pytest.mark.parametrize("index", range(4))
def test_keys_are_the_same_and_signatures_verify(index: int) -> None:
    key = SigningKey.from_seed(bytes([index]) * 32)
    theirs = MLDSA44PrivateKey.from_seed_bytes(bytes([index]) * 32).public_key()
    assert key.public == theirs.public_bytes_raw()
    message = b"message %d" % index
    theirs.verify(key.sign(message), message)
    assert key.sign(message) == key.sign(message)
    with pytest.raises(InvalidSignature):
        theirs.verify(key.sign(message), b"another")
