"""What the camera's tests share: one zone with two lists, keys of every party, and reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from blindplate.client.camera.events import PlatePatch, ReadEvent, Vehicle
from blindplate.client.camera.keys import SealingKeys
from blindplate.client.camera.policy import PolicyFile
from blindplate.client.camera.policy_serials import PolicySerials
from blindplate.client.camera.reads import CameraRead
from blindplate.client.camera.seal import CameraIdentity
from blindplate.core.domains import CHARGING_DAY, HOURLY, EpochRule
from blindplate.core.hpke import OpeningKey, generate_seed
from blindplate.core.plates import canonicalize
from blindplate.core.pseudonyms import DomainKey
from blindplate.core.signing import SigningKey
from blindplate.core.statements.disclosure import DisclosedField, Disclosure
from blindplate.core.statements.grants import ListKind
from blindplate.core.statements.model import EpochRulePart
from blindplate.core.statements.policies import ListPolicy, PseudonymMode, ZonePolicy
from blindplate.edge.keyfiles import write_statement
from blindplate.edge.settings import TrustedKeys

NOW = 1_760_000_000.0
PLATE = "KT21ABC"
ZONE = "inner"


@dataclass
class MovedClock:
    """A clock that stands until it is moved."""

    moment: float = NOW

    def now(self) -> float:
        return self.moment


@dataclass(frozen=True)
class Parties:
    """Everybody's keys."""

    operator: SigningKey = field(default_factory=SigningKey.generate)
    a: SigningKey = field(default_factory=SigningKey.generate)
    b: SigningKey = field(default_factory=SigningKey.generate)
    matcher: SigningKey = field(default_factory=SigningKey.generate)
    camera: SigningKey = field(default_factory=SigningKey.generate)
    release_a: OpeningKey = field(default_factory=lambda: OpeningKey.from_seed(generate_seed()))
    release_b: OpeningKey = field(default_factory=lambda: OpeningKey.from_seed(generate_seed()))
    window: OpeningKey = field(default_factory=lambda: OpeningKey.from_seed(generate_seed()))
    seed_a: bytes = b"a" * 32
    seed_b: bytes = b"b" * 32

    def trust(self) -> TrustedKeys:
        return TrustedKeys(
            operator=self.operator.public,
            custodian_a=self.a.public,
            custodian_b=self.b.public,
            matcher=self.matcher.public,
        )

    def sealing_keys(self) -> SealingKeys:
        return SealingKeys(
            self.release_a.sealing_key(), self.release_b.sealing_key(), self.window.sealing_key()
        )

    def identity(self) -> CameraIdentity:
        return CameraIdentity("camera-1", self.camera, 51.5, -0.12)

    def policy(
        self, *entries: ListPolicy, serial: int = 1, mode: PseudonymMode = PseudonymMode.OBLIVIOUS
    ) -> ZonePolicy:
        return ZonePolicy(
            zone=ZONE,
            serial=serial,
            not_before=int(NOW) - 1000,
            not_after=int(NOW) + 100_000,
            mode=mode,
            custodian_a=self.a.public,
            custodian_b=self.b.public,
            matcher=self.matcher.public,
            lists=entries or (police(), emissions()),
        )

    def write(self, path: Path, policy: ZonePolicy) -> Path:
        write_statement(path, policy.statement(self.a, self.b))
        return path

    def policy_file(self, folder: Path, policy: ZonePolicy) -> PolicyFile:
        """``policy`` as ``folder``'s policy.json."""
        path = self.write(folder / "policy.json", policy)
        return PolicyFile(path, self.trust(), ZONE, PolicySerials(folder / "serials.json"))

    def domain_keys(self, policy: ZonePolicy, entry: ListPolicy) -> tuple[DomainKey, DomainKey]:
        domain = policy.domain(entry)
        return DomainKey.derive(self.seed_a, domain), DomainKey.derive(self.seed_b, domain)


def entry(list_id: str, rule: EpochRule, disclosure: Disclosure, kind: ListKind) -> ListPolicy:
    """A list's policy; its evaluation keys are no real ones."""
    return ListPolicy(
        list_id=list_id,
        list_kind=kind,
        generation=1,
        grant_id=f"{list_id}-1",
        epoch=EpochRulePart.of(rule),
        disclosure=disclosure,
        evaluation_key_a=bytes(32),
        evaluation_key_b=bytes(32),
    )


def police() -> ListPolicy:
    """Everything disclosed, to the minute."""
    disclosure = Disclosure(fields=frozenset(DisclosedField), time_granularity_seconds=60)
    return entry("police", HOURLY, disclosure, ListKind.HOTLIST)


def emissions(max_delay_seconds: int = 60) -> ListPolicy:
    """The camera withheld, the hour told."""
    disclosure = Disclosure(
        fields=frozenset({DisclosedField.CONFIDENCE}),
        time_granularity_seconds=3600,
        max_delay_seconds=max_delay_seconds,
    )
    return entry("emissions", CHARGING_DAY, disclosure, ListKind.EMISSIONS)


def event(text: str = PLATE, captured_at: float = NOW, **fields: object) -> ReadEvent:
    """An event with everything in it."""
    whole: dict[str, object] = {
        "country": "GB",
        "confidence": 0.9,
        "direction": "towards",
        "patch": PlatePatch(b"\xff\xd8\xffpatch", "image/jpeg"),
        "vehicle": Vehicle("Ford", "Focus", "blue"),
        **fields,
    }
    return ReadEvent(text, captured_at, **whole)  # type: ignore[arg-type]  # the fields above, as named


def read(text: str = PLATE, captured_at: float = NOW, *, alternate: bool = False) -> CameraRead:
    """A read; its tag is its plate's encoding."""
    plate = canonicalize(text, "GB").encode()
    return CameraRead(plate, plate, round(captured_at * 1000), alternate, event(text, captured_at))
