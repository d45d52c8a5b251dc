"""How a list is spread: bins, slots a bin, and the degree that is published.

Guarantees that what is published depends on the declared number of entries alone, never on where the entries fall.
The degree is the least that a random placement of that many entries exceeds with probability below 1/4; an owner
whose entries exceed it places them anew under a fresh salt, and twenty salts in a row fail with probability below 2**-40.
Does not say which entry goes where: that is ``mapping``. Protocol section 5; docs/spec/match.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, lgamma, log, log1p
from typing import Final

from blindplate.core.errors import InputError, UploadError
from blindplate.psi.parameters import ParameterSet

OVERFLOW: Final = 2.0**-2
SALTS_TRIED: Final = 20


@dataclass(frozen=True, slots=True)
class Layout:
    """The public shape of one uploaded list, and what follows from it under its parameter set.

    ``slots`` is the number of slots in a batch; bin b owns slots b * replicas to (b + 1) * replicas - 1, and the few
    slots that no bin owns only ever hold dummies. Sizes are in bytes; ``failure_log2`` is per answer,
    ``stranger_log2`` per read.
    """

    slots: int
    bins: int
    degree: int
    upload_bytes: int
    answer_bytes: int
    failure_log2: float
    stranger_log2: float

    @property
    def replicas(self) -> int:
        """Slots a bin: as many reads of one bin fit into a batch."""
        return self.slots // self.bins

    @property
    def blobs(self) -> int:
        """Ciphertexts in the upload: the encryption of zero and the coefficients below the leading one."""
        return self.degree + 1

    def bin_of(self, slot: int) -> int:
        """The bin that owns ``slot``. Raises InputError for a slot that none owns."""
        if not 0 <= slot < self.bins * self.replicas:
            raise InputError("No bin owns this slot.")
        return slot // self.replicas


def plan(entries: int, parameters: ParameterSet) -> Layout:
    """The layout for a list declared to hold at most ``entries`` entries. Raises InputError when it is too long."""
    if entries < 0:
        raise InputError("A list cannot hold fewer than no entries.")
    bins = min(parameters.poly_degree, max(1, entries // parameters.anonymity))
    degree = max(parameters.anonymity, -(-entries // bins))
    while degree <= parameters.max_degree and bins * _tail(entries, bins, degree) >= OVERFLOW:
        degree += 1
    if degree > parameters.max_degree:
        raise InputError(
            f"A list of {entries} entries is too long for the parameter set {parameters.name}.",
            "Split the list into segments, or choose a set for longer lists.",
        )
    return _layout(bins, degree, parameters)


def declared(bins: int, degree: int, parameters: ParameterSet) -> Layout:
    """The layout that an upload's manifest declares. Raises UploadError unless the set admits it."""
    if not 1 <= bins <= parameters.poly_degree:
        raise UploadError("A manifest declares more bins than there are slots, or none.")
    if not parameters.anonymity <= degree <= parameters.max_degree:
        raise UploadError("A manifest declares a degree that its parameter set does not admit.")
    return _layout(bins, degree, parameters)


def _layout(bins: int, degree: int, parameters: ParameterSet) -> Layout:
    return Layout(
        slots=parameters.poly_degree,
        bins=bins,
        degree=degree,
        upload_bytes=(degree + 1) * parameters.blob_bytes,
        answer_bytes=parameters.answer_bytes,
        failure_log2=parameters.noise.failure_log2(degree),
        stranger_log2=parameters.noise.stranger_log2(degree),
    )


def _tail(entries: int, bins: int, degree: int) -> float:
    """Probability that one of ``bins`` bins gets more than ``degree`` of ``entries``, degree at or above the mean."""
    if degree >= entries:
        return 0.0
    above, share = degree + 1, 1 / bins
    term = exp(
        lgamma(entries + 1)
        - lgamma(above + 1)
        - lgamma(entries - above + 1)
        + above * log(share)
        + (entries - above) * log1p(-share)
    )
    total = term
    while above < entries and term > 1e-12 * total:
        term *= (entries - above) / ((above + 1) * (bins - 1))
        total += term
        above += 1
    return total
