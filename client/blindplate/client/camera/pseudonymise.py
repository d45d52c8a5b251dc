"""F_D of plates: obliviously at both custodians, or with a domain's keys on the camera.

Guarantees that both ways give the same outputs, checked against the evaluation keys of the signed policy: by the
custodians' proofs in oblivious mode, by the keys' public halves in local mode. What custodians gave is remembered a
short while, since it was paid for from a quota and a vehicle comes back; in memory only. Protocol section 3.
"""

from __future__ import annotations

import hmac
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, Self

from blindplate.client.camera.reads import CameraRead
from blindplate.core.domains import Domain
from blindplate.core.errors import BlindplateError, ProofError, UnavailableError
from blindplate.core.pseudonyms import DomainKey, combine
from blindplate.core.statements.policies import ListPolicy, ZonePolicy

CACHE_SECONDS: Final = 900.0
CACHE_LIMIT: Final = 50_000
_RETRY_SECONDS: Final = (1.0, 15.0)

# Gives the keys of custodian A and B for a domain.
FetchKeys = Callable[[Domain], tuple[DomainKey, DomainKey]]


@dataclass(frozen=True, slots=True)
class EvaluationScope:
    """A domain and the public evaluation keys (32 bytes each) its signed policy names."""

    domain: Domain
    public_a: bytes
    public_b: bytes

    @classmethod
    def of(cls, policy: ZonePolicy, entry: ListPolicy) -> Self:
        """What ``policy`` says of one of its lists."""
        return cls(policy.domain(entry), entry.evaluation_key_a, entry.evaluation_key_b)


class Pseudonymiser(Protocol):
    """Gives F_D of reads."""

    def evaluate(self, scope: EvaluationScope, reads: Sequence[CameraRead], now: float) -> list[bytes]:
        """F_D of every read in order, 64 bytes each. ``now`` is in seconds."""
        ...


class Evaluator(Protocol):
    """Both custodians, as ``CustodianPair`` asks them."""

    def evaluate(
        self, domain: Domain, plates: Sequence[bytes], public_a: bytes, public_b: bytes
    ) -> list[bytes]:
        """F_D of every plate encoding in order."""
        ...


class Oblivious:
    """Asks the custodians, each plate of a batch once, and only for plates not lately asked for."""

    def __init__(
        self,
        custodians: Evaluator,
        *,
        cache_seconds: float = CACHE_SECONDS,
        cache_limit: int = CACHE_LIMIT,
    ) -> None:
        self._custodians = custodians
        self._seconds = cache_seconds
        self._limit = cache_limit
        # By scope and plate tag, oldest first: until when, and F_D.
        self._cache: OrderedDict[tuple[EvaluationScope, bytes], tuple[float, bytes]] = OrderedDict()

    def evaluate(self, scope: EvaluationScope, reads: Sequence[CameraRead], now: float) -> list[bytes]:
        """F_D of every read. Raises what ``CustodianPair.evaluate`` raises; then nothing is remembered of the batch."""
        self._expire(now)
        known: dict[bytes, bytes] = {}
        missing: dict[bytes, bytes] = {}
        for read in reads:
            cached = self._cache.get((scope, read.tag))
            if cached is not None:
                known[read.tag] = cached[1]
            else:
                missing[read.tag] = read.plate
        if missing:
            plates = list(missing.values())
            outputs = self._custodians.evaluate(scope.domain, plates, scope.public_a, scope.public_b)
            for tag, output in zip(missing, outputs, strict=True):
                known[tag] = output
                self._cache[scope, tag] = (now + self._seconds, output)
            while len(self._cache) > self._limit:
                self._cache.popitem(last=False)
        return [known[read.tag] for read in reads]

    def _expire(self, now: float) -> None:
        # Entries are in the order they were made, and all live equally long. One that expires too late because the
        # clock was set back is gone with the ones before it at the latest when the bound is reached.
        while self._cache and next(iter(self._cache.values()))[0] <= now:
            self._cache.popitem(last=False)


class Local:
    """Evaluates on the camera with both custodians' keys of each domain of its zone, held in memory.

    ``refresh`` is for one thread; ``evaluate`` may be called from another. Keys are fetched ahead, not for the first
    read: a camera that is cut off before it goes on.
    """

    def __init__(self, fetch: FetchKeys) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._keys: dict[EvaluationScope, tuple[DomainKey, DomainKey]] = {}
        self._next_attempt = float("-inf")
        self._wait = _RETRY_SECONDS[0]

    def evaluate(self, scope: EvaluationScope, reads: Sequence[CameraRead], now: float) -> list[bytes]:
        """F_D of every read. Raises UnavailableError while the keys are not there."""
        del now
        with self._lock:
            pair = self._keys.get(scope)
        if pair is None:
            raise UnavailableError("The keys of local mode were not fetched yet.")
        key_a, key_b = pair
        return [
            combine(key_a.evaluate(read.plate), key_b.evaluate(read.plate), scope.domain) for read in reads
        ]

    def refresh(self, scopes: Collection[EvaluationScope], moment: float) -> list[BlindplateError]:
        """Fetch the keys of ``scopes`` that are missing, if it is time to, and forget all others; what went wrong.

        A key that is not the policy's is a ProofError; another error is what ``fetch`` raised.
        """
        with self._lock:
            self._keys = {scope: pair for scope, pair in self._keys.items() if scope in scopes}
            missing = [scope for scope in scopes if scope not in self._keys]
        if not missing or moment < self._next_attempt:
            return []
        failures: list[BlindplateError] = []
        for scope in missing:
            try:
                pair = self._fetched(scope)
            except BlindplateError as error:
                failures.append(error)
                if isinstance(error, UnavailableError):
                    # A custodian that is away is away for every list.
                    break
                continue
            with self._lock:
                self._keys[scope] = pair
        self._wait = min(2 * self._wait, _RETRY_SECONDS[1]) if failures else _RETRY_SECONDS[0]
        self._next_attempt = moment + self._wait if failures else float("-inf")
        return failures

    def _fetched(self, scope: EvaluationScope) -> tuple[DomainKey, DomainKey]:
        pair = self._fetch(scope.domain)
        publics = (scope.public_a, scope.public_b)
        for custodian, key, public in zip("ab", pair, publics, strict=True):
            if not hmac.compare_digest(key.public, public):
                raise ProofError(f"The local key of custodian {custodian} is not the one the policy names.")
        return pair
