"""Pseudonyms: both custodians' keys make them, proofs are checked, malformed elements are refused."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindplate.core.domains import CHARGING_DAY, HOURLY, Domain, Epoch
from blindplate.core.encoding import derive, encode
from blindplate.core.errors import MessageError, ProofError
from blindplate.core.pseudonyms import MAX_BATCH, Blinding, DomainKey, combine, pseudonym
from tests.unit.core.rfc9497_reference import ORDER, Mode, Suite

DOMAIN = Domain("stolen", "west", 3)
OTHER = Domain("stolen", "west", 4)
KEY = DomainKey.derive(b"a" * 32, DOMAIN)
IDENTITY = bytes(32)
VOPRF = Suite(Mode.VOPRF)
SCALARS = st.integers(1, ORDER - 1)


def test_oblivious_and_direct_evaluation_give_the_same_outputs() -> None:
    plates = [b"one", b"two", b"one"]
    blinding = Blinding.blind(plates)
    assert blinding.finalize(*KEY.blind_evaluate(blinding.blinded), KEY.public) == [
        KEY.evaluate(plate) for plate in plates
    ]


def test_a_batch_is_blinded_afresh_every_time() -> None:
    blinded = [*Blinding.blind([b"one", b"one"]).blinded, *Blinding.blind([b"one"]).blinded]
    assert len(set(blinded)) == 3


def test_a_domain_secret_gives_the_key_that_the_seed_gives() -> None:
    secret = derive(b"a" * 32, "domain-secret", DOMAIN.encode())
    assert DomainKey.from_secret(secret, DOMAIN) == KEY


def test_keys_of_other_domains_and_seeds_are_other_keys() -> None:
    publics = {
        KEY.public,
        DomainKey.derive(b"a" * 32, OTHER).public,
        DomainKey.derive(b"b" * 32, DOMAIN).public,
    }
    assert len(publics) == 3


def test_one_secret_used_in_two_domains_gives_two_keys() -> None:
    assert DomainKey.from_secret(KEY.secret, OTHER).public != KEY.public


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_seed_or_secret_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(MessageError):
        DomainKey.derive(bytes(length), DOMAIN)
    with pytest.raises(MessageError):
        DomainKey.from_secret(bytes(length), DOMAIN)


@settings(max_examples=8, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=1, max_size=80), SCALARS, SCALARS)
def test_the_reference_and_this_module_agree_on_random_inputs(
    secret: bytes, plate: bytes, blind: int, random_scalar: int
) -> None:
    key = DomainKey.from_secret(secret, DOMAIN)
    scalar, public = VOPRF.derive_key_pair(secret, DOMAIN.encode())
    assert public == key.public
    assert VOPRF.evaluate(scalar, plate) == key.evaluate(plate)

    evaluated, proof = key.blind_evaluate([VOPRF.blind(plate, blind)])
    assert VOPRF.proof_holds(public, [VOPRF.blind(plate, blind)], evaluated, proof)
    assert VOPRF.finalize(plate, blind, evaluated[0]) == key.evaluate(plate)

    blinding = Blinding.blind([plate, b"other"])
    assert blinding.finalize(*VOPRF.blind_evaluate(scalar, blinding.blinded, random_scalar), public)[
        0
    ] == key.evaluate(plate)


def test_the_reference_refuses_what_another_key_evaluated() -> None:
    scalar, _ = VOPRF.derive_key_pair(KEY.secret, DOMAIN.encode())
    blinded = [VOPRF.blind(b"one", 5)]
    evaluated, proof = VOPRF.blind_evaluate(scalar + 1, blinded, 7)
    assert not VOPRF.proof_holds(KEY.public, blinded, evaluated, proof)


def test_an_evaluation_under_another_key_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    blinding = Blinding.blind([b"a-plate-no-trace-names", b"two"])
    evaluated, proof = DomainKey.derive(b"a" * 32, OTHER).blind_evaluate(blinding.blinded)
    with pytest.raises(ProofError):
        blinding.finalize(evaluated, proof, KEY.public)
    # The library's panic reaches standard error on its own way: it must say nothing of the inputs.
    assert "a-plate-no-trace-names" not in capfd.readouterr().err


def test_evaluated_elements_in_another_order_are_refused() -> None:
    blinding = Blinding.blind([b"one", b"two"])
    evaluated, proof = KEY.blind_evaluate(blinding.blinded)
    with pytest.raises(ProofError):
        blinding.finalize(evaluated[::-1], proof, KEY.public)


def test_a_proof_of_another_batch_is_refused() -> None:
    blinding = Blinding.blind([b"one"])
    _, proof = KEY.blind_evaluate(Blinding.blind([b"one"]).blinded)
    evaluated, _ = KEY.blind_evaluate(blinding.blinded)
    with pytest.raises(ProofError):
        blinding.finalize(evaluated, proof, KEY.public)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2 * 32 + 64 - 1), st.integers(1, 255))
def test_a_flipped_bit_in_elements_or_proof_is_refused(position: int, flip: int) -> None:
    blinding = Blinding.blind([b"one", b"two"])
    evaluated, proof = KEY.blind_evaluate(blinding.blinded)
    bent = bytearray(b"".join(evaluated) + proof)
    bent[position] ^= flip
    with pytest.raises(ProofError):
        blinding.finalize([bytes(bent[:32]), bytes(bent[32:64])], bytes(bent[64:]), KEY.public)


def test_an_evaluation_of_the_wrong_shape_is_refused() -> None:
    blinding = Blinding.blind([b"one", b"two"])
    evaluated, proof = KEY.blind_evaluate(blinding.blinded)
    shapes = [
        (evaluated[:1], proof),
        ([*evaluated, evaluated[0]], proof),
        ([evaluated[0] + evaluated[1][:1], evaluated[1][1:]], proof),
        (evaluated, proof[:-1]),
        (evaluated, proof + b"\0"),
    ]
    for elements, shaped in shapes:
        with pytest.raises(ProofError):
            blinding.finalize(elements, shaped, KEY.public)


@pytest.mark.parametrize("public", [IDENTITY, b"", b"\xff" * 32, bytes(31), KEY.public + b"\0"])
def test_a_public_key_that_is_none_is_refused(public: bytes) -> None:
    blinding = Blinding.blind([b"one"])
    with pytest.raises(ProofError):
        blinding.finalize(*KEY.blind_evaluate(blinding.blinded), public)


def test_an_error_that_is_no_panic_passes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupting:
        @staticmethod
        def finalize_batch(*_: object) -> list[bytes]:
            raise KeyboardInterrupt

    blinding = Blinding.blind([b"one"])
    evaluated, proof = KEY.blind_evaluate(blinding.blinded)
    monkeypatch.setattr("blindplate.core.pseudonyms.ristretto.Client", Interrupting)
    with pytest.raises(KeyboardInterrupt):
        blinding.finalize(evaluated, proof, KEY.public)


@pytest.mark.parametrize("element", [IDENTITY, b"", b"\xff" * 32, bytes(31), KEY.public + b"\0"])
def test_an_invalid_or_identity_element_is_not_evaluated(element: bytes) -> None:
    with pytest.raises(MessageError):
        KEY.blind_evaluate([*Blinding.blind([b"one"]).blinded, element])


def test_batches_of_none_and_of_more_than_the_rfc_counts_are_refused() -> None:
    for size in (0, MAX_BATCH + 1):
        with pytest.raises(MessageError):
            KEY.blind_evaluate([IDENTITY] * size)
        with pytest.raises(MessageError):
            Blinding.blind([b"one"] * size)


@pytest.mark.parametrize("plate", [b"", bytes(1 << 16)])
def test_an_empty_or_overlong_input_is_refused_both_ways(plate: bytes) -> None:
    with pytest.raises(MessageError):
        KEY.evaluate(plate)
    with pytest.raises(MessageError):
        Blinding.blind([plate])


def test_combined_outputs_and_pseudonyms_are_the_macs_of_the_specification() -> None:
    f_a, f_b, epoch = b"a" * 64, b"b" * 64, Epoch(HOURLY, 500_000)
    f = combine(f_a, f_b, DOMAIN)
    assert f == hmac.new(f_a + f_b, encode("pseudonym", DOMAIN.encode()), hashlib.sha512).digest()
    assert pseudonym(f, epoch) == hmac.new(f, epoch.encode(), hashlib.sha256).digest()


def test_either_custodians_output_the_domain_and_the_epoch_change_the_pseudonym() -> None:
    a, b = b"a" * 64, b"b" * 64
    combined = {combine(a, b, DOMAIN), combine(b, a, DOMAIN), combine(a, a, DOMAIN), combine(a, b, OTHER)}
    assert len(combined) == 4
    epochs = [Epoch(HOURLY, 1), Epoch(HOURLY, 2), Epoch(CHARGING_DAY, 1)]
    assert len({pseudonym(a, epoch) for epoch in epochs}) == 3


def test_outputs_of_another_length_are_refused() -> None:
    whole, short = b"a" * 64, b"a" * 63
    for f_a, f_b in ((whole, short), (short, whole), (short, whole + b"a")):
        with pytest.raises(MessageError):
            combine(f_a, f_b, DOMAIN)
    with pytest.raises(MessageError):
        pseudonym(short, Epoch(HOURLY, 1))


def test_secrets_are_not_shown() -> None:
    assert KEY.secret.hex() not in repr(KEY)
    assert repr(KEY.secret) not in repr(KEY)
    assert "Client" not in repr(Blinding.blind([b"one"]))
