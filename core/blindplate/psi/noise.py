"""How much noise an answer carries, and how seldom it spoils one.

BFV that has run out of noise decrypts to a wrong value without a word, so the figures of a parameter set are computed
here from its numbers alone, written into its file, and checked against it whenever it is loaded; the self-test then
measures a real answer against them. Variances are those of independent noise (the usual average-case analysis);
probabilities are union bounds that use no more than a second moment. Protocol section 5; docs/spec/match.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2, prod, sqrt

from blindplate.psi.randomness import ERROR_VARIANCE

_SECRET_VARIANCE = 2 / 3  # SEAL's secrets and the masks' u are uniform over -1, 0, 1
_ROUNDING_VARIANCE = 1 / 12


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """The numbers of a parameter set that noise depends on."""

    poly_degree: int
    data_primes: tuple[int, ...]
    answer_primes: int
    plain_modulus: int
    lanes: int

    def deviation(self, degree: int) -> float:
        """Standard deviation of one coefficient's noise in an answer to a list of ``degree``, modulo the answer's primes.

        Four sources: the list's own noise, multiplied by two plaintexts of uniform coefficients and summed over the
        degree, then scaled down with the modulus; the rounding of that scaling; u times the noise of the encryption of
        zero; e times the secret.
        """
        plain = self.poly_degree * self.plain_modulus**2 / 12
        dropped = prod(self.data_primes[self.answer_primes :])
        summed = degree * (ERROR_VARIANCE + _ROUNDING_VARIANCE) * plain**2 / dropped**2
        switched = (1 + self.poly_degree * _SECRET_VARIANCE) * _ROUNDING_VARIANCE
        masked = 2 * self.poly_degree * _SECRET_VARIANCE * ERROR_VARIANCE
        return sqrt(summed + switched + masked)

    def margin_bits(self, degree: int) -> float:
        """Bits between eight deviations and the noise at which a coefficient decodes wrongly (q / 2t)."""
        return self._answer_modulus_bits() - 1 - log2(self.plain_modulus) - log2(8 * self.deviation(degree))

    def failure_log2(self, degree: int) -> float:
        """log2 of the probability that an honest answer's hits do not open.

        Z is uniform, so adding noise e moves a coefficient over one of t rounding boundaries with probability exactly
        |e| * t / q. One coefficient spoils all slots; E|e| is at most the deviation; lanes * N coefficients.
        """
        expected = self.lanes * self.poly_degree * self.deviation(degree) * self.plain_modulus
        return log2(expected) - self._answer_modulus_bits()

    def stranger_log2(self, degree: int) -> float:
        """log2 of the probability that a read that is not on the list hits: its element is one of ``degree`` roots."""
        return log2(degree) - log2(self.plain_modulus - 1)

    def _answer_modulus_bits(self) -> float:
        return sum(log2(prime) for prime in self.data_primes[: self.answer_primes])
